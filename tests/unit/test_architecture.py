"""The direction of imports holds, and breaking it is noticed."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IN_A_PROGRAM = "from provider import ElementInstance; import sys; print(*sys.modules)"


@pytest.fixture
def copy(tmp_path):
    """The project's packages, to break."""
    for name in ("provider", "sandbox", "tools"):
        ignored = shutil.ignore_patterns("__pycache__", "go")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    shutil.copy(ROOT / ".importlinter", tmp_path)
    return tmp_path


def lint(folder):
    """Check the contracts in a folder; return the names of those that are broken."""
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    broken = [line for line in result.stdout.splitlines() if line.endswith(" BROKEN")]
    assert bool(broken) == bool(result.returncode), result.stdout + result.stderr
    return [line.removesuffix(" BROKEN") for line in broken]


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        (
            "provider/api/wire.py",
            "import provider.api.client",
            "Within the wire",
        ),
        ("provider/instance/inputs.py", "import httpx", "Only the wire knows HTTP"),
        ("provider/api/client.py", "import pulumi", "The wire knows no Pulumi"),
        ("provider/instance/diff.py", "import grpc", "The rules know no server"),
        ("provider/instance/diff.py", "import provider.doors.engine", "The rules know no server"),
        ("provider/doors/engine.py", "import provider.doors.dynamic", "Within the doors"),
        ("provider/api/errors.py", "import httpx", "Leaves know neither Pulumi nor HTTP"),
        ("provider/resource.py", "import rich", "What a Pulumi program imports knows no HTTP"),
        (
            "sandbox/naming.py",
            "import provider.api.redaction",
            "The sandbox and the provider know nothing of each other",
        ),
        ("sandbox/naming.py", "import tools.engine", "Nothing that is shipped needs the tools"),
    ],
)
def test_an_import_against_the_direction_breaks_its_contract(copy, module, line, contract):
    with (copy / module).open("a") as source:
        source.write(f"\n{line}\n")

    assert contract in lint(copy)


def test_the_imports_keep_the_direction():
    assert lint(ROOT) == []


def test_a_new_module_must_find_its_place(copy):
    (copy / "provider/novel.py").write_text("")
    assert lint(copy) == ["Doors, rules, wire"]


def test_a_program_loads_no_http():
    command = [sys.executable, "-c", IN_A_PROGRAM]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    loaded = set(result.stdout.split())
    assert "provider.resource" in loaded
    assert not loaded & {"httpx", "httpcore", "rich", "typer", "pydantic", "starlette", "sandbox"}
