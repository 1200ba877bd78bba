"""Whole commands of the real engine, timed: ours, and the bare resource of the same shape."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from provider.cli.state import in_clear
from tools.pulumi_project import Project, processes_with

if TYPE_CHECKING:
    from benchmarks.standin import Platform
    from tools.engine import Engine

OURS = """\
import json
from pathlib import Path

import pulumi

from provider import ElementInstance

for inputs in json.loads(Path("inputs.json").read_text()):
    configuration = dict(inputs["configuration"])
    configuration["oauth.api.secret"] = pulumi.Output.secret(configuration["oauth.api.secret"])
    ElementInstance(
        inputs["name"],
        inputs["element_key"],
        code=inputs["code"],
        configuration=configuration,
        tags=inputs["tags"],
    )
"""
BARE = """\
import json
from pathlib import Path

import pulumi

from bare import Bare

for inputs in json.loads(Path("inputs.json").read_text()):
    configuration = dict(inputs["configuration"])
    configuration["oauth.api.secret"] = pulumi.Output.secret(configuration["oauth.api.secret"])
    inputs |= {"configuration": configuration, "code": pulumi.Output.secret(inputs["code"])}
    Bare(inputs["name"], inputs)
"""
HIDDEN = "__"
INPUTS_ONLY = {"name", "element_key", "tags"}


@dataclass(frozen=True)
class Timed:
    """One command."""

    seconds: float
    memory: int
    """Peak resident memory of the provider's process, in bytes."""
    processor: float
    """Seconds of processor time, of the engine and all that it started."""


def run_elements(project: Project, *arguments: str) -> None:
    """Run a command of ours to its end in a project, on its stack."""
    path = f"{project.engine.path.parent}{os.pathsep}{project.env['PATH']}"
    subprocess.run(
        [sys.executable, "-m", "provider", *arguments, "--stack", project.stack],
        cwd=project.folder,
        env=project.env | {"PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )


class Stack:
    """A throw-away project with one stack of `count` instances, declared and not yet made.

    Args:
        engine: The engine.
        inputs: What the program declares.
        outputs: Outputs for the bare resource; without them the instances are ours.
        environment: Variables for the provider.
        name: The stack's. Two of one name on one platform would take each other's instances.
    """

    def __init__(
        self,
        engine: Engine,
        inputs: list[dict[str, Any]],
        *,
        outputs: dict[str, Any] | None = None,
        environment: dict[str, str] | None = None,
        name: str = "bench",
    ) -> None:
        program = OURS if outputs is None else BARE
        self.project = Project(engine, program=program, environment=environment)
        folder = self.project.folder
        self.prepare(inputs)
        if outputs is not None:
            (folder / "outputs.json").write_text(json.dumps(outputs))
            shutil.copy(Path(__file__).with_name("bare.py"), folder)
        self.project.init(name)
        self.parallel = 64

    def prepare(self, inputs: list[dict[str, Any]]) -> None:
        """Give the program what it declares."""
        (self.project.folder / "inputs.json").write_text(json.dumps(inputs))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.project.close()

    def up(self, *arguments: str) -> Timed:
        return self._timed("up", "--skip-preview", *arguments)

    def refresh(self) -> Timed:
        return self._timed("refresh", "--skip-preview")

    def destroy(self) -> Timed:
        return self._timed("destroy", "--skip-preview")

    def _timed(self, *arguments: str) -> Timed:
        with Memory(self.project) as memory:
            start, before = time.perf_counter(), processor()
            self.project.run(*arguments, "--yes", "--parallel", str(self.parallel), timeout=900)
            seconds = time.perf_counter() - start
        return Timed(seconds, memory.peak, processor() - before)

    def state_size(self) -> int:
        """Return the bytes of the state file."""
        states = (self.project.home / "state" / ".pulumi" / "stacks").rglob(
            f"{self.project.stack}.json"
        )
        return sum(path.stat().st_size for path in states)

    def outputs_of_first(self) -> dict[str, Any]:
        """Return the outputs of one instance as the bare resource should give them."""
        state = json.loads(self.project.run("stack", "export", "--show-secrets", keep=False).stdout)
        outputs = next(
            resource["outputs"]
            for resource in state["deployment"]["resources"]
            if "ElementInstance" in resource["type"]
        )
        return {
            key: in_clear(value)
            for key, value in outputs.items()
            if not key.startswith(HIDDEN) and key not in INPUTS_ONLY
        }


class Memory:
    """Watches the provider's process: its peak resident memory."""

    def __init__(self, project: Project) -> None:
        self._mark = f"PULUMI_HOME={project.env['PULUMI_HOME']}"
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.peak = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        process = None
        while not self._done.wait(0.2):
            process = process or self._find()
            if process is not None:
                self.peak = max(self.peak, _peak_memory(process))

    def _find(self) -> int | None:
        for process in processes_with(self._mark):
            try:
                command = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"pulumi.dynamic" in command and b"python" in command[0]:
                return process
        return None


def processor() -> float:
    """Return the processor time of all processes that we started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _peak_memory(process: int) -> int:
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    lines = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(lines[0].split()[1]) * 1024 if lines else 0


def declared(platform: Platform, count: int) -> list[dict[str, Any]]:
    """Return the inputs of `count` instances, each with a fresh code."""
    return list(platform.inputs(count))
