"""The retry table, cell by cell, by what the client really sends."""

import contextlib
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from provider.api.client import CloudElementsClient
from provider.api.errors import (
    AmbiguousError,
    APIError,
    CloudElementsError,
    NotSentError,
    OtherInstanceError,
    RateLimitError,
    StrangerError,
    TooLargeError,
)
from provider.api.retry import (
    TABLE,
    Kind,
    Outcome,
    Then,
    Time,
)
from provider.config import Settings
from provider.doors.engine import EngineHost
from provider.instance.context import Context
from provider.instance.creation import obtain
from provider.instance.desired import Desired
from provider.instance.inputs import inputs_of
from provider.instance.markers import MARKERS, markers

SETTINGS = Settings(
    base_url="https://platform.example/elements/api-v2",
    user_secret="user-secret-1",
    organization_secret="organization-secret-1",
    retry_budget=100.0,
)
INSTANCE = {"id": 7, "name": "seven", "token": "token-of-seven", "element": {"key": "hubspot"}}
CODED = {"name": "seven", "providerData": {"code": "one-time-code"}}


class FakeTime:
    """A clock that moves only when somebody sleeps."""

    def __init__(self):
        self.seconds = 1_000.0
        self.sleeps = []
        self.clock = Time(now=lambda: self.seconds, sleep=self._sleep, wall=lambda: self.seconds)

    def _sleep(self, seconds):
        self.sleeps.append(seconds)
        self.seconds += seconds


class Platform:
    """Answers by a script; an exception in it is raised, and the last entry repeats."""

    def __init__(self, *script):
        self.script = list(script)
        self.arrived = []
        self.time = FakeTime()
        self.client = CloudElementsClient(
            SETTINGS, transport=httpx.MockTransport(self._answer), clock=self.time.clock
        )

    def _answer(self, request):
        self.arrived.append(request)
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, Exception):
            raise step
        return step()


def ok():
    return httpx.Response(200, json=INSTANCE)


def another():
    return httpx.Response(200, json=INSTANCE | {"id": 8, "element": {"key": "closeio"}})


def status(code, message="busy", **headers):
    body = {"requestId": "5b0437c6e4b07731ae39b533", "message": message}
    return lambda: httpx.Response(code, json=body, headers=headers)


def vendor(code):
    body = {"requestId": "5b0437c6e4b07731ae39b533", "message": "failed", "providerMessage": "no"}
    return lambda: httpx.Response(code, json=body)


def create(client, body, *, one_time):
    """Create an instance, which must be the seventh."""

    def objection(answer):
        return None if answer.id == "7" else f"the answer is about instance {answer.id}"

    return client.create_instance(body, one_time=one_time, objection=objection)


VENDORS_WORDS = [
    {"message": "failed", "requestId": "5b04", "error": {"providerMessage": "no"}},
    {"error": {"message": "failed", "requestId": "5b04", "providerMessage": "no"}},
    [{"message": "failed", "requestId": "5b04", "providerMessage": "no"}],
    {"errors": [{"message": "other"}, {"details": {"providerMessage": "no"}}]},
    {"message": "failed", "providerMessage": {"code": 3100, "reason": "no"}},
    {"message": "failed", "providerMessage": ["no"]},
    {"message": "failed", "providerMessage": 3100},
    {"message": "failed", "providerMessage": None, "cause": {"providerMessage": "no"}},
]
"""What the vendor said, wherever and however it stands in an answer."""
NO_VENDOR = [
    {"message": "failed", "providerMessage": word} for word in (None, "", " \n", "\x00", {}, [], 0)
]
NO_VENDOR += [{"message": 'failed: {"providerMessage": "no"}'}, {"provider": "providerMessage"}]


def answered(code, document):
    return lambda: httpx.Response(code, json=document)


def cut_off(code):
    """The document breaks off behind the vendor's words."""
    return lambda: httpx.Response(code, text='{"message": "failed", "providerMessage" : "no", "req')


