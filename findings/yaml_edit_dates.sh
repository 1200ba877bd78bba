#!/bin/sh
# yaml-edit 0.2.0 and PyYAML 6.0.3 from PyPI.
# Behaviour: a Python text that is set in a document is put in quotes where YAML 1.1 would read it as
# something else: `yes`, `0123`, `+49`, `<<`. Dates, times and sexagesimal numbers are left bare
# although YAML 1.1 has them too, and so is `=`: PyYAML (and Go's yaml.v3, for dates) reads another
# value than the one that was set, or refuses the file.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv venv && venv/bin/pip install --quiet yaml-edit==0.2.0 PyYAML==6.0.3
cat > look.py <<'PY'
import yaml
from yaml_edit import Document

for text in ("yes", "0123", "+49", "<<", "2024-01-31", "12:30", "="):
    document = Document.parse("a: 1\n")
    document["key"] = text
    line = str(document).splitlines()[1]
    try:
        read = repr(yaml.safe_load(line)["key"])
    except yaml.YAMLError as error:
        read = type(error).__name__
    print(f"{text}: written {line}, read {read}")
PY
cat > expected <<'TEXT'
yes: written key: 'yes', read 'yes'
0123: written key: '0123', read '0123'
+49: written key: '+49', read '+49'
<<: written key: '<<', read '<<'
2024-01-31: written key: 2024-01-31, read datetime.date(2024, 1, 31)
12:30: written key: 12:30, read 750
=: written key: =, read ConstructorError
TEXT
venv/bin/python look.py > seen
cat seen
diff expected seen && echo "as described, with yaml-edit 0.2.0"
