"""The provider's server alone, driven over gRPC as the engine drives it, without the engine."""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import grpc
import httpx
from google.protobuf import empty_pb2, struct_pb2
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2, provider_pb2_grpc

from provider.instance.markers import MARKERS, markers
from provider.lifecycle import ElementInstanceProvider
from tools.pulumi_project import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.bare import SleepingProvider
    from benchmarks.standin import Platform

BURST = 64
WORK = 0.1
URN = "urn:pulumi:dev::bench::pulumi-python:dynamic/cloud-elements:ElementInstance::bench"


class _Engine(engine_pb2_grpc.EngineServicer):
    """An engine that takes whatever is logged."""

    def Log(self, _request, _context):  # noqa: N802 - the protocol's name
        return empty_pb2.Empty()


class Server:
    """A server in a process of its own, and the engine that it logs to."""

    def __init__(self, *module: str, environment: dict[str, str] | None = None) -> None:
        self._engine = grpc.server(ThreadPoolExecutor(4))
        engine_pb2_grpc.add_EngineServicer_to_server(_Engine(), self._engine)
        address = f"127.0.0.1:{self._engine.add_insecure_port('127.0.0.1:0')}"
        self._engine.start()
        self._process = subprocess.Popen(
            [sys.executable, "-u", "-m", *module, address],
            cwd=ROOT,
            env=os.environ | (environment or {}) | {"PULUMI_PROJECT": "bench"},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        port = self._process.stdout.readline().strip()
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.stub = provider_pb2_grpc.ResourceProviderStub(self._channel)
        self.stub.Configure(provider_pb2.ConfigureRequest(args=struct_pb2.Struct()), timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()
        self._process.kill()
        self._process.communicate()
        self._engine.stop(0).wait()

    def cpu(self) -> float:
        """Return the seconds of processor that the server has used."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def bag(provider: str, values: dict[str, Any]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(values | {"__provider": provider})
    return struct


def burst(method: Any, requests: list[Any]) -> float:
    """Send all at once; return the seconds until the last answer."""
    start = time.perf_counter()
    calls = [method.future(request, timeout=120) for request in requests]
    for call in calls:
        call.result()
    return time.perf_counter() - start


def sleeping(provider: type[SleepingProvider], *, warm: bool) -> float:
    """Return the seconds of 64 sleeping operations at once.

    Args:
        provider: Which server.
        warm: A call went before, as in `up`; else the burst is the first call, as in `destroy`.
    """
    text = serialize_provider(provider())
    with Server("pulumi.dynamic") as server:
        create = provider_pb2.CreateRequest(urn=URN, properties=bag(text, {}))
        delete = provider_pb2.DeleteRequest(urn=URN, id="1", properties=bag(text, {}))
        if warm:
            server.stub.Create(create)
            return burst(server.stub.Create, [create] * BURST)
        return burst(server.stub.Delete, [delete] * BURST)


def asynchronous() -> float:
    """Return the seconds of the same 64 in a bare servicer on grpc.aio: what gRPC can do here."""
    with Server("benchmarks.servers") as server:
        create = provider_pb2.CreateRequest(urn=URN, properties=bag("", {}))
        server.stub.Create(create)
        return burst(server.stub.Create, [create] * BURST)


class _Servicer(provider_pb2_grpc.ResourceProviderServicer):
    async def Configure(self, _request, _context):  # noqa: N802
        return provider_pb2.ConfigureResponse()

    async def Create(self, request, _context):  # noqa: N802
        await asyncio.sleep(WORK)
        return provider_pb2.CreateResponse(id="1", properties=request.properties)


async def _serve() -> None:
    server = grpc.aio.server()
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(_Servicer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()


def inputs(platform: Platform, number: int) -> dict[str, Any]:
    """Return checked inputs, as a create gets them."""
    body = platform.body(number)
    place = markers(organization="o", project="bench", stack="dev", place=body["name"])
    return {
        "element_key": body["element"]["key"],
        "name": body["name"],
        "code": body["providerData"]["code"],
        "configuration": body["configuration"],
        "tags": body["tags"],
        MARKERS: place.tags,
    }


class Real:
    """Our own provider in its server, against a sandbox."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.text = serialize_provider(ElementInstanceProvider())
        self.server = Server("pulumi.dynamic", environment=platform.environment)
        self._made = 0

    def __enter__(self) -> Self:
        news = bag(self.text, inputs(self.platform, 0))
        self.server.stub.Check(provider_pb2.CheckRequest(urn=URN, news=news))
        return self

    def __exit__(self, *_: object) -> None:
        self.server.__exit__()

    def creates(self, count: int) -> list[Any]:
        """Return requests for `count` new instances."""
        self._made += count
        return [
            provider_pb2.CreateRequest(
                urn=URN, properties=bag(self.text, inputs(self.platform, self._made + number))
            )
            for number in range(count)
        ]


def real_burst(platform: Platform) -> float:
    """Return the seconds of 64 real creates at once."""
    with Real(platform) as real:
        real.server.stub.Create(real.creates(1)[0])
        return burst(real.server.stub.Create, real.creates(BURST))


def raw_burst(platform: Platform) -> float:
    """Return the seconds of the same 64 requests by httpx alone."""
    limits = httpx.Limits(max_connections=BURST, max_keepalive_connections=BURST)
    with (
        httpx.Client(
            base_url=platform.base_url, headers=platform.headers, limits=limits, timeout=60
        ) as client,
        ThreadPoolExecutor(BURST) as pool,
    ):
        client.post("/instances", json=platform.body()).raise_for_status()
        bodies = [platform.body(number) for number in range(BURST)]
        start = time.perf_counter()
        for answer in pool.map(lambda body: client.post("/instances", json=body), bodies):
            answer.raise_for_status()
        return time.perf_counter() - start


def per_operation(platform: Platform, count: int) -> dict[str, dict[str, float]]:
    """Return milliseconds of each operation, one at a time: raw, ours, and our processor time."""
    found: dict[str, dict[str, float]] = {}
    with (
        httpx.Client(base_url=platform.base_url, headers=platform.headers, timeout=60) as client,
        Real(platform) as real,
    ):
        stub = real.server.stub
        bodies = [platform.body(number) for number in range(count)]
        raw_ids: list[str] = []
        made: list[Any] = []

        def raw_create(number: int) -> None:
            raw_ids.append(client.post("/instances", json=bodies[number]).json()["id"])

        creates = real.creates(count)

        def create(number: int) -> None:
            made.append(stub.Create(creates[number]))

        news = [bag(real.text, inputs(platform, number)) for number in range(count)]

        def check(number: int) -> None:
            stub.Check(provider_pb2.CheckRequest(urn=URN, news=news[number]))

        def diff(number: int) -> None:
            request = creates[number].properties
            stub.Diff(
                provider_pb2.DiffRequest(
                    urn=URN,
                    id=made[number].id,
                    olds=made[number].properties,
                    old_inputs=request,
                    news=request,
                )
            )

        def raw_read(number: int) -> None:
            client.get(f"/instances/{raw_ids[number]}").raise_for_status()

        def read(number: int) -> None:
            stub.Read(
                provider_pb2.ReadRequest(
                    urn=URN,
                    id=made[number].id,
                    inputs=creates[number].properties,
                    properties=made[number].properties,
                )
            )

        def raw_delete(number: int) -> None:
            client.delete(f"/instances/{raw_ids[number]}").raise_for_status()

        def delete(number: int) -> None:
            stub.Delete(
                provider_pb2.DeleteRequest(
                    urn=URN, id=made[number].id, properties=made[number].properties
                )
            )

        pairs: list[tuple[str, Callable[[int], None] | None, Callable[[int], None]]] = [
            ("check", None, check),
            ("create", raw_create, create),
            ("diff", None, diff),
            ("read", raw_read, read),
            ("delete", raw_delete, delete),
        ]
        for name, raw, ours in pairs:
            raws, own = [], []
            before = real.server.cpu()
            for number in range(count):  # in turns, so that both meet the same noise
                if raw:
                    raws.append(_timed(raw, number))
                own.append(_timed(ours, number))
            found[name] = {
                "raw": statistics.median(raws) * 1000 if raws else 0.0,
                "ours": statistics.median(own) * 1000,
                "cpu": (real.server.cpu() - before) / count * 1000,
            }
    return found


def _timed(call: Callable[[int], None], number: int) -> float:
    start = time.perf_counter()
    call(number)
    return time.perf_counter() - start


if __name__ == "__main__":
    asyncio.run(_serve())
