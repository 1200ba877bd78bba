"""Documented requests, through the real provider and the real sandbox."""

import math
import re

from google.protobuf import json_format, struct_pb2
from pulumi.runtime import rpc

from provider.api import wire
from provider.api.errors import CloudElementsError
from provider.api.redaction import HIDDEN, MASK, is_platform_written
from provider.instance.markers import is_marker, markers

_PLACEHOLDER = re.compile(r"<([^<>]*)>")
_MISSING = "Missing required configuration: "
_NO_CODE = "You must provide an OAuth code"
_CREDENTIALS = (
    "code: ",
    "provider_data: ",
    "external_authentication: ",
    "configuration.oauth.user.",
)
"""How the provider's words about a lacking credential begin."""
_TYPE = "authentication.type"
_ONE_TIME = ("code", "oauth_token", "oauth_verifier", "secret")
_FIELDS = {
    "element",
    "name",
    "tags",
    "configuration",
    "providerData",
    "externalAuthentication",
    "oauthProxy",
}
"""Fields of a request that are inputs of the provider."""


class Request:
    """One documented create, as a program would ask for it."""

    def __init__(self, place, body):
        self.place = place
        self.body = body
        self.element = body.get("element")
        self.configuration = body.get("configuration")
        self.ignored = sorted(body.keys() - _FIELDS)
        inside = self.element.get("configuration") if isinstance(self.element, dict) else None
        self.misplaced = isinstance(inside, dict) and bool(inside)
        self.twice = self.misplaced and self.configuration not in (None, {}, inside)
        if self.misplaced:
            self.configuration = inside

    def malformed(self):
        """Return why no program could ask for this, or None."""
        return next(self._reasons(), None)

    def _reasons(self):
        yield from self._reasons_of_element()
        yield from self._reasons_of_texts()
        if self.body.get("externalAuthentication") not in (None, "initial", "none"):
            yield "asks for an external authentication other than 'initial'"
        for name, given in (
            ("configuration", self.configuration),
            ("providerData", self.body.get("providerData")),
            ("oauthProxy", self.body.get("oauthProxy")),
        ):
            if not isinstance(given, dict | None):
                yield f"has a {name} that is no object"
        if self.twice:
            yield "has two configurations, one of them inside its element"
        code = (self.body.get("providerData") or {}).get("code")
        if not isinstance(code, str | None):
            yield "has a code that is no text"
        if code is not None and (code != code.strip() or not code):
            yield "has a code that is empty or has spaces around it"
        yield from _unsendable(self.body)

    def _reasons_of_element(self):
        if self.element is None:
            yield "names no element"
        if not isinstance(self.element, dict):
            yield f"has {self.element!r} in place of an element with a key"
        key = self.element.get("key")
        if isinstance(key, int) or (key is None and self.element.get("id")):
            yield "names its element by number, not by key"
        if not isinstance(key, str) or not key:
            yield "names no element"
        if re.search(r"[\s/]", key) or key.isdigit() or key in (".", "..", "keys", "metadata"):
            yield f"names the element {key!r}, which is no key"

    def _reasons_of_texts(self):
        if (name := self.body.get("name")) is None:
            inside = isinstance(self.configuration, dict) and "name" in self.configuration
            yield "has no name" + (", for that slipped into its configuration" if inside else "")
        if not isinstance(name, str):
            yield "has a name that is no text"
        if not isinstance(self.body.get("tags"), list | None):
            yield "has tags that are no list"
        for text in self.texts():
            if not isinstance(text, str):
                yield f"has {text!r} in place of a tag's text"
            if not _fill(text).strip():
                yield "has an empty name or tag"
            if re.search(r"[\x00-\x1f\x7f]", text):
                yield "has a control character in its name or tags"

    def texts(self):
        """Return name and tags."""
        return [self.body["name"], *(self.body.get("tags") or [])]

    @property
    def filled(self):
        """Whether name or tags have placeholders."""
        return any(_fill(text) != text for text in self.texts())

    def sent(self, provider_data):
        """Return the request's body, with placeholders as a reader would fill them."""
        fields = {
            "element": {"key": self.element["key"]},
            "name": _fill(self.body["name"]),
            "tags": [_fill(tag) for tag in self.body.get("tags") or []],
            "configuration": self.configuration,
            "providerData": provider_data,
            "externalAuthentication": self.body.get("externalAuthentication"),
            "oauthProxy": self.body.get("oauthProxy"),
        }
        return {key: value for key, value in fields.items() if value not in (None, {}, [])}

    def inputs(self, provider_data):
        """Return what a program gives."""
        body = self.sent(provider_data)
        data = dict(provider_data)
        proxy = body.get("oauthProxy", {})
        bag = {
            "element_key": body["element"]["key"],
            "name": body["name"],
            "tags": body.get("tags"),
            "configuration": body.get("configuration"),
            "code": data.pop("code", None),
            "provider_data": data,
            "external_authentication": body.get("externalAuthentication"),
            "oauth_proxy": proxy.get("oauthProxyName") if proxy.get("isOauthProxy") else None,
            "__markers": markers(
                organization="organization", project="corpus", stack="test", place=self.place
            ).tags,
        }
        return {key: value for key, value in bag.items() if value not in (None, {}, [])}

    def credentials(self, sandbox, known, use):
        """Return provider data as consent would have given it; a documented code was never issued.

        Every `use` gets its own. The kind of consent is the one that the request chooses.
        """
        documented = self.body.get("providerData") or {}
        once = {k: v for k, v in documented.items() if k in _ONE_TIME and v not in (None, "")}
        issued = {}
        if once and self.element["key"] in known:
            chosen = (self.configuration or {}).get(_TYPE)
            kind = {_TYPE: chosen} if isinstance(chosen, str) else {}
            issued = sandbox.new_provider_data(self.element["key"], **kind)
        return documented | {
            key: issued.get(key, f"{value} of {self.place}, {use}") for key, value in once.items()
        }


