"""Names and tags: what the platform makes of what is sent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sandbox.exchange import RefusalError

if TYPE_CHECKING:
    from sandbox.switches import Switches

_HTML = re.compile(r"<[^<>]*>")


def clean_name(name: Any, switches: Switches) -> str:
    """Return the name without HTML; refuse one that is absent or empty."""
    if not isinstance(name, str) or not name.strip():
        raise RefusalError(400, "Bad request: a name is required for the instance")
    return _within(_HTML.sub("", name), int(switches.number("name_limit")), "name", switches)


def clean_tags(tags: Any, switches: Switches) -> list[str]:
    """Return tags without HTML, treated as the switches say."""
    if not isinstance(tags, list):
        raise RefusalError(400, "Bad request: tags must be a list")
    limit = int(switches.number("tag_limit"))
    cleaned = [_within(_HTML.sub("", _tag(tag)), limit, "tag", switches) for tag in tags]
    if switches.text("tag_case") == "lower":
        cleaned = [tag.lower() for tag in cleaned]
    return _ordered(cleaned, switches)


def _tag(tag: Any) -> str:
    # One old page shows tags as objects, and clients put back what they got.
    text = tag.get("name") if isinstance(tag, dict) else tag
    if not isinstance(text, str):
        raise RefusalError(400, "Bad request: tags must be text")
    return text


def _within(text: str, limit: int, what: str, switches: Switches) -> str:
    if not limit or len(text) <= limit:
        return text
    if switches.text("over_limit") == "refuse":
        raise RefusalError(400, f"Bad request: the {what} is longer than {limit} characters")
    return text[:limit]


def _ordered(tags: list[str], switches: Switches) -> list[str]:
    if len(set(tags)) < len(tags):
        if switches.text("duplicate_tags") == "refuse":
            raise RefusalError(400, "Bad request: a tag is given twice")
        if switches.text("duplicate_tags") == "merge":
            tags = list(dict.fromkeys(tags))
    return sorted(tags) if switches.text("tag_order") == "sorted" else tags


def tags_at_create(sent: Any, name: str, switches: Switches) -> list[str]:
    """Return the tags of a new instance: its name when none were sent."""
    if sent is None or (sent == [] and switches.text("empty_tags_at_create") == "default"):
        return clean_tags([name], switches)
    tags = clean_tags(sent, switches)
    if switches.on("default_tag_always") and name not in tags:
        tags = _ordered([*tags, name], switches)
    return tags
