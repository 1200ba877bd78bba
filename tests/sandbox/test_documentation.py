"""docs/sandbox.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from sandbox.__main__ import _arguments
from sandbox.backdoor import Backdoor
from sandbox.control import Control

PAGE = (Path(__file__).parents[2] / "docs/sandbox.md").read_text(encoding="utf-8")


def test_every_option_is_explained() -> None:
    """Each option of the command line stands in the table of options, and no other does."""
    options = {option for a in _arguments()._actions for option in a.option_strings}
    section = PAGE[PAGE.index("| Option |") : PAGE.index("In a Python test")]
    assert set(re.findall(r"--[a-z][a-z-]*", section)) == options - {"-h", "--help"}


def test_every_control_method_and_route_is_explained() -> None:
    """By name."""
    section = PAGE[PAGE.index("## Control") : PAGE.index("### Counters")]
    methods = [name for name in vars(Control) if not name.startswith("_") and name != "add"]
    assert [name for name in methods if f"`{name}(" not in section] == []
    routes = {route.path for route in Backdoor(None, None).application().routes}  # type: ignore[arg-type, attr-defined]
    routes -= {"/sandbox/consent", "/sandbox/callback", "/sandbox/sessions/{key}"}
    documented = {
        path.replace("{id}", "{id:int}") for path in re.findall(r"/sandbox[^` ]*", section)
    }
    assert routes <= documented