def _fill(text):
    while (filled := _PLACEHOLDER.sub(r"\1", text)) != text:
        text = filled
    return text


def _unsendable(value):
    """Yield why a value can't be sent: the documents hold masks, and JSON readers take NaN."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _unsendable(item)
        if isinstance(value, dict):
            yield from _unsendable(list(value))
            if not all(key.strip() for key in value):
                yield "has an empty key"
    elif value == MASK:
        yield f"holds the mask {MASK} in place of a value"
    elif isinstance(value, str) and re.search(r"[\ud800-\udfff]", value):
        yield "holds half a character"
    elif isinstance(value, float) and not math.isfinite(value):
        yield "holds a number that is not finite"
    elif isinstance(value, int | float) and abs(value) >= 2**53:
        yield "holds a number that loses digits"


def _handed_over(bag):
    """Return a bag as a provider gets it: numbers are floats, and nulls in maps are gone."""
    message = json_format.ParseDict(bag, struct_pb2.Struct())
    return rpc.deserialize_properties(message)


def _plain(value):
    """Return a bag without the marks of secrets, as the engine hands it on."""
    if isinstance(value, dict):
        if value.get(rpc._special_sig_key) == rpc._special_secret_sig:
            return _plain(value["value"])
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def test_every_documented_request(account, sandbox, provider, client, refusal):
    """Check, create, read, diff: name, tags and configuration come back as they were documented."""
    known = {element.key for element in client.find_elements()}
    filled = emptied = 0
    for place, document in account.lines("create_requests.jsonl"):
        with account.judging(place) as verdict:
            body = document.get("request_body")
            if not isinstance(body, dict):
                verdict.leave_out("has no request body")
                continue
            request = Request(place, body)
            if (why := request.malformed()) is not None:
                verdict.leave_out(why)
                continue
            given = request.inputs(request.credentials(sandbox, known, "as a program"))
            try:
                bag = _handed_over(given)
            except json_format.ParseError:
                verdict.leave_out("is nested too deeply for the engine")
                continue
            filled += request.filled
            emptied += bag != given
            account.notes += [f"{place}: is sent {how}" for how in _changes(request)]
            checked = provider.check({}, bag)
            inputs = _plain(checked.inputs)
            told, created = [failure.reason for failure in checked.failures], None
            if not told:
                try:
                    created = provider.create(inputs)
                except CloudElementsError as error:
                    told = [str(error)]
            if created is not None:
                verdict.wrong += _differences(provider, sandbox, created, inputs)
                sandbox.delete_instance(int(created.id))  # or every list would grow
                continue
            refused = refusal(request.sent(request.credentials(sandbox, known, "by itself")))
            words = f"{'; '.join(told)} ({_said(refused)})"
            if refused is not None and _is_about_the_same(told, *refused):
                verdict.leave_out(f"is refused, by the platform as well: {words}")
            else:
                verdict.wrong.append(f"is refused, for another reason than the platform's: {words}")
    account.notes.append(
        f"{filled} requests have <placeholders> in name or tags, which look like markup: "
        "filled with the text between the brackets, as a reader would"
    )
    account.notes.append(f"{emptied} requests have null values, which Pulumi hands to no provider")
    assert account.failures == []
    assert sandbox.counters()["doubles"] == 0
    assert sandbox.counters()["codes_replayed"] == 0


def _changes(request):
    if request.ignored:
        yield f"without {', '.join(request.ignored)}, for that is no input"
    if request.misplaced:
        yield "with the configuration that stands inside its element"


def _said(refused):
    if refused is None:
        return "the platform takes it"
    status, body = refused
    return f"the platform: {status} {_words(body)}"


def _words(body):
    """Return what the platform says, and behind it the vendor, as the provider puts it."""
    message, vendor = body["message"].rstrip(". "), body.get("providerMessage")
    return f"{message} ({vendor})" if vendor else message


def _is_about_the_same(told, status, body):
    """Tell whether the provider refuses for what the platform's own answer is about."""
    message = body["message"]
    if message.startswith(_NO_CODE) and any(one.startswith(_CREDENTIALS) for one in told):
        return True
    keys = [m[1] for one in told if (m := re.match(r"configuration\.(.+?): is required by", one))]
    if message.startswith(_MISSING) and keys:
        # Keys may hold the separator themselves.
        named = message.removeprefix(_MISSING).split(", ")
        return sorted(", ".join(keys).split(", ")) == sorted(named)
    said = re.fullmatch(r".*?': (.+) \(POST /instances → (\d+),.*", "; ".join(told), re.DOTALL)
    if said is None or said[2] != str(status):
        return False
    # What the provider keeps secret may be a part of the words.
    pattern = ".*".join(map(re.escape, said[1].split(HIDDEN)))
    return re.fullmatch(pattern, _words(body), re.DOTALL) is not None


