"""The person's browser: led to the consent page, or told where it is."""

from __future__ import annotations

import os
import re
import sys
import webbrowser
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..api.address import is_loopback
from ..api.redaction import scrub
from .console import FailureError, say, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

_PLAIN_ADDRESS = re.compile(r"[!-~]+")


def lead(address: str, element: str, secret: str, *, browser: bool) -> None:
    """Lead the person to the consent page.

    Args:
        address: Its address.
        element: What asks for consent, in a stranger's words.
        secret: The application's; an address that holds it is opened, and not printed.
        browser: Open the browser.

    Raises:
        FailureError: The address must not be opened, or can be neither opened nor printed.
    """
    parts = urlsplit(address)
    if not _PLAIN_ADDRESS.fullmatch(address):
        message = "The platform gave an address for the consent page that no browser should open."
        raise FailureError(message)
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        say(f"Warning: the consent page of {parts.hostname} is not https; others can read it.")
    name = shown(element)
    holds_secret = scrub(address, {secret}) != address
    if browser and _opened(address):
        if holds_secret:
            say(f"{name} asks for your consent in the browser, at {parts.hostname}.\n")
            return
        say(f"{name} asks for your consent in the browser. If no page opens, go to\n")
    elif holds_secret:
        why = "no browser could be opened" if browser else "--no-browser opens none"
        message = (
            f"The address of the consent page at {parts.hostname} holds the application's secret "
            f"and is not printed, and {why}: run the command without --no-browser where there is a "
            "browser."
        )
        raise FailureError(message)
    else:
        say(f"Open this address in a browser and give {name} your consent:\n")
    say(f"  {address}\n")


def _opened(address: str) -> bool:
    """Open the browser; tell whether there is one that shows pages outside this terminal."""
    try:
        found = webbrowser.get()
        # Without a display Python falls back to w3m, lynx and others like them.
        in_terminal = type(found) is webbrowser.GenericBrowser and not os.environ.get("BROWSER")
        with _output_aside():
            return not in_terminal and found.open(address)
    except (webbrowser.Error, OSError):
        return False


@contextmanager
def _output_aside() -> Iterator[None]:
    """Have what is started here write to standard error: browsers would write into our results."""
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        os.dup2(2, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
