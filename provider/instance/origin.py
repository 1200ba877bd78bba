"""How an instance came to its resource."""

from __future__ import annotations

from enum import Enum


class Origin(Enum):
    """How an instance came to its resource; the state remembers it."""

    CREATED = "created"
    """A create of the resource made it."""
    RECOVERED = "recovered"
    """So did one whose answer was lost, or an earlier run."""
    ADOPTED = "adopted"
    """It was there before, and the program asked for it by `adopt`."""
