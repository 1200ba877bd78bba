"""A policy pack: in production every element instance has `protect`."""

import re

from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)

PRODUCTION = ("prod",)
"""Stacks that count as production."""


def is_protected(args: ResourceValidationArgs, report_violation: ReportViolation) -> None:
    """Report an instance of a production stack that Pulumi may delete."""
    stack = args.urn.removeprefix("urn:pulumi:").partition("::")[0]
    # pulumi-python:dynamic/cloud-elements:ElementInstance, or cloud-elements:index:ElementInstance.
    is_instance = re.search(r"\bcloud-elements:(index:)?ElementInstance$", args.resource_type)
    if stack in PRODUCTION and is_instance and not args.opts.protect:
        report_violation(f"set protect for '{args.name}': a deleted one needs another consent")


PolicyPack(
    "element-instances",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=[
        ResourceValidationPolicy(
            name="production-is-protected",
            description="Element instances of production have `protect`.",
            validate=is_protected,
        )
    ],
)
