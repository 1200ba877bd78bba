#!/bin/sh
# pulumi 3.272.0 from PyPI, pulumi.provider.experimental (native providers in Python).
# Behaviour: a reference to a resource carries its id and its package's version on the wire as "id"
# and "packageVersion", as pulumi.runtime of the same package writes and reads them.
# PropertyValue looks for "resource_id" and "package_version": both are lost when a reference comes
# in, and what it sends out has names that nobody else reads.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv venv && venv/bin/pip install --quiet pulumi==3.272.0
cat > look.py <<'PY'
from google.protobuf import json_format, struct_pb2
from pulumi.provider.experimental.property_value import PropertyValue, ResourceReference
from pulumi.runtime import rpc

reference = {
    rpc._special_sig_key: rpc._special_resource_sig,
    "urn": "urn:pulumi:dev::project::type::name",
    "id": "i-1",
    "packageVersion": "1.2.3",
}
arrived = PropertyValue.unmarshal(json_format.ParseDict(reference, struct_pb2.Value())).value
print("arrives with id", arrived.resource_id, "and version", arrived.package_version)
sent = PropertyValue(ResourceReference(arrived.urn, PropertyValue("i-1"), "1.2.3")).marshal()
print("leaves as", *sorted(set(json_format.MessageToDict(sent)) - {rpc._special_sig_key}))
PY
cat > expected <<'TEXT'
arrives with id None and version None
leaves as package_version resource_id urn
TEXT
venv/bin/python look.py > seen
cat seen
diff expected seen && echo "as described, with pulumi 3.272.0"
