"""Cloud Elements element instances for Pulumi programs.

Installed, this package is `pulumi_cloud_elements`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .lifecycle import PROVIDER
    from .resource import ElementInstance, Events, belongs_here
    from .stack import declare_stack

__all__ = ["PROVIDER", "ElementInstance", "Events", "belongs_here", "declare_stack"]

_HOMES = {
    "ElementInstance": ".resource",
    "Events": ".resource",
    "PROVIDER": ".lifecycle",
    "belongs_here": ".resource",
    "declare_stack": ".stack",
}


if not TYPE_CHECKING:  # a type checker would take any name for one of these

    def __getattr__(name: str) -> Any:
        """Load what is asked for, and no more: the command line does without Pulumi's SDK."""
        if name not in _HOMES:
            message = f"module '{__name__}' has no attribute '{name}'"
            raise AttributeError(message)
        return getattr(import_module(_HOMES[name], __name__), name)
