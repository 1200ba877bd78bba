"""`elements export`: instances that exist already become entries of a stack."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..instance.advice import forget
from ..stack_keys import DEFAULTS
from .additions import Additions, Written
from .backend import Backend
from .console import FailureError, counted, emit, say, shown
from .holdings import Holdings
from .options import AsJson, DryRun, StackName  # noqa: TC001 - typer reads the annotations
from .project import Project, platform, settings_of
from .sharing import beside, pooled

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ..api import wire
    from ..api.client import CloudElementsClient
    from ..declarations import InstanceDeclaration
    from .project import Stack

_HERE = "is in this stack already"
_Elements = Annotated[
    list[str] | None,
    typer.Option("--element", "-e", help="Only instances of this element; repeatable."),
]
_Ids = Annotated[
    list[str] | None,
    typer.Option(
        "--id", help="Only this instance, even when it carries another stack's marker; repeatable."
    ),
]


def export(
    *,
    stack: StackName = None,
    element: _Elements = None,
    ids: _Ids = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Write the account's instances into the stack, to be taken over.

    Every entry gets 'adopt: <id>', so the next 'pulumi up' takes the instance over instead of
    making one, and changes nothing about it but to add its marker tags. Only what differs from
    the element's defaults is written. Entries that are there already stay as they are, and so
    do instances that the stack or another one manages. What several instances of an element
    have alike is written once, in cloud-elements:defaults.

    Secrets are never written. Those an instance has are listed with the command that sets
    each; one that is not set stays on the platform as it is. An adopted instance is left in
    place when it is removed from the stack, unless delete_adopted says otherwise.

    \b
    Examples:
      elements export --stack prod --dry-run
      elements export --stack prod --element hubspot
      elements export --stack prod --id 427001
    """  # noqa: D301 - \b keeps the lines of a list apart
    target = Project().stack(stack)
    exporter, elements = _exporter(target, set(ids or []), set(element or []))
    pool = pooled(exporter.written, elements)
    written = pool.add(target, dry_run=dry_run, quiet=as_json)
    if as_json:
        emit({"stack": target.name, "written": written} | _document(exporter, pool))
    _report(exporter, pool, target.name, written=written)


def _exporter(
    target: Stack, ids: set[str], elements: set[str]
) -> tuple[_Exporter, Collection[str]]:
    """Return what the account's instances became, and which elements the stack has already."""
    settings = settings_of(target)
    declared, state = target.declared(), target.whole(secrets=False)
    with platform(settings, "read the account's instances") as client:
        found = client.find_instances()
        exporter = _Exporter(
            client,
            declared,
            state.ids,
            ids,
            elements,
            target.project,
            settings.address,
            target.shared(),
        )
        exporter.run(found)
    _check_wanted(ids - state.ids, elements, found)
    return exporter, exporter.shared.keys() | {each.element for each in declared.values()}


def _document(exporter: _Exporter, pool: Additions) -> dict[str, Any]:
    return {
        "entries": {each.name: each.entry for each in pool.entries},
        "defaults": pool.shared,
        "to_be_set": pool.to_be_set(),
        "left_out": [
            {"id": each.id, "name": each.name, "reason": why} for each, why in exporter.left_out
        ],
    }


def _check_wanted(ids: set[str], elements: set[str], found: list[wire.Instance]) -> None:
    """See that the account has what was asked for."""
    if missing := ids - {instance.id for instance in found}:
        message = f"There is no instance {', '.join(sorted(missing))} in the account."
        raise FailureError(shown(message))
    if unused := elements - {instance.element.key for instance in found}:
        message = f"There is no instance of element {', '.join(sorted(unused))} in the account."
        raise FailureError(shown(message))


