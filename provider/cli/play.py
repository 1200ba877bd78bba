"""`pulumi` run for element instances: what it is given, and how far it is meanwhile."""

from __future__ import annotations

import os
import shlex
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ..instance.runs import UNHEARD, VARIABLE
from .console import Exit, FailureError
from .events import Run
from .progress import Watched, showing
from .pulumi import Stops

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from typing import TypeAlias

    from .progress import Display
    from .project import Stack
    from .pulumi import Ended

    Stager: TypeAlias = Callable[[Watched], AbstractContextManager["Stage"]]

_ENVIRONMENT = {"GOGC": "800", "GOMEMLIMIT": "1GiB"}
"""The engine spends a fifth of its time on collecting garbage, unless it may use some memory; who
has set them knows better."""
_OURS = {"-s": "--stack", "--stack": "--stack", "-C": "-C", "--cwd": "-C"}
"""Options of pulumi that ours decide, by which a stack would be run that was not looked at."""
_ANSWERS = frozenset({"-y", "--yes", "-f", "--skip-preview", "-yf", "-fy"})
"""Options of pulumi that are ours as well."""
_ONLY_UP = frozenset({"--continue-on-error", "--strict"})
_ONLY_UP_WITH_VALUE = frozenset({"--plan", "--secrets-provider"})
"""Options of `pulumi up` that `pulumi preview` does not know."""
_HEARD = frozenset({"-d", "--debug", "--event-log"})
"""Options by which somebody hears the program's debug messages."""
_PARTIAL = ("--target", "-t", "--exclude")
"""Options by which a run leaves resources out."""


@dataclass(frozen=True)
class Job:
    """What a person asks for."""

    command: str
    """`up`, `preview`, `refresh` or `destroy`."""
    stack: str | None
    arguments: tuple[str, ...]
    """What else pulumi is given."""
    yes: bool = False
    skip_preview: bool = False
    as_json: bool = False
    checkpoints: bool = False
    """The engine is to write its state at each step, whatever the stack holds."""
    whole: str = ""
    """The stack of which it runs a shard."""
    shard: int | None = None
    """Which shard, where one alone is asked for or meant."""

    @classmethod
    def of(cls, command: str, stack: str | None, arguments: list[str] | None, **more: Any) -> Job:
        """Return a job as it was given.

        Raises:
            FailureError: What follows `--` names another stack.
        """
        given = tuple(arguments or ())
        for one in given:
            name = one.partition("=")[0] if one.startswith("--") else one[:2]
            if ours := _OURS.get(name):
                message = f"Give {ours} before the --, for elements itself looks at the stack."
                raise FailureError(message, Exit.USAGE)
        job = cls(command, stack, given, **more)
        return replace(
            job,
            yes=job.yes or bool((_ANSWERS - {"-f", "--skip-preview"}) & {*given}),
            skip_preview=job.skip_preview or bool((_ANSWERS - {"-y", "--yes"}) & {*given}),
        )

    @property
    def plans(self) -> bool:
        """Whether nothing but a preview is asked for."""
        return self.command == "preview"

    @property
    def changes(self) -> bool:
        """Whether it changes what is on the platform."""
        return self.command in ("up", "destroy")

    @property
    def partial(self) -> bool:
        """Whether it leaves resources out."""
        return any(one.startswith(_PARTIAL) for one in self.arguments)

    @property
    def again(self) -> str:
        """The command line to give once more."""
        name = self.whole or self.stack
        chosen = ["--stack", name] if name else []
        chosen += ["--shard", str(self.shard)] if self.shard else []
        rest = ["--", *self.arguments] if self.arguments else []
        return shlex.join(["elements", self.command, *chosen, *rest])


@dataclass(frozen=True)
class Way:
    """How pulumi is run.

    Args:
        at_once: How many operations at once; None leaves it to pulumi.
        at_end: The engine writes its state at the end alone.
        refresh: The run begins with a refresh.
        expected: How many instances it is about, as far as that is known beforehand.
        more: Variables for its environment.
    """

    at_once: int | None = None
    at_end: bool = False
    refresh: bool = False
    expected: int = 0
    more: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Report:
    """What came of a job."""

    run: Run
    ended: Ended | None = None
    seconds: float = 0.0
    way: Way = Way()
    unwritten: bool = False
    """The state does not know what it did."""

    @property
    def code(self) -> int:
        """The exit code: pulumi's own, unless a signal ended it."""
        if self.ended is None:
            return 0
        if self.ended.code and self.ended.signals:
            return Exit.of_signal(self.ended.signals[0])
        return self.ended.code if self.ended.code >= 0 else 128 - self.ended.code


