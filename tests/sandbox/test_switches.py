"""Every position of every switch, and what it changes.

Each probe takes a laboratory whose switch is set, does what the switch is about, and returns what
a client (or the database) sees of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from sandbox import Sandbox
from sandbox.switches import TABLE, Switches
from tests.sandbox.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., dict[str, Any]]

MASK = "********"


@dataclass
class Laboratory:
    """What a probe works with."""

    sandbox: Sandbox
    api: httpx.Client
    body: Make
    create: Make
    moment: list[float]
    naps: list[float]

    def stored(self) -> dict[str, Any]:
        """Return the newest instance as it is stored."""
        return self.sandbox.instances()[-1]

    def kept(self, key: str) -> str | None:
        """Return one stored configuration value of the newest instance."""
        value: str | None = self.stored()["configuration"].get(key)
        return value

    def change(self, **fields: Any) -> httpx.Response:
        """PATCH the newest instance."""
        return self.api.patch(f"/instances/{self.stored()['id']}", json=fields)

    def configure(self, **configuration: Any) -> httpx.Response:
        """PATCH configuration of the newest instance."""
        return self.change(configuration=configuration)

    def put(self, query: str = "", **fields: Any) -> httpx.Response:
        """PUT the newest instance."""
        return self.api.put(f"/instances/{self.stored()['id']}{query}", json=fields)

    def read(self) -> dict[str, Any]:
        """GET the newest instance."""
        answer: dict[str, Any] = self.api.get(f"/instances/{self.stored()['id']}").json()
        return answer

    def re_authenticate(self, key: str = "hubspot") -> httpx.Response:
        """PUT a fresh code to the newest instance."""
        return self.put(providerData=self.sandbox.new_provider_data(key))

    def names(self, query: str = "") -> list[str]:
        """List instances; return their names in order."""
        answer = self.api.get(f"/instances{query}")
        return [one["name"] for one in answer.json()] if answer.status_code == 200 else []


@pytest.fixture
def laboratory(request: pytest.FixtureRequest) -> Laboratory:
    """A laboratory whose parts are the fixtures of the same names."""
    return Laboratory(
        **{part.name: request.getfixturevalue(part.name) for part in fields(Laboratory)}
    )


# Refusals


def missing_configuration(lab: Laboratory) -> object:
    whole = lab.body() | {"configuration": {}}
    return lab.api.post("/instances", json=whole).json()["message"].partition(": ")[2]


def missing_configuration_status(lab: Laboratory) -> object:
    return lab.api.post("/instances", json=lab.body() | {"configuration": {}}).status_code


def bad_code_status(lab: Laboratory) -> object:
    whole = lab.body("hubspot", providerData={"code": "made-up"})
    return lab.api.post("/instances", json=whole).status_code


def _sent_late(lab: Laboratory, seconds: float) -> int:
    whole = lab.body("hubspot")
    lab.moment[0] += seconds
    return lab.api.post("/instances", json=whole).status_code


def used_code_status(lab: Laboratory) -> object:
    whole = lab.body("hubspot")
    statuses = [lab.api.post("/instances", json=whole).status_code for _ in range(2)]
    assert (statuses[0], _sent_late(lab, 601), bad_code_status(lab)) == (200, 400, 400)
    return statuses[1]


def expired_code_status(lab: Laboratory) -> object:
    assert (_sent_late(lab, 599), bad_code_status(lab)) == (200, 400)
    return _sent_late(lab, 600)


def _refused(lab: Laboratory) -> httpx.Response:
    return lab.api.post("/instances", json=lab.body(configuration={"password": "wrong"}))


def bad_credentials_status(lab: Laboratory) -> object:
    return _refused(lab).status_code, len(lab.sandbox.instances())


def valid_when_refused(lab: Laboratory) -> object:
    lab.sandbox.set_switch("bad_credentials_status", 200)
    return _refused(lab).json()["valid"]


def provider_message(lab: Laboratory) -> object:
    body = _refused(lab).json()
    return "providerMessage" in body, "providerMessage" in body.get("error", {})


def failed_create_leaves(lab: Laboratory) -> object:
    assert _refused(lab).status_code == 401
    return [(one["valid"], one["disabled"]) for one in lab.sandbox.instances()]


def unknown_element_status(lab: Laboratory) -> object:
    return lab.api.get("/elements/nothing").status_code


def unknown_instance_status(lab: Laboratory) -> object:
    return [lab.api.request(m, "/instances/1", json={}).status_code for m in ("GET", "PUT")]


def non_integer_id_status(lab: Laboratory) -> object:
    return lab.api.get("/instances/one").status_code


def second_delete_status(lab: Laboratory) -> object:
    number = lab.create()["id"]
    lab.api.delete(f"/instances/{number}")
    assert lab.api.delete("/instances/1").status_code == 404
    return lab.api.delete(f"/instances/{number}").status_code


def delete_in_use_status(lab: Laboratory) -> object:
    number = lab.create()["id"]
    lab.sandbox.update_instance(number, in_use=True)
    return lab.api.delete(f"/instances/{number}").status_code


def delete_in_use_message(lab: Laboratory) -> object:
    number = lab.create()["id"]
    lab.sandbox.update_instance(number, in_use=True)
    return lab.api.delete(f"/instances/{number}").json()["message"]


def delete_with_element(lab: Laboratory) -> object:
    made = lab.create()
    header = f"{lab.api.headers['authorization']}, Element {made['token']}"
    answer = lab.api.delete(f"/instances/{made['id']}", headers={"Authorization": header})
    return answer.status_code, len(lab.sandbox.instances())


def empty_list_status(lab: Laboratory) -> object:
    return lab.api.get("/instances").status_code


def ping_failure(lab: Laboratory) -> object:
    made = lab.create()
    both = f"User {lab.sandbox.user_secret}, Organization {lab.sandbox.organization_secret}"
    headers = {"Authorization": f"{both}, Element {made['token']}"}
    assert lab.api.get("/ping", headers=headers).json()["valid"] is True
    lab.sandbox.update_instance(made["id"], disabled=True)
    answer = lab.api.get("/ping", headers=headers)
    return answer.status_code, answer.json().get("valid")


def content_type(lab: Laboratory) -> object:
    def status(kind: str) -> int:
        content, headers = json.dumps(lab.body()), {"Content-Type": kind} if kind else {}
        return lab.api.post("/instances", content=content, headers=headers).status_code

    assert status("Application/JSON; charset=UTF-8") == status("application/x+json") == 200
    assert lab.api.put(f"/instances/{lab.stored()['id']}/enabled").status_code == 200
    return status("text/plain"), status("")


def quiet_answer(lab: Laboratory) -> object:
    one = f"/instances/{lab.create()['id']}"
    return lab.api.put(f"{one}/enabled").content, lab.api.delete(one).content


def rate_limit(lab: Laboratory) -> object:
    return [lab.api.get("/organizations/me").status_code for _ in range(3)]


def rate_limit_retry_after(lab: Laboratory) -> object:
    lab.sandbox.set_switch("rate_limit", 1)
    answers = [lab.api.get("/organizations/me") for _ in range(2)]
    assert answers[1].status_code == 429
    lab.moment[0] += 1
    assert lab.api.get("/organizations/me").status_code == 200
    return answers[1].headers.get("retry-after")


# Changes


def masked_value(lab: Laboratory) -> object:
    lab.create()
    lab.configure(password=MASK, subdomain=MASK)
    patched = lab.kept("password"), lab.kept("subdomain")
    lab.put(configuration={"password": MASK, "subdomain": MASK})
    assert (lab.kept("password"), lab.kept("subdomain")) == patched
    return patched


def _nulls_after(lab: Laboratory, value: object) -> object:
    lab.create(configuration={"filter.response.nulls": "false"})
    lab.change(configuration={"filter.response.nulls": value})
    return lab.kept("filter.response.nulls")


def null_value(lab: Laboratory) -> object:
    return _nulls_after(lab, None)


def empty_value(lab: Laboratory) -> object:
    return _nulls_after(lab, "")


def put_configuration(lab: Laboratory) -> object:
    lab.create("hubspot", configuration={"filter.response.nulls": "false"})
    token = lab.kept("oauth.user.token")
    lab.put(configuration={"oauth.scope": "x"})
    assert (lab.kept("oauth.scope"), lab.kept("oauth.user.token")) == ("x", token)
    return lab.kept("filter.response.nulls")


def credential_change(lab: Laboratory) -> object:
    lab.create()
    return lab.configure(password="wrong").status_code, lab.kept("password")


def reauthenticate_default(lab: Laboratory) -> object:
    lab.create("hubspot")
    return lab.put(name="n").status_code


def reauthenticate_without_oauth(lab: Laboratory) -> object:
    lab.sandbox.update_instance(lab.create()["id"], configuration={"password": "wrong"})
    return lab.put("?reAuthenticate=true", name="n").status_code


def patch_reauthenticates(lab: Laboratory) -> object:
    lab.create("hubspot")
    data = {"code": lab.sandbox.new_code("hubspot")}
    answer = lab.change(name="renamed", providerData=data)
    by_patch = lab.sandbox.counters()["codes_spent"] - 1
    if not by_patch:
        assert lab.put(providerData=data).status_code == 200
    assert (lab.sandbox.counters()["codes_spent"], lab.sandbox.counters()["codes_resent"]) == (2, 0)
    return answer.status_code, lab.stored()["name"], by_patch


def user_tokens_on_reauthentication(lab: Laboratory) -> object:
    lab.create("hubspot")
    keys = ("oauth.user.token", "oauth.user.refresh_token", "oauth.user.refresh_time")
    before = [lab.kept(key) for key in keys]
    lab.re_authenticate()
    return [lab.kept(key) == value for key, value in zip(keys, before, strict=True)]


def refresh_token_change(lab: Laboratory) -> object:
    lab.sandbox.update_instance(lab.create("hubspot")["id"], valid=False)
    before = lab.kept("oauth.user.token")
    assert lab.configure(**{"oauth.user.refresh_token": "wrong"}).status_code in (200, 401)
    assert lab.stored()["valid"] is False
    assert lab.configure(**{"oauth.user.refresh_token": "new"}).status_code == 200
    assert lab.kept("oauth.user.refresh_token") == "new"
    return lab.stored()["valid"], lab.kept("oauth.user.token") != before


def token_on_reauthentication(lab: Laboratory) -> object:
    made = lab.create("hubspot")
    answer = lab.re_authenticate().json()
    assert answer["token"] == lab.stored()["token"]
    return answer["token"] == made["token"]


def _re_authenticated_disabled(lab: Laboratory) -> tuple[int, bool]:
    lab.sandbox.update_instance(lab.create("hubspot")["id"], disabled=True)
    return lab.re_authenticate().status_code, lab.stored()["disabled"]


def reauthenticate_disabled(lab: Laboratory) -> object:
    return _re_authenticated_disabled(lab)[0]


def reauthentication_enables(lab: Laboratory) -> object:
    return _re_authenticated_disabled(lab)[1]


def reauthenticate_other_user(lab: Laboratory) -> object:
    lab.create("quickbooks", providerData=lab.sandbox.new_provider_data("quickbooks", realmId="1"))
    same = lab.sandbox.new_provider_data("quickbooks", realmId="1")
    assert lab.put(providerData=same).status_code == 200
    other = lab.sandbox.new_provider_data("quickbooks", realmId="2")
    return lab.put(providerData=other).status_code


def failed_reauthentication(lab: Laboratory) -> object:
    lab.create("hubspot")
    assert lab.put(providerData={"code": "made-up"}).status_code == 400
    return lab.stored()["valid"]


# What answers show


def configuration_place(lab: Laboratory) -> object:
    made = lab.create()
    assert ("valid" in made["element"]) == ("configuration" in made["element"])
    lab.sandbox.set_switch("configuration_place", "top")
    assert "configuration" not in lab.read()["element"]
    return (
        made.get("configuration", {}).get("subdomain"),
        made["element"].get("configuration", {}).get("subdomain"),
    )


def masking(lab: Laboratory) -> object:
    return lab.create()["configuration"]["password"]


def mask_user_tokens(lab: Laboratory) -> object:
    shown = lab.create("hubspot")["configuration"]
    tokens = shown["oauth.user.token"], shown["oauth.user.refresh_token"]
    return tokens == (MASK, MASK)


def mask_named_secrets(lab: Laboratory) -> object:
    return lab.create("sendgrid")["configuration"]["api.token"]


def mask_entries(lab: Laboratory) -> object:
    entries = lab.api.get(f"/instances/{lab.create()['id']}/configuration").json()
    return next(e["propertyValue"] for e in entries if e["key"] == "password")


def provider_data_echo(lab: Laboratory) -> object:
    made = lab.create("hubspot")
    assert "providerData" not in lab.read()
    return "providerData" in made


def external_authentication(lab: Laboratory) -> object:
    configuration = {"oauth.user.refresh_token": "r"}
    lab.create("hubspot", configuration=configuration, externalAuthentication="initial")
    return lab.read()["externalAuthentication"]


def valid_on_get(lab: Laboratory) -> object:
    return lab.create()["valid"], lab.read()["valid"]


def deleted_instances(lab: Laboratory) -> object:
    path = f"/instances/{lab.create()['id']}"
    lab.api.delete(path)
    return lab.api.get(path, params={"includeDeleted": True}).status_code


def unknown_configuration(lab: Laboratory) -> object:
    answer = lab.api.post("/instances", json=lab.body(configuration={"odd": "1"}))
    return answer.status_code, answer.json().get("configuration", {}).get("odd")


def trim_values(lab: Laboratory) -> object:
    lab.create(configuration={"subdomain": " http://x/ ", "username": " y/ "})
    return lab.kept("subdomain"), lab.kept("username")


def webhook_spelling(lab: Laboratory) -> object:
    given = {"event.vendor.type": "webhooks"}
    whole = lab.body("onedrivebusiness", configuration=given)
    return lab.api.post("/instances", json=whole).status_code, [
        one["configuration"]["event.vendor.type"] for one in lab.sandbox.instances()
    ]


# Lists


def _three(lab: Laboratory) -> None:
    for name in ("b", "c", "a"):
        lab.create(name=name, tags=["t", name])


def list_page_size(lab: Laboratory) -> object:
    _three(lab)
    return len(lab.names())


def list_page_max(lab: Laboratory) -> object:
    _three(lab)
    answer = lab.api.get("/instances?pageSize=3")
    return len(answer.json()), "elements-error" in answer.headers


def list_order(lab: Laboratory) -> object:
    _three(lab)
    return "".join(lab.names())


def list_delay_requests(lab: Laboratory) -> object:
    lab.create()
    return [len(lab.names()) for _ in range(3)]


def list_delay_seconds(lab: Laboratory) -> object:
    lab.create()
    before = len(lab.names())
    lab.moment[0] += 5
    return before, len(lab.names())


def tags_filter(lab: Laboratory) -> object:
    _three(lab)
    return lab.names("?tags[]=t&tags[]=a"), lab.names("?tags[]=a&tags[]=b")


def tags_filter_case(lab: Laboratory) -> object:
    lab.create(tags=["Tag"])
    return len(lab.names("?tags[]=tAG"))


def hydrate_default(lab: Laboratory) -> object:
    lab.create()
    return "configuration" in lab.api.get("/instances").json()[0]


def light_tags(lab: Laboratory) -> object:
    lab.create()
    return "tags" in lab.api.get("/instances?hydrate=false").json()[0]


# Names and tags


def empty_tags_at_create(lab: Laboratory) -> object:
    return lab.create(tags=[])["tags"]


def default_tag_always(lab: Laboratory) -> object:
    return lab.create(tags=["x"])["tags"]


def rename_changes_tag(lab: Laboratory) -> object:
    lab.create()
    return lab.change(name="two").json()["tags"]


def duplicate_tags(lab: Laboratory) -> object:
    answer = lab.api.post("/instances", json=lab.body(tags=["x", "y", "x"]))
    return answer.json().get("tags", answer.status_code)


def tag_order(lab: Laboratory) -> object:
    return lab.create(tags=["b", "a"])["tags"]


def tag_case(lab: Laboratory) -> object:
    return lab.create(tags=["Tag"])["tags"]


def tag_objects(lab: Laboratory) -> object:
    tag = lab.create(tags=["x"])["tags"][0]
    assert lab.read()["tags"] == ["x"]
    return tag if isinstance(tag, str) else sorted(tag)


def name_limit(lab: Laboratory) -> object:
    return lab.api.post("/instances", json=lab.body(name="four", tags=[])).status_code


def tag_limit(lab: Laboratory) -> object:
    return lab.api.post("/instances", json=lab.body(tags=["four"])).status_code


def allowed_characters(lab: Laboratory) -> object:
    names = ("plain", "größe", "party 🎉")
    created = [lab.api.post("/instances", json=lab.body(name=name)).status_code for name in names]
    lab.create()
    assert [lab.change(tags=[name]).status_code for name in names] == created
    lab.sandbox.set_switch("over_limit", "cut")
    assert lab.create(name="größe 🎉")["name"] in ("größe 🎉", "größe ", "gre ")
    return created


def over_limit(lab: Laboratory) -> object:
    lab.sandbox.set_switch("name_limit", 3)
    lab.sandbox.set_switch("tag_limit", 2)
    answer = lab.api.post("/instances", json=lab.body(name="four", tags=["four"]))
    return answer.status_code, answer.json().get("name"), answer.json().get("tags")


# Platform


def elements_authorization(lab: Laboratory) -> object:
    with httpx.Client(base_url=lab.sandbox.base_url, verify=False) as stranger:
        assert stranger.get("/instances").status_code == 401
        return stranger.get("/elements/hubspot").status_code


ASKED = {"apiKey": "k", "apiSecret": "s", "callbackUrl": "https://app.example/callback"}


def webhook_signature(lab: Laboratory) -> object:
    with Receiver() as receiver:
        configuration = {
            "event.notification.enabled": True,
            "event.notification.callback.url": receiver.url,
            "event.notification.signature.key": "key",
        }
        headers = {"Element-Instances": str(lab.create(configuration=configuration)["id"])}
        lab.api.post("/events/freshservice", json={}, headers=headers)
        signature = receiver.received[0].headers["elements-webhook-signature"]
    return signature.partition("=")[0]


def token_refresh(lab: Laboratory) -> object:
    def called() -> list[int]:
        header = f"User {lab.sandbox.user_secret}, Element {lab.stored()['token']}"
        headers = {"Authorization": header}
        return [lab.api.get("/accounts", headers=headers).status_code for _ in range(6)]

    lab.create()
    assert called() == [200] * 6
    made = lab.create("hubspot")
    first, disabled = called(), lab.stored()["disabled"]
    lab.api.put(f"/instances/{made['id']}/enabled")
    lab.re_authenticate()
    assert called() == first
    return first[0], first[-1], disabled


def post_oauth_url(lab: Laboratory) -> object:
    return lab.api.post("/elements/hubspot/oauth/url", json=ASKED).status_code


def post_oauth_url_fields(lab: Laboratory) -> object:
    asked = ASKED | {"subdomain": "acme", "siteAddress": "here"}
    answer = lab.api.post("/elements/hubspot/oauth/url", json=asked)
    return answer.status_code, "subdomain=acme" in answer.text, "siteAddress=here" in answer.text


def post_oauth_url_query(lab: Laboratory) -> object:
    query = {"subdomain": "acme", "scope": "query"}
    answer = lab.api.post("/elements/hubspot/oauth/url", params=query, json=ASKED | {"scope": "x"})
    assert "scope=x" in answer.text
    return "subdomain=acme" in answer.text


def latency(lab: Laboratory) -> object:
    lab.api.get("/elements/keys")
    return lab.naps


def create_seconds(lab: Laboratory) -> object:
    lab.create()
    lab.read()
    return lab.naps


def _consent(lab: Laboratory) -> httpx.Response:
    asked = lab.api.get("/elements/hubspot/oauth/url", params=ASKED)
    return httpx.get(asked.json()["oauthUrl"], verify=False, trust_env=False)


def consent(lab: Laboratory) -> object:
    answer = _consent(lab)
    query = httpx.URL(answer.headers.get("location", "")).params
    return answer.status_code, "code" in query, query.get("error")


def code_seconds(lab: Laboratory) -> object:
    whole = lab.body("hubspot")
    lab.moment[0] += 5
    return lab.api.post("/instances", json=whole).status_code


def code_binding(lab: Laboratory) -> object:
    def status(**configuration: str) -> int:
        lab.sandbox.set_switch("consent", "allow")
        code = httpx.URL(_consent(lab).headers["location"]).params["code"]
        asked_for = {"oauth.api.key": "k", "oauth.callback.url": ASKED["callbackUrl"]}
        whole = lab.body(
            "hubspot", providerData={"code": code}, configuration=asked_for | configuration
        )
        return lab.api.post("/instances", json=whole).status_code

    assert status() == 200
    return status(**{"oauth.api.key": "other"}), status(**{"oauth.callback.url": "http://other"})


CASES: list[tuple[Any, dict[str, object]]] = [
    (
        missing_configuration,
        {
            "keys": "subdomain, username, password",
            "names": "Subdomain, User name, Password",
            "first": "subdomain",
        },
    ),
    (missing_configuration_status, {"400": 400, "500": 500}),
    (bad_code_status, {"400": 400, "401": 401, "500": 500, "200": 200}),
    (used_code_status, {"as_bad": 400, "400": 400, "401": 401, "500": 500}),
    (expired_code_status, {"as_bad": 400, "400": 400, "401": 401, "500": 500}),
    (
        bad_credentials_status,
        {"401": (401, 0), "400": (400, 0), "500": (500, 0), "200": (200, 1)},
    ),
    (valid_when_refused, {"false": False, "true": True}),
    (provider_message, {"on": (True, False), "nested": (False, True), "off": (False, False)}),
    (failed_create_leaves, {"none": [], "invalid": [(False, False)], "disabled": [(True, True)]}),
    (unknown_element_status, {"404": 404, "400": 400}),
    (unknown_instance_status, {str(n): [n, n] for n in (404, 400, 401, 403)}),
    (non_integer_id_status, {"404": 404, "400": 400, "500": 500}),
    (second_delete_status, {str(n): n for n in (404, 200, 400, 401, 403, 409, 410)}),
    (delete_in_use_status, {"409": 409, "400": 400}),
    (
        delete_in_use_message,
        {"cause": "The instance is in use by a formula instance", "plain": "Conflict"},
    ),
    (delete_with_element, {"misroute": (400, 1), "delete": (200, 0)}),
    (empty_list_status, {"404": 404, "200": 200}),
    (ping_failure, {"status": (403, None), "valid": (200, False)}),
    (content_type, {"any": (200, 200), "json": (415, 415)}),
    (quiet_answer, {"none": (b"", b""), "object": (b"{}", b"{}")}),
    (rate_limit, {"0": [200, 200, 200], "2": [200, 200, 429]}),
    (
        rate_limit_retry_after,
        {"seconds": "1", "date": "Fri, 14 Jul 2017 02:40:01 GMT", "none": None},
    ),
    (
        masked_value,
        {"keep": ("hidden", "acme"), "keep_secrets": ("hidden", MASK), "store": (MASK, MASK)},
    ),
    (null_value, {"store": None, "reset": "true", "ignore": "false"}),
    (empty_value, {"store": "", "reset": "true", "ignore": "false"}),
    (put_configuration, {"merge": "false", "reset": "true"}),
    (credential_change, {"trust": (200, "wrong"), "check": (401, "hidden")}),
    (reauthenticate_default, {"off": 200, "on": 400}),
    (reauthenticate_without_oauth, {"ignored": 200, "check": 401}),
    (
        patch_reauthenticates,
        {"on": (200, "renamed", 1), "off": (200, "renamed", 0), "nothing": (200, "one", 0)}
        | {str(n): (n, "one", 0) for n in (400, 404, 405, 415, 501)},
    ),
    (refresh_token_change, {"exchanged": (True, True), "stored": (False, False)}),
    (token_on_reauthentication, {"keep": True, "rotate": False}),
    (
        user_tokens_on_reauthentication,
        {"new": [False, False, False], "same": [True, True, False]},
    ),
    (reauthenticate_disabled, {"allowed": 200, "refused": 400}),
    (reauthentication_enables, {"off": True, "on": False}),
    (reauthenticate_other_user, {"allowed": 200, "refused": 400}),
    (failed_reauthentication, {"keep": True, "invalid": False}),
    (
        configuration_place,
        {"top": ("acme", None), "element": (None, "acme"), "empty": (None, None)},
    ),
    (masking, {"masked": MASK, "clear": "hidden"}),
    (mask_user_tokens, {"off": False, "on": True}),
    (mask_named_secrets, {"off": "mail-token", "on": MASK}),
    (mask_entries, {"on": MASK, "off": "hidden"}),
    (provider_data_echo, {"off": False, "on": True}),
    (external_authentication, {"kept": "initial", "none": "none"}),
    (valid_on_get, {"stored": (True, True), "false": (True, False)}),
    (deleted_instances, {"shown": 200, "gone": 404}),
    (unknown_configuration, {"keep": (200, "1"), "drop": (200, None), "refuse": (400, None)}),
    (
        trim_values,
        {"off": (" http://x/ ", " y/ "), "spaces": ("http://x/", "y/"), "urls": ("http://x", "y/")},
    ),
    (
        webhook_spelling,
        {"kept": (200, ["webhooks"]), "own": (200, ["webhook"]), "refuse": (400, [])},
    ),
    (list_page_size, {"200": 3, "2": 2}),
    (list_page_max, {"200": (3, False), "2": (2, True)}),
    (list_order, {"created": "bca", "newest": "acb", "name": "abc"}),
    (list_delay_requests, {"0": [1, 1, 1], "2": [0, 0, 1]}),
    (list_delay_seconds, {"0": (1, 1), "5": (0, 1)}),
    (tags_filter, {"and": (["a"], []), "or": (["b", "c", "a"], ["b", "a"])}),
    (tags_filter_case, {"exact": 0, "ignore": 1}),
    (hydrate_default, {"on": True, "off": False}),
    (light_tags, {"on": True, "off": False}),
    (empty_tags_at_create, {"none": [], "default": ["one"]}),
    (default_tag_always, {"off": ["x"], "on": ["x", "one"]}),
    (rename_changes_tag, {"off": ["one"], "on": ["two"]}),
    (duplicate_tags, {"keep": ["x", "y", "x"], "merge": ["x", "y"], "refuse": 400}),
    (tag_order, {"kept": ["b", "a"], "sorted": ["a", "b"]}),
    (tag_case, {"kept": ["Tag"], "lower": ["tag"]}),
    (tag_objects, {"off": "x", "on": ["id", "name"]}),
    (name_limit, {"0": 200, "4": 200, "3": 400}),
    (tag_limit, {"0": 200, "4": 200, "3": 400}),
    (
        allowed_characters,
        {"all": [200, 200, 200], "bmp": [200, 200, 400], "ascii": [200, 400, 400]},
    ),
    (over_limit, {"refuse": (400, None, None), "cut": (200, "fou", ["fo"])}),
    (elements_authorization, {"required": 401, "open": 200}),
    (webhook_signature, {"sha256": "sha256", "sha1": "sha1"}),
    (token_refresh, {"works": (200, 200, False), "fails": (401, 403, True)}),
    (post_oauth_url, {"offered": 200, "missing": 405}),
    (
        post_oauth_url_fields,
        {
            "ignored": (200, False, True),
            "refused": (400, False, False),
            "accepted": (200, True, True),
        },
    ),
    (post_oauth_url_query, {"counts": True, "ignored": False}),
    (latency, {"0": [], "1.5": [1.5]}),
    (create_seconds, {"0": [], "26": [26]}),
    (
        consent,
        {
            "page": (200, False, None),
            "allow": (303, True, None),
            "deny": (303, False, "access_denied"),
        },
    ),
    (code_seconds, {"600": 200, "5": 400}),
    (code_binding, {"application": (400, 400), "none": (200, 200)}),
]


@pytest.mark.parametrize(
    ("probe", "position", "expected"),
    [
        pytest.param(probe, position, expected, id=f"{probe.__name__}={position}")
        for probe, effects in CASES
        for position, expected in effects.items()
    ],
)
def test_every_position_has_its_effect(
    laboratory: Laboratory, probe: Callable[[Laboratory], object], position: str, expected: object
) -> None:
    """A switch changes what its sentence says, and nothing when it stands at its default."""
    laboratory.sandbox.set_switch(probe.__name__, position)
    assert probe(laboratory) == expected


class Client(Laboratory):
    """A laboratory that can't look into the database for what an instance holds."""

    def kept(self, key: str) -> str | None:
        """Return one configuration value of the newest instance, as GET tells it."""
        answer = self.read()
        held = answer.get("configuration") or answer["element"].get("configuration") or {}
        value: str | None = held.get(key)
        return value


