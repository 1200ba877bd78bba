#!/bin/sh
# pulumi 3.272.0 from PyPI, pulumi.provider.experimental (native providers in Python).
# Behaviour: DiffResponse(changes=True) means "there are changes" in diff and the opposite in
# diff_config: there the boolean goes into the protocol's enumeration as a number, in which 1 is "no
# changes" and 0 "unknown". A detailed diff, which diff takes, ends diff_config in an AttributeError.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv venv && venv/bin/pip install --quiet pulumi==3.272.0
cat > look.py <<'PY'
import asyncio

from pulumi.provider.experimental import provider as experimental
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime.proto import provider_pb2


class Same(experimental.Provider):
    answer = None

    async def diff(self, request):
        return self.answer

    diff_config = diff


same = Same()
servicer = ProviderServicer([], "1.0.0", same, "127.0.0.1:1")
UPDATE = experimental.PropertyDiff(experimental.PropertyDiffKind.UPDATE, True)
for same.answer in (
    experimental.DiffResponse(changes=True),
    experimental.DiffResponse(changes=False),
    experimental.DiffResponse(changes=True, detailed_diff={"size": UPDATE}),
):
    detailed = "detailed" if same.answer.detailed_diff else "plain"
    for name in ("Diff", "DiffConfig"):
        try:
            answer = asyncio.run(getattr(servicer, name)(provider_pb2.DiffRequest(), None))
            seen = provider_pb2.DiffResponse.DiffChanges.Name(answer.changes)
        except Exception as error:
            seen = str(error).splitlines()[0]
        print(f"changes={same.answer.changes}, {detailed}, {name}: {seen}")
PY
cat > expected <<'TEXT'
changes=True, plain, Diff: DIFF_SOME
changes=True, plain, DiffConfig: DIFF_NONE
changes=False, plain, Diff: DIFF_NONE
changes=False, plain, DiffConfig: DIFF_UNKNOWN
changes=True, detailed, Diff: DIFF_SOME
changes=True, detailed, DiffConfig: 'PropertyDiff' object has no attribute 'inputDiff':
TEXT
venv/bin/python look.py > seen
cat seen
diff expected seen && echo "as described, with pulumi 3.272.0"
