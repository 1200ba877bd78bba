"""`elements doctor`: everything that must be right before `pulumi up` can work, line by line."""

from __future__ import annotations

import os
import platform as machine
import re
import shlex
import shutil
import sys
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib import metadata as packages
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..api.redaction import is_secret_key, looks_secret
from ..instance.advice import FIND_ELEMENT, authorize, describe
from ..stack_keys import DEFAULTS
from .application import CALLBACK_URL, authentication
from .console import Exit, FailureError, could_not, counted, emit, say, show_rows, shown
from .options import AsJson, StackName  # noqa: TC001 - typer reads the annotations
from .project import (
    Project,
    overridden,
    platform,
    set_command,
    settings_of,
    settings_of_environment,
)
from .pulumi import Pulumi, proxies_of_grpc, spares_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..api import wire
    from ..api.client import CloudElementsClient
    from ..config import Settings
    from ..declarations import InstanceDeclaration
    from .project import Stack

_LARGEST_SKEW = 60.0  # seconds; tokens and certificates are judged by the clock
_OLDEST_PYTHON = (3, 11)
_HIDES_PLANNED = (3, 274, 1)
"""The oldest CLI that is known to name no secret when it refuses a saved plan."""


@dataclass(frozen=True)
class Check:
    """One line of the report."""

    name: str
    ok: bool
    what: str
    """What was found; when it is not ok, also what to do."""
    commands: list[str] = field(default_factory=list)
    """What to run, where that is a command for each of several things."""