@pytest.mark.parametrize(
    ("probe", "effects"), CASES, ids=lambda case: getattr(case, "__name__", "")
)
def test_a_client_sees_where_a_switch_stands(
    request: pytest.FixtureRequest,
    probe: Callable[[Laboratory], object],
    effects: dict[str, object],
) -> None:
    """A switch that changes nothing outside would answer no question about the platform."""
    lab = Client(**{part.name: request.getfixturevalue(part.name) for part in fields(Laboratory)})
    seen = set()
    for position in effects:
        lab.sandbox.reset()
        lab.moment[0] = 1_500_000_000.0
        lab.sandbox.set_switch(probe.__name__, position)
        seen.add(repr(probe(lab)))
    assert len(seen) > 1


def test_no_switch_and_no_position_is_left_untested() -> None:
    """The cases above hold every switch with all its values; numbers with at least two."""
    tested = {probe.__name__: effects for probe, effects in CASES}
    assert list(tested) == list(TABLE)
    for name, effects in tested.items():
        values = TABLE[name].values
        assert TABLE[name].default in effects
        assert set(values) <= set(effects)
        assert len({repr(effect) for effect in effects.values()}) > 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("no_such_switch", "on"),
        ("masking", "hidden"),
        ("masking", True),
        ("latency", "soon"),
        ("latency", -1),
        ("latency", "inf"),
        ("latency", "nan"),
    ],
)
def test_bad_positions_are_refused(sandbox: Sandbox, name: str, value: object) -> None:
    """By name, with what is allowed; at the start as well."""
    with pytest.raises(ValueError, match=name):
        sandbox.set_switch(name, value)
    with pytest.raises(ValueError, match=name):
        Sandbox(switches={name: value})


def test_true_and_false_mean_on_and_off() -> None:
    """For switches that have these two positions."""
    switches = Switches({"light_tags": False, "mask_entries": True})
    assert (switches.on("light_tags"), switches.on("mask_entries")) == (False, True)
