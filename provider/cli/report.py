"""What came of a run, for a person or as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .console import agreed, counted, emit, say, shown, write
from .progress import line_of, summary

if TYPE_CHECKING:
    from .events import Step
    from .play import Job, Report

_SIGNS = {"create": "+", "update": "~", "delete": "-", "create-replacement": "+-"}


def show_plan(job: Job, planned: Report) -> None:
    """Show what a run would do, on standard error where the run itself has a result to tell."""
    tell = write if job.command == "preview" and not job.as_json else say
    for step in planned.run.steps.values():
        if not step.quiet and step.operation in _SIGNS and not step.urn.count("pulumi:pulumi:"):
            changed = f"  ({', '.join(shown(one) for one in step.changed)})" if step.changed else ""
            tell(f"{_SIGNS[step.operation]:>2} {shown(step.name)}{changed}")
    tell(summary(planned.run, planned.seconds, planned=True))


def is_wanted(job: Job, planned: Report, where: str = "") -> bool:
    """Ask whether what a preview told is to be done; `where` ends the question."""
    number = sum(not one.quiet for one in planned.run.steps.values() if one.is_instance)
    what = f"{counted(number, 'instance')} of stack '{job.stack}'{where}"
    return agreed(f"Run {job.command}, which changes {what}?", yes=False)


def finish(job: Job, report: Report, *, planned: bool, shown_already: bool = False) -> int:
    """Tell what came of it; return the exit code.

    Args:
        job: What was asked for.
        report: What came of it.
        planned: It was a preview.
        shown_already: The result was told as JSON.
    """
    if not shown_already:
        _tell(job, report, planned=planned)
    slow = [one for one in report.run.slowest[:3] if (one.seconds or 0.0) >= _SLOW]
    if slow and not planned:
        say(f"The slowest: {'; '.join(map(line_of, slow))}.")
    for kind, texts in report.run.remarks.items():
        for text in texts:
            say(f"{kind}: {text}")
    if report.code:
        say(why(job, report))
    return report.code


def _tell(job: Job, report: Report, *, planned: bool) -> None:
    """Tell the result itself, on standard output."""
    if job.as_json:
        emit(document(job, report, planned=planned))
    elif planned:
        show_plan(job, report)
    else:
        for name, value in report.run.outputs.items():
            write(f"{shown(name)}: {shown(_output(value))}")
        if report.run.steps or not report.code:
            write(summary(report.run, report.seconds, planned=False))


_SLOW = 1.0
"""Seconds from which on an operation counts as slow."""


def why(job: Job, report: Report) -> str:
    """Return the last sentence of a run that did not succeed."""
    ended, name = report.ended, f"'pulumi {job.command}'"
    assert ended is not None
    if report.unwritten and ended.code > 0:
        made = [f"{one.name} ({one.id})" for one in report.run.instances if _is_made(one)]
        what = f"made {', '.join(made)}" if made else "changed what stands above"
        return (
            f"{name} could not write its state, which does not know that this run {shown(what)}. "
            f"Nothing is lost: once it can be written, '{job.again}' finds it."
        )
    if ended.code < 0:
        return (
            f"{name} was killed (signal {-ended.code}): run '{job.again}' again, which finds "
            "what this run did."
        )
    if len(ended.signals) > 1:
        return (
            f"{name} was stopped at once: what was under way is found by the next "
            f"'{job.again}', by its tags."
        )
    if ended.signals:
        return f"{name} was stopped: what had begun was brought to its end, and is in the state."
    if any("currently locked" in one for one in report.run.remarks["error"]):
        return (
            f"Nothing was done, because another run has stack '{job.stack}': wait for its end; "
            f"where it was killed, run 'pulumi cancel --stack {job.stack}' first."
        )
    return f"{name} exited with {ended.code}: correct what it says, then run '{job.again}' again."


def _is_made(step: Step) -> bool:
    return step.operation.startswith("create") and bool(step.id) and not step.failed


def _output(value: Any) -> str:
    plain = _veiled(value)
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)


def _veiled(value: Any) -> Any:
    """Return an output as the engine tells it, its marks of secrets as `[secret]`."""
    if isinstance(value, dict):
        if any(key.startswith("4dabf181930729395") for key in value):
            return "[secret]"
        return {key: _veiled(item) for key, item in value.items()}
    return [_veiled(item) for item in value] if isinstance(value, list) else value


def document(job: Job, report: Report, *, planned: bool) -> dict[str, Any]:
    """Return what is told as JSON."""
    found = report.run
    return {
        "stack": job.stack,
        "command": job.command,
        "planned": planned,
        "checkpoints": not report.way.at_end,
        "refreshed": report.way.refresh,
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
