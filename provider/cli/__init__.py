"""The command `elements`: connect accounts, take existing ones over, see how they are.

Every command loads what it needs when it runs, so that `--help` and completion are quick.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotation
from typing import Annotated

import typer

from .authorize import authorize
from .catalogue import describe, search
from .console import Commands, write
from .doctor import doctor
from .export import export
from .matrix import matrix
from .plugin import plugin
from .promote import promote
from .rebalance import rebalance
from .run import destroy, preview, refresh, up
from .sandbox import sandbox
from .secrets import secrets
from .status import status
from .sweep import sweep

app = typer.Typer(
    name="elements",
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help reflows, and needs no rich
    pretty_exceptions_enable=False,  # a traceback with locals shows secrets
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415

        write(version("pulumi-cloud-elements"))
        raise typer.Exit


@app.callback()
def elements(
    *,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--cwd", "-C", help="Run as if started in this folder.", exists=True, file_okay=False
        ),
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Connect accounts to Cloud Elements, and keep an eye on what Pulumi manages.

    \b
    A new account:       elements search drive
                         elements describe onedrivebusiness
                         elements authorize files --stack dev --up
    Existing instances:  elements export --stack prod
                         elements secrets --stack prod
    Day by day:          elements up --stack prod
                         elements status --watch
    When in doubt:       elements doctor

    The platform is found through CLOUD_ELEMENTS_BASE_URL, CLOUD_ELEMENTS_USER_SECRET and
    CLOUD_ELEMENTS_ORGANIZATION_SECRET, or else through the stack's configuration.

    \b
    Exit codes:  0 done            3 done, and something needs attention
                 1 failed          4 a person said no
                 2 wrong usage     5 nobody answered in time
    """  # noqa: D301 - \b keeps the lines of a list apart
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without Unicode is no error
    if folder is not None:
        os.chdir(folder)


_COMMANDS = (authorize, export, promote, secrets, status, doctor, sweep, describe, search)
for command in (*_COMMANDS, up, preview, refresh, destroy, rebalance, matrix):
    app.command()(command)
app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,  # the sandbox tells of its options itself
)(sandbox)
app.add_typer(plugin, name="plugin")
