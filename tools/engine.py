"""Finds a Pulumi engine for this project, or gets one: `python tools/engine.py`.

It takes the first of these that works, and says in one line which:

1. path: `pulumi` on PATH, if its Python language host is there too;
2. cache: the copy that an earlier run downloaded or built;
3. download: Pulumi's official release, checked against its published checksums;
4. build: the Go module pinned in the version's folder of `tools/go/`, which takes minutes.

`CLOUD_ELEMENTS_ENGINE=path|cache|download|build` asks for that one and no other, and
`CLOUD_ELEMENTS_ENGINE_VERSION` for another version than the newest that is pinned.
Standard library only: this runs before the project's own environment exists.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import http.client
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PINNED = ("3.274.1", "3.259.0")
"""The engine that everything runs with, and the older one that a tier of its own runs with."""
ASKED = os.environ.get("CLOUD_ELEMENTS_ENGINE_VERSION")
VERSION = ASKED or PINNED[0]
OLDEST = (3, 217)  # the engine of the oldest SDK that pyproject.toml allows
RELEASES = "https://get.pulumi.com/releases/sdk"  # CLOUD_ELEMENTS_ENGINE_URL overrides it
GO = Path(__file__).with_name("go")
MODULE = GO / VERSION
STAND_IN = (GO / "pulumi-language-python", Path(__file__).with_name("language_host.py"))
CLI = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
SDK = "github.com/pulumi/pulumi/sdk/v3"
SDK_FILES = ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python")
BUILD_FLAGS = (
    "-trimpath",
    "-tags=osusergo,grpcnotrace",
    f"-ldflags=-s -w -X {SDK}/go/common/version.Version=v{VERSION}",
)
NETWORK_TIMEOUT = 5.0  # seconds to connect, or without a byte: a firewall may never answer
PROGRESS_INTERVAL = 10.0  # seconds between two lines while Go builds


class EngineError(Exception):
    """There is no engine by this way. The message is the reason, in one line."""


UNUSABLE = (
    EngineError,
    OSError,
    ValueError,
    http.client.HTTPException,
    subprocess.TimeoutExpired,
)


@dataclass(frozen=True)
class Engine:
    """A Pulumi CLI that answered `pulumi version`."""

    path: Path
    """The `pulumi` executable; what it starts lies beside it, or on PATH."""
    origin: str
    """Where it comes from, in words: "on PATH", "built earlier"."""
    version: str
    hosts: tuple[Path, ...] = ()
    """Folders with further language hosts."""

    @property
    def env(self) -> dict[str, str]:
        """The environment variables to run it with."""
        folders = [str(self.path.parent), *map(str, self.hosts), os.environ.get("PATH", os.defpath)]
        if not shutil.which("uv"):  # the stock language host wants it; `make install` put it there
            folders.append(str(cache_folder() / "uv" / "bin"))
        return os.environ | {"PATH": os.pathsep.join(folders), "PULUMI_SKIP_UPDATE_CHECK": "true"}


def ensure_engine(*, obtain: bool = True) -> Engine:
    """Return the first engine that works; with `obtain=False` without a download or a build.

    Raises:
        EngineError: There is none; the message holds the reason for each way.
    """
    ways: dict[str, Callable[[], Engine]] = {"path": from_path, "cache": from_cache}
    if obtain:
        ways |= {"download": downloaded, "build": built}
    if VERSION not in PINNED:
        message = f"CLOUD_ELEMENTS_ENGINE_VERSION={VERSION}: choose from {', '.join(PINNED)}"
        raise EngineError(message)
    only = os.environ.get("CLOUD_ELEMENTS_ENGINE")
    if only:
        if only not in ways:
            message = f"CLOUD_ELEMENTS_ENGINE={only}: choose from {', '.join(ways)}"
            raise EngineError(message)
        ways = {only: ways[only]}
    reasons = []
    for way, engine_from in ways.items():
        try:
            engine = engine_from()
        except UNUSABLE as reason:
            reasons.append(f"{way}: {reason}")
            continue
        stand_in = (engine.path.parent / STAND_IN[1].name).exists()
        host = ", with the stand-in Python language host" if stand_in else ""
        say(f"pulumi {engine.version} {engine.origin}{host}: {engine.path}")
        return engine
    message = f"no Pulumi engine ({'; '.join(reasons)})"
    raise EngineError(message)


def from_path() -> Engine:
    """Return `pulumi` from PATH, if its Python language host is on PATH or beside it."""
    found = shutil.which("pulumi")
    if not found:
        message = "there is no pulumi"
        raise EngineError(message)
    beside = str(Path(found).resolve().parent)
    if not shutil.which("pulumi-language-python", path=f"{os.environ['PATH']}{os.pathsep}{beside}"):
        message = f"{found} comes without pulumi-language-python"
        raise EngineError(message)
    engine = verified(Path(found), "on PATH")
    release = re.match(r"v(\d+)\.(\d+)\.", engine.version)
    if not release or tuple(map(int, release.groups())) < OLDEST:
        message = f"{found} is {engine.version}, older than {'.'.join(map(str, OLDEST))}"
        raise EngineError(message)
    if ASKED and engine.version != f"v{ASKED}":
        message = f"{found} is {engine.version}, not v{ASKED}"
        raise EngineError(message)
    return engine


def from_cache() -> Engine:
    """Return the copy that an earlier run left."""
    folder = engine_folder()
    if not folder.exists():
        message = "nothing was downloaded or built yet"
        raise EngineError(message)
    return verified(folder / "pulumi", f"{(folder / 'origin').read_text()} earlier")


def downloaded() -> Engine:
    """Put Pulumi's official release into the cache."""
    try:
        return obtained("downloaded", download)
    except UNUSABLE as reason:
        say(f"no download ({reason})")
        raise


