"""Keys of a stack's configuration: the path of a value, and keys that nobody reads."""

from __future__ import annotations

import difflib
import re
import shlex
from dataclasses import fields
from typing import TYPE_CHECKING

from .api.redaction import looks_secret
from .config import NAMESPACE, Settings, stack_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

KEY = f"{NAMESPACE}:instances"
DEFAULTS = f"{NAMESPACE}:defaults"
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_ALIKE = 0.85
"""How alike two keys are, from 0 to 1, when one is the other mistyped."""
_PART = re.compile(r"""\.?([^.\[\]]+)|\[(["']?)(.*?)\2\]""")
"""One step of a path: a name behind a dot, or a key or an index in brackets."""


def setting_path(name: str, *keys: str | int, root: str = KEY) -> str:
    """Return the path of a value of an instance, as `pulumi config set --path` takes it.

    Args:
        name: Its entry; of the defaults, the element.
        keys: The keys and indices inside.
        root: `cloud-elements:instances` or `cloud-elements:defaults`.
    """
    path = root
    for key in (name, *keys):
        if isinstance(key, int):
            path += f"[{key}]"
        elif _PLAIN_NAME.fullmatch(key):
            path += f".{key}"
        else:
            path += '["' + key.replace('"', '\\"') + '"]'
    return path


def mistakes(keys: Iterable[str], entries: Iterable[str] = ()) -> list[str]:
    """Return what is wrong with keys that are nearly one of ours; any other is the program's.

    Args:
        keys: Every key of the stack's configuration, such as `cloud-elements:timeout`.
        entries: Names of the entries of `cloud-elements:instances`.
    """
    ours = [
        KEY,
        DEFAULTS,
        f"{NAMESPACE}:owner",
        f"{NAMESPACE}:shards",
        f"{NAMESPACE}:organization",  # the native provider's: see provider.doors.native
        *(stack_key(item.name) for item in fields(Settings)),
    ]
    given = [key for key in keys if key.startswith(f"{NAMESPACE}:") and key not in ours]
    return [said for key in given for said in _mistake(key, ours, list(entries))]


def _mistake(key: str, ours: list[str], entries: list[str]) -> Iterator[str]:
    bare = {_bare(name): name for name in ours}
    name = key.partition(":")[2]
    parts = [_part(found) for found in _PART.finditer(name)]
    head = _near(str(parts[0]), bare) if parts else None
    root = head if head in (KEY, DEFAULTS) else None
    if len(parts) > 1 and (root or parts[0] in entries):
        yield f"{key}: {_as_path(key, parts[1:] if root else parts, root or KEY)}"
    elif near := _near(name, bare):
        yield f"{key}: is not known; did you mean '{near}'?"


def _near(name: str, bare: dict[str, str]) -> str | None:
    near = difflib.get_close_matches(_bare(name), bare, n=1, cutoff=_ALIKE)
    return bare[near[0]] if near else None


def _bare(key: str) -> str:
    return re.sub(r"[-_]", "", key.rpartition(":")[2]).lower()


def _part(found: re.Match[str]) -> str | int:
    name, quote, inside = found.groups()
    return int(inside) if inside and not quote and inside.isdecimal() else name or inside


def _as_path(key: str, parts: list[str | int], root: str) -> str:
    """Say how to set what was meant, which the name of a key does not reach."""
    entry, *keys = parts
    if keys[:1] in (["configuration"], ["provider_data"]) and keys[1:]:
        keys = [keys[0], ".".join(map(str, keys[1:]))]  # its keys have dots of their own
    secret = keys[:1] in (["code"], ["provider_data"]) or any(looks_secret(str(k)) for k in keys)
    wanted = ["pulumi", "config", "set", "--path", setting_path(str(entry), *keys, root=root)]
    if secret:
        wanted.insert(3, "--secret")
    else:
        wanted.append("VALUE")
    return (
        "is a key of its own, which nobody reads, because it was set without --path, or by "
        f"--config: run {shlex.join(['pulumi', 'config', 'rm', key])}, then {shlex.join(wanted)}"
    )
