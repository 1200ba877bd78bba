"""The stack program: every entry of `cloud-elements:instances` becomes an element instance."""

from pulumi_cloud_elements import declare_stack

declare_stack()
