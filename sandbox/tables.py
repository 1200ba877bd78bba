"""The tables of docs/sandbox.md, made from the code; `make docs` writes them."""

from __future__ import annotations

from .catalogue import catalogue
from .faults import KINDS
from .switches import GROUPS


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