ASK = {
    "GET": (Kind.REPEATABLE, lambda c: c.get_instance("7")),
    "PATCH": (Kind.REPEATABLE, lambda c: c.update_instance("7", {"name": "seven"})),
    "DELETE": (Kind.REPEATABLE, lambda c: c.delete_instance("7")),
    "PUT enabled": (Kind.REPEATABLE, lambda c: c.set_enabled("7", enabled=True)),
    "POST": (Kind.CREATE, lambda c: create(c, {"name": "seven"}, one_time=False)),
    "POST code": (Kind.ONE_TIME, lambda c: create(c, CODED, one_time=True)),
    "PATCH code": (Kind.ONE_TIME, lambda c: c.update_instance("7", CODED, one_time=True)),
}


def PAGE():  # noqa: N802 - one of the faults
    return httpx.Response(200, text="<html>welcome</html>", headers={"content-type": "text/html"})


GARBLED = [
    PAGE,
    lambda: httpx.Response(200, text='{"id": 7, "na'),
    lambda: httpx.Response(200, json=["seven"]),
    lambda: httpx.Response(200, json={"name": "of no instance"}),
    lambda: httpx.Response(200, text="null"),
    lambda: httpx.Response(200, content=b""),
    lambda: httpx.Response(204),
    lambda: httpx.Response(200, content=b"no gzip", headers={"content-encoding": "gzip"}),
]
FAULTS = [
    (Outcome.NOT_SENT, httpx.ConnectError("refused"), NotSentError),
    (Outcome.NOT_SENT, httpx.ConnectTimeout("slow"), NotSentError),
    (Outcome.NOT_SENT, httpx.PoolTimeout("full"), NotSentError),
    (Outcome.NOT_SENT, httpx.ProxyError("no tunnel"), NotSentError),
    (Outcome.NO_ANSWER, httpx.ReadTimeout("slow"), AmbiguousError),
    (Outcome.NO_ANSWER, httpx.WriteTimeout("slow"), AmbiguousError),
    (Outcome.NO_ANSWER, httpx.ReadError("reset"), AmbiguousError),
    (Outcome.NO_ANSWER, httpx.WriteError("pipe"), AmbiguousError),
    (Outcome.NO_ANSWER, httpx.RemoteProtocolError("closed"), AmbiguousError),
    *((Outcome.GARBLED, garbled, AmbiguousError) for garbled in GARBLED),
    (Outcome.MIXED_UP, another, OtherInstanceError),
    (Outcome.TOO_MANY, status(429), RateLimitError),
    (Outcome.TOO_MANY, lambda: httpx.Response(429, text="<p>slow down</p>"), RateLimitError),
    (Outcome.TOO_LARGE, status(429, "The payload is larger than the limit of 8 MB"), TooLargeError),
    *((Outcome.SERVER_ERROR, status(code), APIError) for code in (408, 500, 502, 503, 504, 524)),
    (Outcome.SERVER_ERROR, lambda: httpx.Response(502, text="<h1>Bad Gateway</h1>"), APIError),
    (Outcome.VENDOR_ERROR, vendor(500), APIError),
    (Outcome.VENDOR_ERROR, vendor(504), APIError),
    *((Outcome.VENDOR_ERROR, answered(500, words), APIError) for words in VENDORS_WORDS),
    (Outcome.VENDOR_ERROR, cut_off(502), APIError),
    *((Outcome.SERVER_ERROR, answered(500, words), APIError) for words in NO_VENDOR),
    *((Outcome.REFUSED, status(code), APIError) for code in (400, 401, 403, 409, 415, 501)),
    *((Outcome.REFUSED, answered(400, words), APIError) for words in VENDORS_WORDS),
    (Outcome.REFUSED, cut_off(400), APIError),
    (Outcome.STRANGER, lambda: httpx.Response(302, headers={"location": "/"}), StrangerError),
    (Outcome.STRANGER, lambda: httpx.Response(404, text="<h1>Not Found</h1>"), StrangerError),
    (Outcome.STRANGER, answered(404, {"message": "no route"}), StrangerError),
    (Outcome.STRANGER, lambda: httpx.Response(403), StrangerError),
    (Outcome.STRANGER, lambda: httpx.Response(400, text='{"requestId": "5b0'), StrangerError),
]


