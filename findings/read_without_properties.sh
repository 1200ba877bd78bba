#!/bin/sh
# Pulumi CLI v3.274.1, built from its Go module, and pulumi 3.272.0 from PyPI (Automation API and the
# provider protocol). A refresh asks the provider to read a resource, and the provider answers in one
# of the ways that the protocol's message allows.
# Behaviour: an answer without an id says that the resource is gone, and so does one that has the id,
# and the inputs too, but leaves the properties out: the resource is deleted from the state and the
# next update creates a second one. In most languages "left out" and "empty" look alike, and to a
# resource that has no outputs both come natural; only an empty map that was set keeps it. An answer
# with another id than the one that was asked for is taken over, and the refresh says "unchanged".
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
cli=github.com/pulumi/pulumi/pkg/v3/cmd/pulumi
mkdir build bin plugin state && cd build
go mod init finding >/dev/null 2>&1
go get "$cli@v3.274.1" >/dev/null 2>&1
CGO_ENABLED=0 go build -trimpath -tags=osusergo,grpcnotrace \
  "-ldflags=-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.274.1" -o ../bin "$cli"
cd ..
python3 -m venv venv && venv/bin/pip install --quiet pulumi==3.272.0
cat > provider.py <<'PY'
import json
import os
from concurrent import futures

import grpc
from google.protobuf.json_format import ParseDict
from pulumi.runtime.proto import plugin_pb2, provider_pb2_grpc
from pulumi.runtime.proto import provider_pb2 as messages


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    Handshake = lambda self, request, context: messages.ProviderHandshakeResponse()
    GetPluginInfo = lambda self, request, context: plugin_pb2.PluginInfo(version="1.0.0")
    CheckConfig = Check = lambda self, request, context: messages.CheckResponse(inputs=request.news)
    Configure = lambda self, request, context: messages.ConfigureResponse(supportsPreview=True)
    DiffConfig = lambda self, request, context: messages.DiffResponse()

    Diff = lambda self, request, context: messages.DiffResponse(changes=messages.DiffResponse.DIFF_NONE)

    def Read(self, request, context):
        return ParseDict(json.loads(os.environ["ANSWER"]), messages.ReadResponse())

    def Create(self, request, context):
        return messages.CreateResponse(id="1", properties=request.properties)


server = grpc.server(futures.ThreadPoolExecutor(4))
provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(), server)
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
server.wait_for_termination()
PY
printf '#!/bin/sh\nexec "%s" "%s"\n' "$folder/venv/bin/python" "$folder/provider.py" > plugin/pulumi-resource-desk
chmod +x plugin/pulumi-resource-desk
printf 'name: p\nruntime: python\nplugins: {providers: [{name: desk, path: plugin}]}\n' > Pulumi.yaml
cat > run.py <<'PY'
import json

import pulumi
from pulumi import automation


def program():
    options = pulumi.ResourceOptions(version="1.0.0")
    pulumi.CustomResource("desk:index:Form", "form", {"size": 1}, options)


workspace = automation.LocalWorkspace(work_dir=".", program=program)
stack = automation.Stack.create_or_select("dev", workspace)
for answer in (
    {},
    {"id": "1"},
    {"id": "1", "inputs": {"size": 1}},
    {"id": "1", "properties": {}},
    {"id": "2", "properties": {"size": 1}, "inputs": {"size": 1}},
):
    stack.up()
    workspace.env_vars["ANSWER"] = json.dumps(answer)
    changes = stack.refresh().summary.resource_changes
    forms = [r["id"] for r in stack.export_stack().deployment["resources"] if r["type"] == "desk:index:Form"]
    print(f"{answer}: {changes}, in the state {forms}")
PY
export PATH="$folder/bin:$PATH" PULUMI_HOME="$folder/home" PULUMI_BACKEND_URL="file://$folder/state"
export PULUMI_CONFIG_PASSPHRASE=x PULUMI_SKIP_UPDATE_CHECK=true
venv/bin/python run.py > seen 2>errors || { cat errors; exit 1; }
cat > expected <<'TEXT'
{}: {'delete': 1, 'same': 1}, in the state []
{'id': '1'}: {'delete': 1, 'same': 1}, in the state []
{'id': '1', 'inputs': {'size': 1}}: {'delete': 1, 'same': 1}, in the state []
{'id': '1', 'properties': {}}: {'same': 2}, in the state ['1']
{'id': '2', 'properties': {'size': 1}, 'inputs': {'size': 1}}: {'same': 2}, in the state ['2']
TEXT
cat seen
diff expected seen && echo "as described, with pulumi v3.274.1 and 3.272.0"
