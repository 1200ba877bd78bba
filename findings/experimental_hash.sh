#!/bin/sh
# pulumi 3.272.0 from PyPI, pulumi.provider.experimental (native providers in Python).
# Behaviour: PropertyValue is a frozen dataclass that wraps its contents so that they can be hashed,
# and its __hash__ always raises: it hashes a list. No property value can be in a set or be a key.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv venv && venv/bin/pip install --quiet pulumi==3.272.0
cat > look.py <<'PY'
from pulumi.provider.experimental.property_value import PropertyValue


def outcome(ask):
    try:
        return ask()
    except Exception as error:
        return type(error).__name__ + ": " + str(error).split(" where")[0]


for value in (None, True, 1.0, "text", [], {}):
    print(repr(value), outcome(lambda: hash(PropertyValue(value))))
PY
cat > expected <<'TEXT'
None TypeError: unhashable type: 'list'
True TypeError: unhashable type: 'list'
1.0 TypeError: unhashable type: 'list'
'text' TypeError: unhashable type: 'list'
[] TypeError: unhashable type: 'list'
{} TypeError: unhashable type: 'list'
TEXT
venv/bin/python look.py > seen
cat seen
diff expected seen && echo "as described, with pulumi 3.272.0"
