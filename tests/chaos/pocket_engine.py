"""The engine's part: a state, and the order in which it calls the provider.

Calls and consequences are those of Pulumi's deployment executor: check, diff against old outputs,
update or replacement (create, then delete), deletes at the end; a replacement by hand without diff;
a resource that failed half-way stays in the state and is updated next time; a create that failed
leaves nothing.
"""

import copy
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from pulumi.runtime import rpc

from provider.api.errors import CloudElementsError
from provider.cli.lost import in_the_way, left
from provider.cli.sweep import Wanted
from provider.instance.host import HalfMadeError
from provider.instance.markers import MARKERS, markers
from provider.instance.runs import Note
from tests.chaos.world import Killed


@dataclass
class Resource:
    """One resource in the state."""

    instance: str
    outputs: dict
    inputs: dict
    half_made: bool = False
    tainted: bool = False
    """It is to be replaced, by `pulumi state taint` or `--replace`."""
    declared: object = None
    """By what it was declared last; renaming does not change that."""


@dataclass
class State:
    """What the engine keeps between runs; `plain` is all of it that is not encrypted."""

    resources: dict[str, Resource] = field(default_factory=dict)
    pending: list[Resource] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)

    def copy(self):
        """Return the state as it is now; bags are never changed in place."""
        resources = {name: replace(one) for name, one in self.resources.items()}
        return State(resources, [replace(one) for one in self.pending], self.plain)


@dataclass
class Declared:
    """One resource of the program."""

    inputs: dict
    alias: str | None = None
    delete_first: bool = False


def place(name, program):
    """Return a resource's place, as the resource class finds it: a name given up differs."""
    taken = any(one.alias == name for other, one in program.items() if other != name)
    return f"{name} again" if taken else name


def tags(stack, name, program):
    """Return the marker tags that the resource class would give."""
    where = place(name, program)
    return markers(organization="o", project="chaos", stack=stack, place=where).tags


