"""`elements promote`: what one stack declares becomes an entry of the next one."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..api.redaction import looks_secret
from ..instance.advice import authorize
from ..stack_keys import DEFAULTS, KEY
from .additions import Additions, Place, Written
from .application import API_KEY
from .completion import instance_names, stack_names
from .console import FailureError, counted, emit, say, shown
from .options import AsJson, DryRun  # noqa: TC001 - typer reads the annotations
from .project import Project, set_command, undeclared

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..declarations import InstanceDeclaration
    from .project import Stack

_LEFT = ("code", "provider_data", "adopt", "delete_adopted")
"""Keys of an entry that belong to one instance of one stack."""
_Instances = Annotated[
    list[str],
    typer.Argument(
        help="Entries of cloud-elements:instances.",
        metavar="INSTANCE",
        autocompletion=instance_names,
    ),
]
_From = Annotated[
    str, typer.Option("--from", help="Stack that declares them.", autocompletion=stack_names)
]
_To = Annotated[str, typer.Option("--to", help="Stack that gets them.", autocompletion=stack_names)]


def promote(
    instances: _Instances,
    *,
    source: _From,
    target: _To,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Write entries of a stack into the next stack's file.

    The entry is written as it stands, but without its code, which is good for one instance, and
    without its secrets, which are encrypted for one stack; what is to be set there is listed
    with the commands that do it. What it takes from cloud-elements:defaults it takes from those
    of the other stack; where that has none for the element, they are written as well.

    An entry that is there already with the same content stays as it is, and one that differs is
    refused. Nothing is read from the platform, and nothing is created before 'pulumi up'.

    \b
    Examples:
      elements promote invoices --from dev --to prod --dry-run
      elements promote invoices files --from dev --to staging
    """  # noqa: D301 - \b keeps the lines of a list apart
    project = Project()
    origin, other = _Side.of(project.stack(source)), _Side.of(project.stack(target))
    if origin.stack.last == other.stack.last:
        message = f"An entry is promoted to another stack, and '{source}' is the one it is in."
        raise FailureError(shown(message))
    additions, unchanged = _additions(list(dict.fromkeys(instances)), origin, other)
    written = additions.add(other.stack, dry_run=dry_run, quiet=as_json)
    if as_json:
        stacks = {"from": origin.stack.name, "to": other.stack.name}
        emit(stacks | {"written": written} | _document(additions, unchanged))
    _report(additions, unchanged, origin, other, written=written)


def _document(additions: Additions, unchanged: list[Written]) -> dict[str, Any]:
    every = Additions([*additions.entries, *unchanged], {}, additions.secrets)
    return {
        "entries": {new.name: new.entry for new in additions.entries},
        "defaults": additions.shared,
        "unchanged": [old.name for old in unchanged],
        "to_be_set": every.to_be_set(),
    }


@dataclass(frozen=True)
class _Side:
    """A stack, as Pulumi reads it and as its file shows it."""

    stack: Stack
    declared: Mapping[str, InstanceDeclaration]
    documents: Mapping[str, Mapping[str, Any]]
    """Entries and defaults, secrets in clear, by the key of the stack's configuration."""
    shown: Mapping[str, Mapping[str, Any]]
    """The same as the file shows them."""

    @classmethod
    def of(cls, stack: Stack) -> _Side:
        from .. import stack_file  # noqa: PLC0415

        declared, written = stack.declared(), stack.file.shown
        shown_ = {key: stack_file.entries(written.get(key)) for key in (KEY, DEFAULTS)}
        return cls(stack, declared, stack.documents(), shown_)

    def plain(self, key: str, name: str) -> tuple[dict[str, Any], list[Place]]:
        """Return what an entry, or defaults, show in clear, and the places of its secrets."""
        given = self.documents[key].get(name) or {}
        secrets: list[Place] = []
        inside = self.shown[key].get(name)
        found = {
            field: _plain(value, _inside(inside, field), (field,), secrets)
            for field, value in _in_order(given, inside)
            if field not in (*_LEFT, "element")
        }
        if "element" in given:  # which an entry needs, whatever the file shows
            found = {"element": given["element"], **found}
        return {field: value for field, value in found.items() if _says(value)}, secrets


def _inside(shown_: Any, part: str | int) -> Any:
    from ..spelling import inside  # noqa: PLC0415 - with what a stack's file is read by

    return inside(shown_, part)


