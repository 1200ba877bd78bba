"""How a fact about the platform is written down: what a public client calls, and what it reads.

A flow is what one client does in a row. A step is one call: method and path, body, the status the
client counts on, and what it reads from the answer. In texts, `{name}` is a value that an earlier
step kept, or one that the sandbox gives: see `Replay`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Expected = Any | type | Callable[[Any], bool]

BOTH = "User {user}, Organization {organization}"
BY_TOKEN = BOTH + ", Element {token}"
HUB = "User {user}, Element {token}"
ABSENT = object()
"""What is read is not there."""
MASK = "********"


@dataclass(frozen=True)
class Step:
    """One call, and what is read from its answer.

    `reads` and `keep` point into the answer: `/a/0/b` into its JSON, `/[key=x]` to a member of a
    list, `#name` to a header, `?name` into the query of `Location` (a list, if it stands there more
    than once); after `told` the same into the last callback.
    """

    call: str
    body: Any = None
    status: int = 200
    reads: Mapping[str, Expected] = field(default_factory=dict)
    keep: Mapping[str, str] = field(default_factory=dict)
    authorization: str = BOTH
    headers: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Flow:
    """What a client does in a row, with the place where that can be read."""

    client: str
    source: str
    """File and lines, or the name of a page."""
    year: str
    about: str
    steps: tuple[Step, ...]
    switches: Mapping[str, str] = field(default_factory=dict)
    """Positions under which it is so, where sources disagree."""

    def __str__(self) -> str:
        return f"{self.client}: {self.about}"


def is_filled(value: Any) -> bool:
    """Read: something that is not empty."""
    return value not in (None, "", [], {})


def starts(text: str) -> Callable[[Any], bool]:
    """Read: a text that starts so."""
    return lambda value: isinstance(value, str) and value.startswith(text)


def holds(*parts: Any) -> Callable[[Any], bool]:
    """Read: a text or list that holds all of these."""
    return lambda value: all(part in value for part in parts)


def counts(number: int) -> Callable[[Any], bool]:
    """Read: a list or map of this many members."""
    return lambda value: isinstance(value, list | dict) and len(value) == number


# What many flows start with


def create(element: str, **more: Any) -> Step:
    """Make an instance as clients do, and keep its id and token."""
    configuration = CONFIGURATION.get(element, APPLICATION) | more.pop("configuration", {})
    body: dict[str, Any] = {"name": "fact", "element": {"key": element}}
    if element not in CONFIGURATION:
        body["providerData"] = {"code": f"{{code:{element}}}"}
    return Step(
        "POST /instances",
        body=body | {"configuration": configuration} | more,
        reads={"/id": int, "/token": is_filled},
        keep={"id": "/id", "token": "/token"},
    )


APPLICATION = {
    "oauth.api.key": "key",
    "oauth.api.secret": "secret",
    "oauth.callback.url": "https://app.example/callback",
}
EXTERNAL = {
    "oauth.api.key": "key",
    "oauth.api.secret": "secret",
    "oauth.user.refresh_token": "refresh",
}
ASKED = "apiKey=key&apiSecret=secret&callbackUrl=https://app.example/callback"
CONFIGURATION: dict[str, dict[str, Any]] = {
    "freshservice": {"subdomain": "acme", "username": "someone", "password": "hidden"},
    "closeio": {"username": "someone"},
}
"""Elements without OAuth. The clients name some that the sandbox has not, of the same kind."""
