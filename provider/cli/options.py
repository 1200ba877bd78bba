"""Options that several commands take, each described once."""

from __future__ import annotations

from typing import Annotated

import typer

from .completion import stack_names

StackName = Annotated[
    str | None,
    typer.Option(
        "--stack",
        "-s",
        help="The stack; the current one if not given.",
        autocompletion=stack_names,
    ),
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", "-n", help="Show what would be done, and change nothing."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
