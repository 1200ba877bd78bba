"""What an element asks for, and what is done without its metadata."""

import pulumi
import pytest

from provider.api import wire
from provider.api.errors import (
    AmbiguousError,
    APIError,
    AuthenticationError,
    NotFoundError,
    NotSentError,
    RateLimitError,
    StrangerError,
)
from provider.api.request import read
from provider.instance import metadata
from provider.instance.metadata import Metadata

UNKNOWN = pulumi.output.Unknown()
CALL = "GET /elements/{keyOrId}"


def element(*entries, authentication="basic"):
    """Return an element with these configuration entries."""
    document = {
        "key": "shop",
        "authentication": {"type": authentication},
        "configuration": list(entries),
    }
    found = read(wire.Element, document)
    assert found is not None
    return found


def entry(key="a", **fields):
    """Return an entry that a user must supply, unless `fields` say otherwise."""
    return {"key": key, "type": "TEXTFIELD_32", "required": True, "active": True} | fields


GROUPED = (
    entry("authentication.type", groupControl=True, defaultValue="basic"),
    entry("url"),
    entry("user", groupName="basic"),
    entry("token", groupName="custom"),
)


def required(configuration, *entries):
    return [one.key for one in metadata.required_keys(element(*entries), configuration)]


# Which keys must be supplied


def test_required_active_visible_entries_without_default_must_be_supplied():
    assert required({}, entry()) == ["a"]


@pytest.mark.parametrize(
    "fields",
    [
        {"required": False},
        {"active": False},
        {"hideFromConsole": True},
        {"internal": True},
        {"defaultValue": "x"},
        {"defaultValue": False},
        {"defaultValue": ""},
    ],
)
def test_any_other_entry_need_not(fields):
    assert required({}, entry(**fields)) == []


@pytest.mark.parametrize(
    ("chosen", "keys"),
    [
        ({}, ["url", "user"]),
        ({"authentication.type": "basic"}, ["url", "user"]),
        ({"authentication.type": "custom"}, ["url", "token"]),
        ({"authentication.type": "neither"}, ["url"]),
        ({"authentication.type": UNKNOWN}, ["url"]),
    ],
)
def test_of_a_group_only_the_chosen_one(chosen, keys):
    assert required(chosen, *GROUPED) == keys


def test_of_several_controls_each_chooses_and_one_out_of_use_does_not():
    entries = [
        entry("first", groupControl=True, defaultValue="a"),
        entry("second", groupControl=True, defaultValue="b"),
        entry("retired", groupControl=True, defaultValue="c", active=False),
        *(entry(f"of {name}", groupName=name) for name in "abc"),
    ]
    assert required({}, *entries) == ["of a", "of b"]
    assert required({"first": "c", "second": ""}, *entries) == ["of b", "of c"]


def test_a_group_whose_name_is_no_text_is_none():
    assert required({}, *GROUPED, entry("always", groupName=5)) == ["url", "user", "always"]


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ("custom", []),
        ("Basic", []),
        ("jwt", []),
        ("", []),
        (UNKNOWN, []),
        ("nonsense", ["element 'shop' lists no such 'how', but 'jwt', 'basic' and 'custom'"]),
        (5, ["element 'shop' lists no such 'how', but 'jwt', 'basic' and 'custom'"]),
    ],
)
def test_a_choice_that_is_not_listed_is_warned_of(chosen, told):
    shop = element(
        entry("how", groupControl=True, required=False, options=[{"value": "jwt"}]),
        entry("user", groupName="basic", required=False),
        entry("token", groupName="custom", required=False),
    )
    assert list(metadata.unknown_keys(shop, {"how": chosen})) == told


def test_without_groups_and_options_any_choice_is_possible():
    shop = element(entry("how", groupControl=True))
    assert list(metadata.unknown_keys(shop, {"how": "x"})) == []


@pytest.mark.parametrize("proxy", ["TestApp", UNKNOWN])
def test_what_an_oauth_proxy_holds_need_not_be_given(proxy):
    entries = [entry(f"oauth.{key}") for key in ("api.key", "api.secret", "callback.url", "scope")]
    assert missing({"oauth_proxy": proxy}, *entries) == ["configuration.oauth.scope"]
    assert len(missing({}, *entries)) == 4


@pytest.mark.parametrize("external", ["initial", UNKNOWN])
def test_what_is_created_from_a_token_needs_no_callback_url(external):
    entries = [entry(f"oauth.{key}") for key in ("api.key", "api.secret", "callback.url")]
    inputs = {"external_authentication": external, "configuration": {TOKEN: "x"}}
    assert missing(inputs, *entries) == [
        "configuration.oauth.api.key",
        "configuration.oauth.api.secret",
    ]
    inputs["external_authentication"] = "none"
    assert len(missing(inputs, *entries)) == 3


