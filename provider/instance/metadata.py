"""What an element asks for, from its own metadata: required keys, known keys, plain keys.

docs: `GET /elements/{keyOrId}` with `configuration[]` (real exports, 2021-04). The metadata are a
courtesy: without them everything still works, with later errors and more values kept secret.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..api.errors import (
    AuthenticationError,
    CloudElementsError,
    NotFoundError,
    Outcome,
    did_you_mean,
    text_of,
)
from ..api.redaction import looks_secret
from ..api.wire import AUTHENTICATION_TYPE, is_unset, stored
from . import events as common
from .credentials import is_credential
from .gaps import is_unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ..api import wire
    from ..api.client import CloudElementsClient

_PATIENCE = 10.0
"""Seconds for one look-up, retries included: in a preview somebody is waiting."""
_SILENCE = frozenset({Outcome.NOT_SENT, Outcome.NO_ANSWER, Outcome.TOO_MANY, Outcome.SERVER_ERROR})
"""After which another element would be asked for in vain."""
_SECRET_TYPES = frozenset({"PASSWORD", "TEXTAREA", "CODE_EDITOR"})
"""Types whose values may be secret whatever the key: free text may hold anything."""
_TOKENS = ("oauth.user.refresh_token", "oauth.user.token")
"""Keys from either of which an instance is created without consent (docs: help page on existing
refresh tokens; token-based create of QuickBooks, 2020-11)."""
_CALLBACK = "oauth.callback.url"
_HELD_BY_PROXY = frozenset({"oauth.api.key", "oauth.api.secret", _CALLBACK})
"""What need not be given with an OAuth proxy (docs: page on the OAuth proxy, 2020-11, whose create
has no configuration)."""
AUTHORIZE = "by 'elements authorize'"
_OAUTH1 = "oauth1"
_OAUTH1_DATA = ("oauth_token", "oauth_verifier", "secret")
"""What consent brings under OAuth 1 (docs: in each of 21 create bodies, 2020-11)."""
_CONSENT = frozenset({"code", "token", "access_token", "refresh_token", "apikey"})
_ENOUGH = {_OAUTH1: frozenset({"code"}), "oauth2": _CONSENT, "oauth": _CONSENT}
"""Provider data any of which stands for consent, by how an element authenticates: under OAuth 2
what a callback may bring (docs: vendor's own API tests, 2018-09), and a code under OAuth 1 as well,
for QuickBooks calls itself that and takes one (docs: its page, 2020-11)."""


class Metadata:
    """The metadata of every element in use: asked for once per process and element key."""

    def __init__(
        self, client: CloudElementsClient, warn: Callable[[str], None], *, enabled: bool
    ) -> None:
        self._client = client
        self._warn = warn
        self._silent = not enabled
        """Nothing is asked (any more)."""
        self._lock = threading.Lock()
        self._known: dict[str, wire.Element | CloudElementsError | None] = {}
        self._catalogue: list[str] | None = None

    def element(self, element_key: str) -> wire.Element | None:
        """Return an element's metadata, or None when they can't be had, which is told once.

        Once the platform kept silent, no further element is asked for.

        Raises:
            NotFoundError: The platform has no such element.
            AuthenticationError: The platform does not accept our secrets.
        """
        with self._lock:
            if element_key not in self._known:
                self._known[element_key] = None if self._silent else self._ask(element_key)
            known = self._known[element_key]
        if isinstance(known, CloudElementsError):
            raise known
        return known

    def _ask(self, element_key: str) -> wire.Element | CloudElementsError | None:
        try:
            return self._client.get_element(element_key, within=_PATIENCE)
        except CloudElementsError as error:
            match error:
                case NotFoundError() | AuthenticationError(status=401, names_our_secrets=True):
                    return error.with_traceback(None)
            self._silent = error.outcome in _SILENCE
            others = ", and those of elements not looked up yet," if self._silent else ""
            self._warn(
                f"element '{element_key}' could not be looked up, so its inputs{others} are not "
                f"checked before they are sent: {text_of(error)}"
            )
            return None

    def similar(self, element_key: str) -> str:
        """Return `; did you mean 'x'?` when the platform has an element of a similar key."""
        with self._lock:
            if self._catalogue is None:
                self._catalogue = [] if self._silent else self._keys()
            return did_you_mean(element_key, self._catalogue)

    def _keys(self) -> list[str]:
        try:
            return [element.key for element in self._client.find_elements(within=_PATIENCE)]
        except CloudElementsError:
            return []


def needless_keys(oauth_proxy: object, external_authentication: object) -> frozenset[str]:
    """Return the keys that no create needs which goes by these inputs, whatever its element says.

    docs: with `externalAuthentication: initial` nobody is sent anywhere, and nothing comes back:
    the vendor's own client creates such instances without a callback URL (its API tests, 2018-09;
    help page on existing refresh tokens). An input that is not known yet counts as given.
    """
    external = external_authentication not in (None, "", "none")
    return (_HELD_BY_PROXY if oauth_proxy else frozenset()) | ({_CALLBACK} if external else set())


def required_keys(
    element: wire.Element,
    configuration: Mapping[str, Any],
    *,
    needless: frozenset[str] = frozenset(),
) -> list[wire.ConfigurationEntry]:
    """Return the entries that a user must supply, besides those that are `needless`.

    docs: required, active, neither hidden nor internal, without default, and of a chosen group
    (87 real exports, 2021-04; 44 of them have hidden entries that the platform fills at run time).
    """
    groups = _groups(element, configuration)
    return [
        entry
        for entry in element.configuration
        if entry.required
        and entry.active
        and not entry.hide_from_console
        and not entry.internal
        and entry.default_value is None
        and (not entry.group_name or entry.group_name in groups)
        and entry.key not in needless
    ]


def _groups(element: wire.Element, configuration: Mapping[str, Any]) -> set[str | None]:
    """Return the groups that the controls choose; what is not known yet chooses none."""
    chosen = [configuration.get(entry.key) or entry.default_value for entry in _controls(element)]
    return {stored(value) for value in chosen if not is_unknown(value)}


def _controls(element: wire.Element) -> list[wire.ConfigurationEntry]:
    return [entry for entry in element.configuration if entry.group_control and entry.active]


def _odd_choices(element: wire.Element, configuration: Mapping[str, Any]) -> Iterator[str]:
    """Yield each choice of a group that the metadata don't list.

    docs: a control has `options`, its entries `groupName` (BigCommerce's export, 2022-07). Upper
    and lower case are the same here: documented requests have `Basic` for `basic` (2020-11).
    """
    groups = [entry.group_name for entry in element.configuration if entry.active]
    for control in _controls(element):
        chosen = configuration.get(control.key)
        options = [stored(option.get("value")) for option in control.options or []]
        possible = list(dict.fromkeys(filter(None, [*options, *groups])))
        if not possible or chosen in (None, "") or is_unknown(chosen):
            continue
        known = {choice.lower() for choice in [*possible, control.default_value or ""]}
        if (stored(chosen) or "").lower() not in known:
            listed = _spoken([f"'{choice}'" for choice in possible])
            yield f"element '{element.key}' lists no such '{control.key}', but {listed}"


def _spoken(words: list[str]) -> str:
    """Return `a, b and c`."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def plain_keys(element: wire.Element | None) -> frozenset[str]:
    """Return the configuration keys that the metadata know to be no secrets."""
    return _plain(element.types) if element else frozenset()


@lru_cache
def _plain(types: tuple[tuple[str, str], ...]) -> frozenset[str]:
    return frozenset(
        key
        for key, kind in types
        if kind and kind not in _SECRET_TYPES and not looks_secret(key) and not is_credential(key)
    )


def missing(
    element: wire.Element,
    inputs: Mapping[str, Any],
    *,
    new: bool,
    consent: str = AUTHORIZE,
    before: Mapping[str, Any] = MappingProxyType({}),
) -> Iterator[str]:
    """Yield what an instance of `element` needs and `inputs` lack, as `path: what`.

    Of an adopted instance nothing is demanded: it has what it needs. Nor is what an instance has
    lived without: whatever spared it that, such as an OAuth proxy, need not be given any more.

    Args:
        element: The element's metadata.
        inputs: Inputs that may hold unknowns, which count as given.
        new: The instance is still to be created, so credentials are needed too.
        consent: How to get what the consent of the account's owner brings, which is one of them;
            nothing where it isn't.
        before: The inputs of the instance as it is; empty when there is none.
    """
    if inputs.get("adopt"):
        return
    yield from _without_interval(element, inputs, before={} if new else before)
    inputs, before = common.compiled(inputs), common.compiled(before)
    configuration = inputs.get("configuration", {})
    if not isinstance(configuration, dict):
        return
    needless = needless_keys(inputs.get("oauth_proxy"), inputs.get("external_authentication"))
    if not new:
        held = before.get("configuration", {})
        needless |= {entry.key for entry in _lacking(element, held, frozenset())}
    for entry in _lacking(element, configuration, needless):
        label = f" ({entry.name})" if entry.name and entry.name != entry.key else ""
        yield f"configuration.{entry.key}: is required by element '{element.key}'{label}"
    if new:
        yield from _missing_token(inputs, configuration)
        if consent:
            yield from missing_consent(element, inputs, consent)


def _without_interval(
    element: wire.Element, inputs: Mapping[str, Any], *, before: Mapping[str, Any]
) -> Iterator[str]:
    """Yield that `events` are polled for and nobody says how often, which none had to before."""
    if not isinstance(inputs.get(common.FIELD), dict):
        return
    if _polls_at_no_interval(element, inputs) and not _polls_at_no_interval(element, before):
        yield (
            f"events.every: is required by 'polling', because element '{element.key}' has no "
            "interval of its own: minutes between two polls"
        )


def _polls_at_no_interval(element: wire.Element, inputs: Mapping[str, Any]) -> bool:
    compiled = common.compiled(inputs).get("configuration")
    return (
        isinstance(compiled, dict)
        and stored(compiled.get(common.ENABLED)) == "true"
        and compiled.get(common.VENDOR_TYPE) == common.POLLING
        and compiled.get(common.INTERVAL) in (None, "")
        and is_unset(element.default_of(common.INTERVAL))
    )


def _lacking(
    element: wire.Element, configuration: object, needless: frozenset[str]
) -> list[wire.ConfigurationEntry]:
    """Return the required entries without a value; none of a configuration that is not known."""
    if not isinstance(configuration, dict):
        return []
    required = required_keys(element, configuration, needless=needless)
    return [entry for entry in required if configuration.get(entry.key) in (None, "")]


def _token(configuration: Mapping[str, Any]) -> str | None:
    return next((key for key in _TOKENS if configuration.get(key) not in (None, "")), None)


def _missing_token(inputs: Mapping[str, Any], configuration: Mapping[str, Any]) -> Iterator[str]:
    """Yield the token of an external authentication that a create lacks."""
    if inputs.get("external_authentication") == "initial" and _token(configuration) is None:
        yield (
            f"configuration.{_TOKENS[0]}: is required by external_authentication 'initial', "
            f"unless {_TOKENS[1]} is given"
        )


def missing_consent(
    element: wire.Element, inputs: Mapping[str, Any], way: str = AUTHORIZE
) -> Iterator[str]:
    """Yield what a create lacks of what consent brings; what is not known yet counts as given."""
    configuration = inputs.get("configuration", {})
    if not isinstance(configuration, dict) or inputs.get("adopt"):
        return
    external = inputs.get("external_authentication") or "none"
    chosen = configuration.get(AUTHENTICATION_TYPE)
    if external != "none" or is_unknown(chosen):
        return
    kind = str(chosen or element.kind).lower()
    if not (lacking := _lacking_consent(kind, inputs)):
        return
    token = _token(configuration)
    if token is not None:
        yield (
            f"external_authentication: must be 'initial' to create an instance of '{element.key}' "
            f"from {token} without a code"
        )
    elif kind == _OAUTH1:
        yield (
            f"provider_data: needs {_spoken(lacking)} to create an instance of "
            f"'{element.key}', which uses OAuth 1; get them {way}"
        )
    else:
        yield (
            f"code: is required to create an instance of '{element.key}', which uses OAuth 2; "
            + ("let your application get one" if inputs.get("oauth_proxy") else f"get one {way}")
        )


def _lacking_consent(kind: str, inputs: Mapping[str, Any]) -> list[str]:
    """Return which provider data is not given; none where what is given stands for consent."""
    provider_data = inputs.get("provider_data") or {}
    if kind not in _ENOUGH or not isinstance(provider_data, dict):
        return []
    given = {key for key, value in provider_data.items() if value not in (None, "")}
    given |= {"code"} if inputs.get("code") else set()
    return [] if given & _ENOUGH[kind] else [name for name in _OAUTH1_DATA if name not in given]


def _dotted(key: str, value: Any) -> Iterator[str]:
    """Yield what a key and the maps below it would be as one key with dots."""
    for name, item in value.items() if isinstance(value, dict) else ():
        yield f"{key}.{name}"
        yield from _dotted(f"{key}.{name}", item)


def unknown_keys(element: wire.Element, configuration: Mapping[str, Any]) -> Iterator[str]:
    """Yield a warning for each configuration key, and each choice, that the metadata don't list.

    docs: documented requests send keys that no export lists (2020-11), so this is no error.
    """
    known = [entry.key for entry in element.configuration]
    for key, value in configuration.items():
        if known and key not in known and not is_credential(key):
            meant = [path for path in _dotted(key, value) if path in known]
            yield f"element '{element.key}' lists no configuration key '{key}'" + (
                f"; did you mean '{meant[0]}'? In paths it stands in brackets: "
                f'configuration["{meant[0]}"]'
                if meant
                else did_you_mean(key, known)
            )
    yield from _odd_choices(element, configuration)
