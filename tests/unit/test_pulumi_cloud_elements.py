"""The name of the installed package, in a clone."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STRING = (
    "from pulumi.dynamic.dynamic import serialize_provider; "
    "from pulumi_cloud_elements import PROVIDER; print(serialize_provider(PROVIDER))"
)


def python(source, folder):
    """Return what a fresh interpreter prints that starts in a folder."""
    command = [sys.executable, "-W", "error::ImportWarning", "-c", source]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert result.stderr == ""
    return result.stdout.strip()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("pulumi_cloud_elements", "provider"),
        ("pulumi_cloud_elements.lifecycle", "provider.lifecycle"),
        ("pulumi_cloud_elements.instance.context", "provider.instance.context"),
        ("pulumi_cloud_elements.sandbox", "sandbox"),
        ("pulumi_cloud_elements.sandbox.switches", "sandbox.switches"),
    ],
)
@pytest.mark.parametrize("turn", [1, -1])
def test_a_module_is_one_by_either_name(one, other, turn):
    """Two of them would be two sets of claims, and what one adopts the other would delete."""
    names = (one, other)[::turn]
    source = (
        "import sys, importlib; "
        f"a, b = map(importlib.import_module, {names}); "
        "print(a is b, a.__name__, a.__spec__.name)"
    )
    assert python(source, ROOT) == f"True {other} {other}"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("pulumi_cloud_elements", "usage: elements"),
        ("pulumi_cloud_elements.sandbox", "usage: python -m sandbox"),
    ],
)
@pytest.mark.parametrize("own", [False, True])
def test_what_the_package_runs_by_its_name_runs_here(tmp_path, own, name, said):
    folder = tmp_path if own else ROOT
    (tmp_path / "provider.py").touch()
    command = [sys.executable, "-m", name, "--help"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert result.stdout.lower().lstrip().startswith(said)
    assert result.stderr == ""


def test_what_there_is_not_is_not_found():
    source = "import pulumi_cloud_elements.nothing"
    with pytest.raises(subprocess.CalledProcessError) as failed:
        python(source, ROOT)
    assert "No module named 'pulumi_cloud_elements.nothing'" in failed.value.stderr


@pytest.mark.parametrize("own", ["sandbox.py", "sandbox/__init__.py"])
@pytest.mark.parametrize("before", ["", "import sandbox; "])
def test_a_program_with_a_sandbox_of_its_own_gets_ours_as_well(tmp_path, own, before):
    path = tmp_path / own
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine = True\n")
    source = (
        f"{before}import pulumi_cloud_elements.stack, sandbox; "
        "from pulumi_cloud_elements.sandbox import Sandbox; "
        "print(sandbox.mine, pulumi_cloud_elements.stack.__name__, Sandbox.__module__)"
    )
    assert python(source, tmp_path) == "True provider.stack pulumi_cloud_elements.sandbox.server"


@pytest.mark.parametrize("own", ["provider.py", "provider/__init__.py"])
@pytest.mark.parametrize("before", ["", "import provider; "])
def test_a_program_with_a_provider_of_its_own_gets_ours_as_well(tmp_path, own, before):
    path = tmp_path / own
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine = True\n")
    source = (
        f"{before}import pulumi_cloud_elements.stack, provider; "
        "from pulumi_cloud_elements.sandbox import Sandbox; "
        "print(provider.mine, pulumi_cloud_elements.stack.__name__, Sandbox.__module__)"
    )
    assert python(source, tmp_path) == (
        "True pulumi_cloud_elements.stack pulumi_cloud_elements.sandbox.server"
    )
    assert python(STRING, tmp_path) == python(STRING, ROOT)
