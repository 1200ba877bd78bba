"""In this repository the name under which the code is installed: it stands for `provider/`.

The package has no such file. There the folder `provider` is `pulumi_cloud_elements`, and `sandbox`
is `pulumi_cloud_elements.sandbox`. Every module is one here, by whichever name it is imported: a
state may refer to either, and what one of them takes over, another must not delete.
"""

from __future__ import annotations

import importlib
import sys
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec, spec_from_file_location, spec_from_loader
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType

    from provider import *  # noqa: F403

_HERE = Path(__file__).resolve().parent
_PREFIX = f"{__name__}."


class _Alias(MetaPathFinder, InspectLoader):
    """Finds `pulumi_cloud_elements.x`: it is `provider.x`, but for the sandbox."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Return how to load it, or None where there is nothing of that name of ours."""
        if not fullname.startswith(_PREFIX):
            return None
        name = _inner(fullname)
        top, _, below = name.partition(".")
        if not _is_ours(top):  # a program's own `sandbox` hides the folder
            return PathFinder.find_spec(fullname, path if below else [str(_HERE)], target)
        own = find_spec(name)
        if own is None:
            return None
        is_package = own.submodule_search_locations is not None
        return spec_from_loader(fullname, self, is_package=is_package)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the one module that has both names."""
        module = importlib.import_module(_inner(spec.name))
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Leave it as it is; the import system has given it another spec."""
        spec = module.__spec__
        if spec is not None:
            module.__spec__ = spec.loader_state

    def get_code(self, fullname: str) -> CodeType | None:
        """Return what `python -m` runs."""
        name = _inner(fullname)
        spec = find_spec(name)
        loader = spec.loader if spec else None
        return loader.get_code(name) if isinstance(loader, InspectLoader) else None

    def get_source(self, fullname: str) -> None:
        """Return nothing: tracebacks find the file."""


def _inner(name: str) -> str:
    """Return what a module is called in this repository."""
    inner = name.removeprefix(_PREFIX)
    return inner if inner.split(".")[0] == "sandbox" else f"provider.{inner}"


def _loaded_by_path() -> ModuleType:
    """Return the package where a program's own `provider` hides the folder: by its other name."""
    init = _HERE / "provider" / "__init__.py"
    places = [str(init.parent), str(_HERE)]  # the sandbox lies beside it
    spec = spec_from_file_location(__name__, init, submodule_search_locations=places)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[__name__] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _is_ours(name: str) -> bool:
    """Tell whether a package is the folder of that name beside this file."""
    known = sys.modules.get(name)
    spec = known.__spec__ if known else PathFinder.find_spec(name)
    origin = spec.origin if spec else None
    return origin is not None and Path(origin).resolve().parent == _HERE / name


if __name__ == "__main__":  # python -m pulumi_cloud_elements
    importlib.import_module("pulumi_cloud_elements.__main__").main()
elif _is_ours("provider"):
    sys.meta_path.insert(0, _Alias())
    sys.modules[__name__] = importlib.import_module("provider")
else:
    _loaded_by_path()
