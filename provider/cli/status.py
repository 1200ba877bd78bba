"""`elements status`: declared against live instances."""

from __future__ import annotations

import os
import time
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from .console import Exit, FailureError, emit, say, show_rows
from .options import StackName  # noqa: TC001 - typer reads the annotations
from .project import Project, overridden, platform, settings_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from .project import Stack
    from .survey import Row

_STYLES = {
    "ok": "",
    "not created": "cyan",
    "awaiting consent": "cyan",
    "changed": "cyan",
    "drifted": "yellow",
    "disabled": "yellow",
    "elsewhere": "yellow",
    "other platform": "red",
    "left over": "yellow",
    "not valid": "red",
    "in two states": "red",
    "gone": "red",
}


_Watch = Annotated[bool, typer.Option("--watch", "-w", help="Look again and again, until Ctrl+C.")]
_Every = Annotated[
    float,
    typer.Option(min=0.1, max=86400, metavar="SECONDS", help="With --watch: time between looks."),
]
_EachAsJson = Annotated[bool, typer.Option("--json", help="Print each look as one JSON document.")]


def status(
    *,
    stack: StackName = None,
    watch: _Watch = False,
    every: _Every = 10.0,
    as_json: _EachAsJson = False,
) -> None:
    """Compare what the stack declares with what the platform has.

    Each instance is ok, or: not created (declared only), awaiting consent (only the code is
    missing), changed (in the stack since the last pulumi up), drifted (on the platform), disabled,
    not valid (its credentials are refused), gone (deleted outside Pulumi), left over (carries the
    stack's marker, but is in no state), in two states, elsewhere (in another stack's state), other
    platform (the address in use is not that of its platform).
    The last column says what to do. Nothing is changed, and no value is shown.

    Exits with 3 when anything is not ok.

    \b
    Examples:
      elements status --stack prod
      elements status --watch --every 30
      elements status --json | jq -r '.instances[] | select(.standing != "ok") | .name'
    """  # noqa: D301 - \b keeps the lines of a list apart
    looking = _Looking(Project().stack(stack), watch=watch, as_json=as_json)
    raise typer.Exit(_watch(looking.look, every) if watch else looking.look())


@dataclass
class _Looking:
    """One look after the other at a stack."""

    stack: Stack
    watch: bool
    as_json: bool
    _said: set[str | None] = field(default_factory=lambda: {None})
    """What was said of the address in use."""

    def look(self) -> Exit:
        """Show how the stack's instances stand now."""
        rows = self._rows()
        if self.watch:
            say(f"{datetime.now().astimezone():%H:%M:%S}")
        if self.as_json:
            emit({"stack": self.stack.name, "instances": [asdict(row) for row in rows]})
        elif rows:
            _table(rows)
        else:
            say(f"Stack '{self.stack.name}' has no instances.")
        return Exit.DONE if all(row.standing == "ok" for row in rows) else Exit.ATTENTION

    def _rows(self) -> list[Row]:
        from ..instance.history import History  # noqa: PLC0415 - loads HTTP
        from .survey import survey  # noqa: PLC0415 - loads Pulumi's SDK

        stack = self.stack.project.stack(self.stack.name)  # reads its configuration anew
        settings = settings_of(stack)
        if (elsewhere := overridden(stack)) not in self._said:
            say(f"{elsewhere}.")
            self._said.add(elsewhere)
        declared, state = stack.declared(), stack.whole(secrets=True)
        with platform(settings, f"look at stack '{stack.name}'") as client:
            history = History.at_home(os.environ, settings)
            return survey(stack, declared, state, client, history=history)


def _watch(look: Callable[[], Exit], every: float) -> Exit:
    """Look until Ctrl+C; a look that fails is told, and the next one may succeed."""
    last = Exit.INTERRUPTED
    try:
        while True:
            try:
                last = look()
            except FailureError as failure:
                last = failure.code  # before it is told, after which Ctrl+C may come
                say(str(failure))
            time.sleep(every)
    except KeyboardInterrupt:
        return last


def _table(rows: list[Row]) -> None:
    cells = [[row.name, row.element, row.id or "", row.standing, row.what] for row in rows]
    headings = ["Instance", "Element", "Id", "Standing", "What to do"]
    show_rows(headings, cells, [_STYLES[row.standing] for row in rows])
    bad = sum(row.standing != "ok" for row in rows)
    say(f"{len(rows) - bad} of {len(rows)} ok.")
