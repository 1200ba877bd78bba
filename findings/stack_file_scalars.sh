#!/bin/sh
# Pulumi's Go SDK v3.274.1 (config and workspace packages, which the CLI reads stack files with).
# Behaviour: an unquoted scalar in Pulumi.<stack>.yaml is resolved by YAML first and turned into the
# text of the resolved value afterwards. What a program gets is not what stands in the file: leading
# zeros go (also in `052812345678`, which is no octal number), octals are converted, a date becomes
# Go's own print of a time, 3.10 loses its zero. The *keys* of a nested map are resolved likewise:
# the key 1.10 arrives as "1.1". `yes` and `12:30` are left as they are.
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
config:
  p:phone: 052812345678
  p:zeros: 0123
  p:date: 2024-01-31
  p:version: 3.10
  p:yes: yes
  p:time: 12:30
  p:nested: {date: 2024-01-31, zeros: 0123, 1.10: key, phone: 052812345678}
YAML
cat > main.go <<'GO'
package main

import (
	"fmt"
	"io"
	"slices"

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
	values := must(stack.Config.Decrypt(config.NopDecrypter))
	lines := []string{}
	for key, value := range values {
		lines = append(lines, fmt.Sprintf("%s = %s", key, value))
	}
	slices.Sort(lines)
	for _, line := range lines {
		fmt.Println(line)
	}
}
GO
cat > expected <<'TEXT'
p:date = 2024-01-31 00:00:00 +0000 UTC
p:nested = {"1.1":"key","date":"2024-01-31 00:00:00 +0000 UTC","phone":52812345678,"zeros":83}
p:phone = 52812345678
p:time = 12:30
p:version = 3.1
p:yes = yes
p:zeros = 83
TEXT
go mod tidy >/dev/null 2>&1
go run . > seen
cat seen
diff expected seen && echo "as described, with sdk/v3 v3.274.1"
