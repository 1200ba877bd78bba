"""The resource's inputs: what may be given, and what each field means for an update.

Every rule about a field stands on the field. Knows no HTTP.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, cast

from pulumi.runtime.rpc import wrap_rpc_secret
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, ValidationError

from ..api.errors import mistake
from ..api.redaction import MASK, is_secret_key, looks_secret, without_platform_written
from . import events as common
from .events import Events
from .gaps import is_unknown, known_part, nulls, without_null
from .markers import MARKERS, is_marker
from .policy import Policy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


class Declared(BaseModel):
    """What programs and stack files say of an instance, in the same words.

    Unknown keys are refused, so that a typo is not silently ignored.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    @property
    def full_configuration(self) -> dict[str, Any]:
        """The configuration, with what other fields say in their own words."""
        compiled = common.compiled(self.model_dump())["configuration"]
        return cast("dict[str, Any]", compiled)

    tags: list[StrictStr] = []
    """Tags of the instance, in any order."""
    configuration: dict[str, Any] = Field(default={}, repr=False)
    """Configuration by its dotted keys, such as `oauth.api.key`; any JSON values."""
    events: Events | None = None
    """How events are learned of and told: other words for the `event.*` keys of the
    configuration."""
    filter_response_nulls: Annotated[StrictBool | None, Policy(key=common.NULLS_KEY)] = None
    """Whether fields that are null are left out of what calls through the instance answer; the
    platform's default is `true`. Another word for `filter.response.nulls` (docs: common instance
    configuration, 2020-11)."""
    code: Annotated[StrictStr | None, Policy(write_only=True, secret=True)] = Field(
        default=None, repr=False
    )
    """Authorization code from the consent step; sent once. A new one authenticates anew, in place;
    it may be removed once the instance exists."""
    provider_data: Annotated[dict[str, Any], Policy(write_only=True, secret=True)] = Field(
        default={}, repr=False
    )
    """What else the consent step gave: `realmId`, or `oauth_token`, `oauth_verifier` and `secret`
    for OAuth 1."""
    external_authentication: Annotated[
        StrictStr | None, Policy(write_only=True, request="externalAuthentication")
    ] = None
    """`initial` creates an OAuth 2 instance from `oauth.user.refresh_token` instead of a code; it
    needs no `oauth.callback.url`."""
    oauth_proxy: Annotated[StrictStr | None, Policy(write_only=True)] = None
    """Name of the platform's OAuth proxy that holds the application: its `oauth.api.key`,
    `oauth.api.secret` and `oauth.callback.url` need not be given. Part of the create alone."""
    disabled: StrictBool | None = None
    """Whether the instance is disabled. When not given it is left alone, except that a new code
    enables it."""
    adopt: Annotated[StrictStr | None, Policy(write_only=True)] = None
    """Take over an existing instance instead of creating one: its id, `tag:<tag>` or
    `name:<name>`."""
    delete_adopted: StrictBool | None = None
    """Whether an instance taken over by `adopt` is deleted with its resource; left in place when
    not given."""


class Inputs(Declared):
    """The inputs of the resource."""

    element_key: Annotated[StrictStr, Policy(replaces=True)]
    """Element key, such as `onedrivebusiness`. Changing it replaces the instance."""
    name: StrictStr
    """Name of the instance. Names are not unique on the platform."""
    markers: Annotated[list[StrictStr], Policy(write_only=True), Field(alias=MARKERS)] = []

    @property
    def properties(self) -> Properties:
        """The part that is held against the platform: not what that rewrites by itself."""
        return Properties(self.name, self.tags, without_platform_written(self.configuration))


@dataclass(frozen=True, repr=False)
class Properties:
    """What is compared of an instance, in the shape of inputs."""

    name: str
    tags: list[str]
    configuration: dict[str, Any]


_NONE = Policy()


@cache
def policy(name: str) -> Policy:
    """Return a field's policy, from its annotation."""
    marks = Inputs.model_fields[name].metadata
    return next((mark for mark in marks if isinstance(mark, Policy)), _NONE)


@cache
def fields_with(**wanted: bool) -> tuple[str, ...]:
    """Return the fields whose policy has these marks, such as `fields_with(replaces=True)`."""
    return tuple(
        name
        for name in Inputs.model_fields
        if all(getattr(policy(name), mark) is value for mark, value in wanted.items())
    )


def sent_as_they_are(given: Inputs) -> dict[str, Any]:
    """Return what goes into the create request under the name that stands on the field."""
    named = {policy(name).request: getattr(given, name) for name in Inputs.model_fields}
    return {name: value for name, value in named.items() if name and value is not None}


def problems(inputs: Mapping[str, Any]) -> list[str]:
    """Return everything wrong with a program's inputs, each as `path: what`; never a value.

    What is not known yet is not judged.
    """
    known = known_part(dict(inputs))
    found: list[str] = []
    try:
        Inputs.model_validate(known)
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False, include_context=False):
            path = ".".join(str(part) for part in problem["loc"])
            if problem["type"] == "missing" and path in inputs:
                continue
            found.append(f"{path}: {mistake(problem, names_at(problem['loc'], _NAMES))}")
    paths = {problem.split(": ")[0] for problem in found}
    ruled = [*_rule_problems(known), *common.problems(inputs)]
    return found + [problem for problem in ruled if problem.split(": ")[0] not in paths]


def names_at(place: Sequence[str | int], names: list[str]) -> list[str]:
    """Return the names that a place may have: those of the fields, or of the members of one."""
    return list(Events.model_fields) if len(place) > 1 and place[0] == common.FIELD else names


