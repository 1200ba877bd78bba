"""`elements sweep`: removes instances that carry our markers and belong to nobody any more."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..api.errors import CloudElementsError, NotFoundError
from .backend import Backend, stack_marker
from .console import (
    Exit,
    FailureError,
    agreed,
    counted,
    emit,
    say,
    show_rows,
    shown,
)
from .options import AsJson, DryRun, Yes, stack_option
from .project import (
    Project,
    overridden,
    platform,
    settings_of,
    settings_without_stack,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..api import wire
    from ..api.client import CloudElementsClient
    from ..config import Settings
    from .project import Stack
    from .state import State


_Stack = Annotated[
    str | None, stack_option("The stack whose leftovers go; it may be deleted already.")
]
_Marker = Annotated[
    str | None, typer.Option(help="The stack's marker tag, for a stack whose name is not known.")
]
_Owner = Annotated[
    str, typer.Option(help="The cloud-elements:owner that a deleted stack had, if any.")
]
_DOING = "clean up"
_Organization = Annotated[str, typer.Option(help="Pulumi organization of a deleted stack.")]


def sweep(
    *,
    stack: _Stack = None,
    marker: _Marker = None,
    owner: _Owner = "",
    organization: _Organization = "organization",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Remove what deleted stacks and interrupted runs left behind.

    Every instance that Pulumi made carries its stack's marker tag. One that carries it, while
    no state holds the instance, is a leftover. Adopted instances carry no such tag and are
    never touched.

    Without --stack or --marker nothing is removed: all markers in the account are listed, with
    the stack they belong to where it is one of this project. A marker that belongs to no stack
    here may still be in use by another project or on another machine.

    A leftover that a stack still declares is kept, because its next 'pulumi up' takes it over.

    \b
    Examples:
      elements sweep
      elements sweep --stack pr-123 --dry-run
      elements sweep --stack pr-123 --yes
    """  # noqa: D301 - \b keeps the lines of a list apart
    if stack is not None and marker is not None:
        message = "Give --stack or --marker, not both."
        raise FailureError(message, Exit.USAGE)
    backend = Backend.read(Project())
    if stack is None and marker is None:
        with platform(settings_without_stack(None), _DOING) as client:
            _overview(backend, client, as_json=as_json)
        return
    wanted = Wanted.of(backend, stack, marker, organization=organization, owner=owner)
    with platform(_settings(wanted.known), _DOING) as client:
        _clean_up(wanted, backend, client, _How(dry_run=dry_run, yes=yes, as_json=as_json))


def _settings(known: Stack | None) -> Settings:
    if known and (elsewhere := overridden(known)):
        say(f"{elsewhere}.")
    return settings_of(known) if known else settings_without_stack(None)


@dataclass(frozen=True)
class _How:
    """What the command line says besides whose leftovers are to go."""

    dry_run: bool
    yes: bool
    as_json: bool


def _clean_up(wanted: Wanted, backend: Backend, client: CloudElementsClient, how: _How) -> None:
    wanted = wanted.held_by(backend)
    found = wanted.find(client)
    _refuse_blindly(backend, found)
    if found and wanted.known:
        _refuse_elsewhere(wanted, backend.whole(wanted.known), client)
    if not how.as_json or (found and not (how.dry_run or how.yes)):
        _table(found, wanted, aside=how.as_json)
    removed: list[str] = []
    failed: dict[str, str] = {}
    if found and not how.dry_run:
        _ask(wanted, len(found), yes=how.yes)
        now = Backend.read(backend.project)
        _refuse_blindly(now, found)
        removed, failed = remove(wanted.held_by(now), found, client)
    if how.as_json:
        listed = [_told(each) for each in found]
        emit({"marker": wanted.marker, "found": listed, "removed": removed, "failed": failed})
    elif found and not how.dry_run:
        say(f"Deleted {len(removed)} of {len(found)}.")
    if failed:
        reasons = "; ".join(f"{id_}: {why}" for id_, why in failed.items())
        message = f"Some could not be deleted: {shown(reasons)}."
        raise FailureError(message)


def _ask(wanted: Wanted, number: int, *, yes: bool) -> None:
    where = f"stack '{wanted.stack}'" if wanted.stack else f"marker {wanted.marker}"
    question = f"Delete {counted(number, 'instance')} of {where} for good, with their tokens?"
    if not agreed(question, yes=yes):
        message = "Nothing was deleted."
        raise FailureError(message, Exit.DECLINED)


