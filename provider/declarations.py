"""What a stack declares: `cloud-elements:instances` of its configuration, validated.

    cloud-elements:instances:
      invoices:
        element: onedrivebusiness
        tags: [billing]
        configuration:
          oauth.api.key: …
          oauth.api.secret: {secure: …}     # pulumi config set --secret --path
          oauth.callback.url: https://app.example.com/callback

What entries of one element share may stand in `cloud-elements:defaults`, see `provider.defaults`.
Every mistake that the file alone shows is named with its exact path, all at once.
"""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pulumi
from pydantic import (
    StrictBool,
    StrictStr,
    ValidationError,
    field_validator,
)

from . import defaults, spelling, stack_keys
from .api.errors import mistake
from .instance import inputs as schema
from .instance.events import lacks_address
from .instance.gaps import without_null
from .instance.inputs import Declared
from .stack_keys import DEFAULTS, KEY

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from .shards import Shard


class InstanceDeclaration(Declared):
    """One entry of `cloud-elements:instances`."""

    element: StrictStr
    """Element key, such as `onedrivebusiness`."""
    name: StrictStr | None = None
    """Name of the instance; the entry's own name when not given."""
    protect: StrictBool = False
    """Pulumi's own: refuse to delete it."""
    retain_on_delete: StrictBool = False
    """Pulumi's own: forget it instead of deleting it."""

    @field_validator("adopt", mode="before")
    @classmethod
    def _id_as_text(cls, value: object) -> object:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return str(value) if whole else value


class StackError(pulumi.RunError):
    """The stack configuration has mistakes; the text names each by its path."""


def declarations(
    config: Mapping[str, str],
    written: Mapping[str, Any],
    *,
    complete: bool = True,
    shard: Shard | None = None,
) -> dict[str, InstanceDeclaration]:
    """Return the declarations of a stack, by name.

    Args:
        config: The stack's configuration as Pulumi hands it over: texts by full key, secrets in
            clear.
        written: The same as the files show it, see `stack_file.written`.
        complete: A secret that is still to be set is a mistake.
        shard: Those alone that fall to it.

    Raises:
        StackError: Every mistake at once, each as `path: what`; never a secret.
    """
    documents = documents_of(config)
    misread = spelling.mistakes(config, written)
    shared = documents[DEFAULTS]
    return parse(documents[KEY], config, misread, shared=shared, complete=complete, shard=shard)