QUIET = ("DELETE", "PUT enabled")
"""Their answers have nothing to say, so that only a page instead of one is garbled."""

CELLS = [
    pytest.param(ASK[name], *fault, id=f"{name}-{number}")
    for number, fault in enumerate(FAULTS)
    for name in ASK
    if not (fault[0] is Outcome.MIXED_UP and name in QUIET)
    if not (fault[0] is Outcome.GARBLED and name in QUIET and fault[1] is not PAGE)
]


@pytest.mark.parametrize(("asked", "outcome", "fault", "error"), CELLS)
def test_a_request_is_repeated_exactly_where_the_table_says_so(asked, outcome, fault, error):
    """Each fault is followed by a good answer, which only a repeated request gets to see."""
    kind, ask = asked
    platform = Platform(fault, ok)
    if TABLE[outcome][kind] is Then.SEND_AGAIN:
        ask(platform.client)
        assert len(platform.arrived) == 2
    else:
        with pytest.raises(error):
            ask(platform.client)
        assert len(platform.arrived) == 1


def test_every_outcome_is_tried():
    assert {outcome for outcome, _, _ in FAULTS} == set(Outcome)
    assert {kind for kind, _ in ASK.values()} == set(Kind)


@pytest.mark.parametrize(("outcome", "fault", "error"), FAULTS)
def test_the_error_of_an_outcome_tells_which_one_it_was(outcome, fault, error):
    """What happens after the client gave up is decided by the same table."""
    with pytest.raises(error) as caught:
        create(Platform(fault).client, CODED, one_time=True)
    decoded = outcome is Outcome.GARBLED and caught.value.status is None
    assert caught.value.outcome is (Outcome.NO_ANSWER if decoded else outcome)


def test_what_could_not_be_decoded_counts_as_lost():
    """One table row or the other: the request goes on in the same way."""
    assert TABLE[Outcome.NO_ANSWER] == TABLE[Outcome.GARBLED]


@pytest.mark.parametrize(("outcome", "fault", "error"), FAULTS)
@pytest.mark.parametrize("kind", [Kind.CREATE, Kind.ONE_TIME])
def test_a_create_goes_on_as_the_table_says(kind, outcome, fault, error):
    """The platform never does better, and lists show nothing: how often is it sent?"""
    platform = Platform(fault)
    posts, looks = [], []

    def answer(request):
        if request.method == "POST":
            posts.append(request)
            return platform._answer(request)
        looks.append(request)
        return httpx.Response(200, json=[])

    clock = platform.time.clock
    client = CloudElementsClient(SETTINGS, transport=httpx.MockTransport(answer), clock=clock)
    settings = replace(SETTINGS, lookup_window=20.0)
    context = Context.of(settings, EngineHost(None, lambda: False), client=client, clock=clock)
    marked = markers(organization="o", project="p", stack="dev", place="seven")
    inputs = {"element_key": "hubspot", "name": "seven", MARKERS: marked.tags}
    inputs |= {"code": "code"} if kind is Kind.ONE_TIME else {}
    with pytest.raises(CloudElementsError):
        obtain(context, Desired.of(inputs_of(inputs)))
    before, window = 1, platform.time.seconds - 1_000.0
    match TABLE[outcome][kind]:
        case Then.SEND_AGAIN:  # by the client alone, and then it is sure that nothing was made
            assert (len(posts), len(looks)) == (4, before)
        case Then.FAIL:
            assert (len(posts), len(looks)) == (1, before + 1)
        case Then.LOOK_UP_ONLY:
            assert len(posts) == 1
            assert window >= (5.0 if outcome is Outcome.TOO_MANY else 20.0)
        case Then.LOOK_UP:
            assert len(posts) == 4
            assert window >= 4 * (5.0 if outcome is Outcome.TOO_MANY else 20.0)


