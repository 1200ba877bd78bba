"""The installed package, in projects of users."""

import subprocess
import sys

import pytest

from tests.host.server import OLD_NAME, PROVIDER, RefusedCall, Server, desk
from tests.package.conftest import run

PROGRAM = """\
import pulumi
from pulumi_cloud_elements import ElementInstance
from pulumi_cloud_elements.native import get_element_output

config = pulumi.Config()
desk = ElementInstance(
    "desk",
    "freshservice",
    configuration={"subdomain": "acme", "password": config.require_secret("password")},
    tags=["billing"],
)
pulumi.export("element", get_element_output(key="freshservice").name)
pulumi.export("token", desk.element_token)
pulumi.export("tags", desk.tags.apply(lambda tags: [tag.upper() for tag in tags or []]))
"""
OF_TESTS = """\
from pulumi_cloud_elements import declare_stack
from pulumi_cloud_elements.sandbox import Sandbox


def test_pipeline() -> None:
    with Sandbox(switches={"masking": "off"}) as sandbox:
        print(sandbox.base_url.upper())
        declare_stack()
"""
STATE = """
from pulumi.dynamic.dynamic import serialize_provider
import pulumi_cloud_elements
print(serialize_provider(pulumi_cloud_elements.PROVIDER))
"""
QUICK = {"CLOUD_ELEMENTS_LOOKUP_WINDOW": "0", "CLOUD_ELEMENTS_RETRY_BUDGET": "0"}
OWN = {"none": None, "module": "provider.py", "package": "provider/__init__.py"}


@pytest.fixture(params=OWN)
def folder(request, tmp_path):
    """A user's project, with and without a `provider` of its own."""
    (tmp_path / "__main__.py").write_text(PROGRAM)
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    if own := OWN[request.param]:
        path = tmp_path / own
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine = True\n")
    return tmp_path


def test_nothing_else_is_importable(installed, tmp_path):
    for name in ("provider", "sandbox", "tools"):
        source = f"import importlib.util; print(importlib.util.find_spec('{name}'))"
        assert run(installed.python, "-c", source, folder=tmp_path) == "None\n"


def test_the_state_is_the_one_of_a_clone(installed, folder):
    """Whatever the program's folder has."""
    assert run(installed.python, "-c", STATE, folder=folder).strip() == PROVIDER


def mypy(python, *files):
    """Return what the mypy of an environment says of files."""
    command = [python, "-m", "mypy", "--strict", *files]
    folder = files[0].parent  # not the clone, whose settings and names it would take
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("installed", [sys.executable], indirect=True)  # types know no version
def test_mypy_strict_passes_and_finds_what_is_wrong(installed, tmp_path):
    """The types are those of the package, not `Any`."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    of_tests = tmp_path / "test_pipeline.py"
    of_tests.write_text(OF_TESTS)
    result = mypy(installed.python, program, of_tests)
    assert (result.returncode, result.stderr) == (0, ""), result.stdout
    mistakes = {
        '"freshservice",': ("7,", 'has incompatible type "int"'),
        "desk.element_token": ("desk.token", 'has no attribute "token"'),
        "tag.upper()": ("tag + 1", "Unsupported operand types"),
        "import ElementInstance\n": ("import ElementInstance, Other\n", 'has no attribute "Other"'),
        "get_element_output(key=": ("get_element_output(id=", 'argument "id"'),
    }
    for right, (wrong, _) in mistakes.items():
        program.write_text(program.read_text().replace(right, wrong))
    said = mypy(installed.python, program).stdout
    assert [told for _, told in mistakes.values() if told not in said] == []


def test_the_command_is_there(installed, crowded):
    version = run(installed.python, "-m", "pulumi_cloud_elements", "--version", folder=crowded)
    assert run(installed.script("elements"), "--version", folder=crowded) == version
    assert "--fault" in run(installed.script("elements"), "sandbox", "--help", folder=crowded)


def test_without_the_extra_the_sandbox_says_what_it_needs(environment, tmp_path):
    alone = environment(sys.executable)
    command = [alone.script("elements"), "sandbox"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (1, "")
    assert "run pip install 'pulumi-cloud-elements[sandbox]'" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_sandbox_is_for_tests_of_users(installed, crowded):
    source = (
        "from pulumi_cloud_elements.sandbox import Sandbox\n"
        "with Sandbox() as sandbox: print(sandbox.instances())"
    )
    assert run(installed.python, "-c", source, folder=crowded) == "[]\n"


@pytest.fixture
def crowded(tmp_path):
    """A user's project whose own packages are called what this clone calls its folders."""
    for name in ("provider", "sandbox", "tools"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("mine = True\n")
    return tmp_path


@pytest.fixture
def server():
    """Return a function that starts servers, by the clone or by the package; they are ended."""
    running = []

    def started(sandbox, **options):
        running.append(Server(sandbox, environment=QUICK, **options))
        return running[-1]

    yield started
    for one in running:
        one.stop()


@pytest.fixture
def package(installed, crowded):
    """Return where the package's servers start."""
    return {"python": installed.python, "folder": crowded}


def test_a_stack_moves_to_the_package_and_back_without_a_replacement(package, sandbox, server):
    """Made by an earlier build; looked at and changed by the package and the clone in turn."""
    clone = server(sandbox)
    clone.provider = OLD_NAME
    state = clone.create(desk())

    first = server(sandbox, **package)
    first.stored = OLD_NAME
    sent = len(sandbox.journal())
    assert first.diff(state, first.checked(state.inputs, state.inputs)) == ("some", [])
    assert first.update(state, state.inputs) == state
    assert {entry["method"] for entry in sandbox.journal()[sent:]} == {"GET"}
    first.stored, clone.provider = None, PROVIDER

    for one in (clone, first):
        sent = len(sandbox.journal())
        assert one.plan(state, state.inputs) == "none"
        seen = one.read(state)
        assert (seen.inputs, seen.outputs) == (state.inputs, state.outputs)
        assert {entry["method"] for entry in sandbox.journal()[sent:]} == {"GET"}
        state = one.update(state, state.inputs | {"tags": [f"by {sent}"]})
    clone.delete(state)
    assert sandbox.instances() == []


def test_before_the_new_name_a_refresh_and_a_delete_do_nothing(
    environment, tmp_path, sandbox, server
):
    """As UPGRADING.md tells it."""
    clone = server(sandbox)
    state = clone.create(desk())
    package = server(sandbox, python=environment(sys.executable).python, folder=tmp_path)
    package.stored = OLD_NAME
    for act in (package.read, package.delete):
        with pytest.raises(RefusedCall, match="No module named 'provider'"):
            act(state)
    assert len(sandbox.instances()) == 1
    package.stored = None
    package.delete(state)
    assert sandbox.instances() == []
