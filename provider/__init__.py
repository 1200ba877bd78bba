"""Cloud Elements element instances for Pulumi programs."""

from provider.resource import ElementInstance

__all__ = ["ElementInstance"]
