"""`elements status` and `elements sweep`: declared, kept and live, side by side."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import pytest

from provider.cli import survey
from provider.cli.project import Stack
from provider.cli.state import Kept, State
from provider.instance.markers import markers

STACK = """
desk:
  element: freshservice
  tags: [a]
  configuration: {subdomain: acme, username: me, password: desk-password-7731}
mail:
  element: sendgrid
  configuration: {api.token: mail-token-7731}
gone:
  element: sendgrid
  configuration: {api.token: mail-token-7731}
still:
  element: sendgrid
  configuration: {api.token: mail-token-7731}
bad:
  element: sendgrid
  configuration: {api.token: mail-token-7731}
"""


def standings(said):
    """Return each instance's standing, by name."""
    return {row["name"]: row["standing"] for row in json.loads(said.stdout)["instances"]}


def what(said, name):
    """Return what is said of an instance."""
    rows = json.loads(said.stdout)["instances"]
    return next(row["what"] for row in rows if row["name"] == name)


def without(place, name):
    """Have the stack's state forget a resource, as a lost state would."""
    state = place.project.export()
    resources = state["deployment"]["resources"]
    state["deployment"]["resources"] = [r for r in resources if not r["urn"].endswith(f"::{name}")]
    place.project.run("stack", "import", stdin=json.dumps(state))


def ids(place):
    """Return the platform's ids, by name."""
    return {one["name"]: one["id"] for one in place.sandbox.instances()}


def test_each_standing_is_told_with_what_to_do(deployed):
    """One stack in every state of disrepair; no value is shown, and nothing is changed."""
    deployed.declare(STACK)
    before = deployed.elements("status", "--json")
    assert before.code == 3
    assert set(standings(before).values()) == {"not created"}
    deployed.project.up()
    good = deployed.elements("status", "--json")
    assert (good.code, set(standings(good).values())) == (0, {"ok"}), good.stdout

    deployed.declare(STACK.replace("acme", "acme2") + "files:\n  element: onedrivebusiness\n")
    known = ids(deployed)
    deployed.sandbox.update_instance(known["mail"], name="renamed", tags=["q"])
    deployed.sandbox.delete_instance(known["gone"])
    deployed.sandbox.update_instance(known["still"], disabled=True)
    deployed.sandbox.update_instance(known["bad"], valid=False)
    stored = deployed.sandbox.instances()
    said = deployed.elements("status", "--json")

    assert said.code == 3
    assert standings(said) == {
        "desk": "changed",
        "mail": "drifted",
        "gone": "gone",
        "still": "disabled",
        "bad": "not valid",
        "files": "not created",
    }
    assert what(said, "desk").startswith("configuration.subdomain changed in the stack")
    assert what(said, "mail").startswith("name, tags changed outside Pulumi")
    assert what(said, "bad") == (
        "its credentials are refused: correct the inputs, then run pulumi up"
    )
    for lacking in ("oauth.api.key: is", "oauth.api.secret: is"):
        assert lacking in what(said, "files")
    assert what(said, "files").endswith("; then run elements authorize files --stack test --up")
    assert "oauth.callback.url" not in what(said, "files")
    assert deployed.sandbox.instances() == stored
    table = deployed.elements("status")
    assert "0 of 6 ok" in table.stderr
    assert "drifted" in table.stdout
    assert "7731" not in said.all + table.all


FILES = """
files:
  element: onedrivebusiness
  configuration:
    oauth.api.key: app-key
    oauth.api.secret: app-secret-7731
    oauth.callback.url: http://127.0.0.1:8080/callback
  code: {code}
"""


def test_an_account_that_must_be_connected_anew_is_named_with_the_command(deployed):
    """Its code was refused, or its tokens were: either way the command is one to paste."""
    deployed.declare(FILES.replace("{code}", deployed.sandbox.new_code("onedrivebusiness")))
    deployed.project.up()
    anew = "run elements authorize files --stack test --up"

    deployed.declare(FILES.replace("{code}", "never-issued-7731"))
    deployed.project.run("up", "--yes", "--skip-preview", expect=1)
    refused = deployed.elements("status", "--json")
    assert standings(refused) == {"files": "changed"}
    assert what(refused, "files") == f"its code was already sent, and no code is sent twice: {anew}"

    deployed.sandbox.update_instance(ids(deployed)["files"], valid=False)
    assert what(deployed.elements("status", "--json"), "files") == (
        f"its credentials are refused: {anew}"
    )


