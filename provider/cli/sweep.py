"""`elements sweep`: removes instances that carry our markers and belong to nobody any more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from provider.cli.completion import stack_names
from provider.cli.console import (
    Exit,
    FailureError,
    agreed,
    could_not,
    emit,
    grid,
    say,
    show,
    shown,
)
from provider.cli.project import Project, platform, settings_of, settings_without_stack

if TYPE_CHECKING:
    from provider import wire
    from provider.cli.project import Stack
    from provider.client import CloudElementsClient


def sweep(
    *,
    stack: Annotated[
        str | None,
        typer.Option(
            "--stack",
            "-s",
            help="The stack whose leftovers go; it may be deleted already.",
            autocompletion=stack_names,
        ),
    ] = None,
    marker: Annotated[
        str | None,
        typer.Option(help="The stack's marker tag, for a stack whose name nobody knows."),
    ] = None,
    owner: Annotated[
        str, typer.Option(help="The cloud-elements:owner that a deleted stack had, if any.")
    ] = "",
    organization: Annotated[
        str, typer.Option(help="Pulumi organization of a deleted stack.")
    ] = "organization",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Show what would go, and remove nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Say the result as JSON.")] = False,
) -> None:
    """Remove what deleted stacks and interrupted runs left behind.

    Every instance that Pulumi made carries its stack's marker tag. One that carries it, while
    no state holds the instance, is a leftover. Adopted instances carry no such tag and are
    never touched.

    Without --stack or --marker nothing is removed: all markers in the account are listed, with
    the stack they belong to where it is one of this project. A marker that belongs to no stack
    here may still be in use by another project or on another machine.

    A leftover that a stack still declares is kept, for its next 'pulumi up' takes it over.

    \b
    Examples:
      elements sweep
      elements sweep --stack pr-123 --dry-run
      elements sweep --stack pr-123 --yes
    """  # noqa: D301 - \b keeps the lines of a list apart
    project = Project()
    existing = project.stacks()
    if stack is not None and marker is not None:
        message = "Give --stack or --marker, not both."
        raise FailureError(message, Exit.USAGE)
    named = project.stack(stack) if stack else None
    known = _carrier(existing, _checked(marker)) if marker else named and named.among(existing)
    settings = settings_of(known) if known else settings_without_stack(None)
    with (
        platform(settings) as client,
        could_not("clean up", base_url=settings.base_url),
    ):
        if stack is None and marker is None:
            _overview(existing, client, as_json=as_json)
            return
        if known and not marker:
            from provider.cli.survey import stack_marker  # noqa: PLC0415 - loads Pulumi's SDK

            marker = stack_marker(known, known.state(secrets=False))
        elif named:
            organization = named.given_organization or organization
            marker = project.marker_tags(organization, owner, named.last)[0]
        name = known.name if known else stack
        wanted = _Wanted(_checked(marker or ""), name, known).held_by(existing)
        found = wanted.find(client)
        asks = bool(found) and not dry_run and not yes
        if asks or not as_json:
            _table(found, wanted, aside=as_json)
        removed: list[str] = []
        failed: dict[str, str] = {}
        if found and not dry_run:
            where = f"stack '{wanted.stack}'" if wanted.stack else f"marker {wanted.marker}"
            question = f"Delete {len(found)} of {where} for good, with their tokens?"
            if not agreed(question, yes=yes):
                message = "Nothing was deleted."
                raise FailureError(message, Exit.DECLINED)
            removed, failed = _remove(wanted.held_by(existing), found, client)
    if as_json:
        emit(
            {
                "marker": wanted.marker,
                "found": [_told(one) for one in found],
                "removed": removed,
                "failed": failed,
            }
        )
    elif found and not dry_run:
        say(f"Deleted {len(removed)} of {len(found)}.")
    if failed:
        reasons = "; ".join(f"{id_}: {why}" for id_, why in failed.items())
        message = f"Some could not be deleted: {shown(reasons)}."
        raise FailureError(message)


def _carrier(existing: list[Stack], marker: str) -> Stack | None:
    """Return the stack of this project whose marker tag it is."""
    from provider.cli.survey import stack_marker  # noqa: PLC0415 - loads Pulumi's SDK

    return next(
        (one for one in existing if stack_marker(one, one.state(secrets=False)) == marker), None
    )


def _checked(marker: str) -> str:
    from provider.markers import is_stack_marker  # noqa: PLC0415

    if not is_stack_marker(marker):
        message = f"'{shown(marker)}' is no stack's marker tag; 'elements sweep' lists them."
        raise FailureError(message, Exit.USAGE)
    return marker


@dataclass(frozen=True)
class _Wanted:
    """Whose leftovers are to go."""

    marker: str
    stack: str | None
    known: Stack | None
    held: frozenset[str] = frozenset()
    """Ids in the state of any stack of the project."""
    awaited: frozenset[str] = frozenset()
    """Instance markers that the next run of the stack looks for."""

    def held_by(self, existing: list[Stack]) -> _Wanted:
        """Return this with the states of the project's stacks read now.

        Raises:
            FailureError: A run of the stack itself may be making instances.
        """
        from provider.cli.survey import awaited  # noqa: PLC0415 - loads Pulumi's SDK

        held: set[str] = set()
        looked_for: frozenset[str] = frozenset()
        for one in existing:
            state = one.state(secrets=False)
            held |= state.ids
            if one is not self.known:
                continue
            if state.busy:
                message = (
                    f"An update of stack '{one.name}' runs or was interrupted, so nothing was "
                    f"deleted: let it end, or else run 'pulumi up --stack {one.name}', and where "
                    f"that is not enough 'pulumi refresh --clear-pending-creates --stack "
                    f"{one.name}', first."
                )
                raise FailureError(message)
            looked_for = awaited(one, one.declared(), state)
        return _Wanted(self.marker, self.stack, self.known, frozenset(held), looked_for)

    def takes(self, instance: wire.Instance) -> bool:
        """Tell whether an instance is a leftover."""
        tags = set(instance.tags or [])
        return self.marker in tags and instance.id not in self.held and not tags & self.awaited

    def find(self, client: CloudElementsClient) -> list[wire.Instance]:
        return [one for one in client.find_instances(tag=self.marker) if self.takes(one)]


def _remove(
    wanted: _Wanted, found: list[wire.Instance], client: CloudElementsClient
) -> tuple[list[str], dict[str, str]]:
    """Delete leftovers, each looked at once more; return ids deleted, and why others were not."""
    from provider.errors import CloudElementsError, NotFoundError  # noqa: PLC0415

    removed: list[str] = []
    failed: dict[str, str] = {}
    for one in found:
        try:
            if not wanted.takes(client.get_instance(one.id)):
                failed[one.id] = "it is in use meanwhile"
                continue
            client.delete_instance(one.id)
        except NotFoundError:
            pass  # gone is what was wanted
        except CloudElementsError as error:
            failed[one.id] = str(error)
            continue
        removed.append(one.id)
    return removed, failed


def _told(instance: wire.Instance) -> dict[str, Any]:
    return {"id": instance.id, "name": instance.name, "element": instance.element.key}


def _table(found: list[wire.Instance], wanted: _Wanted, *, aside: bool) -> None:
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
    rows = [[one.name or "", one.element.key or "", one.id] for one in found]
    show(grid(("Instance", "Element", "Id"), rows, [""] * len(rows)), aside=aside)


def _overview(existing: list[Stack], client: CloudElementsClient, *, as_json: bool) -> None:
    """List every stack marker in the account, and whose it is."""
    from provider.cli.survey import stack_marker  # noqa: PLC0415
    from provider.markers import is_stack_marker  # noqa: PLC0415

    states = [(one, one.state(secrets=False)) for one in existing]
    markers = {stack_marker(one, state): one.name for one, state in states}
    held = {id_ for _, state in states for id_ in state.ids}
    groups: dict[str, list[wire.Instance]] = {}
    for instance in client.find_instances():
        for tag in instance.tags or []:
            if is_stack_marker(tag):
                groups.setdefault(tag, []).append(instance)
    listed = [
        {
            "marker": tag,
            "stack": markers.get(tag),
            "instances": len(group),
            "in_no_state": sum(one.id not in held for one in group),
        }
        for tag, group in sorted(groups.items())
    ]
    if as_json:
        emit(listed)
        return
    if not listed:
        say("No instance in the account carries a stack's marker.")
        return
    rows = [
        [
            str(row["marker"]),
            str(row["stack"] or "(none here)"),
            str(row["instances"]),
            str(row["in_no_state"]),
        ]
        for row in listed
    ]
    show(grid(("Marker", "Stack", "Instances", "In no state"), rows, [""] * len(rows)))
    left = [row for row in listed if row["in_no_state"]]
    if left:
        say("To see and remove what is in no state:")
    for row in left:
        chosen = f"--stack {row['stack']}" if row["stack"] else f"--marker {row['marker']}"
        say(f"  elements sweep {chosen}")
