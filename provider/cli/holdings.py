"""What an instance on the platform holds: values that can be read, and secrets that can't be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .console import say, shown

if TYPE_CHECKING:
    from ..api import wire
    from ..api.client import CloudElementsClient


@dataclass
class Holdings:
    """Tells what instances hold; looks each element up once.

    Args:
        client: The platform.
    """

    client: CloudElementsClient
    _metadata: dict[str, wire.Element | None] = field(default_factory=dict)

    def of(self, instance: wire.Instance) -> tuple[dict[str, str], list[str]]:
        """Return what of an instance's configuration is somebody's choice, and its secret keys."""
        from ..api.redaction import (  # noqa: PLC0415
            MASK,
            is_platform_written,
            is_secret_key,
        )
        from ..instance.metadata import plain_keys, required_keys  # noqa: PLC0415

        element = self.element(instance.element.key or "")
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

    def element(self, key: str) -> wire.Element | None:
        """Return an element's metadata; without them, more counts as secret."""
        from ..api.errors import CloudElementsError  # noqa: PLC0415

        if key not in self._metadata:
            try:
                self._metadata[key] = self.client.get_element(key)
            except CloudElementsError:
                say(f"Element '{shown(key)}' can't be looked up, so its defaults count as chosen.")
                self._metadata[key] = None
        return self._metadata[key]


def _by_default(entry: wire.ConfigurationEntry | None, value: str | None) -> bool:
    """Tell whether a value is nobody's choice: the element's default, or written at run time."""
    from ..api import wire  # noqa: PLC0415

    if not value:
        return True
    if entry is None:
        return False
    if wire.same_value(value, entry.default_value):
        return True
    # docs: hidden entries without a default are filled in at run time (87 exports, 2021-04).
    return entry.internal or (entry.hide_from_console and entry.default_value in (None, ""))
