"""What the platform's public clients call and read: replayed, for each of them."""

import re

import pytest

from tests.clients import churros, clients, pages
from tests.clients.facts import Flow, Step, is_filled

LINES = r"\d+(-\d+)?"
PLACE = rf':{LINES}(,{LINES})*|, [\w.]+|, ".+"'
SOURCE = rf"\.(js|go|java)({PLACE})$|^(pull request|issue) \d+$|^commit \w+$|^page .+"
FLOWS = (*churros.FLOWS, *clients.FLOWS, *pages.FLOWS)


@pytest.mark.parametrize("flow", FLOWS, ids=str)
def test_a_client_reads_what_it_reads_from_the_platform(replay, flow):
    replay.run(flow)


@pytest.mark.parametrize("flow", FLOWS, ids=str)
def test_every_fact_says_where_it_stands(flow):
    """The file with lines or a name in it, the change or issue, or the page; and the year."""
    assert re.search(SOURCE, flow.source)
    assert re.fullmatch(r"20[12]\d", flow.year)
    assert flow.steps


def test_no_fact_stands_twice():
    names = [str(flow) for flow in FLOWS]
    assert sorted(names) == sorted(set(names))


def flow_of(*steps):
    return Flow("test", "page none", "2026", "a step that fails", steps)


@pytest.mark.parametrize(
    "step",
    [
        Step("GET /organizations/me", status=404),
        Step("GET /organizations/me", reads={"/secret": "other"}),
        Step("GET /organizations/me", reads={"/nothing": is_filled}),
        Step("GET /organizations/me", reads={"/secret": int}),
        Step("GET /organizations/me", reads={"#no-such-header": str}),
        Step("GET /organizations/me", authorization="User {user}"),
    ],
    ids=["status", "value", "nothing", "kind", "header", "refusal"],
)
def test_a_replay_can_fail(replay, step):
    with pytest.raises(AssertionError, match="step 1, GET /organizations/me"):
        replay.run(flow_of(step))