def built() -> Engine:
    """Build the pinned Go module into the cache."""
    return obtained("built", build)


def obtained(origin: str, fill: Callable[[Path], None]) -> Engine:
    """Fill the cache's folder in one step: others never see half of an engine."""
    target = engine_folder()
    replaces = target.exists()  # it does not work, or a new one is asked for by name
    with locked(target.parent):
        if target.exists() and not replaces:
            return from_cache()  # another run was at it, and is done
        with tempfile.TemporaryDirectory(dir=target.parent, prefix="new-") as work:
            folder = Path(work, "engine")
            folder.mkdir()
            fill(folder)
            (folder / "origin").write_text(origin)
            engine = verified(folder / "pulumi", origin)
            if replaces:
                target.rename(Path(work, "replaced"))
            folder.rename(target)
    return Engine(target / "pulumi", origin, engine.version)


def download(folder: Path) -> None:
    """Fetch the release archive, compare it with its published checksum, unpack it."""
    base = os.environ.get("CLOUD_ELEMENTS_ENGINE_URL", RELEASES)
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    name = f"pulumi-v{VERSION}-{platform.system().lower()}-{machine}.tar.gz"
    with fetch(f"{base}/pulumi-{VERSION}-checksums.txt") as response:
        lines = [line.split() for line in response.read().decode().splitlines()]
    published = [line[0] for line in lines if line[1:] == [name]]
    with fetch(f"{base}/{name}") as response, tempfile.TemporaryFile() as archive:
        shutil.copyfileobj(response, archive)
        archive.seek(0)
        if published != [hashlib.file_digest(archive, "sha256").hexdigest()]:
            message = f"{name} does not have its published checksum"
            raise EngineError(message)
        archive.seek(0)
        unpack(archive, folder)


def fetch(url: str) -> IO[bytes]:
    """Open a file of the release."""
    try:
        response: IO[bytes] = urllib.request.urlopen(url, timeout=NETWORK_TIMEOUT)  # noqa: S310 - the address is fixed, or the user's own
    except OSError as error:
        message = f"{url}: {error}"
        raise EngineError(message) from None
    return response


