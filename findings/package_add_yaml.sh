#!/bin/sh
# Pulumi CLI v3.274.1 and pulumi-yaml v1.25.0, built from their Go modules: `pulumi package add` in a
# YAML project, with a package whose schema is a file.
# Behaviour: the command does its work, says so, and fails: "Successfully generated an SDK", a new
# folder sdks/ in the project, then an error about a method Link that YAML's language host does not
# have, and exit code 1. Nothing is taken back, and a second call ends alike, so that a script which
# adds packages to projects of several languages stops at each YAML one.
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
export PATH="$folder/bin:$PATH" PULUMI_HOME="$folder/home" PULUMI_BACKEND_URL="file://$folder/state"
export PULUMI_SKIP_UPDATE_CHECK=true
mkdir project && cd project
printf 'name: p\nruntime: yaml\n' > Pulumi.yaml
cat > ../schema.json <<'JSON'
{"name": "desk", "version": "1.0.0", "resources": {"desk:index:Form": {"properties": {"text": {"type": "string"}}}}}
JSON
for call in first second; do
  code=0; pulumi package add ../schema.json >../out 2>&1 || code=$?
  echo "$call call: exit $code, wrote $(ls sdks/desk), $(grep -oE 'Successfully generated an SDK|error: .*' ../out | tr '\n' ',')"
done > ../seen
cd ..
cat > expected <<'TEXT'
first call: exit 1, wrote desk-1.0.0.yaml, Successfully generated an SDK,error: linking package: method Link not implemented,
second call: exit 1, wrote desk-1.0.0.yaml, Successfully generated an SDK,error: linking package: method Link not implemented,
TEXT
cat seen
diff expected seen && echo "as described, with pulumi v3.274.1 and pulumi-yaml v1.25.0"
