"""The resource's properties: what may be given, what each field means for an update, what is kept.

Every rule about a field stands on the field. Knows no HTTP; the comparison of values as the
platform stores them comes from `provider.wire`.
"""

from __future__ import annotations

import hashlib
import html
import math
import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, cast

import pulumi
from pulumi.runtime.rpc import wrap_rpc_secret
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, ValidationError

from provider import wire
from provider.errors import mistake
from provider.markers import MARKERS, is_marker
from provider.redaction import MASK, is_platform_written, is_secret_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

RECORD = "__record"
"""Output only for ourselves: see `Record`."""


@dataclass(frozen=True)
class Policy:
    """What a field means beyond its value."""

    replaces: bool = False
    """A change makes a new instance, and deletes the old one."""
    write_only: bool = False
    """Sent and never stored in outputs; taking it away is no change."""
    secret: bool = False
    """Always marked secret, whatever the program says."""


class Inputs(BaseModel):
    """What a program gives. Unknown keys are refused, so that a typo is not silently ignored."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    element_key: Annotated[StrictStr, Policy(replaces=True)]
    """Element key, such as `onedrivebusiness`. Changing it replaces the instance."""
    name: StrictStr
    """Name of the instance. Names are not unique on the platform."""
    tags: list[StrictStr] = []
    """Tags of the instance, in any order."""
    configuration: dict[str, Any] = {}
    """Configuration by its dotted keys, such as `oauth.api.key`; any JSON values."""
    code: Annotated[StrictStr | None, Policy(write_only=True, secret=True)] = None
    """Authorization code from the consent step; sent once. A new one authenticates anew, in place;
    it may be removed once the instance exists."""
    provider_data: Annotated[dict[str, Any], Policy(write_only=True, secret=True)] = {}
    """What else the consent step gave: `realmId`, or `oauth_token`, `oauth_verifier` and `secret`
    for OAuth 1."""
    external_authentication: Annotated[StrictStr | None, Policy(write_only=True)] = None
    """`initial` creates an OAuth 2 instance from `oauth.user.refresh_token` instead of a code."""
    oauth_proxy: Annotated[StrictStr | None, Policy(write_only=True)] = None
    """Name of the platform's OAuth proxy that holds the application: its `oauth.api.key`,
    `oauth.api.secret` and `oauth.callback.url` need not be given. Part of the create alone."""
    disabled: StrictBool | None = None
    """Whether the instance is disabled; left alone when not given."""
    adopt: Annotated[StrictStr | None, Policy(write_only=True)] = None
    """Take over an existing instance instead of creating one: its id, `tag:<tag>` or
    `name:<name>`."""
    delete_adopted: StrictBool | None = None
    """Whether an instance taken over by `adopt` is deleted with its resource; left in place when
    not given."""
    markers: Annotated[list[StrictStr], Policy(write_only=True), Field(alias=MARKERS)] = []

    @property
    def one_time(self) -> dict[str, str]:
        """Every credential that can be spent once, by its path."""
        found = {"code": self.code} if self.code else {}
        found |= {
            credential_path(key): wire.stored(value) or ""
            for key, value in self.provider_data.items()
            if is_one_time(key)
        }
        return found | {
            f"configuration.{key}": wire.stored(value) or ""
            for key, value in self.configuration.items()
            if is_credential(key)
        }

    @property
    def managed(self) -> dict[str, Any]:
        """The configuration that is compared: all but what the platform rewrites by itself."""
        return {
            key: value for key, value in self.configuration.items() if not is_platform_written(key)
        }


_REUSABLE = frozenset({"realmId", "dataSource", "state", "org", "debug"})
"""Provider data that names an account and can't be spent (docs: 21 create bodies, 2020-11)."""


def credential_path(key: str) -> str:
    """Return the path of provider data; a code is the same code wherever it is given."""
    return "code" if key == "code" else f"provider_data.{key}"


def is_one_time(key: str) -> bool:
    """Tell whether an entry of provider data can be spent."""
    return key not in _REUSABLE


_CODES = frozenset({"code", "provider_data.oauth_token", "provider_data.oauth_verifier"})


def is_code(path: str) -> bool:
    """Tell whether the credential at a path certainly can't be used twice."""
    return path in _CODES


def codes_in(fingerprints: Mapping[str, str]) -> dict[str, str]:
    """Return those of one-time credentials that certainly can't be used twice.

    Others may be: whether a refresh token rotates is its vendor's business, an API key serves many
    instances, and so does what a callback's query tells besides, such as `expires_in`.
    """
    return {path: mark for path, mark in fingerprints.items() if is_code(path)}


