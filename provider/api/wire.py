"""The API's JSON: the only place that knows its camelCase names.

Answers are read tolerantly: unknown fields are ignored, and of the known ones only the identity is
demanded, because published answers differ by age and element (docs: 139 of them, 2020-11).
A field of an odd type counts as absent.
"""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)

from .redaction import MASK

if TYPE_CHECKING:
    from collections.abc import Mapping

M = TypeVar("M", bound=BaseModel)


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    @field_validator("*", mode="wrap")
    @classmethod
    def _odd_is_absent(
        cls, value: object, handler: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> Any:
        try:
            return handler(value)
        except ValidationError:
            field = cls.model_fields[info.field_name or ""]
            if field.is_required():
                raise
            return field.get_default(call_default_factory=True)


def _integer_as_text(value: object) -> object:
    integer = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if integer else value


class ElementReference(_Answer):
    """The element inside an instance's answer."""

    id: str | None = None
    key: str | None = None
    name: str | None = None

    @field_validator("id", mode="before")
    @classmethod
    def _id_as_text(cls, value: object) -> object:
        return _integer_as_text(value)


class Instance(_Answer):
    """An element instance as the API returns it.

    docs: `tags` are strings, in one old page objects `{"id", "name"}`; `configuration`, `valid` and
    `disabled` stand at the top level, in three pages inside `element`; `configuration` may be
    missing or empty (2020-11).
    """

    id: str = Field(pattern=r"^\w[\w-]*$")
    name: str | None = None
    token: str | None = Field(default=None, repr=False)
    element: ElementReference = ElementReference()
    element_id: str | None = Field(default=None, alias="elementId")
    tags: list[str] | None = None
    valid: bool | None = None
    disabled: bool | None = None
    configuration: dict[str, Any] | None = Field(default=None, repr=False)

    @model_validator(mode="before")
    @classmethod
    def _out_of_element(cls, value: object) -> object:
        element = value.get("element") if isinstance(value, dict) else None
        if not isinstance(value, dict) or not isinstance(element, dict):
            return value
        moved = [name for name in ("configuration", "valid", "disabled") if name in element]
        return value | {name: element[name] for name in moved if value.get(name) in (None, {}, [])}

    @field_validator("id", "element_id", mode="before")
    @classmethod
    def _id_as_text(cls, value: object) -> object:
        return _integer_as_text(value)

    @field_validator("token", mode="before")
    @classmethod
    def _no_mask(cls, value: object) -> object:
        return None if value == MASK else value

    @field_validator("tags", mode="before")
    @classmethod
    def _tag_names(cls, value: object) -> object:
        if not isinstance(value, list):
            return value
        names = [tag.get("name") if isinstance(tag, dict) else tag for tag in value]
        return [name for name in names if isinstance(name, str)]

    def is_of(self, element_key: str) -> bool:
        """Tell whether it is an element's, by its key or id; an answer without a key may be."""
        names = (self.element.key or "", self.element.id, self.element_id)
        return not names[0] or element_key.casefold() in (names[0].casefold(), *names[1:])

    def completed(self, before: Instance) -> Instance:
        """Return the instance with what this answer leaves out as it was before.

        docs: `disabled` is in 134 of 139 answers, `valid` in 133; 47 have an empty configuration
        (2020-11). A value that is not set is null or empty, and a mask may stand for it as well (a
        recorded answer of NetSuite's, beside an empty user name): none of them says anything new.
        """
        untold = {
            name: getattr(before, name)
            for name in ("token", "valid", "disabled", "configuration")
            if getattr(self, name) in (None, {})
        }
        given, known = self.configuration or {}, before.configuration
        if given and known:  # where the engine has dropped every null
            untold["configuration"] = given | {
                key: known.get(key)
                for key, value in given.items()
                if _tells_nothing(value) and _tells_nothing(known.get(key))
            }
        return self.model_copy(update=untold)

    @property
    def held(self) -> dict[str, str | None] | None:
        """The configuration as the platform stores it; None when it does not say."""
        return None if self.configuration is None else as_stored(self.configuration)


AUTHENTICATION_TYPE = "authentication.type"
"""Configuration key by which an instance says how it authenticates."""


class ConfigurationEntry(_Answer):
    """One entry of an element's `configuration[]`: what an instance may or must be given."""

    key: str
    name: str = ""
    description: str | None = None
    type: str = ""
    required: bool = False
    active: bool = True
    internal: bool = False
    hide_from_console: bool = Field(default=False, alias="hideFromConsole")
    group_control: bool = Field(default=False, alias="groupControl")
    group_name: str | None = Field(default=None, alias="groupName")
    default_value: str | None = Field(default=None, alias="defaultValue")
    options: list[dict[str, Any]] | None = None

    @field_validator("default_value", mode="before")
    @classmethod
    def _default_as_text(cls, value: object) -> object:
        return stored(value)


class _AuthenticationType(_Answer):
    type: str | None = None


class Element(_Answer):
    """An element's metadata, from `GET /elements/{keyOrId}`."""

    key: str
    name: str = ""
    description: str | None = None
    hub: str | None = None
    authentication: _AuthenticationType | None = None
    type_oauth: bool = Field(default=False, alias="typeOauth")
    configuration: list[ConfigurationEntry] = []

    @field_validator("configuration", mode="before")
    @classmethod
    def _entries_with_keys(cls, value: object) -> object:
        if not isinstance(value, list):
            return value
        return [e for e in value if isinstance(e, dict) and isinstance(e.get("key"), str)]

    @cached_property
    def types(self) -> tuple[tuple[str, str], ...]:
        """Each configuration key with its type."""
        return tuple((entry.key, entry.type) for entry in self.configuration)

    def default_of(self, key: str) -> str | None:
        """Return the value that an unset configuration key has, or None when that is not known."""
        return next((entry.default_value for entry in self.configuration if entry.key == key), None)

    @property
    def kind(self) -> str:
        """How its instances authenticate unless they say otherwise, such as `oauth2`; or nothing.

        docs: what an instance is given goes before what the element says of itself: QuickBooks
        calls itself oauth1 and is used with OAuth 2 (its page, 2020-11). Older answers have
        `typeOauth` alone (four documented ones, 2020-11).
        """
        own = self.authentication.type if self.authentication else None
        flagged = "oauth" if self.type_oauth else ""
        return (self.default_of(AUTHENTICATION_TYPE) or own or flagged).lower()


class Organization(_Answer):
    """Our own organization, from `/organizations/me`: nothing in it is of use."""


class Redirect(_Answer):
    """Where the user gives consent, from `/elements/{keyOrId}/oauth/url`."""

    element: str | None = None
    oauth_url: str = Field(alias="oauthUrl", repr=False, pattern=r"^https?://\S+$")


class RequestToken(_Answer):
    """The first step of OAuth 1, from `/elements/{keyOrId}/oauth/token`."""

    token: str = Field(repr=False)
    secret: str | None = Field(default=None, repr=False)


class ErrorBody(_Answer):
    """What the platform says of an error; every field may be missing."""

    message: str | None = None
    request_id: str | None = Field(default=None, alias="requestId")
    provider_message: str | None = Field(default=None, alias="providerMessage")


def stored(value: Any) -> str | None:
    """Return a configuration value as the platform stores it: text, or null.

    docs: all values come back as strings, `"true"`, `"30"`, objects as JSON text (2020-11). The
    engine hands whole numbers over as floats, so `30.0` is `30`.
    """
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case dict() | list():
            return json.dumps(as_sent(value), separators=(",", ":"), sort_keys=True)
        case _:
            return str(value)


def as_stored(configuration: Mapping[str, Any]) -> dict[str, str | None]:
    """Return a configuration as the platform stores it."""
    return {key: stored(value) for key, value in configuration.items()}


def is_unset(value: Any) -> bool:
    """Tell whether a configuration value is unset: null and the empty text are the same."""
    return not (stored(value) or "").strip()


def _tells_nothing(value: Any) -> bool:
    return value == MASK or is_unset(value)


def as_sent(value: Any) -> Any:
    """Return a value with whole floats as integers, at any depth: what JSON should say."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {key: as_sent(item) for key, item in value.items()}
        case list():
            return [as_sent(item) for item in value]
        case _:
            return value


def same_value(value: Any, other: Any) -> bool:
    """Tell whether two configuration values are the same once the platform stored them.

    JSON texts are compared by content, because neither key order nor spacing is kept; outer white
    space does not count; null and the empty text are both "no value".
    """
    left, right = (stored(value) or "").strip(), (stored(other) or "").strip()
    if left == right:
        return True
    if not (left[:1] in ("{", "[") and right[:1] in ("{", "[")):
        return False
    try:
        return bool(_numbers_alike(json.loads(left)) == _numbers_alike(json.loads(right)))
    except (ValueError, RecursionError):
        return False


def _numbers_alike(value: Any) -> Any:
    """Keep `true` from being equal to 1: JSON tells them apart, Python does not."""
    match value:
        case bool():
            return ("boolean", value)
        case dict():
            return {key: _numbers_alike(item) for key, item in value.items()}
        case list():
            return [_numbers_alike(item) for item in value]
        case _:
            return value


def instance_request(
    *,
    element_key: str | None = None,
    name: str | None = None,
    tags: list[str] | None = None,
    configuration: dict[str, Any] | None = None,
    provider_data: dict[str, Any] | None = None,
    oauth_proxy: str | None = None,
) -> dict[str, Any]:
    """Return the body of a create or of an update: only what is given.

    docs: POST /instances and PATCH /instances/{id}; `oauthProxy` in the create alone (page on the
    OAuth proxy, 2020-11).
    """
    proxy = {"isOauthProxy": True, "oauthProxyName": oauth_proxy}
    body = {
        "element": {"key": element_key} if element_key else None,
        "providerData": provider_data or None,
        "configuration": as_sent(configuration),
        "oauthProxy": proxy if oauth_proxy else None,
        "tags": tags,
        "name": name,
    }
    return {key: value for key, value in body.items() if value is not None}
