"""One server process, one platform: whatever it is told, and whoever answers."""

import pytest

from sandbox import Sandbox
from tests.host.server import BASIC, PROVIDER, marked, serialized

QUICK = {"CLOUD_ELEMENTS_LOOKUP_WINDOW": "0", "CLOUD_ELEMENTS_RETRY_BUDGET": "0"}


def desk(**fields):
    """Return the inputs of an instance without OAuth."""
    inputs = {
        "element_key": "freshservice",
        "name": "desk",
        "configuration": BASIC,
        "__markers": marked(),
    }
    return inputs | fields


# Several serialized providers in one process


@pytest.mark.parametrize(
    "writers",
    [(PROVIDER, serialized(2)), (serialized(2), PROVIDER)],
    ids=["newer first", "older first"],
)
def test_what_one_serialized_provider_took_over_another_does_not_delete(start, sandbox, writers):
    """The state may keep what another Python wrote, beside what this one writes."""
    assert len(set(writers)) == 2
    old = start(sandbox, environment=QUICK).create(desk())
    server = start(sandbox, environment=QUICK)

    server.provider = writers[0]
    new = server.create(desk(name="renamed", adopt=old.id))
    server.provider = writers[1]
    server.delete(old)

    assert new.id == old.id == str(sandbox.instances()[0]["id"])


def test_settings_that_differ_between_two_providers_share_what_belongs_to_the_address(
    start, sandbox
):
    """The engine may configure anew, and the next serialized provider gets the new settings."""
    stack = {
        "cloud-elements:baseUrl": sandbox.base_url,
        "cloud-elements:userSecret": sandbox.user_secret,
        "cloud-elements:organizationSecret": sandbox.organization_secret,
        "cloud-elements:journal": "false",
    }
    old = start(sandbox, environment=QUICK).create(desk())
    server = start(config=stack, environment=QUICK)
    new = server.create(desk(name="renamed", adopt=old.id))

    slow = {"cloud-elements:baseUrl": f"{sandbox.base_url}/", "cloud-elements:timeout": "90"}
    server.configure(stack | slow)
    server.provider = serialized(2)
    server.delete(old)
    assert new.id == str(sandbox.instances()[0]["id"])

    with Sandbox() as elsewhere:
        server.configure(
            {
                "cloud-elements:baseUrl": elsewhere.base_url,
                "cloud-elements:userSecret": elsewhere.user_secret,
                "cloud-elements:organizationSecret": elsewhere.organization_secret,
            }
        )
        server.provider = serialized(3)
        server.create(desk())
        assert len(elsewhere.instances()) == 1


# Addresses


def test_an_environment_that_leads_elsewhere_than_the_stack_is_told_once(start, sandbox):
    stack = {"cloud-elements:baseUrl": "https://api.cloud-elements.com/elements/api-v2"}
    server = start(sandbox, config=stack, environment=QUICK)

    for server.provider in (PROVIDER, serialized(2)):
        server.checked(desk())
        server.checked(desk(name="another"))

    assert server.engine.warnings == [
        (
            "CLOUD_ELEMENTS_BASE_URL overrides the stack's cloud-elements:baseUrl: "
            f"{sandbox.base_url} is used instead of {stack['cloud-elements:baseUrl']}; unset it "
            "where the stack's own platform is meant"
        )
    ]
    assert server.engine.logged[0].urn == ""


def test_an_environment_that_says_what_the_stack_says_is_not_worth_a_word(start, sandbox):
    server = start(sandbox, config={"cloud-elements:baseUrl": f"{sandbox.base_url}/"})
    server.checked(desk())
    assert server.engine.warnings == []
