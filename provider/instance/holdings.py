"""What an instance holds that is somebody's choice: what an export or an import makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..api import wire
from ..api.redaction import MASK, is_platform_written, is_secret_key
from .metadata import plain_keys, required_keys

if TYPE_CHECKING:
    from ..api.wire import ConfigurationEntry, Element, Instance


def chosen(instance: Instance, element: Element | None) -> tuple[dict[str, str], list[str]]:
    """Return what of an instance's configuration is somebody's choice, and its secret keys.

    Without its element's metadata, more counts as chosen and as secret.
    """
    entries = {entry.key: entry for entry in element.configuration} if element else {}
    known_plain = plain_keys(element)
    plain: dict[str, str] = {}
    secrets: list[str] = []
    held = instance.held or {}
    required = {entry.key for entry in required_keys(element, held)} if element else set()
    for key, value in held.items():
        if is_platform_written(key) or _by_default(entries.get(key), value):
            continue
        if value and value != MASK and not is_secret_key(key, known_plain):
            plain[key] = value
        elif value:
            secrets.append(key)
    # One that is told to be unset is not needed: such as the callback URL of an instance that
    # was created from a refresh token.
    secrets += [key for key in required if key not in held and key not in secrets]
    return dict(sorted(plain.items())), sorted(secrets)


def _by_default(entry: ConfigurationEntry | None, value: str | None) -> bool:
    """Tell whether a value is nobody's choice: the element's default, or written at run time."""
    if not value:
        return True
    if entry is None:
        return False
    if wire.same_value(value, entry.default_value):
        return True
    # docs: hidden entries without a default are filled in at run time (87 exports, 2021-04).
    return entry.internal or (entry.hide_from_console and entry.default_value in (None, ""))
