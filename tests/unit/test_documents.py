"""What the documents show works: links, commands, programs and stack files."""

import ast
import inspect
import re
import shlex
from pathlib import Path

import pytest
import typer
import yaml
from markdown_it import MarkdownIt

from provider import ElementInstance
from provider.cli import app
from provider.declarations import parse
from provider.stack_keys import KEY
from sandbox.__main__ import _arguments

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("examples/*.md"),
        *ROOT.glob("examples/*/*.md"),
    ]
)
MAKEFILE = (ROOT / "Makefile").read_text()
COMMANDS = typer.main.get_command(app).commands


def blocks(language):
    """Return the code blocks of a language: document, then text."""
    found = [
        pytest.param(token.content, id=f"{document.name}-{token.map[0] + 1}")
        for document in DOCUMENTS
        for token in MarkdownIt().parse(document.read_text())
        if token.type == "fence" and token.info == language
    ]
    assert found
    return found


def commands(first):
    """Return the shell commands that begin with `first`, each as its words after that."""
    lines = {
        line
        for document in DOCUMENTS
        for token in MarkdownIt().parse(document.read_text())
        if token.type == "fence" and token.info == "console"
        for line in re.findall(rf"^\$ {re.escape(first)} (.*)$", token.content + "\n", re.MULTILINE)
    }
    assert lines
    return [shlex.split(line, comments=True) for line in sorted(lines)]


def slug(heading):
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(document):
    return {slug(text) for text in re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_links_lead_somewhere(document):
    """To a file or folder of the project, and to a heading that it has."""
    links = [
        child.attrs["href"]
        for token in MarkdownIt().parse(document.read_text())
        for child in token.children or []
        if child.type == "link_open" and "://" not in child.attrs["href"]
    ]
    for link in links:
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("text", blocks("yaml"))
def test_a_stack_file_shown_is_valid(text):
    document = yaml.safe_load(re.sub(r"\n +secure: \S+", " decrypted", text))

    if KEY in document.get("config", {}):
        assert parse(document["config"][KEY])


@pytest.mark.parametrize("text", blocks("python"))
def test_a_program_shown_fits_the_code(text):
    """What it imports exists, and every instance is declared with inputs that there are."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            exec(compile(ast.unparse(node), "document", "exec"), {})
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "ElementInstance":
            given = {keyword.arg: None for keyword in node.keywords}
            inspect.signature(ElementInstance).bind(*node.args, **given)


@pytest.mark.parametrize("words", commands("elements"), ids=" ".join)
def test_a_command_shown_exists(words):
    command, *arguments = words
    COMMANDS[command].make_context(command, arguments)


@pytest.mark.parametrize("target", sorted({words[0] for words in commands("make")}))
def test_a_target_shown_exists(target):
    assert re.search(rf"^(.* )?{target}( .*)?:.*## ", MAKEFILE, re.MULTILINE)


def test_the_sandbox_takes_the_options_shown():
    shown = [words[1:] for words in commands("elements") if words[0] == "sandbox"]
    assert shown
    for options in shown:
        assert _arguments().parse_args(options)
