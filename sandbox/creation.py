"""Making an instance: `POST /instances` and its twin under the element."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .addressing import find_element, target_element
from .authentication import (
    REFRESH_TOKEN,
    USER_TOKEN,
    authenticate,
    present_tokens,
    provider_data_of,
    refusal_of,
    status_of,
    user_tokens,
)
from .configuration import given_configuration, merged
from .elements import stable_number
from .exchange import Answer, Call, RefusalError, Route
from .hubs import OBJECTS
from .naming import clean_name, tags_at_create
from .oauth import NO_CODE, VendorRefusalError, presented_code
from .rendering import echoed, instance_answer
from .store import Instance

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .elements import Element


_HELD_BY_PROXY = ("oauth.api.key", "oauth.api.secret", "oauth.callback.url")


def create(call: Call) -> Answer:
    """Make an instance. A twin's path names the element; otherwise the body does."""
    tenant = call.tenant
    body = call.json_object()
    element = _element_of(call, body)
    name = clean_name(body.get("name"), tenant.switches)
    given = given_configuration(body)
    _check_required(call, element, given, body)
    data = provider_data_of(body)
    kind = element.authentication(given, data)
    initial = body.get("externalAuthentication") == "initial"
    code = presented_code(element, kind, data)
    if initial:
        # docs: a refresh token (help centre), or a token that the user has (QuickBooks, 2020-11).
        if not (given.get(USER_TOKEN) or given.get(REFRESH_TOKEN)):
            raise RefusalError(400, NO_CODE)
        code = None
    elif kind in ("oauth1", "oauth2") and code is None:
        raise RefusalError(400, NO_CODE)
    instance = Instance(
        element_key=element.key,
        name=name,
        tags=tags_at_create(body.get("tags"), name, tenant.switches),
        configuration=merged(element, element.defaults(), given, tenant.switches, creating=True),
        created=tenant.now_text(),
        external_authentication="initial" if initial else "none",
        provider_data=data,
    )
    try:
        if initial:
            present_tokens(element, instance.configuration)
        authenticate(call, element, instance.configuration, data, code)
    except VendorRefusalError as refused:
        _leave_behind(call, instance, refused)
    exchanged = code is not None or (given.get(REFRESH_TOKEN) and initial and kind != "oauth1")
    _store(call, instance, kind if exchanged else "")
    answer = instance_answer(tenant, instance, element)
    if body.get("retrieveObjectsAfterInstantiation") is True:
        answer["objects"] = list(OBJECTS)
    if tenant.switches.on("tag_objects"):
        answer["tags"] = [
            {"id": stable_number(f"tag:{tag}", 1, 1_000_000), "name": tag} for tag in instance.tags
        ]
    return Answer(echoed(tenant, body, answer))


def _element_of(call: Call, body: Mapping[str, Any]) -> Element:
    if "key" in call.path_parameters:
        return target_element(call)
    named = body.get("element")
    if not isinstance(named, dict) or not (named.get("key") or named.get("id")):
        raise RefusalError(400, "Bad request: element.key is required")
    return find_element(call, named.get("key") or named.get("id"))


def _check_required(
    call: Call, element: Element, given: Mapping[str, Any], body: Mapping[str, Any]
) -> None:
    missing = element.missing(given)
    proxy = body.get("oauthProxy")
    if isinstance(proxy, dict) and proxy.get("isOauthProxy"):
        # docs: the proxy holds the application; its page's create has no configuration (2020-11).
        missing = [e for e in missing if e["key"] not in _HELD_BY_PROXY]
    if body.get("externalAuthentication") == "initial":
        # docs: the vendor's own client sends key, secret and token alone (its API tests, 2018-09).
        missing = [e for e in missing if e["key"] != "oauth.callback.url"]
    if not missing:
        return
    how = call.tenant.switches.text("missing_configuration")
    names = [str(e["name" if how == "names" else "key"]) for e in missing]
    shown = names[:1] if how == "first" else names
    status = int(call.tenant.switches.text("missing_configuration_status"))
    raise RefusalError(status, f"Missing required configuration: {', '.join(shown)}")


def _leave_behind(call: Call, instance: Instance, refused: VendorRefusalError) -> None:
    """Turn a vendor's refusal into the error answer, or let an unusable instance be made."""
    switches = call.tenant.switches
    status = status_of(call, refused)
    instance.refused = True
    if status == 200:  # noqa: PLR2004
        instance.valid = switches.text("valid_when_refused") == "true"
        return
    leaves = switches.text("failed_create_leaves")
    if call.fault is not None and call.fault.parameter("leaves") not in ("", "none"):
        leaves = call.fault.parameter("leaves")
    if leaves != "none":
        instance.valid = leaves != "invalid"
        instance.disabled = leaves == "disabled"
        _store(call, instance, "")
    raise refusal_of(call, status, refused) from None


def _store(call: Call, instance: Instance, kind: str) -> None:
    tenant = call.tenant
    instance.id = tenant.store.next_instance_id()
    instance.token = tenant.token_for(instance.id, instance.authentications)
    if kind and not instance.refused:
        instance.configuration |= user_tokens(call, instance, kind)
    hidden = int(tenant.switches.number("list_delay_requests"))
    if call.fault is not None and call.fault.kind == "invisible":
        hidden = int(call.fault.amount("lists"))
    visible_at = tenant.clock() + tenant.switches.number("list_delay_seconds")
    tenant.store.add_instance(instance, hidden_lists=hidden, visible_at=visible_at)


ROUTES: Sequence[Route] = (
    Route("POST", "/instances", create),
    Route("POST", "/elements/{key}/instances", create),
)
