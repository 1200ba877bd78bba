#!/bin/sh
# Pulumi CLI v3.274.1 and pulumi-yaml v1.25.0, built from their Go modules, and pulumi 3.272.0 from
# PyPI (the provider protocol, for a provider whose resource has a map and a list).
# Behaviour: `pulumi import` in a YAML project ends in an error as soon as one list of the resource
# holds a null, and by then the import is done: the resource is in the state and has no
# code. All that is said of the cause is that a "package block label is deprecated" in anonymous.pp, a
# file that nobody has, "and 1 other diagnostic(s)"; the deprecated label is the importer's own, and
# in every import that works too. A null in a map passes.
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

text = {"type": "string"}
properties = {"map": {"type": "object", "additionalProperties": text}, "list": {"type": "array", "items": text}}
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

    def Read(self, request, context):
        answer = messages.ReadResponse(id=request.id)
        state = {"map": {"a": None}} if request.id == "map" else {"list": ["a", None]}
        answer.properties.update(state)
        answer.inputs.update(state)
        return answer


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
printf 'name: p\nruntime: yaml\nplugins: {providers: [{name: desk, path: ../plugin}]}\n' > Pulumi.yaml
pulumi stack init dev >/dev/null 2>&1
for id in map list; do
  code=0; pulumi import desk:index:Form "$id" "$id" --yes --out $id.yaml >out 2>&1 || code=$?
  echo "null in a $id: exit $code, $(ls | grep -c "$id.yaml") file, $(grep -o 'error: .*' out || echo no error)"
  echo "in the state: $(pulumi stack --show-urns | grep -c "Form::$id")"
done > ../seen
cd ..
cat > expected <<'TEXT'
null in a map: exit 0, 1 file, no error
in the state: 1
null in a list: exit 1, 1 file, error: anonymous.pp:0,8-12: package block label is deprecated; Package block labels should be replaced by baseProviderName., and 1 other diagnostic(s)
in the state: 1
TEXT
cat seen
diff expected seen && echo "as described, with pulumi v3.274.1 and pulumi-yaml v1.25.0"
