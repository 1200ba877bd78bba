"""Calls to the vendor through an instance, by its token: enough to see whether it works.

docs: the hub in the path is ignored, and `/accounts` works without one (vendor's test suite, 2018).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, RefusalError, Route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.store import Instance


_OBJECTS = ("accounts", "contacts")
_REFRESHES = 5


def _usable(call: Call) -> None:
    instance = call.token_instance
    assert instance is not None
    if instance.disabled:
        raise RefusalError(403, "The element instance is disabled")
    if instance.refused:
        raise RefusalError(401, "Request failed", provider_message="authentication failed")


def ping(call: Call) -> Answer:
    """Answer with the time when the instance works."""
    _usable(call)
    return Answer({"dateTime": call.tenant.now_text(), "endpoint": call.path})


def objects(call: Call) -> Answer:
    """Answer with the names of objects, even for a disabled instance."""
    del call
    return Answer(list(_OBJECTS))


def resource(call: Call) -> Answer:
    """Answer like a vendor that holds nothing."""
    _usable(call)
    raise RefusalError(404, f"No {call.path.rpartition('/')[2]} found")


ROUTES: Sequence[Route] = (
    Route("GET", "/ping", ping, "hub"),
    Route("GET", "/objects", objects, "hub"),
    Route("GET", "/hubs/{hub}/ping", ping, "hub"),
    Route("GET", "/hubs/{hub}/objects", objects, "hub"),
    Route("GET", "/hubs/{hub}/{resource}", resource, "hub"),
    *(Route("GET", f"/{name}", resource, "hub") for name in _OBJECTS),
)
