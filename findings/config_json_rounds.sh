#!/bin/sh
# Pulumi CLI v3.274.1, built from its Go module (`pulumi config --json`).
# Behaviour: a map or list is shown twice, as text in "value" and as JSON in "objectValue", and the
# two differ: whole numbers beyond 2^53 are exact in the text and rounded in the object. A number on
# its own has only the exact text. Whoever reads ids from "objectValue" reads others.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
cli=github.com/pulumi/pulumi/pkg/v3/cmd/pulumi
mkdir build && cd build
go mod init finding >/dev/null 2>&1
go get "$cli@v3.274.1" >/dev/null 2>&1
CGO_ENABLED=0 go build -trimpath -tags=osusergo,grpcnotrace \
  "-ldflags=-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.274.1" -o .. "$cli"
cd ..
export PULUMI_HOME="$folder/home" PULUMI_BACKEND_URL="file://$folder/state" PULUMI_CONFIG_PASSPHRASE=x
export PULUMI_SKIP_UPDATE_CHECK=true
mkdir state project && cd project
printf 'name: p\nruntime: yaml\n' > Pulumi.yaml
../pulumi stack init dev >/dev/null 2>&1
printf 'config:\n  p:alone: 9007199254740993\n  p:inside: {id: 9007199254740993}\n' > Pulumi.dev.yaml
../pulumi config --json > seen
cat > expected <<'TEXT'
{
  "p:alone": {
    "value": "9007199254740993",
    "secret": false
  },
  "p:inside": {
    "value": "{\"id\":9007199254740993}",
    "objectValue": {
      "id": 9007199254740992
    },
    "secret": false
  }
}
TEXT
cat seen
diff expected seen && echo "as described, with pulumi v3.274.1"
