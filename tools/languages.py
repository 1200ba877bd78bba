"""What programs in other languages than Python's need: `python -m tools.languages`.

It writes the SDKs for the provider's schema: Python's, which is checked in, and with
`--language nodejs` or `go` those that `examples/typescript` and `examples/go` use, into `sdk/`.
All is got when it is first asked for, and kept in the cache: `make demo` needs none of it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tools.engine import GO, PINNED, EngineError, cache_folder, ensure_engine, go, locked, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.engine import Engine

ROOT = Path(__file__).parents[1]
SCHEMA = ROOT / "provider" / "doors" / "native" / "schema.json"
SDK = ROOT / "sdk"
PACKAGE = "pulumi_cloud_elements_native"
PYTHON_SDK = SDK / "python" / PACKAGE
"""The one that is checked in; the others are written when asked for."""
NODE_SDK = "pulumi-cloud-elements"
JAVA = ROOT / "examples" / "java"
MAVEN = ("mvn", "--quiet", "--batch-mode")
TYPESCRIPT = ROOT / "examples" / "typescript"
YAML_HOST = "pulumi-language-yaml"
YAML = f"github.com/pulumi/pulumi-yaml/cmd/{YAML_HOST}"

MODULE_OF_GO = """\
module {path}

go 1.26.6

