"""Any answer at all, good or hostile, to any request: a model or one clean line."""

import json

import httpx
from hypothesis import example, given
from hypothesis import strategies as st

from provider.api import wire
from provider.api.client import CloudElementsClient
from provider.api.errors import CloudElementsError, ConfigError
from provider.api.retry import Time
from provider.config import Settings

SECRETS = ("user-secret-1", "organization-secret-1", "one-time-code-1", "application-secret-1")
INSTANCE = {"id": 7, "name": "seven", "token": "t", "element": {"key": "hubspot"}}
BODY = wire.instance_request(
    element_key="hubspot",
    name="seven",
    configuration={"oauth.api.secret": SECRETS[3]},
    provider_data={"code": SECRETS[2]},
)
OAUTH = {"api_key": "application-key-1", "api_secret": SECRETS[3], "callback_url": "http://c/b"}
# Each with the secrets that it sends beside the two of every request.
CALLS = [
    (lambda c: c.create_instance(BODY, one_time=True), SECRETS[2:]),
    (lambda c: c.create_instance(BODY, one_time=False), SECRETS[2:]),
    (lambda c: c.update_instance("7", BODY, one_time=True), SECRETS[2:]),
    (lambda c: c.get_instance("7"), ()),
    (lambda c: c.delete_instance("7"), ()),
    (lambda c: c.set_enabled("7", enabled=True), ()),
    (lambda c: c.find_instances(tag="t"), ()),
    (lambda c: c.get_element("hubspot"), ()),
    (lambda c: c.find_elements(), ()),
    (lambda c: c.check_credentials(), ()),
    (lambda c: c.oauth.url("hubspot", **OAUTH, state="s"), SECRETS[3:]),
    (lambda c: c.oauth.request_token("twitter", **OAUTH), SECRETS[3:]),
]
WORDS = st.text(max_size=30) | st.sampled_from(SECRETS) | st.sampled_from(["8 MB", "\x1b[2J\r\n"])
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*INSTANCE, "message", "requestId", "providerMessage", "oauthUrl"])
            | WORDS,
            inner,
            max_size=5,
        )
    ),
    max_leaves=10,
)
BODIES = (
    st.binary(max_size=60)
    | DOCUMENTS.map(lambda d: json.dumps(d).encode(errors="surrogatepass"))
    | st.integers(0, 60).map(lambda cut: json.dumps(INSTANCE).encode()[:cut])
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "content-type": st.sampled_from(
            ["application/json", "text/html; charset=hex", "text/plain; charset=idna", ""]
        ),
        "content-encoding": st.sampled_from(["gzip", "deflate", "br", "nonsense"]),
        "retry-after": st.sampled_from(["1", "99999999999", "-1", "never", "Fri, 31 Feb 2027"]),
        "elements-next-page-token": st.sampled_from(["a", "b"]),
        "elements-request-id": st.sampled_from(["5b0437c6", "a\tb"]),
        "location": st.just("https://elsewhere.example/?secret=1"),
        "set-cookie": st.just("a=b"),
    },
)
STATUSES = st.sampled_from([200, 201, 204, 301, 400, 401, 403, 404, 409, 413, 429, 500, 502, 524])


def raw(status, headers, body):
    """Return an answer as it comes from a socket: not yet read, let alone decoded."""
    return httpx.Response(status, headers=headers, stream=Unread(body))


class Unread(httpx.SyncByteStream):
    """A body that was not read yet."""

    def __init__(self, body):
        self.body = body

    def __iter__(self):
        yield self.body


@given(st.sampled_from(CALLS), STATUSES, HEADERS, BODIES)
def test_any_answer_is_a_model_or_one_line_without_secrets(call, status, headers, body):
    seconds = [0.0]
    clock = Time(
        now=lambda: seconds[0],
        sleep=lambda wait: seconds.__setitem__(0, seconds[0] + wait),
        wall=lambda: seconds[0],
    )
    settings = Settings("https://platform.example", SECRETS[0], SECRETS[1])
    transport = httpx.MockTransport(lambda _: raw(status, headers, body))
    error = None
    send, sent = call
    try:
        send(CloudElementsClient(settings, transport=transport, clock=clock))
    except CloudElementsError as caught:
        error = caught
    if error is not None:
        shown = f"{error}{error!r}{vars(error)}"
        assert [secret for secret in (*SECRETS[:2], *sent) if secret in shown] == []
        assert len(str(error).splitlines()) == 1
        assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in str(error))
        assert error.__cause__ is None
        assert error.__context__ is None or isinstance(error.__context__, CloudElementsError)
    assert seconds[0] <= settings.retry_budget


@given(st.text(max_size=40) | st.text(alphabet="htps:/[]@%.1a-é#?", max_size=30), st.booleans())
@example("0?", True)
@example("@0", True)
def test_any_address_is_usable_or_refused_in_one_line(text, prefixed):
    """What the settings let through must not break the client later, with a traceback."""
    address = f"https://{text}" if prefixed else text
    sent = []

    def answer(request):
        sent.append(request)
        return httpx.Response(200, json=INSTANCE)

    try:
        settings = Settings(address, SECRETS[0], SECRETS[1])
        client = CloudElementsClient(settings, transport=httpx.MockTransport(answer))
    except ConfigError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017 - either outcome is right
    else:
        assert client.get_instance("7").id == "7"
        assert sent[0].url.raw_path.endswith(b"/instances/7")
        assert sent[0].url.scheme == "https" or sent[0].url.host in ("localhost", "127.0.0.1")
