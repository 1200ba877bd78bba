"""The documentation's site: built strictly, with every page in it, and from nowhere else."""

import re

import pytest

from tools.site import ROOT, build, lay_out


@pytest.fixture
def pages(tmp_path):
    """Return what is laid out for the site."""
    lay_out(tmp_path / "source")
    return tmp_path / "source"


def test_every_page_is_built_and_every_link_leads_somewhere(pages, tmp_path):
    done = build(pages, "--site-dir", str(tmp_path / "site"))

    assert done.returncode == 0, done.stderr
    written = {path.relative_to(tmp_path / "site") for path in tmp_path.glob("site/**/*.html")}
    assert len(written) > len([*ROOT.glob("docs/*.md")])
    for page in written:
        text = (tmp_path / "site" / page).read_text()
        assert not re.search(r'<(link|script|img)[^>]*(href|src)="?https?://', text), page


@pytest.mark.parametrize(
    "link", ["nowhere.md", "cli.md#nowhere", "../examples/nowhere", "../examples/pipelines/no.yml"]
)
def test_a_link_that_leads_nowhere_ends_the_build(pages, tmp_path, link):
    with (pages / "docs" / "concepts.md").open("a") as page:
        page.write(f"\n[there]({link})\n")

    done = build(pages, "--site-dir", str(tmp_path / "site"))

    assert done.returncode == 1
    assert link.partition("#")[0] in done.stderr
