"""The stack program: every entry of `cloud-elements:instances` becomes an element instance."""

import sys

import pulumi

from provider.stack import StackError, declare

SHOWN = 32  # tells Pulumi's language host that the user has been told, so that it adds no line

try:
    declare()
except StackError as error:
    pulumi.log.error(str(error))
    sys.exit(SHOWN)
