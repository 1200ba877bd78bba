#!/bin/sh
# Pulumi CLI v3.274.1, built from its Go module (`pulumi config set --type`).
# Behaviour: --type int refuses what is no whole number, but --type bool refuses nothing: `yes`, `on`
# and any other word that Go does not call true are stored as false, with exit code 0. --type float
# takes `inf` and saves `.inf`; from then on no `pulumi config` command of that stack reads its file,
# because the value has no JSON, until the line is taken out by hand. And the type lives until the
# next write alone: a boolean is saved as true, and becomes the text "true" when another key is set.
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
file=Pulumi.dev.yaml
look() {
  code=0; ../pulumi config set --type "$1" "$2" "$3" 2>/dev/null || code=$?
  echo "--type $1 $3: exit $code,$(grep "p:$2" $file || echo ' nothing stored')"
}
{
  look bool first true
  look bool second yes
  grep p:first $file
  look int third 1.0
  look float fourth inf
  ../pulumi config 2>&1 | tail -1
} > seen
cat > expected <<'TEXT'
--type bool true: exit 0,  p:first: true
--type bool yes: exit 0,  p:second: false
  p:first: "true"
--type int 1.0: exit 1, nothing stored
--type float inf: exit 0,  p:fourth: .inf
error: invalid YAML file: could not unmarshal map: json: unsupported value: +Inf
TEXT
cat seen
diff expected seen && echo "as described, with pulumi v3.274.1"
