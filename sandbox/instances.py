"""Element instances: create, read, list, change, re-authenticate, enable, disable, delete."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from sandbox.addressing import find_element, instance_id, target_element, target_instance
from sandbox.configuration import given_configuration, merged, put_base
from sandbox.elements import stable_number
from sandbox.exchange import NO_BODY, Answer, Call, RefusalError, Route
from sandbox.naming import clean_name, clean_tags, tags_at_create
from sandbox.oauth import NO_CODE, VendorRefusalError, presented_code, redeem
from sandbox.rendering import instance_answer
from sandbox.store import Instance, Search

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sandbox.elements import Element

WRONG = "wrong"
"""Any password or secret with this value is refused by the vendor."""


# Authentication with the vendor


def _provider_data(body: Mapping[str, Any]) -> dict[str, Any]:
    given = body.get("providerData")
    return given if isinstance(given, dict) else {}


def _check_credentials(element: Element, configuration: Mapping[str, str | None]) -> None:
    wrong = [k for k, v in configuration.items() if v == WRONG and element.is_credential(k)]
    if wrong:
        reason = f"{', '.join(wrong)}: authentication failed"
        raise VendorRefusalError(reason, of_code=False)


def _user_tokens(call: Call, instance: Instance, kind: str) -> dict[str, str | None]:
    """Return what the platform itself writes after an OAuth exchange."""
    tenant = call.tenant

    def token(what: str) -> str:
        digest = tenant.derive(what, instance.id, instance.authentications).hex()
        return f"sandbox-{what}-{digest[:24]}"

    if kind == "oauth1":
        return {"oauth.user.token": token("user"), "oauth.user.token.secret": token("secret")}
    interval = instance.configuration.get("oauth.user.refresh_interval") or "3600"
    tokens: dict[str, str | None] = {
        "oauth.user.token": token("user"),
        "oauth.user.refresh_token": token("refresh"),
        "oauth.user.refresh_interval": interval,
        "oauth.user.refresh_time": str(int(tenant.clock() * 1000)),
    }
    if instance.external_authentication == "initial":
        del tokens["oauth.user.refresh_token"]
    return tokens


def _vendor_status(call: Call, refused: VendorRefusalError) -> int:
    if call.fault is not None and call.fault.kind == "refused":
        return 400
    name = "bad_code_status" if refused.of_code else "bad_credentials_status"
    return int(call.tenant.switches.text(name))


def _vendor_refusal(call: Call, status: int, refused: VendorRefusalError) -> RefusalError:
    messages = {400: "Bad Request", 401: "Request failed", 500: "An unexpected error occurred"}
    shown = refused.reason if call.tenant.switches.on("provider_message") else None
    return RefusalError(status, messages[status], provider_message=shown)


# Create


def create(call: Call) -> Answer:
    """Make an instance; `POST /instances` and its twin under the element."""
    tenant = call.tenant
    body = call.json_object()
    element = _element_of(call, body)
    name = clean_name(body.get("name"), tenant.switches)
    given = given_configuration(body)
    _check_required(call, element, given, body)
    kind = element.authentication(given)
    initial = body.get("externalAuthentication") == "initial" and kind != "oauth1"
    data = _provider_data(body)
    code = presented_code(element, kind, data)
    if initial:
        if not given.get("oauth.user.refresh_token"):
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
        _check_credentials(element, instance.configuration)
        if code is not None:
            redeem(tenant, element, code, data, instance.configuration)
        if call.fault is not None and call.fault.kind == "refused":
            reason = "3100 - AuthorizationFailed"
            raise VendorRefusalError(reason, of_code=False)  # noqa: TRY301
    except VendorRefusalError as refused:
        _leave_behind(call, instance, refused)
    _store(call, instance, kind if code is not None or initial else "")
    answer = instance_answer(tenant, instance, element)
    if body.get("retrieveObjectsAfterInstantiation") is True:
        answer["objects"] = ["accounts", "contacts"]
    if tenant.switches.on("tag_objects"):
        answer["tags"] = [
            {"id": stable_number(f"tag:{tag}", 1, 1_000_000), "name": tag} for tag in instance.tags
        ]
    return Answer(_echoed(call, body, answer))


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
        # docs: the proxy holds the application's key and secret.
        missing = [e for e in missing if e["key"] not in ("oauth.api.key", "oauth.api.secret")]
    if not missing:
        return
    how = call.tenant.switches.text("missing_configuration")
    names = [str(e["name" if how == "names" else "key"]) for e in missing]
    shown = names[:1] if how == "first" else names
    raise RefusalError(400, f"Missing required configuration: {', '.join(shown)}")


def _leave_behind(call: Call, instance: Instance, refused: VendorRefusalError) -> None:
    """Turn a vendor's refusal into the error answer, or let an unusable instance be made."""
    switches = call.tenant.switches
    status = _vendor_status(call, refused)
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
    raise _vendor_refusal(call, status, refused) from None


