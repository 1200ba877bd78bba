#!/bin/sh
# pulumi 3.272.0 from PyPI, a program.
# Behaviour: for each resource a program sends the engine four debug messages, each a call of its own
# that the program waits for, whether or not anybody asked for debug output. There is no switch: the
# engine alone knows that it throws them away. In a program of thousands they are most of its calls.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv venv && venv/bin/pip install --quiet pulumi==3.272.0
cat > count.py <<'PY'
import sys
from collections import Counter

import pulumi
from pulumi.runtime import mocks, settings
from pulumi.runtime.proto import engine_pb2

sent = Counter()


class Engine(mocks.MockEngine):
    def Log(self, request):
        sent[request.severity] += 1
        return super().Log(request)


class Mocks(mocks.Mocks):
    def new_resource(self, args):
        return [args.name, args.inputs]

    def call(self, args):
        return {}


mocks.set_mocks(Mocks(), preview=False)
settings.SETTINGS.engine = Engine(None)


@pulumi.runtime.test
def program():
    made = [pulumi.CustomResource("a:b:C", f"r{i}", {"x": i}) for i in range(int(sys.argv[1]))]
    return pulumi.Output.all(*[one.id for one in made])


program()
print(sent[engine_pb2.DEBUG], sum(sent.values()))
PY
few=$(venv/bin/python count.py 10); many=$(venv/bin/python count.py 110)
echo "10 resources: $few messages (debug, all)"
echo "110 resources: $many messages (debug, all)"
set -- $few $many
[ "$1" = "$2" ] && [ "$3" = "$4" ] && [ $(($3 - $1)) -eq 400 ] \
  && echo "as described, with pulumi 3.272.0: 4 for each resource"
