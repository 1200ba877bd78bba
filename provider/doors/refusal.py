"""What an engine is answered when something failed, whichever door it came through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
from pulumi.runtime.proto import provider_pb2, status_pb2

from ..instance.host import AwaitingError, HalfMadeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..api.errors import CloudElementsError


def tell(
    context: grpc.ServicerContext,
    error: CloudElementsError,
    message: str,
    struct: Callable[[dict[str, Any]], Any],
) -> None:
    """Put an error into the trailers of a call, as gRPC's standard rich status.

    The engine shows the message; an instance that must be kept comes along, and `struct` makes a
    message of its outputs.
    """
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=message)
    if isinstance(error, HalfMadeError):
        detail = provider_pb2.ErrorResourceInitFailed(
            id=error.instance_id, properties=struct(error.outputs), reasons=[message]
        )
        status.details.add().Pack(detail)
    elif isinstance(error, AwaitingError):
        # Older SDKs don't have this empty message.
        status.details.add(type_url="type.googleapis.com/pulumirpc.ErrorResourceAwaitFailed")
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
