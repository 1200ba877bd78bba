"""What the shell offers on TAB: read from files alone, so that it is there at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from provider.cli.console import FailureError


def stack_names(incomplete: str) -> list[str]:
    """Return the stacks that have a configuration file."""
    found = [_stack_of(path) for path in _stack_files()]
    return sorted(name for name in found if name.startswith(incomplete))


def instance_names(ctx: Any, incomplete: str) -> list[str]:
    """Return the entries of the stack on the command line, or of all of them."""
    import yaml  # noqa: PLC0415

    from provider.cli.project import bare, read_yaml  # noqa: PLC0415

    chosen = bare(ctx.params.get("stack") or "")
    names: set[str] = set()
    for path in _stack_files():
        if chosen and _stack_of(path) != chosen:
            continue
        try:
            names |= set(read_yaml(path)["config"]["cloud-elements:instances"])
        except (OSError, TypeError, KeyError, yaml.YAMLError):
            continue
    return sorted(name for name in names if name.startswith(incomplete))


def _stack_of(path: Path) -> str:
    return path.name.removeprefix("Pulumi.").removesuffix(".yaml")


def _stack_files() -> list[Path]:
    import yaml  # noqa: PLC0415

    from provider.cli.project import project_root, read_yaml  # noqa: PLC0415

    try:
        root = project_root(Path.cwd())
        project = read_yaml(root / "Pulumi.yaml")
        return sorted((root / str(project.get("stackConfigDir", "."))).glob("Pulumi.*.yaml"))
    except (OSError, FailureError, AttributeError, yaml.YAMLError):
        return []
