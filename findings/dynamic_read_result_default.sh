#!/bin/sh
# pulumi 3.272.0 from PyPI, `python -m pulumi.dynamic` (the server of Python's dynamic providers).
# Behaviour: all arguments of ReadResult, CreateResult's outs and UpdateResult's outs are optional,
# and create and update may leave outs away. read may not: `ReadResult()` and `ReadResult(id)`, both
# accepted by the signature, end in a TypeError inside the server, whose traceback is the answer.
# "Gone" must be written ReadResult(None, {}).
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv venv && venv/bin/pip install --quiet pulumi==3.272.0
cat > gone.py <<'PY'
from pulumi.dynamic import CreateResult, ReadResult, ResourceProvider, UpdateResult


class Gone(ResourceProvider):
    def create(self, props):
        return CreateResult("1")

    def update(self, _id, _olds, _news):
        return UpdateResult()

    def read(self, id_, props):
        return {"bare": ReadResult(), "id": ReadResult(id_), "both": ReadResult(None, {})}[id_]
PY
cat > ask.py <<'PY'
import subprocess
import sys

import grpc
from google.protobuf import struct_pb2
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime.proto import provider_pb2 as messages
from pulumi.runtime.proto import provider_pb2_grpc

import gone

bag = struct_pb2.Struct()
bag.update({"__provider": serialize_provider(gone.Gone())})
server = subprocess.Popen(
    [sys.executable, "-m", "pulumi.dynamic", "127.0.0.1:1"], stdout=subprocess.PIPE, text=True
)
try:
    stub = provider_pb2_grpc.ResourceProviderStub(
        grpc.insecure_channel(f"127.0.0.1:{server.stdout.readline().strip()}")
    )
    print("create without outs:", stub.Create(messages.CreateRequest(properties=bag)).id)
    stub.Update(messages.UpdateRequest(id="1", olds=bag, news=bag))
    print("update without outs: answered")
    for id_ in ("both", "bare", "id"):
        try:
            answer = stub.Read(messages.ReadRequest(id=id_, properties=bag))
            print(f"read, {id_}: answered, id {answer.id!r}")
        except grpc.RpcError as error:
            print(f"read, {id_}: {error.code().name}, {error.details().strip().splitlines()[-1]}")
finally:
    server.kill()
PY
cat > expected <<'TEXT'
create without outs: 1
update without outs: answered
read, both: answered, id ''
read, bare: UNKNOWN, TypeError: 'NoneType' object does not support item assignment
read, id: UNKNOWN, TypeError: 'NoneType' object does not support item assignment
TEXT
PYTHONPATH=. venv/bin/python ask.py > seen
cat seen
diff expected seen && echo "as described, with pulumi 3.272.0"
