#!/bin/sh
# Pulumi CLI v3.274.1, built from its Go module (`pulumi preview --config-path --config KEY=VALUE`).
# Behaviour: with a path that leads into an existing map, the value is not put beside what the map
# holds: the map at the path's second step is replaced by one that has the new value alone, and all
# that stood beside it is gone. The result is saved to the stack's file by a mere preview, before the
# program is started: also by one that ends in an error, as this one does for want of a program.
# `pulumi config set --path` with the same key keeps what is there.
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
before='config:
  p:m:
    a:
      x: 1
      y: 2
    b: 3'
{
  echo "$before" > Pulumi.dev.yaml
  ../pulumi config set --path 'p:m.a.z' true
  echo "config set --path:"; grep -v encryption Pulumi.dev.yaml
  echo "$before" > Pulumi.dev.yaml
  code=0; ../pulumi preview --config-path --config 'p:m.a.z=true' >/dev/null 2>&1 || code=$?
  echo "preview --config-path, exit $((code != 0)):"; grep -v encryption Pulumi.dev.yaml
} > seen
cat > expected <<'TEXT'
config set --path:
config:
  p:m:
    a:
      x: 1
      y: 2
      z: true
    b: 3
preview --config-path, exit 1:
config:
  p:m:
    a:
      z: true
TEXT
cat seen
diff expected seen && echo "as described, with pulumi v3.274.1"
