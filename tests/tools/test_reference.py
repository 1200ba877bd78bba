"""The tables in docs/ say what the code says."""

import pytest

from tools import reference


@pytest.mark.parametrize("name", reference.PAGES)
def test_the_tables_are_up_to_date(name):
    """`make docs` would change nothing."""
    assert reference.page(name) == (reference.DOCS / name).read_text(encoding="utf-8")
