"""What an element instance costs without us: the same inputs and outputs, no HTTP, no thought.

It is copied beside a throw-away project's program, so that it is pickled by reference as ours is.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import (
    CheckResult,
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    ResourceProvider,
    UpdateResult,
)

if TYPE_CHECKING:
    from pulumi.dynamic import ConfigureRequest

COMPUTED = ("instance_id", "element_token", "element_name", "valid", "disabled")


class BareProvider(ResourceProvider):
    """Answers every call at once; creates give the outputs that lie in `outputs.json`."""

    serialize_as_secret_always = False
    _outputs: dict[str, Any]

    def configure(self, _req: ConfigureRequest) -> None:
        self._outputs = json.loads(Path("outputs.json").read_text())

    def check(self, _olds, news):
        return CheckResult(news, [])

    def diff(self, _id, _olds, _news):
        return DiffResult(changes=False)

    def create(self, props):
        inputs = {key: value for key, value in props.items() if key != "code"}
        return CreateResult(props["name"], inputs | self._outputs)

    def read(self, id_, props):
        return ReadResult(id_, dict(props))

    def update(self, _id, _olds, news):
        return UpdateResult(news)

    def delete(self, _id, _props):
        return


class SleepingProvider(ResourceProvider):
    """Takes a tenth of a second for every create and delete: what a server can hold at once."""

    serialize_as_secret_always = False
    workers = 0

    def configure(self, _req: ConfigureRequest) -> None:
        if self.workers:
            from provider.doors import dynamic  # noqa: PLC0415 - the stock server does without

            dynamic.widen(self.workers)

    def create(self, props):
        time.sleep(0.1)
        return CreateResult("1", dict(props))

    def delete(self, _id, _props):
        time.sleep(0.1)


class WidenedProvider(SleepingProvider):
    """The same in a server of as many workers as ours has by default."""

    workers = 68


class Bare(Resource, module="bare", name="Bare"):
    """An element instance in shape alone."""

    def __init__(self, name: str, inputs: dict[str, Any]) -> None:
        opts = pulumi.ResourceOptions(additional_secret_outputs=["element_token", "configuration"])
        super().__init__(BareProvider(), name, inputs | dict.fromkeys(COMPUTED), opts)