@pytest.mark.parametrize(
    "spared", [{"external_authentication": "initial"}, {"oauth_proxy": "TestApp"}]
)
def test_what_an_instance_has_lived_without_is_not_demanded_later(spared):
    """What spared it that is part of the create alone, and may be taken out."""
    entries = [entry("oauth.callback.url"), entry("site")]
    before = spared | {"configuration": {"site": "a"}}
    shop = element(*entries)
    for after in (before, {"configuration": {"site": "a"}}):
        assert list(metadata.missing(shop, after, new=False, before=before)) == []
    told = list(metadata.missing(shop, {"configuration": {}}, new=False, before=before))
    assert [text.split(":")[0] for text in told] == ["configuration.site"]


def test_another_choice_demands_what_it_needs_of_an_instance_that_exists():
    entries = [entry("how", groupControl=True), entry("token", groupName="custom")]
    before, after = ({"configuration": {"how": how}} for how in ("basic", "custom"))
    told = list(metadata.missing(element(*entries), after, new=False, before=before))
    assert [text.split(":")[0] for text in told] == ["configuration.token"]


def test_who_gets_a_code_through_a_proxy_is_told():
    shop = element(authentication="oauth2")
    for proxy, hint in ((None, "elements authorize"), ("TestApp", "your application")):
        [told] = metadata.missing(shop, {"oauth_proxy": proxy}, new=True)
        assert hint in told


# What is missing

TOKEN = "oauth.user.refresh_token"
OAUTH1 = {"oauth_token": "x", "oauth_verifier": "x", "secret": "x"}
INITIAL = {"external_authentication": "initial"}


def test_what_events_say_counts_as_given():
    needed = (
        "event.notification.callback.url",
        "filter.response.nulls",
        "event.poller.configuration",
    )
    entries = [entry(key) for key in needed]
    events = {"to": "https://app.example", "poller_configuration": UNKNOWN}
    assert missing({"events": events, "filter_response_nulls": True}, *entries) == []
    assert missing({"events": UNKNOWN}, *entries) == []
    assert missing({"events": {"to": "https://app.example"}}, *entries) == [
        f"configuration.{key}" for key in needed[1:]
    ]


@pytest.mark.parametrize(
    ("inputs", "demanded"),
    [
        ({"events": {"by": "polling"}}, True),
        ({"events": {"by": "polling", "enabled": True}}, True),
        ({"events": {"by": "polling", "enabled": False}}, False),
        ({"events": {"by": "polling", "enabled": UNKNOWN}}, False),
        ({"events": {"by": UNKNOWN}}, False),
        ({"events": {"by": "polling", "every": UNKNOWN}}, False),
        ({"events": {"by": "polling", "every": 5}}, False),
        ({"events": {"to": "https://app.example"}}, False),
        ({"events": {"by": "polling"}, "adopt": "7"}, False),
        (
            {"events": {"by": "polling"}, "configuration": {"event.poller.refresh_interval": 5}},
            False,
        ),
        (
            {
                "configuration": {
                    "event.vendor.type": "polling",
                    "event.notification.enabled": "true",
                }
            },
            False,
        ),
    ],
)
def test_polling_needs_an_interval_that_somebody_says(inputs, demanded):
    assert ("events.every" in missing(inputs)) is demanded
    own = entry("event.poller.refresh_interval", required=False, defaultValue="15")
    assert missing(inputs, own) == []


def missing(inputs, *entries, new=True, authentication="basic"):
    shop = element(*entries, authentication=authentication)
    return [text.split(": ")[0] for text in metadata.missing(shop, inputs, new=new)]


@pytest.mark.parametrize("value", [None, ""])
def test_an_empty_value_is_missing(value):
    assert missing({"configuration": {"a": value}}, entry()) == ["configuration.a"]


@pytest.mark.parametrize("value", [UNKNOWN, "x", 0, False, {}])
def test_any_other_value_is_given(value):
    assert missing({"configuration": {"a": value}}, entry()) == []


def test_nothing_is_said_of_a_configuration_that_is_not_known_yet():
    assert missing({"configuration": UNKNOWN}, entry()) == []


