"""Every kind of fault: what the client sees, and what was done all the same."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from sandbox import Sandbox
from sandbox.faults import KINDS, Faults, new_fault, parse_fault

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., dict[str, Any]]

PROMPTLY = 20
"""Seconds after which a wait in another thread counts as stuck."""


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
def test_a_dropped_connection(
    api: httpx.Client, sandbox: Sandbox, body: Make, when: str, made: int
) -> None:
    """No answer comes; after the work, an instance exists whose id nobody knows."""
    sandbox.add_fault("drop", method="POST", path="/instances", when=when)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        api.post("/instances", json=body("hubspot"))
    assert sandbox.counters()["creates"] == made
    assert sandbox.counters()["codes_spent"] == made
    entry = sandbox.journal()[-1]
    assert (entry["finished"], entry["status"]) == (True, None)
    assert api.post("/instances", json=body("hubspot")).status_code == 200


@pytest.mark.parametrize(("when", "made"), [("before", 1), ("after", 2)])
def test_an_answer_about_another_instance(
    api: httpx.Client, sandbox: Sandbox, body: Make, when: str, made: int
) -> None:
    """It is whole and looks right; only the work shows that it is not."""
    other = api.post("/instances", json=body("closeio", name="other", tags=["theirs"])).json()
    sandbox.add_fault("mixed_up", method="POST", path="/instances", when=when)

    answer = api.post("/instances", json=body("hubspot"))

    assert answer.status_code == 200
    told = answer.json()
    assert (told["id"], told["element"]["key"]) == (other["id"], "closeio")
    assert (told["tags"], told["token"]) == (["theirs"], other["token"])
    assert sandbox.counters()["instances"] == made


def test_an_answer_can_be_mixed_up_in_part(api: httpx.Client, sandbox: Sandbox, body: Make) -> None:
    """The right id with another's everything, the right everything under another element."""
    first = api.post("/instances", json=body("closeio", name="first")).json()
    second = api.post("/instances", json=body("closeio", name="second", tags=["a"])).json()
    third = api.post("/instances", json=body("closeio", name="third")).json()
    path = f"/instances/{second['id']}"

    def told(**parameters: object) -> dict[str, Any]:
        sandbox.add_fault("mixed_up", method="GET", path=path, **parameters)
        answer: dict[str, Any] = api.get(path).json()
        return answer

    assert told()["id"] == first["id"]
    assert told(instance=third["id"], tags="none")["tags"] == []
    mixed = told(id="own", instance=third["id"], tags="untold")
    assert (mixed["id"], mixed["name"], "tags" in mixed) == (second["id"], "third", False)
    own = told(instance=second["id"], element="sendgrid")
    assert (own["name"], own["tags"], own["element"]["key"]) == ("second", ["a"], "sendgrid")
    sandbox.add_fault("mixed_up", method="GET", path="/instances/1")
    assert api.get("/instances/1").json()["id"] == first["id"]
    assert api.get(path).json()["name"] == "second"


def test_where_there_is_no_other_instance_the_answer_is_about_none(
    api: httpx.Client, sandbox: Sandbox, body: Make
) -> None:
    """And not about the right one."""
    only = api.post("/instances", json=body("closeio")).json()
    sandbox.add_fault("mixed_up", method="GET", path=f"/instances/{only['id']}")
    assert api.get(f"/instances/{only['id']}").json()["id"] == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_slow_answer_is_right(
    api: httpx.Client, sandbox: Sandbox, body: Make, naps: list[float], when: str
) -> None:
    """It only comes late."""
    sandbox.add_fault("slow", method="POST", seconds=30, when=when)
    assert api.post("/instances", json=body()).status_code == 200
    assert naps == [30]


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
def test_a_slow_answer_holds_up_nobody_else(
    connect: Callable[..., httpx.Client], when: str, made: int
) -> None:
    """While every POST waits, other requests are answered; the work is done before or after."""
    waiting, go_on = threading.Event(), threading.Event()

    async def sleep(_: float) -> None:
        waiting.set()
        await asyncio.to_thread(go_on.wait, PROMPTLY)

    with Sandbox(lenient=True, sleep=sleep) as sandbox, ThreadPoolExecutor(1) as threads:
        sandbox.add_fault("slow", method="POST", path="/instances", times=None, when=when)
        api = connect(sandbox)
        whole = {"element": {"key": "x"}, "name": "n"}
        pending = threads.submit(api.post, "/instances", json=whole)
        assert waiting.wait(PROMPTLY)
        assert connect(sandbox).get("/instances/count").json()["totalInstances"] == made
        assert not pending.done()
        go_on.set()
        assert pending.result(PROMPTLY).status_code == 200