def _differences(provider, sandbox, created, inputs):
    """Yield what is not as documented: in the platform, in the outputs, in what a refresh reads."""
    outputs = _plain(created.outs)
    stored = next(one for one in sandbox.instances() if str(one["id"]) == created.id)
    configuration = inputs.get("configuration", {})
    read = provider.read(created.id, outputs)
    back = _plain(read.inputs if hasattr(read, "inputs") and read.inputs else read.outs)
    documented = list(dict.fromkeys(inputs.get("tags", [])))
    if stored["name"] != inputs["name"]:
        yield f"the platform has the name {stored['name']!r}"
    if [tag for tag in stored["tags"] if not is_marker(tag)] != documented:
        yield f"the platform has the tags {stored['tags']}"
    for where, held in (("platform", stored["configuration"]), ("refresh", back["configuration"])):
        for key, value in configuration.items():
            if is_platform_written(key) or (key in held and wire.same_value(held[key], value)):
                continue
            yield f"{where}: {key} comes back as {held.get(key)!r}"
    for field in ("name", "element_key"):
        if not outputs[field] == back[field] == inputs[field]:
            yield f"{field} comes back as {outputs[field]!r}, then as {back[field]!r}"
    if not set(outputs.get("tags", [])) == set(back.get("tags", [])) == set(documented):
        yield f"tags come back as {outputs.get('tags')}, then as {back.get('tags')}"
    if outputs["element_token"] != stored["token"]:
        yield "the token is not the platform's"
    if provider.diff(created.id, outputs, inputs).changes:
        yield "the next preview would show a change"
