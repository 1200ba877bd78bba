"""The API's JSON: tolerant reading, values as the platform stores them, request bodies."""

import pytest

from provider.api import request, wire

INSTANCE = {
    "id": 7,
    "name": "seven",
    "token": "t",
    "element": {"key": "hubspot", "name": "HubSpot"},
}


def read(**changes):
    return request.read(wire.Instance, INSTANCE | changes)


def test_an_instance_is_its_id():
    bare = request.read(wire.Instance, {"id": 7})
    assert bare is not None
    assert (bare.id, bare.name, bare.held, bare.element.key) == ("7", None, None, None)


@pytest.mark.parametrize("identity", [None, True, "", " ", "7 8", "../7", 7.5, [7], "."])
def test_without_a_usable_id_it_is_no_instance(identity):
    assert read(id=identity) is None


@pytest.mark.parametrize("document", [None, [], "text", 7, {}, [INSTANCE]])
def test_what_is_no_instance_at_all_is_none(document):
    assert request.read(wire.Instance, document) is None


@pytest.mark.parametrize(
    "field", ["name", "token", "element", "tags", "valid", "disabled", "configuration"]
)
@pytest.mark.parametrize("odd", [None, 5, [5], {"x": {}}, "text"])
def test_a_field_of_an_odd_type_counts_as_absent(field, odd):
    """An instance must not be lost because a field nobody needs came in another shape."""
    found = read(**{field: odd})
    assert found is not None
    assert found.id == "7"
    without = request.read(wire.Instance, {k: v for k, v in INSTANCE.items() if k != field})
    got = getattr(found, field)
    fitting = {"name": str, "token": str, "tags": list, "configuration": dict}.get(field)
    assert got == getattr(without, field) or field == "element" or isinstance(odd, fitting or bool)


def test_tags_may_be_objects():
    found = read(tags=["a", {"id": 12, "name": "b"}, {"id": 13}, None])
    assert found.tags == ["a", "b"]


def test_an_element_without_a_readable_key_keeps_its_name():
    assert read(element={"key": 5, "name": "HubSpot"}).element == wire.ElementReference(
        name="HubSpot"
    )


@pytest.mark.parametrize("at_the_top", [{}, [], None])
def test_configuration_and_flags_may_stand_inside_the_element(at_the_top):
    inside = {"key": "hubspot", "configuration": {"a": 1}, "valid": False, "disabled": True}
    found = read(element=inside, configuration=at_the_top)
    assert (found.held, found.valid, found.disabled) == ({"a": "1"}, False, True)


def test_what_stands_at_the_top_comes_first():
    inside = {"key": "hubspot", "configuration": {"a": "inside"}, "valid": False}
    found = read(element=inside, configuration={"a": "top"}, valid=True)
    assert (found.held, found.valid) == ({"a": "top"}, True)


def test_an_elements_own_list_of_entries_is_no_instances_configuration():
    assert read(element={"key": "hubspot", "configuration": [{"key": "a"}]}).held is None


def test_an_element_keeps_the_entries_that_can_be_read():
    document = {
        "key": "hubspot",
        "configuration": [
            {"key": "a", "required": "yes", "defaultValue": 5, "type": None, "options": "x"},
            {"key": None},
            "text",
            {"key": "b", "required": {}, "active": None, "defaultValue": {"x": 1}},
        ],
    }
    element = request.read(wire.Element, document)
    assert [(e.key, e.required, e.active, e.default_value) for e in element.configuration] == [
        ("a", True, True, "5"),
        ("b", False, True, '{"x":1}'),
    ]


def test_an_element_without_a_key_is_none():
    assert request.read(wire.Element, {"name": "HubSpot", "configuration": []}) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        ("", ""),
        (" x ", " x "),
        (True, "true"),
        (False, "false"),
        (30, "30"),
        (30.0, "30"),
        (0.5, "0.5"),
        (-0.0, "0"),
        ({"b": 1.0, "a": [True, None]}, '{"a":[true,null],"b":1}'),
        ([], "[]"),
    ],
)
def test_values_are_stored_as_text(value, text):
    """docs: all values come back as strings, objects as JSON text (2020-11)."""
    assert wire.stored(value) == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (True, "true"),
        (15, "15"),
        (15.0, "15"),
        (None, ""),
        ("x ", "x"),
        ({"a": 1, "b": [2.0]}, '{"b": [2], "a": 1.0}'),
        ('{"a":1}', '{ "a" : 1 }'),
    ],
)
def test_values_that_the_platform_stores_alike_are_the_same(one, other):
    assert wire.same_value(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (True, "True"),
        (1, True),
        (None, "null"),
        ("a", "A"),
        ({}, ""),
        ({}, []),
        ({"a": 1}, {"a": True}),
        ({"a": 1}, {"a": "1"}),
        ([1, 2], [2, 1]),
        ("{a", "{a "[:2] + "b"),
        ("[" * 100_000, "[" * 100_001),
    ],
)
def test_values_that_differ_once_stored_are_not_the_same(one, other):
    assert not wire.same_value(one, other)


def test_a_request_holds_only_what_is_given():
    assert wire.instance_request() == {}
    assert wire.instance_request(element_key="hubspot", name="n", provider_data={}) == {
        "element": {"key": "hubspot"},
        "name": "n",
    }


def test_an_oauth_proxy_is_named_in_the_form_of_the_api():
    assert wire.instance_request(oauth_proxy="TestApp") == {
        "oauthProxy": {"isOauthProxy": True, "oauthProxyName": "TestApp"}
    }


def test_empty_tags_and_an_empty_name_are_given():
    """An update must be able to take the last tag away."""
    assert wire.instance_request(tags=[], name="") == {"tags": [], "name": ""}


def test_a_request_writes_whole_numbers_as_such():
    """The engine hands every number over as a float."""
    made = wire.instance_request(configuration={"a": 30.0, "b": {"c": [1.0, 0.5, True]}})
    assert repr(made) == repr({"configuration": {"a": 30, "b": {"c": [1, 0.5, True]}}})


@pytest.mark.parametrize("address", ["https://vendor.example/a?b=c", "http://127.0.0.1:1/x"])
def test_a_redirect_is_an_address_for_a_browser(address):
    assert request.read(wire.Redirect, {"oauthUrl": address}).oauth_url == address