def test_a_slow_body(api: httpx.Client, sandbox: Sandbox, create: Make, naps: list[float]) -> None:
    """The head comes at once, the body in pieces."""
    number = create()["id"]
    sandbox.add_fault("trickle", method="GET", seconds=2, pieces=3)
    with api.stream("GET", f"/instances/{number}") as answer:
        pieces = list(answer.iter_raw())
    assert json.loads(b"".join(pieces))["id"] == number
    assert naps == [2, 2, 2]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("status", [500, 503, 429, 404])
def test_an_error_status(
    api: httpx.Client, sandbox: Sandbox, body: Make, when: str, status: int
) -> None:
    """In the platform's shape, before or after the work."""
    sandbox.add_fault("status", method="POST", status=status, when=when)
    answer = api.post("/instances", json=body())
    assert answer.status_code == status
    assert set(answer.json()) == {"requestId", "message"}
    assert sandbox.counters()["creates"] == (when == "after")
    assert "retry-after" not in answer.headers


def test_retry_after(api: httpx.Client, sandbox: Sandbox, moment: list[float]) -> None:
    """As a number of seconds, or as a date by the sandbox's clock."""
    sandbox.add_fault("status", status=429, retry_after=7)
    sandbox.add_fault("status", status=429, retry_after="date:7")
    assert api.get("/instances").headers["retry-after"] == "7"
    date = parsedate_to_datetime(api.get("/instances").headers["retry-after"])
    assert date.timestamp() == moment[0] + 7


def test_a_gateways_page(api: httpx.Client, sandbox: Sandbox) -> None:
    """Not JSON, and without the platform's headers."""
    sandbox.add_fault("status", status=502, body="html")
    answer = api.get("/instances")
    assert answer.status_code == 502
    assert answer.headers["content-type"].startswith("text/html")
    assert "elements-request-id" not in answer.headers
    assert "<html>" in answer.text


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
def test_a_429_for_size(
    api: httpx.Client, sandbox: Sandbox, body: Make, when: str, made: int
) -> None:
    """It says so, and names no time."""
    sandbox.add_fault("size", when=when)
    answer = api.post("/instances", json=body())
    assert answer.status_code == 429
    assert "8 MB" in answer.json()["message"]
    assert "retry-after" not in answer.headers
    assert sandbox.counters()["creates"] == made


def test_truncated_json(api: httpx.Client, sandbox: Sandbox, body: Make) -> None:
    """HTTP says that the answer is whole, yet it breaks off; the instance is there."""
    sandbox.add_fault("truncated", method="POST")
    answer = api.post("/instances", json=body())
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert answer.text.startswith('{"id": 427001')
    assert sandbox.counters()["creates"] == 1


@pytest.mark.parametrize("kind", ["text/html", "text/plain; charset=x"])
def test_a_wrong_content_type(api: httpx.Client, sandbox: Sandbox, body: Make, kind: str) -> None:
    """The body is right."""
    sandbox.add_fault("content_type", type=kind)
    answer = api.post("/instances", json=body())
    assert (answer.headers["content-type"], answer.json()["id"]) == (kind, 427_001)


