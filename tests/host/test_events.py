"""`events` and `filter_response_nulls` through the real server: other words for configuration."""

import pytest

from tests.host.server import APPLICATION, BASIC, UNKNOWN, desk, drive, marked, plain, secrets

TO = "https://app.example.com/events"
POLLED = {"by": "polling", "to": TO, "every": 5, "signature_key": "hidden-key"}
POLLED_KEYS = {
    "event.notification.enabled": True,
    "event.vendor.type": "polling",
    "event.notification.callback.url": TO,
    "event.poller.refresh_interval": "5",
    "event.notification.signature.key": "hidden-key",
}
NULLS = {"filter.response.nulls": False}


@pytest.fixture(scope="module")
def server(start, shared_sandbox):
    server = start(shared_sandbox)
    yield server
    assert server.stop() == ""


def only(sandbox):
    (instance,) = sandbox.instances()
    return instance


def told(fields):
    return {key: str(value).lower() if value in (True, False) else value for key, value in fields}


def shop(sandbox, **fields):
    """Return inputs of an element whose own word is `webhooks`, and that has no poller."""
    return {
        "element_key": "weebly",
        "name": "shop",
        "configuration": APPLICATION,
        "code": sandbox.new_code("weebly"),
        "__markers": marked("shop"),
    } | fields


def test_the_platform_gets_the_keys(server, sandbox):
    state = server.create(desk(events=POLLED, filter_response_nulls=False))

    held = only(sandbox)["configuration"]
    expected = told((BASIC | POLLED_KEYS | NULLS).items())
    assert {key: held[key] for key in expected} == expected
    assert state.inputs["events"] == POLLED
    assert server.plan(state, state.inputs) == "none"
    assert server.read(state).inputs == state.inputs


def test_its_secrets_are_marked_leaf_by_leaf(server):
    checked, failures = server.check(desk(events=POLLED))
    assert failures == []
    found = {path for path in secrets(checked) if path.startswith("events")}
    assert found == {"events.to", "events.signature_key"}


def test_the_same_in_other_words_is_no_update(server, sandbox):
    """From the keys to `events`, and back."""
    by_keys = desk(configuration=BASIC | POLLED_KEYS | NULLS)
    words = {"configuration": BASIC, "events": POLLED, "filter_response_nulls": False}
    by_words = by_keys | words
    for old, new in ((by_keys, by_words), (by_words, by_keys)):
        state = server.create(old)
        assert server.plan(state, new) == "none"
        assert server.plan(state, new | {"name": "another"}) == "unknown"
        server.delete(state)


def test_one_member_that_changes_is_one_key_that_is_sent(server, sandbox):
    state = server.create(desk(events=POLLED))
    news = state.inputs | {"events": POLLED | {"every": 30}}

    assert server.plan(state, news) == "unknown"
    server.update(state, news)

    sent = [one for one in sandbox.journal() if one["method"] == "PATCH"][-1]["body"]
    assert sent == {"configuration": {"event.poller.refresh_interval": "30"}}


def test_events_that_are_taken_away_are_off(server, sandbox):
    state = server.create(desk(events=POLLED))
    server.update(state, desk())
    assert only(sandbox)["configuration"]["event.notification.enabled"] == "false"


@pytest.mark.parametrize(
    "unknown",
    [{name: UNKNOWN} for name in (*POLLED, "enabled", "poller_configuration")] + [None],
    ids=str,
)
def test_what_is_not_known_yet_passes_check_and_counts_as_changed(server, sandbox, unknown):
    state = server.create(desk())
    inputs = desk(events=UNKNOWN if unknown is None else POLLED | unknown)

    checked, failures = server.check(inputs, state.inputs)

    assert failures == []
    assert plain(checked) == inputs
    assert server.diff(state, plain(checked)) == ("unknown", [])


def test_a_new_instance_may_wait_for_what_is_not_known_yet(server):
    for unknown in (UNKNOWN, {"by": "webhook", "to": UNKNOWN}):
        assert server.check(desk(events=unknown))[1] == []


