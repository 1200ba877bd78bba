"""The shards of a stack: `cloud-elements:shards` of one declaration, a stack for each.

A shard's stack has no file of its own: it is run with the file of the stack that it is a shard of,
whose encryption key it shares.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import yaml

from ..instance.markers import base_of, markers, place_of
from ..shards import KEY, Shard, ShardsError, count, shard_of, stack_of
from ..stack_file import stack_file, texts
from ..stack_keys import KEY as INSTANCES
from .console import FailureError, counted
from .project import Stack
from .state import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from .own_file import OwnFile
    from .state import Kept, Root

_PROVIDER, *_ = _ENCRYPTION = "secretsprovider", "encryptedkey", "encryptionsalt"
"""Keys of a stack's file that say how its secrets are encrypted."""


class Member(Stack):
    """The stack of one shard, with the configuration and the markers of the whole.

    Args:
        base: The stack that is declared over shards.
        number: Which shard, from 1 on.
        shards: How many there are.
    """

    def __init__(self, base: Stack, number: int, shards: int) -> None:
        super().__init__(base.project, stack_of(base.name, number, shards))
        self.base = base
        self.shard = Shard(base.last, number, shards)

    @cached_property
    def _config(self) -> dict[str, dict[str, Any]]:
        return self.base._config  # noqa: SLF001 - a stack like this one

    @cached_property
    def organization(self) -> str:
        """Pulumi organization: that of the whole."""
        return self.base.organization

    @property
    def file(self) -> OwnFile:
        """The configuration file: that of the whole."""
        return self.base.file

    @property
    def config_file(self) -> list[str]:
        """Options by which pulumi finds the configuration."""
        return [] if self.name == self.base.name else ["--config-file", str(self.base.file.path)]

    def marker_tags(
        self, place: str = "", *, organization: str | None = None, owner: str | None = None
    ) -> list[str]:
        """Return the marker tags of an entry: the whole stack's."""
        return self.base.marker_tags(place, organization=organization, owner=owner)

    def is_marked(self, marker: str) -> bool:
        """Tell whether a stack marker names the whole stack."""
        return self.base.is_marked(marker)


@dataclass(frozen=True)
class Move:
    """What has to go into another stack's state.

    Args:
        root: A resource without parents, and all below it.
        source: Name of the stack whose state has it.
        dest: Name of the one that it falls to.
        twice: That one has it already: a move was interrupted before the source let go.
    """

    root: Root
    source: str
    dest: str
    twice: bool = False


