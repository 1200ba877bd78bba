"""What a stack declares, what its state holds and what the platform has, side by side."""

from __future__ import annotations

import shlex
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from ..api.errors import CloudElementsError, NotFoundError, SpentError
from ..declarations import inputs
from ..instance import diff
from ..instance import inputs as schema
from ..instance.advice import (
    CORRECT,
    ENABLE,
    FIND_ELEMENT,
    REFRESH_AND_UP,
    RIGHT_CREDENTIALS,
    UP,
    authorize,
)
from ..instance.claims import Claims
from ..instance.credentials import (
    Credentials,
    already_sent,
    refuse_before_create,
    refuse_before_update,
    refuse_shown,
)
from ..instance.history import History
from ..instance.identity import doubt
from ..instance.markers import FILES, Markers
from ..instance.metadata import missing
from ..instance.state import Record, Stored
from .backend import Backend, stack_marker
from .console import shown
from .places import MOVED, Places, up_of
from .project import set_command

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from ..api import wire
    from ..api.client import CloudElementsClient
    from ..declarations import InstanceDeclaration
    from .project import Stack
    from .state import Kept, State


class Standing(StrEnum):
    """How an instance stands; `OK` alone needs nothing."""

    OK = "ok"
    NOT_CREATED = "not created"
    AWAITING = "awaiting consent"
    CHANGED = "changed"
    DRIFTED = "drifted"
    DISABLED = "disabled"
    INVALID = "not valid"
    GONE = "gone"
    SHARED = "in two states"
    ELSEWHERE = "elsewhere"
    OTHER_PLATFORM = "other platform"
    LEFT_OVER = "left over"


@dataclass(frozen=True)
class Row:
    """One instance."""

    name: str
    element: str
    id: str | None
    standing: Standing
    what: str = ""
    """What is the matter and what to do, without values."""


def survey(
    stack: Stack,
    declared: Mapping[str, InstanceDeclaration],
    state: State,
    client: CloudElementsClient,
    *,
    others: Callable[[], Backend] | None = None,
    history: History | None = None,
) -> list[Row]:
    """Return one row for each instance that is declared, in the state or left over.

    Args:
        stack: The stack.
        declared: What its file declares.
        state: Its state, secrets in clear.
        client: The platform.
        others: Reads the states of the other stacks, where one of them may have an instance too.
        history: What this machine sent.

    Raises:
        CloudElementsError: The platform can't be asked.
    """
    marker = stack_marker(stack, state)
    found = client.find_instances(tag=marker)
    carrying = {each.id: each for each in found if each.tags is None or marker in each.tags}
    places = Places(stack, others or (lambda: Backend.read_or_not(stack.project)))
    codes = _Codes(stack, Claims(client, history or History()), [*carrying.values()])
    look = _Look(declared, state, carrying, places, codes)
    order = {name: number for number, name in enumerate(declared)}
    rows = [*look.kept(), *look.not_created()]
    rows.sort(key=lambda row: (order.get(row.name, len(order)), row.name))
    return [*rows, *look.left_over({row.id for row in rows})]


@dataclass(frozen=True)
class _Look:
    """Everything that tells how a stack's instances stand."""

    declared: Mapping[str, InstanceDeclaration]
    state: State
    carrying: Mapping[str, wire.Instance]
    """The instances with the stack's marker, by id."""
    places: Places
    codes: _Codes

    @cached_property
    def left(self) -> dict[str, wire.Instance]:
        """Those that are in no state of the stack."""
        return {id_: each for id_, each in self.carrying.items() if id_ not in self.state.ids}

    @property
    def _kept(self) -> list[Kept]:
        return [each for each in self.state.kept if not each.waiting_to_go]

    def kept(self) -> Iterator[Row]:
        """Yield a row for each instance in the state."""
        by_file = _declares_by_file(self.places.stack)
        for each in self._kept:
            found, declaration = self.carrying.get(each.id), self.declared.get(each.name)
            if row := _unproved(each, found, self.codes.client):
                yield row
            elif stacks := self.state.twice.get(each.id):
                yield _between(each, stacks, self.places.stack)
            elif by_file and each.alone and declaration is None:
                yield _undeclared(each, found, self.places)
            else:
                yield _of_kept(each, declaration, found, self.places, self.codes)

    def not_created(self) -> Iterator[Row]:
        """Yield a row for each instance that is declared and not in the state."""
        in_state = {each.name for each in self._kept}
        for name, declaration in self.declared.items():
            if name not in in_state:
                yield _not_created(name, declaration, self.left, self.places, self.codes)

    def left_over(self, listed: Collection[str | None]) -> Iterator[Row]:
        """Yield a row for each other instance that carries the stack's marker."""
        looked_for = awaited(self.places.stack, self.declared, self.state)
        for each in self.left.values():
            if each.id not in listed:
                yield _left_over(each, self.state, looked_for, self.places)


