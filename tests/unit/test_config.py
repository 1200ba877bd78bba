"""Connection settings: where they come from, and what is refused."""

import copy
import pickle

import httpx
import pytest

from provider.api.client import CloudElementsClient
from provider.api.errors import ConfigError
from provider.config import (
    Settings,
    address,
    environment_name,
    is_loopback,
    load,
    overridden,
    stack_key,
)

GOOD = {
    "base_url": "https://platform.example/elements/api-v2",
    "user_secret": "user-secret-1",
    "organization_secret": "organization-secret-1",
}


def from_stack(**values):
    """Return how the stack gives `values`."""
    return {stack_key(name): text for name, text in values.items()}.get


def from_environment(**values):
    return {environment_name(name): text for name, text in values.items()}


def refusal(**changes):
    with pytest.raises(ConfigError) as caught:
        Settings(**GOOD | changes)
    return str(caught.value)


def test_names():
    assert environment_name("base_url") == "CLOUD_ELEMENTS_BASE_URL"
    assert stack_key("organization_secret") == "cloud-elements:organizationSecret"


def test_the_environment_comes_first():
    """The engine keeps stack configuration in the state; a rotated secret is not seen there."""
    found = load(from_environment(user_secret="fresh"), from_stack(**GOOD))
    assert found.user_secret == "fresh"
    assert found.organization_secret == GOOD["organization_secret"]


def test_an_empty_variable_is_none():
    assert load(from_environment(user_secret=""), from_stack(**GOOD)) == Settings(**GOOD)


def test_space_around_a_value_is_a_slip_of_copying():
    found = load(from_environment(**{name: f" {text}\n" for name, text in GOOD.items()}), {}.get)
    assert found == Settings(**GOOD)


def test_a_secret_is_taken_to_its_last_character():
    """Base64 may end in a slash."""
    found = load(from_environment(**GOOD | {"user_secret": "abc/"}), {}.get)
    assert found.user_secret == "abc/"


def test_values_are_read_by_their_types():
    words = {"timeout": "2.5", "concurrency": "3", "metadata": "Off", "requests_per_second": "0"}
    found = load({}, from_stack(**GOOD, **words))
    assert (found.timeout, found.concurrency, found.metadata) == (2.5, 3, False)


def test_all_problems_are_told_at_once_and_by_name():
    with pytest.raises(ConfigError) as caught:
        load(
            from_environment(concurrency="many", user_secret="s-e-c-r-e-t"),
            from_stack(base_url="ftp://x", metadata="perhaps"),
        )
    text = str(caught.value)
    for name in (
        "CLOUD_ELEMENTS_CONCURRENCY",
        "cloud-elements:metadata",
        "CLOUD_ELEMENTS_BASE_URL",
        "CLOUD_ELEMENTS_ORGANIZATION_SECRET (or cloud-elements:organizationSecret) is not set",
    ):
        assert name in text
    assert "s-e-c-r-e-t" not in text
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize("name", GOOD)
def test_what_is_needed_is_asked_for(name):
    assert f"{environment_name(name)} (or {stack_key(name)}) is not set" in refusal(**{name: ""})


ADDRESSES = pytest.mark.parametrize("setting", ["base_url", "consent_page"])
"""Settings that are addresses."""


@ADDRESSES
@pytest.mark.parametrize(
    "address",
    [
        "platform.example/elements",
        "/elements/api-v2",
        "ftp://platform.example",
        "https://",
        "https://[::1",
        "https://platform.example:99999",
        "https://platform.example:port",
        "https://plat form.example",
        "https://platform.example\n.evil.example",
        "https://pl\u00e4tform.example",
        "https://a..b",
        f"https://{'a' * 64}.example",
    ],
)
def test_an_address_that_is_none_is_refused(setting, address):
    assert "must be an address such as https://" in refusal(**{setting: address})


@ADDRESSES
@pytest.mark.parametrize(
    "address",
    [
        "http://platform.example/elements/api-v2",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://10.0.0.1",
        "http://[::ffff:8.8.8.8]",
    ],
)
def test_secrets_travel_by_https_only(setting, address):
    assert "must start with https://" in refusal(**{setting: address})


@ADDRESSES
@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:8080/x", "http://localhost", "http://[::1]:1/", "HTTP://LOCALHOST:1"],
)
def test_on_loopback_nobody_listens(setting, address):
    assert Settings(**GOOD | {setting: address})


@ADDRESSES
@pytest.mark.parametrize(
    "address", ["https://u:hunter22@h/x", "https://u@h", "http://127.0.0.1\\@h"]
)
def test_an_address_holds_no_password(setting, address):
    text = refusal(**{setting: address})
    assert "must not hold a user name or password" in text
    assert "hunter22" not in text


@ADDRESSES
@pytest.mark.parametrize("address", ["https://h/x?token=hunter22", "https://h/x#y"])
def test_an_address_has_no_query(setting, address):
    text = refusal(**{setting: address})
    assert "query" in text
    assert "hunter22" not in text


