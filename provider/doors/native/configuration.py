"""The provider's own settings: the stack's `config`, or the arguments of an explicit `Provider`."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from pulumi.runtime.rpc import wrap_rpc_secret

from ... import config
from ...api.errors import ConfigError, did_you_mean
from ...config import NAMESPACE, Settings, environment_name
from ...instance.gaps import is_unknown
from ...instance.runs import SHARD
from ..names import camel

if TYPE_CHECKING:
    from collections.abc import Mapping

PLACE = {
    "organization": (
        "Pulumi organization of the stack, for the tags by which instances are found again: no "
        "engine tells it to a provider. Needed where two organizations have stacks of one project "
        "and name in one account."
    ),
    "owner": (
        "Tells stacks of equal names on separate backends apart, in the tags by which instances "
        "are found again."
    ),
}
"""Settings that only a native provider has to be told, with their meaning."""
_SETTINGS = {camel(item.name): item for item in fields(Settings)}
_ENGINES = ("version", "pluginDownloadURL", "pluginChecksums", "parameterization")


@dataclass(frozen=True, repr=False)
class Arguments:
    """What the engine hands over of settings.

    Args:
        values: Plain values by their names; unknowns in a preview.
        explicit: They are the arguments of a `Provider` in the program, which go before the
            environment: two accounts in one program must not become one. Those of the stack's
            configuration come after it, as with the dynamic provider.
    """

    values: Mapping[str, Any]
    explicit: bool

    @classmethod
    def of(cls, urn: str, values: Mapping[str, Any]) -> Arguments:
        """Return what a request hands over; the engine calls its own provider `default…`."""
        name = urn.rpartition("::")[2]
        return cls(values, explicit=bool(name) and not name.startswith("default"))

    def get(self, key: str) -> str | None:
        """Return a setting as text by its stack key, or None."""
        return self.text(key.removeprefix(f"{NAMESPACE}:"))

    def text(self, name: str) -> str | None:
        """Return a setting as text by its name, or None."""
        value = self.values.get(name)
        if value is None or is_unknown(value):
            return None
        if isinstance(value, bool):
            return str(value).lower()
        return f"{value:g}" if isinstance(value, float) else str(value)

    @property
    def environment(self) -> dict[str, str]:
        """The environment, without what an explicit provider's arguments say otherwise."""
        said = {environment_name(item.name) for name, item in _SETTINGS.items() if self.text(name)}
        return {
            name: value
            for name, value in os.environ.items()
            if not (self.explicit and name in said)
        }

    def problems(self) -> list[str]:
        """Return everything wrong with them, each in one sentence; never a value."""
        found = []
        if self.text("shards") or os.environ.get(SHARD):
            found.append(f"{NAMESPACE}:shards: the native provider has no shards: take it out")
        if self.explicit:
            known = [*_SETTINGS, *PLACE]
            found += [
                f"{name}: is no setting of this provider{did_you_mean(name, known)}"
                for name in self.values
                if name not in (*known, *_ENGINES) and not name.startswith("__")
            ]
        if not is_unknown(dict(self.values)):
            try:
                config.load(self.environment, self.get)
            except ConfigError as error:
                text = str(error)
                found.append(text.replace(f"{NAMESPACE}:", "") if self.explicit else text)
        return found

    def kept(self) -> dict[str, Any]:
        """Return what the state may hold of them, secrets marked.

        `cloud-elements:instances`, which the stack program reads, is no setting.
        """
        kept = {
            name: value
            for name, value in self.values.items()
            if name in (*_SETTINGS, *PLACE, *_ENGINES) or name.startswith("__")
        }
        return {
            name: wrap_rpc_secret(value)
            if name in _SETTINGS and _SETTINGS[name].metadata["secret"] and not is_unknown(value)
            else value
            for name, value in kept.items()
        }