class Engine:
    """Runs programs against a state, by a machine's provider processes."""

    def __init__(self, machine, counts, stack="dev"):
        self.machine = machine
        self.counts = counts
        self.stack = stack
        self.at_end = False
        """The state is written at the end of each run alone."""
        self.lost = None
        """The note of such runs that were killed: the next one begins with a refresh."""
        self.state = State()
        self.errors = {}
        self.said = []
        self._lock = threading.Lock()
        self._provider = None
        self._lose = None

    def lose_result(self, of):
        """Let the engine die right after the n-th call from now returned, its result unwritten."""
        self._lose = of

    def up(self, program, **how):
        """Bring the state to the program, as `elements up` does; True when nothing failed.

        After a lost run it begins with a refresh, and deletes what that one made and nobody
        declares any more: what the machine knows to be its own, and the rest as its user is told
        to. It takes what `run` takes.
        """
        lost = self.lost
        done = self.run(program, **how)
        if lost is None or self.machine.line.dead:
            return done
        ids = in_the_way(self.errors.values())
        if ids and self._tidy(lost, ids):
            done = self.run(program)
        if done and self._tidy(lost) and not self.machine.line.dead:
            self.lost = None
        return done

    def _tidy(self, lost, among=None):
        context = self.machine.context
        held = {one.instance for one in [*self.state.resources.values(), *self.state.pending]}
        marker = tags(self.stack, "", {})[0]
        wanted = Wanted(marker, self.stack, None, frozenset(held))
        try:
            found, ours = left(lost, wanted, context.client, context.claims.history, among=among)
            for one in found if self.machine.forgets else ours:
                context.client.delete_instance(one.id)
                self.counts["deleted after a lost run"] += 1
        except CloudElementsError:
            return False
        except Killed:
            self.counts["crashes"] += 1
            return False
        return among is None or bool(found)

    def run(self, program, *, threads=1, killed_at=None, answered=True, checkpoints=True):
        """Bring the state to the program; True when nothing failed.

        Ends early, and silently, when the process is killed.

        Args:
            program: What is declared.
            threads: How many resources are worked on at once.
            killed_at: Number of the request at which the process dies, from 0; None for no death.
            answered: The process dies after the answer of that request, not before it leaves.
            checkpoints: Whether each step is written at once; without, a death loses them all.
        """
        self.errors = {}
        before, began = self.state.copy(), self.machine.clock.time.wall()
        self._provider = self.machine.process()
        if killed_at is not None:
            self.machine.line.kill(killed_at, answered=answered)
        try:
            if self.lost is not None:
                self.counts["runs that recover"] += 1
                self._read_all()
            if threads > 1:
                with ThreadPoolExecutor(threads) as pool:
                    steps = [pool.submit(self._step, name, program) for name in program]
                    failures = [step.exception() for step in steps]
                for failure in failures:
                    if failure is not None:
                        raise failure
            else:
                for name in program:
                    self._step(name, program)
            self._deletes(program)
        except Killed:
            self.counts["crashes"] += 1
            if self.at_end or not checkpoints:
                self.state = before
                if self.at_end and self.lost is None:
                    self.lost = Note(began, "up", 0, {})
                self.counts["runs lost"] += 1
            return False
        finally:
            self._lose = None
        return not self.errors

    def refresh(self):
        """Read every resource; those that are gone leave the state."""
        self._provider = self.machine.process()
        before = self.state.copy()
        try:
            self._read_all()
        except Killed:
            self.counts["crashes"] += 1
            if self.at_end:
                self.state = before
        finally:
            self._lose = None

    def _read_all(self):
        for name, resource in list(self.state.resources.items()):
            result = self._call(name, "read", resource.instance, resource.outputs)
            if result is None:
                continue
            if not result.id:
                del self.state.resources[name]
            else:
                resource.outputs = self._stored(result.outs)

    def _step(self, name, program):
        self._take_step(name, program)
        if name in self.state.resources:
            self.state.resources[name].declared = program[name]

    def _take_step(self, name, program):
        declared = program[name]
        olds = self._known_as(name, declared)
        bag = copy.deepcopy(declared.inputs)
        bag[MARKERS] = tags(self.stack, name, program)
        by_hand = olds is not None and olds.tainted
        checked = self._call(name, "check", olds.inputs if olds and not by_hand else {}, bag)
        if checked is None:
            return
        if checked.failures:
            self._fail(name, "; ".join(failure.reason for failure in checked.failures))
            return
        inputs = self._stored(checked.inputs)
        if olds is None:
            self._create(name, inputs)
            return
        if by_hand:  # asks for no diff
            self._replace(name, olds, inputs, first=declared.delete_first)
            return
        diff = self._call(name, "diff", olds.instance, olds.outputs, inputs)
        if diff is None:
            return
        if diff.replaces:
            self._replace(name, olds, inputs, first=declared.delete_first)
        elif diff.changes is not False or olds.half_made:
            self._update(name, olds, inputs)
        else:
            olds.inputs = inputs

    def _known_as(self, name, declared):
        resources = self.state.resources
        with self._lock:
            old = resources.get(declared.alias)
            # What has got the old name since is another resource.
            if name not in resources and old is not None and old.declared is declared:
                resources[name] = resources.pop(declared.alias)
            return resources.get(name)

    def _create(self, name, inputs):
        result = self._call(name, "create", inputs, half_made=inputs)
        if result is None:
            return False
        self.state.resources[name] = Resource(result.id, self._stored(result.outs), inputs)
        return True

    def _replace(self, name, olds, inputs, *, first):
        if first:
            if self._delete(olds, name):
                del self.state.resources[name]
                self._create(name, inputs)
            return
        if self._create(name, inputs):
            self.state.pending.append(olds)

    def _update(self, name, olds, inputs):
        result = self._call(
            name, "update", olds.instance, olds.outputs, inputs, half_made=inputs, old=olds
        )
        if result is not None:
            olds.outputs, olds.inputs, olds.half_made = self._stored(result.outs), inputs, False

    def _deletes(self, program):
        for old in list(self.state.pending):
            if self._delete(old, "old"):
                self.state.pending.remove(old)
        for name in [name for name in self.state.resources if name not in program]:
            if self._delete(self.state.resources[name], name):
                del self.state.resources[name]

    def _delete(self, resource, name):
        failed = set(self.errors)
        self._call(name, "delete", resource.instance, resource.outputs)
        return set(self.errors) == failed

    def _call(self, name, verb, *arguments, half_made=None, old=None):
        """Call the provider; None when it refused, which is written down."""
        self.counts["operations"] += 1
        self.counts[verb] += 1
        if self.machine.line.dead:
            raise Killed
        try:
            result = getattr(self._provider, verb)(*copy.deepcopy(arguments))
        except HalfMadeError as error:
            self._written()
            kept = Resource(
                error.instance_id, self._stored(error.outputs), half_made, half_made=True
            )
            if old is not None:
                old.outputs, old.inputs, old.half_made = kept.outputs, kept.inputs, True
            else:
                with self._lock:
                    if name in self.state.resources:
                        self.state.pending.append(self.state.resources[name])
                    self.state.resources[name] = kept
            self._fail(name, str(error))
            return None
        except CloudElementsError as error:
            self._written()
            self._fail(name, str(error))
            return None
        self._written()
        return result

    def _written(self):
        """The moment between a call's end and the checkpoint: the engine may die here."""
        if self._lose is None:
            return
        self._lose -= 1
        if self._lose < 0:
            self.machine.line.dead = True
            raise Killed

    def _fail(self, name, message):
        self.errors[name] = message
        self.said.append(message)
        self.counts["refusals"] += 1

    def _stored(self, bag):
        """Return a bag as the state gives it back; what is not encrypted is kept in `plain`."""
        self.state.plain += _plain_texts(bag)
        return as_given(bag)


def _is_secret(value):
    return isinstance(value, dict) and value.get(rpc._special_sig_key) == rpc._special_secret_sig


def _plain_texts(value):
    if _is_secret(value):
        return []
    if isinstance(value, dict):
        return [text for item in value.values() for text in _plain_texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _plain_texts(item)]
    return [value] if isinstance(value, str) else []


def as_given(value):
    """Secrets opened, numbers as floats, null keys left out: so the engine hands bags over."""
    if _is_secret(value):
        return as_given(value["value"])
    if isinstance(value, dict):
        return {k: as_given(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [as_given(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
