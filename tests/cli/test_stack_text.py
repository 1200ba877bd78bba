"""Adding entries to a stack file leaves every other character of it alone."""

from __future__ import annotations

import difflib

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from provider.cli.console import FailureError
from provider.cli.stack_text import scalar, with_entries, with_values

KEY = "cloud-elements:instances"
ENTRY = {"desk": {"element": "freshservice", "adopt": "427001", "tags": ["a: b", "off"]}}
NOTES = {"desk": ["to be set: password"]}

LAYOUTS = {
    "empty": "",
    "comment": "# nothing yet\n",
    "salt": "encryptionsalt: v1:abc\n",
    "bare config": "config:\nencryptionsalt: v1:abc\n",
    "other keys": "# top\nconfig:\n  cloud-elements:timeout: 9 # why\nencryptionsalt: v1:abc\n",
    "no entries": f"config:\n  {KEY}: # soon\n  other: 1\n",
    "one entry": f"config:\n  {KEY}:\n    mail: # note\n      element: sendgrid\n# end\n",
    "wide": f"config:\n      {KEY}:\n            mail:\n                  element: x\n      z: 1\n",
    "last is null": f"config:\n  {KEY}:\n    mail:\n      element: sendgrid\n      tags:\n  z: 1\n",
    "last is a list": f"config:\n  {KEY}:\n    mail:\n      element: x\n      tags:\n      - a\n",
    "last is flow": f"config:\n  {KEY}:\n    mail: {{element: x, tags: [a,\n      b]}}\n  z: 1\n",
    "block text": f"config:\n  {KEY}:\n    mail:\n      element: |\n        x\n\n  z: 1\n",
    "no final newline": f"config:\n  {KEY}:\n    mail:\n      element: x",
    "windows": f"config:\r\n  {KEY}:\r\n    mail:\r\n      element: x\r\n  z: 1\r\n",
    "secure": f"config:\n  {KEY}:\n    mail:\n      code:\n        secure: v1:abc==\nz: 1\n",
    "odd breaks": f"config:\n  {KEY}:\n    mail:\n      element: 'x\u2028\x85y' # \u2028\n  z: 1\n",
    "an entry called secure": f"config:\n  {KEY}:\n    secure:\n      element: x\n",
    "last is an alias": f"config:\n  {KEY}:\n    a: &a\n      element: x\n    b: *a\n  z: 1\n",
    "anchor stands earlier": f"z: &z\n  element: x\nconfig:\n  {KEY}:\n    a: *z\n# end\n",
    "last value is an alias": f"t: &t [a]\nconfig:\n  {KEY}:\n    a:\n      tags: *t # t\n",
    "merged": (
        f"config:\n    {KEY}:\n        a: &a\n            element: 'x'   # x\n"
        '            tags: [ a,"b" ]\n\n        # second\n        b:\n            <<: *a\n'
        '            name: "b"\n    # rest\n    z: 1\n'
    ),
    "unused anchor": f"config: &c\n  {KEY}: &i\n    mail: &m\n      element:   &x  x\n",
    "block text last": f"config:\n  {KEY}:\n    mail:\n      element: >-\n        x\n  z: 1\n",
    "blank lines kept": f"config:\n  {KEY}:\n    mail:\n      element: |+\n        x\n\n\n  z: 1\n",
    "document start": f"---\nconfig:\n  {KEY}:\n    mail: {{element: x}}\n",
    "list of maps": f"config:\n  {KEY}:\n    mail:\n      tags:\n      - a: 1\n        b: 2\n",
    "numbers and dates": f"config:\n  {KEY}:\n    mail: {{a: 0123, b: 2024-01-31, c: 3.10}}\n",
    "quoted": f'config:\n  "{KEY}":\n    "mail":\n      element: x\n',
}

FLOW_LAYOUTS = {
    "flow": f"config:\n  {KEY}: {{mail: {{element: x}}}} # flow\n  z: 1\n",
    "flow on lines": f"config:\n  {KEY}: {{\n    mail: {{element: x}}, # m\n  }}\n  z: 1\n",
    "all flow": f'{{"config": {{"{KEY}": {{"mail": {{"element": "x"}}}}}}, "z": 1}}\n',
}


@pytest.mark.parametrize("text", FLOW_LAYOUTS.values(), ids=FLOW_LAYOUTS)
def test_inside_of_braces_nothing_goes(text):
    """They may stand on one line, to which more is added."""
    new = with_entries(text, ENTRY, NOTES)

    edits = {edit for edit, *_ in difflib.SequenceMatcher(None, text, new).get_opcodes()}
    assert edits == {"equal", "insert"}
    before = yaml.safe_load(text)
    before["config"][KEY] |= ENTRY
    assert yaml.safe_load(new) == before


