"""The engine's calls of a native provider, taken to the rules."""

from __future__ import annotations

from contextlib import contextmanager
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2 as pb

from ...api.errors import CloudElementsError
from ...config import NAMESPACE
from ...instance import diff
from ...instance.context import Context
from ...instance.markers import FILES, MARKERS, Markers, markers, names_stack, place_of
from ...instance.operations import Operations, one_sentence
from ...instance.state import RECORD, Stored
from .. import names, values
from ..call import Call, serving
from ..engine import EngineHost
from ..refusal import tell
from . import changes, functions
from .configuration import Arguments

if TYPE_CHECKING:
    from collections.abc import Iterator

Properties = dict[str, Any]

_STATELESS = "urn:pulumi:dev::default::cloud-elements:index:ElementInstance::ElementInstance"
"""The one URN of whatever `pulumi do --stateless` is about."""


class NativeHost(EngineHost):
    """The host of the rules in a native provider: what is said names properties as programs do."""

    def _log(self, severity: Any, message: str, **options: Any) -> None:
        super()._log(severity, names.spoken(message), **options)


class Service:
    """What a native provider answers, in one server process.

    Each method takes a request of the same name in Pulumi's protocol, and the call's context.
    """

    def __init__(self, host: EngineHost) -> None:
        self._host = host
        host.end_with_engine(Context.close_all)
        self._operations = Operations(host)
        self._arguments = Arguments({}, explicit=False)
        self._remarks: dict[str, tuple[str, ...]] = {}
        """What an import has to tell, by the URN of its resource."""

    def configure(self, request: Any) -> int:
        """Read the settings and open the connection; return how many calls are served at once.

        A problem is told by `Check`.
        """
        self._arguments = Arguments.of(request.urn, values.properties(request.args))
        settings = self._operations.configure(self._arguments.get, self._arguments.environment)
        return settings.concurrency if settings else 0

    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Judge the provider's own settings; keep out of the state what is none."""
        with self._answering(request, context):
            arguments = Arguments.of(request.urn, values.properties(request.news))
            failures = [pb.CheckFailure(reason=problem) for problem in arguments.problems()]
            return pb.CheckResponse(inputs=values.struct(arguments.kept()), failures=failures)

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Judge a program's inputs; a failure names no property, whose value would be printed."""
        with self._answering(request, context):
            olds = names.inward(values.properties(request.olds))
            news = names.given(values.given(request.news))
            if news.get("name") is None:
                news["name"] = _name(request.urn)
            news |= self._markers(request.urn, olds)
            for remark in self._remarks.pop(request.urn, ()):
                self._host.warn(remark)
            checked = self._operations.check(olds, news)
            failures = [
                pb.CheckFailure(reason=names.spoken(failure)) for failure in checked.failures
            ]
            inputs = values.struct(names.outward(checked.inputs))
            return pb.CheckResponse(inputs=inputs, failures=failures)

    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Compare the state's outputs with the program's inputs."""
        with self._answering(request, context) as call:
            state = values.properties(request.olds)
            olds, news = names.inward(state), names.inward(values.properties(request.news))
            found = self._operations.diff(request.id, olds, news)
            rewritten = names.is_of_dynamic_door(state)
            if not (found.changed or rewritten):
                none = pb.DiffResponse.DIFF_NONE
                return pb.DiffResponse(changes=none, hasDetailedDiff=True)
            if not found.changed:
                self._host.note("the state is rewritten for the native provider, nothing else")
            assert found.changes is not None
            detailed = changes.detailed(found.changes, olds, call.old_inputs, news)
            stable = [] if rewritten else changes.stable(found.changes)
            return pb.DiffResponse(
                changes=pb.DiffResponse.DIFF_SOME,
                replaces=map(names.camel, found.replaces),
                stables=map(names.camel, stable),
                diffs=sorted({path.partition("[")[0] for path in detailed}),
                detailedDiff=detailed,
                hasDetailedDiff=True,
            )

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Create an instance, or take over the one that is meant or was left behind."""
        with self._answering(request, context):
            inputs = names.inward(values.properties(request.properties))
            if request.preview:
                outputs = changes.to_be_created(inputs)
                return pb.CreateResponse(properties=values.outputs(outputs))
            if request.urn == _STATELESS:
                inputs |= _of_its_own()
            created = self._operations.create(inputs)
            return pb.CreateResponse(
                id=created.instance_id, properties=values.outputs(created.outputs)
            )

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Return the instance as it is now; gone is no error."""
        with self._answering(request, context) as call:
            outputs = names.inward(values.properties(request.properties))
            if RECORD in outputs:
                seen = self._operations.read(request.id, outputs)
            else:
                tags = self._markers(request.urn, call.old_inputs).get(MARKERS, [])
                seen = self._operations.look_up(request.id, tags)
                # An import goes on to a check of what was read; a mere look-up does not.
                self._remarks[request.urn] = seen.remarks if seen else ()
            if seen is None:
                return pb.ReadResponse()
            inputs = call.old_inputs if seen.inputs is None else seen.inputs
            return pb.ReadResponse(
                id=request.id,
                properties=values.outputs(seen.outputs),
                inputs=values.struct(names.outward(inputs)),
            )

    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Change the instance in place."""
        with self._answering(request, context):
            state = values.properties(request.olds)
            olds, news = names.inward(state), names.inward(values.properties(request.news))
            if request.preview:
                found = diff.changes(Stored(request.id, olds), news)
                outputs = changes.to_be_updated(olds, news, found)
            else:
                rewritten = names.is_of_dynamic_door(state)
                outputs = self._operations.update(request.id, olds, news, renamed=rewritten)
            return pb.UpdateResponse(properties=values.outputs(outputs))

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Delete the instance."""
        with self._answering(request, context):
            outputs = names.inward(values.properties(request.properties))
            self._operations.delete(request.id, outputs)
            return empty_pb2.Empty()

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Answer one of the functions."""
        with self._answering(request, context):
            return functions.invoke(self._operations, request)

    def List(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        """List the instances of the account, a page at a time."""
        with self._answering(request, context):
            answers = functions.page(self._operations, request)
        yield from answers

    def cancel(self) -> None:
        """Begin nothing more for any call."""
        self._host.cancel()

    def attach(self, address: tuple[str, int]) -> None:
        """Show messages at the engine that listens at an address."""
        self._host.attach(address)

    def _markers(self, urn: str, olds: Properties) -> Properties:
        """Return the property with a resource's marker tags; nothing of one without a stack.

        Those of the state stay where another organization made them, because no engine tells it:
        so a resource of the dynamic door keeps its tags.
        """
        if urn == _STATELESS:
            return {}
        organization = self._arguments.text("organization")
        ours = f"{organization or FILES}/{self._arguments.text('owner') or ''}"
        place = place_of(urn)
        former = Markers.of(olds.get(MARKERS))
        known = {_marker(urn, text).stack for text in (ours, f"{FILES}/")}
        if (
            former
            and not organization
            and former.stack not in known
            and names_stack(former.stack, **place)
        ):
            return {MARKERS: former.tags}
        return {MARKERS: _marker(urn, ours).tags}

    @contextmanager
    def _answering(self, request: Any, context: grpc.ServicerContext) -> Iterator[Call]:
        """Serve a call; answer what fails by one sentence, as the standard status of gRPC."""
        failed: CloudElementsError | None = None
        try:
            call = Call.of(request, context)
            _refuse_other_types(call.urn)
            with serving(call):
                yield call
        except CloudElementsError as error:
            failed = error
        except Exception:  # noqa: BLE001 - the boundary: nothing may get past with its text
            try:
                with one_sentence("serve", _name(getattr(request, "urn", ""))):
                    raise
            except CloudElementsError as error:
                failed = error
        if failed is not None:
            _refuse(context, failed)


def _marker(urn: str, organization: str) -> Markers:
    """Return a resource's markers, the same as the dynamic door's."""
    _, _, types, name = urn.removeprefix("urn:pulumi:").split("::", 3)
    parents = types.rpartition("$")[0]
    own = f"{parents}${name}" if parents else name
    return markers(organization=organization, **place_of(urn), place=own)


def _name(urn: str) -> str:
    """Return a resource's own name, which may hold colons."""
    return urn.removeprefix("urn:pulumi:").split("::", 3)[-1]


def _refuse_other_types(urn: str) -> None:
    """Refuse what the schema doesn't have: the engine asks for whatever an import names.

    Raises:
        CloudElementsError: It is of another type.
    """
    type_ = urn.partition("::")[2].partition("::")[2].partition("::")[0].rpartition("$")[2]
    if type_.startswith(f"{NAMESPACE}:") and type_ != functions.RESOURCE:
        message = f"there is no resource type '{type_}': write '{functions.RESOURCE}'"
        raise CloudElementsError(message)


def _of_its_own() -> Properties:
    """Return markers that no other create has: two of one name must not become one instance."""
    return {
        MARKERS: markers(organization="stateless", **place_of(_STATELESS), place=token_hex(16)).tags
    }


def _refuse(context: grpc.ServicerContext, error: CloudElementsError) -> None:
    """Answer with an error; one about an instance that must be kept brings that along."""
    message = names.spoken(str(error))
    tell(context, error, message, values.outputs)
    context.abort(grpc.StatusCode.UNKNOWN, message)