def _in_order(given: Mapping[str, Any], shown_: Any) -> list[tuple[str, Any]]:
    """Return the items of a map in the order of the file; Pulumi sorts them."""
    order = list(shown_) if isinstance(shown_, dict) else []
    return sorted(
        given.items(), key=lambda at: order.index(at[0]) if at[0] in order else len(order)
    )


def _says(value: Any) -> bool:
    return value is not None and value not in ({}, [])


def _plain(value: Any, shown_: Any, place: Place, secrets: list[Place]) -> Any:
    """Return what of a value is no secret, None for nothing; add where the secrets are.

    In clear is what the file shows as it is read, unless its key names a secret. A list that holds
    a secret is left out as a whole, because its other items would move up.
    """
    from ..api import wire  # noqa: PLC0415

    if isinstance(value, dict):
        inner = {
            key: _plain(item, _inside(shown_, key), (*place, key), secrets)
            for key, item in _in_order(value, shown_)
        }
        return {key: item for key, item in inner.items() if _says(item)}
    if isinstance(value, list):
        found: list[Place] = []
        items = [
            _plain(item, _inside(shown_, index), (*place, index), found)
            for index, item in enumerate(value)
        ]
        secrets += found
        return None if found else items
    if value is None:
        return None
    in_clear = not isinstance(shown_, dict | list | None) and wire.same_value(shown_, value)
    if in_clear and not _named_secret(place):
        return value
    secrets.append(place)
    return None


def _named_secret(place: Place) -> bool:
    """Tell whether a place inside an entry is one of secrets, by the names that lead to it."""
    from ..instance.events import FIELD, is_secret  # noqa: PLC0415

    if place[0] == FIELD and is_secret(str(place[1])):
        return True
    inside = place[2:] if place[0] == FIELD else place[1:]
    named = place[0] in (FIELD, "configuration")
    return named and any(looks_secret(str(key)) for key in inside)


def _additions(names: list[str], origin: _Side, other: _Side) -> tuple[Additions, list[Written]]:
    """Return what is to be added to the other stack, and what is there already.

    Raises:
        FailureError: An entry is not declared, or is there and differs; all at once.
    """
    from ..defaults import merged  # noqa: PLC0415

    additions, unchanged, wrong = Additions([]), list[Written](), list[str]()
    for name in names:
        if name not in origin.declared:
            wrong.append(undeclared(origin.stack, name, origin.declared))
            continue
        entry, secrets = origin.plain(KEY, name)
        theirs = other.documents[KEY].get(name)
        shared = other.documents[DEFAULTS].get(origin.declared[name].element, {})
        whole = merged(shared, theirs or {})
        new = Written(name, entry, [at for at in secrets if not _is_set(whole, at)])
        if theirs is None:
            additions.entries.append(new)
        elif differs := _differences(name, origin, other):
            wrong.append(
                f"Stack '{other.stack.name}' has another entry '{name}' already, which differs in "
                f"{', '.join(differs)}: make the two alike, or remove it there."
            )
        else:
            unchanged.append(new)
    if wrong:
        raise FailureError(shown("\n".join(wrong)))
    _share(additions, unchanged, origin, other)
    return additions, unchanged


def _share(additions: Additions, unchanged: list[Written], origin: _Side, other: _Side) -> None:
    """Add the defaults that new entries need there, and which shared secrets lack."""
    from ..defaults import merged  # noqa: PLC0415

    entries = [*additions.entries, *unchanged]
    new = [origin.declared[each.name].element for each in additions.entries]
    for element in dict.fromkeys(origin.declared[each.name].element for each in entries):
        plain, secrets = origin.plain(DEFAULTS, element)
        theirs = other.documents[DEFAULTS].get(element)
        if theirs is None and plain and element in new:
            additions.shared[element] = plain
        wholes = [
            merged(theirs or {}, other.documents[KEY].get(each.name) or {})
            for each in entries
            if origin.declared[each.name].element == element
        ]
        if lacking := [at for at in secrets if not all(_is_set(each, at) for each in wholes)]:
            additions.secrets[element] = lacking


def _is_set(given: Any, place: Place) -> bool:
    for part in place:
        given = _inside(given, part)
    return given not in (None, "")


