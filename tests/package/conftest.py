"""The package, built from this clone and installed for every Python at hand."""

import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox import Sandbox
from tools.release import uv

ROOT = Path(__file__).parents[2]
OLDEST = 11
NEWEST = 15
"""Minor versions of Python 3 that are looked for; the package demands the oldest."""


def run(*command, folder=ROOT, **environment):
    """Run a command to its end; return what it printed.

    A proxy for downloads may be in the environment; nothing of this clone is.
    """
    inherited = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONPATH")}
    result = subprocess.run(
        [*map(str, command)],
        cwd=folder,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def pythons():
    """Return an interpreter of each minor version that is here; nothing is downloaded."""
    found = {sys.version_info.minor: sys.executable}
    for minor in range(OLDEST, NEWEST + 1):
        of_pyenv = Path(os.environ.get("PYENV_ROOT") or "~/.pyenv").expanduser()
        for place in (
            shutil.which(f"python3.{minor}"),
            *of_pyenv.glob(f"versions/3.{minor}.*/bin/python"),
        ):
            if minor not in found and place and _works(place):
                found[minor] = str(place)
    return [found[minor] for minor in sorted(found)]


def _works(python):
    """Tell whether it starts: a version manager may leave a name that leads nowhere."""
    return (
        subprocess.run([python, "-c", "import venv"], capture_output=True, check=False).returncode
        == 0
    )


@dataclass(frozen=True)
class Environment:
    """A virtual environment."""

    folder: Path

    @property
    def python(self):
        """Its interpreter."""
        return str(self.folder / "bin" / "python")

    def script(self, name):
        """Return the path of a console script."""
        return str(self.folder / "bin" / name)


@dataclass(frozen=True)
class Built:
    """What a release consists of."""

    wheel: Path
    sdist: Path

    @property
    def files(self):
        """Names of the files in the wheel."""
        with zipfile.ZipFile(self.wheel) as archive:
            return archive.namelist()


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """Build an sdist, and from that the wheel."""
    folder = tmp_path_factory.mktemp("dist")
    run(uv(), "build", "--quiet", "--out-dir", folder)
    [wheel], [sdist] = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return Built(wheel, sdist)


@pytest.fixture(scope="session")
def locked(tmp_path_factory):
    """Write down the locked versions of whatever the package needs."""
    file = tmp_path_factory.mktemp("locked") / "constraints.txt"
    run(uv(), "export", "-q", "--frozen", "--no-emit-project", "--no-hashes", "-o", file)
    return file


@pytest.fixture(scope="session")
def environment(built, locked, tmp_path_factory):
    """Return a function that makes an environment with the package, in locked versions."""

    def made(python, *more, extra=""):
        folder = tmp_path_factory.mktemp("environment") / "venv"
        run(uv(), "venv", "--quiet", "--python", python, folder)
        wanted = (f"{built.wheel}{extra}", *more)
        run(uv(), "pip", "install", "-q", "--python", folder, "--constraints", locked, *wanted)
        return Environment(folder)

    return made


@pytest.fixture(scope="session", params=pythons(), ids=lambda path: Path(path).parts[-3])
def installed(request, environment):
    """Return an environment with the package and mypy, for each Python."""
    return environment(request.param, "mypy", extra="[sandbox]")


@pytest.fixture
def sandbox():
    """Run a sandbox for one test."""
    with Sandbox() as sandbox:
        yield sandbox
