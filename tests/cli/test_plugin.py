"""`elements plugin install`: the native provider where Pulumi's engine looks."""

import json
import subprocess
import sys
import sysconfig
from importlib.metadata import version
from pathlib import Path

import pytest

NAME = "pulumi-resource-cloud-elements"
VERSION = version("pulumi-cloud-elements")


@pytest.fixture
def launcher(workplace):
    """Return where the launcher belongs; afterwards it is gone again."""
    plugins = Path(workplace.project.env["PULUMI_HOME"], "plugins")
    yield plugins / f"resource-cloud-elements-v{VERSION}" / NAME
    workplace.project.run("plugin", "rm", "--all", "--yes")


@pytest.mark.older
def test_the_launcher_starts_the_provider(workplace, launcher):
    said = workplace.process("plugin", "install")

    assert (said.code, said.stdout) == (0, f"cloud-elements {VERSION}\n")
    assert str(Path(sys.executable).with_name(NAME)) in said.stderr
    with subprocess.Popen([launcher, "127.0.0.1:1"], stdout=subprocess.PIPE, text=True) as server:
        assert int(server.stdout.readline()) > 0, "the port that it serves"
        server.kill()
    [listed] = json.loads(workplace.project.run("plugin", "ls", "--json").stdout)
    assert (listed["name"], listed["kind"], listed["version"]) == (
        "cloud-elements",
        "resource",
        VERSION,
    )


def test_again_it_leads_to_the_environment_of_now(workplace, launcher):
    """The version is the same, but the environment moved."""
    workplace.elements("plugin", "install")
    launcher.write_text("#!/bin/sh\nexec /gone/bin/provider\n")

    said = workplace.elements("plugin", "install", "--json")

    assert json.loads(said.stdout) == {
        "name": "cloud-elements",
        "version": VERSION,
        "server": str(Path(sys.executable).with_name(NAME)),
    }
    assert "/gone/" not in launcher.read_text()


def test_a_folder_with_spaces_is_quoted(workplace, launcher, tmp_path, monkeypatch):
    folder = tmp_path / "it's a folder"
    folder.mkdir()
    (folder / NAME).write_text('#!/bin/sh\necho "$0 $1"\n')
    (folder / NAME).chmod(0o755)
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(folder))

    assert workplace.elements("plugin", "install").code == 0

    answer = subprocess.run([launcher, "address"], capture_output=True, text=True, check=True)
    assert answer.stdout == f"{folder / NAME} address\n"


def test_a_launcher_whose_environment_is_gone_says_what_to_do(
    workplace, launcher, tmp_path, monkeypatch
):
    (tmp_path / NAME).write_text("")
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    workplace.elements("plugin", "install")
    (tmp_path / NAME).unlink()

    answer = subprocess.run([launcher], capture_output=True, text=True, check=False)

    assert answer.returncode == 1
    assert answer.stderr == (
        f"There is no {tmp_path / NAME} any more: run 'elements plugin install'.\n"
    )


def test_an_environment_without_the_provider(workplace, tmp_path, monkeypatch):
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))

    said = workplace.elements("plugin", "install")

    assert (said.code, said.stdout) == (1, "")
    assert said.stderr.startswith(f"There is no {NAME} in the environment of {sys.executable}")
    assert said.stderr.count("\n") == 1


def test_without_pulumi(workplace, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    said = workplace.elements("plugin", "install")

    assert said.code == 1
    assert "pulumi command is not on PATH" in said.stderr


def test_what_pulumi_has_against_it_is_told(workplace, tmp_path, monkeypatch):
    """A plugin folder that can't be written, for one."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "file" / "home"))

    said = workplace.elements("plugin", "install")

    assert (said.code, said.stdout) == (1, "")
    assert said.stderr.startswith("'pulumi plugin install resource cloud-elements")
    assert "Traceback" not in said.stderr