require github.com/pulumi/pulumi/sdk/v3 v{version}
"""
_OWN_NAME = "root_package, *rest = __name__.split('.')"
_OUR_NAME = "root_package = 'pulumi_cloud_elements'  # the distribution that it is part of"
_IMPORT = (
    "from . import _utilities\n",
    "from . import _utilities\nfrom pulumi_cloud_elements.trace import traced_to_the_program\n",
    1,
)
_CALL = (
    "            __self__._internal_init(",
    "            with traced_to_the_program(): __self__._internal_init(",
    2,
)
"""What the generator writes, what we make of it, and how often it is there."""


def with_yaml(engine: Engine) -> Engine:
    """Return the engine with a host for YAML programs: the one it has, or one that is built."""
    if shutil.which(YAML_HOST, path=engine.env["PATH"]):
        return engine
    return replace(engine, hosts=(*engine.hosts, built(YAML_HOST, YAML, GO / "yaml").parent))


def built(name: str, package: str, module: Path) -> Path:
    """Return an executable of a pinned Go module, built if it is not in the cache.

    Raises:
        EngineError: It can't be built; the message is the reason.
    """

    def fill(folder: Path) -> None:
        if not shutil.which("go"):
            message = f"{name} needs go, which is not on PATH"
            raise EngineError(message)
        say(f"building {name} with Go: about two minutes, this once")
        go("build", "-trimpath", "-ldflags=-s -w", f"-o={folder / name}", package, module=module)

    return _cached(name, sorted(module.iterdir()), fill) / name


def node_packages() -> Path:
    """Return a `node_modules` with what `examples/typescript` locks, and the compiler.

    Raises:
        EngineError: They can't be installed; the message is the reason.
    """
    files = [TYPESCRIPT / name for name in ("package.json", "package-lock.json", ".npmrc")]

    def fill(folder: Path) -> None:
        project = folder / "examples" / TYPESCRIPT.name  # from where it says ../../sdk/nodejs
        project.mkdir(parents=True)
        for path in files:
            shutil.copy(path, project)
        generated("nodejs", folder / "sdk" / "nodejs")
        say("installing Node packages, this once")
        quiet = ["--no-audit", "--no-fund", "--silent"]
        _run(["npm", "ci", "--ignore-scripts", *quiet], project)
        # Of all packages' scripts the generated SDK's alone, which compiles it.
        _run(["npm", "rebuild", NODE_SDK, *quiet], project)

    folder = _cached("node", [*files, SCHEMA], fill)
    return folder / "examples" / TYPESCRIPT.name / "node_modules"


def java_packages() -> Path:
    """Return a Maven repository with all that `examples/java` takes to be compiled and run.

    Raises:
        EngineError: It can't be filled; the message is the reason.
    """
    ingredients = [JAVA / "pom.xml", *sorted(JAVA.rglob("*.java"))]

    def fill(folder: Path) -> None:
        with tempfile.TemporaryDirectory() as work:
            project = Path(work, JAVA.name)
            shutil.copytree(JAVA, project, ignore=shutil.ignore_patterns("target"))
            say("getting Java packages, this once")
            goals = ["compile", "exec:java"]  # which tells its usage
            _run([*MAVEN, f"-Dmaven.repo.local={folder}", *goals], project)

    return _cached("java", ingredients, fill)


def generated(language: str, folder: Path) -> None:
    """Write the SDK of one language (`python`, `nodejs` or `go`) into a folder, as source."""
    generator = built("sdks", ".", GO / "sdks")
    _run([str(generator), str(SCHEMA), language, str(folder)], ROOT)
    if language == "python":
        # It asks for the version of a distribution that is called as the package is.
        path = folder / PACKAGE / "_utilities.py"
        text = path.read_text(encoding="utf-8")
        if text.count(_OWN_NAME) != 1:
            message = f"{path.name} finds its version in another way now"
            raise EngineError(message)
        path.write_text(text.replace(_OWN_NAME, _OUR_NAME), encoding="utf-8")
        _trace_to_the_program(folder / PACKAGE / "element_instance.py")
    if language == "go":
        name = json.loads(SCHEMA.read_bytes())["language"]["go"]["importBasePath"]
        module = MODULE_OF_GO.format(path=name, version=PINNED[0])
        (folder / "go.mod").write_text(module, encoding="utf-8")


def _trace_to_the_program(path: Path) -> None:
    """Let a generated resource leave out of the trace what runs the program."""
    text = path.read_text(encoding="utf-8")
    for before, after, times in (_IMPORT, _CALL):
        if text.count(before) != times:
            message = f"{path.name} makes a resource in another way now"
            raise EngineError(message)
        text = text.replace(before, after)
    path.write_text(text, encoding="utf-8")


def _cached(name: str, ingredients: list[Path], fill: Callable[[Path], None]) -> Path:
    """Return a folder of the cache; its name changes with what it is made of."""
    digest = hashlib.sha256(repr((platform.system(), platform.machine())).encode())
    for path in ingredients:
        digest.update(path.read_bytes())
    target = cache_folder() / "languages" / f"{name}-{digest.hexdigest()[:12]}"
    if not target.exists():
        with (
            locked(target.parent / name),
            tempfile.TemporaryDirectory(dir=target.parent / name, prefix="new-") as work,
        ):
            if not target.exists():  # another run may have been at it
                folder = Path(work, name)
                folder.mkdir()
                fill(folder)
                folder.rename(target)
    return target


def _run(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except OSError as error:
        message = f"{Path(command[0]).name}: {error.strerror}"
        raise EngineError(message) from None
    if done.returncode:
        message = f"{Path(command[0]).name}: {(done.stderr or done.stdout).strip()}"
        raise EngineError(message)


def write(language: str) -> Path:
    """Write an SDK to where it belongs, in place of the one that is there; return that folder."""
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work, "sdk")
        generated(language, folder)
        source, target = folder, SDK / language
        if language == "python":
            source, target = folder / PACKAGE, PYTHON_SDK
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)
    return target


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.languages", description="Write the SDKs for the provider's schema."
    )
    parser.add_argument("--language", choices=("python", "nodejs", "go"), default="python")
    parser.add_argument("--get", action="store_true", help="only fill the cache, for the tests")
    options = parser.parse_args()
    try:
        if options.get:
            with_yaml(ensure_engine())
            node_packages()
            java_packages()
        else:
            say(f"written to {write(options.language)}")
    except EngineError as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