def refusal(said):
    """Return what the engine shows of a code that a preview refuses, the way out left off."""
    found = {line.partition("code: its")[2] for line in said.splitlines()} - {""}
    (words,) = {f"its{line}" for line in found}
    return words.removesuffix(": get a new code, then run pulumi up")


def test_after_a_refused_code_status_says_what_up_says(deployed):
    """Its vendor refused it, so no instance is there: the same words, and one way out."""
    deployed.declare(FILES.replace("{code}", "never-issued-7731"))
    deployed.project.run("up", "--yes", "--skip-preview", expect=1)
    assert ids(deployed) == {}

    for _ in range(2):
        status = deployed.elements("status", "--json")
        up = deployed.project.run("up", "--yes", expect=1)
        assert standings(status) == {"files": "not created"}
        assert what(status, "files") == (
            f"{refusal(up.stdout + up.stderr)}: run elements authorize files --stack test --up"
        )
    assert "7731" not in status.all

    deployed.declare(FILES.replace("{code}", deployed.sandbox.new_code("onedrivebusiness")))
    assert what(deployed.elements("status", "--json"), "files") == "run pulumi up"
    deployed.project.up()
    assert standings(deployed.elements("status", "--json")) == {"files": "ok"}


def test_of_what_the_state_forgot_status_says_what_up_does(deployed, up_with):
    """The journal saw it in the state, so it is taken for one that is to be replaced."""
    up_with("mail:\n  element: sendgrid\n  configuration: {api.token: t}\n")
    deployed.project.run("preview")
    without(deployed, "mail")
    number = ids(deployed)["mail"]

    assert what(deployed.elements("status", "--json"), "mail") == (
        "was in the state, which has forgotten it, so the next pulumi up makes another one: to "
        f"keep it, set 'adopt' to {number}"
    )

    up = deployed.project.up()
    assert f"instance {number} was in the state, so another one is made" in up.stdout + up.stderr
    assert len(deployed.sandbox.instances()) == 2


@pytest.mark.parametrize("exists", [False, True])
def test_a_spent_code_that_was_copied_from_another_stack_is_told(deployed, exists):
    """`pulumi config cp` takes the code along, and the first stack has spent it."""
    project, sandbox = deployed.project, deployed.sandbox
    project.run("stack", "init", "live")
    if exists:
        project.run("stack", "select", "live")
        file = deployed.file.with_name("Pulumi.live.yaml")
        own = FILES.replace("{code}", sandbox.new_code("onedrivebusiness"))
        entries = "".join(f"    {line}\n" for line in own.strip("\n").splitlines())
        salt = file.read_text()
        file.write_text(f"config:\n  cloud-elements:instances:\n{entries}{salt}")
        project.run("up", "--yes", "--skip-preview", "--stack", "live")
    project.run("stack", "select", "test")
    deployed.declare(FILES.replace("{code}", sandbox.new_code("onedrivebusiness")))
    project.up()
    project.run("config", "cp", "--stack", "test", "--dest", "live")
    sent = [one for one in sandbox.journal() if one["carries_code"]]

    preview = project.run("preview", "--stack", "live", expect=0 if exists else 1)
    status = deployed.elements("status", "--json", "--stack", "live")

    said = preview.stdout + preview.stderr
    tag = next(one for one in sandbox.instances()[-1]["tags"] if one.count("-") > 2)
    words = f"its code was already sent for another stack (tag '{tag}') on "
    assert words in said
    assert what(status, "files").startswith(words)
    assert what(status, "files").endswith(": run elements authorize files --stack live --up")
    project.run("up", "--yes", "--skip-preview", "--stack", "live", expect=1)
    assert [one for one in sandbox.journal() if one["carries_code"]] == sent
    assert sandbox.counters()["codes_resent"] == 0


def test_leftovers_are_shown_and_swept(deployed, up_with):
    """What no state holds and no entry awaits goes; everything else stays."""
    up_with(STACK)
    without(deployed, "still")
    waiting = deployed.elements("status", "--json")
    assert what(waiting, "still") == (
        "left by an interrupted run: the next pulumi up takes it over"
    )
    assert "There are no leftovers" in deployed.elements("sweep", "--stack", "test").stderr

    start, end = STACK.index("still:"), STACK.index("bad:")
    deployed.declare(STACK[:start] + STACK[end:])
    left = deployed.elements("status", "--json")
    assert standings(left)["still"] == "left over"
    shown = deployed.elements("sweep", "--stack", "test", "--dry-run")
    assert "still" in shown.stdout
    asked = deployed.elements("sweep", "--stack", "test")
    assert asked.code == 4
    assert "give --yes to agree" in asked.stderr
    assert "still" in ids(deployed)

    done = deployed.elements("sweep", "--stack", "test", "--yes")

    assert done.code == 0, done.stderr
    assert set(ids(deployed)) == {"desk", "mail", "gone", "bad"}
    assert deployed.elements("status").code == 0


