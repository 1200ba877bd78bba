"""What other languages need: built once, by a fake Go, and found again."""

from pathlib import Path

import pytest

from tools import engine, languages

# Builds by writing a program that says its name, and counts how often.
FAKE_GO = """#!/bin/sh
echo "$PWD $*" >>"$FAKE"
for argument; do
    case $argument in -o=*) printf '#!/bin/sh\\necho built\\n' >"${argument#-o=}"
        /bin/chmod +x "${argument#-o=}" ;;
    esac
done
"""


def script(path, body):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(body)
    path.chmod(0o755)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Give a machine with a Go that builds at once, and with an empty cache."""
    script(tmp_path / "bin" / "go", FAKE_GO)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("FAKE", str(tmp_path / "builds"))
    return tmp_path


@pytest.fixture
def pulumi(machine):
    """Return an engine without a host for YAML programs."""
    return engine.Engine(machine / "engine" / "pulumi", "built", "v3.274.1")


def test_the_yaml_host_is_built_once(machine, pulumi):
    found = languages.with_yaml(pulumi)
    again = languages.with_yaml(pulumi)

    assert found.hosts == again.hosts
    assert (found.hosts[0] / "pulumi-language-yaml").exists()
    assert str(found.hosts[0]) in found.env["PATH"].split(":")
    [build] = (machine / "builds").read_text().splitlines()
    assert build.startswith(f"{engine.GO / 'yaml'} build -trimpath")
    assert build.endswith(languages.YAML)


@pytest.mark.parametrize("place", ["engine", "bin"])
def test_the_engines_own_yaml_host_comes_first(machine, pulumi, place):
    """It lies beside a released engine, or on PATH."""
    script(machine / place / "pulumi-language-yaml", "#!/bin/sh\n")

    assert languages.with_yaml(pulumi) == pulumi
    assert not (machine / "builds").exists()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("#!/bin/sh\necho no space left; exit 1\n", "go build: no space left"),
        (None, "pulumi-language-yaml needs go, which is not on PATH"),
    ],
)
def test_a_build_that_fails_leaves_nothing(machine, pulumi, body, reason):
    (machine / "bin" / "go").unlink()
    if body:
        script(machine / "bin" / "go", body)

    with pytest.raises(engine.EngineError, match=reason):
        languages.with_yaml(pulumi)

    left = [path.name for path in (machine / "cache").rglob("*") if path.is_file()]
    assert left == ["lock"]


FAKE_MAVEN = """#!/bin/sh
for argument; do
    case $argument in -Dmaven.repo.local=*) into=${argument#*=} ;; esac
done
[ -e src/main/java/cloudelements/Program.java ] && echo got >"$into/package"
"""


def test_java_packages_are_got_once(machine):
    script(machine / "bin" / "mvn", FAKE_MAVEN)
    found = languages.java_packages()
    (machine / "bin" / "mvn").unlink()

    assert languages.java_packages() == found
    assert (found / "package").read_text() == "got\n"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("#!/bin/sh\necho '[ERROR] no such package'; exit 1\n", "mvn: .ERROR. no such package"),
        (None, "mvn: No such file or directory"),
    ],
)
def test_java_packages_that_can_not_be_had_leave_nothing(machine, body, reason):
    if body:
        script(machine / "bin" / "mvn", body)

    with pytest.raises(engine.EngineError, match=reason):
        languages.java_packages()

    left = [path.name for path in (machine / "cache").rglob("*") if path.is_file()]
    assert left == ["lock"]


def test_each_module_is_pinned():
    """The SDKs are made by the code of the engine that everything runs with."""
    sdks = (engine.GO / "sdks" / "go.mod").read_text()
    example = (languages.ROOT / "examples" / "go" / "go.mod").read_text()
    assert f"github.com/pulumi/pulumi/pkg/v3 v{engine.PINNED[0]}" in sdks
    assert f"github.com/pulumi/pulumi/sdk/v3 v{engine.PINNED[0]}" in example
    assert "github.com/pulumi/pulumi-yaml v1.25.0" in (engine.GO / "yaml" / "go.mod").read_text()
    for name in ("sdks", "yaml"):
        assert Path(engine.GO, name, "go.sum").exists()
