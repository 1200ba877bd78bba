"""The declarative half: `cloud-elements:instances` of a stack, validated and declared.

    cloud-elements:instances:
      invoices:
        element: onedrivebusiness
        tags: [billing]
        configuration:
          oauth.api.key: …
          oauth.api.secret: {secure: …}     # pulumi config set --secret --path
          oauth.callback.url: https://app.example.com/callback

Every mistake that the file alone shows is named with its exact path, all at once. Values that are
secret in the stack file stay secret one by one, so that previews show the plain ones.
"""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
import yaml
from pulumi.runtime import config as runtime_config
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from provider import schema, wire
from provider.config import NAMESPACE, Settings, stack_key
from provider.errors import mistake
from provider.resource import ElementInstance

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KEY = f"{NAMESPACE}:instances"
_ALIKE = 0.85
"""How alike two keys are, from 0 to 1, when one is the other mistyped."""


class InstanceDeclaration(BaseModel):
    """One entry of `cloud-elements:instances`."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    element: StrictStr
    """Element key, such as `onedrivebusiness`."""
    name: StrictStr | None = None
    """Name of the instance; the entry's own name when not given."""
    tags: list[StrictStr] = []
    """Tags, in any order."""
    configuration: dict[str, Any] = {}
    """Configuration by its dotted keys."""
    code: StrictStr | None = Field(default=None, repr=False)
    """Authorization code; set it with `--secret`, remove it once the instance exists."""
    provider_data: dict[str, Any] = Field(default={}, repr=False)
    """What else the consent step gave."""
    external_authentication: StrictStr | None = None
    """`initial` creates from `oauth.user.refresh_token`, without a code or `oauth.callback.url`."""
    oauth_proxy: StrictStr | None = None
    """Name of the OAuth proxy that holds the application's key, secret and callback URL."""
    disabled: StrictBool | None = None
    """Whether the instance is disabled; when not given it is left alone, except that a new code
    enables it."""
    adopt: StrictStr | None = None
    """Take over an existing instance: its id, `tag:<tag>` or `name:<name>`."""
    delete_adopted: StrictBool | None = None
    """Whether an adopted instance is deleted with its resource."""
    protect: StrictBool = False
    """Pulumi's own: refuse to delete it."""
    retain_on_delete: StrictBool = False
    """Pulumi's own: forget it instead of deleting it."""

    @field_validator("tags", "configuration", "provider_data", mode="before")
    @classmethod
    def _nothing_is_empty(cls, value: object, info: ValidationInfo) -> object:
        return ([] if info.field_name == "tags" else {}) if value is None else value

    @field_validator("adopt", mode="before")
    @classmethod
    def _id_as_text(cls, value: object) -> object:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return str(value) if whole else value


class StackError(pulumi.RunError):
    """The stack configuration has mistakes; the text names each by its path."""


def parse(document: object, keys: Iterable[str] = ()) -> dict[str, InstanceDeclaration]:
    """Return the declarations of a stack, by name.

    Args:
        document: The value of `cloud-elements:instances`, secrets in clear.
        keys: Every key of the stack's configuration, such as `cloud-elements:timeout`.

    Raises:
        StackError: Every mistake at once, each as `path: what`; never a value.
    """
    mistakes = _mistyped(keys)
    if not isinstance(document, dict | None):
        mistakes.append(f"{KEY}: must be a map from name to instance")
        document = None
    declared: dict[str, InstanceDeclaration] = {}
    for name, entry in (document or {}).items():
        path = f"{KEY}.{name if name.isprintable() else ascii(name)}"
        if not name:
            mistakes.append(f"{KEY}: an entry needs a name")
        elif not isinstance(entry, dict):
            mistakes.append(f"{path}: must be a map with at least 'element'")
        else:
            found = _mistakes(name, entry)
            mistakes += [f"{path}.{where}: {what}" for where, what in found]
            if not found:
                declared[name] = InstanceDeclaration.model_validate(entry)
    if mistakes:
        raise StackError("\n".join(mistakes))
    return declared


def _mistyped(keys: Iterable[str]) -> list[str]:
    """Return what is wrong with keys that are nearly one of ours; any other is the program's."""
    ours = [KEY, f"{NAMESPACE}:owner", *(stack_key(item.name) for item in fields(Settings))]
    bare = {_bare(key): key for key in ours}
    mistakes = []
    for key in keys:
        if key.startswith(f"{NAMESPACE}:") and key not in ours:
            near = difflib.get_close_matches(_bare(key), bare, n=1, cutoff=_ALIKE)
            mistakes += [f"{key}: is not known; did you mean '{bare[one]}'?" for one in near]
    return mistakes


def _bare(key: str) -> str:
    return re.sub(r"[-_]", "", key.partition(":")[2]).lower()


