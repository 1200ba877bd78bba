"""The native provider's calls, in the shape in which the dynamic one is asked."""

from types import SimpleNamespace

from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import provider_pb2, status_pb2

from provider.api.errors import CloudElementsError
from provider.doors.native.service import Service
from provider.instance.host import HalfMadeError
from provider.instance.markers import MARKERS
from tests.host.native import MEMBERS, NAMES, TYPE, in_the_rules_words, named, snake


class Call:
    """A call of an engine's that waits for the answer."""

    def __init__(self):
        self._trailing = ()

    def is_active(self):
        return True

    def set_trailing_metadata(self, metadata):
        self._trailing = metadata

    def abort(self, _code, message):
        message = in_the_rules_words(message)
        for _, raw in self._trailing:
            status = status_pb2.Status()
            status.ParseFromString(raw)
            for detail in status.details:
                failed = provider_pb2.ErrorResourceInitFailed()
                assert detail.Unpack(failed)
                raise HalfMadeError(failed.id, read(failed.properties), message)
        raise CloudElementsError(message)


def read(struct):
    """Return properties from the wire in the words of the rules, with their marks."""
    return snake(json_format.MessageToDict(struct))


def bag(values):
    """Return properties for the wire."""
    found = struct_pb2.Struct()
    found.update(named(values, NAMES, MEMBERS))
    return found


class NativeProvider:
    """One process of the native provider; methods are those of `ElementInstanceProvider`.

    Args:
        host: Its host.
        context: What it works with.
        stack: Name of the stack.
    """

    def __init__(self, host, context, stack="dev"):
        self._service = Service(host)
        self._service._operations.connect(context)
        self._urn = f"urn:pulumi:{stack}::chaos::{TYPE}::one"

    def _ask(self, method, **request):
        asked = getattr(provider_pb2, f"{method}Request")(urn=self._urn, **request)
        return getattr(self._service, method)(asked, Call())

    def check(self, olds, news):
        told = {key: value for key, value in news.items() if key != MARKERS}
        found = self._ask("Check", olds=bag(olds), news=bag(told))
        failures = [
            SimpleNamespace(reason=in_the_rules_words(one.reason)) for one in found.failures
        ]
        # Of a name that an alias gave up, this door can't know: see docs/native.md.
        inputs = read(found.inputs) | {MARKERS: news[MARKERS]}
        return SimpleNamespace(inputs=inputs, failures=failures)

    def diff(self, id_, olds, news):
        found = self._ask("Diff", id=id_, olds=bag(olds), old_inputs=bag({}), news=bag(news))
        changed = found.changes == provider_pb2.DiffResponse.DIFF_SOME
        return SimpleNamespace(changes=changed, replaces=list(found.replaces))

    def create(self, props):
        found = self._ask("Create", properties=bag(props))
        return SimpleNamespace(id=found.id, outs=read(found.properties))

    def read(self, id_, props):
        found = self._ask("Read", id=id_, properties=bag(props))
        return SimpleNamespace(id=found.id, outs=read(found.properties))

    def update(self, id_, olds, news):
        found = self._ask("Update", id=id_, olds=bag(olds), news=bag(news))
        return SimpleNamespace(outs=read(found.properties))

    def delete(self, id_, props):
        self._ask("Delete", id=id_, properties=bag(props))
