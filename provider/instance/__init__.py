"""The rules: what an element instance is, becomes and remembers; knows no HTTP and no server."""
