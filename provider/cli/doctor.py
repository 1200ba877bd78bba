"""`elements doctor`: everything that must be right before `pulumi up` can work, line by line."""

from __future__ import annotations

import os
import platform as machine
import re
import shutil
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib import metadata as packages
from typing import TYPE_CHECKING, Annotated

import typer

from provider.cli.completion import stack_names
from provider.cli.console import (
    Exit,
    FailureError,
    could_not,
    counted,
    emit,
    grid,
    say,
    show,
    shown,
)
from provider.cli.project import (
    Project,
    platform,
    read_yaml,
    set_command,
    settings_of,
    settings_of_environment,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provider.cli.project import Stack
    from provider.client import CloudElementsClient
    from provider.config import Settings
    from provider.stack import InstanceDeclaration

_LARGEST_SKEW = 60.0  # seconds; tokens and certificates are judged by the clock
_OLDEST_PYTHON = (3, 11)


@dataclass(frozen=True)
class Check:
    """One line of the report."""

    name: str
    ok: bool
    what: str
    """What was found; when it is not ok, also what to do."""


def doctor(
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
    as_json: Annotated[bool, typer.Option("--json", help="Say the result as JSON.")] = False,
) -> None:
    """Check everything that 'pulumi up' and 'authorize' need, and say what to do.

    Versions of Python, the pulumi command and Pulumi's SDK; the project and the stack; the
    connection settings, the platform's answer to them and its clock; each declared element
    against the platform's metadata; secrets that stand in the stack file in clear; the loopback
    address. Nothing is changed and no secret is shown.

    Ends with 3 when a line failed.

    \b
    Example:
      elements doctor --stack prod
    """  # noqa: D301 - \b keeps the lines of a list apart
    checks = list(_checks(stack))
    if as_json:
        emit([asdict(check) for check in checks])
    else:
        rows = [["ok" if one.ok else "failed", one.name, one.what] for one in checks]
        show(grid(("", "Check", "What"), rows, ["" if one.ok else "red" for one in checks]))
    failed = sum(not check.ok for check in checks)
    if failed:
        say(f"{failed} of {len(checks)} checks failed.")
        raise typer.Exit(Exit.ATTENTION)


def _checks(name: str | None) -> Iterator[Check]:
    yield _python()
    yield _sdk()
    yield _loopback()
    try:
        project = Project()
        yield _command(project)
        stack = project.stack(name)
        declared = stack.declared()
    except FailureError as failure:
        yield Check("stack", ok=False, what=str(failure))
        if settings := settings_of_environment():
            yield from _platform(settings, {})
        return
    yield Check(
        "stack", ok=True, what=f"'{stack.name}' declares {counted(len(declared), 'instance')}"
    )
    yield _in_clear(stack)
    try:
        settings = settings_of(stack)
    except FailureError as failure:
        yield Check("settings", ok=False, what=str(failure))
        return
    yield from _platform(settings, declared)


def _python() -> Check:
    ok = sys.version_info >= _OLDEST_PYTHON
    what = machine.python_version()
    return Check("Python", ok, what if ok else f"{what}: 3.11 or newer is needed")


def _sdk() -> Check:
    return Check("Pulumi SDK", ok=True, what=packages.version("pulumi"))


def _oldest() -> str:
    """Return the oldest Pulumi that works, as the package itself demands it."""
    demands = packages.requires("pulumi-cloud-elements") or []
    found = (re.match(r"pulumi[^-\w].*?>=\s*([\d.]+)", one) for one in demands)
    return next((match[1] for match in found if match), "3")


def _command(project: Project) -> Check:
    version = project.pulumi.run("version").strip()
    oldest = _oldest()
    numbers = [tuple(map(int, re.findall(r"\d+", text)[:3])) for text in (version, oldest)]
    if numbers[0] < numbers[1]:
        what = f"{version}: {oldest} or newer is needed, see pulumi.com/docs/install"
        return Check("pulumi", ok=False, what=what)
    host = "pulumi-language-python"
    beside = os.path.dirname(os.path.realpath(shutil.which("pulumi") or ""))  # noqa: PTH120
    if not shutil.which(host, path=f"{os.environ.get('PATH', '')}{os.pathsep}{beside}"):
        what = f"{version}, but its {host} is not beside it: install the whole of Pulumi"
        return Check("pulumi", ok=False, what=what)
    return Check("pulumi", ok=True, what=version)


def _loopback() -> Check:
    from provider.consent.listener import Listener, ListenError  # noqa: PLC0415

    try:
        with Listener("/"):
            pass
    except ListenError as error:
        what = f"{error}: authorize with --paste"
        return Check("loopback", ok=False, what=what)
    return Check("loopback", ok=True, what="127.0.0.1 can be listened on for consent")


def _in_clear(stack: Stack) -> Check:
    """Find secrets that nobody encrypted."""
    import yaml  # noqa: PLC0415

    from provider.redaction import looks_secret  # noqa: PLC0415

    try:
        document = read_yaml(stack.file) or {}
        config = document.get("config") or {}
        entries = config.get("cloud-elements:instances") or {}
    except (OSError, AttributeError, yaml.YAMLError):
        return Check("secrets", ok=True, what="the stack has no file")
    settings = ("userSecret", "organizationSecret")
    commands = [
        f"pulumi config set --secret cloud-elements:{name} --stack {stack.name}"
        for name in settings
        if isinstance(config.get(f"cloud-elements:{name}"), str)
    ]
    for name, entry in entries.items() if isinstance(entries, dict) else ():
        if not isinstance(entry, dict):
            continue
        configuration = entry.get("configuration")
        values = configuration if isinstance(configuration, dict) else {}
        commands += [
            set_command(stack.name, str(name), "configuration", str(key))
            for key, value in values.items()
            if looks_secret(str(key)) and isinstance(value, str) and value
        ]
        if isinstance(entry.get("code"), str):
            commands.append(set_command(stack.name, str(name), "code"))
    if commands:
        what = f"{len(commands)} stand in {stack.file.name} in clear: {shown('; '.join(commands))}"
        return Check("secrets", ok=False, what=what)
    return Check("secrets", ok=True, what="none stands in the stack file in clear")


def _origin() -> str:
    here = bool(os.environ.get("CLOUD_ELEMENTS_USER_SECRET"))
    return "from the environment" if here else "from the stack"


def _platform(settings: Settings, declared: dict[str, InstanceDeclaration]) -> Iterator[Check]:
    yield Check("settings", ok=True, what=f"{settings.base_url}, secrets {_origin()}")
    with platform(settings) as client:
        yield from _answers(client, settings, declared)


def _answers(
    client: CloudElementsClient, settings: Settings, declared: dict[str, InstanceDeclaration]
) -> Iterator[Check]:
    try:
        with could_not("ask the platform", base_url=settings.base_url):
            date = client.check_credentials()
    except FailureError as failure:
        yield Check("platform", ok=False, what=str(failure))
        return
    yield Check("platform", ok=True, what="it answers, and knows both secrets")
    yield clock_check(date, datetime.now(UTC))
    for key in sorted({one.element for one in declared.values()}):
        yield _element(client, key, {n: d for n, d in declared.items() if d.element == key})


def clock_check(date: str | None, now: datetime) -> Check:
    """Compare the platform's clock with ours.

    Args:
        date: Its `Date` header.
        now: Our time.
    """
    try:
        theirs = parsedate_to_datetime(date or "")
        skew = (now - theirs).total_seconds()
    except (ValueError, TypeError):
        return Check("clock", ok=True, what="the platform does not tell the time")
    what = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the platform's"
    if abs(skew) > _LARGEST_SKEW:
        return Check("clock", ok=False, what=f"{what}: set this machine's clock")
    return Check("clock", ok=True, what=what)


def _element(
    client: CloudElementsClient, key: str, declared: dict[str, InstanceDeclaration]
) -> Check:
    from provider.metadata import required_keys, unknown_keys  # noqa: PLC0415

    name = f"element {shown(key)}"
    try:
        with could_not("look it up"):
            element = client.get_element(key)
    except FailureError as failure:
        return Check(name, ok=False, what=f"{failure} 'elements search' finds keys.")
    lacking = [
        f"{instance} lacks {entry.key}"
        for instance, one in declared.items()
        for entry in required_keys(element, one.configuration, proxied=bool(one.oauth_proxy))
        if one.configuration.get(entry.key) in (None, "")
    ]
    unknown = [
        f"{instance}: {warning}"
        for instance, one in declared.items()
        for warning in unknown_keys(element, one.configuration)
    ]
    if lacking or unknown:
        what = "; ".join([*lacking, *unknown])
        return Check(name, not lacking, f"{what}: 'elements describe {key}' shows what it takes")
    return Check(name, ok=True, what=f"{len(declared)} declared, nothing is missing")