class Fleet:
    """A stack's shards, and what the backend has of them.

    Args:
        base: The stack.
        shards: How many `cloud-elements:shards` asks for.
    """

    def __init__(self, base: Stack, shards: int) -> None:
        self.base = base
        self.shards = shards
        self.members = [Member(base, number, shards) for number in range(1, shards + 1)]

    @classmethod
    def of(cls, base: Stack) -> Fleet | None:
        """Return a stack's shards; None of a stack that has none.

        Raises:
            FailureError: Their number is none.
        """
        number = shards_in(base.file.shown)
        if number and base.project.runtime != "python":
            message = (
                f"Stack '{base.name}' can't have shards ({KEY}): only programs in Python, which "
                "use the dynamic provider, can be declared over several stacks."
            )
            raise FailureError(message)
        return cls(base, number) if number else None

    def member(self, number: int) -> Member:
        """Return the stack of a shard.

        Raises:
            FailureError: There is none of that number.
        """
        if 1 <= number <= self.shards:
            return self.members[number - 1]
        message = (
            f"There is no shard {number} of stack '{self.base.name}': {KEY} is {self.shards}, and "
            "they are counted from 1."
        )
        raise FailureError(message)

    @cached_property
    def there(self) -> dict[str, Stack]:
        """The stacks that exist of all that may have a part of it, by their names."""
        last = {one.last: one for one in self.members}
        found: dict[str, Stack] = {}
        for one in self.base.project.stacks():
            whole = one.last == self.base.last or base_of(one.last) == self.base.last
            if whole and not one.foreign and self._same_organization(one):
                name = self.base.name.removesuffix(self.base.last) + one.last
                found[name] = last.get(one.last) or Stack(self.base.project, name)
        return found

    def _same_organization(self, stack: Stack) -> bool:
        given = self.base.given_organization
        return not given or not stack.given_organization or stack.given_organization == given

    @cached_property
    def states(self) -> dict[str, State]:
        """The states of these, by their names, without secrets."""
        stacks = [*self.there.values()]
        read = self.base.pulumi.each(lambda stack: stack.state(secrets=False), stacks)
        found = dict(zip(self.there, read, strict=True))
        for name, state in found.items():
            self._refuse_anothers(name, state)
        return found

    def _refuse_anothers(self, name: str, state: State) -> None:
        """Refuse a stack that has the name of a shard and is none."""
        if name == self.base.name or base_of(self.base.last):
            return
        stack = Stack(self.base.project, name)
        owner = self.base.text("cloud-elements:owner") or ""
        place = {"project": stack.project_name, "stack": stack.last, "place": ""}
        tag = markers(organization=f"{self.base.organization}/{owner}", **place).stack
        its_own = any(tag in one.markers for one in state.kept)
        file = None if its_own else _file_of(stack, self._keys)
        if its_own or file:
            why = f"it has {file.name}" if file else "its instances carry tags of its own"
            message = (
                f"Stack '{name}' is no shard of '{self.base.name}', although it has the name of "
                f"one: {why}; rename it, by 'pulumi stack rename', then run its own 'pulumi up'."
            )
            raise FailureError(message)

    @property
    def whole(self) -> State:
        """All states together."""
        return joined(self.states.values())

    @cached_property
    def moves(self) -> list[Move]:
        """What is in another stack than the one that it falls to."""
        has = {
            (name, root.urn.partition("::")[2]): root.ids
            for name, state in self.states.items()
            for root in state.roots
        }
        found = []
        for name, state in self.states.items():
            for root in state.roots:
                number = shard_of(root.name, self.shards)
                dest = stack_of(self.base.name, number, self.shards)
                if dest != name:
                    there = has.get((dest, root.urn.partition("::")[2]))
                    twice = there is not None and (there == root.ids or bool(there & root.ids))
                    found.append(Move(root, name, dest, twice))
        return found

    @property
    def locked(self) -> list[str]:
        """Names of the stacks that a run has, on whichever machine.

        Pulumi Cloud lists them. Elsewhere the engine takes a stack's lock before it refuses to give
        a stack a name that is taken, such as its own.
        """
        listed = json.loads(self.base.pulumi.run("stack", "ls", "--all", "--json"))
        stacks = [*self.there.values()]
        if any("url" in one for one in listed):
            ran = (one["name"] for one in listed if one.get("updateInProgress"))
            at_work = [Stack(self.base.project, str(name)) for name in ran]
            ours = [one for one in at_work if not one.foreign and self._same_organization(one)]
            return [one.name for one in stacks if one.last in {other.last for other in ours}]
        found = self.base.pulumi.each(_is_locked, stacks)
        return [one.name for one, is_so in zip(stacks, found, strict=True) if is_so]

    def look_again(self) -> None:
        """Forget what the backend has, for it is another by now."""
        for name in ("there", "states", "moves"):
            self.__dict__.pop(name, None)

    def refuse_moves(self) -> None:
        """See that each stack has what falls to it.

        Raises:
            FailureError: They have not, and running them would make instances a second time.
        """
        if not self.moves:
            return
        where = ", ".join(sorted({f"'{one.source}'" for one in self.moves}))
        message = (
            f"Nothing was done, because {counted(len(self.moves), 'resource')} of stack "
            f"'{self.base.name}' must move to another stack first ({KEY} is {self.shards}; now in "
            f"{where}): run 'elements rebalance --stack {self.base.name}'."
        )
        raise FailureError(message)

    def make(self, members: Iterable[Member]) -> None:
        """Make the stacks that are missing, encrypted as the whole is.

        Raises:
            FailureError: One can't be made, or could not read the secrets.
        """
        if not (missing := [one for one in members if one.name not in self.there]):
            return
        if self.base.name not in self.there:
            message = (
                f"There is no stack '{self.base.name}' for the shards to be of: run 'pulumi stack "
                f"init {self.base.name}' first."
            )
            raise FailureError(message)
        if not self._keys and "secure" in repr(self._file.get("config")):
            message = (
                f"The secrets of stack '{self.base.name}' are encrypted for it alone by Pulumi "
                "Cloud, so its shards can't read them: run 'pulumi stack change-secrets-provider "
                f"passphrase --stack {self.base.name}', or name a key of yours there."
            )
            raise FailureError(message)
        for one in missing:
            if file := _file_of(one, self._keys):
                message = (
                    f"'{one.name}' is to be a shard of stack '{self.base.name}', whose file alone "
                    f"counts, and {file.name} is there: remove or rename that file."
                )
                raise FailureError(message)
        for one in missing:
            _init(one, self._keys)
            self.there[one.name] = one
            if "states" in self.__dict__:
                self.states[one.name] = State([], busy=False)

    @cached_property
    def _file(self) -> Mapping[str, Any]:
        file = self.base.file.path
        found = texts(file) if file.exists() else None
        return found if isinstance(found, dict) else {}

    @cached_property
    def _keys(self) -> dict[str, str]:
        """What the base's file says of how its secrets are encrypted."""
        return {key: str(value) for key in _ENCRYPTION if (value := self._file.get(key))}

    @cached_property
    def tags(self) -> dict[str, int]:
        """The shard of each entry of the stack's file, by its instance marker."""
        document = self.base.documents()[INSTANCES]
        return {self.base.marker_tags(name)[1]: shard_of(name, self.shards) for name in document}


