"""The life of an element instance: configure, check, diff, create, read, update, delete."""

from __future__ import annotations

import os
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import config
from ..api.errors import (
    CloudElementsError,
    ConfigError,
    NotFoundError,
    sentence,
)
from . import consent, creation, diff, ownership, preview
from . import inputs as schema
from .advice import advice
from .context import Context
from .host import AwaitingError, HalfMadeError
from .imported import imported
from .refresh import Refreshed, refreshed
from .state import Stored
from .update import update

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from ..config import Settings
    from .diff import Changes
    from .host import Host


@dataclass(frozen=True, repr=False)
class Checked:
    """What a check found: inputs as they are stored, secrets marked, and everything wrong."""

    inputs: dict[str, Any]
    failures: list[str]


@dataclass(frozen=True)
class Difference:
    """What a diff found."""

    changed: bool
    replaces: list[str]
    """Inputs for which another instance is needed."""
    in_inputs: bool = False
    """The inputs differ from those that the state has, so that comparing them shows the change."""
    changes: Changes | None = None
    """The differences one by one."""


@dataclass(frozen=True, repr=False)
class Created:
    """An instance that a create made or took over."""

    instance_id: str
    outputs: dict[str, Any]


class Operations:
    """What an engine asks of the provider, in one server process.

    Properties are plain values, without secret marks, and may hold unknowns in check and diff;
    what is given back has Pulumi's marks. What fails raises one sentence: `CloudElementsError`, or
    `HalfMadeError` where the instance must be kept.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._context: Context | None = None
        self._problem = "the provider is not configured"

    def configure(
        self,
        get: Callable[[str], str | None],
        environment: Mapping[str, str] = os.environ,
    ) -> Settings | None:
        """Open the connection by the settings and return them; None where `check` tells a problem.

        `get` returns a value of the stack's configuration, by its full key; the environment goes
        before it.
        """
        try:
            settings = config.load(environment, get)
            self.connect(Context.shared(settings, self._host))
            self.context.entries = consent.entries(get(f"{config.NAMESPACE}:instances"))
            self.context.sharded = bool(get(f"{config.NAMESPACE}:shards"))
            if overridden := config.overridden(environment, get):
                self._host.warn_once(overridden)
        except ConfigError as error:
            self._problem = str(error)
            return None
        return settings

    def connect(self, context: Context) -> None:
        """Work with this from now on."""
        self._context = context

    @property
    def context(self) -> Context:
        """What this works with."""
        if self._context is None:
            raise ConfigError(self._problem)
        return self._context

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> Checked:
        """Judge a program's inputs, all problems at once; mark secrets."""
        given, news = news, schema.normalised(news)
        with one_sentence("check", _name(news)):
            failures = schema.problems(news)
            known_plain: frozenset[str] = frozenset()
            if self._context is None:
                failures.append(self._problem)
            else:
                found, known_plain = preview.judge(self._context, olds, news, failures)
                failures += found
                news = preview.in_the_elements_words(self._context, news)
            for path in schema.nulls_in_values(given) if news != given else ():
                self._host.warn(f"{path}: is null, so it counts as not given")
            return Checked(schema.marked_secret(news, known_plain), failures)

    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> Difference:
        """Compare the state's outputs with the program's inputs."""
        with one_sentence("compare", _name(olds)):
            stored = Stored(id_, olds)
            changes = diff.changes(stored, news)
            changed = changes.any
            if self._context is not None:
                replaces = bool(changes.replaces)
                changed |= preview.moved(self._context, stored, news, replaces=replaces)
                ownership.found_in_state(self._context, stored)
                if not replaces:
                    self._keeps(self._context, stored, news, changes)
            in_inputs = changed and self._host.old_inputs() not in (None, news)
            return Difference(changed, changes.replaces, in_inputs, changes)

    @staticmethod
    def _keeps(context: Context, stored: Stored, news: dict[str, Any], changes: Changes) -> None:
        """Note that a resource keeps its instance, and tell what there is to know of that."""
        context.claims.kept[stored.instance_id] = stored.record.claim
        ownership.warn_of_another(context, stored)
        preview.tell_disabled(context, stored, news, authenticates=bool(changes.credentials))
        preview.warn_of_spent(context, news, changes)

    def create(self, inputs: dict[str, Any]) -> Created:
        """Create an instance, or take over the one that is meant or was left behind."""
        with self._telling("create", inputs), self._host.waiting("creating"):
            return Created(*creation.create(self.context, schema.inputs_of(inputs)))

    def read(self, id_: str, outputs: dict[str, Any]) -> Refreshed | None:
        """Return the instance as it is now, or None where it is gone."""
        with self._telling("read", {"name": id_} | outputs):
            context, stored = self.context, Stored(id_, outputs)
            instance = ownership.make_sure(context, stored) if stored.is_known else None
            ownership.found_in_state(context, stored)
            try:
                key = stored.element_key or None
                instance = instance or context.client.get_instance(id_, element_key=key)
            except NotFoundError:
                if not stored.is_known:
                    raise  # for the engine would take "gone" for success
                return None
            context.warn_when_invalid(instance, stored.name)
            ownership.warn_of_another_stack(context, instance, stored)
            ownership.warn_of_double(context, stored)
            inputs = self._host.old_inputs() or {}
            if instance.disabled and inputs.get("disabled") is None:
                context.warn_of_disabled(id_, stored.name)
            return refreshed(instance, stored, inputs, context.address)

    def look_up(self, id_: str, markers: list[str]) -> Refreshed | None:
        """Return an instance of which only the id is known, or None where there is none.

        The markers are those of the resource that gets it; a mere look-up has none.
        """
        with self._telling("read", {"name": id_}):
            context = self.context
            try:
                instance = context.client.get_instance(id_)
            except NotFoundError:
                return None
            context.warn_when_invalid(instance, instance.name or "")
            return imported(context, instance, markers)

    def update(
        self, id_: str, olds: dict[str, Any], news: dict[str, Any], *, renamed: bool = False
    ) -> dict[str, Any]:
        """Change the instance in place, with one request where something changed.

        `olds` are the state's outputs; `renamed`: they may have an old name of the provider alone.
        """
        with self._telling("update", news), self._host.waiting("updating"):
            context, stored = self.context, Stored(id_, olds)
            ownership.make_sure(context, stored, news)
            ownership.found_in_state(context, stored)
            return update(context, schema.inputs_of(news), stored, renamed=renamed)

    def delete(self, id_: str, outputs: dict[str, Any]) -> None:
        """Delete the instance; one that is gone is fine, an adopted one is left in place."""
        with self._telling("delete", outputs), self._host.waiting("deleting"):
            context, stored = self.context, Stored(id_, outputs)
            if ownership.home_of(context, stored):
                ownership.make_sure(context, stored)
            ownership.meet(context, stored.markers)
            if not ownership.leaves_alone(context, stored):
                instance = ownership.make_sure(context, stored)
                if ownership.another_stack_has(context, stored, instance):
                    self._host.warn(f"element instance {id_} stays: another stack has it now")
                    return
                context.claims.own(id_)
                context.client.delete_instance(id_)
                ownership.after_deleting(context, stored)
            context.leftovers.wait(stored.markers)

    def _telling(self, verb: str, properties: Mapping[str, Any]) -> AbstractContextManager[None]:
        """Turn every error inside into one sentence that says what to do."""
        base_url = self._context.settings.base_url if self._context else "the platform"
        return one_sentence(
            verb,
            _name(properties),
            lambda error: advice(error, verb, base_url=base_url),
        )


