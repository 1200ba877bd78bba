"""What the platform says about elements: lists, descriptions, configuration, metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.addressing import target_element
from sandbox.exchange import Answer, Call, Route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.elements import Element

_LARGEST_PAGE = 200
_LARGEST_METADATA_PAGE = 500
_PROVIDER_DATA = {"oauth2": ["code"], "oauth1": ["oauth_token", "oauth_verifier", "secret"]}


def list_elements(call: Call) -> Answer:
    """Answer with a page of elements; `abridged=true` leaves their configuration out."""
    page, headers = _page(call, _LARGEST_PAGE)
    abridged = call.flag("abridged")
    return Answer([e.brief if abridged else e.document for e in page], headers=headers)


def _page(call: Call, default_size: int) -> tuple[list[Element], dict[str, str]]:
    elements = call.tenant.elements.all()
    first = call.number("nextPage") or 0
    most = min(call.number("pageSize") or default_size, default_size)
    page = elements[first : first + most]
    headers = {
        "elements-returned-count": str(len(page)),
        "elements-total-count": str(len(elements)),
    }
    if first + most < len(elements):
        headers["elements-next-page-token"] = str(first + most)
    return page, headers


def list_keys(call: Call) -> Answer:
    """Answer with all element keys."""
    return Answer([element.key for element in call.tenant.elements.all()])


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
    """Answer with what an element can do."""
    return Answer(_metadata(target_element(call)))


def list_metadata(call: Call) -> Answer:
    """Answer with a page of what elements can do."""
    page, headers = _page(call, _LARGEST_METADATA_PAGE)
    return Answer([_metadata(element) for element in page], headers=headers)


def _metadata(element: Element) -> dict[str, Any]:
    return {name: element.document[name] for name in ("id", "name", "key", "description")} | {
        "authenticationType": element.authentication({}),
        "events": _events(element),
        "discovery": {"supported": False},
        "bulk": {"supported": element.document["bulkDownloadEnabled"]},
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
    Route("GET", "/elements", list_elements, "elements"),
    Route("GET", "/elements/keys", list_keys, "elements"),
    Route("GET", "/elements/metadata", list_metadata, "elements"),
    Route("GET", "/elements/{key}", get_element, "elements"),
    Route("GET", "/elements/{key}/configuration", get_configuration, "elements"),
    Route("GET", "/elements/{key}/metadata", get_metadata, "elements"),
    Route("GET", "/elements/{key}/export", export, "elements"),
)