def doctor(
    *,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Check what 'pulumi up' and 'authorize' need; say what to do.

    Versions of Python, the pulumi command and Pulumi's SDK; the project and the stack; the
    connection settings, the platform's answer to them and its clock; whether a run can remember
    what it sends; each declared element against the platform's metadata; secrets that are
    in plain text in the stack file; the loopback address. Nothing is changed, no secret shown.

    Exits with 3 when a line failed.

    \b
    Example:
      elements doctor --stack prod
    """  # noqa: D301 - \b keeps the lines of a list apart
    checks = list(_checks(stack))
    if as_json:
        emit([asdict(check) for check in checks])
    else:
        rows = [["ok" if each.ok else "failed", each.name, each.what] for each in checks]
        show_rows(("", "Check", "What"), rows, ["" if each.ok else "red" for each in checks])
        for command in (shown(command) for each in checks for command in each.commands):
            say(f"  {command}")
    failed = sum(not check.ok for check in checks)
    if failed:
        say(f"{failed} of {len(checks)} checks failed.")
        raise typer.Exit(Exit.ATTENTION)


def _checks(name: str | None) -> Iterator[Check]:
    yield _python()
    yield _sdk()
    yield _loopback()
    yield from _proxy()
    command = _command()
    yield command
    try:
        project = Project()
        yield from _namesake(project)
        stack = project.stack(name)
        declared = stack.declared()
    except FailureError as failure:
        if command.ok or str(failure) != command.what:
            yield Check("stack", ok=False, what=str(failure))
        if settings := settings_of_environment():
            yield from _platform(settings, None, {})
        return
    what = f"'{stack.name}' declares {counted(len(declared), 'instance')}"
    yield Check("stack", ok=True, what="; ".join([what, *stack.remarks()]))
    yield from _shards(stack)
    try:
        settings = settings_of(stack)
    except FailureError as failure:
        yield Check("settings", ok=False, what=str(failure))
        yield _in_clear(stack, declared, {})
        return
    yield from _platform(settings, stack, declared)


def _shards(stack: Stack) -> Iterator[Check]:
    """Yield whether each of a stack's shards has what falls to it."""
    from .fleet import Fleet  # noqa: PLC0415 - loads HTTP

    try:
        if fleet := Fleet.of(stack):
            fleet.refuse_moves()
            there = sum(one.name in fleet.there for one in fleet.members)
            made = f"{there} of them there yet" if there < fleet.shards else "all there"
            yield Check("shards", ok=True, what=f"{fleet.shards}, {made}")
    except FailureError as failure:
        yield Check("shards", ok=False, what=str(failure))


def _namesake(project: Project) -> Iterator[Check]:
    from ..namesake import namesake  # noqa: PLC0415

    if hidden := namesake(project.program):
        yield Check("package", ok=False, what=hidden)


def _python() -> Check:
    ok = sys.version_info >= _OLDEST_PYTHON
    what = machine.python_version()
    return Check("Python", ok, what if ok else f"{what}: 3.11 or newer is needed")


def _sdk() -> Check:
    return Check("Pulumi SDK", ok=True, what=packages.version("pulumi"))


def _oldest() -> str:
    """Return the oldest Pulumi that works, as the package itself demands it."""
    demands = packages.requires("pulumi-cloud-elements") or []
    found = (re.match(r"pulumi[^-\w].*?>=\s*([\d.]+)", each) for each in demands)
    return next((match[1] for match in found if match), "3")


def _command() -> Check:
    try:
        version = Pulumi(Path.cwd()).run("version").strip()
    except FailureError as failure:
        return Check("pulumi", ok=False, what=str(failure))
    oldest = _oldest()
    numbers = [tuple(map(int, re.findall(r"\d+", text)[:3])) for text in (version, oldest)]
    if numbers[0] < numbers[1]:
        what = f"{version}: {oldest} or newer is needed, see pulumi.com/docs/install"
        return Check("pulumi", ok=False, what=what)
    host = "pulumi-language-python"
    beside = os.path.dirname(os.path.realpath(shutil.which("pulumi") or ""))  # noqa: PTH120
    if not shutil.which(host, path=f"{os.environ.get('PATH', '')}{os.pathsep}{beside}"):
        what = f"{version}, but its {host} is missing beside it: install all of Pulumi"
        return Check("pulumi", ok=False, what=what)
    shows = "; it shows secrets when it refuses a saved plan, so update it before you use --plan"
    return Check("pulumi", ok=True, what=version + (shows if numbers[0] < _HIDES_PLANNED else ""))


def _loopback() -> Check:
    from ..consent.listener import Listener, ListenError  # noqa: PLC0415

    try:
        with Listener("/"):
            pass
    except ListenError as error:
        what = f"{error}: authorize with --paste"
        return Check("loopback", ok=False, what=what)
    return Check("loopback", ok=True, what="127.0.0.1 can be listened on for consent")


def _proxy() -> Iterator[Check]:
    """Yield what is wrong where Pulumi's own connections would go through a proxy."""
    names = proxies_of_grpc(os.environ)
    if names and not spares_loopback(os.environ):
        what = (
            f"{', '.join(names)} would carry Pulumi's own connections on this machine as well, and "
            "its programs end in a traceback: export no_proxy=127.0.0.1,localhost, in lower case, "
            "beside NO_PROXY"
        )
        yield Check("proxy", ok=False, what=what)


def _in_clear(
    stack: Stack,
    declared: Mapping[str, InstanceDeclaration],
    elements: Mapping[str, wire.Element],
) -> Check:
    """Find secrets that nobody encrypted.

    Args:
        stack: The stack.
        declared: Its entries.
        elements: Metadata, by element key: where they are known, what they don't call plain counts.
    """
    from .. import stack_file  # noqa: PLC0415

    config = stack.file.shown
    entries = stack_file.entries(config.get("cloud-elements:instances"))
    commands = [
        f"pulumi config set --secret cloud-elements:{name} --stack {shlex.quote(stack.name)}"
        for name in ("userSecret", "organizationSecret")
        if isinstance(config.get(f"cloud-elements:{name}"), str)
    ]
    for name, declaration in declared.items():
        entry = entries.get(name)
        if isinstance(entry, dict):
            commands += [
                set_command(stack.name, name, *path)
                for path in _clear_paths(entry, elements.get(declaration.element))
            ]
    for element, shared in stack_file.entries(config.get(DEFAULTS)).items():
        if isinstance(shared, dict):
            commands += [
                set_command(stack.name, element, *path, root=DEFAULTS)
                for path in _clear_paths(shared, elements.get(element))
            ]
    if commands:
        where = f"{len(commands)} in {stack.file.path.name}"
        what = f"{where} are in plain text: set each again, as below"
        return Check("secrets", ok=False, what=what, commands=commands)
    return Check("secrets", ok=True, what="none is in the stack file in plain text")


def _clear_paths(
    entry: Mapping[str, Any], element: wire.Element | None
) -> Iterator[tuple[str | int, ...]]:
    """Yield where an entry of the stack file holds a secret as plain text."""
    from ..instance.events import FIELD, is_secret  # noqa: PLC0415
    from ..instance.metadata import plain_keys  # noqa: PLC0415

    plain = plain_keys(element)
    if isinstance(entry.get("code"), str):
        yield ("code",)
    for part in ("configuration", "provider_data"):
        values = entry.get(part)
        for key, value in values.items() if isinstance(values, dict) else ():
            secret = part == "provider_data" or (
                is_secret_key(key, plain) if element else looks_secret(key)
            )
            yield from ((part, key, *rest) for rest in _clear_leaves(value, secret=secret))
    events = entry.get(FIELD)
    for member, value in events.items() if isinstance(events, dict) else ():
        yield from (
            (FIELD, member, *rest) for rest in _clear_leaves(value, secret=is_secret(member))
        )


def _clear_leaves(value: Any, *, secret: bool) -> Iterator[tuple[str | int, ...]]:
    """Yield where a value holds a secret as plain text: all of it, or what is named like one."""
    if isinstance(value, dict) and [*value] != ["secure"]:
        for key, item in value.items():
            inside = _clear_leaves(item, secret=secret or looks_secret(key))
            yield from ((key, *rest) for rest in inside)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from ((index, *rest) for rest in _clear_leaves(item, secret=secret))
    elif isinstance(value, str) and value and secret:
        yield ()


def _origin() -> str:
    here = bool(os.environ.get("CLOUD_ELEMENTS_USER_SECRET"))
    return "from the environment" if here else "from the stack"


def _platform(
    settings: Settings, stack: Stack | None, declared: Mapping[str, InstanceDeclaration]
) -> Iterator[Check]:
    what = f"{settings.base_url}, secrets {_origin()}"
    if elsewhere := stack and overridden(stack):
        what = f"{what}; {elsewhere}"
    yield Check("settings", ok=True, what=what)
    elements: dict[str, wire.Element] = {}
    if stack:
        yield _journal(settings, stack)
    with platform(settings) as client:
        yield from _answers(client, settings, stack, declared, elements)
    if stack:
        yield _in_clear(stack, declared, elements)


def _journal(settings: Settings, stack: Stack) -> Check:
    """Try out whether a run can remember what it sent, by the rule of `pulumi up`."""
    from ..instance.history import History  # noqa: PLC0415 - loads HTTP
    from ..instance.markers import Markers  # noqa: PLC0415

    said: list[str] = []
    history = History.at_home(os.environ, settings, warn=said.append)
    history.try_out(Markers(*stack.marker_tags()))
    if said:
        return Check("journal", ok=False, what="; ".join(said))
    if history.folder is None:
        what = "off: after a run that was killed, only tags tell what it sent"
        return Check("journal", ok=True, what=what)
    return Check("journal", ok=True, what=f"what is sent is remembered in {history.folder}")


def _answers(
    client: CloudElementsClient,
    settings: Settings,
    stack: Stack | None,
    declared: Mapping[str, InstanceDeclaration],
    elements: dict[str, wire.Element],
) -> Iterator[Check]:
    """Yield how the platform answers; put the metadata that it gives into `elements`."""
    try:
        with could_not("ask the platform", base_url=settings.base_url):
            date = client.check_credentials()
    except FailureError as failure:
        yield Check("platform", ok=False, what=str(failure))
        return
    yield Check("platform", ok=True, what="it answers, and accepts both secrets")
    yield clock_check(date, datetime.now(UTC))
    for key in sorted({each.element for each in declared.values()}):
        try:
            with could_not("look it up"):
                elements[key] = client.get_element(key)
        except FailureError as failure:
            what = f"{failure} {FIND_ELEMENT}."
            yield Check(f"element {shown(key)}", ok=False, what=what)
        else:
            entries = {name: each for name, each in declared.items() if each.element == key}
            yield _element(elements[key], stack.name if stack else "", entries)


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
    element: wire.Element, stack: str, declared: Mapping[str, InstanceDeclaration]
) -> Check:
    from ..instance.metadata import needless_keys, required_keys, unknown_keys  # noqa: PLC0415

    lacking: list[str] = []
    unknown: list[str] = []
    notes: list[str] = []
    for instance, each in declared.items():
        needless = needless_keys(each.oauth_proxy, each.external_authentication)
        given = each.full_configuration
        keys = [
            entry.key
            for entry in required_keys(element, given, needless=needless)
            if given.get(entry.key) in (None, "") and not each.adopt
        ]
        if CALLBACK_URL in keys and _waits_for_consent(element, each):
            keys.remove(CALLBACK_URL)
            command = authorize(instance, stack)
            notes.append(
                f"{instance} gets its {CALLBACK_URL}, which pulumi up demands, with its code by "
                f"'{command}'"
            )
        lacking += [f"{instance} lacks {key}" for key in keys]
        unknown += [f"{instance}: {said}" for said in unknown_keys(element, given)]
    what = "; ".join([*lacking, *unknown])
    if what:
        what += f": {describe(element.key)}"
    what = "; ".join([what, *notes] if what else notes)
    what = what or f"{len(declared)} declared, nothing is missing"
    return Check(f"element {shown(element.key)}", ok=not lacking, what=what)


def _waits_for_consent(element: wire.Element, each: InstanceDeclaration) -> bool:
    """Tell whether `authorize` is still to come, which sets the callback URL that it uses."""
    handed_in = (
        each.code or each.provider_data or each.external_authentication not in (None, "none")
    )
    return authentication(element, each.configuration).startswith("oauth") and not handed_in
