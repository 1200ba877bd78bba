"""`elements plugin`: the native provider, put where Pulumi's engine looks for its plugins."""

from __future__ import annotations

import io
import os
import shlex
import sys
import sysconfig
import tarfile
import tempfile
from pathlib import Path

import typer

from .console import FailureError, emit, say, write
from .options import AsJson  # noqa: TC001 - typer reads the annotations
from .pulumi import Pulumi

PACKAGE = "cloud-elements"
EXECUTABLE = f"pulumi-resource-{PACKAGE}"

_LAUNCHER = """\
#!/bin/sh
server={server}
if [ ! -x "$server" ]; then
    echo "There is no $server any more: run 'elements plugin install'." >&2
    exit 1
fi
exec "$server" "$@"
"""

plugin = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@plugin.callback()
def _group() -> None:
    """Let Pulumi find the native provider: YAML, TypeScript, Go."""


@plugin.command()
def install(
    *,
    as_json: AsJson = False,
) -> None:
    """Put the native provider where Pulumi looks for plugins, for every project of this user.

    What is put there is a launcher of a few lines: it starts the provider of the environment that
    this command belongs to. Run it again when that environment moved, or has another version.

    \b
    Examples:
      elements plugin install
      pulumi plugin rm resource cloud-elements     takes it away again
    """  # noqa: D301 - \b keeps the lines of a list apart
    from importlib.metadata import version  # noqa: PLC0415

    if os.name != "posix":
        message = (
            "The launcher is a shell script: name the folder of pulumi-resource-cloud-elements "
            "under 'plugins: providers:' in Pulumi.yaml instead."
        )
        raise FailureError(message)
    number = version("pulumi-cloud-elements")
    server = _server()
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder, f"{EXECUTABLE}.tar.gz")
        archive.write_bytes(_archive(server))
        # Once more, although it may be there: the launcher could lead to another environment.
        Pulumi(Path.cwd()).run(
            "plugin", "install", "resource", PACKAGE, number, "--file", str(archive), "--reinstall"
        )
    if as_json:
        emit({"name": PACKAGE, "version": number, "server": str(server)})
    else:
        write(f"{PACKAGE} {number}")
        say(f"It starts {server}.")


def _server() -> Path:
    """Return the provider's executable in the environment that runs this command."""
    server = Path(sysconfig.get_path("scripts"), EXECUTABLE)
    if not server.exists():
        message = (
            f"There is no {EXECUTABLE} in the environment of {sys.executable}: install the package "
            "pulumi-cloud-elements there, or run 'make install' in a clone."
        )
        raise FailureError(message)
    return server


def _archive(server: Path) -> bytes:
    """Return the archive that `pulumi plugin install --file` takes: a launcher of the server."""
    launcher = _LAUNCHER.format(server=shlex.quote(str(server))).encode()
    member = tarfile.TarInfo(EXECUTABLE)
    member.mode, member.size = 0o755, len(launcher)
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        tar.addfile(member, io.BytesIO(launcher))
    return content.getvalue()