def _mistakes(name: str, entry: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what is wrong with an entry, each as path and what; one for each path."""
    known = list(InstanceDeclaration.model_fields)
    try:
        InstanceDeclaration.model_validate(entry)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False)
        found = [(_path(p["loc"]), _what(p, known)) for p in problems]
    else:
        found = []
    told = {path for path, _ in found}
    for problem in schema.problems(_bag(name, entry)):
        where, _, what = problem.partition(": ")
        field, _, rest = where.partition(".")
        path = {"element_key": "element", "tags": f"tags[{rest}]" if rest else "tags"}.get(
            field, where
        )
        if path not in told and field not in told:
            found.append((path, what))
    return found


def _path(location: tuple[int | str, ...]) -> str:
    return "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in location
    ).removeprefix(".")


def _what(problem: Any, known: list[str]) -> str:
    given = problem["input"]
    if problem["type"] == "string_type" and (given is None or isinstance(given, list | dict)):
        kind = {type(None): "nothing", list: "a list", dict: "a map"}[type(given)]
        return f"must be text, not {kind}"
    return mistake(problem, known)


def inputs(name: str, declaration: InstanceDeclaration) -> dict[str, Any]:
    """Return a declaration as the inputs of its resource, secrets in clear."""
    return schema.normalised(_bag(name, declaration.model_dump()))


def _bag(name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry under the names of the resource's inputs."""
    bag = {"name": name} | {
        {"element": "element_key"}.get(key, key): value
        for key, value in entry.items()
        if value is not None and key not in ("protect", "retain_on_delete")
    }
    adopt = bag.get("adopt")
    if isinstance(adopt, int) and not isinstance(adopt, bool):
        bag["adopt"] = str(adopt)
    return bag


def declare() -> dict[str, ElementInstance]:
    """Declare every instance of the stack; export `{id, token, configuration, disabled}` of each.

    Raises:
        StackError: The stack configuration has mistakes.
    """
    try:
        document = pulumi.Config(NAMESPACE).get_object("instances")
    except pulumi.ConfigTypeError:
        message = f"{KEY}: must be a map from name to instance"
        raise StackError(message) from None
    declared = parse(document, runtime_config.CONFIG.get() or runtime_config.get_config_env())
    shown = _shown() if runtime_config.is_config_secret(KEY) else None
    instances = {
        name: _instance(name, declaration, None if shown is None else shown.get(name, {}))
        for name, declaration in declared.items()
    }
    for name, instance in instances.items():
        pulumi.export(
            name,
            {
                "id": instance.instance_id,
                "token": instance.element_token,
                "configuration": instance.configuration,
                "disabled": instance.disabled,
            },
        )
    return instances


def _instance(name: str, declaration: InstanceDeclaration, shown: Any) -> ElementInstance:
    """Declare one instance.

    Args:
        name: Its name.
        declaration: Its entry, secrets in clear.
        shown: Its entry as the stack file shows it; None when nothing in the stack is secret.
    """

    def marked(value: Any, key: str) -> Any:
        return value if shown is None else _marked(value, _inside(shown, key))

    return ElementInstance(
        name,
        marked(declaration.element, "element"),
        name=marked(declaration.name, "name"),
        code=declaration.code,
        configuration=marked(declaration.configuration, "configuration"),
        tags=marked(declaration.tags, "tags"),
        provider_data=declaration.provider_data or None,
        external_authentication=declaration.external_authentication,
        oauth_proxy=marked(declaration.oauth_proxy, "oauth_proxy"),
        disabled=declaration.disabled,
        adopt=marked(declaration.adopt, "adopt"),
        delete_adopted=declaration.delete_adopted,
        opts=pulumi.ResourceOptions(
            protect=declaration.protect, retain_on_delete=declaration.retain_on_delete
        ),
    )


def _marked(value: Any, shown: Any) -> Any:
    """Mark as secret what the stack file does not show in clear at the same place, leaf by leaf.

    Pulumi hands a program the values in clear without telling which of them were secure, and they
    need not come from that file (`--config-file`, environments).
    """
    if isinstance(value, dict):
        return {key: _marked(item, _inside(shown, str(key))) for key, item in value.items()}
    if isinstance(value, list):
        return [_marked(item, _inside(shown, i)) for i, item in enumerate(value)]
    if value is None:
        return None
    in_clear = not isinstance(shown, dict | list | None) and wire.same_value(shown, value)
    return value if in_clear else pulumi.Output.secret(value)


def _inside(shown: Any, place: str | int) -> Any:
    if isinstance(shown, dict):
        return shown.get(place)
    if isinstance(shown, list) and isinstance(place, int) and place < len(shown):
        return shown[place]
    return None


def stack_file(root: Path, stack: str) -> Path:
    """Return the configuration file of a stack of the project in `root`."""
    project = yaml.safe_load((root / "Pulumi.yaml").read_text(encoding="utf-8")) or {}
    return root / str(project.get("stackConfigDir", ".")) / f"Pulumi.{stack}.yaml"


def _shown() -> dict[str, Any]:
    """Return `cloud-elements:instances` as the stack's own file shows it; empty if it doesn't."""
    try:
        path = stack_file(Path.cwd(), pulumi.get_stack())
        # Every scalar as text, for to Pulumi an instance called `off` is no boolean.
        document = yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)  # noqa: S506 - safe
        instances = document["config"][KEY]
        if isinstance(instances, str):
            instances = json.loads(instances)
    except (OSError, yaml.YAMLError, ValueError, LookupError, TypeError):
        return {}
    return instances if isinstance(instances, dict) else {}
