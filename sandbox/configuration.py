"""Configuration of an instance: how values are taken, kept, shown and changed one by one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .addressing import target_instance
from .elements import is_user_token, named_like_a_secret, stable_number
from .exchange import Answer, Call, RefusalError, Route

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .elements import Element
    from .store import Instance
    from .switches import Switches

MASK = "********"
Configuration = dict[str, str | None]


def given_configuration(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration a body sends; none is an empty one."""
    given = body.get("configuration")
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise RefusalError(400, "Bad request: configuration must be an object")
    return given


def as_text(value: Any) -> str | None:
    """Return a value as the platform keeps it: text; objects and lists become compact JSON."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def merged(
    element: Element,
    current: Configuration,
    given: Mapping[str, Any],
    switches: Switches,
    *,
    creating: bool = False,
) -> Configuration:
    """Return the current configuration with the given values put into it.

    A create has no earlier value that `********` could stand for.
    """
    result = dict(current)
    defaults = element.defaults()
    for key, value in given.items():
        if key not in defaults and key not in current and not element.made_up:
            if switches.text("unknown_configuration") == "refuse":
                raise RefusalError(400, f"Bad request: unknown configuration key {key}")
            if switches.text("unknown_configuration") == "drop":
                continue
        if not creating and key in current and keeps_present(element, key, value, switches):
            continue
        treatment = "store"
        if value is None:
            treatment = switches.text("null_value")
        elif value == "":
            treatment = switches.text("empty_value")
        if treatment == "store":
            text = _trimmed(as_text(value), switches)
            own = defaults.get(key) if key == "event.vendor.type" else None
            result[key] = _spelled(text, own, switches)
        elif treatment == "reset":
            _reset(result, key, defaults)
    return result


def keeps_present(element: Element, key: str, value: Any, switches: Switches) -> bool:
    """Return whether a sent value is the mask and means the present one."""
    treatment = switches.text("masked_value")
    return value == MASK and (
        treatment == "keep" or (treatment == "keep_secrets" and _is_masked(element, key, switches))
    )


def _reset(configuration: Configuration, key: str, defaults: Configuration) -> None:
    if key in defaults:
        configuration[key] = defaults[key]
    else:
        configuration.pop(key, None)


def _trimmed(value: str | None, switches: Switches) -> str | None:
    treatment = switches.text("trim_values")
    if value is None or treatment == "off":
        return value
    value = value.strip()
    is_address = value.startswith(("http://", "https://"))
    return value.rstrip("/") if treatment == "urls" and is_address else value


_WEBHOOKS = ("webhook", "webhooks")


def _spelled(value: str | None, own: str | None, switches: Switches) -> str | None:
    """Return how events come in the element's own spelling, where the platform minds it."""
    if value == own or not {value, own} <= {*_WEBHOOKS}:
        return value
    treatment = switches.text("webhook_spelling")
    if treatment == "refuse":
        raise RefusalError(400, f"Bad request: event.vendor.type must be {own}")
    return own if treatment == "own" else value


def put_base(element: Element, current: Configuration, switches: Switches) -> Configuration:
    """Return what a PUT's configuration is put into: the present one, or the defaults.

    Keys that the platform writes itself stay even in a reset.
    """
    if switches.text("put_configuration") == "merge":
        return current
    written = {k: v for k, v in current.items() if k.startswith("oauth.user.")}
    return element.defaults() | written


def _is_masked(element: Element, key: str, switches: Switches) -> bool:
    if is_user_token(key) and not element.masks(key):
        return switches.on("mask_user_tokens")
    if switches.text("masking") == "clear":
        return False
    return element.masks(key) or (switches.on("mask_named_secrets") and named_like_a_secret(key))


def shown(element: Element, configuration: Configuration, switches: Switches) -> Configuration:
    """Return a configuration as answers show it."""
    return {
        key: MASK if value and _is_masked(element, key, switches) else value
        for key, value in configuration.items()
    }


def _entry_id(instance: Instance, key: str) -> int:
    return stable_number(f"{instance.id}:{key}", 1_000_000, 2**31 - 1_000_000)


def _entry(call: Call, instance: Instance, element: Element, key: str) -> dict[str, Any]:
    switches = call.tenant.switches
    described = element.entry(key) or {}
    value = instance.configuration[key]
    masked = bool(value) and _is_masked(element, key, switches)
    if not switches.on("mask_entries") and not key.startswith("oauth.api."):
        masked = False
    return {
        "id": _entry_id(instance, key),
        "key": key,
        "name": described.get("name", key),
        "description": described.get("description", ""),
        "propertyValue": MASK if masked else value,
        "type": described.get("type", "TEXTFIELD_1000"),
        "required": described.get("required", False),
        "hideFromConsole": described.get("hideFromConsole", False),
        "active": described.get("active", True),
    }


def _key_of_entry(call: Call, instance: Instance) -> str:
    wanted = call.path_parameters["config_id"]
    for key in instance.configuration:
        if wanted == str(_entry_id(instance, key)):
            return key
    status = int(call.tenant.switches.text("unknown_instance_status"))
    raise RefusalError(status, f"No configuration found with ID {wanted}")


def list_entries(call: Call) -> Answer:
    """Answer with the configuration as entries that carry numeric ids."""
    instance, element = target_instance(call)
    return Answer([_entry(call, instance, element, key) for key in instance.configuration])


def get_entry(call: Call) -> Answer:
    """Answer with one entry, found by its numeric id."""
    instance, element = target_instance(call)
    return Answer(_entry(call, instance, element, _key_of_entry(call, instance)))


def patch_entry(call: Call) -> Answer:
    """Change the `propertyValue` of one entry."""
    instance, element = target_instance(call)
    key = _key_of_entry(call, instance)
    body = call.json_object()
    if "propertyValue" in body:
        given = {key: body["propertyValue"]}
        switches = call.tenant.switches
        instance.configuration = merged(element, instance.configuration, given, switches)
        call.tenant.store.save_instance(instance)
    if key not in instance.configuration:
        return Answer({"key": key, "propertyValue": None})
    return Answer(_entry(call, instance, element, key))


ROUTES: Sequence[Route] = (
    Route("GET", "/instances/configuration", list_entries, "token"),
    Route("GET", "/instances/configuration/{config_id}", get_entry, "token"),
    Route("PATCH", "/instances/configuration/{config_id}", patch_entry, "token"),
    Route("GET", "/instances/{id}/configuration", list_entries),
    Route("GET", "/instances/{id}/configuration/{config_id}", get_entry),
    Route("PATCH", "/instances/{id}/configuration/{config_id}", patch_entry),
)