@pytest.mark.parametrize(
    ("kind", "inputs", "paths"),
    [
        ("oauth2", {}, ["code"]),
        ("oauth2", {"code": "x"}, []),
        ("oauth2", {"code": UNKNOWN}, []),
        ("oauth2", {"provider_data": {"token": "x"}}, []),
        ("oauth2", {"provider_data": UNKNOWN}, []),
        ("oauth2", {"provider_data": {"realmId": "5", "code": "x"}}, []),
        ("oauth2", {"provider_data": {"realmId": "5"}}, ["code"]),
        ("oauth2", {"provider_data": 5}, []),
        ("oauth2", {"external_authentication": "none"}, ["code"]),
        ("oauth2", {"external_authentication": "none", "code": "x"}, []),
        ("oauth2", {"external_authentication": UNKNOWN}, []),
        ("oauth2", {"provider_data": {"code": ""}}, ["code"]),
        ("oauth2", {"provider_data": {"Code": "x"}}, ["code"]),
        ("oauth2", {"provider_data": {"code": UNKNOWN}}, []),
        ("oauth2", {"provider_data": {"realmId": UNKNOWN}}, ["code"]),
        ("oauth2", {"provider_data": OAUTH1}, []),
        ("oauth2", INITIAL, [f"configuration.{TOKEN}"]),
        ("oauth2", INITIAL | {"configuration": {TOKEN: ""}}, [f"configuration.{TOKEN}"]),
        ("oauth2", INITIAL | {"configuration": {TOKEN: UNKNOWN}}, []),
        ("oauth2", INITIAL | {"configuration": {"oauth.user.token": "x"}}, []),
        ("oauth2", {"adopt": "5"}, []),
        ("oauth2", {"configuration": {TOKEN: "x"}}, ["external_authentication"]),
        ("oauth2", {"configuration": {TOKEN: "x"}, "code": "x"}, []),
        ("oauth2", {"configuration": {TOKEN: ""}}, ["code"]),
        ("oauth2", {"configuration": {"oauth.user.token": "x"}}, ["external_authentication"]),
        ("oauth2", {"configuration": {"authentication.type": "basic"}}, []),
        ("oauth2", {"configuration": {"authentication.type": UNKNOWN}}, []),
        ("oauth1", {}, ["provider_data"]),
        ("oauth1", {"provider_data": OAUTH1}, []),
        ("oauth1", {"provider_data": OAUTH1 | {"secret": UNKNOWN}}, []),
        ("oauth1", {"provider_data": OAUTH1 | {"oauth_verifier": ""}}, ["provider_data"]),
        ("oauth1", {"provider_data": {"token": "x"}}, ["provider_data"]),
        ("oauth1", INITIAL, [f"configuration.{TOKEN}"]),
        ("oauth1", INITIAL | {"configuration": {"oauth.user.token": "x"}}, []),
        ("oauth1", {"provider_data": {"code": "x"}}, []),
        ("oauth1", {"configuration": {"authentication.type": "oauth2"}}, ["code"]),
        ("basic", {}, []),
        ("custom", {"configuration": {"oauth.user.token": "x"}}, []),
    ],
)
def test_credentials_that_a_create_needs(kind, inputs, paths):
    assert missing(inputs, authentication=kind) == paths
    assert missing(inputs, authentication=kind, new=False) == []


# Secrets, defaults, unknown keys


def test_what_metadata_know_to_be_plain():
    shop = element(
        entry("plain"),
        entry("typed", type="PASSWORD"),
        entry("text", type="TEXTAREA"),
        entry("code", type="CODE_EDITOR"),
        entry("api.token"),
        entry("oauth.user.refresh_token"),
        {"key": "untyped"},
    )
    assert metadata.plain_keys(shop) == {"plain"}
    assert metadata.plain_keys(None) == frozenset()


def test_defaults():
    shop = element(entry("a", defaultValue=30), entry("b"))
    assert shop.default_of("a") == "30"
    assert shop.default_of("b") is None
    assert shop.default_of("c") is None


@pytest.mark.parametrize(
    ("own", "default", "kind"),
    [("oauth1", "oauth2", "oauth2"), ("oauth1", None, "oauth1"), ("Basic", None, "basic")],
)
def test_how_instances_authenticate_unless_they_say_otherwise(own, default, kind):
    assert element(entry("authentication.type", defaultValue=default), authentication=own).kind == (
        kind
    )
    assert element(authentication=own).kind == own.lower()


def test_an_element_that_only_flags_oauth_needs_consent_of_either_kind():
    shop = read(wire.Element, {"key": "shop", "typeOauth": True, "authentication": {}})
    assert shop.kind == "oauth"
    assert [text.split(": ")[0] for text in metadata.missing(shop, {}, new=True)] == ["code"]
    assert list(metadata.missing(shop, {"provider_data": OAUTH1}, new=True)) == []
    flagged = {"key": "shop", "typeOauth": True, "authentication": {"type": "custom"}}
    assert read(wire.Element, flagged).kind == "custom"


