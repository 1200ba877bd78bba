"""A throw-away Pulumi project: this one, or another program, with a state of its own.

Everything lies in one temporary folder, and `close` leaves nothing of it: no file, no process.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tools.engine import Engine

ROOT = Path(__file__).parents[1]
LINKED = ("provider", "pulumi_cloud_elements.py", ".venv")
COPIED = ("Pulumi.yaml", "__main__.py", "stacks")
PATIENCE = 10.0  # seconds that an interrupted engine gets to end what it is at


class CommandFailedError(Exception):
    """The engine ended with another exit code than expected; the message holds all it said."""


@dataclass(frozen=True)
class Result:
    """How a command of the engine ended."""

    stdout: str
    stderr: str
    code: int


class Project:
    """A copy of this project in a temporary folder, with a file backend and one stack at a time.

    Args:
        engine: The Pulumi CLI to run.
        program: The text of another `__main__.py` instead of the project's own.
        manifest: The text of another `Pulumi.yaml`.
        environment: Variables for the engine and all that it starts, such as CLOUD_ELEMENTS_*.
            None of the caller's own CLOUD_ELEMENTS_* and PULUMI_* variables are passed on.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        program: str | None = None,
        manifest: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.engine = engine
        self.stack = ""
        self.home = Path(tempfile.mkdtemp(prefix="cloud-elements-"))
        self.folder = self.home / "project"
        """The project's folder, in which every command runs."""
        self.folder.mkdir()
        (self.home / "state").mkdir()
        for name in LINKED:
            (self.folder / name).symlink_to(ROOT / name)
        for name in COPIED:
            _copy(ROOT / name, self.folder / name)
        if program is not None:
            self.write_program(program)
        if manifest is not None:
            (self.folder / "Pulumi.yaml").write_text(manifest)
        self.env = {
            name: value
            for name, value in engine.env.items()
            if not name.startswith(("CLOUD_ELEMENTS_", "PULUMI_"))
        }
        self.env |= {
            "PULUMI_BACKEND_URL": f"file://{self.home}/state",
            "PULUMI_CONFIG_PASSPHRASE": "throw-away",
            "PULUMI_HOME": f"{self.home}/pulumi",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "NO_COLOR": "1",
            **(environment or {}),
        }
        self._said: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End every process that was started for this project, and remove its folder."""
        self.end()
        shutil.rmtree(self.home, ignore_errors=True)

    def end(self) -> None:
        """End every process that was started for this project."""
        while running := self.processes():  # a process lives on for a moment after its signal
            for process in running:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)

    def processes(self) -> list[int]:
        """Return the ids of the processes that run for this project (empty where /proc is not)."""
        return processes_with(f"PULUMI_HOME={self.env['PULUMI_HOME']}")

    def write_program(self, text: str) -> None:
        """Replace `__main__.py`."""
        (self.folder / "__main__.py").write_text(text)

    def stack_file(self, stack: str | None = None) -> Path:
        """Return the path of a stack's configuration file; the current stack's by default."""
        return self.folder / "stacks" / f"Pulumi.{stack or self.stack}.yaml"

    def init(self, stack: str = "test") -> None:
        """Create a stack and make it the current one."""
        self.run("stack", "init", stack)
        self.stack = stack

    def select(self, stack: str) -> None:
        """Make another stack the current one."""
        self.run("stack", "select", stack)
        self.stack = stack

    def config_set(
        self, key: str, value: str, *, secret: bool = False, path: bool = False
    ) -> Result:
        """Set a value of the stack's configuration; it travels over standard input."""
        flags = ["--secret" if secret else "--plaintext", *(["--path"] if path else [])]
        return self.run("config", "set", *flags, key, stdin=value)

    def up(self, *arguments: str, expect: int | None = 0) -> Result:
        """Run `pulumi up` without its preview."""
        return self.run("up", "--yes", "--skip-preview", *arguments, expect=expect)

    def preview(self, *arguments: str, expect: int | None = 0) -> Result:
        """Run `pulumi preview`."""
        return self.run("preview", *arguments, expect=expect)

    def refresh(self, *arguments: str, expect: int | None = 0) -> Result:
        """Run `pulumi refresh` without its preview."""
        return self.run("refresh", "--yes", "--skip-preview", *arguments, expect=expect)

    def destroy(self, *arguments: str, expect: int | None = 0) -> Result:
        """Run `pulumi destroy` without its preview."""
        return self.run("destroy", "--yes", "--skip-preview", *arguments, expect=expect)

    def export_text(self) -> str:
        """Return the stack's state as text, secrets encrypted."""
        return self.run("stack", "export").stdout

    def export(self) -> dict[str, Any]:
        """Return the stack's state, secrets encrypted."""
        state: dict[str, Any] = json.loads(self.export_text())
        return state

    def outputs(self, *, show_secrets: bool = False) -> dict[str, Any]:
        """Return the stack's outputs; what is said with `show_secrets` is not kept."""
        flags = ["--show-secrets"] if show_secrets else []
        result = self.run("stack", "output", "--json", *flags, keep=not show_secrets)
        outputs: dict[str, Any] = json.loads(result.stdout)
        return outputs

    def hear(self, said: str) -> None:
        """Have `everything_said` repeat what another program said."""
        self._said.append(said)

    def everything_said(self) -> str:
        """Return all console output so far, and all text in the state, logs and stack files."""
        files = [
            path.read_text(errors="replace")
            for folder in (self.home / "state", self.home / "pulumi", self.folder / "stacks")
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        ]
        return "\n".join([*self._said, *files])

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """Start the engine with pipes and a process group of its own; the caller ends it."""
        return subprocess.Popen(
            [self.engine.path, *arguments],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,  # so that Ctrl-C at a terminal reaches it through us alone
            text=True,
            **options,
        )

    def run(
        self,
        *arguments: str,
        stdin: str = "",
        expect: int | None = 0,
        keep: bool = True,
        timeout: float = 240.0,
    ) -> Result:
        """Run the engine to its end.

        Args:
            arguments: Command line after `pulumi`.
            stdin: Text for standard input, such as a secret.
            expect: The exit code it must end with; None takes any.
            keep: Whether `everything_said` repeats the output.
            timeout: Seconds until the engine is interrupted.

        Raises:
            CommandFailedError: The exit code is another one.
        """
        with self.start(*arguments) as process:
            try:
                stdout, stderr = process.communicate(stdin, timeout)
            except BaseException:
                _interrupt(process)
                raise
        if keep:
            self._said += [stdout, stderr]
        if expect is not None and process.returncode != expect:
            command = " ".join(("pulumi", *arguments))
            message = f"{command} ended with {process.returncode}:\n{stdout}\n{stderr}"
            raise CommandFailedError(message)
        return Result(stdout, stderr, process.returncode)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.exists():
        shutil.copy(source, target)


def _interrupt(process: subprocess.Popen[str]) -> None:
    """End the engine: once asks it to finish what runs, twice to stop, then it is killed."""
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            continue
        return
    process.kill()


def processes_with(variable: str) -> list[int]:
    """Return the ids of the processes with that `NAME=value` in their environment.

    It is empty where there is no /proc.
    """
    found = []
    wanted = f"\0{variable}\0".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
        except OSError:  # it ended meanwhile, or is another user's
            continue
        if wanted in b"\0" + environment:
            found.append(int(folder.name))
    return found
