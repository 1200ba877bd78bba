#!/bin/sh
# Pulumi's Go SDK v3.274.1 (package config, behind `pulumi config set --path KEY VALUE`).
# Behaviour: with a path, a value is stored as a number as soon as Go's parser reads it as a whole
# one, although it was given as text and only some spellings are left alone: `+49` loses its plus
# and becomes 49, and a number of 20 digits is rounded to a float when it is saved. `0049`, `4.90` and
# `1e3` stay text, and so does everything that is set without a path.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
cat > go.mod <<'MOD'
module finding

go 1.26

require github.com/pulumi/pulumi/sdk/v3 v3.274.1
MOD
cat > main.go <<'GO'
package main

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/encoding"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
)

func main() {
	for _, value := range []string{"+49", "12345678901234567890", "0049", "4.90", "1e3"} {
		for _, path := range []bool{true, false} {
			stack := workspace.ProjectStack{Config: config.Map{}}
			name := "p:account"
			if path {
				name = "p:account.number"
			}
			key, err := config.ParseKey(name)
			if err != nil {
				panic(err)
			}
			if err := stack.Config.Set(key, config.NewValue(value), path); err != nil {
				panic(err)
			}
			saved, err := encoding.YAML.Marshal(&stack)
			if err != nil {
				panic(err)
			}
			fmt.Printf("%s, path %t: %q\n", value, path, string(saved)[len("config:\n"):])
		}
	}
}
GO
cat > expected <<'TEXT'
+49, path true: "  p:account:\n    number: 49\n"
+49, path false: "  p:account: \"+49\"\n"
12345678901234567890, path true: "  p:account:\n    number: 1.2345678901234567e+19\n"
12345678901234567890, path false: "  p:account: \"12345678901234567890\"\n"
0049, path true: "  p:account:\n    number: \"0049\"\n"
0049, path false: "  p:account: \"0049\"\n"
4.90, path true: "  p:account:\n    number: \"4.90\"\n"
4.90, path false: "  p:account: \"4.90\"\n"
1e3, path true: "  p:account:\n    number: \"1e3\"\n"
1e3, path false: "  p:account: \"1e3\"\n"
TEXT
go mod tidy >/dev/null 2>&1
go run . > seen
cat seen
diff expected seen && echo "as described, with sdk/v3 v3.274.1"
