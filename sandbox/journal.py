"""Journal: what reached the sandbox's API, in order of arrival, and what it sent back.

Bodies are kept as received, secrets included: everything here is fake, and tests compare them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from typing import Any


@dataclass(slots=True)
class Entry:
    """One request."""

    seq: int
    time: float
    method: str
    template: str
    """Path template such as `/instances/{id}`; empty when no route fits."""
    path: str
    query: list[tuple[str, str]]
    authorization: list[str]
    """Words of the Authorization header, sorted: Element, Organization, User."""
    request_id: str
    body: Any
    """JSON value, other text as text, None for no body."""
    carries_code: bool
    code_hash: str | None
    code_resent: bool = False
    """An earlier request carried the same code, and its answer did not say that nobody looked."""
    vendor_refused: bool = False
    """The answer told what the vendor said: `providerMessage`."""
    code_ignored: bool = False
    """The platform took the request and not the code in it, which is as good as before."""
    fault: str | None = None
    status: int | None = None
    """Status that was sent; None while in work and when no answer was sent."""
    finished: bool = False

    @property
    def unread(self) -> bool:
        """Whether a code in the request was not looked at, as far as its sender can know.

        Ignored by a platform that then shows the same tokens as before; or redirected or refused
        without a word of the vendor. After 408 and 429 the request may be at work all the same
        (docs: 429 stands for size and time as well, 2019-06).
        """
        if self.code_ignored:
            return True
        refused = self.status is not None and 300 <= self.status < 500  # noqa: PLR2004
        return refused and self.status not in (408, 429) and not self.vendor_refused


_FIELDS = tuple(f.name for f in fields(Entry))


def code_of(body: Any) -> str | None:
    """Return the one-time code a request body carries: OAuth 2 code or OAuth 1 verifier."""
    data = body.get("providerData") if isinstance(body, dict) else None
    if not isinstance(data, dict):
        return None
    code = data.get("code") or data.get("oauth_verifier")
    return str(code) if code else None


def code_hash(code: str) -> str:
    """Return a short hash by which two sightings of one code can be matched."""
    return hashlib.sha256(code.encode()).hexdigest()[:16]


class Journal:
    """All requests since the start or the last reset."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._by_code: dict[str, list[Entry]] = {}

    def begin(
        self,
        *,
        time: float,
        method: str,
        template: str,
        path: str,
        query: list[tuple[str, str]],
        authorization: list[str],
        request_id: str,
        body: Any,
    ) -> Entry:
        """Write down a request as it arrives."""
        code = code_of(body)
        entry = Entry(
            seq=len(self._entries) + 1,
            time=time,
            method=method,
            template=template,
            path=path,
            query=query,
            authorization=authorization,
            request_id=request_id,
            body=body,
            carries_code=code is not None,
            code_hash=code_hash(code) if code is not None else None,
        )
        self._entries.append(entry)
        if entry.code_hash is not None:
            earlier = self._by_code.setdefault(entry.code_hash, [])
            entry.code_resent = any(not one.unread for one in earlier)
            earlier.append(entry)
        return entry

    def codes_resent(self) -> int:
        """Return how many requests carried a code that may have been spent by an earlier one."""
        return sum(one.code_resent for entries in self._by_code.values() for one in entries)

    def entries(self) -> list[dict[str, Any]]:
        """Return every entry as a map of its own; bodies are not copied."""
        return [{name: getattr(entry, name) for name in _FIELDS} for entry in self._entries]

    def clear(self) -> None:
        """Forget every entry."""
        self._entries.clear()
        self._by_code.clear()
