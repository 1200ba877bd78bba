"""What the user is told to do, by the error and by what was being done."""

import pytest

from provider.api.errors import (
    AmbiguousError,
    APIError,
    AuthenticationError,
    ConfigError,
    NotFoundError,
    NotSentError,
    RateLimitError,
    RefusedError,
    SpentError,
    StrangerError,
    TooLargeError,
    UnsendableError,
)
from provider.instance.advice import advice, without_pulumi

CALL = "POST /instances"
CORRECT = "correct the inputs, with a new code if one was sent, then run pulumi up"
REFRESH = "run pulumi refresh, because it was deleted outside Pulumi"
ADMINISTRATOR = "ask an administrator of your organization to allow this user to do it"
IN_USE = "delete what uses the instance, such as formula instances, then run it again"
GONE = "if it was deleted outside Pulumi, run pulumi state delete with its URN"
LESS = "give less configuration, with a new code if one was sent"
OUR_SECRETS = "Invalid Organization or User secret, or invalid Element token provided."


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (AuthenticationError(CALL, 401, "x"), "CLOUD_ELEMENTS_USER_SECRET"),
        (RateLimitError(CALL, 429, "x"), "wait"),
        (TooLargeError(CALL, 429, "x"), "less configuration"),
        (NotSentError(CALL, "x"), "https://h/x is the platform and can be reached"),
        (StrangerError(CALL, 404, "x"), "https://h/x is the platform's API"),
        (AmbiguousError(CALL, "x", status=200), "between here and https://h/x spoils its answers"),
        (AmbiguousError(CALL, "x", status=200, stranger=True), "https://h/x is the platform's API"),
        (AmbiguousError(CALL, "x"), "run pulumi up again"),
        (APIError(CALL, 503, "x"), "https://h/x is the platform's API"),
        (APIError(CALL, 503, "x", request_id="5b"), "support asks"),
        (APIError(CALL, 408, "x"), "try again later"),
        (APIError(CALL, 503, "x", provider_message="no"), "correct what the element's vendor"),
        (APIError(CALL, 400, "x"), None),
        (AuthenticationError(CALL, 403, "x"), None),
        (NotFoundError(CALL, 404, "x"), None),
        (ConfigError("x"), None),
        (RefusedError("x"), None),
        (SpentError("x"), "get a new code, then run pulumi up"),
        (UnsendableError("x"), "correct the inputs"),
    ],
)
def test_advice_is_given_where_the_error_alone_tells(error, words):
    found = advice(error, base_url="https://h/x")
    assert (found is None) == (words is None)
    assert words is None or words in found


@pytest.mark.parametrize(
    ("error", "verb", "expected"),
    [
        (APIError(CALL, 400, "Bad Request"), "create", CORRECT),
        (APIError(CALL, 400, "Bad Request"), "update", CORRECT),
        (APIError(CALL, 422, "Bad Request"), "create", CORRECT),
        (APIError(CALL, 409, "in use"), "create", CORRECT),
        (APIError(CALL, 409, "in use"), "delete", IN_USE),
        (APIError(CALL, 400, "in use"), "delete", IN_USE),
        (APIError(CALL, 500, "broken"), "create", None),
        (NotFoundError(CALL, 404, "gone"), "update", REFRESH),
        (NotFoundError(CALL, 404, "gone"), "create", CORRECT),
        (NotFoundError(CALL, 404, "gone"), "read", "correct the id"),
        (APIError(CALL, 400, "gone"), "read", GONE),
        (AuthenticationError(CALL, 401, "gone"), "read", GONE),
        (AuthenticationError(CALL, 403, "gone"), "read", f"{ADMINISTRATOR}; {GONE}"),
        (AuthenticationError(CALL, 401, OUR_SECRETS), "read", None),
        (AuthenticationError(CALL, 401, OUR_SECRETS), "create", None),
        (AuthenticationError(CALL, 401, "Request failed"), "create", CORRECT),
        (AuthenticationError(CALL, 403, "Forbidden"), "create", ADMINISTRATOR),
        (AuthenticationError(CALL, 403, "Forbidden"), "delete", ADMINISTRATOR),
        (RateLimitError(CALL, 429, "slower"), "create", None),
        (TooLargeError(CALL, 429, "too large"), "create", LESS),
        (TooLargeError(CALL, 429, "too large"), "update", LESS),
        (TooLargeError(CALL, 429, "too large"), "read", None),
        (StrangerError(CALL, 400, "a page"), "create", None),
        (AmbiguousError(CALL, "lost"), "create", None),
    ],
    ids=lambda value: f"{type(value).__name__} {getattr(value, 'status', value)}"[:40],
)
def test_advice_where_the_verb_makes_a_difference(error, verb, expected):
    assert advice(error, verb) == (expected or advice(error))


def test_a_command_does_not_send_its_user_to_pulumi():
    lost = AmbiguousError(CALL, "lost")
    assert (advice(lost), without_pulumi(lost)) == ("run pulumi up again", "try again")