def _refuse_elsewhere(wanted: Wanted, state: State, client: CloudElementsClient) -> None:
    """Refuse to clean up at an address that is not the stack's, unless one of its own is there.

    Raises:
        FailureError: It is not, as far as can be told.
    """
    from ..instance.identity import Doubt, doubt  # noqa: PLC0415 - loads Pulumi's SDK
    from ..instance.state import Stored  # noqa: PLC0415

    homes = sorted({each.platform for each in state.kept} - {""})
    if not homes or client.address in homes:
        return
    listed = {each.id: each for each in client.find_instances(tag=wanted.marker)}
    if any(
        doubt(Stored(each.id, each.outputs), listed[each.id], each.inputs) is None
        for each in state.kept
        if each.id in listed
    ):
        return
    nothing = Doubt(
        "there is nothing of it",
        f"run 'pulumi refresh --stack {wanted.stack}' first",
    )
    refusal = nothing.refusal(", ".join(homes), client.address)
    message = f"Nothing of stack '{wanted.stack}' was deleted: {refusal}."
    raise FailureError(message)


def _refuse_blindly(backend: Backend, found: list[wire.Instance]) -> None:
    """Refuse to delete what a stack may have whose state can't be read."""
    if found and backend.gap:
        ids = ", ".join(each.id for each in found)
        message = (
            f"Nothing was deleted, because {backend.gap}; it may hold {ids}, which no other does: "
            "make it readable, or remove it, first."
        )
        raise FailureError(message)


def _checked(marker: str) -> str:
    from ..instance.markers import is_stack_marker  # noqa: PLC0415

    if not is_stack_marker(marker):
        message = f"'{shown(marker)}' is not a stack's marker tag; 'elements sweep' lists them."
        raise FailureError(message, Exit.USAGE)
    return marker


@dataclass(frozen=True)
class Wanted:
    """Whose leftovers are to go."""

    marker: str
    stack: str | None
    known: Stack | None
    held: frozenset[str] = frozenset()
    """Ids in the state of any stack."""
    awaited: frozenset[str] = frozenset()
    """Instance markers that the next run of the stack looks for."""

    @classmethod
    def of(
        cls,
        backend: Backend,
        stack: str | None,
        marker: str | None,
        *,
        organization: str,
        owner: str,
    ) -> Wanted:
        """Return whose leftovers a stack's name or its marker means.

        Args:
            backend: The stacks there are.
            stack: The name, where it is known.
            marker: The marker, where the name is not.
            organization: Pulumi organization of a stack that exists no more.
            owner: `cloud-elements:owner` of such a stack.
        """
        named = backend.project.stack(stack) if stack else None
        found = backend.marked(_checked(marker)) if marker else named and backend.stack(named)
        known = found and found.own()
        if known and not marker:
            marker = stack_marker(known, backend.whole(known))
        elif named:
            if backend.project.runtime == "python":  # the native provider is told no organization
                organization = named.given_organization or organization
            marker = named.marker_tags(organization=organization, owner=owner)[0]
        return cls(_checked(marker or ""), known.name if known else stack, known)

    def held_by(self, backend: Backend) -> Wanted:
        """Return this with what the states say.

        Raises:
            FailureError: A run of the stack itself may be making instances.
        """
        from .survey import awaited  # noqa: PLC0415 - loads Pulumi's SDK

        looked_for: frozenset[str] = frozenset()
        known = self.known and backend.stack(self.known)
        if known:
            state = backend.whole(known)
            if state.busy:
                message = (
                    f"An update of stack '{known.name}' runs or was interrupted, so nothing was "
                    f"deleted: let it end, or else run 'pulumi up --stack {known.name}', and where "
                    f"that is not enough 'pulumi refresh --clear-pending-creates --stack "
                    f"{known.name}', first."
                )
                raise FailureError(message)
            looked_for = awaited(known, known.declared(), state)
        return replace(self, held=backend.ids, awaited=looked_for)

    def takes(self, instance: wire.Instance) -> bool:
        """Tell whether an instance is a leftover."""
        tags = set(instance.tags or [])
        return self.marker in tags and instance.id not in self.held and not tags & self.awaited

    def find(self, client: CloudElementsClient) -> list[wire.Instance]:
        """Return the leftovers."""
        return [each for each in client.find_instances(tag=self.marker) if self.takes(each)]


