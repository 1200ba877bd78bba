"""The journal, and that equal histories give equal answers."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., dict[str, Any]]


def test_every_request_is_written_down_in_order(
    api: httpx.Client, sandbox: Sandbox, body: Make, backdoor: httpx.Client
) -> None:
    """With what came, what met it, and what was sent."""
    whole = body("hubspot")
    made = api.post("/instances", json=whole)
    api.get("/instances/427001?a=1&a=2")
    sandbox.add_fault("status", status=500)
    api.put("/instances/427001", content=b"not json")
    api.get("/nothing", headers={"Authorization": "Basic x"})
    first, second, third, fourth = sandbox.journal()
    code = whole["providerData"]["code"]
    assert first == {
        "seq": 1,
        "time": 1_500_000_000.0,
        "method": "POST",
        "template": "/instances",
        "path": "/instances",
        "query": [],
        "authorization": ["Organization", "User"],
        "request_id": made.headers["elements-request-id"],
        "body": whole,
        "carries_code": True,
        "code_hash": hashlib.sha256(code.encode()).hexdigest()[:16],
        "code_resent": False,
        "vendor_refused": False,
        "code_ignored": False,
        "fault": None,
        "status": 200,
        "finished": True,
    }
    assert (second["template"], second["query"]) == ("/instances/{id}", [("a", "1"), ("a", "2")])
    assert (second["body"], second["carries_code"], second["code_hash"]) == (None, False, None)
    assert (third["body"], third["status"]) == ("not json", 500)
    assert third["fault"] == "status;when=before;status=500;body=json"
    assert (fourth["template"], fourth["authorization"], fourth["status"]) == ("", ["Basic"], 404)
    served = backdoor.get("/journal").json()
    assert [entry["seq"] for entry in served] == [1, 2, 3, 4]
    assert served[1]["query"] == [["a", "1"], ["a", "2"]]


def test_a_verifier_counts_as_a_code(api: httpx.Client, sandbox: Sandbox, body: Make) -> None:
    """Both kinds of OAuth carry something that works once."""
    api.post("/instances", json=body("twitter"))
    assert sandbox.journal()[0]["carries_code"]


def test_concurrent_creates_are_all_counted(
    api: httpx.Client, sandbox: Sandbox, body: Make
) -> None:
    """Sixty-four at once: as many ids, tokens and entries, and no double."""
    bodies = [body("hubspot", name=f"n{number}") for number in range(64)]
    with ThreadPoolExecutor(64) as threads:
        answers = list(threads.map(lambda one: api.post("/instances", json=one), bodies))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 64
    assert len({answer.json()["token"] for answer in answers}) == 64
    assert [entry["seq"] for entry in sandbox.journal()] == list(range(1, 65))
    assert (sandbox.counters()["creates"], sandbox.counters()["doubles"]) == (64, 0)


def test_one_code_makes_one_instance_however_many_try(
    api: httpx.Client, sandbox: Sandbox, body: Make
) -> None:
    """The others are told that it was used before."""
    whole = body("hubspot")
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: api.post("/instances", json=whole), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7
    counters = sandbox.counters()
    assert (counters["creates"], counters["codes_spent"], counters["codes_replayed"]) == (1, 1, 7)


_LOST = ("drop", "drop;when=after", "status;status=502", "status;status=429", "status;status=408")
_UNREAD = ("status;status=401", "status;status=413;body=html", "redirect")


@pytest.mark.parametrize(
    ("faults", "resent"),
    [((fault,), 1) for fault in (*_LOST, "truncated", "refused")]
    + [((fault,), 0) for fault in _UNREAD]
    + [(("drop", "status;status=401"), 1), (("status;status=401", "drop"), 1)],
)
def test_a_code_counts_as_resent_unless_an_answer_said_that_nobody_looked(
    api: httpx.Client, sandbox: Sandbox, body: Make, faults: tuple[str, ...], resent: int
) -> None:
    """Whether the first request spent it or not: its sender does not know."""
    whole = body("hubspot")
    for fault in faults:
        with suppress(httpx.TransportError):
            api.post("/instances", json=whole, headers={"sandbox-fault": fault})
    before = len(faults) - 1 if faults[0] == "drop" else 0
    assert sandbox.counters()["codes_resent"] == before
    api.post("/instances", json=whole)
    assert sandbox.counters()["codes_resent"] == before + resent
    assert sandbox.journal()[-1]["code_resent"] == bool(resent)
    api.post("/instances", json=body("hubspot"))
    assert not sandbox.journal()[-1]["code_resent"]
    sandbox.reset()
    assert sandbox.counters()["codes_resent"] == 0


def test_a_code_that_the_vendor_refused_counts_when_it_is_sent_again(
    api: httpx.Client, sandbox: Sandbox, body: Make
) -> None:
    """It was looked at, as `providerMessage` says; without that, nobody can tell."""
    for position, resent in (("on", 1), ("off", 0)):
        sandbox.reset()
        sandbox.set_switch("provider_message", position)
        whole = body("hubspot", providerData={"code": "made-up"})
        assert [api.post("/instances", json=whole).status_code for _ in range(2)] == [400, 400]
        assert sandbox.counters()["codes_resent"] == resent
        assert sandbox.journal()[0]["vendor_refused"] == (position == "on")


def _history(connect: Callable[..., httpx.Client], seed: int) -> list[object]:
    with Sandbox(seed=seed, clock=lambda: 1_500_000_000.0) as sandbox:
        api = connect(sandbox)
        data = sandbox.new_provider_data("twitter")
        keys = ("oauth.api.key", "oauth.api.secret", "oauth.callback.url")
        whole = {
            "element": {"key": "twitter"},
            "name": "n",
            "providerData": data,
            "configuration": dict.fromkeys(keys, "x"),
        }
        made = api.post("/instances", json=whole)
        entries = api.get(f"/instances/{made.json()['id']}/configuration")
        missing = api.get("/instances/1")
        return [data, made.json(), entries.json(), missing.json(), sandbox.instances()]


def test_the_same_seed_and_history_give_the_same_answers(
    connect: Callable[..., httpx.Client],
) -> None:
    """Ids, tokens, codes and request ids; another seed gives other secrets."""
    assert _history(connect, 3) == _history(connect, 3)
    one, other = _history(connect, 3), _history(connect, 4)
    assert all(a != b for a, b in zip(one[:2], other[:2], strict=True))


def test_a_client_that_gives_up_has_no_status(connect: Callable[..., httpx.Client]) -> None:
    """The work is done; the journal tells that no answer was received."""
    go_on, awake = threading.Event(), threading.Event()

    async def sleep(_: float) -> None:
        await asyncio.to_thread(go_on.wait, 20)
        awake.set()

    with Sandbox(lenient=True, sleep=sleep) as sandbox:
        sandbox.add_fault("slow", method="POST", when="after")
        client = connect(sandbox)
        with pytest.raises(httpx.ReadTimeout):
            client.post("/instances", json={"element": {"key": "x"}, "name": "n"}, timeout=0.1)
        assert client.get("/instances/count").json()["totalInstances"] == 1
        assert not sandbox.journal()[0]["finished"]
        go_on.set()
        assert awake.wait(20)
        assert client.get("/instances/count").status_code == 200
        first = sandbox.journal()[0]
        assert (first["status"], first["finished"]) == (None, True)
