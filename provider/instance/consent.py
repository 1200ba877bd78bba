"""A new instance that lacks the consent of its account's owner waits, and everything else goes on.

That an engine lets a resource wait is new in Pulumi 3.274: what depends on it is left out, its
state stays as it was, and the run exits with 10.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..api.errors import CloudElementsError
from .advice import authorize
from .host import AwaitingError
from .markers import base_of, name_of, place_of
from .metadata import AUTHORIZE, missing_consent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..api import wire
    from .context import Context
    from .inputs import Inputs


def waits(context: Context, element: wire.Element, inputs: Mapping[str, Any]) -> bool:
    """Tell whether a create waits for consent: what it brings is missing, and none of it given.

    Half of it would be a mistake.

    Args:
        context: What the process works with.
        element: The element's metadata.
        inputs: Inputs that may hold unknowns, which count as given.
    """
    if not _may_wait(context, inputs):
        return False
    lacking = [problem.partition(":")[0] for problem in missing_consent(element, inputs)]
    return lacking in (["code"], ["provider_data"])


def _may_wait(context: Context, inputs: Mapping[str, Any]) -> bool:
    given = inputs.get("code") or inputs.get("provider_data")
    return context.settings.await_consent and not given and context.host.can_await()


def wait(context: Context, inputs: Inputs) -> None:
    """Let a resource wait for consent that is missing.

    Raises:
        AwaitingError: It is.
    """
    given = inputs.model_dump()
    if not _may_wait(context, given):
        return
    try:
        element = context.metadata.element(inputs.element_key)
    except CloudElementsError:
        return  # the create will tell
    if element and waits(context, element, given):
        message = awaiting(context, given)
        context.host.warn(message)  # the engine shows no text of such an error
        raise AwaitingError(message)


def awaiting(context: Context, inputs: Mapping[str, Any]) -> str:
    """Return what is waited for, and how it comes."""
    urn = context.host.urn()
    if inputs.get("oauth_proxy") or not urn:
        return "awaiting consent: give it a code from your application"
    name, stack = name_of(urn), place_of(urn)["stack"]
    page = _page(context, name, stack)
    ways = [page] if page else []
    if name in context.entries:
        place = (base_of(stack) if context.sharded else None) or stack
        ways.insert(0, authorize(name, place))
    return f"awaiting consent: {', or '.join(ways) or 'give its program a code for it'}"


def way(context: Context) -> str:
    """Return how the resource at hand gets what it can't be created without."""
    urn = context.host.urn()
    name = name_of(urn)
    if not urn or name in context.entries:
        return AUTHORIZE
    page = _page(context, name, place_of(urn)["stack"])
    return f"at {page}" if page else "and let the program give it"


def _page(context: Context, name: str, stack: str) -> str:
    page = context.settings.consent_page
    for word, text in (("{name}", name), ("{stack}", stack)):
        page = page.replace(word, quote(text, safe=""))
    return page


def entries(text: str | None) -> frozenset[str]:
    """Return the names of what the stack's configuration declares: these `authorize` knows.

    What is wrong there, its program tells.
    """
    try:
        return frozenset(map(str, json.loads(text or "{}")))
    except (TypeError, ValueError):
        return frozenset()
