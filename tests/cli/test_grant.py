"""What counts as the answer to our question, and what does not."""

from __future__ import annotations

import hmac
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.consent.grant import Denial, Grant, MisfitError, Question, of_paste, of_query

STATE = "the-state-that-was-sent"
OAUTH2 = Question(STATE)
OAUTH1 = Question(STATE, ("request-token", "request-secret"))


def test_code_and_extras_are_taken():
    """The code, and what names the account, reach the create; the state does not."""
    grant = of_query(f"code=4%2F0Ab&state={STATE}&realmId=123&dataSource=QBO", OAUTH2)

    assert grant == Grant("4/0Ab", {"realmId": "123", "dataSource": "QBO"})


def test_what_vendors_tell_their_clients_is_dropped():
    """Parameters that are no concern of the platform are not stored."""
    query = f"code=c&state={STATE}&scope=a+b&session_state=x&authuser=0&prompt=none&hd=h&iss=i"

    assert of_query(query, OAUTH2) == Grant("c", {})


def test_parameters_of_the_callback_url_itself_are_dropped():
    """A query that was in the callback URL already is no answer of the vendor."""
    question = Question(STATE, known=frozenset({"tenant"}))

    assert of_query(f"tenant=a&code=c&state={STATE}&org=o", question) == Grant("c", {"org": "o"})


@pytest.mark.parametrize(
    "query",
    [
        "",
        "code=c",
        "code=c&state=",
        "code=c&state=another",
        f"code=c&state={STATE}x",
        f"code=c&state={STATE[:-1]}",
        f"code=c&state={STATE}&state={STATE}",
        f"error=access_denied&state={STATE.upper()}",
        "error=access_denied",
        f"code=c&State={STATE}",
        f"code=c&{'&'.join(f'a{i}=b' for i in range(80))}&state={STATE}",
    ],
)
def test_a_callback_without_our_state_is_refused(query):
    """Whatever it says, it belongs to another request: also a refusal."""
    with pytest.raises(MisfitError):
        of_query(query, OAUTH2)


@pytest.mark.parametrize(
    "rest", ["", "code=", "code=a&code=b", "code=a%00b", "code=a%0ab", "code=%ff", "token=x"]
)
def test_a_callback_without_one_usable_code_is_refused(rest):
    """Neither a missing, nor a double, nor an unprintable code is taken."""
    with pytest.raises(MisfitError):
        of_query(f"state={STATE}&{rest}", OAUTH2)


def test_what_does_not_decide_may_be_said_twice():
    """Only doubles of what decides are no answer: some vendors repeat the scope."""
    assert of_query(f"code=c&state={STATE}&scope=a&scope=b", OAUTH2) == Grant("c", {})
    for double in ("code=d", f"state={STATE}", "error=e&error=e", "oauth_x=1&oauth_x=2"):
        with pytest.raises(MisfitError):
            of_query(f"code=c&state={STATE}&{double}", OAUTH2)


def test_the_state_is_looked_at_first():
    """Whoever does not know it learns nothing of what else is wrong."""
    for rest in ("code=a&code=b", "", "error=access_denied", "code=%00"):
        with pytest.raises(MisfitError, match="belongs to another request"):
            of_query(f"{rest}&state=another", OAUTH2)


def test_state_and_token_are_compared_in_constant_time(monkeypatch):
    """The time that a wrong one takes tells nothing about the right one."""
    compared = []
    real = hmac.compare_digest
    monkeypatch.setattr(
        "provider.consent.grant.hmac.compare_digest",
        lambda one, other: compared.append((one, other)) or real(one, other),
    )

    of_query(f"code=c&state={STATE}", OAUTH2)
    of_query(f"oauth_token=request-token&oauth_verifier=v&state={STATE}", OAUTH1)

    assert compared.count((STATE.encode(), STATE.encode())) == 2
    assert (b"request-token", b"request-token") in compared


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("error=access_denied", "access_denied"),
        ("error=server_error&error_description=try%20later", "server_error: try later"),
        ("error=a%1b%5b31mb%0ac", "a [31mb c"),
        ("not_approved=true", "access was denied"),
        ("error=" + "x" * 999, "x" * 200),
        ("code=c&error=access_denied", "access_denied"),
    ],
)
def test_a_refusal_is_told_in_one_clean_line(query, reason):
    """A refusal with our state ends the wait; its reason holds no control codes."""
    assert of_query(f"{query}&state={STATE}", OAUTH2) == Denial(reason)


