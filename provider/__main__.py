"""`python -m provider` is the command `elements`."""

from provider.cli import app

app(prog_name="elements")
