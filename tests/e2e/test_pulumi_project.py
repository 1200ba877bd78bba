"""Throw-away projects do what the tests rely on: isolation, records, and leaving nothing."""

import os
import signal

import pytest

from tools.pulumi_project import CommandFailedError

# Outputs, and a resource that takes as long as it is told and can press Ctrl-C meanwhile.
PROGRAM = """
import pulumi
from pulumi.dynamic import CreateResult, Resource, ResourceProvider

class SlowProvider(ResourceProvider):
    def create(self, props):
        import os, signal, time
        print("at work", flush=True)
        if "INTERRUPT" in os.environ:
            os.kill(int(os.environ["INTERRUPT"]), signal.SIGINT)
        time.sleep(props["seconds"])
        return CreateResult("1", props)

class Slow(Resource, name="Slow"):
    pass

config = pulumi.Config()
if config.get("seconds"):
    Slow(SlowProvider(), "slow", {"seconds": config.require_int("seconds")})
pulumi.export("word", config.get("word"))
pulumi.export("secret", config.get_secret("secret"))
"""


@pytest.fixture
def other(new_project):
    """Return a project with another program."""
    return new_project(program=PROGRAM)


def test_own_program_runs(other):
    """A program given as text is run, with the stack's configuration, plain and secret."""
    other.config_set("word", "plain")
    other.config_set("secret", "hush-hush", secret=True)

    assert "Resources:\n    + 1 created" in other.up().stdout
    assert other.outputs() == {"word": "plain", "secret": "[secret]"}
    assert other.outputs(show_secrets=True) == {"word": "plain", "secret": "hush-hush"}
    other.preview("--expect-no-changes")
    assert [each["type"] for each in other.export()["deployment"]["resources"]] == [
        "pulumi:pulumi:Stack"
    ]


def test_everything_said_holds_console_state_and_stack_file(other):
    """What is not secret is found in all three; what is secret in none."""
    other.config_set("word", "conspicuous")
    other.config_set("secret", "hush-hush", secret=True)
    other.up()
    other.outputs(show_secrets=True)

    said = other.everything_said()

    assert 'word  : "conspicuous"' in said
    assert '"word":"conspicuous"' in said.replace(": ", ":")
    assert "cloud-elements:word: conspicuous" in said
    assert "hush-hush" not in said


def test_unexpected_exit_code_tells_all(other):
    """A command that ends otherwise than expected raises, and its output says why."""
    other.write_program("raise SystemExit('broken')")

    with pytest.raises(CommandFailedError, match=r"pulumi preview ended with 1:[\s\S]*broken"):
        other.preview()
    assert other.preview(expect=None).code == 1


def test_callers_settings_stay_outside(new_project, monkeypatch):
    """A developer's own backend, passphrase and credentials never reach a throw-away project."""
    monkeypatch.setenv("PULUMI_STACK", "production")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE_FILE", "/nowhere")
    monkeypatch.setenv("CLOUD_ELEMENTS_TIMEOUT", "1")

    project = new_project(environment={"CLOUD_ELEMENTS_CONCURRENCY": "2"})

    given = {name for name in project.env if name.startswith(("PULUMI_", "CLOUD_ELEMENTS_"))}
    assert given == {
        "CLOUD_ELEMENTS_BASE_URL",
        "CLOUD_ELEMENTS_CONCURRENCY",
        "CLOUD_ELEMENTS_ORGANIZATION_SECRET",
        "CLOUD_ELEMENTS_USER_SECRET",
        "PULUMI_BACKEND_URL",
        "PULUMI_CONFIG_PASSPHRASE",
        "PULUMI_HOME",
        "PULUMI_SKIP_UPDATE_CHECK",
    }


def test_interrupted_engine_finishes_what_runs(new_project):
    """Ctrl-C while a resource is being made: it is finished, and the state holds it."""
    project = new_project(program=PROGRAM, environment={"INTERRUPT": str(os.getpid())})
    project.config_set("seconds", "1")

    with pytest.raises(KeyboardInterrupt):
        project.up()

    assert project.processes() == []
    types = [each["type"] for each in project.export()["deployment"]["resources"]]
    assert "pulumi-python:dynamic:Slow" in types


def test_close_ends_what_a_killed_engine_left(other):
    """A killed engine leaves its provider running; closing the project ends it."""
    other.config_set("seconds", "3600")
    with other.start("up", "--yes", "--skip-preview") as engine:
        assert any("at work" in line for line in engine.stdout)
        engine.send_signal(signal.SIGKILL)
    provider = other.processes()

    other.close()

    assert provider != []
    assert other.processes() == []
    assert not other.home.exists()
