"""Where the engine comes from: PATH, the cache, a release on a loopback server, a fake Go."""

import fcntl
import hashlib
import http.server
import io
import os
import platform
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import pytest

from tools import engine

TOOL = Path(engine.__file__)
MACHINE = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
ARCHIVE = f"pulumi-v{engine.VERSION}-{platform.system().lower()}-{MACHINE}.tar.gz"
CHECKSUMS = f"pulumi-{engine.VERSION}-checksums.txt"

# Builds by copying a fake CLI, and counts how often; `go list` says where the SDK's files lie.
FAKE_GO = """#!/bin/sh
case $1 in
build)
    echo "$GOFLAGS $CGO_ENABLED $*" >>"$FAKE/builds"
    for argument; do
        case $argument in -o=*) /bin/cp "$FAKE/pulumi" "${argument#-o=}" ;; esac
    done ;;
list) echo "$FAKE/sdk" ;;
esac
"""


def script(path, body):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(body)
    path.chmod(0o755)


def fake_pulumi(folder, version=engine.VERSION):
    script(folder / "pulumi", f"#!/bin/sh\necho v{version}\n")


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Give a machine with nothing on PATH, an empty cache and no network."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("CLOUD_ELEMENTS_ENGINE_URL", "http://127.0.0.1:9")
    monkeypatch.delenv("CLOUD_ELEMENTS_ENGINE", raising=False)
    monkeypatch.setattr(engine, "ASKED", None)
    return tmp_path


@pytest.fixture
def go(machine, monkeypatch):
    """Give that machine a Go that builds a fake CLI at once."""
    fake = machine / "fake"
    monkeypatch.setenv("FAKE", str(fake))
    fake_pulumi(fake)
    for name in engine.SDK_FILES:
        script(fake / "sdk" / name, "")
    script(machine / "bin" / "go", FAKE_GO)
    return fake


def release():
    """Return a release archive like the official one, with one path that leads out of it."""
    files = {
        "pulumi/pulumi": f"#!/bin/sh\necho v{engine.VERSION}\n",
        "pulumi/pulumi-language-python": "#!/bin/sh\n",
        "../evil": "out of the folder",
    }
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return content.getvalue()


@pytest.fixture
def site(machine, monkeypatch):
    """Serve a dictionary of paths on the loopback interface, as the place of releases."""
    files = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = files.get(self.path.removeprefix("/"))
            self.send_response(200 if body else 404)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
    monkeypatch.setenv("CLOUD_ELEMENTS_ENGINE_URL", f"http://127.0.0.1:{server.server_port}")
    yield files
    server.shutdown()
    server.server_close()


def publish(files, archive):
    checksum = hashlib.sha256(archive).hexdigest()
    files[ARCHIVE] = archive
    files[CHECKSUMS] = f"{'0' * 64}  other.tar.gz\n{checksum}  {ARCHIVE}\n".encode()


def test_path_comes_first(machine, go):
    """`pulumi` on PATH with its language host is taken, whatever version it is."""
    fake_pulumi(machine / "bin", version="3.300.0")
    script(machine / "bin" / "pulumi-language-python", "#!/bin/sh\n")

    found = engine.ensure_engine()

    assert (found.path, found.version) == (machine / "bin" / "pulumi", "v3.300.0")
    assert not (go / "builds").exists()


def test_language_host_beside_a_linked_pulumi_counts(machine):
    """A `pulumi` on PATH may be a link into the folder that holds its language host."""
    fake_pulumi(machine / "installed")
    script(machine / "installed" / "pulumi-language-python", "#!/bin/sh\n")
    (machine / "bin").mkdir()
    (machine / "bin" / "pulumi").symlink_to(machine / "installed" / "pulumi")

    assert engine.ensure_engine().origin == "on PATH"


def test_pulumi_without_language_host_is_passed_over(machine, go, capsys):
    """`pulumi` on PATH without its language host cannot run the program, so one is built."""
    fake_pulumi(machine / "bin")

    found = engine.ensure_engine()

    assert found.origin == "built"
    assert "built, with the stand-in Python language host" in capsys.readouterr().err


def test_broken_pulumi_is_passed_over(machine, go):
    """A `pulumi` on PATH that fails to say its version is not used."""
    script(machine / "bin" / "pulumi", "#!/bin/sh\nexit 1\n")
    script(machine / "bin" / "pulumi-language-python", "#!/bin/sh\n")

    assert engine.ensure_engine().origin == "built"


