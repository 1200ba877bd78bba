"""Documented requests, answers and elements, through the real provider and the real sandbox."""

import json
import math
import re

import pytest
from google.protobuf import json_format, struct_pb2
from pulumi.runtime import rpc

from provider import wire
from provider.client import CloudElementsClient
from provider.config import Settings
from provider.errors import APIError, CloudElementsError
from provider.lifecycle import ElementInstanceProvider
from provider.markers import is_marker, markers
from provider.metadata import required_keys
from provider.platform import Platform
from provider.redaction import MASK, is_platform_written
from provider.retry import Time
from sandbox import Sandbox

_PLACEHOLDER = re.compile(r"<([^<>]*)>")
_MISSING = "Missing required configuration: "


@pytest.fixture
def sandbox(corpus_folder):
    """Return a sandbox that knows the corpus's elements and makes up the others."""
    elements = corpus_folder / "elements"
    with Sandbox(elements=elements if elements.is_dir() else None, lenient=True) as running:
        yield running


@pytest.fixture
def settings(sandbox):
    return Settings(
        base_url=sandbox.base_url,
        user_secret=sandbox.user_secret,
        organization_secret=sandbox.organization_secret,
    )


@pytest.fixture
def clock():
    """Return a clock that moves only when somebody sleeps."""
    seconds = [0.0]

    def sleep(wait):
        seconds[0] += wait

    return Time(now=lambda: seconds[0], sleep=sleep)


@pytest.fixture
def client(settings, clock):
    made = CloudElementsClient(settings, clock=clock)
    yield made
    made.close()


@pytest.fixture
def provider(settings, client, clock):
    made = ElementInstanceProvider()
    made.operations.connect(Platform.of(settings, client=client, clock=clock))
    return made


# Requests


class Request:
    """One documented create, as a program would ask for it."""

    def __init__(self, place, body):
        self.place = place
        self.body = body
        self.filled = []
        self.ignored = sorted(
            body.keys()
            - {
                "element",
                "name",
                "tags",
                "configuration",
                "providerData",
                "externalAuthentication",
            }
        )

    def malformed(self):
        """Return why no program could ask for this, or None."""
        element, tags = self.body.get("element"), self.body.get("tags")
        key = element.get("key") if isinstance(element, dict) else None
        name = self.body.get("name")
        configuration = self.body.get("configuration")
        if not isinstance(key, str) or not key:
            by_number = isinstance(element, dict) and element.get("id")
            return "names its element by number, not by key" if by_number else "names no element"
        if re.search(r"[\s/]", key) or key.isdigit():
            return f"names the element {key!r}, which is no key"
        if self.body.get("externalAuthentication") not in (None, "initial", "none"):
            return "asks for an external authentication other than 'initial'"
        if not isinstance(name, str):
            inside = isinstance(configuration, dict) and "name" in configuration
            return "has no name" + (", for that slipped into its configuration" if inside else "")
        if tags is not None and not isinstance(tags, list):
            return "has tags that are no list"
        texts = [name, *(tags or [])]
        if any(not isinstance(text, str) or not self._fill(text).strip() for text in texts):
            return "has an empty name or tag, or one that is no text"
        if any(re.search(r"[\x00-\x1f\x7f]", text) for text in texts):
            return "has a control character in its name or tags"
        for field in ("configuration", "providerData"):
            if not isinstance(self.body.get(field, {}), dict | None):
                return f"has a {field} that is no object"
        code = (self.body.get("providerData") or {}).get("code")
        if code is not None and (not isinstance(code, str) or code != code.strip() or not code):
            return "has a code that is none"
        return next(_unsendable(self.body), None)

    @staticmethod
    def _fill(text):
        return _PLACEHOLDER.sub(r"\1", text)

    def inputs(self, provider_data):
        """Return what a program gives, with placeholders as a reader would fill them."""
        texts = [self.body["name"], *(self.body.get("tags") or [])]
        self.filled = [text for text in texts if self._fill(text) != text]
        data = dict(provider_data)
        code = data.pop("code", None)
        bag = {
            "element_key": self.body["element"]["key"],
            "name": self._fill(self.body["name"]),
            "tags": [self._fill(tag) for tag in self.body.get("tags") or []],
            "configuration": self.body.get("configuration"),
            "code": code,
            "provider_data": data,
            "external_authentication": self.body.get("externalAuthentication"),
            "__markers": markers(
                organization="organization", project="corpus", stack="test", place=self.place
            ).tags,
        }
        return {key: value for key, value in bag.items() if value not in (None, {}, [])}


