"""Whether what a platform has under an id is the instance that the state means.

Ids are each platform's own: at another address the same number is somebody else's instance. So the
state remembers the address, as it is and not as a fingerprint, for a refusal must name it. Where
that is not the address in use, or a state is older than that, the instance itself has to show that
it is the same: an API has several hosts, and hosts move. Knows no HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .advice import use
from .diff import same_text
from .markers import MARKERS, Markers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..api import wire
    from .state import Stored


@dataclass(frozen=True)
class Doubt:
    """Why an instance may be another one than the state's.

    Args:
        why: What is seen at the address in use.
        then: What to do where it is the same platform all the same; may be empty.
    """

    why: str
    then: str = ""

    def refusal(self, home: str, here: str) -> str:
        """Return why nothing is done here, and what to do; a state may be older than its home."""
        if home:
            text = f"it belongs to {home}, and at {here} {self.why}: {use(home)}"
        else:
            text = (
                f"the state does not say which platform it belongs to, and at {here} {self.why}: "
                f"{use('the address where it was made')}"
            )
        return f"{text}; where {here} is the same platform, {self.then}" if self.then else text


def doubt(
    stored: Stored, instance: wire.Instance | None, *inputs: Mapping[str, Any]
) -> Doubt | None:
    """Return why an instance may be another one than the state's; None when it surely is the same.

    It must be of the same element and carry the marker. Where no marker of it is known, or the
    answer does not tell tags, its name and token must be those in the state. Inputs of the
    resource, old ones and new ones, may hold unknowns.
    """
    instance_id, outputs = stored.instance_id, stored.outputs
    if instance is None:
        return Doubt(f"there is no instance {instance_id}", "run pulumi state delete with its URN")
    if not instance.is_of(stored.element_key):
        return Doubt(f"instance {instance_id} is of element '{instance.element.key}'")
    then = f"run pulumi state delete with its URN and set 'adopt' to {instance_id}"
    marks = _marks(stored, *inputs)
    if marks and instance.tags is not None:
        if marks.isdisjoint(instance.tags):
            return Doubt(f"instance {instance_id} does not carry its marker", then)
        return None
    same = same_text(instance.name or "", stored.name)
    if same and instance.token and instance.token == outputs.get("element_token"):
        return None
    return Doubt(f"nothing shows that instance {instance_id} is the same", then)


def _marks(stored: Stored, *inputs: Mapping[str, Any]) -> set[str]:
    """Return the tags of which the instance has one at least, as far as any is known.

    Several, for a run that was interrupted may have given it new ones that the state does not know.
    """
    record, known = stored.record, (stored.outputs, *inputs)
    marked = list(filter(None, (Markers.of(properties.get(MARKERS)) for properties in known)))
    if not record.adopted:
        return {markers.instance for markers in marked}
    adopts = {adopt for properties in known if isinstance(adopt := properties.get("adopt"), str)}
    return {markers.adoption(adopt) for markers in marked for adopt in adopts} | {
        record.adoption
    } - {""}
