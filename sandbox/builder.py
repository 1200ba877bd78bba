"""Elements of one's own: made, changed, cloned, switched on and off, deleted.

docs: the vendor's test suite, elements.js and its common.js (2018).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .addressing import target_element
from .collection import element_from
from .exchange import NO_BODY, Answer, Call, RefusalError, Route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .elements import Element
    from .records import Document
    from .tenant import Tenant

_ELEMENT = "element"


def own_elements(tenant: Tenant) -> list[Element]:
    """Return the elements of one's own that are kept."""
    return [element_from(record["document"]) for record in tenant.store.records.all(_ELEMENT)]


def _own(call: Call) -> tuple[Document, dict[str, Any]]:
    """Return the record of the element that the path names, and its description."""
    element = target_element(call)
    for record in call.tenant.store.records.all(_ELEMENT):
        if record["document"]["key"] == element.key:
            return record, record["document"]
    raise RefusalError(403, f"The element {element.key} is not your own")


def _kept(call: Call, document: dict[str, Any], record: Document | None = None) -> Answer:
    try:
        element = element_from(document)
    except ValueError as problem:
        raise RefusalError(400, f"Bad request: {problem}") from None
    records = call.tenant.store.records
    records.save((record or records.add(_ELEMENT, {})) | {"document": element.document})
    call.tenant.elements.add(element)
    return Answer(element.document)


def _new(call: Call, document: dict[str, Any]) -> Answer:
    if call.tenant.elements.has(str(document["key"])):
        raise RefusalError(409, f"There is an element {document['key']}")
    return _kept(call, document | {"private": True})


def create(call: Call) -> Answer:
    """Make an element; without a key it gets one from its name."""
    body = call.json_object()
    key = body.get("key") or re.sub(r"[^a-z0-9]", "", str(body.get("name", "")).lower())
    if not key:
        raise RefusalError(400, "Bad request: a name is required")
    return _new(call, {name: value for name, value in body.items() if name != "id"} | {"key": key})


def clone(call: Call) -> Answer:
    """Copy an element under another key, without the platform's own OAuth application."""
    document = target_element(call).document
    number = 1
    while call.tenant.elements.has(f"{document['key']}clone{number}"):
        number += 1
    entries = [
        {k: v for k, v in entry.items() if k != "defaultValue" or entry["key"] != "oauth.api.key"}
        for entry in document["configuration"]
    ]
    copied = {name: value for name, value in document.items() if name != "id"}
    key = f"{document['key']}clone{number}"
    return _new(call, copied | {"key": key, "configuration": entries})


def change(call: Call) -> Answer:
    """Replace what the body gives, but for key and id."""
    record, document = _own(call)
    fixed = {name: document[name] for name in ("key", "id", "private")}
    return _kept(call, document | call.json_object() | fixed, record)


def set_active(call: Call) -> Answer:
    """Switch an element on with PUT, and off with DELETE."""
    record, document = _own(call)
    return _kept(call, document | {"active": call.method == "PUT"}, record)


def delete(call: Call) -> Answer:
    """Delete an element that has no instances."""
    record, document = _own(call)
    if document["key"] in call.tenant.store.instances_by_element():
        raise RefusalError(409, f"The element {document['key']} has instances")
    call.tenant.store.records.delete(record)
    call.tenant.elements.remove(document["key"])
    return Answer(NO_BODY)


ROUTES: Sequence[Route] = (
    Route("POST", "/elements", create),
    Route("POST", "/elements/{key}/clone", clone),
    Route("PUT", "/elements/{key}", change),
    Route("DELETE", "/elements/{key}", delete),
    Route("PUT", "/elements/{key}/active", set_active),
    Route("DELETE", "/elements/{key}/active", set_active),
)
