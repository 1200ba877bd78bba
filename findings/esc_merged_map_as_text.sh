#!/bin/sh
# Go module github.com/pulumi/esc v0.17.0, which evaluates the environments of Pulumi ESC.
# Behaviour: an environment imports another, and both set keys of one map, so that the map has the keys
# of both. As JSON (fn::toJSON) and as a value it does. As text, in an interpolation "${map}" or by
# fn::toString, it has the keys of the importing environment alone: what was inherited is missing, at
# each level, without a diagnostic.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
cat > base.yaml <<'YAML'
values:
  database: {host: db.example, options: {ssl: on}}
YAML
cat > dev.yaml <<'YAML'
imports: [base]
values:
  database: {port: 5432, options: {pool: 3}}
  value: ${database}
  json: {fn::toJSON: "${database}"}
  text: {fn::toString: "${database}"}
  interpolated: "with ${database}"
YAML
cat > main.go <<'GO'
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/pulumi/esc"
	"github.com/pulumi/esc/eval"
)

type none struct{}

func (none) LoadProvider(context.Context, string) (esc.Provider, error) {
	return nil, errors.New("none")
}

func (none) LoadRotator(context.Context, string) (esc.Rotator, error) {
	return nil, errors.New("none")
}

func (none) LoadEnvironment(_ context.Context, name string) ([]byte, eval.Decrypter, error) {
	source, err := os.ReadFile(name + ".yaml")
	return source, nil, err
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func main() {
	environment, problems, err := eval.LoadYAMLBytes("dev", must(os.ReadFile("dev.yaml")))
	if err != nil || len(problems) > 0 {
		panic(fmt.Sprint(problems, err))
	}
	known := must(esc.NewExecContext(map[string]esc.Value{}))
	result, problems := eval.EvalEnvironment(context.Background(), "dev", environment, nil, none{}, none{}, known)
	fmt.Println("diagnostics:", len(problems))
	for _, name := range []string{"value", "json", "text", "interpolated"} {
		value := result.Properties[name].ToJSON(false)
		if text, ok := value.(string); ok {
			fmt.Println(name+":", text)
		} else {
			fmt.Println(name+":", string(must(json.Marshal(value))))
		}
	}
}
GO
go mod init finding >/dev/null 2>&1
go get github.com/pulumi/esc@v0.17.0 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
go run . > seen
cat > expected <<'TEXT'
diagnostics: 0
value: {"host":"db.example","options":{"pool":3,"ssl":"on"},"port":5432}
json: {"host":"db.example","options":{"pool":3,"ssl":"on"},"port":5432}
text: "options"="\"pool\"=\"3\"","port"="5432"
interpolated: with "options"="\"pool\"=\"3\"","port"="5432"
TEXT
cat seen
diff expected seen && echo "as described, with esc v0.17.0"
