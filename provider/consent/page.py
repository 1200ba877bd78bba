"""The pages that the browser is shown. Fixed text: nothing of a request is ever in them."""

from __future__ import annotations

import base64
import hashlib
from string import Template

# Takes the code out of the address bar and the history.
_SCRIPT = 'history.replaceState(null, "", location.pathname)'
_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; background: #f3f4f6; color: #1f2937; }
main { max-width: 28rem; margin: 14vh auto; padding: 2rem; background: #fff;
       border-radius: .75rem; border-top: .35rem solid #6b7280; box-shadow: 0 1px 8px #0002; }
main.good { border-color: #15803d; } main.bad { border-color: #b91c1c; }
h1 { font-size: 1.25rem; margin: 0 0 .75rem; } p { margin: .5rem 0 0; }
@media (prefers-color-scheme: dark) {
  body { background: #111827; color: #e5e7eb; } main { background: #1f2937; } }
"""


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src {_source(_STYLE)}; script-src {_source(_SCRIPT)}; "
        "img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Connection": "close",
}

_PAGE = Template(f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<link rel="icon" href="data:,">
<style>{_STYLE}</style>
<script>{_SCRIPT}</script>
</head>
<body>
<main class="$mood" role="status">
  <h1>$title</h1>
  <p>$text</p>
</main>
</body>
</html>
""")


def _page(title: str, text: str, mood: str = "") -> bytes:
    return _PAGE.substitute(title=title, text=text, mood=mood).encode()


GRANTED = _page(
    "Consent received",
    "You can close this tab. The terminal stores the code and says what comes next.",
    "good",
)
DENIED = _page(
    "Access was not granted",
    "Nothing was stored. To try again, run the command in the terminal once more.",
    "bad",
)
AGAIN = _page(
    "Already answered",
    "An earlier tab has answered this request. You can close this one and go to the terminal.",
)
MISFIT = _page(
    "This is not the answer to the open request",
    "It may come from an older tab. The terminal keeps waiting: use the consent page that it "
    "opened last.",
    "bad",
)
NO_CODE = _page(
    "No code came back",
    "The vendor answered the open request, but without a code. The terminal keeps waiting: try "
    "once more on the consent page, or see there what went wrong.",
    "bad",
)
NOT_FOUND = _page("Nothing here", "This address serves one callback and nothing else.")
WRONG_HOST = _page("Nothing here", "This address is reached by the name of this machine only.")
WRONG_METHOD = _page("Nothing here", "A callback arrives by GET.")
TOO_LONG = _page("Too long", "No callback is that long. The terminal keeps waiting.", "bad")
BAD_REQUEST = _page("Not understood", "The terminal keeps waiting.", "bad")
