"""How errors read."""

import pytest

from provider.api.errors import (
    AmbiguousError,
    APIError,
    AuthenticationError,
    CloudElementsError,
    ConfigError,
    NotFoundError,
    NotSentError,
    RateLimitError,
    RefusedError,
    StrangerError,
    TooLargeError,
    did_you_mean,
    sentence,
)

CALL = "POST /instances"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            APIError(CALL, 400, "Bad Request", request_id="5b04"),
            "Bad Request (POST /instances → 400, request 5b04)",
        ),
        (APIError(CALL, 400, "Bad Request"), "Bad Request (POST /instances → 400)"),
        (
            APIError(CALL, 400, "Request failed", provider_message="invalid_grant"),
            "Request failed (invalid_grant) (POST /instances → 400)",
        ),
        (
            APIError(CALL, 400, "Same words", provider_message="Same words"),
            "Same words (POST /instances → 400)",
        ),
        (
            AmbiguousError(CALL, "no answer in time"),
            "no answer in time (POST /instances → no answer)",
        ),
        (
            AmbiguousError(CALL, "not JSON", status=200, request_id="5b04"),
            "not JSON (POST /instances → 200, request 5b04)",
        ),
    ],
)
def test_an_error_tells_what_was_said_and_what_support_asks_for(error, text):
    assert str(error) == text


@pytest.mark.parametrize(
    ("error", "then", "text"),
    [
        (
            APIError(CALL, 400, "The code is spent. ", request_id="5b04"),
            "get a new one",
            (
                "could not create element instance 'mail': The code is spent "
                "(POST /instances → 400, request 5b04): get a new one"
            ),
        ),
        (
            NotSentError(CALL, "no connection"),
            None,
            "could not create element instance 'mail': no connection (POST /instances → no answer)",
        ),
        (
            RefusedError("two instances fit."),
            "delete one",
            "could not create element instance 'mail': two instances fit: delete one",
        ),
        ("unknown", None, "could not create element instance 'mail': unknown"),
    ],
)
def test_a_user_reads_one_sentence(error, then, text):
    assert sentence("create", "mail", error, then=then) == text


def test_every_error_of_ours_is_one_of_a_kind():
    """Programs catch the root, and the lifecycle tells them apart by these branches."""
    leaves = [NotFoundError, RateLimitError, TooLargeError, StrangerError, AuthenticationError]
    assert all(issubclass(leaf, APIError) for leaf in leaves)
    assert issubclass(NotSentError, AmbiguousError)
    assert not issubclass(AmbiguousError, APIError)
    assert not issubclass(TooLargeError, RateLimitError)
    assert all(issubclass(e, CloudElementsError) for e in (APIError, AmbiguousError, ConfigError))


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("freshservise", "freshservice"),
        ("onedrive", "onedrivebusiness"),
        ("one", None),
        ("salesforce", None),
        ("", None),
    ],
)
def test_what_was_meant_is_guessed_by_likeness_and_by_beginning(word, meant):
    known = ["freshservice", "onedrivebusiness", "hubspot"]
    assert did_you_mean(word, known) == (f"; did you mean '{meant}'?" if meant else "")
