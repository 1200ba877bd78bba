"""The wire: the platform's REST API, one way out."""