@dataclass
class _Exporter:
    """Turns instances into entries.

    Args:
        client: The platform, for the elements' metadata.
        declared: What the stack declares already.
        kept: Ids of the instances in the stack's state.
        ids: Ids asked for; all when empty.
        elements: Element keys asked for; all when empty.
        project: The project, whose backend may have the instances in other stacks' states.
        address: The platform's.
        shared: The stack's defaults by element, secrets in clear.
    """

    client: CloudElementsClient
    declared: dict[str, InstanceDeclaration]
    kept: Collection[str]
    ids: set[str]
    elements: set[str]
    project: Project
    address: str
    shared: Mapping[str, Mapping[str, Any]]
    written: list[Written] = field(default_factory=list)
    left_out: list[tuple[wire.Instance, str]] = field(default_factory=list)

    @cached_property
    def backend(self) -> Backend:
        """The states of all stacks; they are read when one may have an instance."""
        return Backend.read_or_not(self.project)

    @cached_property
    def holdings(self) -> Holdings:
        """What the instances hold."""
        return Holdings(self.client)

    def run(self, instances: list[wire.Instance]) -> None:
        """Sort instances into those taken and those left out."""
        wanted = [
            instance
            for instance in instances
            if (not self.ids or instance.id in self.ids)
            and (not self.elements or instance.element.key in self.elements)
        ]
        slugs = [_slug(instance.name or "") for instance in wanted]
        for instance, slug in zip(wanted, slugs, strict=True):
            why = self._objection(instance)
            if why is None:
                complete = self._complete(instance)
                entry = self._entry(self._name(slug, slugs.count(slug), complete), complete)
                fit = self._unfit(entry) or self._beside(entry, complete)
                if isinstance(fit, Written):
                    self.written.append(fit)
                    continue
                why = fit
            self.left_out.append((instance, why))

    def _name(self, slug: str, times: int, instance: wire.Instance) -> str:
        """Return a name that no entry has; an id is added where names are equal or missing."""
        used = self.declared.keys() | {written.name for written in self.written}
        name = slug
        if times > 1 or not slug or slug in used:
            name = f"{slug or 'instance'}-{instance.id}"
        while name in used:
            name += "-2"
        return name

    def _objection(self, instance: wire.Instance) -> str | None:
        """Return why an instance is left out, None where nothing speaks against it."""
        if instance.id in self.kept or any(
            _names(declaration, instance) for declaration in self.declared.values()
        ):
            return _HERE
        if not instance.element.key:
            return "the platform does not tell its element"
        if not (instance.name or "").strip():
            return "has no name: give it one first"
        return self._held_elsewhere(instance)

    def _held_elsewhere(self, instance: wire.Instance) -> str | None:
        """Return why an instance is left out as another stack's; one that is named is not."""
        from ..instance.markers import is_marker  # noqa: PLC0415

        marked = any(is_marker(tag) for tag in instance.tags or [])
        named = instance.id in self.ids
        if not (marked or named):
            return None
        holder = self.backend.holder(instance.id, platform=self.address)
        if named:
            if holder:
                say(_to_be_forgotten(instance.id, holder, self.backend))
            return None
        if holder:
            return f"stack '{holder.name}' has it in its state"
        return f"carries a stack's marker; take it over all the same by --id {instance.id}"

    def _complete(self, instance: wire.Instance) -> wire.Instance:
        """Return an instance with its configuration, which a list may leave out."""
        if instance.configuration is None:
            return self.client.get_instance(instance.id)
        return instance

    def _beside(self, entry: Written, instance: wire.Instance) -> Written | str:
        """Return an entry beside the defaults that its element has, or why it can't be one."""
        shared = self.shared.get(entry.entry["element"])
        return beside(entry, shared, instance.held or {}) if shared else entry

    def _entry(self, name: str, instance: wire.Instance) -> Written:
        from ..instance.markers import is_marker  # noqa: PLC0415

        entry: dict[str, Any] = {"element": instance.element.key}
        if instance.name != name:
            entry["name"] = instance.name
        entry["adopt"] = instance.id
        tags = [tag for tag in instance.tags or [] if not is_marker(tag)]
        if tags:
            entry["tags"] = list(dict.fromkeys(tags))
        plain, secrets = self.holdings.of(instance)
        entry |= _configured(plain)
        if instance.disabled:
            entry["disabled"] = True
        held = {key: value for key, value in (instance.held or {}).items() if key in secrets}
        events = _configured(plain | held).get("events", {})
        return Written(name, entry, [_place(key, events) for key in secrets])

    def _unfit(self, entry: Written) -> str | None:
        """Return why an entry could not be declared as it is."""
        from ..instance import inputs as schema  # noqa: PLC0415 - loads Pulumi's SDK

        inputs = {"name": entry.name} | entry.entry
        inputs["element_key"] = inputs.pop("element")
        found = schema.problems(inputs)
        return f"can't be declared as it is: {found[0]}" if found else None


def _configured(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an entry that say what a configuration does."""
    from ..instance.events import typed  # noqa: PLC0415

    words, rest = typed(configuration, adopted=True)
    return words | ({"configuration": rest} if rest else {})


def _place(key: str, events: Mapping[str, Any]) -> tuple[str, str]:
    """Return where an entry gives a configuration key: among its events where these can say it."""
    from ..instance.events import place_of  # noqa: PLC0415

    field, name = place_of(key, events)
    return (field, name) if name in events or field == "configuration" else ("configuration", key)


def _to_be_forgotten(id_: str, holder: Stack, backend: Backend) -> str:
    urn = next(kept.urn for kept in backend.states[holder].kept if kept.id == id_)
    command = forget(urn, holder.name)
    return f"Once it is taken over here, let stack '{holder.name}' forget {id_}, by '{command}'."


def _names(declaration: InstanceDeclaration, instance: wire.Instance) -> bool:
    """Tell whether a declaration's `adopt` means this instance."""
    adopt = declaration.adopt
    if adopt is None or adopt == instance.id:
        return adopt is not None
    by, _, text = adopt.partition(":")
    if declaration.element != instance.element.key:
        return False
    return (by == "tag" and text in (instance.tags or [])) or (
        by == "name" and text == instance.name
    )


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60]


def _report(exporter: _Exporter, pool: Additions, stack: str, *, written: bool) -> None:
    others = [item for item in exporter.left_out if item[1] != _HERE]
    if others:
        say(f"Left out: {len(others)}")
        for instance, why in others:
            say(f"  {instance.id} {shown(instance.name or '')}: {shown(why)}")
    count = len(pool.entries)
    if not count:
        say(f"There is nothing to add to stack '{stack}'.")
        return
    done = "added" if written else "would be added"
    say(f"{counted(count, 'entry', 'entries')} {done} to stack '{stack}'.")
    if pool.shared:
        say(f"What they share is written once, in {DEFAULTS}: {shown(', '.join(pool.shared))}.")
    if pool.secrets:
        say("An application's secrets are set once there; where an entry has others, set its own.")
    commands = [command for found in pool.notes(stack).values() for command in found]
    if commands:
        say(
            "The platform does not reveal secrets; set each to the value that the instance has, "
            f"all of them by 'elements secrets --stack {stack}', or one by one:"
        )
        for command in commands:
            say(f"  {command}")
    if written:
        say(f"Then take the instances over: pulumi up --stack {stack}")