@pytest.mark.parametrize("text", LAYOUTS.values(), ids=LAYOUTS)
def test_lines_are_only_added(text):
    """No line of the file changes or goes, and it says what it said, and the new entry."""
    new = with_entries(text, ENTRY, NOTES)

    removed = [d for d in difflib.ndiff(text.splitlines(), new.splitlines()) if d[0] == "-"]
    assert removed == []
    before = yaml.safe_load(text) or {}
    after = yaml.safe_load(new)
    entries = ((before.get("config") or {}).get(KEY) or {}) | ENTRY
    assert after["config"][KEY] == entries
    assert after["config"] | {KEY: None} == (before.get("config") or {}) | {KEY: None}
    assert ("\r\n" in new) == ("\r\n" in text)
    assert "# to be set: password" in new


@pytest.mark.parametrize(
    ("text", "first"),
    [
        (
            f"# top\nconfig:\n  {KEY}: {{}} # none\n  z: 1\nsalt: v\n",
            f"  {KEY}: # none\n    desk:",
        ),
        (f"config:\n  {KEY}: {{\n  }}\n", f"  {KEY}:\n    desk:"),
        (f"config:\r\n  {KEY}:   {{ }}\r\n", f"  {KEY}:\r\n    desk:"),
        (f"config:\n  {KEY}: {{}}", f"  {KEY}:\n    desk:"),
        ("config: {} # none\nsalt: v1\n", f"config: # none\n  {KEY}:\n    desk:"),
        ("{}\n", f"config:\n  {KEY}:\n    desk:"),
    ],
)
def test_an_empty_map_makes_room(text, first):
    """The braces go, and nothing else."""
    new = with_entries(text, ENTRY, {})

    assert first in new
    before = yaml.safe_load(text)
    config = (before.get("config") or {}) | {KEY: ENTRY}
    assert yaml.safe_load(new) == before | {"config": config}


SECRET = {"secure": "v1:new"}
VALUES = [
    ("set first", "mail:\n  element: x\n", "mail:\n  element: x\n  code:\n    secure: v1:new\n"),
    (
        "set anew",
        "mail:\n  code:\n    secure: v1:old # once\n  element: x\n",
        "mail:\n  code:\n    secure: v1:new # once\n  element: x\n",
    ),
    (
        "in clear",
        "mail:\n  code: clear # once\n  element: x\n",
        "mail:\n  code: # once\n    secure: v1:new\n  element: x\n",
    ),
    ("nothing yet", "mail:\n  code:\n", "mail:\n  code:\n    secure: v1:new\n"),
    (
        "flow",
        "mail: {element: x, code: {secure: old}} # m\n",
        'mail: {element: x, code: {secure: "v1:new"}} # m\n',
    ),
    (
        "merged",
        "a: &a\n  element: 0123\n\n\nmail:\n  <<: *a # a\n  # tail\nb: *a\n",
        (
            "a: &a\n  element: 0123\n\n\nmail:\n  <<: *a # a\n  code:\n    secure: v1:new\n"
            "  # tail\nb: *a\n"
        ),
    ),
    (
        "over what is merged",
        "a: &a\n  code: c\nmail:\n  <<: *a\n  element: x\n",
        "a: &a\n  code: c\nmail:\n  <<: *a\n  element: x\n  code:\n    secure: v1:new\n",
    ),
    (
        "an alias",
        "a: &a\n  secure: v1:a\nmail:\n  code: *a # c\n",
        "a: &a\n  secure: v1:a\nmail:\n  code: # c\n    secure: v1:new\n",
    ),
]


def stack(entries):
    """Return a stack file with these entries."""
    inside = "".join(f"    {line}" if line != "\n" else line for line in entries.splitlines(True))
    return f"# top\nconfig:\n  {KEY}:\n{inside}encryptionsalt: v1:abc\n"


@pytest.mark.parametrize(("before", "after"), [v[1:] for v in VALUES], ids=[v[0] for v in VALUES])
def test_a_value_is_set_and_nothing_else(before, after):
    """Not even a space of what stands around it."""
    assert with_values(stack(before), {(KEY, "mail", "code"): SECRET}) == stack(after)


def test_the_key_may_be_spelled_without_the_project():
    """A second one beside it would hide all that it holds."""
    text = stack("mail:\n  element: x\n").replace(KEY, "instances")

    new = with_values(text, {("instances", "mail", "code"): SECRET})
    new = with_entries(new, ENTRY, {}, key="instances")

    entries = yaml.safe_load(new)["config"]
    assert entries == {"instances": {"mail": {"element": "x", "code": SECRET}} | ENTRY}


def test_maps_on_the_way_are_made():
    """A path may lead to what is not there yet, and its keys have dots."""
    values = {
        (KEY, "off", "configuration", "oauth.api.key"): SECRET,
        (KEY, "off", "configuration", "2024-01-31"): "0123",
        (KEY, "off", "provider_data", "realmId"): SECRET,
    }
    new = with_values(stack("off:\n  element: x\n"), values)
    assert new == stack(
        "off:\n  element: x\n  configuration:\n    oauth.api.key:\n      secure: v1:new\n"
        "    '2024-01-31': '0123'\n  provider_data:\n    realmId:\n      secure: v1:new\n"
    )