def test_oauth1_needs_the_request_token():
    """In OAuth 1 token, verifier and the request token's secret go into the provider data."""
    grant = of_query(f"oauth_token=request-token&oauth_verifier=v&state={STATE}", OAUTH1)

    told = {"oauth_token": "request-token", "oauth_verifier": "v", "secret": "request-secret"}
    assert grant == Grant(None, told)


def test_oauth1_without_state_is_told_by_its_token():
    """A vendor that drops the state still names the request token, which nobody can guess."""
    assert isinstance(of_query("oauth_token=request-token&oauth_verifier=v", OAUTH1), Grant)
    assert isinstance(of_query("denied=request-token", OAUTH1), Denial)


@pytest.mark.parametrize(
    "query",
    [
        "oauth_token=another&oauth_verifier=v",
        f"oauth_token=another&oauth_verifier=v&state={STATE}",
        "oauth_token=request-token&oauth_verifier=v&state=another",
        "oauth_verifier=v",
        "denied=another",
        "error=access_denied",
        f"oauth_token=request-token&state={STATE}",
    ],
)
def test_oauth1_of_another_request_is_refused(query):
    """A foreign token, a foreign state or no sign at all is refused."""
    with pytest.raises(MisfitError):
        of_query(query, OAUTH1)


@pytest.mark.parametrize(
    "text",
    [
        f"https://app.example.com/cb?code=abc&state={STATE}",
        f"  http://127.0.0.1:8080/callback?state={STATE}&code=abc#_=_ \n",
        f"?code=abc&state={STATE}",
        f"code=abc&state={STATE}",
        "abc",
        " abc ",
        "%61bc",
    ],
)
def test_a_whole_address_or_a_bare_code_can_be_pasted(text):
    """Both lead to the same grant."""
    assert of_paste(text, OAUTH2) == Grant("abc", {})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "https://app.example.com/cb",
        "https://app.example.com/cb?code=abc",
        "https://app.example.com/cb?code=abc&state=another",
        "https://[bad?code=abc",
        "two words",
        "code=abc",
    ],
)
def test_a_paste_that_is_neither_is_refused(text):
    """An address without our state is of another request, even when it is pasted."""
    with pytest.raises(MisfitError):
        of_paste(text, OAUTH2)


def test_a_bare_verifier_can_be_pasted():
    """In OAuth 1 the bare code is the verifier."""
    grant = of_paste("0815", OAUTH1)

    assert isinstance(grant, Grant)
    assert grant.provider_data["oauth_verifier"] == "0815"


def test_nothing_secret_is_in_a_repr():
    """Neither question nor grant shows what it holds."""
    text = repr((OAUTH1, Grant("the-code", {"oauth_token": "the-token"})))

    assert not any(part in text for part in (STATE, "request-", "the-code", "the-token"))


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=50), max_size=8))
def test_without_our_state_nothing_is_ever_granted(fields):
    """No query that lacks our state ends the wait."""
    fields = {name: value for name, value in fields.items() if value != STATE}

    with pytest.raises(MisfitError):
        of_query(urlencode(fields, errors="surrogatepass"), OAUTH2)


@given(st.text(max_size=300))
def test_any_paste_is_judged(text):
    """Whatever is pasted is a grant, a refusal or a misfit; a grant's code is printable."""
    try:
        answer = of_paste(text, OAUTH2)
    except MisfitError:
        return
    if isinstance(answer, Grant):
        assert answer.code
        assert answer.code.isascii()
        assert answer.code.isprintable()
        assert " " not in answer.code


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=200))
def test_any_code_survives_the_way_back(code):
    """A code of any printable characters comes out as the vendor sent it."""
    assert of_query(urlencode({"code": code, "state": STATE}), OAUTH2) == Grant(code, {})
