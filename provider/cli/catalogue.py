"""`elements search` and `elements describe`: which elements there are, and what one needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from provider.cli.completion import stack_names
from provider.cli.console import Exit, FailureError, could_not, emit, grid, say, show, shown, write
from provider.cli.project import platform, set_command, settings_without_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provider import wire

_LONGEST_TEXT = 100
_STACK = typer.Option(
    "--stack",
    "-s",
    help="Stack whose connection settings are used; not needed when they are in the environment.",
    autocompletion=stack_names,
)
_JSON = typer.Option("--json", help="Say the result as JSON.")


def search(
    words: Annotated[list[str], typer.Argument(metavar="WORD…", help="Every word must occur.")],
    *,
    stack: Annotated[str | None, _STACK] = None,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Find an element by words in its key, name, hub or description.

    The key in the first column is what 'element:' in a stack takes. Ends with 3 when nothing
    was found.

    \b
    Examples:
      elements search drive
      elements search crm oauth2 --json
    """  # noqa: D301 - \b keeps the lines of a list apart
    with (
        platform(settings := settings_without_stack(stack)) as client,
        could_not("list the elements", base_url=settings.base_url),
    ):
        elements = client.find_elements()
    wanted = [word.casefold() for word in words]
    found = [one for one in elements if all(word in _searched(one) for word in wanted)]
    found.sort(key=lambda one: (not one.key.casefold().startswith(wanted[0]), one.key))
    if as_json:
        emit([_summary(element) for element in found])
    elif found:
        rows = [
            [one.key, one.name, one.hub or "", one.kind, _short(one.description)] for one in found
        ]
        headings = ("Key", "Name", "Hub", "Authentication", "About")
        show(grid(headings, rows, [""] * len(rows)))
    if not found:
        from provider.errors import did_you_mean  # noqa: PLC0415

        hint = did_you_mean(words[0], [one.key for one in elements])
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
    stack: Annotated[str | None, _STACK] = None,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Show what an element needs, as an entry to paste into a stack file.

    Taken from the platform's own metadata, now. Required keys stand there to be filled in,
    secret ones as the command that sets them, optional ones as comments with their defaults.

    \b
    Examples:
      elements describe freshservice
      elements describe onedrivebusiness --name files --stack dev
    """  # noqa: D301 - \b keeps the lines of a list apart
    from provider.errors import NotFoundError, did_you_mean  # noqa: PLC0415

    with (
        platform(settings := settings_without_stack(stack)) as client,
        could_not(f"describe element '{element}'", base_url=settings.base_url),
    ):
        try:
            found = client.get_element(element)
        except NotFoundError:
            hint = did_you_mean(element, [one.key for one in client.find_elements()])
            then = hint or f"; look for it by 'elements search {element}'"
            message = f"There is no element '{element}'{then}"
            raise FailureError(shown(message)) from None
    if as_json:
        emit(_summary(found) | {"configuration": [_entry(found, e) for e in _visible(found)]})
    else:
        write("\n".join(_stack_lines(found, name or found.key, stack or "dev")))


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


def _visible(element: wire.Element) -> list[wire.ConfigurationEntry]:
    return [
        entry
        for entry in element.configuration
        if entry.active and not entry.hide_from_console and not entry.internal
    ]


def _is_secret(element: wire.Element, key: str) -> bool:
    from provider.metadata import plain_keys  # noqa: PLC0415
    from provider.redaction import is_secret_key  # noqa: PLC0415

    return is_secret_key(key, plain_keys(element))


def _choices(entry: wire.ConfigurationEntry) -> list[str]:
    return [str(option["value"]) for option in entry.options or [] if option.get("value")]


def _entry(element: wire.Element, entry: wire.ConfigurationEntry) -> dict[str, Any]:
    return {
        "key": entry.key,
        "name": entry.name,
        "description": entry.description,
        "required": entry.required and entry.default_value in (None, ""),
        "secret": _is_secret(element, entry.key),
        "default": entry.default_value,
        "choices": _choices(entry),
        "group": entry.group_name,
    }


def _stack_lines(element: wire.Element, name: str, stack: str) -> Iterator[str]:
    """Yield a stack entry: YAML that parses, and says what is still to be filled in."""
    from provider.cli.stack_text import scalar  # noqa: PLC0415
    from provider.metadata import required_keys  # noqa: PLC0415

    control = next((entry for entry in element.configuration if entry.group_control), None)
    choices = _choices(control) if control else []
    chosen = control.default_value or (choices[0] if choices else None) if control else None
    kind = chosen or element.kind
    given = {control.key: chosen} if control and chosen else {}
    required = [e for e in required_keys(element, given) if control is None or e.key != control.key]
    yield f"  # {_short(f'{element.name}: {element.description}')}"
    if kind.startswith("oauth"):
        yield f"  # Then connect it: elements authorize {scalar(name)} --stack {stack} --up"
    yield "  cloud-elements:instances:"
    yield f"    {scalar(name)}:"
    yield f"      element: {scalar(element.key)}"
    yield "      configuration:"
    if control and chosen:
        yield f"        {scalar(control.key)}: {scalar(chosen)} # one of {', '.join(choices)}"
    for entry in required:
        about = _about(entry)
        if _is_secret(element, entry.key):
            command = set_command(stack, name, "configuration", entry.key)
            yield f"        # {about}; secret: {command}"
        else:
            yield f"        {scalar(entry.key)}: {scalar(_example(entry, kind))} # {about}"
    others = [e for e in _visible(element) if e not in required and e is not control]
    if others:
        yield "        # Optional, with defaults:"
    for entry in others:
        group = f" (for {entry.group_name})" if entry.group_name else ""
        secret = "; secret" if _is_secret(element, entry.key) else ""
        default = scalar(entry.default_value or "")
        yield f"        # {scalar(entry.key)}: {default} # {_about(entry)}{group}{secret}"


def _about(entry: wire.ConfigurationEntry) -> str:
    told = entry.name or entry.key
    if entry.description and entry.description != entry.name:
        told += f": {entry.description}"
    choices = _choices(entry)
    return _short(told) + (f"; one of {', '.join(map(shown, choices))}" if choices else "")


def _example(entry: wire.ConfigurationEntry, kind: str) -> str:
    if entry.key == "oauth.callback.url" and kind.startswith("oauth"):
        return "http://127.0.0.1:8080/callback"
    return ""
