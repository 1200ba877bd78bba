"""Another `provider` in a program's folder, which Python finds before this package."""

from __future__ import annotations

from importlib.machinery import PathFinder
from pathlib import Path


def namesake(folder: Path) -> str | None:
    """Return in one sentence what hides this package from a program in a folder, or None.

    Pulumi starts the program, and the server that runs the provider, with that folder first on
    Python's path; and the name of this package stands in every state, so that it can't give way.
    """
    spec = PathFinder.find_spec("provider", [str(folder)])
    origin = Path(spec.origin) if spec and spec.origin else None  # a folder alone hides nothing
    if origin is None or origin.with_name("lifecycle.py").is_file():
        return None
    own = origin.parent if origin.name == "__init__.py" else origin
    return (
        f"{own} hides the package 'provider' of pulumi-cloud-elements, because both have the same "
        "name: rename yours"
    )
