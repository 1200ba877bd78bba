#!/bin/sh
# pulumi 3.272.0 from PyPI, a program.
# Behaviour: when the program's text has run, the SDK means to wait for all registrations and then
# for all outputs. But a registration counts once its task has begun, which none has by then, so it
# waits for outputs alone: for all that are open, several for each resource, and anew whenever one
# is there. What that costs grows with the square of the resources.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv venv && venv/bin/pip install --quiet pulumi==3.272.0
cat > count.py <<'PY'
import asyncio
import sys
import time

import pulumi
from pulumi.runtime import mocks, settings, stack

waited = 0
wait = asyncio.wait


def counted(tasks, **options):
    global waited
    waited += len(tasks)
    return wait(tasks, **options)


class Mocks(mocks.Mocks):
    def new_resource(self, args):
        time.sleep(0.002)
        return [args.name, args.inputs]

    def call(self, args):
        return {}


def program():
    for i in range(int(sys.argv[1])):
        pulumi.CustomResource("a:b:C", f"r{i}", {"x": i})


asyncio.wait = counted
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
mocks.set_mocks(Mocks(), preview=False)
settings.set_root_resource(None)
loop.run_until_complete(stack.wait_for_rpcs())
waited = 0
loop.run_until_complete(stack.run_in_stack(program))
print(waited)
PY
few=$(venv/bin/python count.py 20); many=$(venv/bin/python count.py 200)
echo "20 resources: $few waits for an output; 200 resources: $many"
[ "$many" -gt $((few * 20)) ] && echo "as described, with pulumi 3.272.0: twice as many for each resource and more"
