"""Documented answers, as the provider reads them."""

import re

from provider.api import wire
from provider.api.request import read


def test_every_documented_answer(account):
    """An instance is read whatever its answer looks like: id, name, token, tags, configuration."""
    for place, document in account.lines("create_responses.jsonl"):
        with account.judging(place) as verdict:
            answer = document.get("response")
            if (why := _unreadable(answer)) is not None:
                verdict.leave_out(why)
                continue
            found = read(wire.Instance, answer)
            verdict.wrong += ["is not read"] if found is None else _misread(found, answer)
    assert account.failures == []


def _unreadable(answer):
    """Return why nobody could read this as one instance, or None."""
    if answer is None:
        return "has no answer"
    if isinstance(answer, list):
        return "has a list as its answer, not one instance"
    if not isinstance(answer, dict):
        return "has an answer that is no object"
    identity = answer.get("id")
    if identity is None:
        if isinstance(answer.get("instance"), dict):
            return "has its instance one level deeper, in 'instance'"
        if "message" in answer:
            return "has an error as its answer"
        return "has an answer without an id"
    whole = isinstance(identity, int | str) and not isinstance(identity, bool)
    if not whole or not re.fullmatch(r"\w[\w-]*", str(identity)):
        return f"has {identity!r} in place of an id"
    return None


def _misread(found, answer):
    element = answer.get("element") if isinstance(answer.get("element"), dict) else {}
    for what, got, documented, kind in (
        ("id", found.id, str(answer["id"]), str),
        ("name", found.name, answer.get("name"), str),
        ("token", found.token, answer.get("token"), str),
        ("element key", found.element.key, element.get("key"), str),
        ("valid", found.valid, answer.get("valid", element.get("valid")), bool),
        ("disabled", found.disabled, answer.get("disabled", element.get("disabled")), bool),
    ):
        if got != documented and isinstance(documented, kind):
            yield f"{what} is read as {got!r}, not {documented!r}"
    tags = answer.get("tags")
    if isinstance(tags, list):
        names = [tag.get("name") if isinstance(tag, dict) else tag for tag in tags]
        if found.tags != [name for name in names if isinstance(name, str)]:
            yield f"tags are read as {found.tags}"
    configuration = answer.get("configuration") or element.get("configuration")
    if isinstance(configuration, dict):
        for key, value in configuration.items():
            if not wire.same_value((found.held or {}).get(key), value):
                yield f"{key} is read as another value"
