"""Documented configuration in the words of `events` and `filter_response_nulls`, and back."""

import json
import re

import pytest

from provider.api import wire
from provider.instance import inputs as schema
from provider.instance.events import ENABLED, FIELD, KEYS, NULLS_KEY, compiled, typed

FILES = {"create_requests.jsonl": "request_body", "create_responses.jsonl": "response"}
_FILLED = {"every": "15", "to": "https://app.example.com/events"}
"""What a reader puts in place of a placeholder, by member."""


def _documented(document, field):
    """Yield the configurations of a document."""
    body = document.get(field)
    body = body if isinstance(body, dict) else {}
    inside = body.get("element")
    for holder in (body, inside if isinstance(inside, dict) else {}):
        configuration = holder.get("configuration")
        if isinstance(configuration, dict) and {*KEYS.values(), NULLS_KEY} & configuration.keys():
            yield configuration


def _filled(configuration):
    members = {key: member for member, key in KEYS.items()}
    return {
        key: _FILLED.get(members.get(key), value)
        if isinstance(value, str) and re.match(r"<|\{\{", value)
        else value
        for key, value in configuration.items()
    }


def _reason(key, value, words):
    """Return why a key may stay one: the words can't say it."""
    if wire.is_unset(value):
        return "has no value"
    if FIELD not in words and wire.stored(value) != "false":
        return f"stands without {ENABLED}"
    if key == KEYS["to"] and not str(value).startswith("https://"):
        return "is no https address"
    if key == KEYS["poller_configuration"] and not _is_object(value):
        return "is no JSON object"
    return None


def _is_object(value):
    try:
        return isinstance(json.loads(wire.stored(value)), dict)
    except ValueError:
        return False


@pytest.mark.parametrize("file", FILES)
def test_every_common_configuration(account, file):
    """It compiles back to itself, is without fault, and nothing stays a key that need not."""
    wholly = 0
    for place, document in account.lines(file):
        for documented in _documented(document, FILES[file]):
            with account.judging(place) as verdict:
                configuration = _filled(documented)
                words, rest = typed(configuration, adopted=True)
                back = compiled(words | {"configuration": rest})["configuration"]
                verdict.wrong += [
                    f"{key} compiles to {back.get(key)!r}"
                    for key in configuration.keys() | back.keys()
                    if key not in back
                    or key not in configuration
                    or not wire.same_value(back[key], configuration[key])
                ]
                kept = [key for key in (*KEYS.values(), NULLS_KEY) if key in rest]
                verdict.wrong += [
                    f"{key} could be said in other words"
                    for key in kept
                    if _reason(key, rest[key], words) is None
                ]
                wrong = schema.problems({"element_key": "e", "name": "n", "adopt": "1"} | words)
                verdict.wrong += wrong
                wholly += not kept
    account.notes.append(f"{wholly} are said by events and filter_response_nulls alone")
    assert account.failures == []