def test_an_empty_200(api: httpx.Client, sandbox: Sandbox, body: Make) -> None:
    """The work is done, the body is gone."""
    sandbox.add_fault("empty")
    answer = api.post("/instances", json=body())
    assert (answer.status_code, answer.content) == (200, b"")
    assert sandbox.counters()["creates"] == 1


def test_a_list_instead_of_an_instance(api: httpx.Client, sandbox: Sandbox, body: Make) -> None:
    """Valid JSON of the wrong shape."""
    sandbox.add_fault("not_an_instance")
    answer = api.post("/instances", json=body())
    assert (answer.status_code, answer.json()) == (200, ["not", "an", "instance"])
    assert sandbox.counters()["creates"] == 1


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_redirect(api: httpx.Client, sandbox: Sandbox, body: Make, status: int) -> None:
    """Nothing is done; the address is of the same API unless another is given."""
    sandbox.add_fault("redirect", status=status)
    answer = api.post("/instances", json=body())
    assert answer.status_code == status
    assert answer.headers["location"] == f"{sandbox.base_url}/moved"
    sandbox.add_fault("redirect", location="https://elsewhere.example/")
    assert api.get("/instances").headers["location"] == "https://elsewhere.example/"
    assert sandbox.counters()["creates"] == 0


def test_an_instance_stays_out_of_the_next_lists(
    api: httpx.Client, sandbox: Sandbox, create: Make
) -> None:
    """Of as many as the fault says, and only this one instance."""
    sandbox.add_fault("invisible", method="POST", lists=2)
    create(name="late")
    create(name="early")
    seen = [[one["name"] for one in api.get("/instances").json()] for _ in range(3)]
    assert seen == [["early"], ["early"], ["late", "early"]]


@pytest.mark.parametrize(
    ("leaves", "left"),
    [("none", []), ("invalid", [(False, False)]), ("disabled", [(True, True)])],
)
def test_the_vendor_refuses_after_it_took_the_code(
    api: httpx.Client,
    sandbox: Sandbox,
    body: Make,
    leaves: str,
    left: list[tuple[bool, bool]],
) -> None:
    """The code is spent, the answer is 400, and an instance may be left behind."""
    sandbox.add_fault("refused", method="POST", leaves=leaves)
    answer = api.post("/instances", json=body("hubspot"))
    assert answer.status_code == 400
    assert answer.json()["providerMessage"] == "3100 - AuthorizationFailed"
    assert [(one["valid"], one["disabled"]) for one in sandbox.instances()] == left
    assert sandbox.counters()["codes_spent"] == 1


def test_a_refusal_of_re_authentication(api: httpx.Client, sandbox: Sandbox, create: Make) -> None:
    """The instance keeps what it had."""
    number = create("hubspot")["id"]
    before = sandbox.instances()
    sandbox.add_fault("refused", method="PUT")
    change = {"name": "n", "providerData": {"code": sandbox.new_code("hubspot")}}
    assert api.put(f"/instances/{number}", json=change).status_code == 400
    assert sandbox.instances() == before
    assert sandbox.counters()["codes_spent"] == 2


def test_every_kind_has_a_test_above() -> None:
    """So that a new kind cannot come without one."""
    source = Path(__file__).read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f'add_fault("{kind}"' not in source] == []


# Which requests a fault meets


def test_method_path_times_and_after(api: httpx.Client, sandbox: Sandbox, create: Make) -> None:
    """A fault meets the second and third GET of any one instance, and nothing else."""
    number = create()["id"]
    sandbox.add_fault("status", method="get", path="/instances/{id}", after=1, times=2)
    one = f"/instances/{number}"
    assert api.patch(one, json={}).status_code == 200
    assert api.get("/instances").status_code == 200
    assert [api.get(one).status_code for _ in range(4)] == [200, 503, 503, 200]
    assert sandbox.faults() == []


def test_the_path_of_one_instance(api: httpx.Client, sandbox: Sandbox, create: Make) -> None:
    """A fault may be for one instance alone."""
    first, second = create()["id"], create()["id"]
    sandbox.add_fault("status", path=f"/instances/{second}", times=None)
    assert api.get(f"/instances/{first}").status_code == 200
    assert api.get(f"/instances/{second}").status_code == 503