def documents_of(config: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of `cloud-elements:instances` and of `cloud-elements:defaults`.

    What can't be read is an empty tuple.
    """
    return {key: _document(config.get(key, "null")) for key in (KEY, DEFAULTS)}


def _document(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return ()


def remarks(config: Mapping[str, str], written: Mapping[str, Any]) -> list[str]:
    """Return what may be meant otherwise, and what has no effect, each as `path: what`.

    Args:
        config: As in `declarations`.
        written: As there.
    """
    documents = documents_of(config)
    idle = defaults.unused(maps_in(documents[DEFAULTS]), _elements(documents[KEY]))[1]
    return spelling.remarks(documents, written) + idle


def _elements(document: Any) -> list[str]:
    """Return the elements of the entries."""
    given = [entry.get("element") for entry in maps_in(document).values()]
    return [element for element in given if isinstance(element, str)]


def maps_in(document: Any) -> dict[str, dict[str, Any]]:
    """Return what is a map in a map."""
    inside = document if isinstance(document, dict) else {}
    return {key: value for key, value in inside.items() if isinstance(value, dict)}


def parse(
    document: object,
    keys: Iterable[str] = (),
    misread: Mapping[str, str] = MappingProxyType({}),
    *,
    shared: object = None,
    complete: bool = True,
    shard: Shard | None = None,
) -> dict[str, InstanceDeclaration]:
    """Return the declarations of a stack, by name.

    Args:
        document: The value of `cloud-elements:instances`, secrets in clear.
        keys: Every key of the stack's configuration, such as `cloud-elements:timeout`.
        misread: What is not what was written, see `spelling.mistakes`.
        shared: The value of `cloud-elements:defaults`, likewise.
        complete: As in `declarations`.
        shard: As there.

    Raises:
        StackError: Every mistake at once, each as `path: what`; never a value.
    """
    entries = document if isinstance(document, dict) else {}
    mistakes = [*stack_keys.mistakes(keys, entries), *(f"{p}: {w}" for p, w in misread.items())]
    if not isinstance(document, dict | None):
        mistakes.append(f"{KEY}: must be a map from name to instance")
    common, wrong = _shared(shared, _elements(entries))
    mistakes += [f"{where}: {what}" for where, what in wrong if where not in misread]
    declared: dict[str, InstanceDeclaration] = {}
    for name, given in entries.items():
        if shard is None or shard.has(name):
            found, merged = _judged(name, given, common, complete=complete)
            mistakes += [f"{where}: {what}" for where, what in found if where not in misread]
            if not (found or wrong):
                declared[name] = InstanceDeclaration.model_validate(merged)
    if mistakes:
        raise StackError("\n".join(mistakes))
    return declared


def _shared(
    document: object, used: Collection[str]
) -> tuple[dict[str, dict[str, Any]], list[tuple[str, str]]]:
    """Return the defaults by element, and what is wrong with them, each as path and what.

    Args:
        document: The value of `cloud-elements:defaults`.
        used: The elements of the entries.
    """
    if not isinstance(document, dict | None):
        return {}, [(DEFAULTS, "must be a map from element key to what its entries share")]
    found: dict[str, dict[str, Any]] = {}
    wrong: list[tuple[str, str]] = []
    for element, given in (document or {}).items():
        path, shared = f"{DEFAULTS}{spelling.path((element,))}", _given(given)
        if not element:
            wrong.append((DEFAULTS, "an element needs a key"))
            continue
        if not isinstance(shared, dict):
            wrong.append((path, f"must be a map of what the entries of '{element}' share"))
            continue
        found[element] = {key: value for key, value in shared.items() if key not in defaults.OWN}
        wrong += [
            (f"{path}.{key}", "belongs to one entry: give it there")
            for key in defaults.OWN
            if key in shared
        ]
        # What only an entry must be is not demanded here, as of one that is adopted.
        probe = found[element] | {"element": element, "adopt": "1"}
        wrong += [(f"{path}.{where}", what) for where, what in _mistakes("x", probe, {})]
    mistyped, _ = defaults.unused(found, used)
    parts = [problem.partition(": ") for problem in mistyped]
    return found, wrong + [(where, what) for where, _, what in parts]


def _given(entry: Any) -> Any:
    """Return an entry without null, but in its tags, which must be text."""
    if not isinstance(entry, dict):
        return entry
    tags = {"tags": entry["tags"]} if entry.get("tags") is not None else {}
    return {**without_null(entry), **tags}


def _mistakes(
    name: str, entry: Mapping[str, Any], shared: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """Return what is wrong with an entry, each as path and what; one for each path.

    Args:
        name: Its name.
        entry: The entry.
        shared: What it shares with others of its element; mistakes of its own are reported there.
    """
    found = _wrong_by_itself(entry)
    paths = {path for path, _ in found}
    merged = defaults.merged(shared, entry) | {"tags": entry.get("tags")}  # its own, as counted
    alone = _as_inputs(name, {**shared, "tags": None, "adopt": "1"}) if shared else {}
    theirs = set(schema.problems(alone)) if shared else set[str]()
    for problem in schema.problems(_as_inputs(name, merged)):
        where, _, what = problem.partition(": ")
        field, _, rest = where.partition(".")
        own = _holds(entry, field, rest)
        path = {"element_key": "element", "tags": f"tags[{rest}]" if rest else "tags"}.get(
            field, where
        )
        if path in paths or field in paths or (problem in theirs and not own):
            continue
        if _holds(shared, field, rest) and not own:
            what += f"; it comes from {DEFAULTS}{spelling.path((str(entry.get('element')),))}"
        found.append((path, what))
    return found


def _judged(
    name: str, given: Any, common: Mapping[str, Mapping[str, Any]], *, complete: bool
) -> tuple[list[tuple[str, str]], dict[str, Any]]:
    """Return what is wrong with an entry, each as path and what, and the entry with what it shares.

    A missing address for events is left out where it may still be set.
    """
    path, entry = f"{KEY}{spelling.path((name,))}", _given(given)
    if not name:
        return [(KEY, "an entry needs a name")], {}
    if not isinstance(entry, dict):
        return [(path, "must be a map with at least 'element'")], {}
    shared = common.get(str(entry.get("element")), {})
    found, merged = _mistakes(name, entry, shared), defaults.merged(shared, entry)
    if not complete and lacks_address(merged):
        found = [(where, what) for where, what in found if where != "events.to"]
    return [(f"{path}.{where}", what) for where, what in found], merged


def _wrong_by_itself(entry: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what is wrong with an entry's fields, in the order in which entries are written."""
    known = list(InstanceDeclaration.model_fields)
    try:
        InstanceDeclaration.model_validate(entry)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False)
    else:
        return []
    found = [
        (spelling.path(p["loc"]).removeprefix("."), _what(p, schema.names_at(p["loc"], known)))
        for p in problems
    ]
    return sorted(found, key=lambda mistake: mistake[0] not in ("element", "name"))


def _holds(entry: Mapping[str, Any], field: str, key: str) -> bool:
    """Tell whether an entry, or defaults, give a key of a field, or the whole of that."""
    given = entry.get(field)
    if isinstance(given, dict) and key:
        return any(key == name or key.startswith(f"{name}.") for name in given)
    return given is not None


def _what(problem: Any, known: list[str]) -> str:
    given = problem["input"]
    if problem["type"] == "string_type" and (given is None or isinstance(given, list | dict)):
        kind = {type(None): "nothing", list: "a list", dict: "a map"}[type(given)]
        return f"must be text, not {kind}"
    return mistake(problem, known)


def inputs(name: str, declaration: InstanceDeclaration) -> dict[str, Any]:
    """Return a declaration as the inputs of its resource, secrets in clear."""
    return schema.normalised(_as_inputs(name, declaration.model_dump()))


def _as_inputs(name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry under the names of the resource's inputs."""
    inputs = {"name": name} | {
        {"element": "element_key"}.get(key, key): value
        for key, value in entry.items()
        if value is not None and key not in ("protect", "retain_on_delete")
    }
    adopt = inputs.get("adopt")
    if isinstance(adopt, int) and not isinstance(adopt, bool):
        inputs["adopt"] = str(adopt)
    return inputs
