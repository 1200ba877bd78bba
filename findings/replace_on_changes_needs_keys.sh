#!/bin/sh
# Pulumi CLI v3.274.1, built from its Go module, and pulumi 3.272.0 from PyPI (Automation API and the
# provider protocol). A resource has replace_on_changes=["size"], its size changes, and the provider's
# Diff answers in one of the ways that the protocol allows.
# Behaviour: the option is heard only where the answer names what changed (in "diffs" or a detailed
# diff), or says DIFF_UNKNOWN, so that the engine compares for itself. After a mere DIFF_SOME it does
# nothing at all: the resource is updated in place, without a word, although the preview's own line
# says that size has changed. Python's dynamic providers answer DIFF_SOME for DiffResult(changes=True)
# and have no field for what changed.
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
import os
from concurrent import futures

import grpc
from pulumi.runtime.proto import plugin_pb2, provider_pb2_grpc
from pulumi.runtime.proto import provider_pb2 as messages

Diff = messages.DiffResponse
update = messages.PropertyDiff(kind=messages.PropertyDiff.UPDATE)
ANSWERS = {
    "some": Diff(changes=Diff.DIFF_SOME),
    "some, diffs": Diff(changes=Diff.DIFF_SOME, diffs=["size"]),
    "some, detailed": Diff(changes=Diff.DIFF_SOME, detailedDiff={"size": update}, hasDetailedDiff=True),
    "unknown": Diff(changes=Diff.DIFF_UNKNOWN),
}


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    Handshake = lambda self, request, context: messages.ProviderHandshakeResponse()
    GetPluginInfo = lambda self, request, context: plugin_pb2.PluginInfo(version="1.0.0")
    CheckConfig = Check = lambda self, request, context: messages.CheckResponse(inputs=request.news)
    Configure = lambda self, request, context: messages.ConfigureResponse(supportsPreview=True)
    DiffConfig = lambda self, request, context: messages.DiffResponse()
    Diff = lambda self, request, context: ANSWERS[os.environ["ANSWER"]]

    Update = lambda self, request, context: messages.UpdateResponse(properties=request.news)

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
import pulumi
from pulumi import automation

size = 1
options = pulumi.ResourceOptions(version="1.0.0", replace_on_changes=["size"])
workspace = automation.LocalWorkspace(
    work_dir=".", program=lambda: pulumi.CustomResource("desk:index:Form", "form", {"size": size}, options)
)
stack = automation.Stack.create_or_select("dev", workspace)
stack.up()
size = 2
for answer in ("some", "some, diffs", "some, detailed", "unknown"):
    workspace.env_vars["ANSWER"] = answer
    seen = stack.preview()
    op = "update" if "update" in seen.change_summary else "replace"
    print(f"{answer}: {op}, size named: {'~size' in seen.stdout}")
PY
export PATH="$folder/bin:$PATH" PULUMI_HOME="$folder/home" PULUMI_BACKEND_URL="file://$folder/state"
export PULUMI_CONFIG_PASSPHRASE=x PULUMI_SKIP_UPDATE_CHECK=true
venv/bin/python run.py > seen 2>errors || { cat errors; exit 1; }
cat > expected <<'TEXT'
some: update, size named: True
some, diffs: replace, size named: True
some, detailed: replace, size named: True
unknown: replace, size named: True
TEXT
cat seen
diff expected seen && echo "as described, with pulumi v3.274.1 and 3.272.0"
