#!/bin/sh
# Authlib 1.9.10, requests-oauthlib 2.0.0 (with oauthlib 4.0.1) and httpx-oauth 0.17.0 from PyPI, each
# exchanging a code for a token whose answer says the expiry in one of the ways that platforms do.
# Behaviour: RFC 6749 asks for a number, and platforms send texts, null and nothing at all. What one
# library takes, the next one refuses, by a ValueError or TypeError after the exchange: the code is
# spent by then, and the token that was in the answer is lost. And expires_in 0 is a token that has
# expired for one of them, and one that never does for the two others.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet Authlib==1.9.10 requests-oauthlib==2.0.0 oauthlib==4.0.1 httpx-oauth==0.17.0 httpx==0.28.1
cat > look.py <<'PY'
import asyncio
import json

import httpx
import requests
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from httpx_oauth.oauth2 import BaseOAuth2
from requests.adapters import BaseAdapter
from requests_oauthlib import OAuth2Session

URL = "https://auth.example/token"
answer = {}


class Canned(BaseAdapter):
    def send(self, request, **_):
        response = requests.Response()
        response.status_code, response.request = 200, request
        response._content = json.dumps(answer).encode()
        return response

    def close(self):
        pass


class CannedHttpx(BaseOAuth2):
    def get_httpx_client(self):
        return httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, json=answer)))


def authlib():
    session = AuthlibSession("id", "secret")
    session.mount("https://", Canned())
    return session.fetch_token(URL, code="c", grant_type="authorization_code")


def requests_oauthlib():
    session = OAuth2Session("id")
    session.mount("https://", Canned())
    return session.fetch_token(URL, code="c", client_secret="secret")


def httpx_oauth():
    return asyncio.run(CannedHttpx("id", "secret", "", URL).get_access_token("c", ""))


def outcome(exchange):
    try:
        token = exchange()
    except (TypeError, ValueError) as error:
        return type(error).__name__
    return "expires" if token.get("expires_at") else "never expires"


for value in (3600, "3600", "3600.0", 0, None, ""):
    answer = {"access_token": "t", "token_type": "Bearer", "expires_in": value}
    libraries = (authlib, requests_oauthlib, httpx_oauth)
    print(repr(value) + ":", ", ".join(f"{each.__name__} {outcome(each)}" for each in libraries))
PY
venv/bin/python -W ignore look.py > seen
cat > expected <<'TEXT'
3600: authlib expires, requests_oauthlib expires, httpx_oauth expires
'3600': authlib expires, requests_oauthlib expires, httpx_oauth expires
'3600.0': authlib ValueError, requests_oauthlib ValueError, httpx_oauth ValueError
0: authlib never expires, requests_oauthlib never expires, httpx_oauth expires
None: authlib never expires, requests_oauthlib never expires, httpx_oauth TypeError
'': authlib never expires, requests_oauthlib ValueError, httpx_oauth ValueError
TEXT
cat seen
diff expected seen && echo "as described, with Authlib 1.9.10, requests-oauthlib 2.0.0 and httpx-oauth 0.17.0"
