"""Formulas and their instances, as far as they bear on element instances: they use them.

A formula runs nothing here. docs: the vendor's test suite, formulas.js and its schemas (2017-18);
ce-go, formulas.go (2018).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .elements import stable_number
from .exchange import NO_BODY, Answer, Call, RefusalError, Route
from .naming import without_html
from .paging import paged
from .values import is_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .records import Document
    from .store import Instance

_FORMULA, _INSTANCE = "formula", "formula instance"
_NEW_FORMULA: dict[str, Any] = {
    "userId": 3001,
    "accountId": 2001,
    "description": "",
    "active": True,
    "published": False,
    "singleThreaded": False,
    "engine": "v1",
    "debugLoggingEnabled": True,
    "steps": [],
    "triggers": [],
    "configuration": [],
}
_NEW_INSTANCE: dict[str, Any] = {"active": True, "configuration": {}, "settings": {}}


def using(call: Call, instance: Instance) -> list[Document]:
    """Return the formula instances whose configuration names an element instance."""
    found = call.tenant.store.records.all(_INSTANCE)
    return [one for one in found if _names(one, str(instance.id))]


def _names(formula_instance: Document, instance_id: str) -> bool:
    return instance_id in {str(value) for value in formula_instance["configuration"].values()}


def _found(call: Call, kind: str, parameter: str, parent: int | None = None) -> Document:
    text = call.path_parameters[parameter]
    number = int(text) if is_number(text) else 0
    document = call.tenant.store.records.get(kind, number, parent=parent)
    if document is None:
        raise RefusalError(404, f"No {kind} found with ID {text}")
    return document


def _formula(call: Call) -> Document:
    return _found(call, _FORMULA, "id")


def _instance(call: Call) -> Document:
    parent = _formula(call)["id"] if "id" in call.path_parameters else None
    return _found(call, _INSTANCE, "instance_id", parent)


def _given(call: Call, known: Mapping[str, Any], *, needs_name: bool) -> Document:
    """Return the fields of a body that are known, each of the kind it has to be."""
    body = call.json_object()
    given = {name: body[name] for name in ("name", *known) if body.get(name) is not None}
    for name, value in given.items():
        if not isinstance(value, type(known.get(name, ""))):
            raise RefusalError(400, f"Bad request: {name} is not what it has to be")
    if "name" in given:
        given["name"] = without_html(given["name"])
    if not given.get("name", "" if needs_name else "kept").strip():
        raise RefusalError(400, "Bad request: a name is required")
    return given


def _numbered(formula: Document) -> Document:
    """Return the formula with an id in each step, trigger and configuration entry."""
    for part in ("steps", "triggers", "configuration"):
        formula[part] = [
            {"id": stable_number(f"{formula['id']}:{part}:{at}", 1, 1_000_000)} | entry
            for at, entry in enumerate(formula[part])
            if isinstance(entry, dict)
        ]
    return formula


def _saved(call: Call, document: Document) -> Answer:
    call.tenant.store.records.save(document)
    return Answer(_whole(call, document))


def _whole(call: Call, document: Document) -> Document:
    """Return a document as answers show it: an instance with its whole formula."""
    if "formula" not in document:
        return document
    formula = call.tenant.store.records.get(_FORMULA, document["formula"]["id"])
    return document | {"formula": formula}


# Formulas


def list_formulas(call: Call) -> Answer:
    """Answer with a page of formulas; `abridged=true` leaves their steps out."""
    found = call.tenant.store.records.all(_FORMULA)
    if call.flag("abridged"):
        found = [{k: v for k, v in one.items() if k != "steps"} for one in found]
    return paged(call, found, what="formulas")


def create_formula(call: Call) -> Answer:
    """Make a formula."""
    given = _given(call, _NEW_FORMULA, needs_name=True)
    new = _NEW_FORMULA | {"createdDate": call.tenant.now_text()} | given
    return _saved(call, _numbered(call.tenant.store.records.add(_FORMULA, new)))


def get_formula(call: Call) -> Answer:
    """Answer with one formula."""
    return Answer(_formula(call))


def change_formula(call: Call) -> Answer:
    """Change what the body gives; PUT needs the name."""
    formula = _formula(call)
    given = _given(call, _NEW_FORMULA, needs_name=call.method == "PUT")
    return _saved(call, _numbered(formula | given))


def delete_formula(call: Call) -> Answer:
    """Delete a formula that has no instances."""
    formula, records = _formula(call), call.tenant.store.records
    if records.all(_INSTANCE, parent=formula["id"]):
        raise RefusalError(409, "The formula has instances")
    records.delete(formula)
    return Answer(NO_BODY)


# Instances of a formula


def list_all_instances(call: Call) -> Answer:
    """Answer with instances of all formulas, also with none.

    docs: by `elementInstanceId` and `searchText`, `[]` for none; those that are not active with
    `includeInactive` (vendor's test suite, formulas/instances.js:112-135, 2018).
    """
    found = call.tenant.store.records.all(_INSTANCE)
    wanted, text = call.parameter("elementInstanceId"), call.parameter("searchText") or ""
    if wanted is not None:
        found = [one for one in found if _names(one, wanted)]
    if not call.flag("includeInactive"):
        found = [one for one in found if one["active"]]
    found = [_whole(call, one) for one in found if text.lower() in one["name"].lower()]
    return paged(call, found, what="formula instances", empty=True)


def list_instances(call: Call) -> Answer:
    """Answer with the instances of one formula, also with none."""
    found = call.tenant.store.records.all(_INSTANCE, parent=_formula(call)["id"])
    return paged(call, [_whole(call, one) for one in found], what="formula instances", empty=True)


def create_instance(call: Call) -> Answer:
    """Make an instance of a formula."""
    formula = _formula(call)
    given = _given(call, _NEW_INSTANCE, needs_name=True)
    of = {"createdDate": call.tenant.now_text(), "formula": {"id": formula["id"]}}
    made = call.tenant.store.records.add(
        _INSTANCE, _NEW_INSTANCE | of | given, parent=formula["id"]
    )
    return Answer(_whole(call, made))


def get_instance(call: Call) -> Answer:
    """Answer with one instance of a formula."""
    return Answer(_whole(call, _instance(call)))


def put_instance(call: Call) -> Answer:
    """Replace what the body gives."""
    return _saved(call, _instance(call) | _given(call, _NEW_INSTANCE, needs_name=True))


def set_active(call: Call) -> Answer:
    """Activate an instance of a formula with PUT, and deactivate it with DELETE."""
    return _saved(call, _instance(call) | {"active": call.method == "PUT"})


def delete_instance(call: Call) -> Answer:
    """Delete an instance of a formula."""
    call.tenant.store.records.delete(_instance(call))
    return Answer(NO_BODY)


# What they would do by themselves


def list_jobs(call: Call) -> Answer:
    """Answer with a job for each active instance of an active formula with a schedule, or `[]`.

    docs: the description names both (vendor's test suite, formulas/instances.js:148-200, 2018).
    """
    records = call.tenant.store.records
    jobs = [
        {
            "id": f"{formula['id']}-{one['id']}",
            "name": one["name"],
            "description": f"Runs formula {formula['id']}, instance {one['id']}",
            "disallowConcurrent": True,
            "data": {"id": one["id"]},
            "trigger": {"id": str(trigger["id"]), "state": "NORMAL"},
        }
        for formula in records.all(_FORMULA)
        for one in records.all(_INSTANCE, parent=formula["id"])
        for trigger in formula["triggers"]
        if formula["active"] and one["active"] and trigger.get("type") == "scheduled"
    ]
    return paged(call, jobs, what="jobs", empty=True)


_ONE = "/formulas/{id}/instances/{instance_id}"
ROUTES: Sequence[Route] = (
    Route("GET", "/formulas", list_formulas),
    Route("POST", "/formulas", create_formula),
    Route("GET", "/formulas/{id}", get_formula),
    Route("GET", "/formulas/{id}/export", get_formula),
    Route("PUT", "/formulas/{id}", change_formula),
    Route("PATCH", "/formulas/{id}", change_formula),
    Route("DELETE", "/formulas/{id}", delete_formula),
    Route("GET", "/formulas/instances", list_all_instances),
    Route("GET", "/formulas/instances/{instance_id}", get_instance),
    Route("GET", "/formulas/{id}/instances", list_instances),
    Route("POST", "/formulas/{id}/instances", create_instance),
    Route("GET", _ONE, get_instance),
    Route("PUT", _ONE, put_instance),
    Route("DELETE", _ONE, delete_instance),
    Route("PUT", f"{_ONE}/active", set_active),
    Route("DELETE", f"{_ONE}/active", set_active),
    Route("GET", "/jobs", list_jobs),
)
