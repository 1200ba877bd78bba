"""`elements rebalance`: what falls to another shard goes into that one's state, and nothing else.

The platform is not asked: instances carry the tags of the whole stack, whichever shard has them.
"""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from itertools import groupby
from typing import TYPE_CHECKING

from ..instance.runs import BusyError, Place, home
from .console import ENDINGS, Exit, FailureError, agreed, counted, emit, handling, say, shown, write
from .copies import Copies
from .options import AsJson, DryRun, StackName, Yes  # noqa: TC001 - typer reads them
from .project import Project

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .fleet import Fleet, Move

_TOGETHER = 500
"""Resources that one command moves; a command line has an end."""
_REST = "what has moved stays where it is now, and the rest moves when the command is run again."
_STACKS = frozenset({"--source", "--dest", "--stack"})
_ROUNDS = 5
"""How often what is left is looked for: what was in several states needs more than one."""


def rebalance(
    *,
    stack: StackName = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Move what falls to another shard into the state of that one.

    To be run when cloud-elements:shards was set or changed; with 1 all comes back into the stack
    itself. 'pulumi state move' does it, so nothing happens on the platform, and tokens stay as
    they are. What was interrupted goes on when it is run again.

    \b
    Examples:
      elements rebalance --stack prod --dry-run
      elements rebalance --stack prod --yes
    """  # noqa: D301 - \b keeps the lines of a list apart
    fleet = _fleet(stack)
    moves = fleet.moves
    if moves:
        with _held(fleet):
            _see_that_all_is_settled(fleet, locks=not dry_run)
            for one in () if as_json else moves:
                write(f"{shown(one.root.name)}: {one.source} -> {one.dest}")
            if not dry_run:
                _agree(moves, yes=yes)
                _move(fleet)
    _tell(fleet, moves, done=not (moves and dry_run), as_json=as_json)


def _fleet(stack: str | None) -> Fleet:
    from .fleet import Fleet  # noqa: PLC0415 - loads HTTP

    base = Project().stack(stack)
    if fleet := Fleet.of(base):
        return fleet
    base.text("cloud-elements:shards")  # says what else is wrong: no such stack, or no such YAML
    message = (
        f"Stack '{base.name}' has no shards: set cloud-elements:shards in {base.file.path.name} to "
        "their number, or to 1 where all are to come back into one."
    )
    raise FailureError(message)


def _agree(moves: Sequence[Move], *, yes: bool) -> None:
    if not agreed(f"Move {counted(len(moves), 'resource')} into other states?", yes=yes):
        message = "Nothing was moved."
        raise FailureError(message, Exit.DECLINED)


def _tell(fleet: Fleet, moves: Sequence[Move], *, done: bool, as_json: bool) -> None:
    name = fleet.base.name
    if as_json:
        told = [{"name": one.root.name, "from": one.source, "to": one.dest} for one in moves]
        emit({"stack": name, "shards": fleet.shards, "moves": told, "done": done})
    elif not moves:
        say(f"Nothing is to move: each of the stacks of '{name}' has what falls to it.")
    elif done:
        number = counted(len(moves), "resource")
        say(f"Moved {number}: 'elements up --stack {name}' goes on from here.")


def _see_that_all_is_settled(fleet: Fleet, *, locks: bool) -> None:
    """Refuse to move what a run is at, or has yet to bring to its end.

    Args:
        fleet: The shards.
        locks: Look whether a run has them on another machine, by taking their locks for a moment.

    Raises:
        FailureError: There is such a thing.
    """
    for name, state in fleet.states.items():
        if state.busy or state.unsettled or any(one.waiting_to_go for one in state.kept):
            message = (
                f"Nothing was moved, because a run of stack '{name}' is under way or was "
                "interrupted: let it end, or run 'elements up' with the number of shards that was "
                "set then."
            )
            raise FailureError(message)
    if locked := fleet.locked if locks else ():
        message = (
            f"Nothing was moved, because a run has stack '{locked[0]}' on this machine or another: "
            f"wait for its end; where it was killed, run 'pulumi cancel --stack {locked[0]}', then "
            "'elements up' with the number of shards that was set then."
        )
        raise FailureError(message)


def _move(fleet: Fleet) -> None:
    """Move what falls to other stacks, while no run of them begins on this machine.

    Raises:
        FailureError: It can't be, or not all of it.
    """
    stopped: list[int] = []
    # A command that moves is not cut off; between two of them is the place to stop.
    with handling(lambda number, _: stopped.append(number), signal.SIGINT, *ENDINGS):
        fleet.make(fleet.members)
        for _ in range(_ROUNDS):
            for command in _commands(fleet.moves):
                if stopped:
                    message = f"Stopped: {_REST}"
                    raise FailureError(message, Exit.of_signal(stopped[0]))
                _run(fleet, command)
            fleet.look_again()
            if not fleet.moves:
                return
    message = f"{counted(len(fleet.moves), 'resource')} did not move: run the command again."
    raise FailureError(message)


def _run(fleet: Fleet, command: Sequence[str]) -> None:
    """Run a command that writes states, and see that none is left in pieces where it fails.

    Raises:
        FailureError: It failed.
    """
    names = [command[at + 1] for at, word in enumerate(command) if word in _STACKS]
    pulumi = fleet.base.pulumi
    copies = Copies.take(pulumi, fleet.base.project_name, names)
    try:
        pulumi.run(*command, "--yes", apart=True)
    except FailureError as failure:
        rest = _REST
        if left := copies.put_back():
            commands = " and ".join(f"'{one}'" for one in left)
            rest = f"a state is left in pieces: make room, then run {commands}; {rest}"
        message = f"{str(failure).rstrip('.')}; {rest}"
        raise FailureError(message) from None
    copies.drop()


def _commands(moves: Sequence[Move]) -> Iterator[list[str]]:
    """Yield the commands that bring each where it falls to, as far as one round can.

    What is in both states goes out of the one that it was coming to, where nothing else can depend
    on it yet; the next round moves it whole.
    """
    seen: set[str] = set()

    def key(move: Move) -> tuple[str, str, bool]:
        return move.source, move.dest, move.twice

    for (source, dest, twice), group in groupby(sorted(moves, key=key), key):
        families: list[tuple[str, ...]] = []
        for one in group:
            if seen.isdisjoint(one.root.ids):  # else in three states, or in two wrong ones
                families.append(one.root.urns)
            seen |= one.root.ids
        if twice:  # what depends on others stands behind them
            last = dest.rpartition("/")[2]
            there = [tuple(_in(last, urn) for urn in family[::-1]) for family in families[::-1]]
            for some in _parts(there):
                yield ["state", "delete", *some, "--stack", dest, "--force"]
        else:
            for some in _parts(families):
                yield ["state", "move", *some, "--source", source, "--dest", dest]


def _in(stack: str, urn: str) -> str:
    """Return the URN that a resource has in another stack."""
    _, _, rest = urn.removeprefix("urn:pulumi:").partition("::")
    return f"urn:pulumi:{stack}::{rest}"


def _parts(families: Sequence[Sequence[str]]) -> Iterator[list[str]]:
    """Yield as much as fits on a command line, a parent with its children."""
    some: list[str] = []
    for family in families:
        if some and len(some) + len(family) > _TOGETHER:
            yield some
            some = []
        some = [*some, *family]
    if some:
        yield some


def _held(fleet: Fleet) -> ExitStack:
    """Hold the places of all runs of the stacks on this machine.

    Raises:
        FailureError: A run is under way, or one was lost that the state knows nothing of.
    """
    folder = home(os.environ)
    with ExitStack() as held:
        for name in dict.fromkeys((*fleet.there, *(one.name for one in fleet.members))):
            if folder is None:
                break
            last = name.rpartition("/")[2]
            place = Place(folder, fleet.base.project_name, last)
            try:
                run = held.enter_context(place.held())
            except BusyError:
                message = (
                    f"Nothing was moved, because a run of stack '{name}' is under way on this "
                    "machine: wait for its end."
                )
                raise FailureError(message) from None
            except OSError:
                continue  # no run of ours keeps a note there either
            if run.before:
                message = (
                    f"Nothing was moved, because a run of stack '{name}' that began on "
                    f"{run.before.moment} was killed before it wrote its state: run 'elements up' "
                    "first, with the number of shards that was set then."
                )
                raise FailureError(message)
            held.callback(run.clear)
        return held.pop_all()
