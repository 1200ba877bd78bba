"""What is secret, and how it is kept out of text."""

import logging

import pytest

from provider.api.redaction import (
    PLAIN_KEYS,
    is_platform_written,
    is_secret_key,
    looks_secret,
    quiet_http_loggers,
    scrub,
    secrets_of,
    strings_in,
)


@pytest.mark.parametrize("key", ["password", "store.url", "anything", "event.poller.urls", ""])
def test_a_key_is_secret_unless_it_is_known_to_be_plain(key):
    assert is_secret_key(key)


@pytest.mark.parametrize("key", sorted(PLAIN_KEYS))
def test_keys_known_to_be_plain_are_not(key):
    assert not is_secret_key(key)


def test_metadata_may_say_that_a_key_is_plain():
    assert not is_secret_key("store.url", frozenset({"store.url"}))


@pytest.mark.parametrize(
    "key",
    [
        "oauth.user.token",
        "intacct.sender.password",
        "API_KEY",
        "apikey",
        "clientSecret",
        "user.pwd",
        "passphrase",
        "private.key",
        "event.notification.signature.key",
        "x509.certificate",
        "card.pin",
        "event.notification.callback.url",
        "event.notification.callback.headers",
        "event.poller.urls",
        "instance.variables",
        "saps4.cookie",
        "sfdc.session.id",
        "base64.encoded.jks",
        "webhook.url",
    ],
)
def test_a_key_that_names_a_secret_is_one_whatever_metadata_say(key):
    assert looks_secret(key)
    assert is_secret_key(key, frozenset({key}))


@pytest.mark.parametrize(
    ("key", "written"),
    [
        ("oauth.user.token", True),
        ("oauth.user.refresh_time", True),
        ("expires_in", True),
        ("oauth.api.key", False),
        ("my.oauth.user.token", False),
        ("expires_in.x", False),
        ("oauth.user.refresh_interval", False),
        ("oauth.user.refresh_intervals", True),
    ],
)
def test_keys_that_the_platform_rewrites(key, written):
    assert is_platform_written(key) is written


def test_every_text_and_number_is_found_at_any_depth():
    value = {"a": "x", "b": [{"c": 12.0}, 7, None, True], "d": (0.5,)}
    assert sorted(strings_in(value)) == ["0.5", "12", "7", "x"]


def test_secrets_of_a_configuration():
    configuration = {
        "password": "p4ss",
        "pin": 123456,
        "event.vendor.type": "polling",
        "nested": {"deep": ["x1", {"y": "x2"}]},
        "event.metadata": {"vendor": [{"shown": "plain", "apiToken": {"z": "x3"}}]},
    }
    assert secrets_of(configuration) == {"p4ss", "123456", "x1", "x2", "x3"}


@pytest.mark.parametrize(
    ("text", "secrets", "scrubbed"),
    [
        ("code abcd used", {"abcd"}, "code [secret] used"),
        ("abcdef abcd", {"abcd", "abcdef"}, "[secret] [secret]"),
        ("a%2Fb%3Dc+d", {"a/b=c d"}, "[secret]"),
        ("a%2Fb%3Dc%20d", {"a/b=c d"}, "[secret]"),
        (r'{"p": "a\"b\\c"}', {'a"b\\c'}, '{"p": "[secret]"}'),
        ("<p>a&amp;b&lt;c", {"a&b<c"}, "<p>[secret]"),
        ("line one!", {"line one!\nline two!"}, "[secret]"),
        (r"caf\u00e9s", {"cafés"}, "[secret]"),
        ("a.c* abc", {"a.c*"}, "[secret] abc"),
    ],
)
def test_a_secret_is_found_in_every_form(text, secrets, scrubbed):
    assert scrub(text, secrets) == scrubbed


@pytest.mark.parametrize("word", ["abc", "true", "False", "null", ""])
def test_words_that_hide_nothing_stay(word):
    text = f"{word} is no value"
    assert scrub(text, {word}) == text


def test_http_libraries_do_not_log(caplog):
    """They write whole addresses at INFO, queries included."""
    quiet_http_loggers()
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore.http11", "httpcore.connection", "httpx_retries.transport"):
        logging.getLogger(name).error("GET https://h/?apiSecret=x")
    assert caplog.text == ""
