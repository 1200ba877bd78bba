"""Element instances that exist: read, list, count, enable, disable, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import formulas
from .addressing import (
    find_element,
    instance_id,
    no_instance,
    target_element,
    target_instance,
)
from .exchange import NO_BODY, Answer, Call, RefusalError, Route
from .paging import answer, page_of
from .rendering import instance_answer
from .store import Search

if TYPE_CHECKING:
    from collections.abc import Sequence


def get(call: Call) -> Answer:
    """Answer with one instance.

    docs: with `includeDeleted=true` a deleted one still has a body (vendor's test suite, pull
    request 2104, 2019), which its guide says is gone for good.
    """
    shown = call.tenant.switches.text("deleted_instances") == "shown"
    deleted = shown and bool(call.flag("includeDeleted"))
    instance, element = target_instance(call, deleted=deleted)
    return Answer(instance_answer(call.tenant, instance, element, reading=True))


def list_all(call: Call) -> Answer:
    """Answer with one page of instances."""
    switches = call.tenant.switches
    element = target_element(call) if "key" in call.path_parameters else None
    most = max(1, int(switches.number("list_page_max")))
    usual = max(1, int(switches.number("list_page_size")))
    page = page_of(call, usual=usual, largest=most)
    search = Search(
        tags=call.parameters("tags[]"),
        any_tag=switches.text("tags_filter") == "or",
        ignore_case=switches.text("tags_filter_case") == "ignore",
        text=call.parameter("searchText") or "",
        element_key=element.key if element else None,
        order=switches.text("list_order"),
    )
    now = call.tenant.clock()
    found, total = call.tenant.store.search(search, now=now, limit=page.size, offset=page.offset)
    hydrate = call.flag("hydrate")
    light = not (switches.on("hydrate_default") if hydrate is None else hydrate)
    items = [
        instance_answer(
            call.tenant, one, find_element(call, one.element_key), reading=True, light=light
        )
        for one in found
    ]
    return answer(call, page, items, total, what="element instances")


def count(call: Call) -> Answer:
    """Answer with the number of instances, in all and by element key.

    docs: the vendor's test suite, elements.js:112-116 (2018).
    """
    numbers = call.tenant.store.instances_by_element()
    return Answer({"totalInstances": sum(numbers.values()), "elementInstances": numbers})


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
    instance.failed_refreshes = 0
    call.tenant.store.save_instance(instance)
    return _quiet(call)


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
        if store.instance(number) is None:
            status = int(switches.text("second_delete_status"))
            if not store.was_deleted(number):
                status = 404
            if status == 200:  # noqa: PLR2004
                return _quiet(call)
            raise no_instance(call, status)
    instance, _ = target_instance(call)
    users = formulas.using(call, instance)
    if instance.in_use or users:
        status = int(switches.text("delete_in_use_status"))
        named = switches.text("delete_in_use_message") == "cause"
        what = f"formula instance {users[0]['id']}" if users else "a formula instance"
        raise RefusalError(status, f"The instance is in use by {what}" if named else "Conflict")
    store.delete_instance(instance)
    return _quiet(call)


ROUTES: Sequence[Route] = (
    Route("GET", "/instances", list_all),
    Route("DELETE", "/instances", delete, "token"),
    Route("GET", "/instances/count", count),
    Route("PUT", "/instances/enabled", enable, "token"),
    Route("DELETE", "/instances/enabled", disable, "token"),
    Route("GET", "/instances/{id}", get),
    Route("DELETE", "/instances/{id}", delete),
    Route("PUT", "/instances/{id}/enabled", enable),
    Route("DELETE", "/instances/{id}/enabled", disable),
    Route("GET", "/accounts/instances", list_all),
    Route("GET", "/elements/{key}/instances", list_all),
    Route("GET", "/elements/{key}/instances/{id}", get),
    Route("DELETE", "/elements/{key}/instances/{id}", delete),
)
