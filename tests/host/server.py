"""The real server, `python -m pulumi.dynamic`, driven over gRPC as the engine drives it."""

import base64
import ctypes
import itertools
import json
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent import futures
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime import rpc
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    provider_pb2,
    provider_pb2_grpc,
    status_pb2,
)

from provider.instance.markers import markers
from provider.lifecycle import ElementInstanceProvider

ROOT = Path(__file__).parents[2]
SIGNATURE = rpc._special_sig_key
SECRET = rpc._special_secret_sig
UNKNOWN = rpc.UNKNOWN
PROVIDER = serialize_provider(ElementInstanceProvider())
"""What stands in every bag: the real pickle of the real class."""
OLD_NAME = (
    "gASVNQAAAAAAAACMEnByb3ZpZGVyLmxpZmVjeWNsZZSMF0VsZW1lbnRJbnN0YW5jZVByb3ZpZGVylJOUKYGULg=="
)
"""What stood there before 0.2: the class in the clone's folder."""
SECONDS = 60
"""How long a single call may take before the test fails."""


_places = itertools.count()
_place_of = {}


def serialized(protocol):
    """Return what stands in a bag that a Python with another pickle protocol wrote."""
    return base64.b64encode(pickle.dumps(ElementInstanceProvider(), protocol=protocol)).decode()


def marked(place=None):
    """Return the marker tags of a resource of this name; of a new one without a name."""
    place = f"place {next(_places)}" if place is None else place
    tags = markers(organization="o/", project="tests", stack="dev", place=place).tags
    _place_of[tags[1]] = place
    return tags


def place_of_marker(tag):
    """Return the name of a resource by its instance marker; None where the test made it up."""
    return _place_of.get(tag)


BASIC = {"subdomain": "acme", "username": "someone", "password": "hidden-password"}
APPLICATION = {
    "oauth.api.key": "application-key",
    "oauth.api.secret": "application-secret",
    "oauth.callback.url": "https://app.example/callback",
}


def desk(**fields):
    """Return the inputs of an instance without OAuth."""
    own = {"element_key": "freshservice", "name": "desk", "configuration": BASIC}
    return own | {"__markers": marked()} | fields


def drive(sandbox, **fields):
    """Return the inputs of an instance with OAuth 2 and a fresh code."""
    own = {"element_key": "onedrivebusiness", "name": "drive", "configuration": APPLICATION}
    code = sandbox.new_code("onedrivebusiness")
    return own | {"code": code, "__markers": marked()} | fields


def one_of_many():
    """Return the inputs of one of many instances without OAuth."""
    markers = marked()
    return desk(name=f"desk {markers[1]}", __markers=markers)


def plain(value):
    """Return a value from the wire without its secret marks."""
    if isinstance(value, dict):
        if value.get(SIGNATURE) == SECRET:
            return plain(value["value"])
        return {key: plain(item) for key, item in value.items() if key != "__provider"}
    return [plain(item) for item in value] if isinstance(value, list) else value


def secrets(value, path=""):
    """Return the paths of the secret values in a bag from the wire."""
    if isinstance(value, dict):
        if value.get(SIGNATURE) == SECRET:
            return {path}
        return {
            found
            for key, item in value.items()
            for found in secrets(item, f"{path}.{key}" if path else key)
        }
    if isinstance(value, list):
        return {found for i, item in enumerate(value) for found in secrets(item, f"{path}.{i}")}
    return set()


class RefusedCall(Exception):  # noqa: N818 - what a test looks at, no error of ours
    """A call that ended with an error, as the engine reads it.

    grpc-go, and so the engine, shows the message of the rich status when its code agrees.
    """

    def __init__(self, error):
        trailing = dict(error.trailing_metadata() or ())
        raw = trailing.get("grpc-status-details-bin")
        self.status = status_pb2.Status()
        self.message = error.details()
        self.details = error.details()
        """The plain text as well, which the engine does not show."""
        self.init_failed = None
        self.awaits = False
        if raw is not None:
            self.status.ParseFromString(raw)
            assert self.status.code == error.code().value[0]
            self.message = self.status.message
        for detail in self.status.details:
            if detail.type_url.endswith("/pulumirpc.ErrorResourceAwaitFailed"):
                self.awaits = detail.value == b""
                continue
            failed = provider_pb2.ErrorResourceInitFailed()
            assert detail.Unpack(failed)
            self.init_failed = failed
        super().__init__(self.message)