@dataclass(frozen=True)
class _Codes:
    """What is known of the codes that the stack declares, by the rules of `pulumi up`."""

    stack: Stack
    claims: Claims
    carrying: list[wire.Instance]
    """The instances with the stack's marker."""

    @property
    def client(self) -> CloudElementsClient:
        """The platform."""
        return self.claims.client

    def spent(self, name: str, declaration: InstanceDeclaration, *, kept: Kept | None) -> str:
        """Return why an entry's code is not sent; nothing when it is, or there is none."""
        credentials = Credentials.of(schema.inputs_of(inputs(name, declaration)))
        if kept is not None:
            changes = diff.changes(Stored(kept.id, kept.outputs), inputs(name, declaration))
            if changes.replayed:
                return already_sent()
            credentials = Credentials(changes.credentials)
        markers = Markers(*self.stack.marker_tags(name))
        try:
            if kept is not None:
                refuse_before_update(credentials, markers, self.claims.history)
            else:
                refuse_before_create(credentials, markers, self.claims)
                others = [i for i in self.carrying if markers.instance not in (i.tags or [])]
                refuse_shown(credentials, others)
        except SpentError as error:
            return str(error)
        except CloudElementsError:
            pass  # pulumi up will say so
        return ""


def _unproved(
    kept: Kept, instance: wire.Instance | None, client: CloudElementsClient
) -> Row | None:
    """Return the row of what may be another's at the address in use; None where it surely is ours.

    Args:
        kept: A resource in the state.
        instance: What a list has under its id.
        client: The platform.
    """
    if kept.platform == client.address or kept.borrowed:
        return None
    if instance is None or instance.tags is None:  # unmarked, or a light list
        with suppress(NotFoundError):
            instance = client.get_instance(kept.id)
    found = doubt(Stored(kept.id, kept.outputs), instance, kept.inputs)
    if found is None:
        return None
    what = found.refusal(kept.platform, client.address)
    return Row(kept.name, kept.element_key, kept.id, Standing.OTHER_PLATFORM, what)


def _between(kept: Kept, stacks: Collection[str], whole: Stack) -> Row:
    """Return the row of what a rebalance that was interrupted left in several shards' states."""
    names = " and ".join(f"'{name}'" for name in stacks)
    command = shlex.join(["elements", "rebalance", "--stack", whole.name])
    what = (
        f"stacks {names} both have it, since a move was interrupted: {command} goes on from there"
    )
    return Row(kept.name, kept.element_key, kept.id, Standing.SHARED, what)


def _undeclared(kept: Kept, instance: wire.Instance | None, places: Places) -> Row:
    standing = Standing.CHANGED
    adopted = Record.of(kept.outputs).adopted and not kept.outputs.get("delete_adopted")
    then = "lets go of it, and it stays on the platform"
    if not (adopted or kept.retained):
        then = "deletes it"
    what = f"no longer declared in the stack: the next pulumi up {then}"
    if shared := places.shared(kept, instance):
        standing, what = Standing.SHARED, shared
    elif places.moved(kept):
        what = f"{MOVED}: declare it, then {UP}"
    return Row(kept.name, kept.element_key, kept.id, standing, what)


def _declares_by_file(stack: Stack) -> bool:
    """Tell whether the project's program declares what the stack file lists, and no more."""
    try:
        program = (stack.project.program / "__main__.py").read_text(encoding="utf-8")
    except OSError:
        return False
    ways = ("declare_stack", "pulumi_cloud_elements.stack", "provider.stack")
    return any(way in program for way in ways)