def pending(place, name, *, like):
    """Have the engine remember that a run was interrupted while it created a resource."""
    # An import drops what is pending, so it is written where the engine itself keeps it.
    file = next((place.project.home / "state").rglob("stacks/**/test.json"))
    state = json.loads(file.read_text())
    latest = state["checkpoint"]["latest"]
    resource = dict(next(r for r in latest["resources"] if r["urn"].endswith(f"::{like}")))
    resource["urn"] = resource["urn"].removesuffix(like) + name
    del resource["id"]
    latest["pending_operations"] = [{"resource": resource, "type": "creating"}]
    file.write_text(json.dumps(state))


def test_nothing_is_swept_while_an_update_may_be_running(deployed, up_with):
    """A pending operation may be the one that made the instance; the marker protects it as well."""
    up_with(STACK)
    marker = json.loads(deployed.elements("sweep", "--json").stdout)[0]["marker"]
    without(deployed, "still")
    deployed.declare("")
    pending(deployed, "still", like="mail")

    for chosen in (["--stack", "test"], ["--marker", marker]):
        said = deployed.elements("sweep", *chosen, "--yes")

        assert said.code == 1
        assert "runs or was interrupted, so nothing was deleted" in said.stderr
        assert "'pulumi refresh --clear-pending-creates --stack test'" in said.stderr
    assert len(ids(deployed)) == 5
    deployed.project.refresh("--clear-pending-creates")
    assert deployed.elements("sweep", "--stack", "test", "--yes").code == 0
    assert "still" not in ids(deployed)


def test_a_marker_protects_what_its_stack_declares(deployed, up_with):
    """What the next run of the stack takes over stays, by whatever name the stack is called."""
    up_with(STACK)
    without(deployed, "still")
    marker = json.loads(deployed.elements("sweep", "--json").stdout)[0]["marker"]

    said = deployed.elements("sweep", "--marker", marker, "--yes")

    assert said.code == 0, said.stderr
    assert f"There are no leftovers with the marker {marker}" in said.stderr
    assert "still" in ids(deployed)


def test_an_interrupted_create_that_a_later_run_ended_holds_nothing_up(deployed, up_with):
    """Only what it was at stays: a replacement of it may be there, and in no state yet."""
    up_with(STACK)
    double = deployed.elements("sweep", "--json")
    marked = {one["name"]: one["tags"] for one in deployed.sandbox.instances()}
    for name in ("mail", "bad"):
        deployed.create("sendgrid", f"{name} again", {"api.token": "t"}, tags=marked[name])
    assert json.loads(double.stdout)[0]["in_no_state"] == 0
    pending(deployed, "mail", like="mail")
    told = deployed.elements("status", "--json")
    assert "then pulumi refresh --clear-pending-creates" in what(told, "mail again")
    assert what(told, "bad again").endswith("elements sweep removes it")

    said = deployed.elements("sweep", "--stack", "test", "--yes")

    assert said.code == 0, said.stderr
    assert set(ids(deployed)) == {"desk", "mail", "gone", "still", "bad", "mail again"}


def test_a_double_of_what_the_state_holds_is_swept_and_a_replacement_is_not(deployed, up_with):
    """Status and sweep agree: an entry with its instance in the state awaits no other one."""
    up_with(STACK)
    tags = next(one["tags"] for one in deployed.sandbox.instances() if one["name"] == "mail")
    deployed.create("closeio", "mail again", {"username": "t"}, tags=tags)
    as_closeio = "mail:\n  element: closeio\n  configuration: {username: t}\n"
    start, end = STACK.index("mail:"), STACK.index("gone:")
    deployed.declare(STACK[:start] + as_closeio + STACK[end:])
    assert "run pulumi up first" in what(deployed.elements("status", "--json"), "mail again")
    assert "There are no leftovers" in deployed.elements("sweep", "--stack", "test").stderr

    deployed.declare(STACK)
    assert "elements sweep removes it" in what(deployed.elements("status", "--json"), "mail again")
    assert deployed.elements("sweep", "--stack", "test", "--yes").code == 0
    assert "mail again" not in ids(deployed)