@pytest.mark.parametrize("version", ["3.216.0", "2.99.9", "dev"])
def test_old_pulumi_is_passed_over(machine, go, monkeypatch, version):
    """A `pulumi` on PATH that is older than the oldest supported SDK is not used."""
    fake_pulumi(machine / "bin", version=version)
    script(machine / "bin" / "pulumi-language-python", "#!/bin/sh\n")

    assert engine.ensure_engine().origin == "built"
    monkeypatch.setenv("CLOUD_ELEMENTS_ENGINE", "path")
    with pytest.raises(engine.EngineError, match=f"v{version}, older than 3.217"):
        engine.ensure_engine()


def test_download_comes_before_build(machine, go, site, capsys):
    """The official release is preferred; its own language host makes the stand-in needless."""
    publish(site, release())

    found = engine.ensure_engine()

    assert found.origin == "downloaded"
    names = sorted(path.name for path in found.path.parent.iterdir())
    assert names == ["origin", "pulumi", "pulumi-language-python"]
    assert "stand-in" not in capsys.readouterr().err
    assert not (go / "builds").exists()


def test_cache_comes_before_download(site):
    """What was downloaded once is used from then on."""
    publish(site, release())
    first = engine.ensure_engine()
    site.clear()

    again = engine.ensure_engine()

    assert (again.path, again.origin) == (first.path, "downloaded earlier")


def test_wrong_checksum_is_refused(machine, go, site, capsys):
    """An archive that differs from its published checksum is not unpacked; Go builds instead."""
    publish(site, release())
    site[ARCHIVE] += b"tampered"

    found = engine.ensure_engine()

    assert found.origin == "built"
    assert "does not have its published checksum" in capsys.readouterr().err


def test_unpublished_checksum_is_refused(site, monkeypatch):
    """An archive that the checksums do not name is not unpacked."""
    publish(site, release())
    site[CHECKSUMS] = b"0000  other.tar.gz\n"
    monkeypatch.setenv("CLOUD_ELEMENTS_ENGINE", "download")

    with pytest.raises(engine.EngineError, match="published checksum"):
        engine.ensure_engine()


def test_no_network_is_one_line(machine, go, capsys):
    """A download that cannot start costs one line, and the next way is tried."""
    assert engine.ensure_engine().origin == "built"

    lines = [line for line in capsys.readouterr().err.splitlines() if "no download" in line]
    assert len(lines) == 1


def test_build_uses_the_pinned_flags(machine, go, monkeypatch):
    """Whatever GOFLAGS a user has, the build runs with ours, read-only and without C."""
    monkeypatch.setenv("GOFLAGS", "-mod=mod")

    found = engine.ensure_engine()

    build = (go / "builds").read_text()
    assert build.startswith("-mod=readonly 0 build -trimpath -tags=osusergo,grpcnotrace -ldflags=")
    names = sorted(path.name for path in found.path.parent.iterdir() if os.access(path, os.X_OK))
    assert names == [
        "language_host.py",
        "pulumi",
        "pulumi-language-python",
        "pulumi-language-python-exec",
        "pulumi-resource-pulumi-python",
    ]


def test_failed_build_leaves_nothing(machine, go):
    """A build that fails leaves no folder behind that a later run could take for an engine."""
    script(machine / "bin" / "go", "#!/bin/sh\necho no space left; exit 1\n")

    with pytest.raises(engine.EngineError, match="build: go build: no space left"):
        engine.ensure_engine()

    assert [path.name for path in engine.engine_folder().parent.iterdir()] == ["lock"]


def test_without_obtain_nothing_is_downloaded_or_built(machine, go, site):
    """`obtain=False` looks at PATH and the cache only."""
    publish(site, release())

    with pytest.raises(engine.EngineError, match="path: there is no pulumi; cache: nothing was"):
        engine.ensure_engine(obtain=False)


def test_setting_forces_one_way(machine, go, site, monkeypatch):
    """CLOUD_ELEMENTS_ENGINE=build builds, though a release could be downloaded."""
    publish(site, release())
    monkeypatch.setenv("CLOUD_ELEMENTS_ENGINE", "build")

    assert engine.ensure_engine().origin == "built"


def test_forced_build_replaces_the_cached_one(machine, go, monkeypatch):
    """Asking for a build by name builds again, and leaves one engine."""
    engine.ensure_engine()
    monkeypatch.setenv("CLOUD_ELEMENTS_ENGINE", "build")

    assert engine.ensure_engine().origin == "built"
    assert len((go / "builds").read_text().splitlines()) == 2
    assert len(list(engine.engine_folder().parent.iterdir())) == 2  # the lock and the engine


