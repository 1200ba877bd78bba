"""The tables of docs/sandbox.md, made from the code; `python -m sandbox.tables` writes them."""

from __future__ import annotations

from pathlib import Path

from sandbox.catalogue import catalogue
from sandbox.faults import KINDS
from sandbox.switches import GROUPS

PAGE = Path(__file__).parent.parent / "docs" / "sandbox.md"


def switches_table() -> str:
    """Return every switch, grouped by subject."""
    lines = ["| Switch | Values (**default**) | Standing | Meaning |"]
    lines.append("|---|---|---|---|")
    for subject, group in GROUPS:
        lines.append(f"| *{subject}* | | | |")
        for switch in group:
            values = " ".join(
                f"**{value}**" if value == switch.default else value for value in switch.values
            )
            values = values or f"a number (**{switch.default}**)"
            lines.append(f"| `{switch.name}` | {values} | {switch.standing} | {switch.sentence} |")
    return "\n".join(lines)


def faults_table() -> str:
    """Return every kind of fault with its parameters."""
    lines = ["| Kind | Parameters (default) | What happens |", "|---|---|---|"]
    for kind in KINDS.values():
        shown = ", ".join(
            f"`{name}` ({value or 'none'})" for name, value in kind.parameters.items()
        )
        lines.append(f"| `{kind.name}` | {shown} | {kind.sentence} |")
    return "\n".join(lines)


def elements_table() -> str:
    """Return the built-in elements."""
    lines = ["| Key | Authentication | A user supplies | About |", "|---|---|---|---|"]
    for element in catalogue():
        asked = ", ".join(f"`{entry['key']}`" for entry in element.missing({}))
        about = element.document["description"]
        lines.append(f"| `{element.key}` | {element.authentication({})} | {asked} | {about} |")
    return "\n".join(lines)


TABLES = {"switches": switches_table, "faults": faults_table, "elements": elements_table}


def with_tables(page: str) -> str:
    """Return the page with every table between its marks made anew."""
    for name, table in TABLES.items():
        before, rest = page.split(f"<!-- {name} -->\n")
        _, after = rest.split(f"<!-- /{name} -->")
        page = f"{before}<!-- {name} -->\n{table()}\n<!-- /{name} -->{after}"
    return page


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
