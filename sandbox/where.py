"""The query parameter `where`: conditions on the fields of what a list holds.

docs: `private='true' AND abridged='true' AND key in ('a','b')` (doctor-core,
getPrivateElements.js:30-32, 2022); `type='CompanyAccount'` (elements-connect, 2018).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from .exchange import RefusalError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .exchange import Call

_VALUE = r"'[^']*'"
_CONDITION = rf"(\w+)\s*(?:=\s*({_VALUE})|\s+in\s*\(\s*({_VALUE}(?:\s*,\s*{_VALUE})*)\s*\))"
_WHERE = re.compile(rf"\s*{_CONDITION}(?:\s+and\s+{_CONDITION})*\s*", re.IGNORECASE)

Conditions = dict[str, list[str]]


def where(call: Call) -> Conditions:
    """Return the allowed values of each field that `where` names; none without the parameter."""
    text = call.parameter("where") or ""
    if text and not _WHERE.fullmatch(text):
        raise RefusalError(400, "Bad request: where is made of name='value' and AND")
    conditions: Conditions = {}
    for name, one, several in re.findall(_CONDITION, text, re.IGNORECASE):
        values = [value.strip("'") for value in re.findall(_VALUE, one or several)]
        conditions[name] = [v for v in values if v in conditions.get(name, values)]
    return conditions


def holds(conditions: Conditions, document: Mapping[str, Any]) -> bool:
    """Return whether a document fits; a field that it does not have is the caller's mistake."""
    for name in conditions:
        if name not in document:
            raise RefusalError(400, f"Bad request: where names {name}, which is no field here")
    return all(_text(document[name]) in values for name, values in conditions.items())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