@pytest.mark.parametrize("secret", ["two words", "line\r\nbreak: x", "schl\u00fcssel", "tab\t"])
def test_a_secret_that_no_header_can_carry_is_refused_unseen(secret):
    text = refusal(user_secret=secret)
    assert "CLOUD_ELEMENTS_USER_SECRET" in text
    assert secret not in text


@pytest.mark.parametrize("name", ["timeout", "retry_budget", "concurrency", "requests_per_second"])
@pytest.mark.parametrize("number", [-1, float("nan"), float("inf"), 1e300])
def test_a_number_is_within_reason(name, number):
    assert stack_key(name) in refusal(**{name: number})


@pytest.mark.parametrize("name", ["timeout", "concurrency"])
def test_nothing_can_be_done_in_no_time_or_nowhere(name):
    assert stack_key(name) in refusal(**{name: 0})


@pytest.mark.parametrize("text", ["x", "1e400", "nan", "", "1,5"])
def test_a_number_that_is_none_never_gets_through(text):
    if text:
        with pytest.raises(ConfigError):
            load({}, from_stack(**GOOD, timeout=text))
    else:
        assert load({}, from_stack(**GOOD, timeout=text)).timeout == Settings(**GOOD).timeout


def test_settings_show_no_secret_and_are_not_pickled():
    """Pulumi keeps pickled providers in the state."""
    settings = Settings(**GOOD)
    assert "secret-1" not in repr(settings) + str(settings)
    for leak in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError, match="never pickled"):
            leak(settings)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "example.com", "localhost.", "2130706433", "::"])
def test_not_loopback(host):
    assert not is_loopback(host)


@pytest.mark.parametrize("base_url", ["https://xn--/", "https://-", "https://1.2.3"])
def test_an_address_that_only_http_finds_odd_is_a_setting_to_mend(base_url):
    """Whatever the settings let through, the client takes or refuses in one line."""
    try:
        settings = Settings(**GOOD | {"base_url": base_url})
        transport = httpx.MockTransport(lambda _: httpx.Response(404))
        CloudElementsClient(settings, transport=transport).close()
    except ConfigError as error:
        assert "CLOUD_ELEMENTS_BASE_URL" in str(error)  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize(
    "spelling",
    [
        "https://platform.example/elements/api-v2/",
        "https://PLATFORM.example/elements/api-v2",
        "HTTPS://platform.example:443/elements/api-v2//",
        " https://platform.example./elements/api-v2\n",
    ],
)
def test_an_address_has_one_spelling(spelling):
    assert address(spelling) == GOOD["base_url"] == address(GOOD["base_url"])


@pytest.mark.parametrize(
    "other",
    [
        "http://platform.example/elements/api-v2",
        "https://platform.example:8443/elements/api-v2",
        "https://api.platform.example/elements/api-v2",
        "https://platform.example/elements/API-v2",
    ],
)
def test_what_may_lead_elsewhere_is_another_address(other):
    assert address(other) != address(GOOD["base_url"])


@pytest.mark.parametrize(
    ("written", "one"),
    [
        ("http://[::1]:80/x/", "http://[::1]/x"),
        ("https://b\u00fccher.example/x", "https://xn--bcher-kva.example/x"),
        ("nonsense", "nonsense"),
        ("https://a:b:c/", "https://a:b:c/"),
    ],
)
def test_odd_addresses_are_kept_apart_all_the_same(written, one):
    assert address(written) == one


def said_of(*, environment="", stack=""):
    """Return what is said of two addresses."""
    return overridden(from_environment(base_url=environment), from_stack(base_url=stack))


def test_an_environment_that_leads_elsewhere_than_the_stack_is_told():
    other = "https://api.openconnectors.example/elements/api-v2"
    assert said_of(environment=other, stack=GOOD["base_url"]) == (
        f"CLOUD_ELEMENTS_BASE_URL overrides the stack's cloud-elements:baseUrl: {other} is used "
        f"instead of {GOOD['base_url']}; unset it where the stack's own platform is meant"
    )


@pytest.mark.parametrize(
    ("environment", "stack"),
    [
        ("", ""),
        ("", GOOD["base_url"]),
        (GOOD["base_url"], ""),
        (GOOD["base_url"], f" {GOOD['base_url']}/"),
        (GOOD["base_url"], GOOD["base_url"].replace("https://p", "HTTPS://P")),
    ],
)
def test_an_environment_that_leads_nowhere_else_is_not_worth_a_word(environment, stack):
    assert said_of(environment=environment, stack=stack) is None


def test_what_is_overridden_is_not_shown_when_it_may_hold_a_secret():
    said = said_of(
        environment=GOOD["base_url"], stack="https://me:hidden@platform.example/x?k=hidden"
    )
    assert "instead of another address" in said
    assert "hidden" not in said
