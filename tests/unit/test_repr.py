"""What the rules hand to each other shows no secret when it is printed."""

import dataclasses

import pytest

from provider.api import wire
from provider.cli.state import Kept
from provider.declarations import parse
from provider.doors.call import Call
from provider.instance import diff
from provider.instance.change import Change
from provider.instance.creation import _Creation
from provider.instance.desired import Desired
from provider.instance.inputs import inputs_of
from provider.instance.markers import MARKERS, markers
from provider.instance.operations import Checked, Created
from provider.instance.recovery import Search
from provider.instance.refresh import Refreshed
from provider.instance.sending import Sender
from provider.instance.state import Record, Stored
from provider.instance.update import _Update

SECRET = "planted-secret"
BAG = {
    "element_key": "hubspot",
    "name": "crm",
    "configuration": {"oauth.api.secret": SECRET, "nested": {"deep": SECRET}},
    "code": SECRET,
    "provider_data": {"secret": SECRET},
    MARKERS: markers(organization="o", project="p", stack="s", place="crm").tags,
}
INPUTS = inputs_of(BAG)
DESIRED = Desired.of(INPUTS)
RECORD = Record(answered={"configuration.site": SECRET}, spent={"code": SECRET})
INSTANCE = wire.Instance(id="7", token=SECRET, configuration=BAG["configuration"])
CHANGES = diff.changes(Stored("7", {}), BAG)
ENTRY = {"element": "hubspot"} | {
    key: BAG[key] for key in ("configuration", "code", "provider_data")
}
HOLDERS = [
    INPUTS,
    parse({"crm": ENTRY})["crm"],
    DESIRED,
    DESIRED.properties,
    DESIRED.credentials,
    RECORD,
    INSTANCE,
    CHANGES,
    Change(INSTANCE, DESIRED.create_request(), RECORD, RECORD, RECORD.spent),
    Sender(None, DESIRED),
    Search(None, DESIRED, DESIRED.markers),
    _Creation(None, DESIRED),
    _Update(None, DESIRED, INSTANCE, CHANGES),
    Checked(BAG, []),
    Created("7", BAG),
    Refreshed(BAG, BAG),
    Call(BAG, None),
    Kept("crm", "7", BAG, BAG, waiting_to_go=False, alone=True),
]


def held(value):
    """Return everything inside a value as text: it has something to hide."""
    if dataclasses.is_dataclass(value):
        return " ".join(held(getattr(value, one.name)) for one in dataclasses.fields(value))
    return str(value.model_dump()) if hasattr(value, "model_dump") else str(value)


@pytest.mark.parametrize("holder", HOLDERS, ids=lambda holder: type(holder).__name__)
def test_what_holds_secrets_does_not_show_them(holder):
    assert SECRET in held(holder)
    assert SECRET not in repr(holder)
    assert SECRET not in str(holder)