def awaited(
    stack: Stack, declared: Mapping[str, InstanceDeclaration], state: State
) -> frozenset[str]:
    """Return the instance markers that the stack's next run looks for: those of what it creates.

    That is what is declared and not in the state, or there with another element, and what a run
    was interrupted at.
    """
    settled = {(each.name, each.element_key) for each in state.kept if not each.waiting_to_go}
    names = {name for name, each in declared.items() if (name, each.element) not in settled}
    # Of what a run was interrupted at, any may be the native provider's.
    ours = {stack.marker_tags(name)[1] for name in names | state.unsettled}
    natives = {stack.marker_tags(name, organization=FILES)[1] for name in state.unsettled}
    return frozenset(ours | natives)


def _of_kept(
    kept: Kept,
    declaration: InstanceDeclaration | None,
    instance: wire.Instance | None,
    places: Places,
    codes: _Codes,
) -> Row:
    def row(standing: Standing, what: str = "") -> Row:
        return Row(kept.name, kept.element_key, kept.id, standing, what)

    instance = _whole(kept, instance, codes.client)
    if instance is None:
        return row(Standing.GONE, f"deleted outside Pulumi: {REFRESH_AND_UP}")
    if shared := places.shared(kept, instance):
        return row(Standing.SHARED, shared)
    anew = _anew(places.stack, kept, declaration)
    if instance.valid is False:
        return row(Standing.INVALID, f"its credentials are refused: {anew}")
    managed = (declaration.disabled if declaration else kept.inputs.get("disabled")) is not None
    if drift := ", ".join(_drift(kept, instance, managed=managed)):
        return row(Standing.DRIFTED, f"{drift} changed outside Pulumi: {REFRESH_AND_UP}")
    if declaration and (spent := codes.spent(kept.name, declaration, kept=kept)):
        return row(Standing.CHANGED, f"{spent}: {anew}")
    if changes := ", ".join(_changes(kept, declaration, places)):
        return row(Standing.CHANGED, f"{changes}: {UP}")
    if instance.disabled and not managed:
        return row(Standing.DISABLED, f"calls through it are refused: {ENABLE}")
    return row(Standing.OK)


def _whole(
    kept: Kept, instance: wire.Instance | None, client: CloudElementsClient
) -> wire.Instance | None:
    """Return an instance with its configuration, None where it is gone."""
    if instance is not None and instance.configuration is not None:
        return instance
    with suppress(NotFoundError):  # it is unmarked, or the list a light one
        return client.get_instance(kept.id)
    return None


def _anew(stack: Stack, kept: Kept, declaration: InstanceDeclaration | None) -> str:
    """Return what to do about credentials that are refused."""
    if not any(key.startswith("oauth.") for key in kept.outputs.get("configuration") or {}):
        return CORRECT
    if not declaration:
        return RIGHT_CREDENTIALS
    return f"run {_consent(stack, kept.name, declaration)}"


_CONSENT = ("code:", "provider_data:")
_CALLBACK = "configuration.oauth.callback.url:"
"""How what is missing begins, where consent brings it."""


def _drift(kept: Kept, instance: wire.Instance, *, managed: bool) -> Iterator[str]:
    """Yield what differs from the last run's outputs.

    Args:
        kept: The last run's.
        instance: The platform's.
        managed: The stack says whether the instance is disabled.
    """
    known = Stored(kept.id, kept.outputs)
    before = known.properties
    seen = diff.observed(instance, before, known.record)
    if seen.name != before.name:
        yield "name"
    if set(seen.tags) != set(before.tags):
        yield "tags"
    for key in sorted(before.configuration.keys() | seen.configuration.keys()):
        if before.configuration.get(key) != seen.configuration.get(key):
            yield f"configuration.{shown(key)}"
    if managed and bool(instance.disabled) != bool(kept.outputs.get("disabled")):
        yield "disabled"


def _changes(kept: Kept, declaration: InstanceDeclaration | None, places: Places) -> Iterator[str]:
    """Yield what the stack's next run changes: its file differs from the last run's outputs."""
    if declaration and (fields := list(_changed_fields(kept, declaration))):
        yield f"{', '.join(fields)} changed in the stack"
    if places.moved(kept):
        yield MOVED


def _changed_fields(kept: Kept, declaration: InstanceDeclaration) -> Iterator[str]:
    """Yield what differs between the stack's file and the last run's outputs."""
    found = diff.changes(Stored(kept.id, kept.outputs), inputs(kept.name, declaration))
    if found.replaces:
        yield "element"
    if found.name:
        yield "name"
    if found.tags:
        yield "tags"
    for key in sorted({*found.configuration, *found.removed}):
        yield f"configuration.{shown(key)}"
    yield from sorted(found.credentials)
    if found.disabled:
        yield "disabled"
    if found.deletion:
        yield "delete_adopted"


