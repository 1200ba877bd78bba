"""What proves that an instance was authenticated anew, and the PUT where it was not."""

import itertools

import pytest

from provider.api import wire
from provider.api.errors import (
    AmbiguousError,
    APIError,
    AuthenticationError,
    NotFoundError,
    NotSentError,
    RateLimitError,
    SpentError,
    StrangerError,
    TooLargeError,
)
from provider.instance import reauthentication
from provider.instance.markers import credential_marker

PATCH = "PATCH /instances/{id}"
[OLD], [NEW] = (credential_marker({"code": mark}) for mark in "01")
TOKEN, REFRESH, TIME = (f"oauth.user.{key}" for key in ("token", "refresh_token", "refresh_time"))
MASK = "********"


def refused(status, message="Bad request", kind=APIError, **others):
    return kind(PATCH, status, message, request_id="r", **others)


@pytest.mark.parametrize(
    ("error", "as_such"),
    [
        (refused(405), True),
        (refused(405, kind=StrangerError), True),
        (refused(501), True),
        (refused(400), True),
        (refused(404, kind=NotFoundError), True),
        (refused(415), True),
        (refused(400, kind=StrangerError), False),
        (refused(404, kind=StrangerError), False),
        (refused(405, provider_message="no"), False),
        (refused(400, provider_message="invalid_grant"), False),
        (refused(400, "invalid_grant: the code was used before"), False),
        (refused(400, "The authorization code is expired"), False),
        (refused(400, "Code has already been used"), False),
        (refused(400, "You must provide an OAuth code in order to create an instance"), True),
        (refused(401, kind=AuthenticationError), False),
        (refused(403, kind=AuthenticationError), False),
        (refused(409), False),
        (refused(429, kind=RateLimitError), False),
        (refused(429, kind=TooLargeError), False),
        (refused(500), False),
        (refused(408), False),
        (AmbiguousError(PATCH, "no answer in time"), False),
        (NotSentError(PATCH, "no connection"), False),
        (SpentError("its code was sent"), False),
    ],
    ids=lambda value: f"{type(value).__name__} {value}" if isinstance(value, Exception) else value,
)
def test_what_is_refused_before_a_code_reaches_the_vendor(error, as_such):
    assert reauthentication.refused_as_such(error) is as_such


def instance(tags=(OLD,), token="t", **configuration):
    keys = {"access": TOKEN, "refresh": REFRESH, "time": TIME}
    held = {keys.get(key, key): value for key, value in configuration.items()}
    return wire.Instance(id="7", tags=list(tags), token=token, configuration=held)


SENT = {"tags": ["mine", NEW], "providerData": {"code": "c"}}


@pytest.mark.parametrize(
    ("before", "after", "took"),
    [
        # Another token or time
        (instance(access="a"), instance(access="b"), True),
        (instance(access="a", time="1"), instance(access="a", time="2"), True),
        (instance(access="a", refresh="r"), instance(access="b", refresh="r"), True),
        (instance(access=MASK, time="1"), instance(access=MASK, time="2"), True),
        (instance(), instance(access="b"), True),
        (instance(token="t"), instance(token="u"), True),
        (instance((), access="a"), instance((NEW,), access="b"), True),
        # The same
        (instance(access="a", time="1"), instance((NEW,), access="a", time="1"), False),
        (instance(access=MASK, time="1"), instance((NEW,), access=MASK, time="1"), False),
        (instance(access="a", refresh="r"), instance((NEW,), access="a", refresh="r"), False),
        # Nothing was written at all
        (instance(), instance(), False),
        (instance(("x", OLD)), instance((OLD, "x")), False),
        # Nobody knows
        (instance(access="a"), instance((NEW,), access="a"), None),
        (instance(refresh="r"), instance((NEW,), refresh="r"), None),
        (instance(access=MASK), instance((NEW,), access=MASK), None),
        (instance(access="a", time="1"), instance((NEW,)), None),
        (instance(time=""), instance((NEW,), time=""), None),
        (instance(), instance((NEW,)), None),
        (instance(()), instance(()), None),  # a platform that keeps no tags
        (instance(("x",)), instance(("x",)), False),
        (instance((OLD[:5],)), instance((OLD[:5],)), None),  # one that cuts them
        (instance(("MINE",)), instance(("MINE",)), None),
        (instance(), instance(token=None, tags=(NEW,)), None),
    ],
)
def test_what_proves_that_it_came_about(before, after, took):
    assert reauthentication.took_effect(before, after, SENT) is took


@pytest.mark.parametrize(
    ("name", "tags", "took"),
    [
        ("old", ("old",), False),  # the name is the platform's own tag
        ("old", ("old", NEW), None),
        ("new", ("old",), None),
        ("ne", ("old",), None),
    ],
)
def test_a_name_that_was_to_change_proves_that_nothing_was_written(name, tags, took):
    before = instance(("old",)).model_copy(update={"name": "old"})
    after = instance(tags).model_copy(update={"name": name})
    assert reauthentication.took_effect(before, after, SENT | {"name": "new"}) is took
    assert reauthentication.took_effect(before, before, SENT) is None
    cut = before.model_copy(update={"name": "ne", "tags": ["ne"]})
    assert reauthentication.took_effect(cut, cut, SENT | {"name": "new"}) is None


def test_what_the_request_itself_wrote_proves_nothing():
    sent = SENT | {"configuration": {REFRESH: "s"}}
    before, after = instance(access="a", refresh="r"), instance((NEW,), access="a", refresh="s")
    assert reauthentication.took_effect(before, after, sent) is None
    assert reauthentication.took_effect(before, after, SENT) is True


def test_only_the_token_that_is_told_is_the_same():
    for one, other in itertools.product(("a", "b", MASK, None), repeat=2):
        same = reauthentication.shows_the_same_token(instance(access=one), instance(access=other))
        assert same is (one == other and one in ("a", "b"))


def test_the_put_has_everything_and_no_mask():
    held = wire.Instance(
        id="7",
        tags=["theirs"],
        configuration={
            "oauth.api.key": MASK,
            "oauth.api.secret": MASK,
            "password": MASK,
            "not.given": "kept",
            "unset": None,
            "empty": "",
            "event.metadata": f'{{"header": "{MASK}"}}',
            "oauth.user.token": "old",
            "oauth.user.refresh_token": "old",
            "oauth.user.refresh_interval": "3600",
            "filter.response.nulls": "false",
        },
    )
    given = {
        "oauth.api.key": "k",
        "oauth.api.secret": "s",
        "event.poller.configuration": {"a": 1.0},
    }
    patch = SENT | {"name": "new", "configuration": {"filter.response.nulls": "true"}}

    body = reauthentication.as_put(
        patch, held, element_key="hubspot", name="new", configuration=given
    )

    assert body == {
        "element": {"key": "hubspot"},
        "name": "new",
        "tags": ["mine", NEW],
        "providerData": {"code": "c"},
        "configuration": {
            "oauth.api.key": "k",
            "oauth.api.secret": "s",
            "event.poller.configuration": {"a": 1},
            "not.given": "kept",
            "oauth.user.refresh_interval": "3600",
            "filter.response.nulls": "true",
        },
    }


def test_a_put_without_tags_of_its_own_keeps_those_that_are_told():
    held = wire.Instance(id="7", tags=["theirs"])
    patch = {"providerData": {"code": "c"}}
    body = reauthentication.as_put(patch, held, element_key="e", name="n", configuration={})
    assert body["tags"] == ["theirs"]
