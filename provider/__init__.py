"""Cloud Elements element instances as Pulumi resources."""