def test_what_a_state_holds_is_never_swept(deployed, up_with):
    """Not by the stack's name and not by its marker, although no file declares it any more."""
    up_with(STACK)
    deployed.declare("")
    marker = json.loads(deployed.elements("sweep", "--json").stdout)[0]["marker"]

    for chosen in (["--stack", "test"], ["--marker", marker]):
        said = deployed.elements("sweep", *chosen, "--yes")

        assert said.code == 0, said.stderr
        assert "There are no leftovers" in said.stderr
    assert deployed.sandbox.counters()["deletes"] == 0
    told = deployed.elements("status", "--json")
    assert set(standings(told).values()) == {"changed"}
    assert "the next pulumi up deletes it" in what(told, "mail")


def test_what_is_adopted_is_told_before_and_after(deployed):
    """An entry that adopts says whom; once it is gone from the file, the instance stays."""
    adopted = deployed.create("sendgrid", "theirs", {"api.token": "t"})
    entry = f"theirs:\n  element: sendgrid\n  adopt: '{adopted}'\n"
    kept = "kept:\n  element: sendgrid\n  retain_on_delete: true\n  configuration: {api.token: t}\n"
    deployed.declare(
        entry + kept + "files:\n  element: onedrivebusiness\n  configuration:\n"
        "    oauth.api.key: a\n    oauth.api.secret: b\n"
        "proxied:\n  element: onedrivebusiness\n  oauth_proxy: acme\n"
    )
    before = deployed.elements("status", "--json")
    assert what(before, "theirs") == f"the next pulumi up takes over {adopted}"
    assert what(before, "files") == "run elements authorize files --stack test --up"
    assert what(before, "proxied").startswith("run pulumi config set --secret --path ")
    assert what(before, "proxied").endswith(" with a code from your application")
    deployed.declare(entry + kept)
    deployed.project.up()

    deployed.declare("")

    stays = "no longer declared in the stack: the next pulumi up lets go of it, and it stays on the"
    said = deployed.elements("status", "--json")
    for name in ("theirs", "kept"):
        assert what(said, name) == f"{stays} platform"
    deployed.project.up()
    assert set(ids(deployed)) == {"theirs", "kept"}


def test_a_deleted_stack_is_swept_by_its_name(deployed):
    """Its marker follows from its name; adopted and strange instances stay."""
    other = deployed.create("sendgrid", "by hand", {"api.token": "t"}, tags=["pulumi-services"])
    adopted = deployed.create("sendgrid", "theirs", {"api.token": "t"})
    deployed.declare(
        STACK
        + f"theirs:\n  element: sendgrid\n  adopt: '{adopted}'\n  configuration: {{api.token: t}}\n"
    )
    deployed.project.up()
    deployed.project.run("stack", "rm", "--force", "--yes", "test", "--preserve-config")

    listed = deployed.elements("sweep", "--json")
    assert listed.code == 0, listed.stderr
    assert [(row["stack"], row["in_no_state"]) for row in json.loads(listed.stdout)] == [(None, 5)]
    assert "(none here)" in deployed.elements("sweep").stdout
    done = deployed.elements("sweep", "--stack", "test", "--yes", "--json")

    assert done.code == 0, done.stderr
    assert len(json.loads(done.stdout)["removed"]) == 5
    assert {str(one["id"]) for one in deployed.sandbox.instances()} == {other, adopted}


def test_a_marker_sweeps_alone_and_a_refusal_is_told(deployed, up_with):
    """One that can't be deleted is named with the reason, the others go."""
    up_with(STACK)
    deployed.project.run("stack", "rm", "--force", "--yes", "test", "--preserve-config")
    listed = json.loads(deployed.elements("sweep", "--json").stdout)
    deployed.sandbox.update_instance(ids(deployed)["mail"], in_use=True)

    said = deployed.elements("sweep", "--marker", listed[0]["marker"], "--yes")

    assert said.code == 1
    assert "Deleted 4 of 5." in said.stderr
    assert "409" in said.stderr
    assert set(ids(deployed)) == {"mail"}


