"""What a program wants of one instance, and how the platform is asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..api import wire
from . import diff, inputs
from . import state as stored
from .credentials import Credentials, credential_path, is_code
from .markers import Markers

if TYPE_CHECKING:
    from collections.abc import Collection

    from .inputs import Inputs, Properties
    from .state import Record

_CONFIGURATION = "configuration."


@dataclass(frozen=True, repr=False)
class Desired:
    """What a program wants of one instance.

    Args:
        inputs: Checked inputs, all known.
        properties: The part of them that is held against the platform.
        markers: The resource's marker tags; None for one that has none.
        credentials: What the inputs hold that can be spent once.
    """

    inputs: Inputs
    properties: Properties
    markers: Markers | None
    credentials: Credentials

    @classmethod
    def of(cls, given: Inputs) -> Desired:
        """Return what checked inputs ask for."""
        return cls(
            given,
            given.properties,
            Markers.of(given.markers),
            Credentials.of(given),
        )

    @property
    def managed(self) -> frozenset[str]:
        """The configuration keys that the program gives, but for those the platform rewrites."""
        return frozenset(self.properties.configuration)

    def create_request(self) -> dict[str, Any]:
        """Return the body of a create."""
        given = self.inputs
        request = wire.instance_request(
            element_key=given.element_key,
            name=given.name,
            tags=self.tags(self.credentials.marker),
            configuration=given.configuration,
            provider_data=self._provider_data(self.credentials.fingerprints),
            oauth_proxy=given.oauth_proxy,
        )
        return request | inputs.sent_as_they_are(given)

    @property
    def adoption_marker(self) -> list[str]:
        """The tag by which an adoption that was interrupted is found again.

        Adopted instances have no stack marker: whatever cleans up after a stack leaves them alone.
        """
        if self.markers is None or not self.inputs.adopt:
            return []
        return [self.markers.adoption(self.inputs.adopt)]

    def tags(
        self, credentials: list[str], *, adopted: bool = False, adoption: str = ""
    ) -> list[str] | None:
        """Return the tags to send: the program's and our markers.

        Without either they are left out, so that the platform adds its own.

        Args:
            credentials: The tag for those that authenticate it.
            adopted: Whether the instance is an adopted one.
            adoption: The tag that it has got as one, for when the program tells of none.
        """
        ours: list[str] = []
        if self.markers:
            ours = self.inputs.markers
            if adopted:
                ours = self.adoption_marker or list(filter(None, [adoption]))
            ours = [*ours, *credentials]
        return [*self.inputs.tags, *ours] or None

    def authentication(self, paths: Collection[str]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return provider data and configuration that hand in the credentials at `paths`."""
        keys = {path.removeprefix(_CONFIGURATION) for path in paths}
        configuration = {
            key: value for key, value in self.inputs.configuration.items() if key in keys
        }
        return self._provider_data(paths) if len(paths) > len(configuration) else {}, configuration

    def _provider_data(self, paths: Collection[str]) -> dict[str, Any]:
        """Return what hands in the credentials at `paths`; other codes are spent by now."""
        given = self.inputs
        code = {"code": given.code} if given.code and "code" in paths else {}
        others = {
            key: value
            for key, value in given.provider_data.items()
            if not is_code(path := credential_path(key)) or path in paths
        }
        return code | others

    def outputs(self, instance: wire.Instance, record: Record) -> dict[str, Any]:
        """Return a resource's outputs, secrets marked."""
        seen = diff.observed(instance, self.properties, record)
        return stored.outputs(self.inputs, instance, seen, record)