def test_unknown_setting_is_refused(machine, monkeypatch):
    """A misspelled setting names the choices."""
    monkeypatch.setenv("CLOUD_ELEMENTS_ENGINE", "biuld")

    with pytest.raises(engine.EngineError, match="choose from path, cache, download, build"):
        engine.ensure_engine()


def test_unknown_version_is_refused(machine, monkeypatch):
    """A version that is not pinned here names those that are."""
    monkeypatch.setattr(engine, "VERSION", "3.1.0")

    with pytest.raises(engine.EngineError, match=r"choose from 3\.274\.1, 3\.259\.0"):
        engine.ensure_engine()


def test_version_asked_for_is_not_taken_from_path_in_another(machine, monkeypatch):
    """Where one version is asked for, another one on PATH is passed over."""
    fake_pulumi(machine / "bin", "3.260.0")
    script(machine / "bin" / "pulumi-language-python", "")
    monkeypatch.setattr(engine, "ASKED", engine.PINNED[1])

    with pytest.raises(engine.EngineError, match=r"is v3\.260\.0, not v3\.259\.0"):
        engine.from_path()


@pytest.mark.parametrize("version", engine.PINNED)
def test_each_pinned_version_has_its_module(version):
    """Each version's folder pins that version of the CLI."""
    assert (
        f"github.com/pulumi/pulumi/pkg/v3 v{version}"
        in (engine.GO / version / "go.mod").read_text()
    )


@pytest.mark.parametrize("name", ["go.sum", "go.mod", "language_host.py", "pulumi-language-python"])
def test_cache_folder_changes_with_its_ingredients(tmp_path, monkeypatch, name):
    """A change of the pinned module or of the stand-in gives the engine another cache folder."""
    module = tmp_path / "go"
    module.mkdir()
    stand_in = (module / "pulumi-language-python", tmp_path / "language_host.py")
    for path in (module / "go.mod", module / "go.sum", *stand_in):
        path.write_text("before")
    monkeypatch.setattr(engine, "MODULE", module)
    monkeypatch.setattr(engine, "STAND_IN", stand_in)
    before = engine.engine_folder()

    next(tmp_path.rglob(name)).write_text("after")

    assert engine.engine_folder() != before


def test_two_runs_build_once(machine, go):
    """Two runs at the same time make one build; the second waits, then takes the first's."""
    lock = engine.engine_folder().parent / "lock"
    lock.parent.mkdir(parents=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        runs = [
            subprocess.Popen([sys.executable, TOOL], stderr=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        for run in runs:
            assert any("waiting for another run" in line for line in run.stderr)

    answers = sorted(
        run.communicate()[1].split(f"v{engine.VERSION} ")[1].split(",")[0] for run in runs
    )
    assert answers == ["built", "built earlier"]
    assert len((go / "builds").read_text().splitlines()) == 1


def test_leftovers_of_a_killed_run_are_swept_out(machine, go):
    """A run that was killed while it built leaves a folder, and the next run removes it."""
    left = engine.engine_folder().parent / "new-killed"
    left.mkdir(parents=True)

    engine.ensure_engine()

    assert not left.exists()


def test_env_puts_the_engine_first(machine, go):
    """The engine's environment finds its own files first and asks nobody for updates."""
    found = engine.ensure_engine()

    assert found.env["PATH"].split(os.pathsep)[0] == str(found.path.parent)
    assert found.env["PULUMI_SKIP_UPDATE_CHECK"] == "true"


def test_print_path_prints_only_the_path(machine, go):
    """`--print-path` answers on standard output with the path; the story is on standard error."""
    run = subprocess.run(
        [sys.executable, TOOL, "--print-path"], capture_output=True, check=True, text=True
    )

    assert run.stdout == f"{engine.engine_folder() / 'pulumi'}\n"
    assert all(line.startswith("engine: ") for line in run.stderr.splitlines())


def test_verify_fails_where_there_is_none(machine, go):
    """`--verify` builds nothing and exits with 1 when there is no engine."""
    run = subprocess.run(
        [sys.executable, TOOL, "--verify"], capture_output=True, check=False, text=True
    )

    assert (run.returncode, run.stdout) == (1, "")
    assert "no Pulumi engine" in run.stderr
