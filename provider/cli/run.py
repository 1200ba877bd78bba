"""`elements up`, `preview`, `refresh` and `destroy`: `pulumi`'s own, set for element instances."""

from __future__ import annotations

import os
import shlex
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .completion import stack_names
from .console import Exit, FailureError, agreed, counted, emit, say, shown, write
from .events import Run
from .progress import Watched, line_of, showing, summary
from .project import Project, concurrency

if TYPE_CHECKING:
    from .events import Step
    from .project import Stack
    from .pulumi import Ended

_ENVIRONMENT = {"GOGC": "800", "GOMEMLIMIT": "1GiB"}
"""The engine spends a fifth of its time on collecting garbage, unless it may use some memory; who
has set them knows better."""
_OURS = {"-s": "--stack", "--stack": "--stack", "-C": "-C", "--cwd": "-C"}
"""Options of pulumi that ours decide, by which a stack would be run that was not looked at."""
_ONLY_UP = frozenset({"--continue-on-error", "--strict"})
_ONLY_UP_WITH_VALUE = frozenset({"--plan", "--secrets-provider"})
"""Options of `pulumi up` that `pulumi preview` does not know."""

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
_ARGUMENTS = Annotated[
    list[str] | None, typer.Argument(help="After --: what else pulumi is to be given.")
]


@dataclass(frozen=True)
class Wish:
    """What a person asks for."""

    command: str
    """`up`, `preview`, `refresh` or `destroy`."""
    stack: str | None
    arguments: tuple[str, ...]
    """What else pulumi is given."""
    yes: bool = False
    skip_preview: bool = False
    as_json: bool = False

    @classmethod
    def of(cls, command: str, stack: str | None, arguments: list[str] | None, **more: bool) -> Wish:
        """Return a wish as it was given.

        Raises:
            FailureError: What follows `--` names another stack.
        """
        given = tuple(arguments or ())
        for one in given:
            name = one.partition("=")[0] if one.startswith("--") else one[:2]
            if ours := _OURS.get(name):
                message = f"Give {ours} before the --, for elements itself looks at the stack."
                raise FailureError(message, Exit.USAGE)
        wish = cls(command, stack, given, **more)
        return replace(
            wish,
            yes=wish.yes or bool({"-y", "--yes", "-yf", "-fy"} & {*given}),
            skip_preview=wish.skip_preview
            or bool({"-f", "--skip-preview", "-yf", "-fy"} & {*given}),
        )

    @property
    def again(self) -> str:
        """The command line to give once more."""
        chosen = ["--stack", self.stack] if self.stack else []
        rest = ["--", *self.arguments] if self.arguments else []
        return shlex.join(["elements", self.command, *chosen, *rest])


@dataclass
class Report:
    """What came of a wish."""

    run: Run
    ended: Ended | None = None
    seconds: float = 0.0

    @property
    def code(self) -> int:
        """The exit code: pulumi's own, unless a signal ended it."""
        if self.ended is None:
            return 0
        if self.ended.code and self.ended.signals:
            return Exit.of_signal(self.ended.signals[0])
        return self.ended.code if self.ended.code >= 0 else 128 - self.ended.code


def up(
    *,
    stack: _STACK = None,
    yes: _YES = False,
    skip_preview: _SKIP = False,
    as_json: _JSON = False,
    arguments: _ARGUMENTS = None,
) -> None:
    """Run pulumi up, as is right for element instances.

    As many operations run at once as the provider works on (cloud-elements:concurrency). A bar
    shows how far it is; warnings and errors stand at the end, each once.

    Exits as pulumi does.

    \b
    Examples:
      elements up --stack prod
      elements up --stack prod --yes -- --target '**desk**'
    """  # noqa: D301 - \b keeps the lines of a list apart
    more = {"yes": yes, "skip_preview": skip_preview, "as_json": as_json}
    raise typer.Exit(run(Wish.of("up", stack, arguments, **more)))


def preview(*, stack: _STACK = None, as_json: _JSON = False, arguments: _ARGUMENTS = None) -> None:
    """Run pulumi preview, as is right for element instances.

    As many operations run at once as the provider works on. Exits as pulumi does.

    \b
    Examples:
      elements preview --stack prod
      elements preview --json -- --refresh
    """  # noqa: D301 - \b keeps the lines of a list apart
    raise typer.Exit(run(Wish.of("preview", stack, arguments, as_json=as_json)))


