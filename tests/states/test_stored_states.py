"""States that earlier versions left are read, refreshed, changed and destroyed by this one."""

from tools.stored_states import plain

BEFORE_0_2 = (
    "gASVNQAAAAAAAACMEnByb3ZpZGVyLmxpZmVjeWNsZZSMF0VsZW1lbnRJbnN0YW5jZVByb3ZpZGVylJOUKYGULg=="
)
THE_STACK_S_LIST = "GET /instances"
"""Sent once in a run, however many instances the stack has: it shows what is there twice."""


def outputs(bag):
    """Return what users see of outputs, but for the element's name, which a half-made one lacks."""
    hidden = {key for key in bag if key.startswith("__")} | {"element_name"}
    return {key: value for key, value in plain(bag).items() if key not in hidden}


def test_a_refresh_finds_no_drift(world, stored):
    """What an earlier version stored is what this one reads, by the requests of that version."""
    act = lambda: world.provider().read(stored["id"], stored["outputs"])  # noqa: E731

    result, sent = world.observe(act)

    read = [request for request in sent if request != THE_STACK_S_LIST]
    then = [request for request in stored["requests"]["refresh"] if request != THE_STACK_S_LIST]
    assert (result.id, read) == (stored["id"], then)
    assert len(sent) - len(read) <= 1
    assert outputs(result.outs) == outputs(stored["outputs"])


def test_the_same_program_changes_nothing(world, stored):
    """Without a change of the program nothing is shown as changed, and nothing is sent."""
    provider = world.provider()
    checked = provider.check(stored["inputs"], stored["inputs"])
    assert checked.failures == []

    result, sent = world.observe(
        lambda: provider.diff(stored["id"], stored["outputs"], plain(checked.inputs))
    )

    waits_for_another = stored["name"] == "with a code that was refused"
    assert (bool(result.changes), sent) == (waits_for_another, [])


def test_the_old_name_goes_without_a_change(world, stored):
    """The next run updates whatever the program has, and asks at most whose it is."""
    provider = world.provider()
    bag = stored["outputs"] | {"__provider": BEFORE_0_2}
    found = provider.diff(stored["id"], bag, plain(stored["inputs"]))
    assert (bool(found.changes), found.replaces) == (True, None)
    if stored["name"] in ("with a code that was refused", "refused and left behind"):
        return  # is not as the program wants it, and is tried again as ever

    result, sent = world.observe(lambda: provider.update(stored["id"], bag, stored["inputs"]))

    knows_its_platform = "platform" in stored["outputs"]["__record"]
    assert sent == ([] if knows_its_platform else ["GET /instances/{id}"])
    known = {"platform": world.sandbox.base_url}
    as_before = stored["outputs"] | {"__record": stored["outputs"]["__record"] | known}
    assert plain(result.outs) == as_before


def looked_at(stored, requests):
    """Return requests that change something, after the look of one that does not know its platform.

    Element and marker have to show that the id is not somebody else's there.
    """
    known = stored["outputs"]["__record"].get("platform")
    return requests if known or not requests else ["GET /instances/{id}", *requests]


def test_an_update_sends_what_it_sent(world, stored):
    """A changed tag reaches the instance, by the requests of that version."""
    news = stored["inputs"] | {"tags": [*stored["inputs"].get("tags", []), "added"]}

    _, sent = world.observe(lambda: world.provider().update(stored["id"], stored["outputs"], news))

    assert sent == looked_at(stored, stored["requests"]["update"])
    [instance] = world.sandbox.instances()
    assert "added" in instance["tags"]


def test_a_destroy_sends_what_it_sent(world, stored):
    """The instance goes, and one that was adopted stays, by the requests of that version."""
    _, sent = world.observe(lambda: world.provider().delete(stored["id"], stored["outputs"]))

    assert sent == looked_at(stored, stored["requests"]["destroy"])
    assert bool(world.sandbox.instances()) == (not sent)
