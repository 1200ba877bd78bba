#!/bin/sh
# pulumi 3.272.0 from PyPI, pulumi.provider.experimental (native providers in Python).
# Behaviour: there is a PropertyValue.computed() for what is not known in a preview, but neither way
# over the wire knows it. An unknown that the engine sends arrives as a STRING whose value is the
# protocol's marker text, so a provider takes it for a real value; a computed value that a provider
# returns can't be marshalled at all. `pulumi.dynamic` of the same package reads it as Unknown.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv venv && venv/bin/pip install --quiet pulumi==3.272.0
cat > look.py <<'PY'
from google.protobuf import struct_pb2
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime import rpc


def outcome(ask):
    try:
        return ask()
    except Exception as error:
        return type(error).__name__ + ": " + str(error).split(" where")[0]


wire = struct_pb2.Value(string_value=rpc.UNKNOWN)
arrived = PropertyValue.unmarshal(wire)
print("an unknown arrives as", arrived.type.value, "which is the marker:", arrived.value == rpc.UNKNOWN)
print("a computed value leaves as", outcome(PropertyValue.computed().marshal))
bag = rpc.deserialize_properties(struct_pb2.Struct(fields={"key": wire}), keep_unknowns=True)
print("pulumi.runtime reads", type(bag["key"]).__name__)
PY
cat > expected <<'TEXT'
an unknown arrives as String which is the marker: True
a computed value leaves as ValueError: Unsupported value type: <class 'pulumi.provider.experimental.property_value.Computed'>
pulumi.runtime reads Unknown
TEXT
venv/bin/python look.py > seen
cat seen
diff expected seen && echo "as described, with pulumi 3.272.0"
