"""Tests of `examples/program` without an engine, a platform or any secret.

`pulumi.runtime.set_mocks` answers in the engine's place: what a resource is given, and what it is
said to have become. Run them by `pytest`.
"""

import runpy
from pathlib import Path

import pulumi
import pytest
from pulumi.runtime.rpc import unwrap_rpc_secret

PROGRAM = Path(__file__).parents[1] / "program" / "__main__.py"
INSTANCE = "pulumi-python:dynamic/cloud-elements:ElementInstance"


class Platform(pulumi.runtime.Mocks):
    """Answers as if every instance had been made."""

    def __init__(self) -> None:
        self.declared: dict[str, dict[str, object]] = {}
        """The inputs of each element instance, by its resource's name."""

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, object]]:
        """Return the id and the outputs of a resource."""
        if args.typ != INSTANCE:
            return f"{args.name}-id", dict(args.inputs)
        # A map that holds a secret arrives as a secret.
        plain = {name: unwrap_rpc_secret(value) for name, value in args.inputs.items()}
        self.declared[args.name] = plain
        return "427001", {
            **args.inputs,
            "instance_id": "427001",
            "element_token": f"token of {args.name}",
        }

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, object]:
        """Answer a call; the program makes none."""
        raise NotImplementedError(args.token)


@pytest.fixture
def platform() -> Platform:
    """Run the program, with mocks and two made-up passwords."""
    mocks = Platform()
    pulumi.runtime.set_mocks(mocks, project="crm", stack="test")
    passwords = {"crm:acmeDeskPassword": "of the desk", "crm:acmeShopPassword": "of the shop"}
    pulumi.runtime.set_all_config(passwords, list(passwords))

    @pulumi.runtime.test
    def run() -> None:
        runpy.run_path(str(PROGRAM))

    run()
    return mocks


def test_each_customer_has_a_desk_and_a_shop(platform: Platform) -> None:
    """The two are tagged with the customer's name."""
    assert {name: each["tags"] for name, each in platform.declared.items()} == {
        "acme-desk": ["acme"],
        "acme-shop": ["acme"],
    }


def test_the_desk_has_its_own_password(platform: Platform) -> None:
    """It is the desk's and not the shop's."""
    configuration = platform.declared["acme-desk"]["configuration"]
    assert isinstance(configuration, dict)
    assert configuration["password"] == "of the desk"  # noqa: S105 - made up
    assert configuration["subdomain"] == "acme"
