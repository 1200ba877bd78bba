#!/bin/sh
# OAuth clients that connectors are written with, each exchanging a code with the client's credentials
# in an Authorization header: Authlib 1.9.10, requests-oauthlib 2.0.0 and httpx-oauth 0.17.0 from PyPI,
# simple-oauth2 5.1.0 from npm, golang.org/x/oauth2 v0.38.0.
# Behaviour: RFC 6749, section 2.3.1, has both credentials form-encoded before they are put into Basic.
# The libraries for Go and Node.js do so, the three for Python don't, and none says which it is. With
# a secret that holds + / % or a space, the same credentials work in one language and are refused in
# another, and with a colon in the client's id a server can't tell id and secret apart.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet Authlib==1.9.10 requests-oauthlib==2.0.0 httpx-oauth==0.17.0 httpx==0.28.1
npm install --silent --no-fund --no-audit --ignore-scripts simple-oauth2@5.1.0 >/dev/null 2>&1
cat > server.py <<'PY'
import base64
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


class Token(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        basic = base64.b64decode(self.headers["Authorization"].split()[1]).decode()
        Path("seen").open("a").write(f"{self.path[1:]}: {basic}\n")
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"access_token": "t", "token_type": "Bearer"}')

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Token)
print(f"http://127.0.0.1:{server.server_port}/", flush=True)
server.serve_forever()
PY
cat > clients.py <<'PY'
import asyncio
import sys

from authlib.integrations.requests_client import OAuth2Session as Authlib
from httpx_oauth.oauth2 import BaseOAuth2
from requests_oauthlib import OAuth2Session

key, secret, server = sys.argv[1:]
Authlib(key, secret).fetch_token(server + "Authlib", code="c", grant_type="authorization_code")
OAuth2Session(key).fetch_token(server + "requests-oauthlib", code="c", client_secret=secret)
client = BaseOAuth2(key, secret, "", server + "httpx-oauth", token_endpoint_auth_method="client_secret_basic")
asyncio.run(client.get_access_token("c", ""))
PY
cat > client.js <<'JS'
const { AuthorizationCode } = require("simple-oauth2");

const [id, secret, tokenHost] = process.argv.slice(2);
const auth = { tokenHost, tokenPath: "/simple-oauth2" };
new AuthorizationCode({ client: { id, secret }, auth }).getToken({ code: "c" });
JS
cat > main.go <<'GO'
package main

import (
	"context"
	"os"

	"golang.org/x/oauth2"
)

func main() {
	endpoint := oauth2.Endpoint{TokenURL: os.Args[3] + "x-oauth2", AuthStyle: oauth2.AuthStyleInHeader}
	client := oauth2.Config{ClientID: os.Args[1], ClientSecret: os.Args[2], Endpoint: endpoint}
	if _, err := client.Exchange(context.Background(), "c"); err != nil {
		panic(err)
	}
}
GO
go mod init finding >/dev/null 2>&1
go get golang.org/x/oauth2@v0.38.0 >/dev/null 2>&1
venv/bin/python server.py > address & server=$!
trap 'kill $server; rm -rf "$folder"' EXIT
while [ ! -s address ]; do sleep 0.1; done
set -- 'app:1' 'p+/%40 x' "$(cat address)"
OAUTHLIB_INSECURE_TRANSPORT=1 venv/bin/python -W ignore clients.py "$@"
node client.js "$@"
go run . "$@"
cat > expected <<'TEXT'
Authlib: app:1:p+/%40 x
requests-oauthlib: app:1:p+/%40 x
httpx-oauth: app:1:p+/%40 x
simple-oauth2: app%3A1:p%2B%2F%2540+x
x-oauth2: app%3A1:p%2B%2F%2540+x
TEXT
cat seen
diff expected seen && echo "as described, with Authlib 1.9.10, requests-oauthlib 2.0.0, httpx-oauth 0.17.0, simple-oauth2 5.1.0, x/oauth2 v0.38.0"
