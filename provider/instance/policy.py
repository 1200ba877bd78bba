"""What an input means beyond its value: a mark that stands on its field."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Policy:
    """What a field means beyond its value."""

    replaces: bool = False
    """A change makes a new instance, and deletes the old one."""
    write_only: bool = False
    """Sent and never stored in outputs; taking it away is no change."""
    secret: bool = False
    """Always marked secret, whatever the program says."""
    request: str = ""
    """Its name in the create request, where it goes there as it is and nowhere else."""
    key: str = ""
    """The configuration key that it is another word for."""
