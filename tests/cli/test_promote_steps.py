"""The steps of docs/promote.md, as they stand there, with the real engine: dev, staging, prod."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.ports import free_port

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "promote.md").read_text()


def steps():
    """Return the commands of the section."""
    section = DOCUMENT.split("## The steps\n")[1].split("\n## ")[0]
    return re.findall(r"^ *\$ (.*)$", section, re.MULTILINE)


def test_the_steps_lead_from_dev_to_prod(deployed):
    """Each stack ends with an instance of its own, and with the same entry."""
    callback = f"http://127.0.0.1:{free_port()}/callback"
    for name in ("prod", "staging", "dev"):
        deployed.project.init(name)
    file = deployed.project.folder / "stacks" / "Pulumi.dev.yaml"
    head, _, tail = file.read_text().partition("config:\n")
    file.write_text(
        f"{head}config:\n  cloud-elements:defaults:\n    onedrivebusiness:\n"
        f"      configuration: {{oauth.callback.url: {callback}}}\n"
        "  cloud-elements:instances:\n    invoices:\n      element: onedrivebusiness\n"
        "      tags: [billing]\n      configuration: {document.tagging: true}\n" + tail
    )
    deployed.browser("allow")
    path = (
        f"{Path(deployed.project.engine.path).parent}:{ROOT}/.venv/bin:"
        f"{deployed.project.env['PATH']}"
    )

    def run(command):
        done = subprocess.run(
            ["bash", "-c", command + (" --yes" if command.startswith("pulumi up") else "")],
            cwd=deployed.project.folder,
            env=deployed.project.env | {"PATH": path},
            input="application-7731",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    look, write, *rest = steps()
    for command in rest[:2]:  # dev's own application
        run(command.replace("staging", "dev"))

    for one, other in (("dev", "staging"), ("staging", "prod")):
        there = [c.replace("staging", other) for c in rest]
        promotion = write.replace("dev", one).replace("--to staging", f"--to {other}")
        run(f"{promotion} --dry-run")
        said = run(promotion)
        assert all(f"  {command}\n" in said for command in there[:3]), said
        for command in there:
            run(command)
        assert "is in stack" in run(promotion)

    assert look == f"{write} --dry-run"
    held = deployed.sandbox.instances()
    assert [one["name"] for one in held] == ["invoices"] * 2
    assert all("billing" in one["tags"] for one in held)
    assert deployed.sandbox.counters()["doubles"] == 0
