"""Documented elements: the provider and the platform ask for the same configuration."""

import json

from provider.api import request, wire
from provider.instance.metadata import required_keys

MISSING = "Missing required configuration: "


def test_every_documented_element(account, sandbox, client, refusal):
    """Each is read, and the platform asks for just the keys that the metadata say are required."""
    complaints = dict(line.split(": ", 1) for line in sandbox.complaints)
    for place, text in account.files():
        with account.judging(place) as verdict:
            if place in complaints:
                verdict.leave_out(f"is refused by the sandbox ({complaints[place]})")
                continue
            document = _first(text)
            if odd := [flag for flag in _flags(document) if not _is_flag(flag)]:
                verdict.leave_out(f"has {odd[0]!r} in place of true or false")
                continue
            verdict.wrong += _misread_element(client, refusal, document)
    assert account.failures == []


def _first(text):
    """Return the first value of a file, or the only one of its list, as the sandbox does."""
    value, _ = json.JSONDecoder().raw_decode(text.lstrip())
    return value[0] if isinstance(value, list) else value


def _entries(document):
    entries = document.get("configuration")
    listed = entries if isinstance(entries, list) else []
    return [e for e in listed if isinstance(e, dict) and isinstance(e.get("key"), str)]


def _flags(document):
    names = ("required", "active", "internal", "hideFromConsole", "groupControl")
    return [entry.get(name) for entry in _entries(document) for name in names]


def _is_flag(value):
    return value is None or isinstance(value, bool) or str(value).lower() in ("true", "false")


def _misread_element(client, refusal, document):
    read = request.read(wire.Element, document)
    if read is None:
        yield "is not read"
        return
    fetched = client.get_element(read.key)
    listed = [entry["key"] for entry in _entries(document)]
    if [entry.key for entry in read.configuration] != listed:
        yield "its configuration keys are read as others"
    required = {entry.key for entry in required_keys(fetched, {})}
    demanded = _demanded(refusal, read.key, listed)
    if required != demanded:
        yield f"requires {sorted(required)}, but the platform asks for {sorted(demanded)}"
    if required != {entry.key for entry in required_keys(read, {})}:
        yield "requires other keys by the file than by the platform"
    given = dict.fromkeys(required, "given")
    if left := _demanded(refusal, read.key, listed, given) & required:
        yield f"the platform still asks for {sorted(left)}"


def _demanded(refusal, key, listed, configuration=None):
    """Return those of the listed keys that the platform misses in a create."""
    refused = refusal({"element": {"key": key}, "name": "probe", "configuration": configuration})
    message = refused[1]["message"] if refused else ""
    return named_in(message, listed) if message.startswith(MISSING) else set()


def named_in(message, listed):
    """Return the keys of a message about missing ones; keys may hold the separator themselves."""
    left, named = message.removeprefix(MISSING), set()
    while left is not None:
        key = max((k for k in listed if f"{left}, ".startswith(f"{k}, ")), key=len, default=None)
        assert key is not None, f"the platform names what is no key: {left!r}"
        named.add(key)
        left = left[len(key) + 2 :] if len(left) > len(key) else None
    return named
