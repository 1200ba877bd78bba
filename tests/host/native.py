"""The native provider's server, driven over gRPC with the tests written for the dynamic one.

Those say `element_key`; what goes over the wire here says `elementKey`, as a program does.
"""

import re

from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import provider_pb2

from provider.doors.names import camel
from provider.instance.events import Events
from provider.instance.inputs import Inputs
from tests.host.server import SECONDS, RefusedCall, Server, place_of_marker, secrets

OUTPUTS = ("instance_id", "element_token", "element_name")
NAMES = {name: camel(name) for name in (*Inputs.model_fields, *OUTPUTS) if "_" in name}
SNAKE = {outer: inner for inner, outer in NAMES.items()}
TYPE = "cloud-elements:index:ElementInstance"


MEMBERS = {name: camel(name) for name in Events.model_fields if "_" in name}
"""Of `events`."""


def named(bag, names, members):
    """Return properties under other names, and the members of `events` under theirs."""
    found = {names.get(key, key): value for key, value in bag.items()}
    if isinstance(events := found.get("events"), dict):
        found["events"] = {members.get(key, key): value for key, value in events.items()}
    return found


def snake(bag):
    """Return properties in the names of the rules."""
    return named(bag, SNAKE, {outer: inner for inner, outer in MEMBERS.items()})


def in_the_rules_words(text):
    """Return a message with the names of the rules, which the tests know."""
    outer = SNAKE | {outer: inner for inner, outer in MEMBERS.items()}
    return re.sub(rf"(?<!\w)({'|'.join(outer)})(?!\w)", lambda m: outer[m[1]], text)


class NativeServer(Server):
    """One process of the native provider; see `Server` for the arguments."""

    native = True
    words = staticmethod(in_the_rules_words)
    module = "provider.doors.native"
    urn = f"urn:pulumi:dev::tests::{TYPE}::invoices"

    def configure(self, config):
        """Hand over the stack's configuration as the engine does to its default provider."""
        handshake = provider_pb2.ProviderHandshakeRequest(
            engine_address=self.engine.address, configure_with_urn=True
        )
        self.stub.Handshake(handshake, timeout=SECONDS)
        args = {key.removeprefix("cloud-elements:"): value for key, value in config.items()}
        self.hand_over(args | {"organization": "o"})

    def hand_over(self, args, name="default_0_1_0"):
        """Configure with the arguments of a provider of that name."""
        struct = struct_pb2.Struct()
        struct.update(args)
        urn = f"urn:pulumi:dev::tests::pulumi:providers:cloud-elements::{name}"
        request = provider_pb2.ConfigureRequest(args=struct, urn=urn, name=name)
        self.stub.Configure(request, timeout=SECONDS)

    def urn_of(self, *bags):
        """Return the URN of the resource whose markers stand in its properties."""
        tags = next((bag["__markers"] for bag in bags if bag and bag.get("__markers")), None)
        place = place_of_marker(tags[1]) if isinstance(tags, list) else None
        return self.urn if place is None else f"urn:pulumi:dev::tests::{TYPE}::{place}"

    def _bag(self, values, *, provider=True):
        struct = struct_pb2.Struct()
        struct.update(named(values, NAMES, MEMBERS))
        return struct

    def _of_program(self, inputs):
        return self._bag({key: value for key, value in inputs.items() if key != "__markers"})

    def bag_of(self, struct):
        """Return properties from the wire in the words of the rules."""
        return snake(json_format.MessageToDict(struct))

    @staticmethod
    def secrets(outputs):
        """Return the paths of the secret values; of `configuration`, each leaf is one."""
        return {path.partition(".")[0] for path in secrets(outputs)}

    def call(self, method, request):
        """Make one call; an error is a `RefusedCall` in the words of the rules."""
        try:
            return super().call(method, request)
        except RefusedCall as refused:
            refused.message = in_the_rules_words(refused.message)
            refused.args = (refused.message,)
            raise

    def check(self, inputs, olds=None):
        """Return the checked inputs in the words of the rules, and what failed."""
        checked, failures = super().check(inputs, olds)
        ours, told = checked.pop("__markers"), inputs.get("__markers")
        if isinstance(told, list) and told and place_of_marker(told[-1]) is not None:
            assert ours == told
        if told:  # or those of another stack, and of a program that is not known yet
            checked["__markers"] = told
        return checked, [in_the_rules_words(failure) for failure in failures]

    def _replaces(self, response):
        return [SNAKE.get(name, name) for name in response.replaces]

    @staticmethod
    def _found(response):
        if response.changes == provider_pb2.DiffResponse.DIFF_NONE:
            return "none"
        # What the dynamic door leaves to the engine: the inputs show the change.
        of_inputs = any(one.inputDiff for one in response.detailedDiff.values())
        return "unknown" if of_inputs and not response.replaces else "some"
