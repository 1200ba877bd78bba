#!/bin/sh
# Pulumi CLI v3.274.1 and pulumi-yaml v1.25.0, built from their Go modules, and pulumi 3.272.0 from
# PyPI (the provider protocol). `pulumi do TYPE create NAME` makes a resource without a program, and
# keeps its inputs as a "snippet" in the stack's state.
# Behaviour: `pulumi state` knows the resource and not its snippet. After `pulumi state remove`, whose
# purpose is that Pulumi forgets a resource and leaves the real one alone, the next `pulumi up` makes
# a second one. After `pulumi state rename` it deletes the real one and makes another, and `pulumi do`
# cannot reach the renamed one: it "does not exist". The project's program is empty all along.
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
import os
from concurrent import futures

import grpc
from google.protobuf import empty_pb2
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
        if not request.preview:
            print("create", request.name, file=open(os.environ["DONE"], "a"))
        return messages.CreateResponse(id=request.name, properties=request.properties)

    def Delete(self, request, context):
        print("delete", request.id, file=open(os.environ["DONE"], "a"))
        return empty_pb2.Empty()


server = grpc.server(futures.ThreadPoolExecutor(4))
provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(), server)
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
server.wait_for_termination()
PY
printf '#!/bin/sh\nexec "%s" "%s"\n' "$folder/venv/bin/python" "$folder/provider.py" > plugin/pulumi-resource-desk
chmod +x plugin/pulumi-resource-desk
export PATH="$folder/bin:$PATH" PULUMI_HOME="$folder/home" PULUMI_BACKEND_URL="file://$folder/state"
export PULUMI_CONFIG_PASSPHRASE=x PULUMI_SKIP_UPDATE_CHECK=true DONE="$folder/done"
pulumi plugin install resource desk 1.0.0 --file plugin/pulumi-resource-desk >/dev/null 2>&1
mkdir project && cd project
printf 'name: p\nruntime: yaml\n' > Pulumi.yaml
pulumi stack init dev >/dev/null 2>&1
for name in first second; do
  pulumi do desk:index:Form create $name --text hello --yes >/dev/null 2>&1
done
look() { echo "$1:$(sed 's/^/ /' "$DONE" | tr '\n' ',')"; : > "$DONE"; }
{
  look "pulumi do"
  pulumi up --yes >/dev/null 2>&1; look "pulumi up"
  pulumi state remove urn:pulumi:dev::p::desk:index:Form::first --yes >/dev/null 2>&1
  pulumi up --yes >/dev/null 2>&1; look "first removed from the state, pulumi up"
  pulumi state rename urn:pulumi:dev::p::desk:index:Form::second renamed --yes >/dev/null 2>&1
  pulumi do desk:index:Form patch renamed --text new --yes 2>&1 | grep error
  pulumi up --yes >/dev/null 2>&1; look "second renamed in the state, pulumi up"
} > ../seen
cd ..
cat > expected <<'TEXT'
pulumi do: create first, create second,
pulumi up:
first removed from the state, pulumi up: create first,
error: resource desk:index:Form "renamed" does not exist in stack dev
second renamed in the state, pulumi up: create second, delete second,
TEXT
cat seen
diff expected seen && echo "as described, with pulumi v3.274.1 and pulumi-yaml v1.25.0"
