#!/bin/sh
# Pulumi's Go SDK v3.274.1 (package workspace, behind every `pulumi config set`).
# Behaviour: saving one value, of another key, turns each alias and each merge key of the stack file
# into a copy of what it stood for; what was merged in comes after the map's own keys. The anchor and
# the comments stay, so that the file looks as if it were still shared, while a change of the
# anchored map no longer reaches the others.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
cat > go.mod <<'MOD'
module finding

go 1.26

require github.com/pulumi/pulumi/sdk/v3 v3.274.1
MOD
cat > Pulumi.yaml <<'YAML'
name: p
runtime: yaml
YAML
cat > Pulumi.dev.yaml <<'YAML'
# whose stack this is
config:
  p:shared: &shared {region: eu, size: 2} # what all have
  p:first: *shared
  p:second:
    <<: *shared
    size: 3 # larger
YAML
cat > main.go <<'GO'
package main

import (
	"io"

	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func main() {
	sink := diag.DefaultSink(io.Discard, io.Discard, diag.FormatOptions{Color: "never"})
	project := must(workspace.LoadProject("Pulumi.yaml"))
	stack := must(workspace.LoadProjectStack(sink, project, "Pulumi.dev.yaml"))
	if err := stack.Config.Set(must(config.ParseKey("p:third")), config.NewValue("new"), false); err != nil {
		panic(err)
	}
	if err := stack.Save("Pulumi.dev.yaml"); err != nil {
		panic(err)
	}
}
GO
go mod tidy >/dev/null 2>&1
go run .
cat > expected <<'YAML'
# whose stack this is
config:
  p:shared: &shared {region: eu, size: 2} # what all have
  p:first:
    region: eu
    size: 2
  p:second:
    size: 3 # larger
    region: eu
  p:third: new
YAML
cat Pulumi.dev.yaml
diff expected Pulumi.dev.yaml && echo "as described, with sdk/v3 v3.274.1"
