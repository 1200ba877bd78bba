#!/bin/sh
# Go modules github.com/pulumi/pulumi-yaml v1.25.0 (YAML programs) and the
# github.com/pulumi/pulumi/sdk/v3 v3.206.0 that it requires (project and stack files).
# Behaviour: two readers of YAML in one tool, and each takes what the other refuses. A stack file may
# have anchors and aliases, and a key that stands twice makes it unreadable. A program, often in the
# very file that the first one reads as the project, is refused for any alias ("alias nodes are not
# supported"), and a resource that is declared twice is taken in silence, both of them under one name.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
cat > aliases.yaml <<'YAML'
name: p
runtime: yaml
config:
  p:one: &same {length: 2}
  p:two: *same
variables:
  one: &kept {length: 2}
  two: *kept
YAML
cat > twice.yaml <<'YAML'
name: p
runtime: yaml
config:
  p:one: a
  p:one: b
resources:
  desk: {type: "random:RandomPet", properties: {length: 2}}
  desk: {type: "random:RandomPet", properties: {length: 3}}
YAML
cat > main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"github.com/pulumi/pulumi-yaml/pkg/pulumiyaml"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
)

func main() {
	for _, name := range []string{"aliases.yaml", "twice.yaml"} {
		project := &workspace.Project{Name: "p"}
		stack, err := workspace.LoadProjectStack(nil, project, name)
		if err == nil {
			fmt.Println(name, "as a stack file:", len(stack.Config), "keys")
		} else {
			fmt.Println(name, "as a stack file: refused")
		}
		source, err := os.ReadFile(name)
		if err != nil {
			panic(err)
		}
		program, problems, err := pulumiyaml.LoadYAMLBytes(name, source)
		if err != nil || problems.HasErrors() {
			fmt.Println(name, "as a program: refused,", problems[0].Summary)
			continue
		}
		for _, entry := range program.Resources.Entries {
			fmt.Println(name, "as a program: resource", entry.Key.Value)
		}
	}
}
GO
go mod init finding >/dev/null 2>&1
go get github.com/pulumi/pulumi-yaml@v1.25.0 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
grep -q "pulumi/sdk/v3 v3.206.0" go.mod
go run . > seen
cat > expected <<'TEXT'
aliases.yaml as a stack file: 2 keys
aliases.yaml as a program: refused, alias nodes are not supported
twice.yaml as a stack file: refused
twice.yaml as a program: resource desk
twice.yaml as a program: resource desk
TEXT
cat seen
diff expected seen && echo "as described, with pulumi-yaml v1.25.0 and sdk/v3 v3.206.0"
