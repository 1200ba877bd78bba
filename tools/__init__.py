"""Programs around the project: the engine, throw-away projects, the demo."""