@contextmanager
def one_sentence(
    verb: str, name: str, advise: Callable[[CloudElementsError], str | None] = lambda _: None
) -> Iterator[None]:
    """Turn every exception inside into the one sentence that the user sees.

    Our own errors are told in full. Of any other only type and place are told, because its text
    may hold anything.

    Raises:
        HalfMadeError: The instance exists and must be kept.
        AwaitingError: Nothing was done yet.
        CloudElementsError: Anything else failed.
    """
    failure: CloudElementsError
    try:
        yield
    except AwaitingError as error:
        failure = error
    except HalfMadeError as error:
        message = sentence(verb, name, str(error))
        failure = HalfMadeError(error.instance_id, error.outputs, message)
    except CloudElementsError as error:
        failure = CloudElementsError(sentence(verb, name, error, then=advise(error)))
    except Exception as error:  # noqa: BLE001 - the boundary: nothing may get past with its text
        last = traceback.extract_tb(error.__traceback__)[-1]
        kind = f"unexpected {type(error).__name__} in {Path(last.filename).name}:{last.lineno}"
        then = "this is a defect of the provider; please report it with this line"
        failure = CloudElementsError(sentence(verb, name, kind, then=then))
    else:
        return
    # Outside of `except`, or a traceback would hold the first exception with all its text.
    raise failure from None


def _name(properties: Mapping[str, Any]) -> str:
    name = properties.get("name")
    return name if isinstance(name, str) else ""
