"""Descriptions of an API in Swagger: of an element, and of an instance with what it adds.

docs: `GET /instances/{id}/docs?version=-1` (kyma connector-tools, client.go, 2022); by token, by
operation and of an element (ce-go, instances.go and elements.go, 2018).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .addressing import target_element, target_instance
from .exchange import Answer, Call, RefusalError, Route
from .hubs import OBJECTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .elements import Element

_STATUSES = {
    "200": "OK",
    "401": "Unauthorized",
    "403": "The instance is disabled",
    "404": "Not found",
}


def element_docs(call: Call) -> Answer:
    """Answer with the description of an element's API."""
    return Answer(_described(call, target_element(call), {}))


def instance_docs(call: Call) -> Answer:
    """Answer with the description of an instance's API, with the objects that it defines."""
    instance, element = target_instance(call)
    return Answer(_described(call, element, instance.definitions))


def operation_docs(call: Call) -> Answer:
    """Answer with the description cut down to one operation, or with its definitions alone."""
    instance, element = target_instance(call)
    whole = _described(call, element, instance.definitions)
    wanted = call.path_parameters["operation_id"]
    for path, methods in whole["paths"].items():
        if methods["get"]["operationId"] == wanted:
            name = methods["get"]["tags"][0]
            definitions = {name: whole["definitions"][name]}
            if call.template.endswith("/definitions"):
                return Answer(definitions)
            return Answer(whole | {"paths": {path: methods}, "definitions": definitions})
    raise RefusalError(404, f"No operation found with ID {wanted}")


def _described(call: Call, element: Element, defined: Mapping[str, Any]) -> dict[str, Any]:
    names = [*OBJECTS, *(name for name in defined if name not in OBJECTS)]
    return {
        "swagger": "2.0",
        "info": {"title": element.document["name"], "version": "api-v2"},
        "host": call.origin.partition("://")[2],
        "basePath": "/elements/api-v2",
        "schemes": ["http"],
        "paths": {f"/{name}": {"get": _operation(name)} for name in names},
        "definitions": {
            name: _definition(defined.get(name, {"fields": []})["fields"]) for name in names
        },
    }


def _operation(name: str) -> dict[str, Any]:
    authorization = {
        "name": "Authorization",
        "in": "header",
        "description": "User and Element",
        "required": True,
        "type": "string",
    }
    size = {
        "name": "pageSize",
        "in": "query",
        "description": "Members of a page",
        "required": False,
        "type": "integer",
        "format": "int64",
    }
    responses: dict[str, Any] = {code: {"description": text} for code, text in _STATUSES.items()}
    responses["200"]["schema"] = {"type": "array", "items": {"$ref": f"#/definitions/{name}"}}
    return {
        "operationId": f"get{name[:1].upper()}{name[1:]}",
        "summary": f"List {name}",
        "tags": [name],
        "parameters": [authorization, size],
        "responses": responses,
    }


def _definition(fields: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    properties = {
        str(field.get("path")): {"type": str(field.get("type", "string"))} for field in fields
    }
    return {"type": "object", "properties": properties}


ROUTES: Sequence[Route] = (
    Route("GET", "/elements/{key}/docs", element_docs, "elements"),
    *(
        Route("GET", f"{prefix}/docs{rest}", handler, access)
        for prefix, access in (("/instances/{id}", "platform"), ("/instances", "token"))
        for rest, handler in (
            ("", instance_docs),
            ("/{operation_id}", operation_docs),
            ("/{operation_id}/definitions", operation_docs),
        )
    ),
)
