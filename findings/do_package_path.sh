#!/bin/sh
# Pulumi CLI v3.274.1 and pulumi-yaml v1.25.0, built from their Go modules, and pulumi 3.272.0 from
# PyPI (the provider protocol). The provider is given as `pulumi do --package PATH`, "a path to a
# plugin binary or folder" in the words of the command's help.
# Behaviour: by its path a provider can be read from, and can create with --stateless. The plain create,
# which keeps what it made in the stack, loads the provider by the same path first, and then looks for
# a published release of a package whose name is that path. It fails at "bind snippet".
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

    Read = lambda self, request, context: messages.ReadResponse(id=request.id, properties=request.properties)

    def Create(self, request, context):
        return messages.CreateResponse(id="" if request.preview else "1", properties=request.properties)


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
printf 'name: p\nruntime: yaml\n' > Pulumi.yaml
pulumi stack init dev >/dev/null 2>&1
look() {
  name=$1; shift; code=0
  pulumi do --package "$folder/plugin/pulumi-resource-desk" "$@" >../out 2>&1 || code=$?
  echo "$name: exit $((code != 0)) $(grep -o -m1 'bind snippet' ../out || echo done)"
}
{
  look read desk:index:Form read 1
  look "create --stateless" --stateless desk:index:Form create --text hello --yes
  look create desk:index:Form create form --text hello --yes
} > ../seen
cd ..
cat > expected <<'TEXT'
read: exit 0 done
create --stateless: exit 0 done
create: exit 1 bind snippet
TEXT
cat seen
diff expected seen && echo "as described, with pulumi v3.274.1 and pulumi-yaml v1.25.0"