def unpack(archive: IO[bytes], folder: Path) -> None:
    """Unpack the executables, which lie in the release's `pulumi/`; nothing else is written."""
    with tarfile.open(fileobj=archive) as tar:
        for member in tar:
            path = Path(member.name)
            content = tar.extractfile(member)
            if content and path.parent.name == "pulumi":
                (folder / path.name).write_bytes(content.read())
                (folder / path.name).chmod(0o755)


def build(folder: Path) -> None:
    """Build the CLI; beside it go the SDK's scripts and the stand-in for the language host."""
    if not shutil.which("go"):
        message = "there is no go on PATH"
        raise EngineError(message)
    say(f"building pulumi {VERSION} with Go: about five minutes on two cores, this once")
    go("build", *BUILD_FLAGS, f"-o={folder}/", CLI)
    sdk = Path(go("list", "-m", "-f={{.Dir}}", SDK))
    for source in (*(sdk / name for name in SDK_FILES), *STAND_IN):
        shutil.copyfile(source, folder / source.name)
        (folder / source.name).chmod(0o755)


def go(*arguments: str, module: Path = MODULE) -> str:
    """Run Go in a pinned module and return what it prints; say now and then that it runs."""
    settings = {
        "CGO_ENABLED": "0",
        "GOFLAGS": "-mod=readonly",  # an empty value would let `go env -w GOFLAGS=...` through
        "GOTOOLCHAIN": "auto",  # the local one, unless go.mod needs a newer
        "GOWORK": "off",
    }
    started = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            ["go", *arguments],
            cwd=module,
            env=os.environ | settings,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            while process.poll() is None:
                try:
                    process.wait(PROGRESS_INTERVAL)
                except subprocess.TimeoutExpired:
                    say(f"still building after {time.monotonic() - started:.0f} s")
        finally:
            process.kill()
        output.seek(0)
        lines = output.read().splitlines() or [""]
    if process.returncode:
        message = f"go {arguments[0]}: {' '.join(lines[-3:])}"
        raise EngineError(message)
    return lines[-1]


def verified(path: Path, origin: str) -> Engine:
    """Return the engine at `path`, if it answers."""
    with tempfile.TemporaryDirectory() as home:  # the CLI writes a log for every call
        answer = subprocess.run(
            [path, "version"],
            env=os.environ | {"PULUMI_HOME": home, "PULUMI_SKIP_UPDATE_CHECK": "true"},
            capture_output=True,
            check=False,
            text=True,
            timeout=60,
        )
    if answer.returncode:
        message = f"{path} version: {answer.stderr.strip()}"
        raise EngineError(message)
    return Engine(path, origin, answer.stdout.strip())


def cache_folder() -> Path:
    """Return the folder for what is costly to get again; `make install` keeps uv there too."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "cloud-elements")


def engine_folder() -> Path:
    """Return the cached engine's folder; its name changes with all that it is made of."""
    digest = hashlib.sha256(repr((BUILD_FLAGS, platform.system(), platform.machine())).encode())
    for path in (MODULE / "go.mod", MODULE / "go.sum", *STAND_IN):
        digest.update(path.read_bytes())
    return cache_folder() / "engine" / f"{VERSION}-{digest.hexdigest()[:12]}"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep every other run out of `folder`, and sweep out what a killed one left there."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another run that gets the same")
            fcntl.flock(lock, fcntl.LOCK_EX)
        for left in folder.glob("new-*"):
            shutil.rmtree(left)
        yield


def say(line: str) -> None:
    """Tell people; standard output is for the answer."""
    print(f"engine: {line}", file=sys.stderr, flush=True)


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Find a Pulumi engine, or get one.")
    parser.add_argument("--print-path", action="store_true", help="print the path of pulumi")
    parser.add_argument("--verify", action="store_true", help="fail rather than download or build")
    options = parser.parse_args()
    try:
        engine = ensure_engine(obtain=not options.verify)
    except EngineError as error:
        say(str(error))
        return 1
    if options.print_path:
        print(engine.path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