def codes_again(olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[str]:
    """Return the paths of codes in `news` that stand in `olds` as well; both are inputs."""
    before = _codes(olds)
    return [path for path, code in _codes(news).items() if code == before.get(path)]


def _codes(bag: Mapping[str, Any]) -> dict[str, Any]:
    data = bag.get("provider_data")
    given = {"code": bag.get("code")} if bag.get("code") else {}
    given |= {credential_path(k): v for k, v in data.items()} if isinstance(data, dict) else {}
    return {path: code for path, code in given.items() if path in _CODES and code}


def is_credential(key: str) -> bool:
    """Tell whether a configuration key hands in a token from outside."""
    return key in ("oauth.user.token", "oauth.user.token.secret", "oauth.user.refresh_token")


@cache
def policy(name: str) -> Policy:
    """Return a field's policy, from its annotation."""
    marks = Inputs.model_fields[name].metadata
    return next((mark for mark in marks if isinstance(mark, Policy)), Policy())


def fields_with(**wanted: bool) -> list[str]:
    """Return the fields whose policy has these marks, such as `fields_with(replaces=True)`."""
    return [
        name
        for name in Inputs.model_fields
        if all(getattr(policy(name), mark) is value for mark, value in wanted.items())
    ]


def is_unknown(value: object) -> bool:
    """Tell whether the engine does not know the value yet, wholly or in part."""
    return pulumi.contains_unknowns(value)


def known_part(value: Any) -> Any:
    """Return the value without what is not known yet, at any depth."""
    if isinstance(value, dict):
        return {
            key: known_part(item)
            for key, item in value.items()
            if not isinstance(item, pulumi.output.Unknown)
        }
    if isinstance(value, list):
        return [known_part(item) for item in value if not isinstance(item, pulumi.output.Unknown)]
    return value


def problems(bag: Mapping[str, Any]) -> list[str]:
    """Return everything wrong with a program's inputs, each as `path: what`; never a value.

    What is not known yet is not judged.
    """
    known = known_part(dict(bag))
    found: list[str] = []
    names = [name for name in Inputs.model_fields if name != "markers"]
    try:
        Inputs.model_validate(known)
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False, include_context=False):
            path = ".".join(str(part) for part in problem["loc"])
            if problem["type"] == "missing" and path in bag:
                continue
            found.append(f"{path}: {mistake(problem, names)}")
    return found + list(_rule_problems(known))


_MARKUP = re.compile(r"<[^<>]*>")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ADOPT = re.compile(r"\d+|(tag|name):.+", re.DOTALL)
_LARGEST_WHOLE = 2**53


def _rule_problems(known: Mapping[str, Any]) -> Iterator[str]:
    element_key = known.get("element_key")
    if isinstance(element_key, str) and (not element_key or re.search(r"\s", element_key)):
        yield "element_key: must be an element key such as 'onedrivebusiness', without spaces"
    tags = known.get("tags")
    texts = {"name": known.get("name")}
    if isinstance(tags, list):
        texts |= {f"tags.{index}": tag for index, tag in enumerate(tags)}
    for path, text in texts.items():
        if isinstance(text, str):
            yield from _text_problems(path, text)
    for path in ("configuration", "provider_data"):
        value = known.get(path)
        if isinstance(value, dict):
            yield from _value_problems(path, value)
    provider_data = known.get("provider_data")
    if known.get("code") and isinstance(provider_data, dict) and "code" in provider_data:
        yield "provider_data.code: is given as 'code' already; give it once"
    code = known.get("code")
    if isinstance(code, str) and (not code.strip() or code != code.strip()):
        yield "code: must be the bare code, without spaces around it"
    adopt = known.get("adopt")
    if isinstance(adopt, str) and not _ADOPT.fullmatch(adopt):
        yield "adopt: must be an instance id, 'tag:<tag>' or 'name:<name>'"
    external = known.get("external_authentication")
    if isinstance(external, str) and external not in ("initial", "none"):
        yield "external_authentication: must be 'initial' or 'none'"
    proxy = known.get("oauth_proxy")
    if isinstance(proxy, str) and not proxy.strip():
        yield "oauth_proxy: must be the name of an OAuth proxy"


def _text_problems(path: str, text: str) -> Iterator[str]:
    if not text.strip():
        yield f"{path}: must not be empty"
    if _MARKUP.search(text):
        yield f"{path}: must not hold markup such as <b>, for the platform removes it"
    if _CONTROL.search(text):
        yield f"{path}: must not hold line breaks or other control characters"
    if is_marker(text):
        yield f"{path}: looks like a marker tag of this provider; choose another"


