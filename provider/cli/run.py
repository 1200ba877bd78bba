"""`elements up`, `preview`, `refresh` and `destroy`: `pulumi`'s own, set for element instances."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..doors.loading import lean
from ..instance.markers import base_of
from .backend import state_and_marker
from .console import Exit, FailureError, say
from .options import AsJson, StackName, Yes  # noqa: TC001 - typer reads the annotations
from .play import Job, Way, play
from .project import Project, concurrency
from .report import finish, is_wanted, show_plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from .project import Stack
    from .situation import Situation

_SKIP = Annotated[
    bool, typer.Option("--skip-preview", "-f", help="Neither preview nor ask before the run.")
]
_CHECKPOINTS = Annotated[
    bool,
    typer.Option("--checkpoints", help="Have the state written at each step, as pulumi does."),
]
_SHARDS = Annotated[
    bool,
    typer.Option(
        "--shards", help="Over all shards (cloud-elements:shards), as is done without it as well."
    ),
]
_SHARD = Annotated[
    int | None,
    typer.Option("--shard", min=1, metavar="NUMBER", help="One shard alone, as a job of CI does."),
]
_AT_ONCE = Annotated[
    int | None,
    typer.Option(
        "--at-once",
        min=1,
        metavar="NUMBER",
        help="Shards side by side; one for each processor if not given. With --shard: how many "
        "jobs run at a time, which share the requests per second; all shards if not given.",
    ),
]
_ARGUMENTS = Annotated[
    list[str] | None, typer.Argument(help="After --: what else pulumi is to be given.")
]


def _changing(command: Callable[[], None]) -> Callable[..., None]:
    """Return a command that changes something, by its name and the text of its help."""

    def change(
        *,
        stack: StackName = None,
        yes: Yes = False,
        skip_preview: _SKIP = False,
        checkpoints: _CHECKPOINTS = False,
        shards: _SHARDS = False,
        shard: _SHARD = None,
        at_once: _AT_ONCE = None,
        as_json: AsJson = False,
        arguments: _ARGUMENTS = None,
    ) -> None:
        asked = {"yes": yes, "skip_preview": skip_preview, "as_json": as_json}
        more = {**asked, "checkpoints": checkpoints, "shard": shard}
        job = Job.of(change.__name__, stack, arguments, **more)
        raise typer.Exit(run(job, shards=shards, at_once=at_once))

    change.__name__, change.__doc__ = command.__name__, command.__doc__
    return change


@_changing
def up() -> None:
    """Run pulumi up, as is right for element instances.

    As many operations run at once as the provider works on (cloud-elements:concurrency). Where
    the stack holds nothing but element instances, Pulumi writes its state once, at the end: the
    next run after one that was killed begins with a refresh, and finds what that one made.
    A bar shows how far it is; warnings and errors stand at the end, each once.

    A stack with cloud-elements:shards is run as so many stacks side by side, which are made where
    they are missing.

    Exits as pulumi does.

    \b
    Examples:
      elements up --stack prod
      elements up --stack prod --shard 2 --yes
      elements up --stack prod --yes -- --target '**desk**'
    """  # noqa: D301 - \b keeps the lines of a list apart


def preview(
    *,
    stack: StackName = None,
    shards: _SHARDS = False,
    shard: _SHARD = None,
    at_once: _AT_ONCE = None,
    as_json: AsJson = False,
    arguments: _ARGUMENTS = None,
) -> None:
    """Run pulumi preview, as is right for element instances.

    As many operations run at once as the provider works on. Exits as pulumi does.

    \b
    Examples:
      elements preview --stack prod
      elements preview --json -- --refresh
    """  # noqa: D301 - \b keeps the lines of a list apart
    job = Job.of("preview", stack, arguments, shard=shard, as_json=as_json)
    raise typer.Exit(run(job, shards=shards, at_once=at_once))


@_changing
def refresh() -> None:
    """Run pulumi refresh, as is right for element instances.

    As many operations run at once as the provider works on. Exits as pulumi does.

    \b
    Examples:
      elements refresh --stack prod
      elements refresh --yes -- --clear-pending-creates
    """  # noqa: D301 - \b keeps the lines of a list apart


@_changing
def destroy() -> None:
    """Run pulumi destroy, as is right for element instances.

    As many operations run at once as the provider works on. Exits as pulumi does.

    \b
    Examples:
      elements destroy --stack pr-123 --yes
    """  # noqa: D301 - \b keeps the lines of a list apart


def run(job: Job, *, shards: bool = False, at_once: int | None = None) -> int:
    """Do a job; return the exit code.

    Args:
        job: What is asked for.
        shards: The stack has to be one with shards.
        at_once: How many shards run side by side.
    """
    from .fleet import Fleet  # noqa: PLC0415

    stack, asked = Project().stack(job.stack), job.stack or ""
    number = int(asked.rpartition("-")[2]) if base_of(asked) == stack.name else None
    job = replace(job, stack=stack.name, shard=job.shard or number)
    asks = not (job.yes or job.skip_preview or job.plans)
    if asks:
        _see_that_somebody_answers(job)
    if fleet := Fleet.of(stack):
        from .sharded import Shards  # noqa: PLC0415

        return Shards.of(fleet, job, at_once).run(asks=asks)
    if shards or (job.shard or 1) > 1:
        message = (
            f"Stack '{stack.name}' has no shards: set cloud-elements:shards in "
            f"{stack.file.path.name} to their number, or leave the option out."
        )
        raise FailureError(message)
    return _run_whole(stack, job, asks=asks)


def _run_whole(stack: Stack, job: Job, *, asks: bool) -> int:
    """Do a job over a stack without shards; return the exit code."""
    from .fleet import refuse_forgotten  # noqa: PLC0415

    situation = _situation(stack, job)
    refuse_forgotten(stack, situation.stray)
    for remark in situation.remarks(job):
        say(remark)
    remarks: dict[str, list[str]] | None = None
    if job.plans or not job.skip_preview:
        planned = play(stack, job, situation.way, planned=True)
        if job.plans or planned.code:
            return finish(job, planned, planned=True)
        show_plan(job, planned)
        if asks and planned.run.changed and not is_wanted(job, planned):
            say("Nothing was done.")
            return Exit.DECLINED
        remarks = planned.run.remarks
        situation = situation.after(planned)
    from . import lost  # noqa: PLC0415

    return finish(job, lost.run(situation, job, remarks, asks=asks), planned=False)


def _situation(stack: Stack, job: Job) -> Situation:
    """Look at a stack; what that needs is loaded while pulumi reads."""
    asked: list[Callable[[], Any]] = [lambda: state_and_marker(stack), lambda: concurrency(stack)]
    with stack.pulumi.begun(lambda ask: ask(), asked) as ended:
        with lean():
            from ..api import client  # noqa: F401, PLC0415
            from . import lost  # noqa: F401, PLC0415
            from .situation import Situation, compared  # noqa: PLC0415
        state, at_once = ended()
        return Situation.of(stack, job, state, Way(at_once), partial(compared, stack, state))


def _see_that_somebody_answers(job: Job) -> None:
    if job.as_json or not sys.stdin.isatty():
        message = (
            f"There is no terminal to ask at: give --yes to run '{job.again}' after its preview, "
            "or --skip-preview to do without one."
        )
        raise FailureError(message, Exit.DECLINED)
