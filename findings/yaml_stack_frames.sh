#!/bin/sh
# Pulumi CLI v3.274.1 and pulumi-yaml v1.25.0, built from their Go modules, and pulumi 3.272.0 from
# PyPI (the provider protocol).
# Behaviour: the state keeps where in a program a resource was declared, and for a YAML program this is
# not the line of Pulumi.yaml: it is the call stack of the YAML runtime itself, 13 frames of Go source
# down to the assembler, the same for each resource, stored with each of them. They are most of what
# the state of a small resource takes, and change whenever the runtime is raised.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
cli=github.com/pulumi/pulumi/pkg/v3/cmd/pulumi
mkdir build bin plugin state && cd build
go mod init finding >/dev/null 2>&1
go get "$cli@v3.274.1" >/dev/null 2>&1
CGO_ENABLED=0 go build -trimpath -tags=osusergo,grpcnotrace \
  "-ldflags=-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.274.1" -o ../bin "$cli"
cd ..
GOBIN="$folder/bin" CGO_ENABLED=0 go install github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml@v1.25.0 2>/dev/null
python3 -m venv venv && venv/bin/pip install --quiet pulumi==3.272.0
cat > provider.py <<'PY'
import json
from concurrent import futures

import grpc
from pulumi.runtime.proto import plugin_pb2, provider_pb2_grpc
from pulumi.runtime.proto import provider_pb2 as messages

properties = {"text": {"type": "string"}}
form = {"inputProperties": properties, "properties": properties}
SCHEMA = json.dumps({"name": "desk", "version": "1.0.0", "resources": {"desk:index:Form": form}})


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    Handshake = lambda self, request, context: messages.ProviderHandshakeResponse()
    GetPluginInfo = lambda self, request, context: plugin_pb2.PluginInfo(version="1.0.0")
    GetSchema = lambda self, request, context: messages.GetSchemaResponse(schema=SCHEMA)
    Configure = lambda self, request, context: messages.ConfigureResponse(supportsPreview=True)
    Check = lambda self, request, context: messages.CheckResponse(inputs=request.news)
    DiffConfig = Diff = lambda self, request, context: messages.DiffResponse(changes=1)  # none

    CheckConfig = Check

    def Create(self, request, context):
        return messages.CreateResponse(id=request.name, properties=request.properties)


server = grpc.server(futures.ThreadPoolExecutor(4))
provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(), server)
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
server.wait_for_termination()
PY
printf '#!/bin/sh\nexec "%s" "%s"\n' "$folder/venv/bin/python" "$folder/provider.py" > plugin/pulumi-resource-desk
chmod +x plugin/pulumi-resource-desk
export PATH="$folder/bin:$PATH" PULUMI_HOME="$folder/home" PULUMI_BACKEND_URL="file://$folder/state"
export PULUMI_CONFIG_PASSPHRASE=x PULUMI_SKIP_UPDATE_CHECK=true
mkdir project && cd project
cat > Pulumi.yaml <<'YAML'
name: p
runtime: yaml
plugins: {providers: [{name: desk, path: ../plugin}]}
resources:
  one: {type: "desk:Form", properties: {text: a}}
  two: {type: "desk:Form", properties: {text: b}}
YAML
pulumi stack init dev >/dev/null 2>&1
pulumi up --yes >/dev/null 2>&1
pulumi stack export --file ../state.json
cat > ../look.py <<'PY'
import json
from pathlib import Path

resources = json.loads(Path("state.json").read_text())["deployment"]["resources"]
one, two = (r for r in resources if r["type"] == "desk:index:Form")
places = [frame["sourcePosition"] for frame in one["stackTrace"]]
print(len(places), "frames, the same for both:", one["stackTrace"] == two["stackTrace"])
print("a frame in Pulumi.yaml:", any("Pulumi.yaml" in place for place in places))
print("first", places[0].split("/")[-1], "last", places[-1].split("/")[-1])
print("more than half of the resource:", len(json.dumps(places)) * 2 > len(json.dumps(one)))
PY
cd .. && venv/bin/python look.py > seen
cat > expected <<'TEXT'
13 frames, the same for both: True
a frame in Pulumi.yaml: False
first run.go#1391 last asm_amd64.s#1771
more than half of the resource: True
TEXT
cat seen
diff expected seen && echo "as described, with pulumi v3.274.1 and pulumi-yaml v1.25.0"
