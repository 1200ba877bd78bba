"""What the lifecycle decides by itself; its whole life is tested in tests/host."""

import pytest
from pulumi.dynamic import Config, ConfigureRequest

from provider.api.errors import (
    AmbiguousError,
    APIError,
    AuthenticationError,
    Call,
    NotFoundError,
    RateLimitError,
    StrangerError,
    TooLargeError,
)
from provider.config import Settings
from provider.doors.dynamic import Door
from provider.instance.operations import _advice
from provider.lifecycle import ElementInstanceProvider

CALL = Call("POST", "/instances")
CORRECT = "correct the inputs, with a new code if one was sent, then run pulumi up"
REFRESH = "run pulumi refresh, because it was deleted outside Pulumi"
ADMINISTRATOR = "ask an administrator of your organization to allow this user to do it"
IN_USE = "delete what uses the instance, such as formula instances, then run it again"
GONE = "if it was deleted outside Pulumi, run pulumi state delete with its URN"
LESS = "give less configuration, with a new code if one was sent"
OUR_SECRETS = "Invalid Organization or User secret, or invalid Element token provided."


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
    assert _advice(error, verb) == expected


def test_without_settings_check_says_so_and_still_judges_the_inputs():
    failures = ElementInstanceProvider().check({}, {"name": "desk"}).failures
    assert [failure.reason for failure in failures] == [
        "element_key: is required",
        "the provider is not configured",
    ]
    assert {failure.property for failure in failures} == {""}


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "SSL_CERT_FILE"])
def test_an_environment_that_does_not_work_is_one_line_of_check(monkeypatch, tmp_path, variable):
    monkeypatch.setenv("CLOUD_ELEMENTS_BASE_URL", "https://platform.example/elements/api-v2")
    monkeypatch.setenv("CLOUD_ELEMENTS_USER_SECRET", "user")
    monkeypatch.setenv("CLOUD_ELEMENTS_ORGANIZATION_SECRET", "organization")
    (tmp_path / "broken.pem").write_text("no certificate", encoding="utf-8")
    unusable = {"HTTPS_PROXY": "socks5://h:1", "SSL_CERT_FILE": str(tmp_path / "broken.pem")}
    monkeypatch.setenv(variable, unusable[variable])
    provider = ElementInstanceProvider()
    provider.configure(ConfigureRequest(Config({}, "cloud-elements")))
    (failure,) = provider.check({}, {"element_key": "x", "name": "desk"}).failures
    assert variable in failure.reason


def test_without_settings_nothing_else_works():
    for call in (
        lambda: ElementInstanceProvider().create({"element_key": "x", "name": "n"}),
        lambda: ElementInstanceProvider().read("7", {}),
        lambda: ElementInstanceProvider().update("7", {}, {"element_key": "x", "name": "n"}),
        lambda: ElementInstanceProvider().delete("7", {}),
    ):
        with pytest.raises(Exception, match="the provider is not configured"):
            call()


def test_every_method_is_handed_on(monkeypatch):
    """The class in the state only names what does the work."""
    provider = ElementInstanceProvider()
    seen = []
    for name in ("configure", "check", "diff", "create", "read", "update", "delete"):
        monkeypatch.setattr(
            Door, name, lambda _, *given, name=name: seen.append((name, given)) or name
        )
    assert provider.check({"a": 1}, {"b": 2}) == "check"
    assert provider.diff("7", {}, {}) == "diff"
    assert provider.create({}) == "create"
    assert provider.read("7", {}) == "read"
    assert provider.update("7", {}, {}) == "update"
    provider.delete("7", {})
    provider.configure(None)
    assert [name for name, _ in seen] == [
        "check",
        "diff",
        "create",
        "read",
        "update",
        "delete",
        "configure",
    ]
    assert seen[0][1] == ({"a": 1}, {"b": 2})


def test_settings_and_clients_are_never_pickled():
    import pickle  # noqa: PLC0415

    settings = Settings(base_url="https://x", user_secret="u", organization_secret="o")
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(settings)
