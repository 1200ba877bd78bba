"""The stand-in language host, driven over gRPC as the engine drives it."""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

from tools import engine

ENGINE_ADDRESS = "127.0.0.1:12345"

# Instead of Pulumi's script: write down how it was called, then end as the program argument says.
FAKE_EXEC = """
import json, os, sys, time
call = {"args": sys.argv[1:], "env": dict(os.environ), "cwd": os.getcwd(), "prefix": sys.prefix}
open(os.environ["CALL"], "w").write(json.dumps(call))
print("started", flush=True)
if sys.argv[-1] == "wait":
    time.sleep(3600)
sys.exit(int(sys.argv[-1]))
"""


@pytest.fixture
def project(tmp_path):
    """Return a project's folder with this test run's environment as its `.venv`."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / ".venv").symlink_to(sys.prefix)
    return tmp_path / "project"


@pytest.fixture
def start(tmp_path, project):
    """Return a function that starts the host as the engine does: in the project, with pipes."""
    installed = tmp_path / "engine"
    installed.mkdir()
    for path in engine.STAND_IN:
        shutil.copy(path, installed)
    (installed / "pulumi-language-python-exec").write_text(FAKE_EXEC)
    hosts = []

    def start(**environment):
        variables = {k: v for k, v in os.environ.items() if not k.startswith("PULUMI")}
        host = subprocess.Popen(
            [installed / "pulumi-language-python", "-v=9", ENGINE_ADDRESS],
            cwd=project,
            env=variables
            | {"CALL": str(tmp_path / "call"), "PYTHONHOME": "/nowhere"}
            | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
            text=True,
        )
        hosts.append(host)
        return host

    yield start
    for host in hosts:
        with host:
            host.kill()


@pytest.fixture
def host(start):
    return start()


@pytest.fixture
def stub(host):
    """Return a client of the running host, at the port that is its first line."""
    with grpc.insecure_channel(f"127.0.0.1:{int(host.stdout.readline())}") as channel:
        yield language_pb2_grpc.LanguageRuntimeStub(channel)


def request(project, end, **fields):
    info = language_pb2.ProgramInfo(
        root_directory=str(project), program_directory=str(project), entry_point="."
    )
    return language_pb2.RunRequest(
        project="elements",
        stack="dev",
        pwd=str(project),
        args=["--", end],
        config={"elements:secret": "s3", "elements:plain": "p"},
        configSecretKeys=["elements:secret"],
        dryRun=True,
        parallel=16,
        monitor_address="127.0.0.1:2",
        organization="organization",
        info=info,
        **fields,
    )


def call(project):
    return json.loads(project.with_name("call").read_text())


def test_says_what_it_has(stub, project):
    """It needs no plugins, knows no dependencies, and names the program's Python."""
    info = request(project, "0").info

    assert stub.GetPluginInfo(Empty()).version == ""
    assert not stub.GetRequiredPackages(language_pb2.GetRequiredPackagesRequest(info=info)).packages
    assert not stub.GetProgramDependencies(
        language_pb2.GetProgramDependenciesRequest(info=info)
    ).dependencies
    assert stub.About(language_pb2.AboutRequest(info=info)).executable == str(
        project / ".venv/bin/python"
    )


def test_install_says_that_it_installs_nothing(stub):
    """`pulumi install` is told to leave the matter to make."""
    answers = stub.InstallDependencies(language_pb2.InstallDependenciesRequest())

    assert b"make install" in b"".join(answer.stdout for answer in answers)


def test_run_passes_everything_on(stub, project):
    """The program gets the engine's addresses, its configuration and its secret keys."""
    response = stub.Run(request(project, "0"))

    assert (response.error, response.bail) == ("", False)
    seen = call(project)
    given = ["--monitor", "127.0.0.1:2", "--engine", ENGINE_ADDRESS, "--project", "elements"]
    given += ["--stack", "dev", "--pwd", str(project), "--root_directory", str(project)]
    given += ["--dry_run", "true", "--parallel", "16", "--organization", "organization"]
    assert seen["args"] == [*given, str(project), "--", "0"]
    assert json.loads(seen["env"]["PULUMI_CONFIG"]) == {
        "elements:secret": "s3",
        "elements:plain": "p",
    }
    assert json.loads(seen["env"]["PULUMI_CONFIG_SECRET_KEYS"]) == ["elements:secret"]
    assert seen["cwd"] == str(project)


def test_run_activates_the_projects_environment(stub, project):
    """The program runs in `.venv` and finds its executables first, as after `activate`."""
    stub.Run(request(project, "0"))

    variables = call(project)["env"]
    assert variables["VIRTUAL_ENV"] == str(project / ".venv")
    assert variables["PATH"].startswith(f"{project / '.venv/bin'}{os.pathsep}")
    assert "PYTHONHOME" not in variables


def test_virtualenv_option_wins(stub, project):
    """`virtualenv` in the project file names another environment than `.venv`."""
    (project / ".venv").rename(project / "other")
    asked = request(project, "0")
    asked.info.options.update({"toolchain": "uv", "virtualenv": "other"})

    assert stub.Run(asked).error == ""
    assert call(project)["env"]["VIRTUAL_ENV"] == str(project / "other")


