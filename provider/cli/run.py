"""`elements up`, `preview`, `refresh` and `destroy`: `pulumi`'s own, set for element instances."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..doors.loading import lean
from .backend import state_and_marker
from .completion import stack_names
from .console import Exit, FailureError, agreed, counted, say
from .play import Job, Report, play
from .project import Project, concurrency
from .report import finish, show_plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from .lost import Situation
    from .project import Stack

_STACK = Annotated[
    str | None,
    typer.Option(
        "--stack",
        "-s",
        help="The stack; the current one if not given.",
        autocompletion=stack_names,
    ),
]
_YES = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
_SKIP = Annotated[
    bool, typer.Option("--skip-preview", "-f", help="Neither preview nor ask before the run.")
]
_JSON = Annotated[bool, typer.Option("--json", help="Print what came of it as JSON.")]
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


def up(
    *,
    stack: _STACK = None,
    yes: _YES = False,
    skip_preview: _SKIP = False,
    checkpoints: _CHECKPOINTS = False,
    shards: _SHARDS = False,
    shard: _SHARD = None,
    at_once: _AT_ONCE = None,
    as_json: _JSON = False,
    arguments: _ARGUMENTS = None,
) -> None:
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
    more = {
        "yes": yes,
        "skip_preview": skip_preview,
        "as_json": as_json,
        "checkpoints": checkpoints,
    }
    job = Job.of("up", stack, arguments, shard=shard, **more)
    raise typer.Exit(run(job, shards=shards, at_once=at_once))


def preview(
    *,
    stack: _STACK = None,
    shards: _SHARDS = False,
    shard: _SHARD = None,
    at_once: _AT_ONCE = None,
    as_json: _JSON = False,
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


def refresh(
    *,
    stack: _STACK = None,
    yes: _YES = False,
    skip_preview: _SKIP = False,
    checkpoints: _CHECKPOINTS = False,
    shards: _SHARDS = False,
    shard: _SHARD = None,
    at_once: _AT_ONCE = None,
    as_json: _JSON = False,
    arguments: _ARGUMENTS = None,
) -> None:
    """Run pulumi refresh, as is right for element instances.

    As many operations run at once as the provider works on. Exits as pulumi does.

    \b
    Examples:
      elements refresh --stack prod
      elements refresh --yes -- --clear-pending-creates
    """  # noqa: D301 - \b keeps the lines of a list apart
    more = {
        "yes": yes,
        "skip_preview": skip_preview,
        "as_json": as_json,
        "checkpoints": checkpoints,
    }
    job = Job.of("refresh", stack, arguments, shard=shard, **more)
    raise typer.Exit(run(job, shards=shards, at_once=at_once))


def destroy(
    *,
    stack: _STACK = None,
    yes: _YES = False,
    skip_preview: _SKIP = False,
    checkpoints: _CHECKPOINTS = False,
    shards: _SHARDS = False,
    shard: _SHARD = None,
    at_once: _AT_ONCE = None,
    as_json: _JSON = False,
    arguments: _ARGUMENTS = None,
) -> None:
    """Run pulumi destroy, as is right for element instances.

    As many operations run at once as the provider works on. Exits as pulumi does.

    \b
    Examples:
      elements destroy --stack pr-123 --yes
    """  # noqa: D301 - \b keeps the lines of a list apart
    more = {
        "yes": yes,
        "skip_preview": skip_preview,
        "as_json": as_json,
        "checkpoints": checkpoints,
    }
    job = Job.of("destroy", stack, arguments, shard=shard, **more)
    raise typer.Exit(run(job, shards=shards, at_once=at_once))


def run(job: Job, *, shards: bool = False, at_once: int | None = None) -> int:
    """Do a job; return the exit code.

    Args:
        job: What is asked for.
        shards: The stack has to be one with shards.
        at_once: How many shards run side by side.
    """
    from .fleet import Fleet, asked_for, refuse_forgotten  # noqa: PLC0415

    project = Project()
    name, number = asked_for(project, job.stack)
    stack = project.stack(name)
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
        if asks and planned.run.changed and not agreed(_question(job, planned), yes=False):
            say("Nothing was done.")
            return Exit.DECLINED
        remarks = planned.run.remarks
        situation = situation.after(planned)
    return finish(job, situation.run(job, remarks, asks=asks), planned=False)


def _situation(stack: Stack, job: Job) -> Situation:
    """Look at a stack; what that needs is loaded while pulumi reads."""
    asked: list[Callable[[], Any]] = [lambda: state_and_marker(stack), lambda: concurrency(stack)]
    with stack.pulumi.begun(lambda ask: ask(), asked) as ended:
        with lean():
            from ..api import client  # noqa: F401, PLC0415
            from .lost import Situation  # noqa: PLC0415
        return Situation.of(stack, job, *ended())


def _see_that_somebody_answers(job: Job) -> None:
    if job.as_json or not sys.stdin.isatty():
        message = (
            f"There is no terminal to ask at: give --yes to run '{job.again}' after its preview, "
            "or --skip-preview to do without one."
        )
        raise FailureError(message, Exit.DECLINED)


def _question(job: Job, planned: Report) -> str:
    number = sum(not one.quiet for one in planned.run.steps.values() if one.is_instance)
    what = f"{counted(number, 'instance')} of stack '{job.stack}'"
    return f"Run {job.command}, which changes {what}?"
