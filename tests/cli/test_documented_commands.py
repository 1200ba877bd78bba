"""Commands of Pulumi's that the documents show: they exist, and have the options shown."""

from __future__ import annotations

import itertools
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tools.engine import ensure_engine

pytestmark = pytest.mark.older

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*/*.md")]


def shown():
    """Return the commands, each as its words after `pulumi`, with what follows a pipe left out."""
    lines = {
        line
        for page in PAGES
        for token in MarkdownIt().parse(page.read_text())
        if token.type == "fence" and token.info == "console"
        for line in re.findall(r"^\$ (?:.*\| )?pulumi (.+)$", token.content, re.MULTILINE)
    }
    # `pulumi do` asks a provider for its options: tests/e2e/test_native.py runs it.
    found = {" ".join(shlex.split(line, comments=True)) for line in lines}
    return sorted(line for line in found if not line.startswith("do "))


def refused(line):
    """Return what the engine has against a command, which is not run; nothing, if it is right.

    It reads all options before it heeds `--help`, which shows a group's help for what is no command
    of that group.
    """
    engine = ensure_engine()
    words = line.split()
    done = subprocess.run(
        [engine.path, *words, "--help"], env=engine.env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        return done.stderr
    bare = list(itertools.takewhile(lambda word: not word.startswith("-"), words))
    group = re.search(r"^  pulumi ((?:[a-z-]+ )*)\[command\]", done.stdout, re.MULTILINE)
    return f"no command: {line}" if group and len(bare) > len(group[1].split()) else ""


@pytest.mark.parametrize("line", shown())
def test_a_command_of_pulumis_that_is_shown_exists(line):
    assert not refused(line)


def test_one_that_does_not_exist_is_found():
    assert len(shown()) > 30
    assert "unknown flag" in refused("up --stak dev")
    assert refused("stack initialise dev")
    assert refused("stat rename x")