def _consent(stack: Stack, name: str, declaration: InstanceDeclaration) -> str:
    """Return the command that brings an entry a new code; through a proxy we can't ask for one."""
    if declaration.oauth_proxy:
        return f"{set_command(stack.name, name, 'code')} with a code from your application"
    return authorize(name, stack.name, up=True)


def _not_created(
    name: str,
    declaration: InstanceDeclaration,
    left: Mapping[str, wire.Instance],
    places: Places,
    codes: _Codes,
) -> Row:
    own = places.stack.marker_tags(name)[1]
    waiting = next((each for each in left.values() if own in (each.tags or [])), None)
    if waiting is not None:
        what = _of_waiting(waiting.id, name, declaration, places, codes)
        return Row(name, declaration.element, waiting.id, Standing.NOT_CREATED, what)
    if declaration.adopt:
        what = f"the next pulumi up takes over {declaration.adopt}"
        if other := places.other(declaration.adopt):
            what += f", which stack '{other.name}' has in its state: remove it there first"
        return Row(name, declaration.element, None, Standing.NOT_CREATED, what)
    what, standing = UP, Standing.NOT_CREATED
    try:
        lacking, standing = _lacking(name, declaration, places.stack, codes)
        what = "; ".join(lacking) or what
    except NotFoundError:
        what = f"there is no such element: {FIND_ELEMENT}"
    except CloudElementsError:
        pass  # pulumi up will say so
    return Row(name, declaration.element, None, standing, what)


def _of_waiting(
    id_: str, name: str, declaration: InstanceDeclaration, places: Places, codes: _Codes
) -> str:
    """Return what becomes of an instance that an interrupted run made of an entry."""
    stack = places.stack
    if other := places.other(id_):
        return (
            f"stack '{other.name}' has it in its state: remove the entry here, then run "
            f"{up_of(other)} before the next one here, which would take it over or make another"
        )
    if places.gap:
        return (
            f"{places.gap}; if it has instance {id_}, remove the entry here, and "
            "otherwise run pulumi up, which takes it over"
        )
    if spent := codes.spent(name, declaration, kept=None):
        return f"{spent}: run {_consent(stack, name, declaration)}"
    if codes.claims.history.kept(Markers(*stack.marker_tags(name))) == id_:
        return (
            "was in the state, which has forgotten it, so the next pulumi up makes another "
            f"one: to keep it, set 'adopt' to {id_}"
        )
    return "left by an interrupted run: the next pulumi up takes it over"


def _lacking(
    name: str, declaration: InstanceDeclaration, stack: Stack, codes: _Codes
) -> tuple[list[str], Standing]:
    """Return what an entry lacks for a create, and how it stands."""
    element = codes.client.get_element(declaration.element)
    lacking, standing = (
        list(missing(element, inputs(name, declaration), new=True)),
        Standing.NOT_CREATED,
    )
    consent = f"run {_consent(stack, name, declaration)}"
    if any(each.startswith(_CONSENT) for each in lacking):
        # That command sets the callback URL as well.
        before = [each for each in lacking if not each.startswith((*_CONSENT, _CALLBACK))]
        standing = standing if before else Standing.AWAITING
        lacking = [*before, f"{'then ' if before else ''}{consent}"]
    if not lacking and (spent := codes.spent(name, declaration, kept=None)):
        lacking = [f"{spent}: {consent}"]
    return lacking, standing


def _left_over(
    instance: wire.Instance, state: State, looked_for: frozenset[str], places: Places
) -> Row:
    standing = Standing.LEFT_OVER
    what = "carries the stack's marker and is in no state: elements sweep removes it"
    if state.busy or looked_for & set(instance.tags or []):
        what = (
            "carries the stack's marker; an update runs, or was interrupted: run pulumi up first, "
            "then pulumi refresh --clear-pending-creates"
        )
    if other := places.other(instance.id):
        standing = Standing.ELSEWHERE
        what = (
            f"stack '{other.name}' has it in its state: run {up_of(other)}, which gives it its tags"
        )
    elif places.gap:
        what = f"carries the stack's marker, and whose it is can't be determined: {places.gap}"
    return Row(instance.name or "", instance.element.key or "", instance.id, standing, what)
