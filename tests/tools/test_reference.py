"""The tables in docs/ say what the code says."""

import pytest

from provider.api.errors import Outcome
from provider.api.retry import Kind
from tools import reference


@pytest.mark.parametrize("name", reference.PAGES)
def test_the_tables_are_up_to_date(name):
    """`make docs` would change nothing."""
    assert reference.page(name) == (reference.DOCS / name).read_text(encoding="utf-8")


def test_the_retry_table_has_a_row_for_each_outcome():
    lines = reference.retry_table().splitlines()
    assert len(lines) == 2 + len(Outcome)
    assert all(line.count("|") == len(Kind) + 2 for line in lines)
    assert all(any(outcome.value in line for line in lines) for outcome in Outcome)
