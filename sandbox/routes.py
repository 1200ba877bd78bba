"""All routes of the platform API, and which of them a path means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.routing import compile_path

from . import (
    builder,
    changes,
    configuration,
    creation,
    definitions,
    events,
    formulas,
    hubs,
    instances,
    metadata,
    oauth,
    organization,
    sessions,
    swagger,
)

if TYPE_CHECKING:
    from re import Pattern

    from .exchange import Route

_SOURCES = (
    organization,
    metadata,
    builder,
    oauth,
    creation,
    instances,
    changes,
    configuration,
    definitions,
    swagger,
    sessions,
    events,
    formulas,
    hubs,
)


@dataclass(frozen=True, slots=True)
class Path:
    """A path template with its routes by method."""

    template: str
    pattern: Pattern[str]
    routes: dict[str, Route]


def _paths() -> list[Path]:
    by_template: dict[str, dict[str, Route]] = {}
    for source in _SOURCES:
        for route in source.ROUTES:
            by_template.setdefault(route.template, {})[route.method] = route
    # Fixed words before parameters: `/instances/count` is no instance id.
    templates = sorted(by_template, key=lambda t: [part.startswith("{") for part in t.split("/")])
    return [Path(t, compile_path(t)[0], by_template[t]) for t in templates]


PATHS = _paths()


def is_template(path: str) -> bool:
    """Return whether a text is the template of a path."""
    return any(path == candidate.template for candidate in PATHS)


def find(path: str, *, by_token: bool = False) -> tuple[Path, dict[str, str]] | None:
    """Return the path template that fits, with the parameters in the path.

    Any word at all may be a resource of the vendor, but only by the token of an instance.
    """
    for candidate in PATHS:
        match = candidate.pattern.match(path)
        if match and (by_token or candidate.template != hubs.WITHOUT_HUB):
            return candidate, match.groupdict()
    return None