def _handed_over(bag):
    """Return a bag as a provider gets it: numbers are floats, and nulls in maps are gone."""
    message = json_format.ParseDict(bag, struct_pb2.Struct())
    return rpc.deserialize_properties(message)


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


def _credentials(request, known, sandbox):
    """Return provider data as consent would have given it; a documented code was never issued."""
    documented = request.body.get("providerData") or {}
    if not {"code", "oauth_verifier"} & documented.keys():
        return documented
    key = request.body["element"]["key"]
    if key in known:
        return documented | sandbox.new_provider_data(key)
    once = ("code", "oauth_token", "oauth_verifier", "secret")
    return {k: f"{v} of {request.place}" if k in once else v for k, v in documented.items()}


def _plain(value):
    """Return a bag without the marks of secrets, as the engine hands it on."""
    if isinstance(value, dict):
        if value.get(rpc._special_sig_key) == rpc._special_secret_sig:
            return _plain(value["value"])
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def test_every_documented_request(account, sandbox, provider, client):
    """Check, create, read, diff: name, tags and configuration come back as they were documented."""
    known = {element.key for element in client.find_elements()}
    filled = ignored = emptied = 0
    for place, document in account.lines("create_requests.jsonl"):
        body = document.get("request_body")
        if not isinstance(body, dict):
            account.leave_out(place, "has no request body")
            continue
        request = Request(place, body)
        if (why := request.malformed()) is not None:
            account.leave_out(place, why)
            continue
        bag = request.inputs(_credentials(request, known, sandbox))
        try:
            given, bag = bag, _handed_over(bag)
        except json_format.ParseError:
            account.leave_out(place, "is nested too deeply for the engine")
            continue
        filled += bool(request.filled)
        ignored += bool(request.ignored)
        emptied += bag != given
        checked = provider.check({}, bag)
        inputs = _plain(checked.inputs)
        if checked.failures:
            told = "; ".join(failure.reason for failure in checked.failures)
            created = None
        else:
            try:
                created = provider.create(inputs)
            except CloudElementsError as error:
                told = str(error)
                created = None
        if created is None:
            refusal = _refusal(
                client, body | {"providerData": _credentials(request, known, sandbox)}
            )
            if refusal is None:
                account.failures.append(f"{place}: refused, although the platform takes it: {told}")
            else:
                account.leave_out(place, f"is refused, by the platform as well: {told}")
            continue
        wrong = list(_differences(provider, sandbox, created, inputs))
        account.failures += [f"{place}: {what}" for what in wrong]
        account.passed += not wrong
    account.notes.append(
        f"{filled} requests have <placeholders> in name or tags, which look like markup: "
        "filled with the text between the brackets, as a reader would"
    )
    account.notes.append(f"{emptied} requests have null values, which Pulumi hands to no provider")
    account.notes.append(f"{ignored} requests have fields that are no inputs: sent without them")
    assert account.failures == []
    assert sandbox.counters()["doubles"] == 0
    assert sandbox.counters()["codes_replayed"] == 0


def _refusal(client, body):
    """Return what the platform itself says against a documented request, or None."""
    try:
        client.create_instance({key: value for key, value in body.items() if value}, one_time=True)
    except APIError as error:
        return error
    return None


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


# Answers


