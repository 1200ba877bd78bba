"""Another `pulumi_cloud_elements` in a program's folder, which Python finds before this package."""

from __future__ import annotations

from importlib.machinery import PathFinder
from pathlib import Path

_NAME = "pulumi_cloud_elements"


def namesake(folder: Path) -> str | None:
    """Return in one sentence what hides this package from a program in a folder, or None.

    Pulumi starts the program, and the server that runs the provider, with that folder first on
    Python's path; and the name of this package stands in every state, so that it can't give way.
    """
    spec = PathFinder.find_spec(_NAME, [str(folder)])
    origin = Path(spec.origin) if spec and spec.origin else None  # a folder alone hides nothing
    if origin is None or _is_ours(origin):
        return None
    own = origin.parent if origin.name == "__init__.py" else origin
    return f"{own} hides the package '{_NAME}', because both have the same name: rename yours"


def _is_ours(origin: Path) -> bool:
    """Tell whether it is the package, or what stands for it in a clone."""
    real = origin.resolve()
    homes = (real.parent, real.parent / "provider")
    return any((home / "lifecycle.py").is_file() for home in homes)
