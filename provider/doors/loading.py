"""What every door loads at its start, without what it has no use for."""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def lean() -> Iterator[None]:
    """Load inside what a door needs, and no command line of a library's.

    httpx loads its own, and trio where that is installed: nearly half of all there is to load, at
    every command of Pulumi's. What is loaded stays, so there is nothing to collect meanwhile.
    """
    gc.disable()
    try:
        with _without("httpx._main", "trio"):
            import httpcore  # noqa: F401, PLC0415 - httpx would load it later

            yield
    finally:
        gc.enable()


@contextmanager
def _without(*modules: str) -> Iterator[None]:
    """Keep what is imported inside from loading these modules."""
    left_out = [name for name in modules if name not in sys.modules]
    sys.modules.update(dict.fromkeys(left_out, cast("Any", None)))  # importing them fails
    try:
        yield
    finally:
        for name in left_out:
            del sys.modules[name]
