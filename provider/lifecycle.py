"""The name by which the state of every stack finds the provider again.

In each resource's state stands `pulumi_cloud_elements:PROVIDER`, which is the same text from the
package and from a clone; states of earlier builds have this module's path in the clone and the
class's name. Never move or rename any of them. For the same reason the class holds nothing that
would be pickled.

A Pulumi program imports this module for that name alone, so what does the work is imported late,
inside the server.
"""

from __future__ import annotations

import pkgutil
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pulumi.dynamic import ResourceProvider

if TYPE_CHECKING:
    from pulumi.dynamic import (
        CheckResult,
        ConfigureRequest,
        CreateResult,
        DiffResult,
        ReadResult,
        UpdateResult,
    )

    from .doors.dynamic import Door


class ElementInstanceProvider(ResourceProvider):
    """The dynamic provider of `ElementInstance`; see `provider.doors.dynamic`."""

    serialize_as_secret_always = False
    """Nothing is captured, so what is serialized is a reference to a name and no secret."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Have a state refer to the provider by one name, wherever this code lies."""
        return pkgutil.resolve_name, ("pulumi_cloud_elements:PROVIDER",)

    @cached_property
    def door(self) -> Door:
        """What does the work."""
        from .doors.loading import lean  # noqa: PLC0415

        with lean():
            from .doors.dynamic import Door  # noqa: PLC0415

        return Door()

    def configure(self, req: ConfigureRequest) -> None:  # noqa: D102
        self.door.configure(req)

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:  # noqa: D102
        return self.door.check(_olds, news)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:  # noqa: D102
        return self.door.diff(_id, _olds, _news)

    def create(self, props: dict[str, Any]) -> CreateResult:  # noqa: D102
        return self.door.create(props)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:  # noqa: D102
        return self.door.read(id_, props)

    def update(  # noqa: D102
        self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]
    ) -> UpdateResult:
        return self.door.update(_id, _olds, _news)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:  # noqa: D102
        self.door.delete(_id, _props)


PROVIDER = ElementInstanceProvider()
"""What a state refers to."""
