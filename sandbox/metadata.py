"""What the platform says about elements: lists, descriptions, configuration, metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .addressing import target_element
from .elements import stable_number
from .exchange import Answer, Call, Route
from .hubs import OBJECTS
from .paging import paged
from .where import holds, where

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .elements import Element

_LARGEST_METADATA_PAGE = 500
_PROVIDER_DATA = {"oauth2": ["code"], "oauth1": ["oauth_token", "oauth_verifier", "secret"]}


def list_elements(call: Call) -> Answer:
    """Answer with a page of elements; `abridged=true` leaves their configuration out.

    docs: it may also stand in `where` (doctor-core, getPrivateElements.js:30-32, 2022).
    """
    conditions = where(call)
    abridged = conditions.pop("abridged", []) == ["true"] or call.flag("abridged")
    fitting = [one for one in call.tenant.elements.all() if holds(conditions, one.brief)]
    return paged(
        call, [one.brief if abridged else one.document for one in fitting], what="elements"
    )


def list_keys(call: Call) -> Answer:
    """Answer with all element keys."""
    return Answer([element.key for element in call.tenant.elements.all()])


def list_hubs(call: Call) -> Answer:
    """Answer with the hubs of the elements.

    docs: the fields of a hub (ce-go, hubs.go, 2018).
    """
    keys = sorted({str(one.document["hub"]) for one in call.tenant.elements.all()})
    hubs = [
        {
            "id": stable_number(f"hub:{key}", 1, 1000),
            "key": key,
            "name": key.title(),
            "description": "",
            "active": True,
        }
        for key in keys
    ]
    return paged(call, hubs, what="hubs")


def get_element(call: Call) -> Answer:
    """Answer with one element and its configuration entries."""
    return Answer(target_element(call).document)


def get_configuration(call: Call) -> Answer:
    """Answer with configuration, providerData and authentication as one object."""
    element = target_element(call)
    names = _PROVIDER_DATA.get(element.authentication({}), [])
    return Answer(
        {
            "configuration": element.entries,
            "providerData": [{"key": name, "name": name, "required": True} for name in names],
            "authentication": element.document["authentication"],
        }
    )


def get_metadata(call: Call) -> Answer:
    """Answer with what an element can do; `expand=true` tells more."""
    element = target_element(call)
    more = _more_metadata(call, element) if call.flag("expand") else {}
    return Answer(_metadata(element) | more)


def list_metadata(call: Call) -> Answer:
    """Answer with a page of what elements can do."""
    found = [_metadata(one) for one in call.tenant.elements.all()]
    return paged(call, found, what="elements", largest=_LARGEST_METADATA_PAGE)


def _metadata(element: Element) -> dict[str, Any]:
    return {name: element.document[name] for name in ("id", "name", "key", "description")} | {
        "authenticationType": element.authentication({}),
        "events": _events(element),
        "discovery": {"supported": False},
        "bulk": {"supported": element.document["bulkDownloadEnabled"]},
    }


def _more_metadata(call: Call, element: Element) -> dict[str, Any]:
    """Return what `expand=true` adds.

    docs: the vendor's test suite, element.metadata.expanedschema.json (2017).
    """
    document = element.document
    instances = call.tenant.store.instances_by_element().get(element.key, 0)
    bulk = {"upload": document["bulkUploadEnabled"], "download": document["bulkDownloadEnabled"]}
    custom = ("customFields", "customObjects", "endpointCustomFields", "endpointCustomObjects")
    return {name: document[name] for name in ("image", "active", "beta", "cloneable", "hub")} | {
        "displayOrder": 1,
        "transformations": document["transformationsEnabled"],
        "elementType": "custom" if document["private"] else "system",
        "churros": True,
        "normalizedPaging": True,
        "swaggerValidated": True,
        "discovery": dict.fromkeys(custom, False),
        "bulk": bulk,
        "usage": {"instanceCount": instances, "customerCount": 1, "traffic": 0},
        "api": {"type": "rest", "contentType": "json"},
        "resources": [_resource(name) for name in OBJECTS],
    }


def _resource(name: str) -> dict[str, Any]:
    unsupported = {"supported": False, "native": False}
    return {
        "canonicalName": name,
        "operations": ["GET"],
        "events": {"supported": False, "methods": [], "eventTypes": []},
        "bulk": {"upload": unsupported, "download": unsupported},
        "customField": dict.fromkeys(("get", "create", "update", "delete"), False),
    }


def _events(element: Element) -> dict[str, Any]:
    vendor_type = str(element.defaults().get("event.vendor.type") or "")
    polling, webhook = vendor_type == "polling", vendor_type.startswith("webhook")
    methods = [name for name, has in (("polling", polling), ("webhook", webhook)) if has]
    return {
        "supported": bool(methods),
        "methods": methods,
        "polling": polling,
        "webhook": webhook,
    }


def export(call: Call) -> Answer:
    """Answer with an element for import elsewhere: without numeric ids."""
    document = target_element(call).document
    entries = [{k: v for k, v in entry.items() if k != "id"} for entry in document["configuration"]]
    return Answer({k: v for k, v in document.items() if k != "id"} | {"configuration": entries})


ROUTES: Sequence[Route] = (
    Route("GET", "/hubs", list_hubs),
    Route("GET", "/elements", list_elements, "elements"),
    Route("GET", "/elements/keys", list_keys, "elements"),
    Route("GET", "/elements/metadata", list_metadata, "elements"),
    Route("GET", "/elements/{key}", get_element, "elements"),
    Route("GET", "/elements/{key}/configuration", get_configuration, "elements"),
    Route("GET", "/elements/{key}/metadata", get_metadata, "elements"),
    Route("GET", "/elements/{key}/export", export, "elements"),
)