def _value_problems(path: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if not key.strip():
                yield f"{path}: has an empty key"
            yield from _value_problems(f"{path}.{key}", item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _value_problems(f"{path}.{index}", item)
    elif value == MASK:
        yield f"{path}: is the platform's mask {MASK}, not a value; give the real one or leave it"
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if not math.isfinite(value):
            yield f"{path}: must be a finite number"
        elif abs(value) >= _LARGEST_WHOLE:
            yield f"{path}: is too large for a number (2^53 and more lose digits); write it as text"


def normalised(bag: Mapping[str, Any]) -> dict[str, Any]:
    """Return a program's inputs as they are stored: without empty fields, tags without repeats.

    Doing it twice changes nothing. Unknowns stay where they are.
    """
    kept = {
        key: value
        for key, value in bag.items()
        if value is not None and value not in ({}, []) and not key.startswith("__provider")
    }
    tags = kept.get("tags")
    if isinstance(tags, list) and not is_unknown(tags):
        kept["tags"] = list(dict.fromkeys(tags)) if all(_is_text(tag) for tag in tags) else tags
    return kept


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def marked_secret(bag: Mapping[str, Any], known_plain: frozenset[str]) -> dict[str, Any]:
    """Return inputs with the secret marker on everything secret, leaf by leaf.

    So the state encrypts it even when the program forgot to.

    Args:
        bag: Inputs.
        known_plain: Configuration keys that the element's metadata says are no secrets.
    """
    marked: dict[str, Any] = {}
    for key, value in bag.items():
        if key == "configuration" and isinstance(value, dict):
            marked[key] = {
                name: _marked(item) if is_secret_key(name, known_plain) else item
                for name, item in value.items()
            }
        elif key in Inputs.model_fields and policy(key).secret:
            whole = not isinstance(value, dict)
            marked[key] = _marked(value) if whole else {k: _marked(v) for k, v in value.items()}
        else:
            marked[key] = value
    return marked


def _marked(value: Any) -> Any:
    """Mark a value; of one that is known in part alone, the known parts."""
    if not is_unknown(value):
        return wrap_rpc_secret(value)
    if isinstance(value, dict):
        return {key: _marked(item) for key, item in value.items()}
    return [_marked(item) for item in value] if isinstance(value, list) else value


def inputs_of(bag: Mapping[str, Any]) -> Inputs:
    """Return checked inputs as a model; `bag` must have no unknowns."""
    names = {*Inputs.model_fields, MARKERS}
    return Inputs.model_validate({key: bag[key] for key in names if bag.get(key) is not None})


@dataclass(frozen=True)
class Record:
    """What we must remember between runs and nobody needs to see.

    Args:
        managed: Configuration keys that the program gave.
        spent: Fingerprints of the one-time credentials that authenticated it last, by path.
        past: Codes that were sent, each set by path: refused, lost or followed by newer ones.
        answered: What the platform made of our own last write where it differs from what we
            wrote: `name`, `tags`, `configuration.<key>`. Such a difference is no drift.
        adopted: The instance was there before and was taken over because the program asked.
        refused: The platform refused to create it, and left it behind all the same.
        taken: A mark of the create that took it over; empty when it was made by one.
    """

    managed: frozenset[str] = frozenset()
    spent: Mapping[str, str] = field(default_factory=dict)
    past: tuple[Mapping[str, str], ...] = ()
    answered: Mapping[str, Any] = field(default_factory=dict)
    adopted: bool = False
    refused: bool = False
    taken: str = ""

    @classmethod
    def of(cls, outputs: Mapping[str, Any]) -> Record:
        """Return the record inside a resource's outputs; an empty one when there is none."""
        bag = outputs.get(RECORD)
        bag = bag if isinstance(bag, dict) else {}
        return cls(
            managed=frozenset(bag.get("managed") or ()),
            spent=dict(bag.get("spent") or {}),
            past=tuple(map(dict, bag.get("past") or ())),
            answered=dict(bag.get("answered") or {}),
            adopted=bool(bag.get("adopted")),
            refused=bool(bag.get("refused")),
            taken=str(bag.get("taken") or ""),
        )

    def to_bag(self) -> dict[str, Any]:
        """Return it as a property; empty parts are left out."""
        answered = wrap_rpc_secret(dict(self.answered)) if self.answered else None
        parts = {
            "managed": sorted(self.managed),
            "spent": _hidden(self.spent),
            "past": [_hidden(one) for one in self.past],
            "answered": answered,
            "adopted": self.adopted,
            "refused": self.refused,
            "taken": self.taken,
        }
        return {key: value for key, value in parts.items() if value}


def _hidden(spent: Mapping[str, str]) -> dict[str, Any]:
    """Mark fingerprints of what a person may have chosen, such as a password: they can be guessed.

    A code is long and random, and its fingerprint tells nothing.
    """
    return {path: mark if is_code(path) else wrap_rpc_secret(mark) for path, mark in spent.items()}


def fingerprint(path: str, value: str) -> str:
    """Return a short one-way mark of a credential, to tell whether it was sent before."""
    return hashlib.sha256(f"{path}={value}".encode()).hexdigest()[:20]


def fingerprints(one_time: Mapping[str, str]) -> dict[str, str]:
    """Return the fingerprint of each credential, by path."""
    return {path: fingerprint(path, value) for path, value in one_time.items()}


@dataclass(frozen=True)
class View:
    """An instance in the shape of inputs: what the platform holds of what the program manages."""

    name: str
    tags: list[str]
    configuration: dict[str, Any]


def same_text(one: str, other: str) -> bool:
    """Tell whether two names or tags are the same once the platform stored them.

    docs: HTML is removed (vendor's own API tests, 2018-09); entities and outer white space are
    taken as unchanged.
    """
    return plain_text(one) == plain_text(other)


def plain_text(text: str) -> str:
    """Return a name or tag as the platform stores it."""
    return html.unescape(_MARKUP.sub("", text)).strip()


def view(instance: wire.Instance, wished: View, record: Record) -> View:
    """Return what the platform holds, in the program's own words wherever it means the same.

    - A masked, missing or untold value counts as the one wished for: nothing can be said of it.
    - What the platform itself made of our last write is no drift.
    - Marker tags, and the tag that the platform adds by itself (the instance's name, docs: vendor's
      own API tests, 2018-09), are not the program's.
    """
    name = instance.name
    if name is None or same_text(name, wished.name) or name == record.answered.get("name"):
        name = wished.name
    tags = own_tags(instance, wished.tags)
    if (
        tags is None
        or {plain_text(tag) for tag in tags} == {plain_text(tag) for tag in wished.tags}
        or sorted(tags) == record.answered.get("tags")
    ):
        tags = wished.tags
    held = instance.held or {}
    return View(
        name=name,
        tags=tags,
        configuration={
            key: _seen(held, key, wished.configuration, record)
            for key in record.managed
            if key in held or key in wished.configuration
        },
    )


def own_tags(instance: wire.Instance, wished: list[str]) -> list[str] | None:
    """Return an instance's tags without ours and the platform's; None when they are not told."""
    if instance.tags is None:
        return None
    default = plain_text(instance.name or "")
    return [
        tag
        for tag in instance.tags
        if not is_marker(tag) and (plain_text(tag) != default or tag in wished)
    ]


def _seen(
    held: Mapping[str, str | None], key: str, wished: Mapping[str, Any], record: Record
) -> Any:
    if key not in held:
        return wished[key]
    value = held[key]
    if key in wished and (
        value == MASK
        or wire.same_value(value, wished[key])
        or ((path := f"configuration.{key}") in record.answered and record.answered[path] == value)
    ):
        return wished[key]
    return value


def answered(instance: wire.Instance, wrote: View) -> dict[str, Any]:
    """Return where the platform's answer to our own write differs from what we wrote."""
    found: dict[str, Any] = {}
    if instance.name is not None and not same_text(instance.name, wrote.name):
        found["name"] = instance.name
    tags = own_tags(instance, wrote.tags)
    if tags is not None and {plain_text(t) for t in tags} != {plain_text(t) for t in wrote.tags}:
        found["tags"] = sorted(tags)
    for key, value in (instance.held or {}).items():
        wished = wrote.configuration.get(key)
        if wished is not None and value != MASK and not wire.same_value(value, wished):
            found[f"configuration.{key}"] = value
    return found


def instance_of(instance_id: str, bag: Mapping[str, Any]) -> wire.Instance:
    """Return an instance as a resource's outputs tell of it: what an answer may leave out."""
    return wire.Instance(
        id=instance_id,
        name=bag.get("name"),
        tags=bag.get("tags") or [],
        token=bag.get("element_token"),
        element=wire.ElementReference(key=bag.get("element_key")),
        configuration=bag.get("configuration"),
        disabled=bag.get("disabled"),
        valid=bag.get("valid"),
    )


def outputs(inputs: Inputs, instance: wire.Instance, seen: View, record: Record) -> dict[str, Any]:
    """Return a resource's outputs, secrets marked.

    Args:
        inputs: What the program gave, for the fields that the platform does not tell.
        instance: The platform's answer.
        seen: The managed part, see `view`.
        record: What to remember.
    """
    held = {
        key: value for key, value in (instance.held or {}).items() if not is_platform_written(key)
    }
    held |= {key: wire.stored(value) for key, value in seen.configuration.items()}
    bag: dict[str, Any] = {
        "element_key": inputs.element_key,
        "name": seen.name,
        "tags": seen.tags,
        "configuration": wrap_rpc_secret(held),
        "instance_id": instance.id,
        "element_token": wrap_rpc_secret(instance.token),
        "element_name": instance.element.name or inputs.element_key,
        "valid": instance.valid,
        "disabled": bool(instance.disabled),
        "delete_adopted": inputs.delete_adopted,
        MARKERS: inputs.markers,
        RECORD: record.to_bag(),
    }
    return {key: value for key, value in bag.items() if value is not None}


def view_of(outputs_bag: Mapping[str, Any]) -> View:
    """Return the managed part of outputs that are in the state."""
    record = Record.of(outputs_bag)
    held = cast("dict[str, Any]", outputs_bag.get("configuration") or {})
    return View(
        name=outputs_bag.get("name") or "",
        tags=list(outputs_bag.get("tags") or []),
        configuration={key: held[key] for key in record.managed if key in held},
    )


def wished(inputs: Inputs) -> View:
    """Return the managed part of what the program gave."""
    return View(inputs.name, inputs.tags, inputs.managed)


@dataclass(frozen=True)
class Changes:
    """What differs between the state and the program's wish."""

    replaces: list[str]
    name: bool
    tags: bool
    configuration: dict[str, Any]
    """Keys to set, with the values wished for; unknown values included."""
    removed: frozenset[str]
    """Keys that the program gave before and gives no more."""
    credentials: dict[str, str]
    """One-time credentials that were not sent before, by path."""
    replayed: dict[str, str]
    """Fingerprints of those that were sent before, and not last with success: never sent again."""
    disabled: bool
    markers: bool
    deletion: bool
    """Only what `delete` will do changes: nothing to tell the platform."""

    @property
    def any(self) -> bool:
        """Whether there is anything to do."""
        return bool(
            self.replaces
            or self.name
            or self.tags
            or self.configuration
            or self.removed
            or self.credentials
            or self.replayed
            or self.disabled
            or self.markers
            or self.deletion
        )


def changes(olds: Mapping[str, Any], news: Mapping[str, Any]) -> Changes:
    """Compare outputs in the state with a program's inputs, which may hold unknowns.

    An unknown value counts as changed.
    """
    record, before = Record.of(olds), view_of(olds)
    after = known_part(dict(news))
    inputs = Inputs.model_construct(
        **{
            name: after.get(field.alias or name, field.get_default(call_default_factory=True))
            for name, field in Inputs.model_fields.items()
        }
    )
    unknown = {key for key, value in news.items() if is_unknown(value)}
    configuration = news.get("configuration") or {}
    whole_unknown = not isinstance(configuration, dict)
    wanted: dict[str, Any] = {} if whole_unknown else configuration
    changed = {
        key: value
        for key, value in wanted.items()
        if not is_platform_written(key)
        and (
            is_unknown(value)
            or key not in before.configuration
            or not wire.same_value(before.configuration[key], value)
        )
    }
    if whole_unknown:
        changed["configuration"] = configuration
    given = {
        path: mark
        for path, mark in fingerprints(inputs.one_time).items()
        if record.spent.get(path) != mark
    }
    sent = {mark for one in record.past for mark in one.values()}
    return Changes(
        replaces=[
            name
            for name in fields_with(replaces=True)
            if name in unknown or olds.get(name) != after.get(name)
        ],
        name="name" in unknown or before.name != inputs.name,
        tags="tags" in unknown or set(before.tags) != set(inputs.tags or []),
        configuration=changed,
        removed=frozenset() if whole_unknown else record.managed - wanted.keys(),
        credentials={
            path: value
            for path, value in inputs.one_time.items()
            if path in given and given[path] not in sent
        }
        | {name: "" for name in ("code", "provider_data") if name in unknown}
        | {
            f"configuration.{key}": ""
            for key, value in wanted.items()
            if is_credential(key) and is_unknown(value)
        },
        replayed={path: mark for path, mark in given.items() if mark in sent},
        disabled="disabled" in unknown
        or (inputs.disabled is not None and inputs.disabled != bool(olds.get("disabled"))),
        markers=MARKERS in unknown
        or (bool(inputs.markers) and inputs.markers != olds.get(MARKERS)),
        deletion="delete_adopted" in unknown
        or bool(inputs.delete_adopted) != bool(olds.get("delete_adopted")),
    )