@pytest.mark.parametrize(
    "entries",
    [
        "a: &a\n  element: x\nmail: *a\n",
        "mail: &m\n  element: x\nb: *m\n",
        "mail:\n  code: &c old\n  name: *c\n",
    ],
)
def test_a_value_that_others_share_is_not_set(entries):
    """It would change for all of them."""
    with pytest.raises(FailureError):
        with_values(stack(entries), {(KEY, "mail", "code"): SECRET})


@pytest.mark.parametrize(
    "entries",
    [
        "a: &a\n  configuration: {k: v}\nmail:\n  <<: *a\n",
        "c: &c {k: v}\nmail:\n  configuration: *c\n",
    ],
)
def test_a_map_that_others_share_is_not_changed(entries):
    """A key of one's own would hide the map, or show in all of them."""
    with pytest.raises(FailureError):
        with_values(stack(entries), {(KEY, "mail", "configuration", "oauth.api.key"): SECRET})


def test_two_entries_of_one_name_are_refused():
    """Pulumi would read neither; a reader that takes the last one does not notice."""
    with pytest.raises(FailureError, match="two entries 'mail'"):
        with_entries(LAYOUTS["one entry"], {"mail": {"element": "x"}}, {})


def test_it_can_be_done_again():
    """What was added can be added to."""
    text = with_entries(LAYOUTS["other keys"], ENTRY, NOTES)

    again = with_entries(text, {"mail": {"element": "sendgrid"}}, {})

    assert again.startswith(text[: text.index("encryptionsalt")].rstrip("\n"))
    assert list(yaml.safe_load(again)["config"][KEY]) == ["desk", "mail"]


@pytest.mark.parametrize(
    "text",
    [
        f"config:\n  {KEY}: '{{\"mail\": 1}}'\n",
        f"config:\n  {KEY}:\n    secure: v1:abc\n",
        f"config: {{{KEY}: 1}}\n",
        "config: text\n",
        "- a list\n",
        "a: [\n",
        "a: 1\n---\nb: 2\n",
        f"config:\n  {KEY}:\n  - a\n",
        f"config:\n  {KEY}: &all\n    mail:\n      element: x\n  copy: *all\n",
    ],
)
def test_a_file_that_can_not_be_added_to_is_refused(text):
    """One sentence says how to write it instead."""
    with pytest.raises(FailureError, match="write 'cloud-elements:instances' in it as a block"):
        with_entries(text, ENTRY, {})


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x7f"), max_size=60))
def test_any_text_is_one_line_of_yaml(text):
    """Whatever a name holds, it is read back as it was."""
    line = scalar(text)

    assert len(line.splitlines()) == 1
    assert yaml.safe_load(f"key: {line}") == {"key": text}


LOOKS_LIKE_MORE = [
    *("052812345678", "0123", "007", "08", "0x1F", "0o17", "0b11", "-0o7", "1_000", "1__0", "+493"),
    *("3.10", "1.0", "1.", ".5", "-0", "1e5", "1E5", "12e3", "9e99", "1e-7", "0.00001", ".inf"),
    *("2024-01-31", "2024-1-31", "2024-01-31T10:00:00Z", "2001-12-14t21:59:43.10-05:00"),
    *("True", "off", "y", "~", "null", "", "=", "<<", "1:20:30", "0x", "08x", "text", "a: b"),
]


def test_pulumi_reads_each_text_as_it_was_meant(workplace):
    """Its YAML sees numbers and dates in more texts than PyYAML's does."""
    told = dict(zip((f"k{n}" for n in range(99)), LOOKS_LIKE_MORE, strict=False))
    entry = {"element": "x", "tags": LOOKS_LIKE_MORE, "configuration": told}
    entry["configuration"] |= {text: "a key" for text in LOOKS_LIKE_MORE if text != "<<"}
    workplace.file.write_text(with_entries(workplace.file.read_text(), {"mail": entry}, {}))

    assert workplace.values("mail") == entry


@settings(deadline=None)
@given(
    st.dictionaries(
        st.text("abcdefghij -.:#'\"", min_size=1, max_size=12),
        st.fixed_dictionaries(
            {"element": st.text(max_size=20), "tags": st.lists(st.text(max_size=10), max_size=3)}
        ),
        max_size=4,
    ),
    st.sampled_from(sorted(LAYOUTS | FLOW_LAYOUTS)),
)
def test_any_entries_fit_any_layout(entries, layout):
    """Names and values that mean something in YAML are quoted."""
    entries = {name: entry for name, entry in entries.items() if name not in ("mail", "a", "b")}
    if not entries:
        return

    new = with_entries((LAYOUTS | FLOW_LAYOUTS)[layout], entries, {})

    assert {n: e for n, e in yaml.safe_load(new)["config"][KEY].items() if n in entries} == entries
