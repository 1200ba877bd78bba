#!/bin/sh
# pulumi 3.272.0 from PyPI, pulumi.provider.experimental (native providers in Python).
# Behaviour: in an output value on the wire, "secret" and "dependencies" are optional: the same
# package leaves out the one that is false and the other that is empty. PropertyValue.unmarshal reads
# such a value only where both are there, and ends in an UnboundLocalError otherwise.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv venv && venv/bin/pip install --quiet pulumi==3.272.0
cat > look.py <<'PY'
from google.protobuf import json_format, struct_pb2
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime import rpc


def outcome(ask):
    try:
        return ask()
    except Exception as error:
        return type(error).__name__


for optional in ({"secret": True, "dependencies": ["urn"]}, {"dependencies": ["urn"]}, {"secret": True}):
    value = {rpc._special_sig_key: rpc._special_output_value_sig, "value": "text"} | optional
    wire = json_format.ParseDict(value, struct_pb2.Value())
    print(sorted(optional), outcome(lambda: str(PropertyValue.unmarshal(wire))))
PY
cat > expected <<'TEXT'
['dependencies', 'secret'] text (secret) (dependencies: urn)
['dependencies'] UnboundLocalError
['secret'] UnboundLocalError
TEXT
venv/bin/python look.py > seen
cat seen
diff expected seen && echo "as described, with pulumi 3.272.0"
