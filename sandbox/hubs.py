"""Calls to the vendor through an instance, by its token: enough to see whether it works.

docs: the hub in the path is ignored, and resources work without one (vendor's test suite,
instances.js:381-427, 2018).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .addressing import find_element
from .exchange import Answer, Call, RefusalError, Route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .store import Instance


OBJECTS = {"accounts": "Account", "contacts": "Contact"}
"""Names of the objects that every element here offers, each with the vendor's name."""
WITHOUT_HUB = "/{resource}"
"""Any other path of one word: a resource of the vendor, where the header names an Element."""
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
    """Answer with the time when the instance works.

    docs: with all three parts of the header it also tells `valid` (ezra-sample-app,
    instances.js:230-262, 2022); one that does not work answers with an error (cectl, 2018).
    """
    told = "Organization" in call.authorization
    body: dict[str, Any] = {"dateTime": call.tenant.now_text(), "endpoint": call.path}
    try:
        _usable(call)
    except RefusalError:
        if not told or call.tenant.switches.text("ping_failure") == "status":
            raise
        return Answer(body | {"valid": False})
    return Answer(body | ({"valid": True} if told else {}))


def objects(call: Call) -> Answer:
    """Answer with the objects, even for a disabled instance.

    docs: their names; in detail with `Elements-Version: Helium` (vendor's test suite,
    instances.js:401-414, 2018).
    """
    assert call.token_instance is not None
    defined = [name for name in call.token_instance.definitions if name not in OBJECTS]
    if call.headers.get("elements-version", "").lower() != "helium":
        return Answer([*OBJECTS, *defined])
    own = [(name, name, "vdr") for name in defined]
    of_element = [
        (shown, vendor_name, kind)
        for name, vendor_name in OBJECTS.items()
        for shown, kind in ((vendor_name, "vendor"), (name, "ceCanonical"))
    ]
    names = ("name", "vendorName", "type")
    return Answer([dict(zip(names, one, strict=True)) for one in [*of_element, *own]])


def resource(call: Call) -> Answer:
    """Answer like a vendor that holds nothing.

    docs: 200 and `[]` (vendor's test suite, zendesk users.js:23, freshservice incidents.js:69,
    2018), where the platform's own lists are 404.
    """
    _usable(call)
    return Answer([], headers={"elements-returned-count": "0", "elements-total-count": "0"})


ROUTES: Sequence[Route] = (
    Route("GET", "/ping", ping, "hub"),
    Route("GET", "/objects", objects, "hub"),
    Route("GET", "/hubs/{hub}/ping", ping, "hub"),
    Route("GET", "/hubs/{hub}/objects", objects, "hub"),
    Route("GET", "/hubs/{hub}/{resource}", resource, "hub"),
    Route("GET", WITHOUT_HUB, resource, "hub"),
)
