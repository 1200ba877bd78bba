"""`docs/refusals.md` quotes what the code says."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "refusals.md").read_text()
PLACE = "\0"  # where the code, or the page, has something that differs from case to case


def messages():
    """Return all text in the code, with `PLACE` for what is filled in, in one string."""
    found = []
    for path in sorted((ROOT / "provider").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = (
                    part.value if isinstance(part, ast.Constant) else PLACE for part in node.values
                )
                found.append("".join(parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return "\n".join(found)


SAID = messages()
QUOTES = sorted(
    {
        quote
        for row in re.findall(r"^\| (`.*?) \| ", PAGE, re.MULTILINE)
        for quote in re.findall(r"`([^`]+)`", row)
    }
)


@pytest.mark.parametrize("quote", QUOTES)
def test_the_code_says_what_the_page_quotes(quote):
    """Ids, addresses, names and what is left out differ; all words between them are the code's."""
    parts = re.split(r"'[^' ]*…[^' ]*'|https://\S+|…|\b[N\d]\b|, ", quote)
    words = [part.strip(" :';") for part in parts if len(part.strip(" :';").split()) > 1]

    assert words
    for part in words:
        assert part in SAID, part


def test_a_quote_that_the_code_does_not_say_is_found():
    assert "its code was sent already" not in SAID
    assert len(QUOTES) > 40
