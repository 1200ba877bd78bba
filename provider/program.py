"""What Pulumi's SDK does for each resource of a program without need, and how it is spared.

Nothing here changes what a run does or when it fails. Where another SDK is built otherwise, it goes
its own way. Measured with pulumi 3.217.0 and 3.272.0 (2026-11), see `findings`.
"""

from __future__ import annotations

import asyncio
import gc
import os
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import pulumi
from pulumi.runtime import settings

from .instance import runs

if TYPE_CHECKING:
    from collections.abc import Iterable

_waits: WeakKeyDictionary[object, asyncio.Task[None]] = WeakKeyDictionary()
"""For each run of a program, who waits for all of it."""


_COLLECTED = 50_000
"""New objects after which Python looks for garbage; by default it is 700. The SDK makes hundreds
for each resource, nearly all of which last, so looking took nearly half of the time to declare."""


def spare() -> None:
    """Spare the program what the SDK would do for the resource that was just declared."""
    if 0 < gc.get_threshold()[0] < _COLLECTED:
        gc.set_threshold(_COLLECTED, *gc.get_threshold()[1:])
    if os.environ.get(runs.UNHEARD):
        pulumi.log.debug = _nothing  # a call of its own to the engine, four for each resource
    sdk: Any = settings.SETTINGS
    rpcs: Any = getattr(getattr(sdk, "rpc_manager", None), "rpcs", None)
    if isinstance(rpcs, list) and hasattr(sdk, "outputs"):
        _wait_once(sdk, rpcs)


def _nothing(*_arguments: object, **_named: object) -> None:
    """Send no debug message."""


def _wait_once(sdk: Any, rpcs: list[Any]) -> None:
    """Have the SDK wait for all that is open at once.

    It waits for registrations before it waits for outputs, but only where one has begun when the
    program's text has run, which none has. So it waits for outputs alone, of which each resource
    has twenty: it begins anew with all of them whenever one is there, or (3.217) asks without a
    pause. With something to wait for among the registrations it waits for that.
    """
    loop = asyncio.get_running_loop()
    waits = _waits.get(sdk.rpc_manager)
    if waits is None or waits.get_loop() is not loop:
        waits = _waits[sdk.rpc_manager] = loop.create_task(_all_settled(sdk, rpcs))
        rpcs.append(waits)
    loop.call_soon(_put_last, rpcs, waits)


def _put_last(rpcs: list[Any], waits: object) -> None:
    """Have the SDK, which takes the last first, wait for this before all registrations."""
    for at in range(len(rpcs) - 1, -1, -1):
        if rpcs[at] is waits:
            rpcs.append(rpcs.pop(at))
            return


async def _all_settled(sdk: Any, rpcs: Iterable[Any]) -> None:
    """Wait until nothing is open, or something failed, which is raised as the SDK does."""
    own = asyncio.current_task()
    while True:
        with sdk.lock:
            known = {one for one in (*sdk.outputs, *rpcs) if one is not own}
        if all(one.done() for one in known):
            return
        done, _ = await asyncio.wait(known, return_when=asyncio.FIRST_EXCEPTION)
        for one in done:
            one.result()
