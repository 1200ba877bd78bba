"""One-time credentials: what can be spent, and whether it may be sent.

An authorization code can be spent once. Whatever knows of an earlier sending is asked here, and
nothing else decides it: the state, the tags of living instances, and what this machine remembers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ..api.errors import SpentError
from .inputs import codes_in, fingerprints
from .journal import Fate
from .markers import credential_marker

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..api import wire
    from .claims import Claims
    from .history import History
    from .inputs import Inputs
    from .journal import Entry
    from .markers import Markers


def already_sent(where: str = "") -> str:
    """Return the one sentence about a code that is not sent again.

    Args:
        where: When it was, or to which instance, with a space before it.
    """
    return f"its code was already sent{where}, and no code is sent twice"


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
        return cls(inputs.one_time)

    def __bool__(self) -> bool:
        return bool(self.values)

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
    refuse_sent(sent, markers)


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
    ours = sent is not None and markers is not None and sent.marker == markers.instance
    if not (sent and ours and sent.fate in (Fate.SENT, Fate.LOST, Fate.MADE)):
        refuse_sent(sent, markers)


def refuse_sent(sent: Entry | None, markers: Markers | None) -> None:
    """Refuse to send a code that was sent before.

    Args:
        sent: What the history knows of that; None when it was not.
        markers: Those of the resource that has the code now.

    Raises:
        SpentError: It was sent.
    """
    if sent is None:
        return
    whose = " for another resource"
    if markers and sent.stack != markers.stack:
        whose = f" for another stack (tag '{sent.stack}')"
    elif markers and sent.marker == markers.instance:
        whose = ""
    raise SpentError(already_sent(f"{whose} on {sent.moment}"))