@pytest.mark.parametrize("meanwhile", ["unmarked", "held"])
def test_what_is_in_use_meanwhile_stays(workplace, monkeypatch, meanwhile):
    """While the question stood, somebody took it over, or a run of a stack brought it in."""
    tags = markers(organization="organization/", project="cloud-elements", stack="old", place="")
    id_ = workplace.create("sendgrid", "left", {"api.token": "t"}, tags=tags.tags)
    kept = Kept("left", id_, {}, {}, waiting_to_go=False, alone=True)

    def answered(*_, **__):
        if meanwhile == "unmarked":
            workplace.sandbox.update_instance(int(id_), tags=["theirs"])
        else:
            monkeypatch.setattr(Stack, "state", lambda *_, **__: State([kept], busy=False))
        return True

    # By its name alone it is the command, not the module.
    monkeypatch.setattr(sys.modules["provider.cli.sweep"], "agreed", answered)
    said = workplace.elements("sweep", "--stack", "old")

    assert said.code == 1
    assert f"Some could not be deleted: {id_}: it is in use by now" in said.stderr
    assert workplace.sandbox.counters()["deletes"] == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--marker", "pulumi-services"], "'pulumi-services' is not a stack's marker tag"),
        (["--marker", "pulumi-a-b-c"], "is not a stack's marker tag"),
        (["--marker", "x", "--stack", "y"], "Give --stack or --marker, not both"),
    ],
)
def test_a_marker_must_be_ours(workplace, arguments, sentence):
    """A tag of the user's never decides what is deleted."""
    workplace.create("sendgrid", "Mail", {"api.token": "t"}, tags=["pulumi-services"])

    said = workplace.elements("sweep", *arguments, "--yes")

    assert said.code == 2
    assert sentence in said.stderr
    assert workplace.sandbox.counters()["deletes"] == 0


def test_a_stack_that_is_not_here_is_told(workplace):
    """A typo in its name would look like a clean account."""
    said = workplace.elements("sweep", "--stack", "nosuch")

    assert said.code == 0
    assert "No stack 'nosuch' is here, and there are no leftovers" in said.stderr


def test_a_mistyped_key_is_told(workplace):
    """Without the word, it would look as if everything was to be deleted."""
    workplace.file.write_text("config:\n  cloud-elements:instance:\n    a: {element: x}\n")

    for command in ("status", "doctor"):
        said = workplace.elements(command)

        assert said.code != 0
        assert "did you mean 'cloud-elements:instances'" in " ".join(said.all.split())


def test_an_empty_stack_has_nothing_to_tell(workplace):
    """No instances, no table, no attention needed."""
    said = workplace.elements("status")

    assert said.code == 0
    assert "has no instances" in said.stderr


def test_hostile_names_do_not_reach_the_terminal(workplace):
    """Control codes and markup of a name are shown as they are or not at all."""
    workplace.declare('"[red]x":\n  element: sendgrid\n')
    assert "[red]x" in workplace.elements("status").stdout
    workplace.declare('"x\\x1b[31m":\n  element: sendgrid\n')

    said = workplace.elements("status")

    assert "'x\\x1b[31m'.name: must not hold line breaks" in said.stderr
    assert "\x1b" not in said.all


def test_null_in_the_stack_file_is_no_change(deployed):
    """It counts as not given, in maps and in lists."""
    deployed.declare(
        "mail:\n  element: sendgrid\n  code:\n  tags: [a]\n"
        "  configuration: {api.token: t, event.metadata: , event.objects: [a, ~]}\n"
    )
    deployed.project.up()

    said = deployed.elements("status", "--json")

    assert said.code == 0, said.stdout


def test_the_program_may_lie_in_a_folder_of_its_own(deployed):
    """What its file no longer declares is told there too."""
    folder = deployed.project.folder
    (folder / "program").mkdir()
    for name in ("__main__.py", "provider", ".venv"):
        (folder / name).rename(folder / "program" / name)
    with (folder / "Pulumi.yaml").open("a") as file:
        file.write("main: program\n")
    deployed.declare("mail:\n  element: sendgrid\n  configuration: {api.token: t}\n")
    deployed.project.up()
    assert deployed.elements("status").code == 0
    deployed.declare("")

    [row] = json.loads(deployed.elements("status", "--json").stdout)["instances"]

    assert row["standing"] == "changed"
    assert row["what"].startswith("no longer declared in the stack")


@pytest.mark.parametrize(
    ("program", "by_file"),
    [
        ("from pulumi_cloud_elements import declare_stack\n\ndeclare_stack()\n", True),
        ("import pulumi_cloud_elements\n\npulumi_cloud_elements.declare_stack()\n", True),
        ("from pulumi_cloud_elements.stack import declare\n\ndeclare()\n", True),
        ("from provider.stack import StackError, declare\n\ndeclare()\n", True),  # before 0.2
        ("from pulumi_cloud_elements import ElementInstance\n", False),
        (None, False),
    ],
)
def test_a_program_that_declares_the_stack_file_is_known(tmp_path, program, by_file):
    if program is not None:
        (tmp_path / "__main__.py").write_text(program)
    stack = SimpleNamespace(project=SimpleNamespace(program=tmp_path))
    assert survey._declares_by_file(stack) is by_file
