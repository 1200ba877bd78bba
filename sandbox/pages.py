"""The sandbox's own pages for a browser: what they look like."""

from __future__ import annotations

from html import escape
from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title · sandbox</title>
<link rel="icon" href="data:,">
<style>
  body { font: 16px/1.5 system-ui, sans-serif; margin: 0; background: #f3f4f6; color: #1f2937; }
  main { max-width: 26rem; margin: 12vh auto; padding: 2rem; background: #fff;
         border-radius: .75rem; box-shadow: 0 1px 8px #0002; }
  h1 { font-size: 1.25rem; margin: 0 0 1rem; }
  p { overflow-wrap: anywhere; }
  small { color: #6b7280; }
  form { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: 1.5rem; }
  label, input { flex: 1 0 100%; font: inherit; }
  input { box-sizing: border-box; padding: .4rem; border: 1px solid #d1d5db; border-radius: .5rem; }
  button { flex: 1; font: inherit; padding: .6rem; border-radius: .5rem; cursor: pointer;
           border: 1px solid #d1d5db; background: #fff; color: inherit; }
  button[value=allow] { background: #1d4ed8; border-color: #1d4ed8; color: #fff; }
</style>
</head>
<body>
<main>
  <h1>$heading</h1>
  $paragraphs
  <p><small>This page belongs to a sandbox. Nothing real is behind it.</small></p>
</main>
</body>
</html>
""")
_FORM = Template("""<form method="post">
    $fields
    <button type="submit" name="decision" value="allow">Allow</button>
    <button type="submit" name="decision" value="deny">Deny</button>
  </form>""")


def page(title: str, heading: str, paragraphs: Iterable[str]) -> str:
    """Return a page; title and heading are text, paragraphs are HTML."""
    return _PAGE.substitute(
        title=escape(title), heading=escape(heading), paragraphs="\n  ".join(paragraphs)
    )


def question(fields: Mapping[str, tuple[str, bool]] | None = None) -> str:
    """Return a form that allows or denies, with fields by name: what they are called, if secret."""
    shown = (
        f"<label>{escape(label)} <input name={_quoted(name)} "
        f"type={_quoted('password' if secret else 'text')}></label>"
        for name, (label, secret) in (fields or {}).items()
    )
    return _FORM.substitute(fields="\n    ".join(shown))


def _quoted(text: str) -> str:
    return f'"{escape(text)}"'
