"""What comes back from the consent page, and whether it answers our question.

docs: OAuth 2 brings `code` and `state`, OAuth 1 `oauth_token`, `oauth_verifier` and `state`, a
refusal `error` in place of the code; some elements add `realmId`, `dataSource`, `org` or `token`
(vendor's OAuth pages, 2020-11).
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

_MOST_FIELDS = 64
_LONGEST_REASON = 200
_CODE = re.compile(r"[!-~]{1,16384}")
_EXTRA_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_EXTRA_VALUE = re.compile(r"[ -~]{1,4096}")
_TELLING = re.compile("code|state|error|oauth_.*")
_REFUSALS = ("error", "denied", "not_approved")
_NOT_FOR_THE_PLATFORM = frozenset(
    {
        *_REFUSALS,
        "error_description",
        "error_uri",
        "error_subtype",
        "code",
        "state",
        "oauth_token",
        "oauth_verifier",
        "oauth_callback_confirmed",
        "authuser",
        "client_info",
        "hd",
        "iss",
        "prompt",
        "scope",
        "session_state",
    }
)
"""Parameters that the create must not carry along: ours, and what vendors tell their clients."""


class MisfitError(Exception):
    """It isn't an answer to our question; the text says why, and quotes nothing that came in."""


class NoCodeError(MisfitError):
    """It may be ours, and says neither yes nor no."""


@dataclass(frozen=True)
class Question:
    """What was asked, so that only the answer to it is taken.

    Args:
        state: Our own random text, which must come back.
        request_token: OAuth 1: the request token and its secret.
        known: Parameters that the callback URL itself carries.
    """

    state: str = field(repr=False)
    request_token: tuple[str, str] | None = field(default=None, repr=False)
    known: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Grant:
    """Consent was given: what the create of the instance needs."""

    code: str | None = field(repr=False)
    provider_data: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Denial:
    """Consent was refused, or the vendor could not ask for it."""

    reason: str
    """In the vendor's words; one short line, fit for a terminal."""


Answer = Grant | Denial


def of_query(query: str, question: Question) -> Answer:
    """Return what the query of a callback says.

    Nothing else is looked at before the state is found to be ours.

    Raises:
        MisfitError: It is not ours, or says neither yes nor no.
    """
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        message = "it can't be read"
        raise MisfitError(message) from None
    _check_ours(pairs, question)
    fields = dict(pairs)
    telling = [name for name, _ in pairs if _TELLING.fullmatch(name)]
    if len(set(telling)) != len(telling):
        message = "it gives something twice"
        raise MisfitError(message)
    if any(fields.get(name) for name in _REFUSALS):
        return Denial(_reason(fields))
    extras = {
        name: value
        for name, value in fields.items()
        if name not in _NOT_FOR_THE_PLATFORM | question.known
        and _EXTRA_NAME.fullmatch(name)
        and _EXTRA_VALUE.fullmatch(value)
    }
    name = "oauth_verifier" if question.request_token else "code"
    return _granted(fields.get(name, ""), extras, question)


def _check_ours(pairs: list[tuple[str, str]], question: Question) -> None:
    """Compare what only the answer to our question can know, in constant time.

    In OAuth 1 that is the request token, and the state where the vendor kept it.
    """
    states = [value for name, value in pairs if name == "state"]
    ours = len(states) == 1 and _same(states[0], question.state)
    if question.request_token:
        tokens = [value for name, value in pairs if name in ("oauth_token", "denied")]
        ours = (ours or not states) and all(_same(t, question.request_token[0]) for t in tokens)
        # A refusal may bring the state alone.
        ours = ours and bool(tokens or states)
    if not ours:
        message = "it belongs to another request (its state is not the one that was sent)"
        raise MisfitError(message)


def _same(text: str, other: str) -> bool:
    return hmac.compare_digest(
        text.encode(errors="surrogatepass"), other.encode(errors="surrogatepass")
    )


def _reason(fields: dict[str, str]) -> str:
    given = [fields.get("error", ""), fields.get("error_description", "")]
    text = ": ".join(part for part in given if part) or "access was denied"
    return re.sub(r"[^ -~]+", " ", text).strip()[:_LONGEST_REASON] or "access was denied"


def _granted(code: str, extras: dict[str, str], question: Question) -> Grant:
    if not _CODE.fullmatch(code):
        message = "it carries no code"
        raise NoCodeError(message)
    if question.request_token is None:
        return Grant(code, extras)
    token, secret = question.request_token
    given = {"oauth_token": token, "oauth_verifier": code, "secret": secret}
    return Grant(None, extras | {name: value for name, value in given.items() if value})


def of_paste(text: str, question: Question) -> Answer:
    """Return what a person pasted: the whole address at which the browser ended, or a bare code.

    Raises:
        MisfitError: It is neither, or the address belongs to another request.
    """
    text = text.strip()
    if not text:
        message = "nothing was pasted"
        raise MisfitError(message)
    if "://" in text or re.search(r"(^|[?&])(code|oauth_verifier|error|state)=", text):
        return of_query(_query(text), question)
    if re.search(r"%[0-9A-Fa-f]{2}", text) and not re.search(r"[+/=]", text):
        text = unquote(text)  # copied out of an address
    return _granted(text, {}, question)


def _query(text: str) -> str:
    try:
        parts = urlsplit(text)
    except ValueError:
        message = "it can't be read"
        raise MisfitError(message) from None
    if not parts.scheme and not parts.query:  # `code=…&state=…` alone
        return text.partition("#")[0]
    return parts.query
