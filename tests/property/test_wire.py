"""Values as the platform stores them, for any values."""

import json

from hypothesis import given
from hypothesis import strategies as st

from provider.api import wire
from provider.api.request import read

TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-100, 100)
    | st.floats(allow_nan=False, width=16)
    | TEXTS
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def rewritten(value, draw):
    """Return a value as another program may have written the same thing."""
    match draw(st.sampled_from(["same", "stored", "spaced", "float"])), value:
        case "stored", _:
            return wire.stored(value)
        case "spaced", dict() | list():
            return " " + json.dumps(value, indent=draw(st.integers(0, 2))) + "\n"
        case "spaced", str():
            return f" {value}\t"
        case "float", int() if not isinstance(value, bool):
            return float(value)
        case "float", dict():
            return dict(reversed(value.items()))
        case _:
            return value


@st.composite
def family(draw):
    """Return three values; often, but not always, the same in other words."""
    value = draw(JSON)
    return [draw(JSON) if draw(st.booleans()) else rewritten(value, draw) for _ in range(3)]


@given(JSON)
def test_what_is_stored_is_stored_as_it_is(value):
    once = wire.stored(value)
    assert wire.stored(once) == once
    assert once is None or isinstance(once, str)


@given(family())
def test_being_the_same_is_an_equivalence(values):
    a, b, c = values
    assert wire.same_value(a, a)
    assert wire.same_value(a, b) == wire.same_value(b, a)
    assert not (wire.same_value(a, b) and wire.same_value(b, c)) or wire.same_value(a, c)


@given(st.data(), JSON)
def test_a_value_is_the_same_in_other_words(data, value):
    assert wire.same_value(value, rewritten(value, data.draw))


@given(JSON)
def test_a_value_is_the_same_once_stored_and_the_same_as_sent(value):
    assert wire.same_value(value, wire.stored(value))
    assert wire.same_value(value, wire.as_sent(value))


@given(st.booleans() | st.integers(), st.text())
def test_another_scalar_is_another_value(value, text):
    assert wire.same_value(value, text) == (text.strip() == wire.stored(value))


@given(st.lists(st.integers(), min_size=2, unique=True))
def test_the_order_of_a_list_counts(items):
    assert not wire.same_value(items, list(reversed(items)))


@given(JSON)
def test_what_is_sent_is_json_with_the_same_content(value):
    assert json.loads(json.dumps(wire.as_sent(value))) == value


@given(
    st.dictionaries(
        st.sampled_from(
            ["name", "token", "element", "tags", "valid", "disabled", "configuration", "x"]
        ),
        JSON,
    ),
    st.integers(0, 2**63),
)
def test_an_instance_with_an_id_is_always_read(fields, identity):
    found = read(wire.Instance, fields | {"id": identity})
    assert found is not None
    assert found.id == str(identity)
    assert found.held is None or all(v is None or isinstance(v, str) for v in found.held.values())


@given(JSON)
def test_any_json_is_read_or_refused_without_an_exception(document):
    for model in (wire.Instance, wire.Element, wire.Redirect, wire.RequestToken, wire.ErrorBody):
        found = read(model, document)
        assert found is None or isinstance(found, model)
