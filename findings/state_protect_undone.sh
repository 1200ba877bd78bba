#!/bin/sh
# Pulumi CLI v3.274.1, built from its Go module, and pulumi 3.272.0 from PyPI (Automation API).
# Behaviour: `pulumi state protect` lasts until the program is run again. A program that doesn't speak
# of protection counts as one that says no, and takes it away: in `pulumi up`, and even in `pulumi
# refresh --run-program`, both of which call the resource unchanged. From then on it is deleted without
# a question. Between the two, a plain refresh keeps it, and so does a deletion, which is refused.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
cli=github.com/pulumi/pulumi/pkg/v3/cmd/pulumi
mkdir build bin plugin state && cd build
go mod init finding >/dev/null 2>&1
go get "$cli@v3.274.1" >/dev/null 2>&1
CGO_ENABLED=0 go build -trimpath -tags=osusergo,grpcnotrace \
  "-ldflags=-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.274.1" -o ../bin "$cli"
cd ..
python3 -m venv venv && venv/bin/pip install --quiet pulumi==3.272.0
printf 'name: p\nruntime: python\n' > Pulumi.yaml
cat > run.py <<'PY'
import subprocess

import pulumi
from pulumi import automation

declared = True


def program():
    if declared:
        pulumi.ComponentResource("desk:index:Form", "form")


stack = automation.Stack.create_or_select("dev", automation.LocalWorkspace(work_dir=".", program=program))
stack.up()


def protect():
    urn = "urn:pulumi:dev::p::desk:index:Form::form"
    command = ["pulumi", "state", "protect", urn, "--yes", "--stack", "dev"]
    subprocess.run(command, check=True, capture_output=True)


def protected():
    return any(each.get("protect") for each in stack.export_stack().deployment["resources"])


def report(name, run):
    try:
        changes = run().summary.resource_changes
    except automation.CommandError as error:
        changes = "refused" if "it is protected" in str(error) else error
    print(f"{name}: {changes}, protected: {protected()}")


protect()
print("state protect, protected:", protected())
report("refresh", stack.refresh)
declared = False
report("up, no longer declared", stack.up)
declared = True
report("refresh --run-program", lambda: stack.refresh(run_program=True))
protect()
report("up", stack.up)
declared = False
report("up, no longer declared", stack.up)
PY
export PATH="$folder/bin:$PATH" PULUMI_HOME="$folder/home" PULUMI_BACKEND_URL="file://$folder/state"
export PULUMI_CONFIG_PASSPHRASE=x PULUMI_SKIP_UPDATE_CHECK=true
venv/bin/python run.py > seen 2>errors || { cat errors; exit 1; }
cat > expected <<'TEXT'
state protect, protected: True
refresh: {'same': 2}, protected: True
up, no longer declared: refused, protected: True
refresh --run-program: {'same': 2}, protected: False
up: {'same': 2}, protected: False
up, no longer declared: {'delete': 1, 'same': 1}, protected: False
TEXT
cat seen
diff expected seen && echo "as described, with pulumi v3.274.1 and 3.272.0"