_NAMES = [name for name in Inputs.model_fields if name != "markers"]
MARKUP = re.compile(r"<[^<>]*>")
NO_VALUE = "is a file or a resource, not a value: give the text that is meant"
_MAPS = ("configuration", common.FIELD, "provider_data")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LARGEST_INTEGER = 2**53
_SHAPES = {
    "element_key": (
        re.compile(r"\S+"),
        "must be an element key such as 'onedrivebusiness', without spaces",
    ),
    "code": (
        re.compile(r"\S(.*\S)?", re.DOTALL),
        "must be the bare code, without spaces around it",
    ),
    "adopt": (
        re.compile(r"\d+|(tag|name):.+", re.DOTALL),
        "must be an instance id, 'tag:<tag>' or 'name:<name>'",
    ),
    "external_authentication": (re.compile(r"initial|none"), "must be 'initial' or 'none'"),
    "oauth_proxy": (re.compile(r".*\S.*", re.DOTALL), "must be the name of an OAuth proxy"),
}
"""What a text must be as a whole, and how that is said."""


def _rule_problems(known: Mapping[str, Any]) -> Iterator[str]:
    tags = known.get("tags")
    texts = {"name": known.get("name")}
    if isinstance(tags, list):
        texts |= {f"tags.{index}": tag for index, tag in enumerate(tags)}
    for path, text in texts.items():
        if isinstance(text, str):
            yield from _text_problems(path, text)
    for path in _MAPS:
        if isinstance(value := known.get(path), dict):
            yield from _value_problems(path, value)
    provider_data = known.get("provider_data")
    if known.get("code") and isinstance(provider_data, dict) and "code" in provider_data:
        yield "provider_data.code: is given as 'code' already; give it once"
    for field, (shape, rule) in _SHAPES.items():
        text = known.get(field)
        if isinstance(text, str) and not shape.fullmatch(text):
            yield f"{field}: {rule}"


def _text_problems(path: str, text: str) -> Iterator[str]:
    if not text.strip():
        yield f"{path}: must not be empty"
    if MARKUP.search(text):
        yield f"{path}: must not hold markup such as <b>, which the platform removes"
    if _CONTROL.search(text):
        yield f"{path}: must not hold line breaks or other control characters"
    if is_marker(text):
        yield f"{path}: looks like a marker tag of this provider; choose another"


def _value_problems(path: str, value: Any) -> Iterator[str]:
    if value == MASK:
        yield f"{path}: is the platform's mask {MASK}, not a value; give the real one or leave it"
    elif isinstance(value, dict):
        for key, item in value.items():
            if not key.strip():
                yield f"{path}: has an empty key"
            yield from _value_problems(f"{path}.{key}", item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _value_problems(f"{path}.{index}", item)
    elif value is None or isinstance(value, str | bool) or is_unknown(value):
        pass
    elif not isinstance(value, int | float):
        yield f"{path}: {NO_VALUE}"
    elif not abs(value) < _LARGEST_INTEGER:  # nor is "not a number"
        yield f"{path}: is too large for a number (2^53 and more lose digits); write it as text"


def normalised(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return a program's inputs as they are stored: without what is empty, tags without repeats.

    Doing it twice changes nothing. Unknowns stay where they are, and so do tags that are none.
    """
    given = {key: value for key, value in inputs.items() if value is not None}
    kept = {
        key: value
        for key, value in without_null(given).items()
        if value not in ({}, []) or key == common.FIELD  # which an empty one turns on
    }
    if tags := given.get("tags"):
        texts = isinstance(tags, list) and all(isinstance(tag, str) for tag in tags)
        kept["tags"] = list(dict.fromkeys(tags)) if texts else tags
    return kept


def nulls_in_values(inputs: Mapping[str, Any]) -> list[str]:
    """Return where null stands inside configuration, events and provider data."""
    return [path for field in _MAPS for path in nulls(inputs.get(field) or {}, field)]


def marked_secret(inputs: Mapping[str, Any], known_plain: frozenset[str]) -> dict[str, Any]:
    """Return inputs with the secret marker on every secret leaf, at any depth.

    So the state encrypts it even when the program forgot to. Not on whole maps: an engine may drop
    such a mark (CLI 3.274.1 does), and keeps one on a leaf. `known_plain` are the configuration
    keys that the element's metadata says are no secrets.
    """
    marked = {**inputs}
    for key in fields_with(secret=True):
        if key in inputs:
            marked[key] = _marked(inputs[key], secret=True)
    if isinstance(configuration := inputs.get("configuration"), dict):
        marked["configuration"] = {
            name: _marked(item, secret=is_secret_key(name, known_plain))
            for name, item in configuration.items()
        }
    if isinstance(events := inputs.get(common.FIELD), dict):
        marked[common.FIELD] = {
            name: _marked(item, secret=common.is_secret(name)) for name, item in events.items()
        }
    return marked


def _marked(value: Any, *, secret: bool) -> Any:
    """Mark the leaves of a value: all when it is secret, else those whose name says so."""
    if isinstance(value, dict):
        return {
            key: _marked(item, secret=secret or looks_secret(key)) for key, item in value.items()
        }
    if isinstance(value, list):
        return [_marked(item, secret=secret) for item in value]
    if not secret or value is None or is_unknown(value):
        return value
    return wrap_rpc_secret(value)


def inputs_of(inputs: Mapping[str, Any]) -> Inputs:
    """Return checked inputs as a model, compiled; `bag` must have no unknowns."""
    inputs, names = common.compiled(inputs), {*Inputs.model_fields, MARKERS}
    return Inputs.model_validate({key: inputs[key] for key in names if inputs.get(key) is not None})
