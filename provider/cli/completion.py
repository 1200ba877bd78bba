"""What the shell offers on TAB: read from files alone, so that it is there at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def stack_names(incomplete: str) -> list[str]:
    """Return the stacks that have a configuration file."""
    found = [_stack_of(path) for path in _stack_files()]
    return sorted(name for name in found if name.startswith(incomplete))


def instance_names(ctx: Any, incomplete: str) -> list[str]:
    """Return the entries of the stack on the command line, or of all of them."""
    import yaml  # noqa: PLC0415

    from ..stack_file import texts  # noqa: PLC0415
    from .project import bare  # noqa: PLC0415

    chosen = bare(ctx.params.get("stack") or ctx.params.get("source") or "")
    names: set[str] = set()
    for path in _stack_files():
        if chosen and _stack_of(path) != chosen:
            continue
        try:
            names |= set(texts(path)["config"]["cloud-elements:instances"])
        except (OSError, TypeError, KeyError, yaml.YAMLError):
            continue
    return sorted(name for name in names if name.startswith(incomplete))


def _stack_of(path: Path) -> str:
    return path.stem.removeprefix("Pulumi.")


def _stack_files() -> list[Path]:
    import yaml  # noqa: PLC0415

    from ..stack_file import project_file, stack_folder  # noqa: PLC0415

    try:
        project = project_file(Path.cwd())
        return sorted(stack_folder(project).glob(f"Pulumi.*{project.suffix}")) if project else []
    except (OSError, yaml.YAMLError):
        return []
