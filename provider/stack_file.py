"""The files that hold a stack's configuration: which they are, and what stands in them."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from typing import TYPE_CHECKING, Any, ClassVar

import yaml

if TYPE_CHECKING:
    from pathlib import Path

_NAMES = ("Pulumi.json", "Pulumi.yaml", "Pulumi.yml")  # in the engine's order


def project_file(folder: Path) -> Path | None:
    """Return the project file of a folder: its own, or the nearest above it."""
    folders = (folder.absolute(), *folder.absolute().parents)
    found = (place / name for place in folders for name in _NAMES)
    return next((path for path in found if path.is_file()), None)


def stack_file(project: Path, stack: str) -> Path:
    """Return the configuration file of a stack.

    Args:
        project: The project file.
        stack: Name of the stack alone.

    Raises:
        OSError: The project file can't be read.
        yaml.YAMLError: It isn't YAML.
    """
    return stack_folder(project) / f"Pulumi.{stack.replace('/', '-')}{project.suffix}"


def stack_folder(project: Path) -> Path:
    """Return the folder of the stacks' files; raises what `stack_file` does."""
    document = _map(texts(project))
    before = document.get("config")  # how `stackConfigDir` was spelled before
    folder = document.get("stackConfigDir") or (before if isinstance(before, str) else "")
    return project.parent / str(folder or ".")


def program_folder(project: Path) -> Path:
    """Return the folder that the program runs in; raises what `stack_file` does."""
    main = project.parent / str(_map(texts(project)).get("main") or ".")
    return main.parent if main.is_file() else main


class _Texts(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # one of two
    """Makes texts, lists and maps, and nothing else; resolves aliases and merge keys."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {
        "<": yaml.SafeLoader.yaml_implicit_resolvers["<"]
    }
    yaml_constructors: ClassVar[dict[Any, Any]] = {}
    yaml_multi_constructors: ClassVar[dict[Any, Any]] = {}

    def construct_undefined(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self.construct_mapping(node, deep=True)
        if isinstance(node, yaml.SequenceNode):
            return self.construct_sequence(node, deep=True)
        if node.tag == "tag:yaml.org,2002:binary":
            return b64decode(node.value).decode(errors="replace")
        return node.value


_Texts.add_constructor(None, _Texts.construct_undefined)


def texts(path: Path) -> Any:
    """Return a file's YAML with every scalar as text: an entry called `off` is no boolean.

    Raises:
        OSError: It can't be read.
        yaml.YAMLError: It isn't YAML.
    """
    try:
        return texts_in(path.read_text(encoding="utf-8-sig"))
    except ValueError:
        message = "it is not text in UTF-8"
        raise yaml.YAMLError(message) from None


def texts_in(text: str) -> Any:
    """Return YAML with every scalar as text.

    Raises:
        yaml.YAMLError: It isn't YAML.
    """
    return next(yaml.load_all(text, _Texts), None)  # of several documents Pulumi takes the first


def written(project: Path, stack: str) -> dict[str, Any]:
    """Return a stack's configuration by its full keys, as the files show it; `{}` if they don't.

    The stack's own file goes before the project's.

    Args:
        project: The project file.
        stack: Name of the stack alone.
    """
    try:
        name = str(_map(texts(project)).get("name"))
        path = stack_file(project, stack)
        own = _map(_map(texts(path)).get("config")) if path.exists() else {}
        return shared(project) | _by_full_key(name, own)
    except (OSError, yaml.YAMLError):
        return {}


def shared(project: Path) -> dict[str, Any]:
    """Return what the project file gives every stack, by full key; raises what `texts` does."""
    document = _map(texts(project))
    given = {key: _default(value) for key, value in _map(document.get("config")).items()}
    return _by_full_key(str(document.get("name")), given)


def entries(shown: Any) -> dict[str, Any]:
    """Return the value of `cloud-elements:instances` as a map, where the file holds it as JSON."""
    if isinstance(shown, str):
        try:
            shown = json.loads(shown, parse_int=str, parse_float=str)
        except ValueError:
            return {}
    return _map(shown)


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _default(value: Any) -> Any:
    """Return what a declaration of the project file gives every stack."""
    if not isinstance(value, dict):
        return value
    return value.get("default", value.get("value"))


def _by_full_key(project: str, config: dict[str, Any]) -> dict[str, Any]:
    """Return configuration by `namespace:name`; the project's own namespace may be left out."""
    return {full_key(project, key): value for key, value in config.items()}


def full_key(project: str, key: str) -> str:
    """Return a key of a stack's file as `namespace:name`."""
    return re.sub(r"^([^:]*):config:", r"\1:", key) if ":" in key else f"{project}:{key}"
