"""What programs may ask for besides resources: functions, and the list of `pulumi do`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.rpc import wrap_rpc_secret

from ...api.errors import CloudElementsError, NotFoundError, did_you_mean, text_of
from ...api.redaction import is_secret_key, without_platform_written
from ...instance.advice import advice
from ...instance.diff import own_tags
from ...instance.gaps import is_unknown
from ...instance.metadata import plain_keys
from .. import names, values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ...api import wire
    from ...instance.context import Context
    from ...instance.operations import Operations

RESOURCE = "cloud-elements:index:ElementInstance"
_MODULE = "cloud-elements:index:"
_PAGE = 200
"""Instances in a page of a list when the engine does not say how many."""


def get_instance(context: Context, id: str) -> dict[str, Any]:  # noqa: A002 - the argument's name
    """Return one instance by its id."""
    with _could_not(f"get element instance {id}"):
        instance = context.client.get_instance(id)
    return _brief(instance) | {
        "configuration": wrap_rpc_secret(without_platform_written(instance.held or {})),
        "element_token": wrap_rpc_secret(instance.token),
        "element_name": instance.element.name,
    }


def get_instances(
    context: Context, tag: str | None = None, element_key: str | None = None
) -> dict[str, Any]:
    """Return all instances of the account, or those with a tag, or of an element."""
    found = _listed(context, tag, element_key)
    return {"instances": [names.outward(_brief(instance)) for instance in found]}


def get_element(context: Context, key: str) -> dict[str, Any]:
    """Return what an element asks of its instances."""
    with _could_not(f"get element '{key}'"):
        element = context.client.get_element(key)
    plain = plain_keys(element)
    return {
        "key": element.key,
        "name": element.name,
        "description": element.description,
        "hub": element.hub,
        "authentication": element.kind,
        "configuration": [
            {
                "key": entry.key,
                "name": entry.name,
                "description": entry.description,
                "type": entry.type,
                "required": entry.required,
                "secret": is_secret_key(entry.key, plain),
                "default": None if is_secret_key(entry.key, plain) else entry.default_value,
            }
            for entry in element.configuration
            if entry.active and not entry.internal
        ],
    }


def get_oauth_url(
    context: Context,
    *,
    element_key: str,
    api_key: str,
    api_secret: str,
    callback_url: str,
    state: str,
    scope: str | None = None,
    site_address: str | None = None,
    extras: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return where the owner of an account has to be sent for consent."""
    with _could_not(f"get the consent page of element '{element_key}'"):
        page = context.client.oauth.url(
            element_key,
            api_key=api_key,
            api_secret=api_secret,
            callback_url=callback_url,
            state=state,
            scope=scope,
            site_address=site_address,
            extras={key: str(value) for key, value in (extras or {}).items()},
        )
    return {"url": wrap_rpc_secret(page.oauth_url)}


FUNCTIONS: dict[str, Callable[..., dict[str, Any]]] = {
    "getInstance": get_instance,
    "getInstances": get_instances,
    "getElement": get_element,
    "getOauthUrl": get_oauth_url,
}


def invoke(operations: Operations, request: Any) -> Any:
    """Answer one of the functions; wrong arguments are told all at once.

    Raises:
        CloudElementsError: There is no such function, or it could not be answered.
    """
    name = request.tok.removeprefix(_MODULE)
    function = FUNCTIONS.get(name)
    if function is None:
        message = f"there is no function '{request.tok}'{did_you_mean(name, [*FUNCTIONS])}"
        raise CloudElementsError(message)
    given = values.properties(request.args)
    if is_unknown(given):
        return pb.InvokeResponse()
    failures = [*_mistakes(function, given)]
    if failures:
        reasons = [pb.CheckFailure(reason=f"{name}: {failure}") for failure in failures]
        return pb.InvokeResponse(failures=reasons)
    arguments = {_snake(function, key): value for key, value in given.items()}
    found = function(operations.context, **arguments)
    return pb.InvokeResponse(**{"return": values.struct(names.outward(found))})


