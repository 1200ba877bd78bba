"""Writes the tables of docs/ from the code that they describe: `make docs`."""

from __future__ import annotations

import ast
import inspect
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provider.api.errors import Outcome
from provider.api.retry import TABLE, Kind
from provider.config import Settings, environment_name, stack_key
from provider.declarations import InstanceDeclaration
from provider.defaults import MERGED, OWN
from provider.instance.events import KEYS, Events, is_secret
from provider.instance.inputs import Declared, Inputs, policy
from provider.resource import ElementInstance
from sandbox import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

DOCS = Path(__file__).parents[1] / "docs"


def retry_table() -> str:
    """Return the table of what is sent again."""
    return _table(
        ("what came of it", *(kind.value for kind in Kind)),
        ((outcome.value, *(TABLE[outcome][kind].value for kind in Kind)) for outcome in Outcome),
    )


def inputs() -> str:
    """Return the table of the resource's inputs."""
    marks = {"replaces": "replaces", "write_only": "not compared", "secret": "secret"}
    rows = []
    for name, text in documented(Inputs).items():
        if name == "markers":
            continue
        found = [word for mark, word in marks.items() if getattr(policy(name), mark)]
        rows.append((f"`{name}`", text, ", ".join(found)))
    return _table(("Input", "Meaning", ""), rows)


def events() -> str:
    """Return the table of the members of `events`."""
    rows = [
        (f"`{name}`", f"`{KEYS[name]}`", text, "secret" if is_secret(name) else "")
        for name, text in documented(Events).items()
    ]
    return _table(("Member", "Configuration key", "Meaning", ""), rows)


def outputs() -> str:
    """Return the table of the resource's outputs, from the attributes of the class."""
    rows = [(f"`{name}`", text) for name, text in documented(ElementInstance).items()]
    return _table(("Output", "Meaning"), rows)


def settings() -> str:
    """Return the table of the connection settings."""
    rows = [
        (
            f"`{environment_name(item.name)}`",
            f"`{stack_key(item.name)}`",
            "" if item.default == "" else f"`{_shown(item.default)}`",
            item.metadata["doc"],
        )
        for item in fields(Settings)
    ]
    return _table(("Environment", "Stack configuration", "Default", "Meaning"), rows)


def declaration() -> str:
    """Return the table of the keys of an entry of `cloud-elements:instances`."""
    rows = [(f"`{name}`", text) for name, text in documented(InstanceDeclaration).items()]
    return _table(("Key", "Meaning"), rows)


def defaults() -> str:
    """Return the table of how an entry gets each key: its own value, that of its defaults, both."""
    rows = []
    for name in documented(InstanceDeclaration):
        how = MERGED.get(name, "the entry's, else that of the defaults")
        rows.append((f"`{name}`", "the entry's alone" if name in OWN else how))
    return _table(("Key", "What counts"), rows)


PAGES: dict[str, dict[str, Callable[[], str]]] = {
    "guarantees.md": {"retry": retry_table},
    "reference.md": {
        "inputs": inputs,
        "events": events,
        "outputs": outputs,
        "settings": settings,
        "declaration": declaration,
        "defaults": defaults,
    },
    "sandbox.md": tables.TABLES,
}


def page(name: str) -> str:
    """Return a page of docs/ with every table as the code has it now."""
    text = (DOCS / name).read_text(encoding="utf-8")
    for mark, table in PAGES[name].items():
        before, rest = text.split(f"<!-- {mark} -->\n")
        _, after = rest.split(f"<!-- /{mark} -->")
        text = f"{before}<!-- {mark} -->\n{table()}\n<!-- /{mark} -->{after}"
    return text


def documented(of: type) -> dict[str, str]:
    """Return the attributes of a class that have docstrings, each on one line.

    Pydantic could do that as well, but would at every start of the provider.
    """
    inherited = documented(Declared) if issubclass(of, Declared) and of is not Declared else {}
    tree = ast.parse(inspect.getsource(of))
    own = {
        ast.unparse(attribute.target): " ".join(str(ast.literal_eval(text.value)).split())
        for block in ast.walk(tree)
        if isinstance(block, ast.ClassDef | ast.If)
        for attribute, text in pairwise(block.body)
        if isinstance(attribute, ast.AnnAssign)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
    }
    return {name: own[name] for name in own if name not in _LAST} | inherited | own


_LAST = ("protect", "retain_on_delete")
"""Pulumi's own options of an entry, which stand behind the instance's."""


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


if __name__ == "__main__":
    for name in PAGES:
        made = page(name)
        (DOCS / name).write_text(made, encoding="utf-8")