def test_every_documented_answer(account):
    """An instance is read whatever its answer looks like: id, name, token, tags, configuration."""
    for place, document in account.lines("create_responses.jsonl"):
        answer = document.get("response")
        identity = answer.get("id") if isinstance(answer, dict) else None
        if not isinstance(identity, int | str) or isinstance(identity, bool) or identity == "":
            account.leave_out(place, "has no answer with an id")
            continue
        found = wire.read(wire.Instance, answer)
        wrong = ["is not read"] if found is None else list(_misread(found, answer))
        account.failures += [f"{place}: {what}" for what in wrong]
        account.passed += not wrong
    assert account.failures == []


def _misread(found, answer):
    element = answer.get("element") if isinstance(answer.get("element"), dict) else {}
    for what, got, documented, kind in (
        ("id", found.id, str(answer["id"]), str),
        ("name", found.name, answer.get("name"), str),
        ("token", found.token, answer.get("token"), str),
        ("element key", found.element.key, element.get("key"), str),
        ("valid", found.valid, answer.get("valid", element.get("valid")), bool),
        ("disabled", found.disabled, answer.get("disabled", element.get("disabled")), bool),
    ):
        if got != documented and isinstance(documented, kind):
            yield f"{what} is read as {got!r}, not {documented!r}"
    tags = answer.get("tags")
    if isinstance(tags, list):
        names = [tag.get("name") if isinstance(tag, dict) else tag for tag in tags]
        if found.tags != [name for name in names if isinstance(name, str)]:
            yield f"tags are read as {found.tags}"
    configuration = answer.get("configuration") or element.get("configuration")
    if isinstance(configuration, dict):
        for key, value in configuration.items():
            if not wire.same_value((found.held or {}).get(key), value):
                yield f"{key} is read as another value"


# Elements


def test_every_documented_element(account, sandbox, client):
    """Each is read, and the platform asks for just the keys that the metadata say are required."""
    last = {}
    for place, document in account.files():
        key = document.get("key") if isinstance(document, dict) else None
        if not isinstance(key, str):
            account.leave_out(place, "has no element key")
            continue
        if key in last:
            account.leave_out(last[key][0], f"is hidden by another file of '{key}'")
        last[key] = (place, document)
    for place, document in last.values():
        if any(not isinstance(flag, bool) for flag in _flags(document)):
            account.leave_out(place, "has a flag that is neither true nor false")
            continue
        refused = [line for line in sandbox.complaints if line.startswith(f"{place}:")]
        if refused:
            account.leave_out(place, f"is refused by the sandbox ({refused[0]})")
            continue
        wrong = list(_misread_element(client, document))
        account.failures += [f"{place}: {what}" for what in wrong]
        account.passed += not wrong
    assert account.failures == []


def _flags(document):
    entries = document.get("configuration")
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict):
            names = ("required", "active", "internal", "hideFromConsole", "groupControl")
            yield from (entry[name] for name in names if name in entry)


def _misread_element(client, document):
    read = wire.read(wire.Element, document)
    if read is None:
        yield "is not read"
        return
    fetched = client.get_element(read.key)
    entries = document.get("configuration")
    listed = [e["key"] for e in entries] if isinstance(entries, list) else []
    if [entry.key for entry in read.configuration] != listed:
        yield "its configuration keys are read as others"
    required = {entry.key for entry in required_keys(fetched, {})}
    demanded = _demanded(client, read.key)
    if required != demanded:
        yield f"requires {sorted(required)}, but the platform asks for {sorted(demanded)}"
    if required != {entry.key for entry in required_keys(read, {})}:
        yield "requires other keys by the file than by the platform"
    given = dict.fromkeys(required, "given")
    if (left := _demanded(client, read.key, given)) & required:
        yield f"the platform still asks for {sorted(left)}"


def _demanded(client, key, configuration=None):
    """Return the keys that the platform names when they are missing from a create."""
    body = wire.instance_request(element_key=key, name="probe", configuration=configuration or {})
    try:
        client.create_instance(json.loads(json.dumps(body)), one_time=False)
    except APIError as error:
        if error.message.startswith(_MISSING):
            return set(error.message.removeprefix(_MISSING).split(", "))
    return set()
