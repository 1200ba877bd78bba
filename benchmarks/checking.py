"""What check and diff of an instance cost the server's processor: `python -m benchmarks.checking`.

It is what an `up` with nothing to change asks of the provider. Pulumi's own servicer runs in this
process, once with our provider and once with one that gives back what it got, so that what the SDK
and gRPC's messages take by themselves is seen beside what is ours.
"""

from __future__ import annotations

import ast
import gc
import os
import sys
import tempfile
import time
import types
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf import json_format, struct_pb2
from pulumi.dynamic import CheckResult, CreateResult, DiffResult, ResourceProvider
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime.proto import provider_pb2

from benchmarks.figures import table
from benchmarks.servers import URN, bag
from provider.instance.markers import MARKERS, markers
from provider.lifecycle import ElementInstanceProvider
from sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable

INSTANCES = 20
ROUNDS = 40
_SECRET = "4dabf18193072939515e22adb298388d"
"""Key of the SDK by which it marks a secret; the engine takes such marks away."""


class _Unchanged(ResourceProvider):
    """Gives back what it got."""

    serialize_as_secret_always = False

    def check(self, _olds, news):
        return CheckResult(news, [])

    def diff(self, _id, _olds, _news):
        return DiffResult(changes=False)

    def create(self, props):
        return CreateResult("1", props)


class _Context(grpc.ServicerContext):
    """A call that somebody waits for."""

    def is_active(self):
        return True


_Context.__abstractmethods__ = frozenset()  # type: ignore[attr-defined]


def servicer() -> Any:
    """Return the servicer of the SDK, whose module would serve for ever when imported."""
    spec = find_spec("pulumi.dynamic.__main__")
    assert spec
    assert spec.origin
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    tree.body = [node for node in tree.body if not isinstance(node, ast.Expr | ast.If)]
    module = types.ModuleType("pulumi_dynamic_server")
    exec(compile(tree, spec.origin, "exec"), module.__dict__)
    return module.DynamicResourceProviderServicer()


def _inputs(number: int) -> dict[str, Any]:
    place = markers(organization="o", project="bench", stack="dev", place=str(number))
    return {
        "element_key": "freshservice",
        "name": f"desk {number}",
        "tags": ["billing", "europe"],
        "configuration": {
            "subdomain": "acme",
            "username": "user",
            "password": "hidden",
            "event.poller.refresh_interval": 30.0,
            "event.metadata": {"objects": ["agents", "users"]},
        },
        MARKERS: place.tags,
    }


def plain(value: Any) -> Any:
    """Return properties as the engine hands them over: without marks of secrets."""
    if isinstance(value, dict):
        return (
            plain(value["value"]) if _SECRET in value else {k: plain(v) for k, v in value.items()}
        )
    return [plain(one) for one in value] if isinstance(value, list) else value


def _as_engine(struct: struct_pb2.Struct) -> struct_pb2.Struct:
    found = struct_pb2.Struct()
    found.update(plain(json_format.MessageToDict(struct)))
    return found


class Measured:
    """A provider in the SDK's servicer, with instances in the state."""

    def __init__(self, provider: ResourceProvider, settings: dict[str, Any]) -> None:
        self._servicer, self._context = servicer(), _Context()
        args = struct_pb2.Struct()
        args.update(settings)
        self._servicer.Configure(provider_pb2.ConfigureRequest(args=args), self._context)
        text = serialize_provider(provider)
        self.checks: list[Any] = []
        self.diffs: list[Any] = []
        for number in range(INSTANCES):
            urn = f"{URN}{number}"
            news = bag(text, _inputs(number))
            check = provider_pb2.CheckRequest(urn=urn, news=news)
            checked = _as_engine(self._servicer.Check(check, self._context).inputs)
            create = provider_pb2.CreateRequest(urn=urn, properties=checked)
            created = self._servicer.Create(create, self._context)
            self.checks.append(provider_pb2.CheckRequest(urn=urn, olds=checked, news=news))
            self.diffs.append(
                provider_pb2.DiffRequest(
                    urn=urn,
                    id=created.id,
                    olds=_as_engine(created.properties),
                    news=checked,
                    old_inputs=checked,
                )
            )

    def check(self) -> None:
        """Check every instance."""
        for request in self.checks:
            self._servicer.Check(request, self._context)

    def diff(self) -> None:
        """Compare every instance."""
        for request in self.diffs:
            answer = self._servicer.Diff(request, self._context)
            assert answer.changes == provider_pb2.DiffResponse.DIFF_NONE


def _times(*calls: Callable[[], None]) -> list[float]:
    """Return the least milliseconds of processor that each call takes an instance, in turns."""
    best = [float("inf")] * len(calls)
    for _ in range(ROUNDS):
        for index, call in enumerate(calls):
            gc.collect()
            start = time.process_time()
            call()
            best[index] = min(best[index], (time.process_time() - start) / INSTANCES * 1000)
    return best


def measured() -> dict[str, tuple[float, float]]:
    """Return milliseconds of processor for each instance: ours, and the bare servicer's."""
    sys.argv = [sys.argv[0], "none"]  # no engine's address
    with Sandbox() as sandbox, tempfile.TemporaryDirectory() as home:
        os.environ |= {
            "PULUMI_HOME": home,
            "CLOUD_ELEMENTS_USER_SECRET": sandbox.user_secret,
            "CLOUD_ELEMENTS_ORGANIZATION_SECRET": sandbox.organization_secret,
        }
        settings = {"cloud-elements:baseUrl": sandbox.base_url}
        ours, bare = Measured(ElementInstanceProvider(), settings), Measured(_Unchanged(), {})
        check, bare_check, diff, bare_diff = _times(ours.check, bare.check, ours.diff, bare.diff)
    return {
        "check": (check, bare_check),
        "diff": (diff, bare_diff),
        "both": (check + diff, bare_check + bare_diff),
    }


def main() -> int:
    """Print the table."""
    rows = [
        [name, f"{ours:.2f} ms", f"{bare:.2f} ms", f"{ours / bare:.2f}"]
        for name, (ours, bare) in measured().items()
    ]
    print(table(["processor time", "ours", "bare servicer", "ratio"], rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