def _file_of(stack: Stack, keys: Mapping[str, str]) -> Path | None:
    """Return a stack's own file, if any: with the base's keys alone an ended `_init` left it."""
    file = stack_file(stack.project.file, stack.last)
    with suppress(OSError, yaml.YAMLError):
        return None if keys and texts(file) == keys else file
    return file if file.exists() else None


def _init(member: Member, keys: Mapping[str, str]) -> None:
    """Make a stack; the engine takes the key from a file of that name, which goes again."""
    file = stack_file(member.project.file, member.last)
    provider = ["--secrets-provider", keys[_PROVIDER]] if _PROVIDER in keys else []
    try:
        if keys:
            file.write_text(yaml.safe_dump(dict(keys)), encoding="utf-8")
        member.base.pulumi.run("stack", "init", member.name, "--no-select", *provider)
    finally:
        file.unlink(missing_ok=True)


def _is_locked(stack: Stack) -> bool:
    try:
        stack.pulumi.run("stack", "rename", stack.last, "--stack", stack.name)
    except FailureError as failure:
        return "currently locked" in str(failure)
    return False


def _refuse_shard(stack: Stack) -> None:
    """See that a stack is no shard whose declaration is not there, so that all would be deleted.

    Raises:
        FailureError: It is.
    """
    base = base_of(stack.last)
    if base and any(
        Stack(stack.project, base).is_marked(each.markers[0])
        for each in stack.state(secrets=False).kept
        if each.markers
    ):
        message = (
            f"Nothing was done, because stack '{stack.name}' has instances of stack '{base}', "
            f"whose shard it is or was, and {stack_file(stack.project.file, base).name} is not "
            f"there or has no {KEY}: put that back, or set it to 1 and run 'elements rebalance "
            f"--stack {base}'."
        )
        raise FailureError(message)


def refuse_forgotten(stack: Stack, stray: frozenset[str]) -> None:
    """See that a stack without shards had none before, or that they have nothing any more.

    Args:
        stack: The stack, whose files show no `cloud-elements:shards`.
        stray: Ids of what carries its tags and is not in its state.

    Raises:
        FailureError: A run would take over what former shards have, or the setting is elsewhere.
    """
    if stack.text(KEY) is not None:
        message = (
            f"{KEY} must stand in {stack.file.path.name} or {stack.project.file.name}, where "
            "elements reads it, and not in an environment."
        )
        raise FailureError(message)
    _refuse_shard(stack)
    if not stray:
        return
    for one in stack.project.stacks():
        if one.foreign or base_of(one.last) != stack.last:
            continue
        if ids := one.state(secrets=False).ids & stray:
            message = (
                f"Nothing was done, because stack '{one.name}', a former shard, still has "
                f"{counted(len(ids), 'instance')}: set {KEY} to 1, run 'elements rebalance --stack "
                f"{stack.name}', and take the setting out after that."
            )
            raise FailureError(message)


def shards_in(written: Mapping[str, Any]) -> int | None:
    """Return the number of shards of a stack whose files show this configuration, if any.

    Raises:
        FailureError: What stands there is no number.
    """
    given = written.get(KEY)
    if given is None:
        return None
    try:
        return count(given if isinstance(given, str) else "")
    except ShardsError as error:
        message = f"{error}."
        raise FailureError(message) from None


def joined(states: Iterable[State]) -> State:
    """Return several states as one, in which what is in two of them stands once."""
    parts = [*states]
    same: dict[tuple[str, str, bool], list[Kept]] = {}
    for each in (kept for one in parts for kept in one.kept):
        key = (each.id, each.urn.partition("::")[2], each.waiting_to_go)
        same.setdefault(key, []).append(each)
    return State(
        [one for one, *_ in same.values()],
        busy=any(one.busy for one in parts),
        unsettled=frozenset[str]().union(*(one.unsettled for one in parts)),
        others=tuple(sorted({type_ for one in parts for type_ in one.others})),
        written=max((one.written for one in parts), default=""),
        roots=tuple(root for one in parts for root in one.roots),
        twice={
            id_: tuple(place_of(each.urn)["stack"] for each in found)
            for (id_, *_), found in same.items()
            if len(found) > 1
        },
    )
