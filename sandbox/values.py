"""What counts as a JSON value and as a number in requests, and in files of elements."""

from __future__ import annotations

import json
import math
from typing import Any

NOT_JSON = object()
_DEEPEST = 100
_LARGEST_NUMBER_LENGTH = 18
"""Digits that fit SQLite's integers."""


def json_value(raw: bytes) -> Any:
    """Return the JSON value of a body, or NOT_JSON.

    Also NOT_JSON: what Python's parser takes but no strict parser does (NaN, numbers that
    overflow, lone surrogates), and more than a hundred levels.
    """
    try:
        value = json.loads(raw, parse_constant=_not_finite, parse_float=_finite)
        if b"\\u" in raw:
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return NOT_JSON
    return NOT_JSON if raw.count(b"{") + raw.count(b"[") > _DEEPEST and _is_deep(value) else value


def _not_finite(text: str) -> float:
    raise ValueError(text)


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _not_finite(text)


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        children = [one.values() if isinstance(one, dict) else one for one in level]
        level = [one for some in children for one in some if isinstance(one, dict | list)]
    return bool(level)


def is_number(text: str) -> bool:
    """Return whether text is a whole number that is not negative and fits the database."""
    return text.isdecimal() and len(text) <= _LARGEST_NUMBER_LENGTH
