#!/bin/sh
# mkdocs 1.6.1 from PyPI, `mkdocs build --strict`, with which documentation is checked in CI.
# Behaviour: strict mode counts the warnings that reach the log, and --quiet raises the log's level
# before they get there. With both, a broken link is no error: the site is built and the exit code is
# 0, where --strict alone says 1.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv venv && venv/bin/pip install --quiet mkdocs==1.6.1
mkdir docs
echo 'site_name: site' > mkdocs.yml
echo '[page](missing.md)' > docs/index.md
for option in "" --quiet; do
  code=0; venv/bin/mkdocs build --strict $option >/dev/null 2>&1 || code=$?
  echo "mkdocs build --strict $option: exit $code"
done > seen
cat > expected <<'TEXT'
mkdocs build --strict : exit 1
mkdocs build --strict --quiet: exit 0
TEXT
cat seen
diff expected seen && echo "as described, with mkdocs 1.6.1"
