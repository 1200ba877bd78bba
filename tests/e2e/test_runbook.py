"""What docs/runbook.md promises where no other test does."""

import subprocess
import sys


def elements(project, *arguments):
    """Run a command; return its exit code and all that it said."""
    done = subprocess.run(
        [sys.executable, "-m", "provider", *arguments],
        cwd=project.folder,
        env=project.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def declare(project):
    path = "cloud-elements:instances.desk"
    plain = {
        "element": "freshservice",
        "configuration.subdomain": "a",
        "configuration.username": "i",
    }
    flags = [part for key in plain for part in ("--plaintext", f"{path}.{key}={plain[key]}")]
    secret = f"{path}.configuration.password=p-4711"
    project.run("config", "set-all", "--path", *flags, "--secret", secret)


def test_a_lost_state(project, sandbox):
    """Status names the instance, `up` takes it over; without the file, export finds it by id."""
    declare(project)
    project.up()
    [desk] = sandbox.instances()
    project.run("stack", "rm", "--force", "--preserve-config", "--yes", "test")
    assert sandbox.instances() == [desk], "to forget a stack touches nothing"
    project.init("test")

    code, said = elements(project, "status", "--stack", "test")
    assert code == 3
    assert f"{desk['id']}" in said
    file = project.stack_file()
    kept = file.read_text()
    file.write_text("".join(f"{line}\n" for line in kept.splitlines() if "encr" in line))
    code, said = elements(project, "sweep", "--stack", "test", "--dry-run")
    assert (code, f"{desk['id']}" in said) == (0, True)
    code, said = elements(project, "export", "--stack", "test", "--id", str(desk["id"]))
    assert code == 0, said
    assert f"adopt: '{desk['id']}'" in file.read_text().replace('"', "'")
    file.write_text(kept)

    project.up()

    assert [one["id"] for one in sandbox.instances()] == [desk["id"]]
    assert sandbox.counters()["creates"] == 1


def test_rotated_secrets_of_the_platform(new_project, sandbox):
    """In the environment they count at once; in the stack, from the next `up` on."""
    project = new_project()
    for name in ("CLOUD_ELEMENTS_USER_SECRET", "CLOUD_ELEMENTS_ORGANIZATION_SECRET"):
        del project.env[name]
    declare(project)
    project.config_set(
        "cloud-elements:organizationSecret", sandbox.organization_secret, secret=True
    )
    project.config_set("cloud-elements:userSecret", "former-secret", secret=True)
    refused = project.up(expect=1)
    assert "401" in refused.stdout
    project.config_set("cloud-elements:userSecret", sandbox.user_secret, secret=True)

    project.up()
    project.refresh()

    assert len(sandbox.instances()) == 1
    project.env["CLOUD_ELEMENTS_USER_SECRET"] = "another-secret"
    assert "401" in project.refresh(expect=1).stdout
    project.env["CLOUD_ELEMENTS_USER_SECRET"] = sandbox.user_secret
    project.refresh()