def test_environment_variable_names_the_environment(start, project):
    """PULUMI_RUNTIME_VIRTUALENV, which the provider's start script obeys, is obeyed here too."""
    (project / ".venv").rename(project / "other")
    host = start(PULUMI_RUNTIME_VIRTUALENV=str(project / "other"))

    with grpc.insecure_channel(f"127.0.0.1:{int(host.stdout.readline())}") as channel:
        language_pb2_grpc.LanguageRuntimeStub(channel).Run(request(project, "0"))

    assert call(project)["env"]["VIRTUAL_ENV"] == str(project / "other")


def test_missing_environment_is_explained(stub, project):
    """Without an environment the program is not started, and the user learns what to do."""
    (project / ".venv").unlink()

    response = stub.Run(request(project, "0"))

    assert response.error == (
        f"There is no Python environment at {project / '.venv'}: run `make install`."
    )


def test_missing_sdk_is_explained(start, project, tmp_path):
    """A Python without Pulumi's SDK gives one line, no traceback."""
    (project / ".venv").unlink()
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    host = start(PULUMI_RUNTIME_VIRTUALENV=str(bare))

    error = host.communicate()[1]

    assert host.returncode == 1
    assert error.startswith("no Python with Pulumi's SDK")
    assert error.count("\n") == 1


def test_shown_error_is_not_shown_again(stub, project):
    """Exit code 32 says that the engine has the error already."""
    response = stub.Run(request(project, "32"))

    assert (response.error, response.bail) == ("", True)


def test_other_exit_code_is_an_error(stub, project):
    """Any other exit code reaches the user."""
    response = stub.Run(request(project, "7"))

    assert (response.error, response.bail) == ("Program exited with non-zero exit code: 7", False)


PLUGIN = """
import os, sys, time
print(os.getpid(), flush=True)
print(os.environ["GIVEN"], sys.argv[1:], os.getcwd(), file=sys.stderr, flush=True)
if "wait" in sys.argv:
    time.sleep(3600)
sys.exit(7)
"""


@contextmanager
def open_process(number):
    """Open a process as a file that can be read once it has ended."""
    process = os.pidfd_open(number)
    yield process
    os.close(process)


def plugin(project, *arguments):
    """Return the request to run a provider's folder, which lies beside the program."""
    folder = project / "plugin"
    folder.mkdir()
    (folder / "__main__.py").write_text(PLUGIN)
    info = language_pb2.ProgramInfo(
        root_directory=str(folder), program_directory=str(folder), entry_point="."
    )
    info.options.update({"virtualenv": "../.venv"})
    return language_pb2.RunPluginRequest(
        pwd=str(project), args=arguments, env=["GIVEN=a=b"], info=info, kind="resource"
    )


def test_a_providers_folder_runs(stub, project):
    """What it says is handed on, and its exit code is the last answer."""
    answers = list(stub.RunPlugin(plugin(project, "127.0.0.1:2")))

    assert int(b"".join(answer.stdout for answer in answers))
    said = b"".join(answer.stderr for answer in answers).decode()
    assert said == f"a=b ['127.0.0.1:2'] {project}\n"
    assert answers[-1].WhichOneof("output") == "exitcode"
    assert answers[-1].exitcode == 7


def test_a_providers_folder_ends_with_its_call(host, stub, project):
    """The engine ends a provider by cancelling the call that runs it."""
    running = stub.RunPlugin(plugin(project, "wait"))
    said = b""
    while not said.endswith(b"\n"):
        said += next(running).stdout

    running.cancel()

    with suppress(ProcessLookupError), open_process(int(said)) as process:
        assert select.select([process], [], [], 10)[0], "it still runs"


def test_a_providers_folder_without_environment_is_explained(stub, project):
    """Where the folder's `virtualenv` is missing, the user learns what to do."""
    (project / ".venv").unlink()

    answers = list(stub.RunPlugin(plugin(project)))

    assert b"run `make install`" in b"".join(answer.stderr for answer in answers)
    assert answers[-1].exitcode == 1


def test_cancel_ends_the_program_quietly(host, stub, project):
    """A cancelled run ends its program and reports no error of its own."""
    running = stub.Run.future(request(project, "wait"))
    assert host.stdout.readline() == "started\n"

    stub.Cancel(Empty())

    assert running.result().bail


def test_interrupt_leaves_no_traceback(host, stub):
    """SIGINT, with which the engine ends its plugins, is answered with silence."""
    os.killpg(host.pid, signal.SIGINT)

    assert host.communicate() == ("", "")


def test_interrupt_while_starting_leaves_no_traceback(start):
    """SIGINT is answered with silence even before the port is printed."""
    host = start()
    os.killpg(host.pid, signal.SIGINT)

    assert host.communicate()[1] == ""


def test_lost_engine_ends_host_and_program(host, stub, project):
    """When the engine is gone its end of the pipe closes, and nothing is left running."""
    running = stub.Run.future(request(project, "wait"))  # a call that is let go is cancelled
    assert host.stdout.readline() == "started\n"

    host.stdin.close()

    assert host.wait() == 0
    assert host.stdout.read() == ""  # the program held the other end of this pipe
    assert running.exception() is not None or running.result().bail
