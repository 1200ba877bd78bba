"""Calls to the vendor through an instance, by its token: enough to see whether it works.

docs: the hub in the path is ignored, and `/accounts` works without one (vendor's test suite, 2018).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.addressing import find_element
from sandbox.exchange import Answer, Call, RefusalError, Route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.store import Instance


_OBJECTS = ("accounts", "contacts")
_REFRESHES = 5


def _usable(call: Call) -> None:
    instance = call.token_instance
    assert instance is not None
    _refresh(call, instance)
    if instance.disabled:
        raise RefusalError(403, "The element instance is disabled")
    if instance.refused:
        raise RefusalError(401, "Request failed", provider_message="authentication failed")


def _refresh(call: Call, instance: Instance) -> None:
    """Renew the vendor's token, if the switch lets that fail; the fifth failure disables.

    docs: an instance is disabled after five failed refreshes (help centre, automatic disabling).
    """
    if instance.disabled or call.tenant.switches.text("token_refresh") == "works":
        return
    element = find_element(call, instance.element_key)
    if element.authentication(instance.configuration, instance.provider_data) != "oauth2":
        return
    instance.failed_refreshes += 1
    instance.disabled = instance.failed_refreshes >= _REFRESHES
    call.tenant.store.save_instance(instance)
    reason = "invalid_grant: the refresh token is not valid"
    raise RefusalError(401, "Request failed", provider_message=reason)


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
