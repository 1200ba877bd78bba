"""`elements matrix`: the shards of a stack as jobs of a CI system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .console import FailureError, emit
from .options import StackName  # noqa: TC001 - typer reads it
from .project import Project

if TYPE_CHECKING:
    from collections.abc import Mapping


def matrix(
    *,
    stack: StackName = None,
    gitlab: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Print a child pipeline instead, whose jobs extend .shard of that file.",
        ),
    ] = None,
) -> None:
    """Print a stack's shards as JSON, for a job each in CI.

    It is JSON without --json. For GitHub's fromJSON it is the matrix {"shard": [1, 2, …]}; with
    --gitlab a child pipeline with $SHARD in each job. A stack without shards has one job. Nothing
    but the stack's file is read.

    \b
    Examples:
      elements matrix --stack prod
      elements matrix --stack prod --gitlab .gitlab/shard.yml > shards.yml
    """  # noqa: D301 - \b keeps the lines of a list apart
    from .fleet import shards_in  # noqa: PLC0415 - loads HTTP

    chosen = Project().stack(stack)
    if not chosen.file.path.exists():
        message = (
            f"Stack '{chosen.name}' has no file {chosen.file.path.name}, which has its shards."
        )
        raise FailureError(message)
    numbers = [*range(1, (shards_in(chosen.file.shown) or 1) + 1)]
    emit(child_pipeline(gitlab, numbers) if gitlab else {"shard": numbers})


def child_pipeline(file: str, numbers: list[int]) -> Mapping[str, Any]:
    """Return a pipeline of GitLab's with a job for each shard; JSON is YAML as well.

    Args:
        file: Where the job `.shard` stands, from the repository's root.
        numbers: The shards.
    """
    jobs = {
        f"shard {one}": {"extends": ".shard", "variables": {"SHARD": str(one)}} for one in numbers
    }
    return {"include": [{"local": file}], **jobs}
