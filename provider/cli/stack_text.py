"""Editing a stack file as text: comments, order and everything else in it stay as they are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

from provider import spelling
from provider.cli.console import FailureError, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY = "cloud-elements:instances"
_STEP = 2
_ENDLESS = 1_000_000


class _Dumper(yaml.SafeDumper):
    """Puts in quotes what Pulumi reads as a number or a date, and PyYAML does not."""


def _quoted(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "'" if spelling.needs_quotes(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _quoted)


def _dumped(data: Any, **options: Any) -> str:
    return str(yaml.dump(data, Dumper=_Dumper, width=_ENDLESS, **options))


def scalar(text: str) -> str:
    """Return a text as one line of YAML, quoted where it must be."""
    style = None if text.isprintable() else '"'
    dumped = _dumped(text, allow_unicode=not style, default_style=style)
    return dumped.removesuffix("...\n").removesuffix("\n")


def with_entries(
    text: str, entries: Mapping[str, Mapping[str, Any]], notes: Mapping[str, list[str]]
) -> str:
    """Return a stack file with entries added behind those that are there.

    Args:
        text: The file.
        entries: New entries of `cloud-elements:instances`, by name.
        notes: Comment lines for the top of an entry, by its name.

    Raises:
        FailureError: The file is laid out in a way that can't be added to.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    before, text = text, _without_empty_maps(text)
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith(newline):
        lines[-1] += newline
    at, indent, above = _where(text)
    block = [line + newline for line in above + _rendered(entries, notes, indent)]
    at = len(lines) if at is None else at
    new = "".join(lines[:at] + block + lines[at:])
    _check(before, new, entries)
    return new


def _rendered(
    entries: Mapping[str, Mapping[str, Any]], notes: Mapping[str, list[str]], indent: int
) -> list[str]:
    lines: list[str] = []
    for name, entry in entries.items():
        data = {name: dict(entry)}
        # YAML has line breaks of its own, such as U+0085, that must not stand there as they are.
        legible = json.dumps(data, ensure_ascii=False).isprintable()
        dumped = _dumped(data, sort_keys=False, allow_unicode=legible)
        first, *rest = dumped.rstrip("\n").split("\n")
        comments = [f"{' ' * _STEP}# {note}" for note in notes.get(name, [])]
        lines += [f"{' ' * indent}{line}" if line else "" for line in (first, *comments, *rest)]
    return lines


def _without_empty_maps(text: str) -> str:
    """Return the text without the `{}` that says that there is no configuration, or no entry."""
    node = _composed(text)
    for key in ("config", KEY, None):
        if not isinstance(node, yaml.MappingNode):
            break
        if not node.value:
            start, end = node.start_mark.index, node.end_mark.index
            return text[:start].rstrip(" ") + text[end:]
        node = next((value for name, value in node.value if name.value == key), None)
    return text


def _composed(text: str) -> Any:
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        raise _unfit() from None


def _where(text: str) -> tuple[int | None, int, list[str]]:
    """Return before which line to insert, how far indented, and the lines that go above."""
    root = _composed(text)
    if root is None:
        return None, 2 * _STEP, ["config:", f"{' ' * _STEP}{KEY}:"]
    config = _child(root, "config")
    if config is None:
        return _end(root), 2 * _STEP, ["config:", f"{' ' * _STEP}{KEY}:"]
    if _empty(config):
        if not isinstance(config, yaml.ScalarNode) or config.value:
            raise _unfit()
        return config.end_mark.line + 1, 2 * _STEP, [f"{' ' * _STEP}{KEY}:"]
    instances = _child(config, KEY)
    column = config.value[0][0].start_mark.column
    if instances is None:
        return _end(config), column + _STEP, [f"{' ' * column}{KEY}:"]
    if _empty(instances):
        if not isinstance(instances, yaml.ScalarNode) or instances.value:
            raise _unfit()
        return instances.end_mark.line + 1, column + _STEP, []
    if isinstance(_child(instances, "secure"), yaml.ScalarNode):
        raise _unfit()  # all of them are one secret
    return _end(instances), instances.value[0][0].start_mark.column, []


def _empty(node: Any) -> bool:
    return not isinstance(node, yaml.MappingNode) or not node.value


def _child(node: Any, key: str) -> Any:
    if not isinstance(node, yaml.MappingNode) or node.flow_style:
        raise _unfit()
    return next((value for name, value in node.value if name.value == key), None)


def _end(node: Any) -> int:
    """Return the line behind the last one of a node's own, comments after it not counted."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    mark = node.end_mark
    return int(mark.line if mark.column == 0 and mark.line else mark.line + 1)


def _check(before: str, after: str, entries: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse an edit that does not say what it should."""
    old, new = yaml.safe_load(before) or {}, yaml.safe_load(after)
    config = dict(old.get("config") or {})
    config[KEY] = dict(config.get(KEY) or {}) | {name: dict(e) for name, e in entries.items()}
    if new != old | {"config": config}:
        raise _unfit()
    # Loading takes the last of two entries of one name, and Pulumi refuses both.
    names = [name.value for name, _ in _child(_child(_composed(after), "config"), KEY).value]
    if twice := {name for name in names if names.count(name) > 1}:
        message = (
            f"The stack file would have two entries '{min(twice)}' in '{KEY}': rename the one "
            "that is there."
        )
        raise FailureError(shown(message))


def _unfit() -> FailureError:
    return FailureError(
        f"The stack file is laid out in a way that can't be added to: write '{KEY}' in it as a "
        "block of lines, one entry below the other."
    )
