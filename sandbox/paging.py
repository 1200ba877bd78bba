"""Pages of a list: what `pageSize` and `nextPage` ask for, and what the headers say of a page."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .exchange import Answer, Call, RefusalError
from .values import is_number

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Page:
    """The part of a list that a request asks for."""

    offset: int
    size: int
    headers: dict[str, str]


def page_of(call: Call, *, usual: int, largest: int) -> Page:
    """Return the page that a request asks for.

    docs: too large a `pageSize` is a warning in the header `Elements-Error` (help centre).
    """
    size = call.number("pageSize")
    if size == 0:
        raise RefusalError(400, "Bad request: pageSize is not a positive integer")
    warning = {}
    if size is not None and size > largest:
        warning = {"elements-error": f"pageSize is larger than {largest}"}
    return Page(_offset(call), min(largest, size or usual), warning)


def _offset(call: Call) -> int:
    token = call.parameter("nextPage")
    if not token:
        return 0
    try:
        offset = base64.urlsafe_b64decode(token.encode()).decode()
    except ValueError:
        offset = ""
    if not is_number(offset):
        raise RefusalError(400, "Bad request: nextPage was not given out by this list")
    return int(offset)


def paged(
    call: Call, found: Sequence[Any], *, what: str, largest: int = 200, empty: bool = False
) -> Answer:
    """Return the page that a request asks for, of a list that is all there."""
    page = page_of(call, usual=largest, largest=largest)
    items = found[page.offset : page.offset + page.size]
    return answer(call, page, items, len(found), what=what, empty=empty)


def answer(
    call: Call, page: Page, items: Sequence[Any], total: int, *, what: str, empty: bool = False
) -> Answer:
    """Return a page's items; none are a 404 unless the switch says not, or the list may be empty.

    docs: an empty collection is 404 (vendor's test suite, instances.js:200, 2018).
    """
    if not items and not empty and call.tenant.switches.text("empty_list_status") == "404":
        raise RefusalError(404, f"No {what} found")
    end = page.offset + len(items)
    headers = page.headers | {
        "elements-returned-count": str(len(items)),
        "elements-total-count": str(total),
    }
    if items and end < total:
        headers["elements-next-page-token"] = base64.urlsafe_b64encode(str(end).encode()).decode()
    return Answer(items, headers=headers)
