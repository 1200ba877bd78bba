"""Editing a stack file: comments, order, anchors and spacing of all the rest stay as they are.

What an edit makes of the file is read back, aliases and merge keys included, and refused unless it
says what the file said and the new values.
"""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import yaml

from .. import spelling
from ..stack_file import texts_in
from ..stack_keys import DEFAULTS, KEY
from .console import FailureError, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from yaml_edit import Document, Node

_ENDLESS = 1_000_000
_LONGEST = 0xFFFF  # that four digits can say


class _Dumper(yaml.SafeDumper):
    """Puts in quotes what Pulumi reads as a number or a date, and PyYAML does not."""


def _quoted(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "'" if spelling.needs_quotes(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _quoted)


def _dumped(data: Any, **options: Any) -> str:
    dumped = str(yaml.dump(data, Dumper=_Dumper, width=_ENDLESS, **options))
    return dumped.removesuffix("...\n")


def scalar(text: str) -> str:
    """Return a text as one line of YAML, quoted where it must be."""
    style = None if text.isprintable() else '"'
    return _dumped(text, allow_unicode=not style, default_style=style).removesuffix("\n")


def with_entries(
    text: str,
    entries: Mapping[str, Mapping[str, Any]],
    notes: Mapping[str, list[str]],
    *,
    key: str = KEY,
    shared: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    shared_key: str = DEFAULTS,
) -> str:
    """Return a stack file with entries, and what they share, added behind what is there.

    Args:
        text: The file.
        entries: New entries of `cloud-elements:instances`, by name.
        notes: Comment lines for an entry, by its name; for defaults, by `key.element`.
        key: How the file spells `cloud-elements:instances`.
        shared: New defaults of `cloud-elements:defaults`, by element.
        shared_key: How the file spells that.

    Raises:
        FailureError: The file is laid out in a way that can't be added to, or has such an entry.
    """
    puts = []
    for root, added in ((shared_key, shared), (key, entries)):
        there = _there(text, root)
        if twice := added.keys() & there.keys():
            message = (
                f"The stack file would have two entries '{min(twice)}' in '{root}': rename the one "
                "that is there."
            )
            raise FailureError(shown(message))
        puts += [(("config", root, name), dict(entry)) for name, entry in added.items()]
    return _edited(text, puts, notes, yaml.safe_load)


def _there(text: str, root: str) -> dict[str, Any]:
    """Return what a stack file has under a key of its configuration."""
    there = _loaded(text, texts_in)
    for part in ("config", root):
        there = there.get(part) if isinstance(there, dict) else None
    there = there if isinstance(there, dict) else {}
    if isinstance(there.get("secure"), str):
        raise _unfit(root)  # all of them are one secret
    return there


def with_values(text: str, values: Mapping[tuple[str, ...], str | dict[str, str]]) -> str:
    """Return a stack file with values set.

    Args:
        text: The file.
        values: What to set, by the path below `config`, whose first key is as the file spells it:
            a text, or what Pulumi writes of a secret, `{"secure": …}`.

    Raises:
        FailureError: The file is laid out in a way in which that would change something else.
    """
    puts = [(("config", *path), value) for path, value in values.items()]
    return _edited(text, puts, {}, texts_in)


def _edited(
    text: str,
    puts: Sequence[tuple[tuple[str, ...], Any]],
    notes: Mapping[str, list[str]],
    load: Callable[[str], Any],
) -> str:
    from yaml_edit import Document, YamlError  # noqa: PLC0415 - only what writes pays for it

    expected = _unshared(_loaded(text, load) or {})
    roots = dict.fromkeys(path[1] for path, _ in puts)
    roomy = text
    for root in roots:
        roomy = _without_empty_maps(roomy, root)
    if _composed(roomy) is None:
        newline = "\r\n" if "\r\n" in text else "\n"
        ended = not roomy or roomy.endswith(newline)
        roomy += f"{'' if ended else newline}config:{newline}"
    try:
        document = Document.parse(roomy)
        for path, value in puts:
            _put(document, path, value, notes.get(_noted(path), []))
            _expect(expected, path, value)
        edited = str(document)
    except (YamlError, TypeError, AttributeError):
        raise _unfit() from None
    if _loaded(edited, load) != expected:
        raise _unfit()
    return edited


def _noted(path: tuple[str, ...]) -> str:
    return path[-1] if path[1] != DEFAULTS else f"{DEFAULTS}.{path[-1]}"


def _put(document: Document, path: tuple[str, ...], value: Any, notes: Iterable[str]) -> None:
    """Set the value at a path, and make the maps on the way."""
    at = document.as_mapping()
    for depth, key in enumerate(path):
        if at is None:
            raise _unfit()  # a list or a text, or an alias, which leads to other places as well
        child, rest = at.get(key), path[depth + 1 :]
        if child is None or not rest or child.to_python() is None:
            for inner in reversed(rest):
                value = {inner: value}
            flow = at.is_flow_style()
            old, new = child and child.as_mapping(), _node(_rendered(value, notes, flow=flow))
            if old and "secure" in old and (secret := new.as_mapping()) and "secure" in secret:
                old["secure"] = secret["secure"]  # in place, so that a comment beside it stays
            else:
                at[_node(_rendered(key, flow=flow))] = new
            return
        at = child.as_mapping()


def _node(text: str) -> Node:
    from yaml_edit import Document  # noqa: PLC0415

    root = Document.parse(text).root()
    assert root is not None
    return root


def _rendered(value: Any, notes: Iterable[str] = (), *, flow: bool) -> str:
    """Return a value as YAML, with comment lines behind its first line where it has lines."""
    if flow:  # JSON, which is YAML inside of braces, and keeps a file that is JSON one
        dumped = json.dumps(value, ensure_ascii=False)
        escaped = ("\\u{:04x}", "\\U{:08x}")
        return "".join(
            c if c.isprintable() else escaped[ord(c) > _LONGEST].format(ord(c)) for c in dumped
        )
    # YAML has line breaks of its own, such as U+0085, that must not stand there as they are.
    legible = json.dumps(value, ensure_ascii=False).isprintable()
    first, *rest = _dumped(value, sort_keys=False, allow_unicode=legible).splitlines(keepends=True)
    return "".join([first, *(f"# {note}\n" for note in notes), *rest])


def _expect(document: Any, path: tuple[str, ...], value: Any) -> None:
    *above, last = path
    for key in above:
        document[key] = document = document.get(key) or {}
    document[last] = value


def _without_empty_maps(text: str, instances: str) -> str:
    """Return the text without the `{}` that says that there is no configuration, or no entry."""
    node = _composed(text)
    for key in ("config", instances, None):
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


def _loaded(text: str, load: Callable[[str], Any]) -> Any:
    try:
        return load(text)
    except (yaml.YAMLError, ValueError):
        raise _unfit() from None


def _unshared(value: Any) -> Any:
    """Return a copy in which what an alias shares is there once for each place."""
    if isinstance(value, dict):
        return {key: _unshared(item) for key, item in value.items()}
    return [_unshared(item) for item in value] if isinstance(value, list) else value


def _unfit(root: str = KEY) -> FailureError:
    return FailureError(
        f"The stack file is laid out in a way that can't be added to: write '{root}' in it as a "
        "block of lines, one entry below the other."
    )
