"""The program of a stack: declares each instance that `cloud-elements:instances` lists.

Values that are secret in the stack file stay secret one by one, so that previews show the plain
ones.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.runtime import config as runtime_config

from . import defaults, spelling, stack_file
from .api import wire
from .declarations import StackError, declarations, documents_of, maps_in, remarks
from .instance import inputs as schema
from .instance.gaps import is_unknown
from .instance.inputs import Declared
from .instance.markers import base_of
from .resource import ElementInstance, own_shard
from .shards import KEY as SHARDS
from .shards import refusal
from .stack_keys import DEFAULTS, KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .declarations import InstanceDeclaration
    from .shards import Shard

__all__ = ["StackError", "declare", "declare_stack"]

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
    shard = _shard(project, config)
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


def _shard(project: Path | None, config: Mapping[str, str]) -> Shard | None:
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
        own = stack_file.stack_file(project, pulumi.get_stack())
        known = stack_file.texts(own) if own.exists() else None  # pulumi may have made it, for keys
        if config.get(KEY, "{}") == "{}" and not (known or {}).get("config"):
            message = (
                f"stack '{pulumi.get_stack()}', by its name a shard of '{base}', declares nothing, "
                f"and the file of '{base}' is not there or has no {SHARDS}: put that back"
            )
            raise StackError(message)
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
        key: maps_in(stack_file.entries(written.get(key)) if key in secret else documents[key])
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
