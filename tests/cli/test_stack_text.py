"""Adding entries to a stack file leaves every other character of it alone."""

from __future__ import annotations

import difflib

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from provider.cli.console import FailureError
from provider.cli.stack_text import scalar, with_entries

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
    "quoted": f'config:\n  "{KEY}":\n    "mail":\n      element: x\n',
}


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
        f"config:\n  {KEY}: {{mail: {{element: x}}}}\n",
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
    st.sampled_from(sorted(LAYOUTS)),
)
def test_any_entries_fit_any_layout(entries, layout):
    """Names and values that mean something in YAML are quoted."""
    entries = {name: entry for name, entry in entries.items() if name != "mail"}
    if not entries:
        return

    new = with_entries(LAYOUTS[layout], entries, {})

    assert {n: e for n, e in yaml.safe_load(new)["config"][KEY].items() if n in entries} == entries
