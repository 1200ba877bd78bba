"""How to reach the platform: connection settings, from the environment and the stack.

For each setting, in this order:

1. the environment variable `CLOUD_ELEMENTS_<NAME>`: never enters the state, always current;
2. the stack configuration `cloud-elements:<name>`.

The order has a reason: the engine records stack configuration in the state, and `pulumi destroy`
and `pulumi refresh` use that recorded copy. A secret rotated in the stack file is not seen by them
until the next `pulumi up` (or with `--run-program`); one from the environment is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .api.address import is_loopback
from .api.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NAMESPACE = "cloud-elements"
_LARGEST = 1_000_000
_HEADER_TEXT = re.compile(r"[!-~]*")


def _setting(doc: str, *, default: Any, secret: bool = False, needed: bool = True) -> Any:
    """Declare a setting once: its default (an empty one is none), meaning, and what it is."""
    metadata = {"doc": doc, "secret": secret, "needed": needed and default == ""}
    return field(default=default, repr=not secret, metadata=metadata)


@dataclass(frozen=True)
class Settings:
    """Connection settings, checked. `repr` shows no secret."""

    base_url: str = _setting(
        "Address of the API, such as https://api.cloud-elements.com/elements/api-v2; https, "
        "unless it is on loopback.",
        default="",
    )
    user_secret: str = _setting("The user secret of your account.", default="", secret=True)
    organization_secret: str = _setting(
        "The organization secret of your account.", default="", secret=True
    )
    timeout: float = _setting(
        "Seconds to wait for one answer; a create takes 9-26 s on the real platform.", default=180.0
    )
    retry_budget: float = _setting(
        "Seconds that one request may spend on retries, waits included.", default=120.0
    )
    lookup_window: float = _setting(
        "Seconds to keep looking for an instance after the answer to its create was lost.",
        default=20.0,
    )
    concurrency: int = _setting("Operations at once, and connections to the platform.", default=64)
    requests_per_second: float = _setting(
        "Upper bound on requests a second; 0 means no bound.", default=0.0
    )
    metadata: bool = _setting(
        "Check inputs against the element's metadata at preview.", default=True
    )
    await_consent: bool = _setting(
        "Let a new instance that has no code yet wait for it, and everything else go on, where the "
        "engine can (Pulumi 3.274; such a run exits with 10).",
        default=True,
    )
    consent_page: str = _setting(
        "Address of a page of yours where account owners connect their accounts, which a new "
        "instance without a code tells; {name} and {stack} in it stand for the resource and its "
        "stack. No query: it stands in logs.",
        default="",
        needed=False,
    )
    journal: bool = _setting(
        "Remember under ~/.pulumi/cloud-elements what was sent, so that no later run on this "
        "machine sends a code twice or makes an instance again, even when lists lag.",
        default=True,
    )

    def __post_init__(self) -> None:
        """Refuse settings that cannot work.

        Raises:
            ConfigError: All problems at once, each with the name of the setting.
        """
        problems = [
            f"{environment_name(item.name)} (or {stack_key(item.name)}) is not set"
            for item in fields(self)
            if item.metadata["needed"] and not getattr(self, item.name)
        ]
        for name in ("base_url", "consent_page"):
            if text := getattr(self, name):
                problems += _address_problems(text, name)
        problems += [
            f"{environment_name(item.name)} (or {stack_key(item.name)}) must contain neither "
            "spaces nor accented characters; copy it again"
            for item in fields(self)
            if item.metadata["secret"] and not _HEADER_TEXT.fullmatch(getattr(self, item.name))
        ]
        problems += [
            f"{stack_key(item.name)} must be between 0 and {_LARGEST:,}"
            for item in fields(self)
            if isinstance(item.default, int | float)
            and not 0 <= getattr(self, item.name) <= _LARGEST
        ]
        if self.concurrency == 0 or self.timeout == 0:
            problems.append(f"{NAMESPACE}:concurrency and {NAMESPACE}:timeout must be above 0")
        if problems:
            raise ConfigError("; ".join(problems))

    @property
    def address(self) -> str:
        """The base URL as addresses are compared, see `address`."""
        return address(self.base_url)

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Refuse to be pickled: Pulumi stores pickled providers in the state."""
        message = "connection settings hold secrets and are never pickled"
        raise TypeError(message)


