"""The common instance configuration in words of its own: `events` and `filter_response_nulls`.

docs: page on the common instance configuration (2020-11). They are other words for configuration
keys, and are compiled to these before anything is compared or sent. Knows no HTTP.
"""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

from pulumi.output import Unknown
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictStr

from ..api import wire
from ..api.address import is_loopback
from ..api.errors import did_you_mean
from ..api.redaction import is_secret_key
from .gaps import is_unknown
from .policy import Policy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FIELD = "events"
NULLS_FIELD, NULLS_KEY = "filter_response_nulls", "filter.response.nulls"
ENABLED = "event.notification.enabled"
VENDOR_TYPE = "event.vendor.type"
INTERVAL = "event.poller.refresh_interval"
_ADDRESS = "event.notification.callback.url"
POLLING = "polling"
WEBHOOKS = ("webhook", "webhooks")
"""One thing under two names (docs: `webhook` on the page on the common configuration, `webhooks` in
10 of 11 exports that have one, 2021-04); requests are documented with either."""
_ONLY_TYPE = "webhook"


def _no_boolean(value: object) -> object:
    return repr(value) if isinstance(value, bool) else value


class Events(BaseModel):
    """How the platform learns of events in the customer's account, and where it tells of them."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    enabled: Annotated[StrictBool | None, Policy(key=ENABLED)] = None
    """Whether events are told. `true` when not given, because `events` are; the platform's own
    default is `false` (docs: common instance configuration, 2020-11)."""
    by: Annotated[StrictStr | None, Policy(key=VENDOR_TYPE)] = None
    """`polling` or `webhook`: the platform asks the vendor, or the vendor tells the platform. The
    element's own way when not given. Sent in the element's own spelling, which may be `webhooks`
    (docs: common instance configuration, 2020-11; exports, 2021-04)."""
    to: Annotated[StrictStr | None, Policy(key=_ADDRESS, secret=True)] = Field(
        default=None, repr=False
    )
    """Address of your application that events are sent to; https, unless it is on loopback. Needed
    by `webhook`; no default (docs: common instance configuration, 2020-11)."""
    every: Annotated[int | None, BeforeValidator(_no_boolean), Policy(key=INTERVAL)] = None
    """Minutes between two polls. The element's own default when not given, mostly 15 (docs: common
    instance configuration, 2020-11; 12 of 16 exports, 2021-04)."""
    signature_key: Annotated[
        StrictStr | None, Policy(key="event.notification.signature.key", secret=True)
    ] = Field(default=None, repr=False)
    """Key by which each event is signed, in the header `Elements-Webhook-Signature`; not signed
    when not given (docs: common instance configuration, 2020-11)."""
    poller_configuration: Annotated[
        dict[str, Any] | None, Policy(key="event.poller.configuration")
    ] = Field(default=None, repr=False)
    """What is polled, by resource: `url`, `idField`, `pageSize`, `datesConfiguration`; the
    element's own default when not given (docs: 93 create bodies, 2020-11)."""
    notification_type: Annotated[StrictStr | None, Policy(key="event.notification.type")] = None
    """How events are told to your application: `webhook`, the default, is all there is (docs:
    common instance configuration, 2020-11)."""


def _keys() -> dict[str, str]:
    marks = {name: field.metadata for name, field in Events.model_fields.items()}
    return {
        name: next(mark.key for mark in found if isinstance(mark, Policy))
        for name, found in marks.items()
    }


KEYS = MappingProxyType(_keys())
"""The configuration key of each member of `events`."""
_POLLED = ("every", "poller_configuration")


def place_of(key: str, events: object) -> tuple[str, str]:
    """Return field and name under which an entry with these `events` gives a configuration key."""
    member = next((name for name, word in KEYS.items() if word == key), None)
    return (FIELD, member) if member and events else ("configuration", key)


def is_secret(member: str) -> bool:
    """Tell whether a member of `events` is secret: as its configuration key is."""
    return is_secret_key(KEYS.get(member, member))


