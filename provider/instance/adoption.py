"""The `adopt` input: taking over an existing instance instead of creating one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..api.errors import NotFoundError, RefusedError
from . import ownership
from .advice import CORRECT_ADOPT
from .diff import own_tags, same_text
from .state import Origin
from .update import take_over

if TYPE_CHECKING:
    from ..api import wire
    from ..api.client import CloudElementsClient
    from .context import Context
    from .desired import Desired


def adopt(context: Context, desired: Desired, named: str) -> tuple[str, dict[str, Any]]:
    """Return id and outputs of the existing instance that the program names."""
    instance = adoptee(context, desired, named)
    if not context.claims.claim(instance.id, Origin.ADOPTED):
        message = f"instance {instance.id} already belongs to a resource: correct 'adopt'"
        raise RefusedError(message)
    markers = desired.markers
    for warning in ownership.made_by_others(instance, markers):
        context.host.warn(warning)
    # One that a create of ours made is no stranger: it goes when its resource goes.
    ours = markers is not None and markers.instance in (instance.tags or [])
    origin = Origin.RECOVERED if ours else Origin.ADOPTED
    return instance.id, take_over(context, desired, instance, origin, sent=False)


def adoptee(context: Context, desired: Desired, named: str) -> wire.Instance:
    """Return the existing instance that the program names.

    Raises:
        RefusedError: There is none, or it can't be told which one.
    """
    # By the tag or name that it was named by, it may not be found a second time: a run that was
    # interrupted may have changed both.
    client, marker = context.client, desired.adoption_marker
    listed = client.find_instances(tag=marker[0]) if marker and not named.isdigit() else []
    earlier = [
        instance.id for instance in listed if instance.tags is None or marker[0] in instance.tags
    ]
    which = earlier[0] if len(earlier) == 1 else named
    return find(which, client, desired.inputs.element_key)


def effects(desired: Desired, instance: wire.Instance) -> list[str]:
    """Return what taking over an existing instance does to it, in words."""
    found = []
    if instance.name is not None and not same_text(instance.name, desired.inputs.name):
        found.append("renames it")
    tags = own_tags(instance, desired.inputs.tags) or []
    if lost := [tag for tag in tags if tag not in desired.inputs.tags]:
        found.append(f"takes its tags {', '.join(lost)} away")
    return found


def find(named: str, client: CloudElementsClient, element_key: str) -> wire.Instance:
    """Return the instance that `adopt` names: an id, `tag:<tag>` or `name:<name>`.

    Raises:
        RefusedError: There is none, there are several, or it is another element's.
    """
    if not named.isdigit():
        named = _found(named, client, element_key)
    try:
        instance = client.get_instance(named)
    except NotFoundError:
        message = f"there is no instance {named} to adopt: {CORRECT_ADOPT}"
        raise RefusedError(message) from None
    if not instance.is_of(element_key):
        key = instance.element.key
        message = (
            f"instance {instance.id} is of element '{key}', not '{element_key}': {CORRECT_ADOPT}"
        )
        raise RefusedError(message)
    return instance


def _found(named: str, client: CloudElementsClient, element_key: str) -> str:
    """Return the id of the one instance with a tag or a name."""
    by, _, text = named.partition(":")
    if by == "tag":
        found = [
            instance
            for instance in client.find_instances(tag=text)
            if text in (instance.tags or [text])
        ]
    else:
        found = [
            instance for instance in client.find_instances(search=text) if instance.name == text
        ]
    found = [instance for instance in found if instance.is_of(element_key)]
    if len(found) == 1:
        return found[0].id
    ids = ", ".join(instance.id for instance in found)
    then = f"{ids}; set 'adopt' to the id of the right one" if found else CORRECT_ADOPT
    count = len(found) or "no"
    message = f"{count} instances of '{element_key}' have the {by} '{text}': {then}"
    raise RefusedError(message)
