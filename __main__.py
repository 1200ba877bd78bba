"""The stack program: every entry of `cloud-elements:instances` becomes an element instance."""

import sys

import pulumi

SHOWN = 32  # tells Pulumi's language host that the user has been told, so that it adds no line

try:
    from provider.stack import StackError, declare
except ImportError:
    found = sys.modules.get("provider")
    if found is None or "ElementInstance" in getattr(found, "__all__", ()):
        raise
    hidden = "the package 'provider' of pulumi-cloud-elements, because both have the same name"
    pulumi.log.error(f"{found.__file__} hides {hidden}: rename yours")
    sys.exit(SHOWN)

try:
    declare()
except StackError as error:
    pulumi.log.error(str(error))
    sys.exit(SHOWN)
