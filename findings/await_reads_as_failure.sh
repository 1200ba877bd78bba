#!/bin/sh
# Pulumi CLI v3.274.1, built from its Go module, and pulumi 3.272.0 from PyPI (Automation API and the
# provider protocol). A provider may answer a create with ErrorResourceAwaitFailed: the resource has
# to wait for something outside.
# Behaviour: what the provider says in the same status, which alone could tell what is waited for, is
# shown nowhere; the CLI writes "resource is awaiting" in its place. The console shows warnings and no
# error, but the stack's history keeps the run as "failed", and the Automation API raises the same
# CommandError as for a failure, so that only "code: 10" in its text tells them apart.
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
from concurrent import futures

import grpc
from pulumi.runtime.proto import plugin_pb2, provider_pb2_grpc, status_pb2
from pulumi.runtime.proto import provider_pb2 as messages


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    def Handshake(self, request, context):
        return messages.ProviderHandshakeResponse()

    def GetPluginInfo(self, request, context):
        return plugin_pb2.PluginInfo(version="1.0.0")

    def CheckConfig(self, request, context):
        return messages.CheckResponse(inputs=request.news)

    def Configure(self, request, context):
        return messages.ConfigureResponse()

    def Check(self, request, context):
        return messages.CheckResponse(inputs=request.news)

    def Create(self, request, context):
        status = status_pb2.Status(code=2, message="sign the form at the front desk")
        status.details.add().Pack(messages.ErrorResourceAwaitFailed())
        context.set_trailing_metadata(
            (("grpc-status-details-bin", status.SerializeToString()),)
        )
        context.abort(grpc.StatusCode.UNKNOWN, status.message)


server = grpc.server(futures.ThreadPoolExecutor(4))
provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(), server)
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
server.wait_for_termination()
PY
printf '#!/bin/sh\nexec "%s" "%s"\n' "$folder/venv/bin/python" "$folder/provider.py" > plugin/pulumi-resource-desk
chmod +x plugin/pulumi-resource-desk
cat > Pulumi.yaml <<'YAML'
name: p
runtime: python
plugins:
  providers:
    - name: desk
      path: plugin
YAML
cat > run.py <<'PY'
import pulumi
from pulumi import automation


def program():
    pulumi.CustomResource("desk:index:Form", "form", {}, pulumi.ResourceOptions(version="1.0.0"))


workspace = automation.LocalWorkspace(work_dir=".", program=program)
stack = automation.Stack.create_or_select("dev", workspace)
said = []
try:
    stack.up(on_output=said.append)
except automation.CommandError as error:
    print(f"raised {type(error).__name__}, code 10: {'code: 10' in str(error)}")
text = "\n".join(said)
for words in ("resource is awaiting", "front desk", "error:"):
    print(f"console shows {words!r}: {words in text}")
print("history:", [one.result for one in stack.history()])
PY
export PATH="$folder/bin:$PATH" PULUMI_HOME="$folder/home" PULUMI_BACKEND_URL="file://$folder/state"
export PULUMI_CONFIG_PASSPHRASE=x PULUMI_SKIP_UPDATE_CHECK=true
venv/bin/python run.py > seen 2>errors || { cat errors; exit 1; }
cat > expected <<'TEXT'
raised CommandError, code 10: True
console shows 'resource is awaiting': True
console shows 'front desk': False
console shows 'error:': False
history: ['failed']
TEXT
cat seen
diff expected seen && echo "as described, with pulumi v3.274.1 and 3.272.0"
