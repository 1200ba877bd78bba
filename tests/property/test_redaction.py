"""No secret is left in a text, whatever stands around it."""

import html
import json
from urllib.parse import quote, quote_plus

from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime.rpc import is_rpc_secret, unwrap_rpc_secret

from provider.api.redaction import HIDDEN, scrub, secrets_of, strings_in
from provider.instance.inputs import marked_secret

# Letters that take another form in addresses, JSON and HTML; none that `[secret]` is written with.
SECRETS = st.text(alphabet="AZaz09/+=&<>\"'\\ é-_.%", min_size=4, max_size=20).filter(
    lambda secret: not set(secret) <= set(HIDDEN) and len(secret.strip()) >= 4
)
FORMS = [str, quote, quote_plus, html.escape, lambda s: quote(s, ""), lambda s: json.dumps(s)[1:-1]]


@given(st.lists(SECRETS, min_size=1, max_size=3), st.data())
def test_no_form_of_a_secret_is_left(secrets, data):
    words = [data.draw(st.sampled_from(FORMS))(secret) for secret in secrets]
    text = "|".join(words)
    scrubbed = scrub(text, secrets)
    assert [secret for secret in secrets if secret in scrubbed] == []


@given(st.text(), st.lists(SECRETS, max_size=3))
def test_a_text_without_secrets_is_left_alone(text, secrets):
    spoken = {form(secret) for secret in secrets for form in FORMS}
    spoken |= {line.strip() for secret in secrets for line in secret.splitlines()}
    if not any(form in text for form in spoken):
        assert scrub(text, secrets) == text


NESTED = st.recursive(
    SECRETS | st.integers(1000, 10**9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def leaves(value):
    """Yield what stands at the ends of maps and lists, marks among them."""
    inside = value.values() if isinstance(value, dict) else value
    if is_rpc_secret(value) or not isinstance(value, dict | list):
        yield value
    else:
        for item in inside:
            yield from leaves(item)


@given(NESTED)
def test_every_leaf_under_a_secret_key_is_marked_and_no_map(value):
    bag = {"configuration": {"password": value}, "provider_data": {"realmId": value}}
    marked = list(leaves(marked_secret(bag, frozenset({"password"}))))
    assert all(is_rpc_secret(leaf) for leaf in marked)
    assert [unwrap_rpc_secret(leaf) for leaf in marked] == [*leaves(value)] * 2


@given(NESTED)
def test_everything_under_a_secret_key_is_a_secret(value):
    found = secrets_of({"password": value, "event.vendor.type": value})
    assert found == set(strings_in(value))
    assert scrub("|".join(found), found).count(HIDDEN) >= (1 if found else 0)
