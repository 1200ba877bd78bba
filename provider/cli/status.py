"""`elements status`: declared against live instances."""

from __future__ import annotations

import os
import time
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from .completion import stack_names
from .console import Exit, FailureError, could_not, emit, say, show_rows
from .project import Project, overridden, platform, settings_of

if TYPE_CHECKING:
    from collections.abc import Callable

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


def status(
    *,
    stack: Annotated[
        str | None,
        typer.Option(
            "--stack",
            "-s",
            help="The stack; the current one if not given.",
            autocompletion=stack_names,
        ),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Look again and again, until Ctrl+C.")
    ] = False,
    every: Annotated[
        float,
        typer.Option(
            min=0.1, max=86400, metavar="SECONDS", help="With --watch: time between looks."
        ),
    ] = 10.0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print each look as one JSON document.")
    ] = False,
) -> None:
    """Compare what the stack declares with what the platform has.

    Each instance is ok, or: not created (declared only), awaiting consent (all but the code is
    there), changed (in the stack since the last pulumi up), drifted (on the platform), disabled,
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
    chosen = Project().stack(stack)
    seen: set[str | None] = {None}

    def look() -> Exit:
        from ..instance.history import History  # noqa: PLC0415 - loads HTTP
        from .survey import survey  # noqa: PLC0415 - loads Pulumi's SDK

        target = chosen.project.stack(chosen.name)  # reads its configuration anew
        settings = settings_of(target)
        if (elsewhere := overridden(target)) not in seen:
            say(f"{elsewhere}.")
            seen.add(elsewhere)
        declared, state = target.declared(), target.state(secrets=True)
        with (
            platform(settings) as client,
            could_not(f"look at stack '{target.name}'", base_url=settings.base_url),
        ):
            history = History.at_home(os.environ, settings)
            rows = survey(target, declared, state, client, history=history)
        if watch:
            say(f"{datetime.now().astimezone():%H:%M:%S}")
        if as_json:
            emit({"stack": chosen.name, "instances": [asdict(row) for row in rows]})
        elif rows:
            _table(rows)
        else:
            say(f"Stack '{chosen.name}' has no instances.")
        return Exit.DONE if all(row.standing == "ok" for row in rows) else Exit.ATTENTION

    raise typer.Exit(_watch(look, every) if watch else look())


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
