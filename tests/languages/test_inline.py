"""`examples/` in TypeScript, Go and Java: inline programs of Pulumi's Automation API.

Such a program is its own language host. The SDKs are generated from the schema, but for Java's.
"""

from pathlib import Path

import pytest

from tools import engine, languages


def typescript(folder, run):
    """Compile the example with what it locks; return how it is started."""
    (folder / "node_modules").symlink_to(languages.node_packages())
    run("node_modules/.bin/tsc")
    return lambda command: ["node", "index.js", command]


def go(folder, _run):
    """Build the example; return how it is started."""
    languages.generated("go", folder.parents[1] / "sdk" / "go")
    engine.go("build", "-o=program", ".", module=folder)
    return lambda command: ["./program", command]


def java(folder, run):
    """Compile the example with what lies in the cache, offline; return how it is started."""
    repository = languages.java_packages()

    def start(command):
        return [*languages.MAVEN, "--offline", f"-Dmaven.repo.local={repository}", *goals(command)]

    def goals(command):
        return ["compile", "exec:java", f"-Dexec.args={command}"]

    return start


@pytest.fixture(params=[typescript, go, java])
def program(request, example, run, installed):
    """Return a function that starts the example with a command."""
    language = request.param
    start = language(example(language.__name__), run)
    return lambda command, **options: run(*start(command), **options)


@pytest.mark.timeout(900)  # the first time, packages are got and compiled
def test_the_life_of_an_instance(program, sandbox, password, hidden):
    said = program("up")
    [made] = sandbox.instances()
    assert (made["name"], made["configuration"]["password"]) == ("acme-desk", password)
    assert "+ 2 created" in said
    hidden()

    assert "2 unchanged" in program("up")
    assert sandbox.counters()["creates"] == 1
    hidden()

    program("destroy")
    assert sandbox.instances() == []
    hidden()

    said = program("up", expect=1, DESK_PASSWORD="")
    assert "configuration.password" in said, "what the provider has against it"
    assert sandbox.counters()["creates"] == 1


@pytest.mark.parametrize(("example", "sdk"), [("typescript", "nodejs"), ("go", "go")])
def test_its_readme_names_its_sdk(example, sdk):
    readme = Path(languages.ROOT, "examples", example, "README.md").read_text()
    assert f"python -m tools.languages --language {sdk}\n" in readme
