"""The stack program: every entry of `cloud-elements:instances` becomes an element instance."""

from provider.stack import declare

declare()
