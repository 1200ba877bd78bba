#!/bin/sh
# Go module github.com/pulumi/pulumi/sdk/v3 v3.274.1, with which the CLI reads stack files, and PyYAML
# 6.0.3 from PyPI.
# Behaviour: in YAML a key is a merge key where it is written plain, and text where it stands in
# quotes. Python takes the quoted "<<" for the text it is. Go merges all the same: a map below such a
# key becomes part of the map around it, in silence, and any other value makes the whole file
# unreadable, so that every command of that stack refuses. No spelling keeps such a key.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
cat > Pulumi.yaml <<'YAML'
name: p
runtime: go
YAML
cat > Pulumi.map.yaml <<'YAML'
config:
  p:arrows:
    "<<": {from: a}
    to: b
YAML
cat > Pulumi.text.yaml <<'YAML'
config:
  p:arrows:
    "<<": a
    to: b
YAML
cat > main.go <<'GO'
package main

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
)

func main() {
	project, err := workspace.LoadProject("Pulumi.yaml")
	if err != nil {
		panic(err)
	}
	for _, name := range []string{"map", "text"} {
		stack, err := workspace.LoadProjectStack(nil, project, "Pulumi."+name+".yaml")
		if err != nil {
			fmt.Println("Go,", name+":", err)
			continue
		}
		value, err := stack.Config[config.MustMakeKey("p", "arrows")].Value(config.NopDecrypter)
		fmt.Println("Go,", name+":", value, err)
	}
}
GO
go mod init finding >/dev/null 2>&1
go get github.com/pulumi/pulumi/sdk/v3@v3.274.1 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
python3 -m venv venv && venv/bin/pip install --quiet PyYAML==6.0.3
{
  go run .
  for name in map text; do
    venv/bin/python -c "import yaml
print('Python, $name:', yaml.safe_load(open('Pulumi.$name.yaml'))['config']['p:arrows'])"
  done
} > seen
cat > expected <<'TEXT'
Go, map: {"from":"a","to":"b"} <nil>
Go, text: invalid YAML file: could not unmarshal map: yaml: map merge requires map or sequence of maps as the value
Python, map: {'<<': {'from': 'a'}, 'to': 'b'}
Python, text: {'<<': 'a', 'to': 'b'}
TEXT
cat seen
diff expected seen && echo "as described, with sdk/v3 v3.274.1 and PyYAML 6.0.3"
