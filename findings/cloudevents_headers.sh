#!/bin/sh
# cloudevents 2.2.0 from PyPI and cloudevents 10.0.0 from npm, the two SDKs of one specification, in
# its binary HTTP mode (attributes as ce- headers), in which connector platforms send webhooks.
# Behaviour: the specification has header values percent-encoded (space, quote, per cent, not ASCII).
# Python's SDK encodes and decodes, the one for Node.js does neither: a subject "50% off" that Python
# sends is "50%25%20off" in Node.js, and "a%20b" that Node.js sends is "a b" in Python. Booleans, which
# the specification writes true and false, leave Python as True and False. Structured mode has none
# of this.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv venv && venv/bin/pip install --quiet cloudevents==2.2.0
npm install --silent --no-fund --no-audit --ignore-scripts cloudevents@10.0.0 >/dev/null 2>&1
cat > send.py <<'PY'
import json

from cloudevents.core.bindings.http import to_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

event = CloudEvent(
    {"type": "t", "source": "/s", "id": "1", "specversion": "1.0", "subject": "50% off", "paid": True}
)
print(json.dumps(to_binary(event, JSONFormat()).headers))
PY
cat > send.js <<'JS'
const { CloudEvent, HTTP } = require("cloudevents");

const event = new CloudEvent({ type: "t", source: "/s", id: "1", subject: "a%20b", paid: true });
console.log(JSON.stringify(HTTP.binary(event).headers));
JS
cat > read.py <<'PY'
import json
import sys

from cloudevents.core.bindings.http import HTTPMessage, from_http
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

headers = {name: str(value) for name, value in json.load(sys.stdin).items()}
event = from_http(HTTPMessage(headers=headers, body=b""), JSONFormat(), CloudEvent)
print("read by Python:", repr(event.get_subject()))
PY
cat > read.js <<'JS'
const { HTTP } = require("cloudevents");

const headers = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log("read by Node.js:", HTTP.toEvent({ headers, body: "" }).subject);
JS
{
  venv/bin/python send.py > python.json
  node send.js > node.json
  for language in python node; do
    echo "sent by $language: $(grep -oE '"ce-(subject|paid)": ?"?[^",}]*"?' $language.json | sort | tr '\n' ' ')"
  done
  node read.js < python.json
  venv/bin/python read.py < node.json
} > seen
cat > expected <<'TEXT'
sent by python: "ce-paid": "True" "ce-subject": "50%25%20off" 
sent by node: "ce-paid":true "ce-subject":"a%20b" 
read by Node.js: 50%25%20off
read by Python: 'a b'
TEXT
cat seen
diff expected seen && echo "as described, with cloudevents 2.2.0 (PyPI) and 10.0.0 (npm)"
