"""A stand-in for `pulumi-language-python`, put beside an engine that was built without it.

Pulumi's engine asks a language host to run the program. The stock host ships in Pulumi's release
archive only; this one does the part that running a program or a provider's folder needs, on the
SDK's public stubs.
"""

# ruff: noqa: D102, E402, N802 - Pulumi's protocol names and describes the methods
from __future__ import annotations

import signal

# The engine ends its plugins with SIGINT: leave without a traceback, even while starting.
signal.signal(signal.SIGINT, signal.SIG_DFL)

import importlib.util
import json
import os
import subprocess
import sys
import threading
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

# The stubs alone: to import all of `pulumi` would cost every command of the engine a second.
sdk = importlib.util.find_spec("pulumi")
places = (sdk and sdk.submodule_search_locations) or ()
for name, folder in (("pulumi", ""), ("pulumi.runtime", "runtime")):
    package = sys.modules[name] = types.ModuleType(name)
    package.__path__ = [str(Path(place, folder)) for place in places]

try:
    import grpc
    from google.protobuf.empty_pb2 import Empty
    from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2
except ImportError as missing:
    sys.exit(f"no Python with Pulumi's SDK in .venv or on PATH ({missing}): run `make install`")

if TYPE_CHECKING:
    from collections.abc import Iterator

EXEC = Path(__file__).with_name("pulumi-language-python-exec")  # from Pulumi's own SDK module
ERROR_ALREADY_SHOWN = 32  # that script's exit code when the engine has the program's error
MAX_MESSAGE = 400 * 1024 * 1024  # bytes; the limit of Pulumi's own hosts


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Runs one program at a time; of packages and dependencies it knows nothing."""

    program: subprocess.Popen[bytes] | None = None
    cancelled = False

    def __init__(self, engine: str) -> None:
        self.engine = engine

    def GetPluginInfo(self, _request: Any, _context: Any) -> Any:
        return plugin_pb2.PluginInfo()

    def GetRequiredPackages(self, _request: Any, _context: Any) -> Any:
        return language_pb2.GetRequiredPackagesResponse()

    def GetProgramDependencies(self, _request: Any, _context: Any) -> Any:
        return language_pb2.GetProgramDependenciesResponse()

    def InstallDependencies(self, _request: Any, _context: Any) -> Iterator[Any]:
        message = b"The stand-in language host installs nothing: run `make install`.\n"
        yield language_pb2.InstallDependenciesResponse(stdout=message)

    def About(self, request: Any, _context: Any) -> Any:
        return language_pb2.AboutResponse(executable=str(environment(request.info) / "bin/python"))

    def Run(self, request: Any, _context: Any) -> Any:
        folder = environment(request.info)
        if not (folder / "bin/python").exists():
            message = f"There is no Python environment at {folder}: run `make install`."
            return language_pb2.RunResponse(error=message)
        variables = os.environ | {
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
            "VIRTUAL_ENV": str(folder),
            "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        }
        command = [str(folder / "bin/python"), "-u", str(EXEC), *arguments(request, self.engine)]
        self.program = subprocess.Popen(command, cwd=request.pwd, env=variables)
        code = self.program.wait()
        if self.cancelled or code == ERROR_ALREADY_SHOWN:
            return language_pb2.RunResponse(bail=True)
        error = f"Program exited with non-zero exit code: {code}" if code else ""
        return language_pb2.RunResponse(error=error)

    def RunPlugin(self, request: Any, context: Any) -> Iterator[Any]:
        info = request.info
        python = environment(info) / "bin/python"
        if not python.exists():
            message = (
                f"There is no Python environment at {environment(info)}: run `make install`.\n"
            )
            yield language_pb2.RunPluginResponse(stderr=message.encode())
            yield language_pb2.RunPluginResponse(exitcode=1)
            return
        process = subprocess.Popen(
            [python, "-u", str(Path(info.program_directory, info.entry_point)), *request.args],
            cwd=request.pwd,
            env=os.environ | dict(pair.split("=", 1) for pair in request.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        if not context.add_callback(process.kill):  # the call has ended already
            process.kill()
        said: SimpleQueue[Any] = SimpleQueue()
        for name in ("stdout", "stderr"):
            threading.Thread(target=forward, args=(process, name, said)).start()
        for _ in ("stdout", "stderr"):
            while (part := said.get()) is not None:
                yield language_pb2.RunPluginResponse(**part)
        yield language_pb2.RunPluginResponse(exitcode=process.wait())

    def Cancel(self, _request: Any, _context: Any) -> Any:
        self.cancelled = True
        if self.program:
            self.program.kill()  # the engine answers it no more
        return Empty()


def environment(info: Any) -> Path:
    """Return the virtual environment that the dynamic provider's start script will choose too."""
    virtualenv = dict(info.options).get("virtualenv", "")
    chosen = virtualenv or os.environ.get("PULUMI_RUNTIME_VIRTUALENV") or ".venv"
    return Path(info.program_directory, chosen)


def forward(process: subprocess.Popen[bytes], name: str, into: SimpleQueue[Any]) -> None:
    """Hand on what a process says on standard output or standard error; None is the end."""
    stream: Any = getattr(process, name)
    while part := stream.read1():
        into.put({name: part})
    into.put(None)


def arguments(request: Any, engine: str) -> list[str]:
    """Return the command line for Pulumi's exec script."""
    options = {
        "monitor": request.monitor_address,
        "engine": engine,
        "project": request.project,
        "stack": request.stack,
        "pwd": request.pwd,
        "root_directory": request.info.root_directory,
        "dry_run": str(request.dryRun).lower(),
        "parallel": str(request.parallel),
        "organization": request.organization,
    }
    flags = [part for name, value in options.items() if value for part in (f"--{name}", value)]
    program = Path(request.info.program_directory, request.info.entry_point)
    return [*flags, str(program), *request.args]


def main() -> None:
    """Serve until standard input closes, which says that the engine is gone."""
    host = LanguageHost(engine=sys.argv[-1])  # the engine's address is the last argument
    limit = ("grpc.max_receive_message_length", MAX_MESSAGE)
    server = grpc.server(ThreadPoolExecutor(), options=[limit])
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    sys.stdin.buffer.read()
    host.Cancel(None, None)
    server.stop(grace=None)


if __name__ == "__main__":
    main()