def test_unlisted_keys_are_warned_about_with_the_closest_listed_one():
    shop = element(entry("site.address"))
    given = {"site.address": 1, "site.adress": 2, "else": 3, "oauth.user.refresh_token": 4}
    assert list(metadata.unknown_keys(shop, given)) == [
        "element 'shop' lists no configuration key 'site.adress'; did you mean 'site.address'?",
        "element 'shop' lists no configuration key 'else'",
    ]
    assert list(metadata.unknown_keys(element(), given)) == []


def test_dots_that_led_into_maps_are_told_with_the_key_that_was_meant():
    """By `pulumi config set --path …configuration.oauth.api.key`."""
    shop = element(entry("oauth.api.key"), entry("oauth.scope"))
    (told,) = metadata.unknown_keys(shop, {"oauth": {"x": 1, "api": {"key": "k"}}})
    assert told == (
        "element 'shop' lists no configuration key 'oauth'; did you mean 'oauth.api.key'? In "
        'paths it stands in brackets: configuration["oauth.api.key"]'
    )


# Asking the platform


class Client:
    """Answers by a script."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def get_element(self, key, *, within):
        """Give the next answer."""
        assert within == 10
        self.asked.append(key)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def find_elements(self, *, within):
        """Give the next answer."""
        return self.get_element("*", within=within)


def test_each_element_is_asked_for_once():
    client = Client(element(), element())
    cache = Metadata(client, pytest.fail, enabled=True)
    assert cache.element("shop") is cache.element("shop")
    cache.element("other")
    assert client.asked == ["shop", "other"]


OUR_SECRETS = "Invalid Organization or User secret, or invalid Element token provided."


@pytest.mark.parametrize(
    "error", [NotFoundError(CALL, 404, "no"), AuthenticationError(CALL, 401, OUR_SECRETS)]
)
def test_a_refusal_is_remembered_too(error):
    client = Client(error)
    cache = Metadata(client, pytest.fail, enabled=True)
    for _ in range(2):
        with pytest.raises(type(error)):
            cache.element("shop")
    assert client.asked == ["shop"]


@pytest.mark.parametrize(
    "error",
    [
        APIError(CALL, 400, "broken"),
        AuthenticationError(CALL, 403, "Forbidden for your Organization."),
        AuthenticationError(CALL, 401, "Request failed."),
        StrangerError(CALL, 404, "a page"),
        AmbiguousError(CALL, "not what the platform documents", status=200),
    ],
)
def test_metadata_that_cannot_be_had_are_done_without_and_that_is_said_once(error):
    warnings = []
    client = Client(error, element())
    cache = Metadata(client, warnings.append, enabled=True)
    assert cache.element("shop") is None
    assert cache.element("shop") is None
    assert len(warnings) == 1
    assert warnings[0].startswith(
        "element 'shop' could not be looked up, so its inputs are not checked before they are sent"
    )
    assert cache.element("other") is not None


@pytest.mark.parametrize(
    "error",
    [
        APIError(CALL, 503, "broken"),
        APIError(CALL, 408, "too slow"),
        RateLimitError(CALL, 429, "slower"),
        AmbiguousError(CALL, "no answer in time"),
        NotSentError(CALL, "no connection to the platform"),
    ],
)
def test_a_platform_that_keeps_silent_is_asked_for_no_further_element(error):
    warnings = []
    client = Client(element(), error)
    cache = Metadata(client, warnings.append, enabled=True)
    assert cache.element("shop") is not None
    assert [cache.element(key) for key in ("one", "two", "three", "one")] == [None] * 4
    assert cache.element("shop") is not None
    assert cache.similar("one") == ""
    assert client.asked == ["shop", "one"]
    (warning,) = warnings
    assert warning.startswith(
        "element 'one' could not be looked up, so its inputs, and those of elements not looked up "
        "yet, are not checked before they are sent: "
    )


def test_switched_off_nothing_is_asked():
    assert Metadata(Client(), pytest.fail, enabled=False).element("shop") is None


def test_a_similar_key_is_looked_for_and_its_lack_is_no_error():
    for answer, hint in (([element()], "; did you mean 'shop'?"), (APIError(CALL, 500, "no"), "")):
        client = Client(answer)
        cache = Metadata(client, pytest.fail, enabled=True)
        assert [cache.similar("shopp") for _ in range(2)] == [hint] * 2
        assert client.asked == ["*"]