class Engine(engine_pb2_grpc.EngineServicer):
    """The engine as far as a provider can call it: it keeps what is logged.

    Args:
        words: Gives a message the names of the rules, which the tests know.
    """

    def __init__(self, words=lambda message: message):
        self.logged, self.said = [], []
        self._words = words
        self.lets_wait = False
        self._news = threading.Condition()
        self._server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
        engine_pb2_grpc.add_EngineServicer_to_server(self, self._server)
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def Log(self, request, context):  # noqa: N802 - the protocol's name
        """Keep a message."""
        with self._news:
            self.said.append(request.message)
            request.message = self._words(request.message)
            self.logged.append(request)
            self._news.notify_all()
        return empty_pb2.Empty()

    def RequirePulumiVersion(self, request, context):  # noqa: N802 - the protocol's name
        """Answer as an engine does that is new enough, or too old."""
        if not self.lets_wait:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "is not in the range")
        assert request.pulumi_version_range == ">=3.274.0"
        return engine_pb2.RequirePulumiVersionResponse()

    def hears(self, message):
        """Wait until a message was logged."""
        with self._news:
            heard = self._news.wait_for(
                lambda: any(one.message == message for one in self.logged), SECONDS
            )
        assert heard, f"{message!r} is not among {[one.message for one in self.logged]}"

    @property
    def warnings(self):
        """What a user sees with the mark of a warning, in order."""
        return [one.message for one in self.logged if one.severity == 2]

    def stop(self):
        """Stop listening."""
        self._server.stop(0).wait()


@dataclass
class State:
    """A resource as the engine keeps it between calls: plain values, and where the secrets were."""

    id: str
    inputs: dict
    outputs: dict
    secret: set = field(default_factory=set)


