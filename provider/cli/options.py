"""Options that several commands take, each described once."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .completion import stack_names


def stack_option(told: str) -> Any:
    """Return the option that names a stack, with what its help tells."""
    return typer.Option("--stack", "-s", help=told, autocompletion=stack_names)


StackName = Annotated[str | None, stack_option("The stack; the current one if not given.")]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", "-n", help="Show what would be done, and change nothing."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