def remove(
    wanted: Wanted, found: list[wire.Instance], client: CloudElementsClient
) -> tuple[list[str], dict[str, str]]:
    """Delete leftovers, each looked at once more; return ids deleted, and why others were not."""
    removed: list[str] = []
    failed: dict[str, str] = {}
    for each in found:
        try:
            if not wanted.takes(client.get_instance(each.id)):
                failed[each.id] = "it is in use by now"
                continue
            client.delete_instance(each.id)
        except NotFoundError:
            pass  # gone is what was wanted
        except CloudElementsError as error:
            failed[each.id] = str(error)
            continue
        removed.append(each.id)
    return removed, failed


def _told(instance: wire.Instance) -> dict[str, Any]:
    return {"id": instance.id, "name": instance.name, "element": instance.element.key}


def _table(found: list[wire.Instance], wanted: Wanted, *, aside: bool) -> None:
    which = f"'{shown(wanted.stack)}'" if wanted.stack else "with that marker"
    nowhere = f"No stack {which} is here"
    if not found:
        where = f"{nowhere}, and there" if wanted.known is None else "There"
        say(f"{where} are no leftovers with the marker {wanted.marker}.")
        return
    if wanted.known is None:
        say(
            f"{nowhere}. If its state lives elsewhere, on another machine or backend, these "
            "instances are in use:"
        )
    rows = [[each.name or "", each.element.key or "", each.id] for each in found]
    show_rows(("Instance", "Element", "Id"), rows, aside=aside)


@dataclass(frozen=True)
class _Marked:
    """A stack's marker, as it occurs in the account."""

    marker: str
    owner: Stack | None
    instances: int
    in_no_state: int

    @classmethod
    def all(cls, backend: Backend, client: CloudElementsClient) -> list[_Marked]:
        """Return every one."""
        from ..instance.markers import is_stack_marker  # noqa: PLC0415

        groups: dict[str, list[str]] = {}
        for instance in client.find_instances():
            for tag in filter(is_stack_marker, instance.tags or []):
                groups.setdefault(tag, []).append(instance.id)
        return [
            cls(tag, backend.marked(tag), len(ids), sum(id_ not in backend.ids for id_ in ids))
            for tag, ids in sorted(groups.items())
        ]

    @property
    def document(self) -> dict[str, Any]:
        """The row as JSON."""
        stack = self.owner and self.owner.name
        return {
            "marker": self.marker,
            "stack": stack,
            "instances": self.instances,
            "in_no_state": self.in_no_state,
        }

    @property
    def cells(self) -> list[str]:
        """The row of the table."""
        stack = self.owner.name if self.owner else "(none here)"
        return [self.marker, stack, str(self.instances), str(self.in_no_state)]


def _overview(backend: Backend, client: CloudElementsClient, *, as_json: bool) -> None:
    """List every stack marker in the account, and whose it is."""
    found = _Marked.all(backend, client)
    if as_json:
        emit([each.document for each in found])
    elif found:
        headings = ("Marker", "Stack", "Instances", "In no state")
        show_rows(headings, [each.cells for each in found], narrow=_two_lines)
    else:
        say("No instance in the account carries a stack's marker.")
    left = [each for each in found if each.in_no_state]
    if left and backend.gap:
        say(f"What is in no state may be in one that is not known here: {backend.gap}.")
    elif left and not as_json:
        say("To see and remove what is in no state:")
        for each in left:
            say(f"  {_command(each.marker, each.owner)}")


def _two_lines(row: Sequence[str]) -> tuple[str, str]:
    marker, stack, instances, in_no_state = row
    return marker, f"{stack}: {counted(int(instances), 'instance')}, {in_no_state} in no state"


def _command(marker: str, owner: Stack | None) -> str:
    """Return the command that sweeps after a stack, in whose project's folder it must run."""
    if owner is None:
        return f"elements sweep --marker {marker}"
    chosen = shlex.join(["elements", "sweep", "--stack", owner.name])
    return (
        f"{chosen}   (in the folder of project '{owner.project_name}')" if owner.foreign else chosen
    )
