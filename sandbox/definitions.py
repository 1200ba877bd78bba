"""What an instance adds to its element's objects: definitions of objects, and transformations.

They are kept and told, and change no data. docs: the vendor's test suite, transformations.js and
its schemas (2017); cectl, instances.go (2018).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from .addressing import target_instance
from .exchange import NO_BODY, Answer, Call, RefusalError, Route

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .store import Instance

_LEVEL = "instance"


@dataclass(frozen=True)
class _Kind:
    """Definitions or transformations."""

    name: str
    of: Callable[[Instance], dict[str, Any]]
    """Returns those of an instance, by the name of the object."""
    content: Callable[[Call, Instance], dict[str, Any]]
    """Returns what is kept of a body."""


def _fields(body: dict[str, Any]) -> list[dict[str, Any]]:
    fields = body.get("fields")
    if not isinstance(fields, list) or not all(isinstance(one, dict) for one in fields):
        raise RefusalError(400, "Bad request: fields is not a list of objects")
    return [one | {"level": _LEVEL} for one in fields]


def _definition(call: Call, _: Instance) -> dict[str, Any]:
    return {"fields": _fields(call.json_object())}


def _transformation(call: Call, instance: Instance) -> dict[str, Any]:
    """Return a transformation; docs: it needs the definition of its object (issue 374, 2016)."""
    body, name = call.json_object(), call.path_parameters["object_name"]
    if name not in instance.definitions:
        reason = f"No object definition found for '{name}' so no transformation can be created"
        raise RefusalError(400, reason)
    if not isinstance(body.get("vendorName"), str):
        raise RefusalError(400, "Bad request: vendorName is required")
    return {
        "vendorName": body["vendorName"],
        "fields": _fields(body),
        "configuration": body.get("configuration") or [],
        "isLegacy": False,
        "startDate": call.tenant.now_text(),
    }


_KINDS = {
    "objects/{object_name}/definitions": _Kind(
        "object definition", lambda instance: instance.definitions, _definition
    ),
    "transformations/{object_name}": _Kind(
        "transformation", lambda instance: instance.transformations, _transformation
    ),
}
"""By the path of one of them; that of all lacks the object's name."""


def _all(kind: _Kind, call: Call) -> Answer:
    """Answer with all of a kind by the object's name."""
    instance, _ = target_instance(call)
    if not kind.of(instance):
        raise RefusalError(404, f"No {kind.name}s found")
    return Answer(kind.of(instance))


def _one(kind: _Kind, call: Call) -> tuple[Instance, str]:
    instance, _ = target_instance(call)
    name = call.path_parameters["object_name"]
    if call.method != "POST" and name not in kind.of(instance):
        raise RefusalError(404, f"No {kind.name} found for '{name}'")
    if call.method == "POST" and name in kind.of(instance):
        raise RefusalError(409, f"There is a {kind.name} for '{name}'")
    return instance, name


def _get(kind: _Kind, call: Call) -> Answer:
    """Answer with that of one object."""
    instance, name = _one(kind, call)
    return Answer(kind.of(instance)[name])


def _keep(kind: _Kind, call: Call) -> Answer:
    """Take a new one with POST, another one with PUT."""
    instance, name = _one(kind, call)
    kept = {"objectName": name, "level": _LEVEL} | kind.content(call, instance)
    kind.of(instance)[name] = kept
    call.tenant.store.save_instance(instance)
    return Answer(kept)


def _delete(kind: _Kind, call: Call) -> Answer:
    """Delete that of one object."""
    instance, name = _one(kind, call)
    del kind.of(instance)[name]
    call.tenant.store.save_instance(instance)
    return Answer(NO_BODY)


def _routes(prefix: str, access: str) -> Iterator[Route]:
    handlers = {"GET": _get, "POST": _keep, "PUT": _keep, "DELETE": _delete}
    for path, kind in _KINDS.items():
        every = path.replace("/{object_name}", "")
        yield Route("GET", f"{prefix}/{every}", partial(_all, kind), access)
        for method, handler in handlers.items():
            yield Route(method, f"{prefix}/{path}", partial(handler, kind), access)


ROUTES: Sequence[Route] = (*_routes("/instances/{id}", "platform"), *_routes("/instances", "token"))
