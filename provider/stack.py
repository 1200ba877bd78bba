"""The declarative half: `cloud-elements:instances` of a stack, validated and declared.

    cloud-elements:instances:
      invoices:
        element: onedrivebusiness
        tags: [billing]
        configuration:
          oauth.api.key: …
          oauth.api.secret: {secure: …}     # pulumi config set --secret --path
          oauth.callback.url: https://app.example.com/callback

What entries of one element share may stand in `cloud-elements:defaults`, see `provider.defaults`.
Every mistake that the file alone shows is named with its exact path, all at once. Values that are
secret in the stack file stay secret one by one, so that previews show the plain ones.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.runtime import config as runtime_config
from pydantic import (
    StrictBool,
    StrictStr,
    ValidationError,
    field_validator,
)

from . import defaults, spelling, stack_file, stack_keys
from .api import wire
from .api.errors import mistake
from .instance import inputs as schema
from .instance.events import lacks_address
from .instance.gaps import is_unknown, without_null
from .instance.inputs import Declared
from .instance.markers import base_of
from .resource import ElementInstance, own_shard
from .shards import KEY as SHARDS
from .shards import refusal
from .stack_keys import DEFAULTS, KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

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

    What can't be read is no map.
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
    idle = defaults.unused(_maps(documents[DEFAULTS]), _elements(documents[KEY]))[1]
    return spelling.remarks(documents, written) + idle


def _elements(document: Any) -> list[str]:
    """Return the elements of the entries."""
    given = [entry.get("element") for entry in _maps(document).values()]
    return [element for element in given if isinstance(element, str)]


def _maps(document: Any) -> dict[str, dict[str, Any]]:
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
        path, entry = f"{KEY}{spelling.path((name,))}", _given(given)
        if not name or not isinstance(entry, dict):
            shape = f"{path}: must be a map with at least 'element'"
            mistakes.append(shape if name else f"{KEY}: an entry needs a name")
        elif shard is None or shard.has(name):
            found, merged = _judged(name, entry, common, complete=complete)
            mistakes += [f"{path}.{w}: {what}" for w, what in found if f"{path}.{w}" not in misread]
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
        shared: What it shares with others of its element; what is wrong there alone is told there.
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
    name: str, entry: Mapping[str, Any], common: Mapping[str, Mapping[str, Any]], *, complete: bool
) -> tuple[list[tuple[str, str]], dict[str, Any]]:
    """Return what is wrong with an entry, and the entry with what it shares.

    Not that it lacks an address for events, where that may still be set.
    """
    shared = common.get(str(entry.get("element")), {})
    found, merged = _mistakes(name, entry, shared), defaults.merged(shared, entry)
    if not complete and lacks_address(merged):
        found = [(where, what) for where, what in found if where != "events.to"]
    return found, merged


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


_ALREADY_REPORTED = 32
"""Exit code that tells Pulumi's language host that the user has been told, so that it adds no
line."""


def declare_stack() -> None:
    """Be the whole program of a stack: `declare`, or end with what is wrong in its file."""
    try:
        declare()
    except StackError as error:
        pulumi.log.error(str(error))
        sys.exit(_ALREADY_REPORTED)


def declare() -> dict[str, ElementInstance]:
    """Declare every instance of the stack; export `{id, token, configuration, disabled}` of each.

    Raises:
        StackError: The stack configuration has mistakes.
    """
    config = dict(runtime_config.CONFIG.get() or runtime_config.get_config_env())
    for key in (KEY, DEFAULTS):
        if (text := runtime_config.get_config(key)) is not None:
            config[key] = text  # which may have a variable of its own
    project = stack_file.project_file(Path(pulumi.get_root_directory() or "."))
    shard = _shard(project)
    name = shard.base if shard else pulumi.get_stack()
    written = stack_file.written(project, name) if project else {}
    declared = declarations(config, written, shard=shard)
    for remark in remarks(config, written):
        pulumi.log.warn(remark)
    shown = _shown(config, written)
    instances = {
        name: _instance(name, declaration, shown(name, declaration.element))
        for name, declaration in declared.items()
    }
    for name, instance in instances.items():
        pulumi.export(
            name,
            {
                "id": _exported(instance.instance_id),
                "token": _exported(instance.element_token),
                "configuration": instance.configuration,
                "disabled": _exported(instance.disabled),
            },
        )
    return instances


def _shard(project: Path | None) -> Shard | None:
    """Return the shard that this run is for, if any.

    Raises:
        StackError: It is not to be run like this.
    """
    try:
        shard = own_shard()
    except pulumi.RunError as error:
        raise StackError(str(error)) from None
    base = base_of(pulumi.get_stack())
    if not (shard or base is None or project is None):
        # A shard without the configuration that it shares: it would have nothing declared.
        text = stack_file.written(project, base).get(SHARDS)
        if text is not None:
            raise StackError(refusal(base, None))
    return shard


def _shown(
    config: Mapping[str, str], written: Mapping[str, Any]
) -> Callable[[str, str], dict[str, Any] | None]:
    """Return a function that gives an entry as the stack file shows it, by name and element.

    With what it shares; None when nothing of all entries and defaults is secret.
    """
    documents = documents_of(config)
    secret = [key for key in documents if runtime_config.is_config_secret(key)]
    shown = {
        key: _maps(stack_file.entries(written.get(key)) if key in secret else documents[key])
        for key in documents
    }

    def entry(name: str, element: str) -> dict[str, Any] | None:
        own, theirs = shown[KEY].get(name, {}), shown[DEFAULTS].get(element, {})
        return defaults.merged(theirs, own) if secret else None

    return entry


def _exported(output: pulumi.Output[Any]) -> pulumi.Output[Any]:
    """Return an output without the engine's word for unknown, where a create is skipped."""
    if pulumi.runtime.is_dry_run():
        return output
    return output.apply(lambda value: None if is_unknown(value) else value, run_with_unknowns=True)


def _instance(name: str, declaration: InstanceDeclaration, shown: Any) -> ElementInstance:
    """Declare one instance.

    Args:
        name: Its name.
        declaration: Its entry, secrets in clear.
        shown: Its entry as the stack file shows it; None when nothing in the stack is secret.
    """

    def marked(value: Any, key: str) -> Any:
        return value if shown is None else _marked(value, spelling.inside(shown, key))

    plain = declaration.model_dump(exclude_none=True)
    given = {
        field: value if isinstance(value, bool) else marked(value, field)
        for field in ("name", *Declared.model_fields)
        if (value := plain.get(field)) not in (None, {}) and field not in _SECRET
    } | {field: getattr(declaration, field) or None for field in _SECRET}
    return ElementInstance(
        name,
        marked(declaration.element, "element"),
        **given,
        opts=pulumi.ResourceOptions(
            protect=declaration.protect, retain_on_delete=declaration.retain_on_delete
        ),
    )


_SECRET = schema.fields_with(secret=True)
"""The resource marks them by itself."""


def _marked(value: Any, shown: Any) -> Any:
    """Mark as secret what the stack file does not show in clear at the same place, leaf by leaf.

    Pulumi hands a program the values in clear without telling which of them were secure, and they
    need not come from that file (`--config-file`, environments).
    """
    if isinstance(value, dict):
        return {key: _marked(item, spelling.inside(shown, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [_marked(item, spelling.inside(shown, i)) for i, item in enumerate(value)]
    if value is None:
        return None
    in_clear = not isinstance(shown, dict | list | None) and wire.same_value(shown, value)
    return value if in_clear else pulumi.Output.secret(value)