def _differences(name: str, origin: _Side, other: _Side) -> list[str]:
    """Return where two entries of a name differ, but for what is secret in either of them."""
    left, right = origin.plain(KEY, name)[0], other.plain(KEY, name)[0]
    entries = [side.documents[KEY].get(name) for side in (origin, other)]
    return list(_differing(left, right, (entries[0], entries[1]), ()))


def _differing(
    left: Mapping[str, Any], right: Mapping[str, Any], entries: tuple[Any, Any], place: Place
) -> Iterator[str]:
    """Yield where two maps differ.

    Args:
        left: What is in clear of the one.
        right: Of the other.
        entries: Both with their secrets.
        place: Where they are.
    """
    from ..api import wire  # noqa: PLC0415

    for key in dict.fromkeys((*left, *right)):
        mine, theirs, at = left.get(key), right.get(key), (*place, key)
        inside = _inside(entries[0], key), _inside(entries[1], key)
        if isinstance(mine, dict | None) and isinstance(theirs, dict | None):
            yield from _differing(mine or {}, theirs or {}, inside, at)
        elif at == ("tags",) and isinstance(mine, list) and isinstance(theirs, list):
            if set(map(str, mine)) != set(map(str, theirs)):
                yield "tags"
        elif None in (mine, theirs) and None not in inside:
            continue  # a secret in one of them
        elif not wire.same_value(mine, theirs):
            yield ".".join(map(str, at))


def _mistakes(additions: Additions, other: _Side) -> str:
    """Return what the other stack's file is refused for with what is added; or nothing.

    Such as an address for events that is one of the secrets.
    """
    from ..declarations import StackError, parse  # noqa: PLC0415 - loads Pulumi's SDK

    entries = {**other.documents[KEY], **{new.name: new.entry for new in additions.entries}}
    try:
        parse(entries, shared={**other.documents[DEFAULTS], **additions.shared})
    except StackError as error:
        return str(error)
    return ""


def _report(
    additions: Additions, unchanged: list[Written], origin: _Side, other: _Side, *, written: bool
) -> None:
    stack = other.stack.name
    for old in unchanged:
        say(shown(f"'{old.name}' is in stack '{stack}' already, as in '{origin.stack.name}'."))
    if additions.entries:
        done = "added" if written else "would be added"
        count = counted(len(additions.entries), "entry", "entries")
        say(f"{count} {done} to stack '{stack}'.")
    if additions.shared:
        say(f"With what they share, in {DEFAULTS}: {shown(', '.join(additions.shared))}.")
    for new in additions.entries:
        element = origin.declared[new.name].element
        if element in origin.documents[DEFAULTS] and element in other.documents[DEFAULTS]:
            theirs = f"{DEFAULTS}.{element}"
            say(shown(f"'{new.name}' takes what it shares from {theirs} of stack '{stack}'."))
    _report_steps(additions, [*additions.entries, *unchanged], origin, other)


def _report_steps(
    additions: Additions, entries: list[Written], origin: _Side, other: _Side
) -> None:
    """Say what is still to be done in the other stack, with the commands in their order."""
    stack = other.stack.name
    notes = Additions(entries, {}, additions.secrets).notes(stack)
    _list(
        f"Secrets are not copied; set those of stack '{stack}':",
        [command for found in notes.values() for command in found],
    )
    _list(f"Until then stack '{stack}' is refused:", _mistakes(additions, other).splitlines())
    consent = [_consent(new.name, origin.declared[new.name], other) for new in entries]
    _list("Then get consent there:", list(filter(None, consent)))
    if additions.entries:
        say(f"Then create what is new: pulumi up --stack {shlex.quote(stack)}")


def _list(heading: str, lines: list[str]) -> None:
    if lines:
        say(heading)
    for line in lines:
        say(shown(f"  {line}"))


def _consent(name: str, declaration: InstanceDeclaration, other: _Side) -> str | None:
    """Return the command that brings an entry its code there; None where it needs none, or has."""
    there = other.declared.get(name)
    if there and (there.code or there.provider_data or there.adopt):
        return None
    if declaration.external_authentication not in (None, "none"):
        return None
    handed_in = declaration.code or declaration.provider_data
    if declaration.oauth_proxy:
        return set_command(other.stack.name, name, "code") if handed_in else None
    if handed_in or API_KEY in declaration.configuration:
        return authorize(name, other.stack.name)
    return None
