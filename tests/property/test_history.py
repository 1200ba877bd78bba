"""The journal answers from an index; here the same is read from all entries, backwards."""

from hypothesis import given
from hypothesis import strategies as st

from provider.instance.history import History
from provider.instance.journal import Fate
from provider.instance.markers import markers

RESOURCES = [
    markers(organization="o", project="p", stack="s", place=place) for place in ("a", "b", "c")
]
CODES = st.lists(st.sampled_from(["1", "2", "3", "4"]), unique=True, max_size=3)
REQUESTS = st.sampled_from([fate for fate in Fate if fate is not Fate.KEPT])
NOTES = st.lists(
    st.tuples(st.sampled_from(RESOURCES), REQUESTS, CODES)
    | st.tuples(st.sampled_from(RESOURCES), st.just(Fate.KEPT), st.just([])),
    max_size=30,
)


def backwards(notes, wanted):
    """Return the number of the latest note that says that one of the codes was sent."""
    void = set()
    for number, (_, fate, codes) in reversed(list(enumerate(notes))):
        if fate is Fate.VOID:
            void |= set(codes)
        elif set(wanted) & (set(codes) - void):
            return str(number)
    return None


@given(NOTES, CODES)
def test_spent_is_what_the_entries_say(notes, wanted):
    journal = History()
    for number, (resource, fate, codes) in enumerate(notes):
        journal.note(resource, fate, codes=codes, instance=str(number))
    entry = journal.spent(RESOURCES[0], wanted)
    assert (entry and entry.instance) == backwards(notes, wanted)


@given(NOTES)
def test_last_and_kept_are_the_latest_of_their_resource(notes):
    journal = History()
    for number, (resource, fate, codes) in enumerate(notes):
        journal.note(resource, fate, codes=codes, instance=str(number))
    for wanted in RESOURCES:
        seen = {
            fate is Fate.KEPT: str(number)
            for number, (resource, fate, _) in enumerate(notes)
            if resource == wanted
        }
        entry = journal.last(wanted)
        assert (entry and entry.instance) == seen.get(False)
        assert journal.kept(wanted) == seen.get(True, "")