def _store(call: Call, instance: Instance, kind: str) -> None:
    tenant = call.tenant
    instance.id = tenant.store.next_instance_id()
    instance.token = tenant.token_for(instance.id, instance.authentications)
    if kind and not instance.refused:
        instance.configuration |= _user_tokens(call, instance, kind)
    hidden = int(tenant.switches.number("list_delay_requests"))
    if call.fault is not None and call.fault.kind == "invisible":
        hidden = int(call.fault.amount("lists"))
    visible_at = tenant.clock() + tenant.switches.number("list_delay_seconds")
    tenant.store.add_instance(instance, hidden_lists=hidden, visible_at=visible_at)


def _echoed(call: Call, body: Mapping[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    if call.tenant.switches.on("provider_data_echo") and "providerData" in body:
        answer["providerData"] = body["providerData"]
    return answer


# Read


def get(call: Call) -> Answer:
    """Answer with one instance."""
    instance, element = target_instance(call)
    return Answer(instance_answer(call.tenant, instance, element, reading=True))


def list_all(call: Call) -> Answer:
    """Answer with one page of instances; an empty list is a 404 unless the switch says not."""
    switches = call.tenant.switches
    element = target_element(call) if "key" in call.path_parameters else None
    size, headers = _page_size(call)
    offset = _offset(call)
    search = Search(
        tags=call.parameters("tags[]"),
        any_tag=switches.text("tags_filter") == "or",
        ignore_case=switches.text("tags_filter_case") == "ignore",
        text=call.parameter("searchText") or "",
        element_key=element.key if element else None,
        order=switches.text("list_order"),
    )
    now = call.tenant.clock()
    found, total = call.tenant.store.search(search, now=now, limit=size, offset=offset)
    if not found and switches.text("empty_list_status") == "404":
        raise RefusalError(404, "No element instances found")
    headers["elements-returned-count"] = str(len(found))
    headers["elements-total-count"] = str(total)
    if offset + len(found) < total:
        following = str(offset + len(found)).encode()
        headers["elements-next-page-token"] = base64.urlsafe_b64encode(following).decode()
    hydrate = call.flag("hydrate")
    light = not (switches.on("hydrate_default") if hydrate is None else hydrate)
    items = [
        instance_answer(
            call.tenant, one, find_element(call, one.element_key), reading=True, light=light
        )
        for one in found
    ]
    return Answer(items, headers=headers)


def _page_size(call: Call) -> tuple[int, dict[str, str]]:
    switches = call.tenant.switches
    largest = max(1, int(switches.number("list_page_max")))
    sent = call.parameter("pageSize")
    if sent is None:
        return min(largest, max(1, int(switches.number("list_page_size")))), {}
    if not sent.isdecimal() or int(sent) < 1:
        raise RefusalError(400, f"Bad request: pageSize {sent} is not a positive integer")
    if int(sent) > largest:
        # docs: too large a page is a warning in a header, not an error.
        return largest, {"elements-error": f"pageSize is larger than {largest}"}
    return int(sent), {}


def _offset(call: Call) -> int:
    token = call.parameter("nextPage")
    if not token:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, binascii.Error):
        raise RefusalError(400, "Bad request: nextPage was not given out by this list") from None


def count(call: Call) -> Answer:
    """Answer with the number of instances."""
    number = len(call.tenant.store.all_instances())
    return Answer({"totalInstances": number, "elementInstances": number})


# Change


def put(call: Call) -> Answer:
    """Replace what the body gives; a code re-authenticates unless the query says not to."""
    instance, element = target_instance(call)
    body = call.json_object()
    wanted = call.flag("reAuthenticate")
    switches = call.tenant.switches

    def replaced(target: Element) -> dict[str, str | None]:
        if "configuration" not in body:
            return instance.configuration
        base = put_base(target, instance.configuration, switches)
        # Values kept by `********` are the present ones even when the rest is reset.
        base |= {k: instance.configuration.get(k) for k in _masked_keys(call, body)}
        return merged(target, base, given_configuration(body), switches)

    return _change(call, instance, element, body, configuration=replaced, wanted=wanted)


def _masked_keys(call: Call, body: Mapping[str, Any]) -> list[str]:
    if call.tenant.switches.text("masked_value") != "keep":
        return []
    return [k for k, v in given_configuration(body).items() if v == "********"]


def patch(call: Call) -> Answer:
    """Change what the body gives and keep the rest."""
    instance, element = target_instance(call)
    body = call.json_object()
    switches = call.tenant.switches

    def changed(target: Element) -> dict[str, str | None]:
        given = given_configuration(body)
        return merged(target, instance.configuration, given, switches)

    wanted = None if switches.on("patch_reauthenticates") else False
    return _change(call, instance, element, body, configuration=changed, wanted=wanted)


def _change(
    call: Call,
    instance: Instance,
    element: Element,
    body: dict[str, Any],
    *,
    configuration: Callable[[Element], dict[str, str | None]],
    wanted: bool | None,
) -> Answer:
    switches, store = call.tenant.switches, call.tenant.store
    element = _moved(call, instance, element, body)
    before = instance.configuration
    _rename(call, instance, body)
    changed = configuration(element)
    try:
        if switches.text("credential_change") == "check":
            _check_credentials(element, {k: v for k, v in changed.items() if before.get(k) != v})
        instance.configuration = changed
        code = _code_for_reauthentication(call, element, instance, body, wanted=wanted)
        if code is not None:
            _reauthenticate(call, instance, element, _provider_data(body), code)
    except VendorRefusalError as refused:
        status = _vendor_status(call, refused)
        if status != 200:  # noqa: PLR2004
            _note_failure(call, instance.id)
            raise _vendor_refusal(call, status, refused) from None
        instance.refused = True
        instance.valid = switches.text("valid_when_refused") == "true"
    store.save_instance(instance)
    return Answer(_echoed(call, body, instance_answer(call.tenant, instance, element)))


def _moved(call: Call, instance: Instance, element: Element, body: Mapping[str, Any]) -> Element:
    """Return the element the instance has afterwards; another one means a move to a clone."""
    named = body.get("element")
    wanted = named.get("key") or named.get("id") if isinstance(named, dict) else None
    if wanted is None or str(wanted) in (element.key, str(element.id)):
        return element
    other = find_element(call, wanted)
    instance.element_key = other.key
    instance.configuration = other.defaults() | instance.configuration
    return other


def _rename(call: Call, instance: Instance, body: Mapping[str, Any]) -> None:
    switches = call.tenant.switches
    old = instance.name
    if body.get("name") is not None:
        instance.name = clean_name(body["name"], switches)
    if body.get("tags") is not None:
        instance.tags = clean_tags(body["tags"], switches)
    elif switches.on("rename_changes_tag"):
        instance.tags = [instance.name if tag == old else tag for tag in instance.tags]


def _code_for_reauthentication(
    call: Call,
    element: Element,
    instance: Instance,
    body: Mapping[str, Any],
    *,
    wanted: bool | None,
) -> str | None:
    """Return the code with which to re-authenticate, None for no re-authentication.

    `wanted` is what the request says: yes, no, or nothing.
    """
    kind = element.authentication(instance.configuration)
    if wanted is False or (kind not in ("oauth1", "oauth2") and not element.made_up):
        return None
    code = presented_code(element, kind, _provider_data(body))
    is_put = call.method == "PUT"
    demanded = wanted or (is_put and call.tenant.switches.on("reauthenticate_default"))
    if code is None and demanded and not element.made_up:
        raise RefusalError(400, NO_CODE)
    return code


def _reauthenticate(
    call: Call, instance: Instance, element: Element, data: dict[str, Any], code: str
) -> None:
    tenant = call.tenant
    switches = tenant.switches
    if instance.disabled and switches.text("reauthenticate_disabled") == "refused":
        raise RefusalError(400, "Bad request: the instance is disabled")
    redeem(tenant, element, code, data, instance.configuration)
    old, new = instance.provider_data.get("realmId"), data.get("realmId")
    if old != new and switches.text("reauthenticate_other_user") == "refused":
        reason = "the account is not the one of this instance"
        raise VendorRefusalError(reason, of_code=True)
    instance.provider_data = data
    instance.authentications += 1
    instance.valid, instance.refused = True, False
    instance.external_authentication = "none"
    kind = element.authentication(instance.configuration)
    if kind in ("oauth1", "oauth2"):
        instance.configuration |= _user_tokens(call, instance, kind)
    if switches.text("token_on_reauthentication") == "rotate":
        instance.token = tenant.token_for(instance.id, instance.authentications)
    if switches.on("reauthentication_enables"):
        instance.disabled = False


def _note_failure(call: Call, number: int) -> None:
    """Mark the stored instance, whose other changes are not kept, as invalid if asked to."""
    stored = call.tenant.store.instance(number)
    if stored and call.tenant.switches.text("failed_reauthentication") == "invalid":
        stored.valid = False
        call.tenant.store.save_instance(stored)


def _quiet(call: Call) -> Answer:
    return Answer({} if call.tenant.switches.text("quiet_answer") == "object" else NO_BODY)


def enable(call: Call) -> Answer:
    """Enable an instance."""
    return _set_disabled(call, disabled=False)


def disable(call: Call) -> Answer:
    """Disable an instance: calls to the vendor are then forbidden."""
    return _set_disabled(call, disabled=True)


def _set_disabled(call: Call, *, disabled: bool) -> Answer:
    instance, _ = target_instance(call)
    instance.disabled = disabled
    call.tenant.store.save_instance(instance)
    return _quiet(call)


# Delete


def delete(call: Call) -> Answer:
    """Delete an instance and its token."""
    switches, store = call.tenant.switches, call.tenant.store
    if "id" in call.path_parameters:
        if "Element" in call.authorization and switches.text("delete_with_element") == "misroute":
            # Seen in 2018 (vendor's test suite, issue 683): with an Element token the call went
            # to the vendor's own resource of that name.
            message = "This API is not supported as there is no or multiple Primary keys"
            raise RefusalError(400, message)
        number = instance_id(call)
        if store.instance(number) is None and store.was_deleted(number):
            if switches.text("second_delete_status") == "404":
                raise RefusalError(404, f"No element instance found with ID {number}")
            return _quiet(call)
    instance, _ = target_instance(call)
    if instance.in_use:
        status = int(switches.text("delete_in_use_status"))
        raise RefusalError(status, "The instance is in use by a formula instance")
    store.delete_instance(instance.id)
    return _quiet(call)


ROUTES: Sequence[Route] = (
    Route("POST", "/instances", create),
    Route("GET", "/instances", list_all),
    Route("PUT", "/instances", put, "token"),
    Route("PATCH", "/instances", patch, "token"),
    Route("DELETE", "/instances", delete, "token"),
    Route("GET", "/instances/count", count),
    Route("PUT", "/instances/enabled", enable, "token"),
    Route("DELETE", "/instances/enabled", disable, "token"),
    Route("GET", "/instances/{id}", get),
    Route("PUT", "/instances/{id}", put),
    Route("PATCH", "/instances/{id}", patch),
    Route("DELETE", "/instances/{id}", delete),
    Route("PUT", "/instances/{id}/enabled", enable),
    Route("DELETE", "/instances/{id}/enabled", disable),
    Route("POST", "/elements/{key}/instances", create),
    Route("GET", "/elements/{key}/instances", list_all),
    Route("GET", "/elements/{key}/instances/{id}", get),
    Route("PUT", "/elements/{key}/instances/{id}", put),
    Route("PATCH", "/elements/{key}/instances/{id}", patch),
    Route("DELETE", "/elements/{key}/instances/{id}", delete),
)
