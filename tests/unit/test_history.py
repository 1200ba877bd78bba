"""What this machine remembers of what it sent, in real files."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from provider.api.retry import Time
from provider.config import Settings
from provider.instance.history import History
from provider.instance.journal import Fate
from provider.instance.markers import markers

DAY = 86_400.0
NOW = 1_800_000_000.0
MARKED = markers(organization="o", project="p", stack="dev", place="invoices")
OTHER = markers(organization="o", project="p", stack="dev", place="other")
PROD = markers(organization="o", project="p", stack="prod", place="invoices")
AWAY = "cloud-elements:journal to false"


@pytest.fixture
def at(tmp_path):
    """Return a function that opens the journal at a time."""

    def open_at(seconds, folder=tmp_path, **options):
        return History(folder, clock=Time(wall=lambda: seconds), **options)

    return open_at


def settings(base_url="https://api.example/elements/api-v2", **others):
    return Settings(base_url=base_url, user_secret="u", organization_secret="o", **others)


def test_the_journal_outlives_its_process(at):
    at(1000.0).note(MARKED, Fate.SENT, codes=["a", "b"])
    at(1001.0).note(MARKED, Fate.MADE, codes=["a", "b"], instance="7")
    last = at(1002.0).last(MARKED)
    assert (last.fate, last.instance, last.time) == (Fate.MADE, "7", 1001.0)
    assert at(1002.0).spent(MARKED, ["b"]).time == 1001.0
    assert at(1002.0).spent(MARKED, ["c"]) is None


def test_a_shard_leaves_to_its_siblings_what_they_are_at(at, tmp_path):
    """They have the same tags; but a code is sent once, and what is found again is found by all."""
    at(1000.0, shard="1").note(MARKED, Fate.SENT, codes=["a"])
    at(1000.0).note(OTHER, Fate.SENT)

    def loose(**options):
        found = at(1001.0, **options).loose(MARKED.stack, again=True)
        return {entry.marker for entry in found}

    assert loose(shard="1") == loose() == {MARKED.instance, OTHER.instance}
    assert loose(shard="2") == {OTHER.instance}
    assert at(1001.0, shard="2").spent(OTHER, ["a"])
    assert at(1001.0, shard="2").last(MARKED).fate is Fate.SENT
    home = {"PULUMI_HOME": str(tmp_path), "CLOUD_ELEMENTS_SHARD": "2/4"}
    History.at_home(home, settings()).note(MARKED, Fate.SENT)
    assert History.at_home(home, settings()).last(MARKED).shard == "2"


def test_a_void_entry_frees_its_codes(at):
    at(1000.0).note(MARKED, Fate.SENT, codes=["a", "b"])
    at(1001.0).note(MARKED, Fate.VOID, codes=["a"])
    assert at(1002.0).spent(MARKED, ["a"]) is None
    assert at(1002.0).spent(MARKED, ["b"]) is not None


def test_a_code_is_reserved_by_one_resource_alone(at):
    journal = at(NOW)
    assert journal.reserve(MARKED, ["a"]) is None
    assert journal.reserve(OTHER, ["a", "b"]).marker == MARKED.instance
    assert journal.spent(OTHER, ["b"]) is None, "what is refused leaves no trace"


# What stands in the files


@pytest.mark.parametrize(
    "spoilt",
    [
        b'\n{"marker": "pul',
        b"\n\xff\xfe\x00",
        b"\n" + b"\x00" * 4096,
        b"\n[1]\n7\nnull\n{}",
        b'\n{"marker": "m", "fate": "of another version", "codes": [], "instance": "", "time": 1}',
        b"\n" + b"[" * 100_000,
    ],
    ids=["torn", "no text", "a disk's zeros", "no entry", "another version's", "deep"],
)
def test_a_spoilt_line_spoils_no_other(at, tmp_path, spoilt):
    at(1000.0).note(MARKED, Fate.SENT, codes=["a"])
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes() + spoilt)
    at(1001.0).note(MARKED, Fate.REFUSED, codes=["b"])
    said = []
    journal = at(1002.0, warn=said.append)
    assert journal.spent(MARKED, ["a"])
    assert journal.last(MARKED).fate is Fate.REFUSED
    assert said == []


@pytest.mark.parametrize("time", ["NaN", "Infinity", "-1", "1e300"])
def test_a_time_that_no_calendar_has_spoils_nothing(at, tmp_path, time):
    journal = at(NOW)
    journal.note(MARKED, Fate.SENT, codes=["a"])
    (path,) = tmp_path.iterdir()
    path.write_text(path.read_text().replace(str(NOW), time))
    entry = at(NOW).spent(MARKED, ["a"])
    assert entry.moment == "1970-01-01 at 00:00 UTC"
    assert at(NOW).at_work(entry) == 0.0


def test_old_files_are_removed_once_there_is_a_newer_one(at, tmp_path):
    at(0.0).note(MARKED, Fate.SENT, codes=["old"])
    at(20 * DAY).note(MARKED, Fate.SENT, codes=["new"])
    assert at(60 * DAY).spent(MARKED, ["old"]), "a clock that runs ahead must not wipe it"
    at(40 * DAY).note(MARKED, Fate.SENT, codes=["next month"])
    later = at(45 * DAY)
    assert all(later.spent(MARKED, [code]) for code in ("old", "new", "next month"))
    assert len(list(tmp_path.iterdir())) == 2
    assert at(51 * DAY).spent(MARKED, ["next month"])
    (path,) = tmp_path.iterdir()
    assert path.stat().st_mode & 0o077 == 0
    assert at(52 * DAY).spent(MARKED, ["old"]) is None


def test_stacks_and_platforms_do_not_mix(tmp_path):
    History(tmp_path, platform="https://one").note(MARKED, Fate.MADE, instance="7")
    assert History(tmp_path, platform="https://one").last(PROD) is None
    assert History(tmp_path, platform="https://two").last(MARKED) is None
    assert History(tmp_path, platform="https://one").last(MARKED).instance == "7"


def test_an_address_is_the_same_in_any_spelling(tmp_path):
    """Older versions wrote under the spelling at hand, and that is read as well."""
    home = {"PULUMI_HOME": str(tmp_path)}
    spelling = "https://API.example:443/elements/api-v2/"
    old = History(tmp_path / "cloud-elements", platform=spelling)
    old.note(MARKED, Fate.SENT, codes=["a"])
    assert History.at_home(home, settings(spelling)).last(MARKED)
    History.at_home(home, settings(spelling)).note(MARKED, Fate.MADE, codes=["a"], instance="7")
    assert History.at_home(home, settings(spelling)).last(MARKED).instance == "7"
    assert History.at_home(home, settings()).last(MARKED).instance == "7"


# Codes of other stacks


def test_a_code_that_another_stack_sent_is_spent(at):
    reader = at(NOW)
    assert reader.spent(PROD, ["a"]) is None
    at(NOW).note(MARKED, Fate.SENT, codes=["a"])
    entry = reader.spent(PROD, ["a"])  # its run was under way meanwhile
    assert (entry.stack, entry.marker) == (MARKED.stack, MARKED.instance)
    assert reader.reserve(PROD, ["a"]) == entry
    assert reader.last(PROD) is None
    at(NOW).note(MARKED, Fate.VOID, codes=["a"])
    assert reader.spent(PROD, ["a"]) is None


@pytest.mark.parametrize(
    ("platform", "known"),
    [("https://two.example/api", True), ("http://127.0.0.1:8090/api", False)],
)
def test_a_code_that_went_to_another_platform_is_spent(tmp_path, platform, known):
    """Unless this one is on loopback: a sandbox mints the same codes as the next one."""
    home = {"PULUMI_HOME": str(tmp_path)}
    History.at_home(home, settings()).note(MARKED, Fate.SENT, codes=["a"])
    entry = History.at_home(home, settings(platform)).spent(MARKED, ["a"])
    assert (entry is not None) is known


# Where it can't be written


def in_the_way(tmp_path):
    (tmp_path / "file").write_text("")
    return tmp_path / "file"


def below_a_file(tmp_path):
    return in_the_way(tmp_path) / "folder"


def a_pipe(tmp_path):
    """A pipe that nobody reads, where the file of the month would be."""
    History(tmp_path, clock=Time(wall=lambda: NOW)).note(OTHER, Fate.SENT)
    (path,) = tmp_path.iterdir()
    path.unlink()
    os.mkfifo(path)
    return tmp_path


BLOCKED = {
    "a file in its place": (in_the_way, "File exists", "move away what stands in its place"),
    "a file above it": (below_a_file, "Not a directory", "move away what stands in its place"),
    "a pipe in place of the file": (a_pipe, "No such device or address", "make it writable"),
}


@pytest.mark.parametrize(("block", "reason", "then"), BLOCKED.values(), ids=BLOCKED)
def test_what_can_not_be_remembered_is_told_before_anything_is_sent(
    at, tmp_path, block, reason, then
):
    said = []
    journal = at(NOW, block(tmp_path), warn=said.append)
    journal.try_out(MARKED)
    warning = said.pop()
    assert said == [] or "can't be read: it is no file" in said.pop()
    assert f"can't be written: {reason}" in warning
    assert "may send the same code again" in warning
    assert warning.endswith(f": {then}, or set {AWAY} to do without")
    journal.try_out(MARKED)
    journal.try_out(PROD)
    assert journal.reserve(MARKED, ["a"]) is None
    assert journal.spent(OTHER, ["a"]), "it is known to this process all the same"
    assert said == []


def test_a_disk_that_fills_up_later_is_told_then(at, tmp_path):
    said = []
    journal = at(NOW, tmp_path, warn=said.append)
    journal.try_out(MARKED)
    assert said == []
    (path,) = tmp_path.iterdir()
    path.unlink()
    path.symlink_to("/dev/full")
    journal.reserve(MARKED, ["a"])
    assert len(said) == 1


NEARLY_FULL = """
import resource, signal
from pathlib import Path
from provider.instance.history import History
from provider.instance.journal import Fate
from provider.instance.markers import markers
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (40, 40))
journal = History(Path({folder!r}), warn=print)
marked = markers(organization="o", project="p", stack="dev", place="invoices")
journal.try_out(marked)
print("sends")
journal.reserve(marked, ["a"])
"""


def test_a_line_that_fits_in_part_alone_is_told(tmp_path):
    script = NEARLY_FULL.format(folder=str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    first, second = done.stdout.splitlines()
    assert first == "sends"
    assert "can't be written: No space left on device" in second
    assert History(tmp_path).spent(MARKED, ["a"]) is None
    History(tmp_path).note(MARKED, Fate.SENT, codes=["b"])  # the torn line spoils no other
    assert History(tmp_path).spent(MARKED, ["b"])


REFUSALS = [
    ("open", errno.EROFS, "make it writable"),
    ("open", errno.EACCES, "make it writable"),
    ("write", errno.EIO, "make it writable"),
    ("write", errno.ENOSPC, "make room there"),
    ("write", errno.EDQUOT, "make room there"),
]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_whatever_the_system_refuses_is_told(at, tmp_path, monkeypatch, refusal):
    """A full disk, or a read-only home, which needs another user than the tests may run as."""
    call, number, then = refusal

    def refuse(*_):
        raise OSError(number, os.strerror(number))

    said = []
    journal = at(NOW, tmp_path, warn=said.append)
    with monkeypatch.context() as patch:
        patch.setattr(f"provider.instance.journal.os.{call}", refuse)
        journal.try_out(MARKED)
    (warning,) = said
    assert f"can't be written: {os.strerror(number)}" in warning
    assert f": {then}, or" in warning


def test_without_a_home_it_is_told(monkeypatch):
    def nowhere():
        message = "Could not determine home directory."
        raise RuntimeError(message)

    monkeypatch.setattr(Path, "home", nowhere)
    said = []
    journal = History.at_home({}, settings(), warn=said.append)
    (warning,) = said
    assert "there is no home folder" in warning
    assert f": set PULUMI_HOME to one, or set {AWAY} to do without" in warning
    journal.note(MARKED, Fate.SENT, codes=["a"])
    assert journal.spent(MARKED, ["a"])


def test_who_switched_it_off_is_told_nothing(tmp_path):
    said = []
    home = {"PULUMI_HOME": str(in_the_way(tmp_path))}
    journal = History.at_home(home, settings(journal=False), warn=said.append)
    journal.try_out(MARKED)
    assert said == []
    assert journal.folder is None


def test_where_all_is_well_nothing_is_told_and_nothing_piles_up(at, tmp_path):
    said = []
    for _ in range(3):
        journal = at(NOW, tmp_path / "new" / "folder", warn=said.append)
        for _ in range(3):
            journal.try_out(MARKED)
    assert said == []
    (path,) = (tmp_path / "new" / "folder").iterdir()
    assert path.read_bytes() == b"\n" * 3


def test_what_can_not_be_read_is_told(at, tmp_path):
    at(NOW).note(MARKED, Fate.SENT, codes=["a"])
    (path,) = tmp_path.iterdir()
    path.unlink()
    path.mkdir()
    said = []
    journal = at(NOW, warn=said.append)
    journal.try_out(MARKED)
    unread, unwritten = said
    assert f"{path} can't be read: it is no file" in unread
    assert "can't be written: Is a directory" in unwritten
    assert journal.spent(MARKED, ["a"]) is None


# A clock that was set


def test_no_request_is_at_work_for_longer_than_a_minute(at):
    at(NOW).note(MARKED, Fate.SENT)
    waits = {
        later: at(NOW + later).at_work(at(NOW).last(MARKED))
        for later in (-40 * DAY, -DAY, -1.0, 0.0, 59.0, 60.0, DAY)
    }
    assert list(waits.values()) == [60.0, 60.0, 60.0, 60.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize("ahead", [61.0, DAY, 4000 * DAY])
def test_an_entry_from_the_future_is_told_until_there_is_a_newer_one(at, ahead):
    at(NOW + ahead).note(MARKED, Fate.SENT)
    said = []
    journal = at(NOW, warn=said.append)
    journal.try_out(MARKED)
    (warning,) = said
    assert "which is in the future: this machine's clock was set back" in warning
    at(NOW).try_out(MARKED)  # a preview, which writes no entry
    at(NOW).note(MARKED, Fate.MADE, instance="7")
    said.clear()
    at(NOW, warn=said.append).try_out(MARKED)
    assert said == []


def test_two_machines_on_one_home_may_differ_a_little(at):
    at(NOW + 60.0).note(MARKED, Fate.SENT)
    at(NOW, warn=pytest.fail).try_out(MARKED)


@pytest.mark.parametrize("back", [1.0, DAY, 40 * DAY, 4000 * DAY])
def test_the_order_of_the_entries_is_the_one_in_which_they_were_written(at, back):
    """A month that begins anew must not put what was sent before what was freed."""
    at(NOW).note(MARKED, Fate.SENT, codes=["a"])
    at(NOW).note(MARKED, Fate.VOID, codes=["a"])
    at(NOW - back).note(MARKED, Fate.SENT, codes=["a"])
    for later in (-back, 0.0, DAY):
        assert at(NOW + later).spent(MARKED, ["a"])
    assert at(NOW).last(MARKED).fate is Fate.SENT


def test_an_entry_holds_what_its_readers_of_any_version_want(at, tmp_path):
    at(NOW).note(MARKED, Fate.MADE, codes=["a"], instance="7")
    (path,) = tmp_path.iterdir()
    assert json.loads(path.read_text()) == {
        "marker": MARKED.instance,
        "fate": "made",
        "codes": ["a"],
        "instance": "7",
        "time": NOW,
    }
