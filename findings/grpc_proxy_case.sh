#!/bin/sh
# grpcio 1.85.1 from PyPI, the channel between a Pulumi program or provider and its engine.
# Behaviour: a channel goes through the proxy of `http_proxy` even to 127.0.0.1, and only the lower
# case `no_proxy` keeps it from that. NO_PROXY, which Python's urllib and Go honour, is not read, so
# with the usual `http_proxy` and `NO_PROXY=127.0.0.1` a local call ends in UNAVAILABLE.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv venv && venv/bin/pip install --quiet grpcio==1.85.1
cat > call.py <<'PY'
import logging
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import grpc

logging.disable()
handler = grpc.method_handlers_generic_handler(
    "s", {"m": grpc.unary_unary_rpc_method_handler(lambda request, _: request)}
)
server = grpc.server(ThreadPoolExecutor(1))
server.add_generic_rpc_handlers((handler,))
port = server.add_insecure_port("127.0.0.1:0")
server.start()
try:
    grpc.insecure_channel(f"127.0.0.1:{port}").unary_unary("/s/m")(b"hello", timeout=10)
    outcome = "answered"
except grpc.RpcError as error:
    outcome = error.code().name
past = bool(urllib.request.proxy_bypass("127.0.0.1"))
print(f"{sys.argv[1]}: the call {outcome}, urllib goes past the proxy: {past}")
server.stop(None).wait()
PY
for name in no_proxy NO_PROXY; do
  env -u no_proxy -u NO_PROXY -u grpc_proxy -u https_proxy http_proxy=http://127.0.0.1:9 \
    "$name=127.0.0.1" venv/bin/python call.py "$name" 2>/dev/null
done > seen
cat > expected <<'TEXT'
no_proxy: the call answered, urllib goes past the proxy: True
NO_PROXY: the call UNAVAILABLE, urllib goes past the proxy: True
TEXT
cat seen
diff expected seen && echo "as described, with grpcio 1.85.1"
