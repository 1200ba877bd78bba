"""Which element or instance a path means, and the refusal when there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .exchange import Call, RefusalError
from .values import is_number

if TYPE_CHECKING:
    from .elements import Element
    from .store import Instance


NO_INSTANCE = 0
"""An id that no instance ever gets; stands for numbers the database could not hold."""


def find_element(call: Call, key_or_id: object) -> Element:
    """Return the element with this key or numeric id."""
    named = isinstance(key_or_id, str | int)
    element = call.tenant.elements.find(str(key_or_id)) if named else None
    if element is None:
        status = int(call.tenant.switches.text("unknown_element_status"))
        raise RefusalError(status, f"No element found with key or ID {key_or_id}")
    return element


def target_element(call: Call) -> Element:
    """Return the element that the path names."""
    return find_element(call, call.path_parameters["key"])


def instance_id(call: Call) -> int:
    """Return the instance id in the path."""
    text = call.path_parameters["id"]
    if not text.isdecimal():
        status = int(call.tenant.switches.text("non_integer_id_status"))
        raise RefusalError(status, f"The instance ID {text} is not an integer")
    return int(text) if is_number(text) else NO_INSTANCE


def no_instance(call: Call, status: int) -> RefusalError:
    """Return the refusal when the path names an instance that is not there."""
    return RefusalError(status, f"No element instance found with ID {call.path_parameters['id']}")


def target_instance(call: Call, *, deleted: bool = False) -> tuple[Instance, Element]:
    """Return the instance that the path names by id, or else the header by token.

    With `deleted` also one that is deleted.
    """
    if "id" in call.path_parameters:
        instance = call.tenant.store.instance(instance_id(call), deleted=deleted)
        if instance is None or not _of_the_element_in_the_path(call, instance):
            raise no_instance(call, int(call.tenant.switches.text("unknown_instance_status")))
    else:
        assert call.token_instance is not None
        instance = call.token_instance
    return instance, find_element(call, instance.element_key)


def _of_the_element_in_the_path(call: Call, instance: Instance) -> bool:
    if "key" not in call.path_parameters:
        return True
    return target_element(call).key == instance.element_key
