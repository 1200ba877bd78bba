"""What an instance adds to its element's objects: definitions of objects, and transformations.

They are kept and told, and change no data. docs: the vendor's test suite, transformations.js and
its schemas (2017); cectl, instances.go (2018).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.addressing import target_instance
from sandbox.exchange import NO_BODY, Answer, Call, RefusalError, Route

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sandbox.store import Instance

    Kept = Callable[[Instance], dict[str, Any]]

_LEVEL = "instance"


def _definitions(instance: Instance) -> dict[str, Any]:
    return instance.definitions


def _transformations(instance: Instance) -> dict[str, Any]:
    return instance.transformations


def _all(call: Call, kept: Kept, what: str) -> Answer:
    instance, _ = target_instance(call)
    if not kept(instance):
        raise RefusalError(404, f"No {what}s found")
    return Answer(kept(instance))


def _one(call: Call, kept: Kept, what: str) -> tuple[Instance, str]:
    instance, _ = target_instance(call)
    name = call.path_parameters["object_name"]
    if call.method != "POST" and name not in kept(instance):
        raise RefusalError(404, f"No {what} found for '{name}'")
    if call.method == "POST" and name in kept(instance):
        raise RefusalError(409, f"There is a {what} for '{name}'")
    return instance, name


def _kept(call: Call, kept: Kept, what: str, document: dict[str, Any]) -> Answer:
    instance, name = _one(call, kept, what)
    kept(instance)[name] = {"objectName": name, "level": _LEVEL} | document
    call.tenant.store.save_instance(instance)
    return Answer(kept(instance)[name])


def _deleted(call: Call, kept: Kept, what: str) -> Answer:
    instance, name = _one(call, kept, what)
    del kept(instance)[name]
    call.tenant.store.save_instance(instance)
    return Answer(NO_BODY)


def _fields(body: dict[str, Any]) -> list[dict[str, Any]]:
    fields = body.get("fields")
    if not isinstance(fields, list) or not all(isinstance(one, dict) for one in fields):
        raise RefusalError(400, "Bad request: fields is not a list of objects")
    return [one | {"level": _LEVEL} for one in fields]


def list_definitions(call: Call) -> Answer:
    """Answer with every object definition by its object's name."""
    return _all(call, _definitions, "object definition")


def get_definition(call: Call) -> Answer:
    """Answer with the definition of one object."""
    instance, name = _one(call, _definitions, "object definition")
    return Answer(instance.definitions[name])


def keep_definition(call: Call) -> Answer:
    """Take a new definition with POST, another one with PUT."""
    return _kept(call, _definitions, "object definition", {"fields": _fields(call.json_object())})


def delete_definition(call: Call) -> Answer:
    """Delete a definition."""
    return _deleted(call, _definitions, "object definition")


def list_transformations(call: Call) -> Answer:
    """Answer with every transformation by its object's name."""
    return _all(call, _transformations, "transformation")


def get_transformation(call: Call) -> Answer:
    """Answer with the transformation of one object."""
    instance, name = _one(call, _transformations, "transformation")
    return Answer(instance.transformations[name])


def keep_transformation(call: Call) -> Answer:
    """Take a new transformation with POST, another one with PUT.

    docs: it needs the definition of its object (vendor's issue 374, 2016).
    """
    body = call.json_object()
    instance, name = _one(call, _transformations, "transformation")
    if name not in instance.definitions:
        reason = f"No object definition found for '{name}' so no transformation can be created"
        raise RefusalError(400, reason)
    if not isinstance(body.get("vendorName"), str):
        raise RefusalError(400, "Bad request: vendorName is required")
    document = {
        "vendorName": body["vendorName"],
        "fields": _fields(body),
        "configuration": body.get("configuration") or [],
        "isLegacy": False,
        "startDate": call.tenant.now_text(),
    }
    return _kept(call, _transformations, "transformation", document)


def delete_transformation(call: Call) -> Answer:
    """Delete a transformation."""
    return _deleted(call, _transformations, "transformation")


def _routes(prefix: str, access: str) -> Iterator[Route]:
    definitions = f"{prefix}/objects/{{object_name}}/definitions"
    transformations = f"{prefix}/transformations/{{object_name}}"
    yield Route("GET", f"{prefix}/objects/definitions", list_definitions, access)
    yield Route("GET", f"{prefix}/transformations", list_transformations, access)
    for method, of_definition, of_transformation in (
        ("GET", get_definition, get_transformation),
        ("POST", keep_definition, keep_transformation),
        ("PUT", keep_definition, keep_transformation),
        ("DELETE", delete_definition, delete_transformation),
    ):
        yield Route(method, definitions, of_definition, access)
        yield Route(method, transformations, of_transformation, access)


ROUTES: Sequence[Route] = (*_routes("/instances/{id}", "platform"), *_routes("/instances", "token"))
