"""What an instance on the platform holds: values that can be read, and secrets that can't be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..api.errors import CloudElementsError
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
        from ..instance.holdings import chosen  # noqa: PLC0415

        return chosen(instance, self.element(instance.element.key or ""))

    def element(self, key: str) -> wire.Element | None:
        """Return an element's metadata; without them, more counts as secret."""
        if key not in self._metadata:
            try:
                self._metadata[key] = self.client.get_element(key)
            except CloudElementsError:
                say(f"Element '{shown(key)}' can't be looked up, so its defaults count as chosen.")
                self._metadata[key] = None
        return self._metadata[key]
