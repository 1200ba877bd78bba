#!/bin/sh
# Pulumi CLI v3.274.1 and pulumi-yaml v1.25.0, built from their Go modules, and pulumi 3.272.0 from
# PyPI (the provider protocol, for a provider whose resource has a text and a map).
# Behaviour: `pulumi import` in a YAML project writes the code for what it imported, and that code is
# not what was imported: the texts null, ~, 0x1F, 0o17 and .inf stand there without quotes, and the
# same tool reads them back as nothing, as numbers and as infinity, although it quotes true, 1.10 and
# 0123. So the first `pulumi preview` of untouched generated code shows a change. A map key null makes
# the program unreadable.
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
from pulumi.runtime.proto import plugin_pb2, provider_pb2_grpc
from pulumi.runtime.proto import provider_pb2 as messages

texts = {"type": "object", "additionalProperties": {"type": "string"}}
properties = {"text": {"type": "string"}, "map": texts}
form = {"inputProperties": properties, "properties": properties}
SCHEMA = json.dumps({"name": "desk", "version": "1.0.0", "resources": {"desk:index:Form": form}})


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    Handshake = lambda self, request, context: messages.ProviderHandshakeResponse()
    GetPluginInfo = lambda self, request, context: plugin_pb2.PluginInfo(version="1.0.0")
    GetSchema = lambda self, request, context: messages.GetSchemaResponse(schema=SCHEMA)
    Configure = lambda self, request, context: messages.ConfigureResponse(supportsPreview=True)
    DiffConfig = Diff = lambda self, request, context: messages.DiffResponse(changes=1)  # none

    CheckConfig = lambda self, request, context: messages.CheckResponse(inputs=request.news)

    def Check(self, request, context):
        with open(os.environ["CHECKED"], "w") as file:
            file.write("read back %r" % dict(request.news).get("text"))
        return messages.CheckResponse(inputs=request.news)

    def Read(self, request, context):
        answer = messages.ReadResponse(id=request.id)
        state = {"map": {"null": "x"}} if request.id == "a map" else {"text": request.id}
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
export PULUMI_CONFIG_PASSPHRASE=x PULUMI_SKIP_UPDATE_CHECK=true CHECKED="$folder/checked"
mkdir project && cd project
number=0
for id in null '~' 0x1F 0o17 .inf true 1.10 0123 'a map'; do
  number=$((number + 1))
  printf 'name: p\nruntime: yaml\nplugins: {providers: [{name: desk, path: ../plugin}]}\n' > Pulumi.yaml
  pulumi stack init "s$number" >/dev/null 2>&1
  pulumi import desk:index:Form form "$id" --yes --out generated.yaml >/dev/null 2>&1
  cat generated.yaml >> Pulumi.yaml
  printf '%s: generated %s, ' "$id" "$(grep -E '^      (text| *null):' generated.yaml | tr -s ' ')"
  if pulumi preview >/dev/null 2>&1; then cat "$CHECKED"; else printf 'preview fails'; fi
  echo
done > ../seen
cd ..
cat > expected <<'TEXT'
null: generated  text: null, read back None
~: generated  text: ~, read back None
0x1F: generated  text: 0x1F, read back 31.0
0o17: generated  text: 0o17, read back 15.0
.inf: generated  text: .inf, read back inf
true: generated  text: 'true', read back 'true'
1.10: generated  text: '1.10', read back '1.10'
0123: generated  text: '0123', read back '0123'
a map: generated  null: x, preview fails
TEXT
cat seen
diff expected seen && echo "as described, with pulumi v3.274.1 and pulumi-yaml v1.25.0"