def test_faults_wait_in_order_until_they_are_cleared(api: httpx.Client, sandbox: Sandbox) -> None:
    """One request meets one fault; `times=None` never ends."""
    assert sandbox.add_fault("status", status=500) == 1
    assert sandbox.add_fault("status", status=503, times=None) == 2
    assert [api.get("/organizations/me").status_code for _ in range(3)] == [500, 503, 503]
    assert [fault["applied"] for fault in sandbox.faults()] == [2]
    sandbox.clear_faults()
    assert api.get("/organizations/me").status_code == 200


def test_a_header_puts_a_fault_on_one_request(
    api: httpx.Client, sandbox: Sandbox, body: Make
) -> None:
    """It outranks faults that wait; one that cannot be read is 400 and does nothing."""
    sandbox.add_fault("status")
    header = {"Sandbox-Fault": "status;status=502;when=after;body=html"}
    assert api.post("/instances", json=body(), headers=header).status_code == 502
    assert sandbox.counters()["creates"] == 1
    assert sandbox.journal()[-1]["fault"] == "status;when=after;status=502;body=html"
    answer = api.post("/instances", json=body(), headers={"Sandbox-Fault": "explode"})
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("Sandbox-Fault: no fault is called 'explode'")
    assert sandbox.counters()["creates"] == 1
    assert api.get("/instances").status_code == 503


def test_chance_depends_on_the_seed_alone() -> None:
    """The same seed gives the same faults; another gives others; about half of them happen."""

    def met(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.add(new_fault("drop", times=None, probability=0.5))
        return [faults.meet("GET", "/instances", "/instances") is not None for _ in range(200)]

    assert met(1) == met(1)
    assert met(1) != met(2)
    assert 70 < sum(met(1)) < 130


@pytest.mark.parametrize(
    "text",
    [
        "",
        "explode",
        "drop;when",
        "drop;when=later",
        "drop;status=500",
        "slow;seconds=x",
        "slow;seconds=inf",
        "slow;seconds=-1",
        "status;status=99",
        "status;status=600",
        "status;status=204",
        "redirect;status=304",
        "status;retry_after=soon",
        "status;retry_after=date:soon",
        "status;body=xml",
        "status;times=0",
        "status;times=x",
        "status;after=-1",
        "status;probability=2",
        "status;probability=x",
        "trickle;pieces=0",
        "content_type;type=a\r\nb: c",
        "redirect;location=http://\u00fc",
        "refused;leaves=all",
    ],
)
def test_faults_are_checked_when_they_are_written(text: str) -> None:
    """A fault that could not be carried out is never accepted."""
    with pytest.raises(ValueError, match=r"\w"):
        parse_fault(text)


def test_a_fault_for_no_path_is_refused(sandbox: Sandbox) -> None:
    """A spelling mistake would make a test pass for nothing."""
    with pytest.raises(ValueError, match="no request could have the path '/instance'"):
        sandbox.add_fault("drop", path="/instance")


def test_real_time_passes(connect: Callable[..., httpx.Client]) -> None:
    """Without a replaced `sleep` the wait is a real one."""
    with Sandbox() as sandbox:
        sandbox.add_fault("slow", seconds=0.05)
        start = time.monotonic()
        assert connect(sandbox).get("/organizations/me").status_code == 200
        assert time.monotonic() - start >= 0.05


def test_stopping_does_not_wait_for_slow_answers(connect: Callable[..., httpx.Client]) -> None:
    """The client sees its connection end, and nothing is left behind."""
    waiting = threading.Event()

    async def sleep(_: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    with ThreadPoolExecutor(1) as threads:
        with Sandbox(sleep=sleep) as sandbox:
            sandbox.add_fault("slow")
            pending = threads.submit(connect(sandbox).get, "/organizations/me")
            assert waiting.wait(PROMPTLY)
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            pending.result(PROMPTLY)
