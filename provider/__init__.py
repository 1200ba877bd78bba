"""Cloud Elements element instances for Pulumi programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .resource import ElementInstance

__all__ = ["ElementInstance"]


def __getattr__(name: str) -> Any:
    """Load the resource when it is asked for: the command line does without Pulumi's SDK."""
    if name != "ElementInstance":
        message = f"module 'provider' has no attribute '{name}'"
        raise AttributeError(message)
    from .resource import ElementInstance  # noqa: PLC0415

    return ElementInstance
