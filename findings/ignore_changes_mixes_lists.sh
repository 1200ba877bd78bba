#!/bin/sh
# Pulumi CLI v3.274.1, built from its Go module, and pulumi 3.272.0 from PyPI (Automation API and the
# provider protocol). A resource has ignore_changes with the path of list elements, and the list in
# the program gets shorter: [1, 2, 3] becomes [2, 3].
# Behaviour: what cannot be ignored as a whole is ignored in part. The engine writes the old elements
# over the new ones until one list ends, and then sends the provider the mixture, [1, 2] here, which
# stands neither in the state nor in the program. It warns that it "cannot ignore changes" and makes
# this update all the same. With "list[0]" alone it sends [1, 3] and does not even warn. A path into a
# value that was text before leaves an empty map.
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
from concurrent import futures

import grpc
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import plugin_pb2, provider_pb2_grpc
from pulumi.runtime.proto import provider_pb2 as messages


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    Handshake = lambda self, request, context: messages.ProviderHandshakeResponse()
    GetPluginInfo = lambda self, request, context: plugin_pb2.PluginInfo(version="1.0.0")
    CheckConfig = Check = lambda self, request, context: messages.CheckResponse(inputs=request.news)
    Configure = lambda self, request, context: messages.ConfigureResponse(supportsPreview=True)
    DiffConfig = lambda self, request, context: messages.DiffResponse()

    def Diff(self, request, context):
        with open("news", "w") as file:
            json.dump(MessageToDict(request.news), file, sort_keys=True)
        return messages.DiffResponse(changes=messages.DiffResponse.DIFF_SOME)

    Update = lambda self, request, context: messages.UpdateResponse(properties=request.news)

    def Create(self, request, context):
        return messages.CreateResponse(id="1", properties=request.properties)


server = grpc.server(futures.ThreadPoolExecutor(4))
provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(), server)
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
server.wait_for_termination()
PY
printf '#!/bin/sh\ncd "%s" && exec "%s" "%s"\n' "$folder" "$folder/venv/bin/python" "$folder/provider.py" > plugin/pulumi-resource-desk
chmod +x plugin/pulumi-resource-desk
printf 'name: p\nruntime: python\nplugins: {providers: [{name: desk, path: plugin}]}\n' > Pulumi.yaml
cat > run.py <<'PY'
import pathlib

import pulumi
from pulumi import automation

inputs, path = {"list": [1, 2, 3], "map": {"key": "text"}}, ""


def program():
    options = pulumi.ResourceOptions(version="1.0.0", ignore_changes=[path] if path else None)
    pulumi.CustomResource("desk:index:Form", "form", inputs, options)


stack = automation.Stack.create_or_select("dev", automation.LocalWorkspace(work_dir=".", program=program))
stack.up()
before = inputs
for change, path in [
    ({"list": [2, 3]}, "list"),
    ({"list": [2, 3]}, "list[*]"),
    ({"list": [2, 3]}, "list[0]"),
    ({"map": {"key": {"inner": 1}}}, "map.key.inner"),
]:
    inputs = before | change
    warned = "cannot ignore changes" in stack.preview().stdout
    print(f"{path}, program {change}: warned {warned}, sent {pathlib.Path('news').read_text()}")
PY
export PATH="$folder/bin:$PATH" PULUMI_HOME="$folder/home" PULUMI_BACKEND_URL="file://$folder/state"
export PULUMI_CONFIG_PASSPHRASE=x PULUMI_SKIP_UPDATE_CHECK=true
venv/bin/python run.py > seen 2>errors || { cat errors; exit 1; }
cat > expected <<'TEXT'
list, program {'list': [2, 3]}: warned False, sent {"list": [1.0, 2.0, 3.0], "map": {"key": "text"}}
list[*], program {'list': [2, 3]}: warned True, sent {"list": [1.0, 2.0], "map": {"key": "text"}}
list[0], program {'list': [2, 3]}: warned False, sent {"list": [1.0, 3.0], "map": {"key": "text"}}
map.key.inner, program {'map': {'key': {'inner': 1}}}: warned False, sent {"list": [1.0, 2.0, 3.0], "map": {"key": {}}}
TEXT
cat seen
diff expected seen && echo "as described, with pulumi v3.274.1 and 3.272.0"
