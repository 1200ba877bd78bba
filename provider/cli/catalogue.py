"""`elements search` and `elements describe`: which elements there are, and what one needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..api.errors import NotFoundError, did_you_mean
from ..api.redaction import is_secret_key
from ..instance.advice import authorize
from .application import API_KEY, API_SECRET, CALLBACK_URL
from .console import Exit, FailureError, emit, say, show_rows, shown, write
from .options import AsJson, stack_option
from .project import platform, set_command, settings_without_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..api import wire

_LONGEST_TEXT = 100
_APPLICATION = {
    CALLBACK_URL: "Callback URL registered with the vendor",
    API_KEY: "Key of the application registered with the vendor",
    API_SECRET: "Secret of the application registered with the vendor",
}
"""What consent needs, whatever metadata say: some hide it, some have defaults of their own.

docs: each of 13 OAuth elements hides or presets at least one of the three (exports, 2021-04).
"""
_EVENTS_URL = "https://app.example.com/events"
_EXAMPLE_CALLBACK = "http://127.0.0.1:8080/callback"
_SettingsOf = Annotated[
    str | None,
    stack_option(
        "Stack whose connection settings are used; not needed when they are in the environment."
    ),
]


def search(
    words: Annotated[list[str], typer.Argument(metavar="WORD…", help="Every word must occur.")],
    *,
    stack: _SettingsOf = None,
    as_json: AsJson = False,
) -> None:
    """Find an element by words in its key, name, hub or description.

    The key in the first column is what 'element:' in a stack takes. Exits with 3 when nothing
    was found.

    \b
    Examples:
      elements search drive
      elements search crm oauth2 --json
    """  # noqa: D301 - \b keeps the lines of a list apart
    with platform(settings_without_stack(stack), "list the elements") as client:
        elements = client.find_elements()
    wanted = [word.casefold() for word in words]
    found = [each for each in elements if all(word in _searched(each) for word in wanted)]
    found.sort(key=lambda each: (not each.key.casefold().startswith(wanted[0]), each.key))
    if as_json:
        emit([_summary(element) for element in found])
    elif found:
        rows = [[e.key, e.name, e.hub or "", e.kind, _short(e.description)] for e in found]
        show_rows(("Key", "Name", "Hub", "Authentication", "About"), rows)
    if not found:
        hint = did_you_mean(words[0], [each.key for each in elements])
        say(
            f"None of {len(elements)} elements has '{' '.join(words)}'{hint or ': try fewer words'}"
        )
        raise typer.Exit(Exit.ATTENTION)


def describe(
    element: Annotated[str, typer.Argument(help="Element key; 'elements search' finds it.")],
    *,
    name: Annotated[
        str | None, typer.Option(help="Name of the entry; the element's key if not given.")
    ] = None,
    stack: _SettingsOf = None,
    as_json: AsJson = False,
) -> None:
    """Show what an element needs, as an entry for a stack file.

    Taken from the platform's own metadata, now. Required keys stand there to be filled in,
    secret ones as the command that sets them, optional ones as comments with their defaults.

    \b
    Examples:
      elements describe freshservice
      elements describe onedrivebusiness --name files --stack dev
    """  # noqa: D301 - \b keeps the lines of a list apart
    with platform(settings_without_stack(stack), f"describe element '{element}'") as client:
        try:
            found = client.get_element(element)
        except NotFoundError:
            hint = did_you_mean(element, [each.key for each in client.find_elements()])
            then = hint or f"; look for it by 'elements search {element}'"
            message = f"There is no element '{element}'{then}"
            raise FailureError(shown(message)) from None
    needs = _Needs.of(found)
    if as_json:
        emit(_summary(found) | {"configuration": [needs.row(entry) for entry in needs.entries]})
    else:
        write("\n".join(_stack_lines(needs, name or found.key, stack or "dev")))


def _searched(element: wire.Element) -> str:
    parts = (element.key, element.name, element.hub, element.description, element.kind)
    return " ".join(part for part in parts if part).casefold()


def _short(text: str | None) -> str:
    line = shown(text or "").strip()
    return line if len(line) <= _LONGEST_TEXT else line[: _LONGEST_TEXT - 1] + "…"


def _summary(element: wire.Element) -> dict[str, Any]:
    return {
        "key": element.key,
        "name": element.name,
        "hub": element.hub,
        "description": element.description,
        "authentication": element.kind or None,
    }


def _choices(entry: wire.ConfigurationEntry) -> list[str]:
    return [str(option["value"]) for option in entry.options or [] if option.get("value")]


@dataclass(frozen=True)
class _Needs:
    """What an instance of an element may or must be given."""

    element: wire.Element
    entries: list[wire.ConfigurationEntry]
    """All that a person may set."""
    control: wire.ConfigurationEntry | None
    """The one that chooses between groups of entries."""
    chosen: str | None
    """The choice, as the metadata preset it."""
    kind: str
    """How the instance then authenticates."""

    @classmethod
    def of(cls, element: wire.Element) -> _Needs:
        from ..api.wire import AUTHENTICATION_TYPE  # noqa: PLC0415

        control = next((entry for entry in element.configuration if entry.group_control), None)
        choices = _choices(control) if control else []
        chosen = control.default_value or next(iter(choices), None) if control else None
        by_choice = chosen if control and control.key == AUTHENTICATION_TYPE else None
        kind = (by_choice or element.kind).lower()
        if kind.startswith("oauth"):
            element = _with_application(element)
        entries = [
            entry
            for entry in element.configuration
            if entry.active and not entry.hide_from_console and not entry.internal
        ]
        return cls(element, entries, control, chosen, kind)

    @property
    def required(self) -> list[wire.ConfigurationEntry]:
        """Those without which there is no instance, of the chosen group."""
        from ..instance.metadata import required_keys  # noqa: PLC0415

        given = {self.control.key: self.chosen} if self.control and self.chosen else {}
        control = self.control and self.control.key
        return [e for e in required_keys(self.element, given) if e.key != control]

    def is_secret(self, key: str) -> bool:
        from ..instance.metadata import plain_keys  # noqa: PLC0415

        return is_secret_key(key, plain_keys(self.element))

    def row(self, entry: wire.ConfigurationEntry) -> dict[str, Any]:
        return {
            "key": entry.key,
            "name": entry.name,
            "description": entry.description,
            "required": entry.required and entry.default_value is None,
            "secret": self.is_secret(entry.key),
            "default": entry.default_value,
            "choices": _choices(entry),
            "group": entry.group_name,
        }


def _with_application(element: wire.Element) -> wire.Element:
    """Return an element whose metadata ask for what consent needs."""
    from ..api import wire  # noqa: PLC0415

    known = {entry.key: entry for entry in element.configuration}
    needed = [
        known.get(key, wire.ConfigurationEntry(key=key, name=name)).model_copy(
            update={
                "required": True,
                "active": True,
                "internal": False,
                "hide_from_console": False,
                "default_value": None,
                "group_name": None,
            }
        )
        for key, name in _APPLICATION.items()
    ]
    others = [entry for entry in element.configuration if entry.key not in _APPLICATION]
    return element.model_copy(update={"configuration": needed + others})


def _stack_lines(needs: _Needs, name: str, stack: str) -> Iterator[str]:
    """Yield a stack entry: YAML that parses, and says what is still to be filled in."""
    from .stack_text import scalar  # noqa: PLC0415

    element, control = needs.element, needs.control
    yield f"  # {_short(f'{element.name}: {element.description}')}"
    if needs.kind.startswith("oauth"):
        command = authorize(name, stack, up=True)
        yield shown(f"  # Then connect it: {command}")
    yield "  cloud-elements:instances:"
    yield f"    {scalar(name)}:"
    yield f"      element: {scalar(element.key)}"
    yield "      configuration:"
    if control and needs.chosen:
        about = shown(f"one of {', '.join(_choices(control))}")
        yield f"        {scalar(control.key)}: {scalar(needs.chosen)} # {about}"
    for entry in needs.required:
        if needs.is_secret(entry.key):
            command = set_command(stack, name, "configuration", entry.key)
            yield shown(f"        # {_about(entry)}; secret: {command}")
        elif entry.key == CALLBACK_URL:
            spared = "; not needed with external_authentication: initial"
            yield f"        {entry.key}: {scalar(_EXAMPLE_CALLBACK)} # {_about(entry)}{spared}"
        else:
            yield f"        {scalar(entry.key)}: {scalar('')} # {_about(entry)}"
    yield from _optional_lines(needs)
    yield from _events_lines(element)


def _optional_lines(needs: _Needs) -> Iterator[str]:
    """Yield what an entry may say besides, as comments."""
    from .stack_text import scalar  # noqa: PLC0415

    required = needs.required
    others = [e for e in needs.entries if e not in required and e is not needs.control]
    if others:
        yield "        # Optional, with defaults:"
    for entry in others:
        group = f" (for {entry.group_name})" if entry.group_name else ""
        secret = "; secret" if needs.is_secret(entry.key) else ""
        about = shown(f"{_about(entry)}{group}{secret}")
        yield f"        # {scalar(entry.key)}: {scalar(entry.default_value or '')} # {about}"


def _events_lines(element: wire.Element) -> Iterator[str]:
    """Yield the `events` that stand for the event.* keys, for an element that has them."""
    from ..instance.events import ENABLED, INTERVAL, POLLING, VENDOR_TYPE, WEBHOOKS  # noqa: PLC0415

    if ENABLED not in {entry.key for entry in element.configuration}:
        return
    by = element.default_of(VENDOR_TYPE)
    members = [f"by: {WEBHOOKS[0] if by in WEBHOOKS else POLLING}", f"to: {_EVENTS_URL}"]
    if by not in WEBHOOKS:
        own = element.default_of(INTERVAL) or ""
        members.append(f"every: {own if own.isdecimal() else 15}")
    yield "      # Events, in place of the event.* keys:"
    yield f"      # events: {{{', '.join(members)}}}"


def _about(entry: wire.ConfigurationEntry) -> str:
    text = entry.name or entry.key
    if entry.description and entry.description != entry.name:
        text += f": {entry.description}"
    choices = _choices(entry)
    return _short(text) + (f"; one of {', '.join(map(shown, choices))}" if choices else "")