@pytest.mark.parametrize(
    ("drift", "events"),
    [
        ({"event.poller.refresh_interval": "30"}, {"every": 30}),
        ({"event.notification.enabled": "false"}, {"enabled": False}),
        (
            {"event.notification.callback.url": "https://else.example"},
            {"to": "https://else.example"},
        ),
    ],
)
def test_drift_comes_back_in_the_words_of_the_program(server, sandbox, drift, events):
    inputs = desk(events=POLLED, filter_response_nulls=False)
    state = server.create(inputs)
    sandbox.update_instance(int(state.id), configuration=drift | {"filter.response.nulls": "true"})

    seen = server.read(state)

    assert seen.inputs == inputs | {"events": POLLED | events, "filter_response_nulls": True}
    assert server.plan(seen, inputs) == "unknown"
    server.update(seen, inputs)
    held = only(sandbox)["configuration"]
    expected = told((POLLED_KEYS | NULLS).items())
    assert {key: held[key] for key in expected} == expected


def test_drift_that_has_no_such_word_comes_back_by_its_key(server, sandbox):
    inputs = desk(events=POLLED)
    state = server.create(inputs)
    odd = {"event.poller.refresh_interval": "often"}
    sandbox.update_instance(int(state.id), configuration=odd)

    seen = server.read(state)

    rest = {name: value for name, value in POLLED.items() if name != "every"}
    assert seen.inputs == inputs | {"events": rest, "configuration": BASIC | odd}
    assert server.plan(seen, inputs) == "unknown"


def test_webhooks_are_sent_in_the_element_s_own_spelling(server, sandbox):
    inputs = shop(sandbox, events={"by": "webhook", "to": TO})

    state = server.create(inputs)

    assert only(sandbox)["configuration"]["event.vendor.type"] == "webhooks"
    assert server.plan(state, inputs) == "none"
    assert server.plan(state, inputs | {"events": {"by": "webhooks", "to": TO}}) == "none"
    assert server.read(state).inputs == state.inputs


@pytest.mark.parametrize("spelling", ["kept", "own"])
def test_the_other_spelling_is_no_drift(start, sandbox, spelling):
    """Where metadata are not asked for, it is sent as it is given."""
    blind = start(sandbox, environment={"CLOUD_ELEMENTS_METADATA": "false"})
    sandbox.set_switch("webhook_spelling", spelling)
    inputs = shop(sandbox, events={"by": "webhook", "to": TO})

    state = blind.create(inputs)

    assert blind.plan(state, inputs) == "none"
    assert blind.read(state).inputs == state.inputs
    assert (
        blind.plan(blind.read(state), inputs | {"events": {"by": "webhooks", "to": TO}}) == "none"
    )


def test_polling_needs_an_interval_where_the_element_has_none(server, sandbox):
    polled = {"by": "polling", "to": TO}
    _, failures = server.check(shop(sandbox, events=polled))
    [failure] = failures
    assert failure.startswith("events.every: is required by 'polling', because element 'weebly' ")
    assert server.check(desk(events=polled))[1] == []  # 15, by its element's default
    for fine in ({"every": UNKNOWN}, {"every": 5}, {"enabled": False}):
        assert server.check(shop(sandbox, events=polled | fine))[1] == []


def test_an_instance_that_lives_without_an_interval_may_go_on(server, sandbox):
    keys = {"event.notification.enabled": "true", "event.vendor.type": "polling"}
    state = server.create(shop(sandbox, configuration=APPLICATION | keys))
    inputs = shop(sandbox, events={"by": "polling"}, code=state.inputs["code"])
    assert server.plan(state, inputs) == "none"


def test_what_the_element_demands_may_be_said_in_other_words(server, sandbox):
    """Everything wrong is told at once: with `events`, with the rest, and by the metadata."""
    wrong = drive(sandbox, events={"by": "webhok", "everyy": 1}, tags=[""], configuration={})
    _, failures = server.check(wrong)
    assert [one.split(": ")[0] for one in failures] == [
        "events.everyy",
        "tags.0",
        "events.by",
        "configuration.oauth.api.key",
        "configuration.oauth.api.secret",
        "configuration.oauth.callback.url",
    ]