class Server:
    """One process of the dynamic provider server.

    Args:
        sandbox: Where CLOUD_ELEMENTS_* lead; None leaves them out.
        config: The stack's configuration, full keys.
        environment: More variables; None as a value takes one away.
        launcher: Python source to start instead, in which MODULE stands for the server.
        python: The interpreter.
        folder: Where the process starts: the program's folder.
    """

    native = False
    words = staticmethod(lambda message: message)
    module = "pulumi.dynamic"
    urn = "urn:pulumi:dev::tests::pulumi-python:dynamic/cloud-elements:ElementInstance::invoices"
    provider = PROVIDER
    """The serialized provider in every bag."""
    stored = None
    """The one in a state's bags, where it is another."""

    def __init__(
        self,
        sandbox=None,
        config=None,
        environment=None,
        launcher=None,
        *,
        python=sys.executable,
        folder=ROOT,
    ):
        self.engine = Engine(self.words)
        reach = {}
        if sandbox is not None:
            reach = {
                "CLOUD_ELEMENTS_BASE_URL": sandbox.base_url,
                "CLOUD_ELEMENTS_USER_SECRET": sandbox.user_secret,
                "CLOUD_ELEMENTS_ORGANIZATION_SECRET": sandbox.organization_secret,
                # A sandbox that is reset mints the same codes again.
                "CLOUD_ELEMENTS_JOURNAL": "false",
            }
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("CLOUD_ELEMENTS_")}
        self.home = tempfile.TemporaryDirectory(prefix="cloud-elements-")
        own = {"PULUMI_PROJECT": "tests", "PULUMI_HOME": self.home.name}
        variables = inherited | own | reach | (environment or {})
        launcher = launcher and launcher.replace("MODULE", self.module)
        start = ["-c", launcher] if launcher else ["-m", self.module]
        self._process = subprocess.Popen(
            [python, "-u", *start, self.engine.address],
            cwd=folder,
            env={key: value for key, value in variables.items() if value is not None},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._stdout, self._stderr, self._begun = [], [], []
        port = self._process.stdout.readline().strip()
        assert port.isdigit(), port + self._process.communicate()[1]
        self._readers = [
            threading.Thread(target=into.extend, args=(pipe,), daemon=True)
            for pipe, into in (
                (self._process.stdout, self._stdout),
                (self._process.stderr, self._stderr),
            )
        ]
        for reader in self._readers:
            reader.start()
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.stub = provider_pb2_grpc.ResourceProviderStub(self._channel)
        self.configure(config or {})

    def give_up(self):
        """Cut every call, as the engine does at the second Ctrl+C."""
        self._channel.close()

    def interrupt(self):
        """Ask the process to end, as the engine does when it ends itself.

        The main thread is asked: of a signal to the whole process, any thread that is just
        starting another may take note, and Python's main thread sleeps on.
        """
        ctypes.CDLL(None).tgkill(self._process.pid, self._process.pid, signal.SIGINT)

    def lose_engine(self):
        """Leave the process without an engine, as if that was killed."""
        self.give_up()
        self.engine.stop()

    def ends(self):
        """Wait until the process ends by itself; return its exit code."""
        return self._process.wait(SECONDS)

    def journal(self):
        """Return what the provider remembers of its requests: fates and ids, the oldest first."""
        (file,) = Path(self.home.name, "cloud-elements").glob("*.jsonl")
        entries = map(json.loads, filter(None, file.read_text().split("\n")))
        return [("left" if "left" in e else e["fate"], e["instance"]) for e in entries]

    def remembers(self, condition):
        """Wait until the fates that the provider has written down meet a condition."""
        deadline = time.monotonic() + SECONDS
        while not condition(Counter(fate for fate, _ in self.journal())):
            assert time.monotonic() < deadline, self.journal()
            threading.Event().wait(0.02)

    def stop(self):
        """End the process; return all that it printed."""
        if not self._process.stdout.closed:
            self._channel.close()
            self._process.terminate()
            self._process.wait()
            for reader in self._readers:
                reader.join()
            self._process.stdout.close()
            self._process.stderr.close()
            self.engine.stop()
            self.home.cleanup()
        return "".join(self._stdout + self._stderr)

    def configure(self, config):
        """Hand over the stack's configuration."""
        request = provider_pb2.ConfigureRequest(args=self._bag(config, provider=False))
        self.stub.Configure(request, timeout=SECONDS)

    def urn_of(self, *_bags):
        """Return the URN of a resource: one serves for all, for markers tell them apart."""
        return self.urn

    def _of_program(self, inputs):
        return self._bag(inputs)

    def bag_of(self, struct):
        """Return properties from the wire."""
        return json_format.MessageToDict(struct)

    @staticmethod
    def secrets(outputs):
        """Return the paths of the secret values in outputs."""
        return secrets(outputs)

    def _replaces(self, response):
        return list(response.replaces)

    @staticmethod
    def _found(response):
        return {0: "unknown", 1: "none", 2: "some"}[response.changes]

    def _bag(self, values, *, provider=True):
        struct = struct_pb2.Struct()
        struct.update(values | ({"__provider": self.provider} if provider else {}))
        return struct

    def _kept(self, values):
        """Return the bag of a state."""
        return (
            self._bag(values | {"__provider": self.stored}, provider=False)
            if self.stored
            else self._bag(values)
        )

    def call(self, method, request):
        """Make one call; an error is a `RefusedCall`."""
        try:
            return getattr(self.stub, method)(request, timeout=SECONDS)
        except grpc.RpcError as error:
            raise RefusedCall(error) from None

    def check(self, inputs, olds=None):
        """Return the checked inputs as they come over the wire, and what failed."""
        request = provider_pb2.CheckRequest(
            urn=self.urn_of(inputs, olds),
            olds=self._kept(olds) if olds else None,
            news=self._of_program(inputs),
        )
        response = self.call("Check", request)
        assert all(failure.property == "" for failure in response.failures)
        reasons = [failure.reason for failure in response.failures]
        return self.bag_of(response.inputs), reasons

    def checked(self, inputs, olds=None):
        """Return checked inputs as plain values; nothing may have failed."""
        checked, failures = self.check(inputs, olds)
        assert failures == []
        return plain(checked)

    def begin(self, method, **request):
        """Make a call and wait for nothing; return what will have its answer."""
        kind = getattr(provider_pb2, f"{method}Request")
        # One that nobody holds is cancelled.
        request = {"urn": self.urn} | request
        self._begun.append(getattr(self.stub, method).future(kind(**request)))
        return self._begun[-1]

    def begin_create(self, inputs, **more):
        """Create of checked inputs, and wait for nothing."""
        more |= {"urn": self.urn_of(inputs), "properties": self._bag(inputs)}
        return self.begin("Create", **more)

    def begin_update(self, state, checked, **more):
        """Update to checked inputs, and wait for nothing."""
        more |= {"urn": self.urn_of(checked, state.outputs), "id": state.id}
        olds, before = self._kept(state.outputs), self._kept(state.inputs)
        news = self._bag(checked)
        return self.begin("Update", olds=olds, old_inputs=before, news=news, **more)

    def begin_delete(self, state, **more):
        """Delete the resource, and wait for nothing."""
        more |= {"urn": self.urn_of(state.outputs), "id": state.id}
        return self.begin("Delete", properties=self._kept(state.outputs), **more)

    def create(self, inputs, *, check=True):
        """Check and create; return the state."""
        checked = self.checked(inputs) if check else inputs
        urn = self.urn_of(checked)
        request = provider_pb2.CreateRequest(urn=urn, properties=self._bag(checked))
        response = self.call("Create", request)
        outputs = self.bag_of(response.properties)
        assert self.native or outputs["__provider"] == self.provider
        return State(response.id, checked, plain(outputs), self.secrets(outputs))

    def diff(self, state, inputs):
        """Return `none`, `some` or `unknown`, and the properties that replace."""
        request = provider_pb2.DiffRequest(
            urn=self.urn_of(inputs, state.outputs),
            id=state.id,
            olds=self._kept(state.outputs),
            old_inputs=self._kept(state.inputs),
            news=self._bag(inputs),
        )
        response = self.call("Diff", request)
        return self._found(response), self._replaces(response)

    def plan(self, state, inputs):
        """Return what a preview decides about a program's inputs."""
        return self.diff(state, self.checked(inputs, state.inputs))[0]

    def update(self, state, inputs):
        """Check and update; return the new state."""
        checked = self.checked(inputs, state.inputs)
        request = provider_pb2.UpdateRequest(
            urn=self.urn_of(checked, state.outputs),
            id=state.id,
            olds=self._kept(state.outputs),
            old_inputs=self._kept(state.inputs),
            news=self._bag(checked),
        )
        outputs = self.bag_of(self.call("Update", request).properties)
        return State(state.id, checked, plain(outputs), self.secrets(outputs))

    def read(self, state):
        """Refresh; return the new state, or None when the instance is gone."""
        request = provider_pb2.ReadRequest(
            urn=self.urn_of(state.outputs, state.inputs),
            id=state.id,
            inputs=self._kept(state.inputs),
            properties=self._kept(state.outputs),
        )
        response = self.call("Read", request)
        if not response.id:
            return None
        outputs, inputs = self.bag_of(response.properties), self.bag_of(response.inputs)
        return State(response.id, plain(inputs), plain(outputs), self.secrets(outputs))

    def get(self, id_, inputs):
        """Read by id alone, as `ResourceOptions(id=…)` does."""
        bag = self._bag(inputs)
        request = provider_pb2.ReadRequest(urn=self.urn, id=id_, inputs=bag, properties=bag)
        response = self.call("Read", request)
        outputs = self.bag_of(response.properties)
        return State(response.id, {}, plain(outputs), self.secrets(outputs))

    def delete(self, state):
        """Delete the resource."""
        request = provider_pb2.DeleteRequest(
            urn=self.urn_of(state.outputs),
            id=state.id,
            properties=self._kept(state.outputs),
            old_inputs=self._kept(state.inputs),
        )
        self.call("Delete", request)
