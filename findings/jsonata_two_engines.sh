#!/bin/sh
# jsonata 2.2.2 from npm (the reference) and jsonata-python 0.7.1 from PyPI, in which connector
# platforms' users write how a field of one system becomes one of another.
# Behaviour: one expression, two values. A remainder of a broken number is cut to a whole one in
# Python (5.5 % 2 is 1, not 1.5), base64 is made of other bytes for any text beyond ASCII, 1_000 is a
# number in Python and an error in Node.js, and 18 digits come out as a rounded number here and in
# powers of ten there. A division by zero is Python's own error, and no error at all in Node.js: the
# result is infinite, which JSON writes as null.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv venv && venv/bin/pip install --quiet jsonata-python==0.7.1
npm install --silent --no-fund --no-audit --ignore-scripts jsonata@2.2.2 >/dev/null 2>&1
cat > look.py <<'PY'
import json
import sys

import jsonata

try:
    print("Python", json.dumps(jsonata.Jsonata(sys.argv[1]).evaluate({})))
except Exception as error:
    print("Python", type(error).__name__)
PY
cat > look.js <<'JS'
const jsonata = require("jsonata");

(async () => {
    try {
        console.log("Node.js", JSON.stringify(await jsonata(process.argv[2]).evaluate({})));
    } catch (error) {
        console.log("Node.js", error.code);
    }
})();
JS
for text in '5 % 3' '5.5 % 2' '$base64encode("é")' '$number("1_000")' '$string(123456789012345678)' '1/0'; do
  echo "$text: $(venv/bin/python look.py "$text"), $(node look.js "$text")"
done > seen
cat > expected <<'TEXT'
5 % 3: Python 2, Node.js 2
5.5 % 2: Python 1, Node.js 1.5
$base64encode("é"): Python "w6k=", Node.js "6Q=="
$number("1_000"): Python 1000, Node.js D3030
$string(123456789012345678): Python "1.23456789012346e+17", Node.js "123456789012345680"
1/0: Python ZeroDivisionError, Node.js null
TEXT
cat seen
diff expected seen && echo "as described, with jsonata 2.2.2 and jsonata-python 0.7.1"