@dataclass(frozen=True)
class Stage:
    """Where a run is shown, and whence the signals come that end it.

    Args:
        display: The display.
        stops: The signals.
        many: Others run beside it, and whoever started them all shows how far they are.
    """

    display: Display
    stops: Stops
    many: bool = False


@contextmanager
def alone(watched: Watched) -> Iterator[Stage]:
    """Show one run while the `with` block runs."""
    with Stops().heard() as stops, showing([watched], time.monotonic) as display:
        yield Stage(display, stops)


def play(
    stack: Stack,
    job: Job,
    way: Way,
    *,
    planned: bool,
    remarks: dict[str, list[str]] | None = None,
    started: Callable[[int], None] = lambda _: None,
    stage: Stager = alone,
) -> Report:
    """Run pulumi, and show how far it is.

    Args:
        stack: The stack.
        job: What is asked for.
        way: How.
        planned: A preview of it is what is run.
        remarks: What its preview remarked already.
        started: Called with pulumi's process id.
        stage: Where it is shown.
    """
    heard: list[str] = []
    run = Run(heard.append)
    run.remarks |= {kind: [*texts] for kind, texts in (remarks or {}).items()}
    watched = Watched("preview" if planned else job.command, run, way.expected, planned)
    began = time.monotonic()
    with TemporaryDirectory() as folder, stage(watched) as at:
        hear = partial(_hear, watched, heard, at)
        ended = stack.pulumi.followed(
            *_command(stack, job, way, planned=planned),
            into=Path(folder) / "events",
            hear=hear,
            more=_environment(job, way),
            started=started,
            stops=at.stops,
        )
        run.fail(ended.said)
        hear("")
    return Report(run, ended, time.monotonic() - began, way)


def _hear(watched: Watched, heard: list[str], at: Stage, line: str) -> None:
    """Take in a line of the engine's events; an empty one tells that time passed."""
    if line:
        watched.run.hear(line)
    elif not at.many:
        at.display.turn()
    while heard:
        at.display.say(heard.pop(0))


def _environment(job: Job, way: Way) -> dict[str, str]:
    own = {name: value for name, value in _ENVIRONMENT.items() if name not in os.environ}
    if not any(one.partition("=")[0] in _HEARD for one in job.arguments):
        own[UNHEARD] = "true"
    return own | {
        "PULUMI_SKIP_CHECKPOINTS": "true" if way.at_end else "false",
        # Else a preview tells nothing until it is over.
        "PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true",
        VARIABLE: "true",
        **way.more,
    }


def _command(stack: Stack, job: Job, way: Way, *, planned: bool) -> list[str]:
    """Return what pulumi is given."""
    if not planned:
        asked = [job.command, "--skip-preview", "--yes"]
    elif job.command in ("up", "preview"):
        asked = ["preview"]
    else:
        asked = [job.command, "--preview-only"]
    named = ["--stack", stack.name, *stack.config_file]
    parallel = ["--parallel", str(way.at_once)] if way.at_once else []
    refresh = ["--refresh"] if way.refresh and job.command != "refresh" else []
    own = [*named, "--json", "--non-interactive", *parallel, *refresh]
    return [*asked, *own, *_arguments(job, planned=planned)]


def _arguments(job: Job, *, planned: bool) -> list[str]:
    """Return what else pulumi is given: of what was given for an up, a preview knows not all."""
    given = [one for one in job.arguments if one not in _ANSWERS]
    if not planned or job.command != "up":
        return given
    kept: list[str] = []
    skip = False
    for one in given:
        name, is_whole, _ = one.partition("=")
        if not skip and name not in _ONLY_UP | _ONLY_UP_WITH_VALUE:
            kept.append(one)
        skip = not skip and name in _ONLY_UP_WITH_VALUE and not is_whole
    return kept
