"""Changing an instance: PUT, PATCH, and re-authentication with a new code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .addressing import find_element, target_instance
from .authentication import (
    REFRESH_TIME,
    REFRESH_TOKEN,
    authenticate,
    check_credentials,
    present_tokens,
    provider_data_of,
    refusal_of,
    status_of,
    user_tokens,
)
from .configuration import given_configuration, keeps_present, merged, put_base
from .elements import is_user_token
from .exchange import Answer, Call, RefusalError, Route
from .naming import clean_name, clean_tags
from .oauth import NO_CODE, VendorRefusalError, presented_code
from .rendering import echoed, instance_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .elements import Element
    from .store import Instance


_NO_CODE_BY_PATCH = "Bad request: an instance is not authenticated by PATCH"


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
        given = given_configuration(body)
        kept = [k for k, v in given.items() if keeps_present(target, k, v, switches)]
        base |= {k: v for k, v in instance.configuration.items() if k in kept}
        return merged(target, base, given, switches)

    return _change(call, instance, element, body, configuration=replaced, wanted=wanted)


def patch(call: Call) -> Answer:
    """Change what the body gives and keep the rest."""
    instance, element = target_instance(call)
    body = call.json_object()
    switches = call.tenant.switches
    taken = switches.text("patch_reauthenticates")
    if taken != "on" and provider_data_of(body):
        call.code_ignored = True
        if taken == "nothing":
            return Answer(instance_answer(call.tenant, instance, element))
        if taken != "off":
            raise RefusalError(int(taken), _NO_CODE_BY_PATCH)

    def changed(target: Element) -> dict[str, str | None]:
        given = given_configuration(body)
        return merged(target, instance.configuration, given, switches)

    wanted = call.flag("reAuthenticate") if taken == "on" else False
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
        if _tries_again(call, element, changed, wanted=wanted):
            check_credentials(element, changed)
        elif switches.text("credential_change") == "check":
            check_credentials(element, {k: v for k, v in changed.items() if before.get(k) != v})
        instance.configuration = changed
        code = _code_for_reauthentication(call, element, instance, body, wanted=wanted)
        if code is not None:
            _reauthenticate(call, instance, element, provider_data_of(body), code)
        elif _has_new_refresh_token(call, element, before, changed, wanted=wanted):
            _refuse_when_disabled(call, instance)
            present_tokens(element, changed)
            _authenticated(call, instance, element, "initial")
    except VendorRefusalError as refused:
        status = status_of(call, refused)
        if status != 200:  # noqa: PLR2004
            _note_failure(call, instance.id)
            raise refusal_of(call, status, refused) from None
        instance.refused = True
        instance.valid = switches.text("valid_when_refused") == "true"
    store.save_instance(instance)
    return Answer(echoed(call.tenant, body, instance_answer(call.tenant, instance, element)))


def _tries_again(
    call: Call, element: Element, configuration: Mapping[str, str | None], *, wanted: bool | None
) -> bool:
    is_oauth = element.authentication(configuration) in ("oauth1", "oauth2")
    asked = call.tenant.switches.text("reauthenticate_without_oauth") == "check"
    return bool(wanted) and asked and not is_oauth


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
    data = provider_data_of(body)
    kind = element.authentication(instance.configuration, data)
    if wanted is False or (kind not in ("oauth1", "oauth2") and not element.made_up):
        return None
    code = presented_code(element, kind, data)
    is_put = call.method == "PUT"
    demanded = wanted or (is_put and call.tenant.switches.on("reauthenticate_default"))
    if code is None and demanded and not element.made_up:
        raise RefusalError(400, NO_CODE)
    return code


def _reauthenticate(
    call: Call, instance: Instance, element: Element, data: dict[str, Any], code: str
) -> None:
    _refuse_when_disabled(call, instance)
    authenticate(call, element, instance.configuration, data, code)
    old, new = instance.provider_data.get("realmId"), data.get("realmId")
    if old != new and call.tenant.switches.text("reauthenticate_other_user") == "refused":
        reason = "the account is not the one of this instance"
        raise VendorRefusalError(reason, switch="bad_code_status")
    instance.provider_data = data
    _authenticated(call, instance, element, "none")


def _has_new_refresh_token(
    call: Call,
    element: Element,
    before: Mapping[str, str | None],
    changed: Mapping[str, str | None],
    *,
    wanted: bool | None,
) -> bool:
    if wanted is False or element.authentication(changed) != "oauth2":
        return False
    exchanged = call.tenant.switches.text("refresh_token_change") == "exchanged"
    return exchanged and changed.get(REFRESH_TOKEN) not in (None, "", before.get(REFRESH_TOKEN))


def _refuse_when_disabled(call: Call, instance: Instance) -> None:
    refused = call.tenant.switches.text("reauthenticate_disabled") == "refused"
    if instance.disabled and refused:
        raise RefusalError(400, "Bad request: the instance is disabled")


def _authenticated(call: Call, instance: Instance, element: Element, by: str) -> None:
    """Note what the platform writes when the vendor has accepted a code or a refresh token."""
    tenant = call.tenant
    switches = tenant.switches
    instance.authentications += 1
    instance.valid, instance.refused, instance.failed_refreshes = True, False, 0
    instance.external_authentication = by
    kind = element.authentication(instance.configuration, instance.provider_data)
    if kind in ("oauth1", "oauth2"):
        instance.configuration |= _tokens(call, instance, kind)
    if switches.text("token_on_reauthentication") == "rotate":
        instance.token = tenant.token_for(instance.id, instance.authentications)
    if switches.on("reauthentication_enables"):
        instance.disabled = False


def _tokens(call: Call, instance: Instance, kind: str) -> dict[str, str | None]:
    """Return the tokens of a further authentication; the time of a refresh is always another."""
    tokens, before = user_tokens(call, instance, kind), instance.configuration
    if (last := before.get(REFRESH_TIME)) and (now := tokens.get(REFRESH_TIME)):
        tokens[REFRESH_TIME] = str(max(int(now), int(last) + 1))
    if call.tenant.switches.text("user_tokens_on_reauthentication") == "same":
        tokens |= {k: before[k] for k in tokens if is_user_token(k) and before.get(k)}
    return tokens


def _note_failure(call: Call, number: int) -> None:
    """Mark the stored instance, whose other changes are not kept, as invalid if asked to."""
    stored = call.tenant.store.instance(number)
    if stored and call.tenant.switches.text("failed_reauthentication") == "invalid":
        stored.valid = False
        call.tenant.store.save_instance(stored)


ROUTES: Sequence[Route] = (
    Route("PUT", "/instances", put, "token"),
    Route("PATCH", "/instances", patch, "token"),
    Route("PUT", "/instances/{id}", put),
    Route("PATCH", "/instances/{id}", patch),
    Route("PUT", "/elements/{key}/instances/{id}", put),
    Route("PATCH", "/elements/{key}/instances/{id}", patch),
)
