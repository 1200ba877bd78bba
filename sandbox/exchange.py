"""One request and its answer, as the sandbox's handlers see them.

Nothing here knows instances or elements; the application turns these into HTTP.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .values import NOT_JSON, is_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .faults import Fault
    from .store import Instance
    from .tenant import Tenant


class RefusalError(Exception):
    """An error answer of the platform: `{requestId, message[, providerMessage]}`."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        provider_message: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.provider_message = provider_message
        self.headers = headers or {}


NO_BODY = object()
_JSON_TYPE = re.compile(r"application/([\w.-]+\+)?json")


@dataclass(slots=True)
class Answer:
    """A successful answer; `body` is sent as JSON unless it is NO_BODY."""

    body: Any = NO_BODY
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Call:
    """A request that reached a handler."""

    tenant: Tenant
    method: str
    template: str
    path_parameters: dict[str, str]
    query: list[tuple[str, str]]
    authorization: dict[str, str]
    """Words of the Authorization header and what follows each."""
    body: Any
    """JSON value of the body, or NOT_JSON; shared with the journal, so never changed."""
    headers: Mapping[str, str]
    """All headers of the request, by name in small letters."""
    origin: str
    """Scheme and host under which the client reached the sandbox."""
    fault: Fault | None = None
    token_instance: Instance | None = None
    """The instance whose token the header names."""
    code_ignored: bool = False
    """The handler did not look at a code in the body."""

    def parameter(self, name: str) -> str | None:
        """Return the first query parameter of that name."""
        return next((v for k, v in self.query if k == name), None)

    def parameters(self, name: str) -> list[str]:
        """Return all query parameters of that name."""
        return [v for k, v in self.query if k == name]

    def flag(self, name: str) -> bool | None:
        """Return a true/false query parameter; None when it is absent."""
        value = self.parameter(name)
        return None if value is None else value.lower() == "true"

    def number(self, name: str) -> int | None:
        """Return a query parameter that is a whole number; None when it is absent."""
        value = self.parameter(name)
        if value is None:
            return None
        if not is_number(value):
            raise RefusalError(400, f"Bad request: {name} is not a positive integer")
        return int(value)

    @property
    def path(self) -> str:
        """The path that was asked for, without the prefix of the API."""
        return self.template.format(**self.path_parameters)

    def json_object(self) -> dict[str, Any]:
        """Return the body, or refuse one that is not a JSON object."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        strict = self.tenant.switches.text("content_type") == "json"
        if strict and not _JSON_TYPE.fullmatch(kind):
            raise RefusalError(415, "The Content-Type of the request has to be application/json")
        if self.body is NOT_JSON:
            raise RefusalError(400, "Bad request: the body is not JSON")
        if not isinstance(self.body, dict):
            raise RefusalError(400, "Bad request: the body is not a JSON object")
        return self.body


@dataclass(frozen=True, slots=True)
class Route:
    """A path template, a method and who answers; `access` names what the header must hold."""

    method: str
    template: str
    handler: Callable[[Call], Answer]
    access: str = "platform"
    """platform: User and Organization; elements: the same unless the switch opens them;
    token: User, Organization and Element; hub: User and Element; either: hub where an Element is
    named, else platform; open: nothing."""
