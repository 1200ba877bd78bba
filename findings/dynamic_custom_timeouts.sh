#!/bin/sh
# pulumi 3.272.0 from PyPI, `python -m pulumi.dynamic` (the server of Python's dynamic providers).
# Behaviour: custom_timeouts of a resource reach the server (Create has them in seconds), and end
# there: no method of a provider is handed them, and neither the server nor the call bounds anything,
# so a create of 2 seconds under a limit of 1 succeeds without a word.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv venv && venv/bin/pip install --quiet pulumi==3.272.0
cat > slow.py <<'PY'
import inspect
import time

from pulumi.dynamic import CreateResult, ResourceProvider


class Slow(ResourceProvider):
    def create(self, props):
        time.sleep(2)
        handed = list(inspect.signature(ResourceProvider.create).parameters)
        return CreateResult("slow", {"handed": handed, "given": sorted(props)})
PY
cat > ask.py <<'PY'
import subprocess
import sys
import time

import grpc
from google.protobuf import json_format, struct_pb2
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime.proto import provider_pb2 as messages
from pulumi.runtime.proto import provider_pb2_grpc

import slow

bag = struct_pb2.Struct()
bag.update({"__provider": serialize_provider(slow.Slow()), "size": 1})
server = subprocess.Popen(
    [sys.executable, "-m", "pulumi.dynamic", "127.0.0.1:1"], stdout=subprocess.PIPE, text=True
)
try:
    stub = provider_pb2_grpc.ResourceProviderStub(
        grpc.insecure_channel(f"127.0.0.1:{server.stdout.readline().strip()}")
    )
    before = time.monotonic()
    answer = stub.Create(
        messages.CreateRequest(urn="urn:pulumi:s::p::t::n", properties=bag, timeout=1.0)
    )
    outputs = json_format.MessageToDict(answer.properties)
    print("limit 1 s, created after more than that:", time.monotonic() - before > 1)
    print("create is handed", outputs["handed"], "with", outputs["given"])
finally:
    server.kill()
PY
venv/bin/python ask.py > seen
cat > expected <<'TEXT'
limit 1 s, created after more than that: True
create is handed ['self', 'props'] with ['__provider', 'size']
TEXT
cat seen
diff expected seen && echo "as described, with pulumi 3.272.0"
