"""One-time credentials: what can be spent, and whether it may be sent.

An authorization code can be spent once. Whatever knows of an earlier sending is asked here, and
nothing else decides it: the state, the tags of living instances, and what this machine remembers.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..api import wire
from ..api.errors import SpentError
from .gaps import known_part
from .journal import Fate
from .markers import credential_marker

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .claims import Claims
    from .history import History
    from .inputs import Inputs
    from .journal import Entry
    from .markers import Markers

_REUSABLE = frozenset({"realmId", "dataSource", "state", "org", "debug"})
"""Provider data that names an account and can't be spent (docs: 21 create bodies, 2020-11)."""
_TOKENS = frozenset({"oauth.user.token", "oauth.user.token.secret", "oauth.user.refresh_token"})
_CODES = frozenset({"code", "provider_data.oauth_token", "provider_data.oauth_verifier"})


def one_time(inputs: Mapping[str, Any]) -> dict[str, str]:
    """Return every credential that can be spent once, by its path; none of what is no map."""
    data, configuration = (
        given if isinstance(given := inputs.get(field), dict) else {}
        for field in ("provider_data", "configuration")
    )
    found = {credential_path(key): data[key] for key in data if key not in _REUSABLE}
    found |= {f"configuration.{key}": configuration[key] for key in configuration if key in _TOKENS}
    code = {"code": inputs["code"]} if inputs.get("code") else {}
    return code | {path: wire.stored(value) or "" for path, value in found.items()}


def credential_path(key: str) -> str:
    """Return the path of provider data; a code is the same code wherever it is given."""
    return "code" if key == "code" else f"provider_data.{key}"


def is_credential(key: str) -> bool:
    """Tell whether a configuration key hands in a token from outside."""
    return key in _TOKENS


def is_code(path: str) -> bool:
    """Tell whether the credential at a path certainly can't be used twice."""
    return path in _CODES


def codes_in(fingerprints: Mapping[str, str]) -> dict[str, str]:
    """Return those of one-time credentials that certainly can't be used twice.

    Others may be: whether a refresh token rotates is its vendor's business, an API key serves many
    instances, and so does what a callback's query tells besides, such as `expires_in`.
    """
    return {path: mark for path, mark in fingerprints.items() if path in _CODES}


def codes_again(olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[str]:
    """Return the paths of codes in `news` that stand in `olds` as well; both are inputs."""
    before, now = (codes_in(one_time(known_part(dict(inputs)))) for inputs in (olds, news))
    return [path for path, code in now.items() if code and code == before.get(path)]


def fingerprints(values: Mapping[str, str]) -> dict[str, str]:
    """Return a short one-way mark of each credential, by path, to tell whether it was sent."""
    return {
        path: hashlib.sha256(f"{path}={value}".encode()).hexdigest()[:20]
        for path, value in values.items()
    }


@dataclass(frozen=True, repr=False)
class Credentials:
    """What a resource is given that can be spent once.

    Args:
        values: Each credential by its path: `code`, `provider_data.oauth_verifier`,
            `configuration.oauth.user.refresh_token`.
    """

    values: Mapping[str, str]

    @classmethod
    def of(cls, inputs: Inputs) -> Credentials:
        """Return those of a program's inputs."""
        return cls(one_time(vars(inputs)))

    @cached_property
    def fingerprints(self) -> dict[str, str]:
        """A one-way mark of each, by path."""
        return fingerprints(self.values)

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """Fingerprints of those that certainly can't be used twice."""
        return tuple(codes_in(self.fingerprints).values())

    @cached_property
    def marker(self) -> list[str]:
        """The tag of an instance that they authenticated; none where there are no credentials."""
        return credential_marker(self.fingerprints)

    def shown_by(self, instance: wire.Instance) -> bool:
        """Tell whether an instance shows that they authenticated it."""
        return not set(self.marker).isdisjoint(instance.tags or [])


def already_sent(where: str = "") -> str:
    """Return the one sentence about a code that is not sent again.

    Args:
        where: When it was, or to which instance, with a space before it.
    """
    return f"its code was already sent{where}, and no code is sent twice"


def refuse_shown(credentials: Credentials, instances: Iterable[wire.Instance]) -> None:
    """Refuse a code that an instance of the stack shows as its own.

    Raises:
        SpentError: It was sent, by a run that this machine need not know of.
    """
    if not credentials.codes:
        return
    for instance in instances:
        if credentials.shown_by(instance):
            raise SpentError(already_sent(f" to instance {instance.id}"))


def refuse_before_create(credentials: Credentials, markers: Markers | None, claims: Claims) -> None:
    """Refuse a code before a create: one that is spent, with nothing that waits to be taken over.

    Previews and `elements status` say by this what the create will; the platform is asked only
    where the history knows of a request.

    Raises:
        SpentError: A new code is needed.
    """
    history = claims.history
    sent = history.spent(markers, credentials.codes)
    if sent is None or markers is None:
        return
    last, kept = history.known(markers)
    if last is not None and sent.marker == markers.instance:
        if kept and last.instance == kept and last.fate is Fate.MADE:
            message = (
                f"{already_sent(f' to instance {kept}')} (if the state has forgotten that one, "
                f"set 'adopt' to {kept} to keep it)"
            )
            raise SpentError(message)
        if _may_be_there(last, markers, claims):
            return
    raise spent_by(sent, markers)


def _may_be_there(last: Entry, markers: Markers, claims: Claims) -> bool:
    """Tell whether a create finds what an interrupted run made, or has to look for it."""
    if last.fate not in (Fate.SENT, Fate.LOST, Fate.MADE):
        return False
    if last.fate is Fate.SENT and not last.instance and claims.history.at_work(last):
        return True
    kept = claims.history.kept(markers)
    return any(instance.id != kept for instance in claims.made(markers, last.instance))


def refuse_before_update(
    credentials: Credentials, markers: Markers | None, history: History
) -> None:
    """Refuse a code before an instance is authenticated with it: another resource's, or refused.

    One that this resource sent may have taken effect: the instance shows that.

    Raises:
        SpentError: A new code is needed.
    """
    sent = history.spent(markers, credentials.codes)
    if sent is None:
        return
    ours = markers is not None and sent.marker == markers.instance
    if not (ours and sent.fate in (Fate.SENT, Fate.LOST, Fate.MADE)):
        raise spent_by(sent, markers)


def spent_by(sent: Entry, markers: Markers | None) -> SpentError:
    """Return the refusal to send a code that was sent before.

    Args:
        sent: What the history knows of that.
        markers: Those of the resource that has the code now.
    """
    whose = " for another resource"
    if markers and sent.stack != markers.stack:
        whose = f" for another stack (tag '{sent.stack}')"
    elif markers and sent.marker == markers.instance:
        whose = ""
    return SpentError(already_sent(f"{whose} on {sent.moment}"))
