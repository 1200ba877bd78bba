"""Names and tags: what the platform makes of what is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .exchange import RefusalError

if TYPE_CHECKING:
    from .switches import Switches

_LAST_CHARACTER = {"all": "\U0010ffff", "bmp": "\uffff", "ascii": "\x7f"}


def without_html(text: str) -> str:
    """Return text without anything in angle brackets, nested ones included.

    docs: HTML is removed from names on create and PATCH (vendor's test suite, 2018).
    """
    kept: list[str] = []
    opened: list[int] = []
    for character in text:
        if character == "<":
            opened.append(len(kept))
        if character == ">" and opened:
            del kept[opened.pop() :]
        else:
            kept.append(character)
    return "".join(kept)


def clean_name(name: Any, switches: Switches) -> str:
    """Return the name without HTML; refuse one of which nothing is left."""
    limit = int(switches.number("name_limit"))
    cleaned = _clean(name, limit, "name", switches) if isinstance(name, str) else ""
    if not cleaned.strip():
        raise RefusalError(400, "Bad request: a name is required for the instance")
    return cleaned


def clean_tags(tags: Any, switches: Switches) -> list[str]:
    """Return tags without HTML, treated as the switches say."""
    if not isinstance(tags, list):
        raise RefusalError(400, "Bad request: tags must be a list")
    limit = int(switches.number("tag_limit"))
    cleaned = [_clean(_tag(tag), limit, "tag", switches) for tag in tags]
    if switches.text("tag_case") == "lower":
        cleaned = [tag.lower() for tag in cleaned]
    return _ordered(cleaned, switches)


def _tag(tag: Any) -> str:
    # One old page shows tags as objects, and clients put back what they got.
    text = tag.get("name") if isinstance(tag, dict) else tag
    if not isinstance(text, str):
        raise RefusalError(400, "Bad request: tags must be text")
    return text


def _clean(text: str, limit: int, what: str, switches: Switches) -> str:
    text = without_html(text)
    last = _LAST_CHARACTER[switches.text("allowed_characters")]
    allowed = "".join(character for character in text if character <= last)
    within = allowed[:limit] if limit else allowed
    if within != text and switches.text("over_limit") == "refuse":
        objection = f"is longer than {limit} characters"
        if allowed != text:
            objection = "holds characters that are not allowed"
        raise RefusalError(400, f"Bad request: the {what} {objection}")
    return within


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
