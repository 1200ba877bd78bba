#!/bin/sh
# Three SDKs of Pulumi, each with its config's method for whole numbers: pulumi 3.272.0 from PyPI
# (get_int), @pulumi/pulumi 3.276.0 from npm (getNumber), github.com/pulumi/pulumi/sdk/v3 v3.274.1
# (TryInt).
# Behaviour: the same line of a stack's file is another number in another language. Go reads 0010 as
# octal and 0x10 as hexadecimal, which Python refuses. Node.js takes whatever number the text begins
# with and drops the rest in silence: 1_000 is 1 (1000 for the two others), 5,000 is 5, 0x10 is 0, and
# 30m, which the others refuse, is 30.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv venv && venv/bin/pip install --quiet pulumi==3.272.0
npm install --silent --no-fund --no-audit --ignore-scripts @pulumi/pulumi@3.276.0 >/dev/null 2>&1
cat > look.py <<'PY'
import sys

import pulumi

pulumi.runtime.set_all_config({"p:size": sys.argv[1]})
try:
    print("Python", pulumi.Config("p").get_int("size"))
except pulumi.ConfigTypeError:
    print("Python refuses")
PY
cat > look.js <<'JS'
const pulumi = require("@pulumi/pulumi");

pulumi.runtime.setAllConfig({ "p:size": process.argv[2] });
try {
    console.log("Node.js", new pulumi.Config("p").getNumber("size"));
} catch (error) {
    console.log("Node.js refuses");
}
JS
cat > main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

func main() {
	info := pulumi.RunInfo{Project: "p", Stack: "dev", Config: map[string]string{"p:size": os.Args[1]}}
	ctx, err := pulumi.NewContext(context.Background(), info)
	if err != nil {
		panic(err)
	}
	if size, err := config.New(ctx, "p").TryInt("size"); err == nil {
		fmt.Println("Go", size)
	} else {
		fmt.Println("Go refuses")
	}
}
GO
go mod init finding >/dev/null 2>&1
go get github.com/pulumi/pulumi/sdk/v3@v3.274.1 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
go build -o look .
for text in 10 0010 0x10 1_000 5,000 30m; do
  echo "$text: $(venv/bin/python look.py $text), $(node look.js $text), $(./look $text)"
done > seen
cat > expected <<'TEXT'
10: Python 10, Node.js 10, Go 10
0010: Python 10, Node.js 10, Go 8
0x10: Python refuses, Node.js 0, Go 16
1_000: Python 1000, Node.js 1, Go 1000
5,000: Python refuses, Node.js 5, Go refuses
30m: Python refuses, Node.js 30, Go refuses
TEXT
cat seen
diff expected seen && echo "as described, with the SDKs 3.272.0, 3.276.0 and v3.274.1"
