"""Builds the documentation's site: `make docs-site`.

The pages lie in the project where GitHub shows them, and link to each other and to files there.
What is published is laid out in the same folders, so that every link leads where it does there;
a link that leads nowhere ends the build.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "dist" / "site-source"
PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "UPGRADING.md")
FOLDERS = ("docs", "examples", "findings", "packaging", "templates")
FILES = ("LICENSE",)


def lay_out(source: Path = SOURCE) -> None:
    """Copy what is published; a link to a folder becomes one to its page or its list of files."""
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        published = name in (*PAGES, *FILES) or name.startswith(tuple(f"{f}/" for f in FOLDERS))
        if published and (ROOT / name).is_file():
            target = source / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)
    for page in sorted(source.rglob("*.md")):
        page.write_text(_to_pages(page), encoding="utf-8")


def _to_pages(page: Path) -> str:
    def replaced(found: re.Match[str]) -> str:
        folder = page.parent / found[1]
        if not folder.is_dir():
            return found[0]
        if not (folder / "README.md").exists():
            files = [path.name for path in sorted(folder.iterdir()) if path.is_file()]
            listed = "\n".join(f"- [{name}]({name})" for name in files if name[0] != ".")
            (folder / "README.md").write_text(f"# {folder.name}\n\n{listed}\n", encoding="utf-8")
        return f"]({found[1].rstrip('/')}/README.md)"

    return re.sub(r"\]\(([\w./-]+)\)", replaced, page.read_text(encoding="utf-8"))


def build(source: Path = SOURCE, *options: str) -> subprocess.CompletedProcess[str]:
    """Build the site from what was laid out; the exit code is 0 when every link leads somewhere."""
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", *options],
        cwd=ROOT,
        # NO_MKDOCS_2_WARNING: what the theme says at each build.
        env=os.environ | {"SITE_SOURCE": str(source), "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def main() -> int:
    """Build the site into dist/site; return 1 when a link leads nowhere."""
    lay_out()
    done = build()
    print(done.stderr if done.returncode else "dist/site/index.html")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
