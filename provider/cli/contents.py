"""What a stack holds besides element instances: all else needs the engine's checkpoints.

An instance carries its stack's marker tags, so what a lost run made is found again. What other
providers make is known to the state alone.
"""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from .project import Project

TYPES = ("cloud-elements:ElementInstance", "cloud-elements:index:ElementInstance")
"""What the types of element instances end with: the dynamic provider's, and the native one's."""
_YAML = ("Main.json", "Main.yaml", "Pulumi.yaml")
"""Files in which the YAML host looks for a program, the first that is there; `pulumi-yaml` 1.25."""
_YAML_TYPES = frozenset(
    {
        "cloud-elements:ElementInstance",
        "cloud-elements:index:ElementInstance",
        "pulumi:providers:cloud-elements",
        "pulumi:pulumi:StackReference",
    }
)
_HARMLESS = ("pulumi:pulumi:Stack", "pulumi:pulumi:StackReference", "pulumi:providers:")
"""Types that stand for nothing outside of the state."""
_OURS = frozenset({"provider", "pulumi_cloud_elements"})
_PLAIN = frozenset(
    {
        "Alias",
        "ComponentResource",
        "Config",
        "Input",
        "Inputs",
        "Output",
        "ResourceOptions",
        "StackReference",
        "error",
        "export",
        "get_organization",
        "get_project",
        "get_stack",
        "info",
        "log",
        "require_pulumi_version",
        "warn",
    }
)
"""Names of Pulumi's SDK by which a program declares nothing that lives outside of the state."""
_LOADERS = frozenset({"__import__", "compile", "eval", "exec", "importlib", "runpy"})
"""Names by which a program may run code that its text does not show."""


def is_other(type_: str, *, custom: bool = True) -> bool:
    """Tell whether a resource of a type needs the engine's checkpoints."""
    return custom and bool(type_) and not type_.endswith(TYPES) and not type_.startswith(_HARMLESS)


def others_in_state(resources: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the types of other resources in a state, in the order of the alphabet."""
    found = {
        str(one.get("type"))
        for one in resources
        if is_other(str(one.get("type") or ""), custom=bool(one.get("custom")))
    }
    return sorted(found)


def doubt_of(project: Project) -> str:
    """Return why a project's program may declare other resources; nothing where it does not."""
    is_yaml = project.runtime == "yaml"
    return doubt_of_yaml(project.program) if is_yaml else doubt_of_program(project.main)


def doubt_of_program(main: Path) -> str:
    """Return why a program may declare other resources; nothing where it surely does not.

    A program surely does not when neither it nor its own modules use more than the standard
    library, the provider, packages that have nothing to do with Pulumi, and the names of Pulumi's
    SDK that make no resource.
    """
    folder = main.parent
    waiting, seen = [main], set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        try:
            tree = ast.parse(path.read_bytes())
        except (OSError, SyntaxError, ValueError):
            return f"{path.name} can't be read as a Python program"
        for name in _names(tree):
            if reason := _doubt(name, path, folder):
                return reason
            waiting += _files(folder, name)
    return ""


def doubt_of_yaml(folder: Path) -> str:
    """Return why a program in YAML may declare other resources; nothing where it surely doesn't.

    Each resource says its type there.
    """
    import yaml  # noqa: PLC0415

    from ..stack_file import texts  # noqa: PLC0415

    path = next((one for name in _YAML if (one := folder / name).is_file()), folder / _YAML[-1])
    try:
        document = texts(path)
        resources = [
            one
            for section, declared in document.items()
            if section.lower() == "resources"
            for one in (declared or {}).values()
        ]
        types = [str(one["type"]) for one in resources]
    except (OSError, yaml.YAMLError, AttributeError, KeyError, TypeError):
        return f"{path.name} can't be read as a YAML program"
    if "compiler" in str(document.get("runtime")):
        return f"another program writes {path.name}"
    other = next((one for one in types if one not in _YAML_TYPES), "")
    return f"{path.name} declares a '{other}'" if other else ""


def _names(tree: ast.AST) -> Iterator[str]:
    """Yield what a module uses of others: `os`, `pulumi.Config`, `.sibling`, `!exec`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            within = "." * node.level + (node.module or "")
            for one in node.names:
                yield f"{within}.{one.name}" if within.strip(".") else within + one.name
        elif isinstance(node, ast.Name) and node.id in _LOADERS:
            yield f"!{node.id}"
        elif isinstance(node, ast.keyword) and node.arg == "remote":
            yield "pulumi.remote"  # a component whose parts another program declares
    yield from _of_sdk(tree)


def _of_sdk(tree: ast.AST) -> Iterator[str]:
    """Yield what a module uses of Pulumi's SDK by the names that it has there."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
    names = [one for node in imports for one in node.names if one.name == "pulumi"]
    aliases = {one.asname or one.name for one in names}
    attributes = {id(one.value) for one in ast.walk(tree) if isinstance(one, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id in aliases:
                yield f"pulumi.{node.attr}"
        elif isinstance(node, ast.Name) and node.id in aliases and id(node) not in attributes:
            yield "pulumi.*"  # the module as a value: whatever is done with it


def _doubt(name: str, path: Path, folder: Path) -> str:
    """Return why the use of a name leaves a doubt; nothing where it does not."""
    top, _, rest = name.lstrip(".").partition(".")
    if name.startswith("!") or top in _LOADERS:
        return f"{path.name} runs code by '{name.lstrip('!')}'"
    if top == "pulumi":
        member = rest.partition(".")[0]
        return "" if not member or member in _PLAIN else f"{path.name} uses '{name}'"
    if name.startswith(".") or top in _OURS or top in sys.stdlib_module_names:
        return ""
    if _files(folder, name) or not _knows_pulumi(top):
        return ""
    return f"{path.name} imports '{top}'"


def _files(folder: Path, name: str) -> list[Path]:
    """Return the program's own files that a name may lead to; the provider is none of them."""
    parts = name.lstrip(".!").split(".")
    if parts[0] in _OURS or name.startswith("!"):
        return []
    found = []
    for length in range(1, len(parts) + 1):
        place = folder.joinpath(*parts[:length])
        found += [place.with_suffix(".py"), place / "__init__.py"]
    return [one for one in found if one.is_file()]


@cache
def _knows_pulumi(top: str) -> bool:
    """Tell whether an installed package may declare resources: nobody knows it, or it needs Pulumi.

    A package that needs another one that does is taken for one that may as well.
    """
    from importlib import metadata  # noqa: PLC0415 - for programs that use other packages

    names = metadata.packages_distributions().get(top)
    return not names or _need_pulumi(names, set())


def _need_pulumi(names: Collection[str], seen: set[str]) -> bool:
    from importlib import metadata  # noqa: PLC0415

    for name in names:
        plain = re.sub(r"[-_.]+", "-", name).lower()
        if plain in seen:
            continue
        seen.add(plain)
        if plain.startswith("pulumi"):
            return True
        try:
            needs = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        inner = [re.split(r"[^A-Za-z0-9._-]", one.strip(), maxsplit=1)[0] for one in needs]
        if _need_pulumi(inner, seen):
            return True
    return False