def environment_name(name: str) -> str:
    """Return the environment variable of a setting: `base_url` → `CLOUD_ELEMENTS_BASE_URL`."""
    return f"CLOUD_ELEMENTS_{name.upper()}"


def stack_key(name: str) -> str:
    """Return the stack configuration key of a setting: `base_url` → `cloud-elements:baseUrl`."""
    first, *rest = name.split("_")
    return f"{NAMESPACE}:{first}{''.join(word.capitalize() for word in rest)}"


def load(environment: Mapping[str, str], stack: Callable[[str], str | None]) -> Settings:
    """Return the settings, each from the environment first and the stack second.

    Args:
        environment: Usually `os.environ`.
        stack: Gives the text of a full stack configuration key, or None.

    Raises:
        ConfigError: All problems at once.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    for item in fields(Settings):
        origin = environment_name(item.name)
        text = environment.get(origin)
        if not text:
            origin = stack_key(item.name)
            text = stack(origin)
        if not text:
            continue
        try:
            values[item.name] = _parse(text.strip(), type(item.default))
        except ValueError:
            problems.append(f"{origin} must be a {_KINDS[type(item.default)]}")
    try:
        settings = Settings(**values)
    except ConfigError as error:
        problems.append(str(error))
    if problems:
        raise ConfigError("; ".join(problems))
    return settings


def overridden(environment: Mapping[str, str], stack: Callable[[str], str | None]) -> str | None:
    """Return what to say where the environment leads elsewhere than the stack, or None.

    Arguments are those of `load`.
    """
    name, key = environment_name("base_url"), stack_key("base_url")
    used, meant = (environment.get(name) or "").strip(), (stack(key) or "").strip()
    if not used or not meant or address(used) == address(meant):
        return None
    # What isn't an address may hold a password.
    instead = "another address" if _address_problems(meant) else address(meant)
    return (
        f"{name} overrides the stack's {key}: {address(used)} is used instead of {instead}; unset "
        "it where the stack's own platform is meant"
    )


_KINDS = {bool: "boolean (true or false)", int: "whole number", float: "number"}


def _parse(text: str, kind: type) -> Any:
    if kind is bool:
        words = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}
        if text.lower() not in words:
            raise ValueError
        return words[text.lower()]
    return kind(text)


_ADDRESSES = {
    "base_url": (
        "such as https://api.cloud-elements.com/elements/api-v2",
        "your secrets travel in every request",
    ),
    "consent_page": ("such as https://connect.example.com/{name}", "consent is asked for there"),
}
"""Of each setting that is an address an example, and why nobody may listen there."""


def _address_problems(given: str, name: str = "base_url") -> list[str]:
    key = f"{environment_name(name)} (or {stack_key(name)})"
    example, why = _ADDRESSES[name]
    try:
        parts = urlsplit(given)
        host = parts.hostname if parts.port != 0 else None
        (host or "").encode("idna")  # as the connection will, for which `a..b` is no host
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or not _HEADER_TEXT.fullmatch(given):
        return [f"{key} must be an address {example}"]
    if "@" in parts.netloc:
        return [f"{key} must not hold a user name or password"]
    if "?" in given or "#" in given:
        return [f"{key} must not have a query or a fragment"]
    if parts.scheme == "http" and not is_loopback(host):
        return [f"{key} must start with https://, because {why}"]
    return []


_PORTS = {"http": 80, "https": 443}


def address(base_url: str) -> str:
    """Return a base URL in one spelling for all that mean the same: case, port, last slash.

    What isn't an address is returned as it is.
    """
    try:
        parts = urlsplit(base_url.strip())
        host = (parts.hostname or "").rstrip(".").encode("idna").decode()
        port = "" if parts.port in (None, _PORTS.get(parts.scheme)) else f":{parts.port}"
    except ValueError:
        return base_url
    if not host:
        return base_url
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"