def compiled(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return inputs that say the same by configuration keys alone; unknown values stay unknown."""
    rest = {**inputs}
    events, nulls = rest.pop(FIELD, None), rest.pop(NULLS_FIELD, None)
    if events is None and nulls is None:
        return rest
    configuration = rest.get("configuration") or {}
    if not (isinstance(configuration, dict) and isinstance(events, dict | None)):
        return rest | {"configuration": Unknown()}  # type: ignore[no-untyped-call]
    known = {name: item for name, item in (events or {}).items() if name in KEYS}
    own = {KEYS[name]: _sent(item) for name, item in known.items() if item is not None}
    if events is not None:
        own = {ENABLED: "true"} | own
    if nulls is not None:
        own[NULLS_KEY] = _sent(nulls)
    return rest | {"configuration": {**configuration, **own}}


def _sent(value: Any) -> Any:
    unchanged = isinstance(value, dict) or is_unknown(value)
    return value if unchanged else wire.stored(value)


def typed(
    configuration: Mapping[str, Any], *, adopted: bool = False
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return `events` and `filter_response_nulls` of a configuration, and the rest of it.

    What these can't say stays among the rest, so that both together compile to what was given. An
    instance that is there already (`adopted`) need not tell all.
    """
    rest = dict(configuration)
    found: dict[str, Any] = {}
    flags = {"true": True, "false": False}
    if (nulls := flags.get(wire.stored(rest.get(NULLS_KEY)) or "")) is not None:
        found[NULLS_FIELD] = nulls
        del rest[NULLS_KEY]
    enabled = flags.get(wire.stored(rest.get(ENABLED)) or "")
    if enabled is None:
        return found, rest
    read = {name: _read(name, rest.get(key)) for name, key in KEYS.items()}
    events = {name: value for name, value in read.items() if value is not None}
    events = events | ({} if enabled else {"enabled": False}) or {"enabled": True}
    wrong = {
        problem.split(": ")[0].partition(".")[2]
        for problem in problems({FIELD: events, "adopt": adopted or None})
    }
    if wrong - events.keys():
        return found, rest
    events = {name: value for name, value in events.items() if name not in wrong}
    rest = {key: value for key, value in rest.items() if key not in {KEYS[name] for name in events}}
    rest.pop(ENABLED, None)
    return found | {FIELD: events or {"enabled": True}}, rest


def _read(member: str, value: Any) -> Any:
    """Return a configuration value as a member of `events`; None where it can't be one."""
    text = wire.stored(value) or ""
    if member == "enabled" or wire.is_unset(text):
        return None
    if member == "every":
        return int(text) if _minutes(text) else None
    if member != "poller_configuration":
        return text if text == value else None
    try:
        read = json.loads(text)
    except ValueError:
        return None
    return read if isinstance(read, dict) else None


def problems(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with `events` and `filter_response_nulls`, each as `path: what`.

    What is not known yet counts as given, and is not judged. Types are judged elsewhere.
    """
    yield from _given_twice(inputs)
    events = inputs.get(FIELD)
    if not isinstance(events, dict):
        return
    given = {name: value for name, value in events.items() if value is not None}
    if not given:
        yield f"{FIELD}: is empty: say by what they are learned of ('by'), and where to ('to')"
    yield from _single_problems(given)
    by = given.get("by")
    if by in WEBHOOKS:
        yield from (
            f"{FIELD}.{name}: is for polling, and 'by' is '{by}'"
            for name in _POLLED
            if name in given
        )
    if lacks_address(inputs):
        yield f"{FIELD}.to: is required by '{by}': the address that events are sent to"


def lacks_address(inputs: Mapping[str, Any]) -> bool:
    """Tell whether events are to come by webhook and nobody says where they go."""
    events = inputs.get(FIELD)
    if not isinstance(events, dict) or events.get("by") not in WEBHOOKS or inputs.get("adopt"):
        return False
    off = events.get("enabled") not in (None, True)  # nor is it judged where that is not known
    return not (off or events.get("to") is not None or _has(inputs, _ADDRESS))


def _given_twice(inputs: Mapping[str, Any]) -> Iterator[str]:
    events, nulls = inputs.get(FIELD), inputs.get(NULLS_FIELD)
    if isinstance(events, dict):
        for name, key in KEYS.items():
            if (events.get(name) is not None or name == "enabled") and _has(inputs, key):
                word = f"{FIELD}.{name}" if events.get(name) is not None else FIELD
                yield f"configuration.{key}: is given as '{word}' already; give it once"
    if nulls is not None and _has(inputs, NULLS_KEY):
        yield f"configuration.{NULLS_KEY}: is given as '{NULLS_FIELD}' already; give it once"


def _has(inputs: Mapping[str, Any], key: str) -> bool:
    configuration = inputs.get("configuration")
    return isinstance(configuration, dict) and configuration.get(key) is not None


def _single_problems(given: Mapping[str, Any]) -> Iterator[str]:
    by, to, every = given.get("by"), given.get("to"), given.get("every")
    if isinstance(by, str) and by not in (POLLING, *WEBHOOKS):
        near = did_you_mean(by, [POLLING, WEBHOOKS[0]])
        yield f"{FIELD}.by: must be '{POLLING}' or '{WEBHOOKS[0]}'{near}"
    if isinstance(to, str) and not _is_address(to):
        yield (
            f"{FIELD}.to: must be an https address, such as https://app.example.com/events; plain "
            "http is for this machine alone"
        )
    if isinstance(every, int | float | str) and not isinstance(every, bool) and not _minutes(every):
        yield f"{FIELD}.every: must be a whole number of minutes, 1 or more"
    kind = given.get("notification_type")
    if isinstance(kind, str) and kind != _ONLY_TYPE:
        yield f"{FIELD}.notification_type: must be '{_ONLY_TYPE}', which is all there is"
    key = given.get("signature_key")
    if isinstance(key, str) and not key.strip():
        yield f"{FIELD}.signature_key: must not be empty"


def _minutes(value: float | str) -> bool:
    text = wire.stored(value) or ""
    return text.isascii() and text.isdecimal() and int(text) > 0


def _is_address(text: str) -> bool:
    if any(c.isspace() or not c.isprintable() for c in text):
        return False
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    return bool(host) and (
        parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
    )
