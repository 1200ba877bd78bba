"""Pages of another origin: what a browser lets them do with the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import httpx

    from sandbox import Sandbox

PAGE = {"Origin": "https://app.example"}
PREFLIGHT = PAGE | {
    "Access-Control-Request-Method": "PATCH",
    "Access-Control-Request-Headers": "authorization, content-type, elements-version",
}


def test_a_browser_may_ask_first(api: httpx.Client, sandbox: Sandbox) -> None:
    """Without authorization, for any method and header; that is no request of the journal."""
    del api.headers["Authorization"]
    answer = api.options("/instances/1", headers=PREFLIGHT)
    assert answer.status_code == 200
    assert "PATCH" in answer.headers["access-control-allow-methods"]
    allowed = answer.headers["access-control-allow-headers"]
    assert set(allowed.split(", ")) == {"authorization", "content-type", "elements-version"}
    assert sandbox.journal() == []


@pytest.mark.parametrize(("path", "status"), [("/elements", 200), ("/instances", 404)])
def test_an_answer_may_be_read(api: httpx.Client, path: str, status: int) -> None:
    """Also an error, and with the headers that a client needs."""
    answer = api.get(path, headers=PAGE)
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "Elements-Next-Page-Token" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-origin" not in api.get(path).headers


def test_options_by_itself_is_no_method_of_the_api(api: httpx.Client) -> None:
    """It needs what a browser asks."""
    assert api.options("/elements").status_code == 405


def test_no_other_page_sees_the_control_routes(backdoor: httpx.Client) -> None:
    """They need no authorization, so that only this could keep a page out."""
    for answer in (backdoor.get("/instances", headers=PAGE), backdoor.options("", headers=PAGE)):
        assert "access-control-allow-origin" not in answer.headers
