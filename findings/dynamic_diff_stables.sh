#!/bin/sh
# pulumi 3.272.0 from PyPI, `python -m pulumi.dynamic` (the server of Python's dynamic providers).
# Behaviour: DiffResult takes `stables`, documented as properties that never change, and the protocol
# has a field of that name for it. The server passes on what stands beside it (changes, replaces,
# delete_before_replace) and drops the stables, so the engine must take every output of a resource
# that is being updated for unknown.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv venv && venv/bin/pip install --quiet pulumi==3.272.0
cat > stable.py <<'PY'
from pulumi.dynamic import DiffResult, ResourceProvider


class Stable(ResourceProvider):
    def diff(self, _id, _olds, _news):
        return DiffResult(
            changes=True, replaces=["size"], stables=["address"], delete_before_replace=True
        )
PY
cat > ask.py <<'PY'
import subprocess
import sys

import grpc
from google.protobuf import struct_pb2
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime.proto import provider_pb2 as messages
from pulumi.runtime.proto import provider_pb2_grpc

import stable

bag = struct_pb2.Struct()
bag.update({"__provider": serialize_provider(stable.Stable())})
server = subprocess.Popen(
    [sys.executable, "-m", "pulumi.dynamic", "127.0.0.1:1"], stdout=subprocess.PIPE, text=True
)
try:
    stub = provider_pb2_grpc.ResourceProviderStub(
        grpc.insecure_channel(f"127.0.0.1:{server.stdout.readline().strip()}")
    )
    answer = stub.Diff(messages.DiffRequest(id="1", olds=bag, news=bag))
    print("changes", messages.DiffResponse.DiffChanges.Name(answer.changes))
    print("replaces", list(answer.replaces))
    print("deleteBeforeReplace", answer.deleteBeforeReplace)
    print("stables", list(answer.stables))
finally:
    server.kill()
PY
cat > expected <<'TEXT'
changes DIFF_SOME
replaces ['size']
deleteBeforeReplace True
stables []
TEXT
PYTHONPATH=. venv/bin/python ask.py > seen
cat seen
diff expected seen && echo "as described, with pulumi 3.272.0"