@pytest.mark.parametrize("kind", [Kind.CREATE, Kind.ONE_TIME])
def test_a_create_is_sent_again_unseen_only_when_no_connection_was_made(kind):
    again = {outcome for outcome in Outcome if TABLE[outcome][kind] is Then.SEND_AGAIN}
    assert again == {Outcome.NOT_SENT}


def test_what_carries_a_code_is_never_sent_again_after_a_look_either():
    assert Then.LOOK_UP not in {TABLE[outcome][Kind.ONE_TIME] for outcome in Outcome}


@pytest.mark.parametrize("code", range(200, 600))
def test_every_status_is_a_success_or_an_error(code):
    platform = Platform(lambda: httpx.Response(code, json=INSTANCE))
    with contextlib.nullcontext() if code < 300 else pytest.raises(APIError):
        platform.client.get_instance("7")


def test_waits_grow_and_end_with_the_attempts():
    platform = Platform(status(503))
    with pytest.raises(APIError):
        platform.client.get_instance("7")
    bounds = [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert len(platform.arrived) == 9
    assert all(0 <= wait <= bound for wait, bound in zip(platform.time.sleeps, bounds, strict=True))


def test_a_missing_connection_is_given_up_soon():
    """Its usual reason is a mistake in the address, and its author is waiting."""
    platform = Platform(httpx.ConnectError("refused"))
    with pytest.raises(NotSentError):
        platform.client.get_instance("7")
    assert len(platform.arrived) == 4
    assert sum(platform.time.sleeps) <= 3.5


BROKEN = [GARBLED[1], GARBLED[-2], lambda: httpx.Response(200, content=b"")]
"""Answers of the platform that something on the way spoiled."""
STRANGE = [PAGE, lambda: httpx.Response(404, text="<p>what?"), answered(200, {"hello": "world"})]


@pytest.mark.parametrize("fault", BROKEN)
def test_a_spoiled_answer_is_asked_for_again_like_a_lost_one(fault):
    platform = Platform(*[fault] * 8, ok)
    assert platform.client.get_instance("7").id == "7"
    platform = Platform(fault)
    with pytest.raises(AmbiguousError) as error:
        platform.client.get_instance("7")
    assert len(platform.arrived) == 9
    assert not error.value.stranger


@pytest.mark.parametrize("fault", STRANGE)
def test_only_who_is_a_stranger_again_and_again_is_called_one(fault):
    platform = Platform(*[fault] * 3, ok)
    assert platform.client.get_instance("7").id == "7"
    platform = Platform(fault)
    with pytest.raises(CloudElementsError) as error:
        platform.client.get_instance("7")
    assert len(platform.arrived) == 4
    assert sum(platform.time.sleeps) <= 3.5
    assert error.value.stranger


def test_different_faults_share_the_repeats_of_one_request():
    platform = Platform(BROKEN[0], status(503), httpx.ReadError("reset"), STRANGE[0], ok)
    with pytest.raises(AmbiguousError):
        platform.client.get_instance("7")
    platform = Platform(BROKEN[0], status(503), STRANGE[0], httpx.ReadError("reset"), ok)
    assert platform.client.get_instance("7").id == "7"


def test_a_spoiled_page_costs_no_list():
    items = [INSTANCE | {"id": number} for number in range(3)]
    pages = [
        lambda: httpx.Response(200, json=items[:2], headers={"elements-next-page-token": "2"}),
        lambda: httpx.Response(200, text='[{"id": 2, "na'),
        lambda: httpx.Response(404, text="<p>gone"),
        lambda: httpx.Response(200, json=items[2:]),
    ]
    platform = Platform(*pages)
    assert [one.id for one in platform.client.find_instances()] == ["0", "1", "2"]
    assert [str(one.url).count("nextPage=2") for one in platform.arrived] == [0, 1, 1, 1]


@pytest.mark.parametrize("fault", [*BROKEN, *STRANGE[::2]])
def test_one_bad_answer_to_what_is_sent_once_makes_nobody_a_stranger(fault):
    with pytest.raises(AmbiguousError) as error:
        Platform(fault).client.update_instance("7", CODED, one_time=True)
    assert not error.value.stranger


@pytest.fixture
def far_from_greenwich(monkeypatch):
    """A machine whose local time is not the time of HTTP's dates."""
    monkeypatch.setenv("TZ", "FAR+11")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("code", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date", "date without zone"])
def test_retry_after_is_honoured_to_the_second(far_from_greenwich, code, form):
    platform = Platform(ok)
    moment = datetime.fromtimestamp(platform.time.seconds + 42, UTC)
    text = {
        "seconds": "42",
        "date": format_datetime(moment, usegmt=True),
        "date without zone": format_datetime(moment.replace(tzinfo=None)).removesuffix(" -0000"),
    }[form]
    platform.script = [status(code, **{"retry-after": text}), ok]
    platform.client.get_instance("7")
    assert sum(platform.time.sleeps) == 42


@pytest.mark.parametrize("wrong", [-86_400.0, 3600.0, 0.0])
@pytest.mark.parametrize("code", [429, 503])
def test_a_date_is_honoured_whatever_this_machines_clock_says(code, wrong):
    platform = Platform(ok)
    theirs = datetime.fromtimestamp(platform.time.seconds + wrong, UTC)
    dates = {
        "date": format_datetime(theirs, usegmt=True),
        "retry-after": format_datetime(theirs + timedelta(seconds=42), usegmt=True),
    }
    platform.script = [status(code, **dates), ok]
    platform.client.get_instance("7")
    assert sum(platform.time.sleeps) == 42


@pytest.mark.parametrize("text", ["soon", "-5", "", "١٢", "Wed, 99 Foo 2099", "1e3"])
def test_a_retry_after_that_is_none_is_passed_over(text):
    platform = Platform(lambda: httpx.Response(429, headers=[(b"retry-after", text.encode())]), ok)
    platform.client.get_instance("7")
    assert sum(platform.time.sleeps) <= 0.5


def test_a_retry_after_in_the_past_means_now():
    platform = Platform(status(429, **{"retry-after": "Thu, 01 Jan 1970 00:00:01 GMT"}), ok)
    platform.client.get_instance("7")
    assert sum(platform.time.sleeps) == 0


@pytest.mark.parametrize("code", [429, 503])
def test_who_asks_for_more_than_the_budget_is_not_waited_for(code):
    platform = Platform(status(code, **{"retry-after": "101"}), ok)
    with pytest.raises(APIError) as caught:
        platform.client.get_instance("7")
    assert caught.value.status == code
    assert platform.time.sleeps == []


def test_the_budget_bounds_the_sum_of_all_waits():
    platform = Platform(status(429, **{"retry-after": "40"}))
    with pytest.raises(RateLimitError):
        platform.client.get_instance("7")
    assert platform.time.sleeps == [40, 40]


def test_an_answer_after_the_budget_is_the_last():
    def late():
        platform.time.seconds += 101
        return status(503)()

    platform = Platform(late, ok)
    with pytest.raises(APIError):
        platform.client.get_instance("7")
    assert len(platform.arrived) == 1


def test_errors_of_others_are_not_swallowed():
    """A defect in a transport is no answer of the platform."""
    platform = Platform(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        platform.client.get_instance("7")
    assert not issubclass(ZeroDivisionError, CloudElementsError)