def _parameters(function: Callable[..., Any]) -> dict[str, str]:
    """Return a function's arguments as programs name them, and their types."""
    return {
        names.camel(name): kind
        for name, kind in function.__annotations__.items()
        if name not in ("context", "return")
    }


def _snake(function: Callable[..., Any], outer: str) -> str:
    return next(name for name in function.__annotations__ if names.camel(name) == outer)


def _mistakes(function: Callable[..., Any], given: Mapping[str, Any]) -> Iterator[str]:
    parameters = _parameters(function)
    for key, value in given.items():
        if key not in parameters:
            yield f"{key}: is not known here{did_you_mean(key, [*parameters])}"
        elif value is None:
            continue
        elif parameters[key].startswith("Mapping"):
            if not isinstance(value, dict):
                yield f"{key}: must be a map"
        elif not isinstance(value, str) or not value.strip():
            yield f"{key}: must be text"
    for key, kind in parameters.items():
        if "None" not in kind and given.get(key) is None:
            yield f"{key}: is required"


def page(operations: Operations, request: Any) -> list[Any]:
    """Return a page of the account's instances, and how to ask for the next.

    They are in the order of their ids, and the next page begins after the last id of this one, so
    that what is made or deleted meanwhile moves no other into a gap.
    """
    if request.token != RESOURCE:
        message = f"there is no resource '{request.token}' to list"
        raise CloudElementsError(message)
    query = values.properties(request.query)
    if is_unknown(query):
        return [pb.ListResponse(computed=pb.ListResponse.Computed())]
    known = ["tag", "elementKey"]
    wrong = [key for key in query if key not in known]
    if wrong:
        remarks = (f"{key}: is not known here{did_you_mean(key, known)}" for key in wrong)
        raise CloudElementsError("; ".join(remarks))
    found = _listed(operations.context, query.get("tag"), query.get("elementKey"))
    if request.continuation_token:
        found = [
            instance
            for instance in found
            if _order(instance.id) > _order(request.continuation_token)
        ]
    sizes = [size for size in (request.page_size, request.limit, _PAGE) if size > 0]
    shown = found[: min(sizes)]
    answers = [
        pb.ListResponse(result=pb.ListResponse.Result(id=instance.id, name=instance.name or ""))
        for instance in shown
    ]
    if len(found) > len(shown):
        continuation = pb.ListResponse.Continuation(continuation_token=shown[-1].id)
        answers.append(pb.ListResponse(continuation=continuation))
    return answers


def _listed(context: Context, tag: str | None, element_key: str | None) -> list[wire.Instance]:
    with _could_not("list the element instances"):
        found = context.client.find_instances(tag=tag)
    found = [
        instance
        for instance in found
        if (not tag or tag in (instance.tags or [tag]))
        and (not element_key or instance.is_of(element_key))
    ]
    return sorted(found, key=lambda instance: _order(instance.id))


def _order(instance_id: str) -> tuple[int, str]:
    """Return what ids are sorted by: numbers by their value."""
    return len(instance_id) if instance_id.isdigit() else 0, instance_id


def _brief(instance: wire.Instance) -> dict[str, Any]:
    return {
        "instance_id": instance.id,
        "element_key": instance.element.key,
        "name": instance.name,
        "tags": own_tags(instance, []) or [],
        "valid": instance.valid,
        "disabled": bool(instance.disabled),
    }


@contextmanager
def _could_not(what: str) -> Iterator[None]:
    """Turn an error inside into one sentence."""
    failed: CloudElementsError | None = None
    then: str | None = None
    try:
        yield
    except NotFoundError as error:
        failed, then = error, "correct what is asked for"
    except CloudElementsError as error:
        failed, then = error, advice(error)
    if failed is not None:
        text = f"could not {what}: {text_of(failed)}"
        raise CloudElementsError(f"{text}: {then}" if then else text)