def refresh(
    *,
    stack: _STACK = None,
    yes: _YES = False,
    skip_preview: _SKIP = False,
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
    more = {"yes": yes, "skip_preview": skip_preview, "as_json": as_json}
    raise typer.Exit(run(Wish.of("refresh", stack, arguments, **more)))


def destroy(
    *,
    stack: _STACK = None,
    yes: _YES = False,
    skip_preview: _SKIP = False,
    as_json: _JSON = False,
    arguments: _ARGUMENTS = None,
) -> None:
    """Run pulumi destroy, as is right for element instances.

    As many operations run at once as the provider works on. Exits as pulumi does.

    \b
    Examples:
      elements destroy --stack pr-123 --yes
    """  # noqa: D301 - \b keeps the lines of a list apart
    more = {"yes": yes, "skip_preview": skip_preview, "as_json": as_json}
    raise typer.Exit(run(Wish.of("destroy", stack, arguments, **more)))


def run(wish: Wish) -> int:
    """Do what is wished for; return the exit code."""
    stack = Project().stack(wish.stack)
    wish = replace(wish, stack=stack.name)
    asks = not (wish.yes or wish.skip_preview or wish.command == "preview")
    if asks:
        _see_that_somebody_answers(wish)
    remarks: dict[str, list[str]] | None = None
    expected = 0
    if wish.command == "preview" or not wish.skip_preview:
        planned = _play(stack, wish, planned=True)
        expected, remarks = len(planned.run.instances), planned.run.remarks
        if wish.command == "preview" or planned.code:
            return _finish(stack, wish, planned, planned=True)
        _show_plan(wish, planned)
        if asks and planned.run.changed and not agreed(_question(wish, planned), yes=False):
            say("Nothing was done.")
            return Exit.DECLINED
    report = _play(stack, wish, planned=False, expected=expected, remarks=remarks)
    return _finish(stack, wish, report, planned=False)


def _see_that_somebody_answers(wish: Wish) -> None:
    if wish.as_json or not sys.stdin.isatty():
        message = (
            f"There is no terminal to ask at: give --yes to run '{wish.again}' after its preview, "
            "or --skip-preview to do without one."
        )
        raise FailureError(message, Exit.DECLINED)


def _play(
    stack: Stack,
    wish: Wish,
    *,
    planned: bool,
    expected: int = 0,
    remarks: dict[str, list[str]] | None = None,
) -> Report:
    """Run pulumi, and show how far it is."""
    heard: list[str] = []
    title = "preview" if planned else wish.command
    watched = Watched(title, Run(heard.append), expected, planned)
    report = Report(watched.run)
    if remarks:
        watched.run.remarks = remarks
    began = time.monotonic()
    with TemporaryDirectory() as folder, showing([watched], time.monotonic) as display:

        def hear(line: str) -> None:
            if line:
                watched.run.hear(line)
            else:
                display.turn()
            while heard:
                display.say(heard.pop(0))

        report.ended = stack.pulumi.followed(
            *_command(wish, planned=planned),
            *_options(stack),
            *_arguments(wish, planned=planned),
            into=Path(folder) / "events",
            hear=hear,
            more=_environment(),
        )
        watched.run.fail(report.ended.said)
        hear("")
    report.seconds = time.monotonic() - began
    return report


def _environment() -> dict[str, str]:
    own = {name: value for name, value in _ENVIRONMENT.items() if name not in os.environ}
    # Else a preview tells nothing until it is over.
    return own | {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}


def _command(wish: Wish, *, planned: bool) -> list[str]:
    if not planned:
        return [wish.command, "--skip-preview", "--yes"]
    if wish.command in ("up", "preview"):
        return ["preview"]
    return [wish.command, "--preview-only"]


def _options(stack: Stack) -> list[str]:
    at_once = concurrency(stack)
    parallel = ["--parallel", str(at_once)] if at_once else []
    return ["--stack", stack.name, "--json", "--non-interactive", *parallel]


def _arguments(wish: Wish, *, planned: bool) -> list[str]:
    """Return what else pulumi is given: of what was given for an up, a preview knows not all."""
    ours = {"-y", "--yes", "-f", "--skip-preview", "-yf", "-fy"}
    given = [one for one in wish.arguments if one not in ours]
    if not planned or wish.command != "up":
        return given
    kept: list[str] = []
    skip = False
    for one in given:
        name, is_whole, _ = one.partition("=")
        if not skip and name not in _ONLY_UP | _ONLY_UP_WITH_VALUE:
            kept.append(one)
        skip = not skip and name in _ONLY_UP_WITH_VALUE and not is_whole
    return kept


def _question(wish: Wish, planned: Report) -> str:
    number = sum(not one.quiet for one in planned.run.steps.values() if one.is_instance)
    what = f"{counted(number, 'instance')} of stack '{wish.stack}'"
    return f"Run {wish.command}, which changes {what}?"


_SIGNS = {"create": "+", "update": "~", "delete": "-", "create-replacement": "+-"}


def _show_plan(wish: Wish, planned: Report) -> None:
    """Show what a run would do, on standard error where the run itself has a result to tell."""
    tell = write if wish.command == "preview" and not wish.as_json else say
    for step in planned.run.steps.values():
        if not step.quiet and step.operation in _SIGNS and not step.urn.count("pulumi:pulumi:"):
            changed = f"  ({', '.join(shown(one) for one in step.changed)})" if step.changed else ""
            tell(f"{_SIGNS[step.operation]:>2} {shown(step.name)}{changed}")
    tell(summary(planned.run, planned.seconds, planned=True))


def _finish(stack: Stack, wish: Wish, report: Report, *, planned: bool) -> int:
    """Tell what came of it; return the exit code."""
    found = report.run.remarks
    if wish.as_json:
        emit(_document(stack, wish, report, planned=planned))
    elif planned:
        _show_plan(wish, report)
    else:
        for name, value in report.run.outputs.items():
            write(f"{shown(name)}: {shown(_output(value))}")
        if report.run.steps or not report.code:
            write(summary(report.run, report.seconds, planned=False))
    slow = [one for one in report.run.slowest[:3] if (one.seconds or 0.0) >= _SLOW]
    if slow and not planned:
        say(f"The slowest: {'; '.join(map(line_of, slow))}.")
    for kind, texts in found.items():
        for text in texts:
            say(f"{kind}: {text}")
    if report.code:
        say(_why(wish, report))
    return report.code


_SLOW = 1.0
"""Seconds from which on an operation counts as slow."""


def _why(wish: Wish, report: Report) -> str:
    """Return the last sentence of a run that did not succeed."""
    ended, name = report.ended, f"'pulumi {wish.command}'"
    assert ended is not None
    if ended.code < 0:
        return (
            f"{name} was killed (signal {-ended.code}): run '{wish.again}' again, after 'pulumi "
            f"cancel --stack {wish.stack}' where it says that the stack is locked."
        )
    if len(ended.signals) > 1:
        return (
            f"{name} was stopped at once: what was under way is found by the next "
            f"'{wish.again}', by its tags."
        )
    if ended.signals:
        return f"{name} was stopped: what had begun was brought to its end, and is in the state."
    if any("currently locked" in one for one in report.run.remarks["error"]):
        return (
            f"Nothing was done, because another run has stack '{wish.stack}': wait for its end; "
            f"where it was killed, run 'pulumi cancel --stack {wish.stack}' first."
        )
    return f"{name} exited with {ended.code}: correct what it says, then run '{wish.again}' again."


def _output(value: Any) -> str:
    import json  # noqa: PLC0415

    plain = _veiled(value)
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)


def _veiled(value: Any) -> Any:
    """Return an output as the engine tells it, its marks of secrets as `[secret]`."""
    if isinstance(value, dict):
        if any(key.startswith("4dabf181930729395") for key in value):
            return "[secret]"
        return {key: _veiled(item) for key, item in value.items()}
    return [_veiled(item) for item in value] if isinstance(value, list) else value


def _document(stack: Stack, wish: Wish, report: Report, *, planned: bool) -> dict[str, Any]:
    found = report.run
    return {
        "stack": stack.name,
        "command": wish.command,
        "planned": planned,
        "result": _result(report),
        "exit_code": report.code,
        "seconds": round(report.seconds, 3),
        "changes": found.changes,
        "instances": [_told(one) for one in found.instances],
        "outputs": {} if planned else _veiled(found.outputs),
        "warnings": found.remarks["warning"],
        "errors": found.remarks["error"],
    }


def _result(report: Report) -> str:
    if report.code and report.ended and (report.ended.signals or report.ended.code < 0):
        return "interrupted"
    return "failed" if report.code else "succeeded"


def _told(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "operation": step.operation,
        "id": step.id or None,
        "seconds": None if step.seconds is None else round(step.seconds, 3),
        "failed": step.failed,
        "changed": step.changed,
    }
