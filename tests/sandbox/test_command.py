"""`python -m sandbox` and `elements sandbox`, as another process would start them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from sandbox.switches import TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER = "User sandbox-user-secret, Organization sandbox-organization-secret"


MODULE = (sys.executable, "-m", "sandbox")
ELEMENTS = (str(Path(sys.executable).with_name("elements")), "sandbox")


@contextmanager
def started(
    *options: str, command: tuple[str, ...] = MODULE
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the command; yield the process and the address in its ready line."""
    process = subprocess.Popen(
        [*command, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONWARNINGS": "error"},
    )
    try:
        assert process.stdout
        ready, _, address = process.stdout.readline().strip().partition(": ")
        assert ready == "sandbox ready"
        yield process, address
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("command", [MODULE, ELEMENTS], ids=["module", "elements"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal(
    tmp_path: Path, number: signal.Signals, command: tuple[str, ...]
) -> None:
    """One ready line on standard output, an explanation on the other, and status 0."""
    (tmp_path / "mine.json").write_text('{"key": "mine"}')
    (tmp_path / "bad.json").write_text("{")
    options = ["--elements", str(tmp_path), "--db", str(tmp_path / "state.db")]
    options += ["--switch", "bad_code_status=401", "--fault", "status;status=502;path=/instances"]
    with (
        started(*options, command=command) as (process, address),
        httpx.Client(base_url=address, headers={"Authorization": HEADER}) as api,
    ):
        assert api.get("/elements/mine").json()["key"] == "mine"
        assert api.get("/instances").status_code == 502
        asked = {"apiKey": "k", "apiSecret": "s", "callbackUrl": "http://x/"}
        url = api.get("/elements/hubspot/oauth/url", params=asked).json()["oauthUrl"]
        assert url.startswith(address.removesuffix("/elements/api-v2"))
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, "")
    assert "element not loaded: bad.json: " in err
    assert f"Authorization: {HEADER}" in err
    assert "Traceback" not in err


def test_secrets_and_port_may_be_chosen() -> None:
    """Only the chosen ones are accepted; a port that is taken is refused in one line."""
    options = ["--user-secret", "u", "--organization-secret", "o", "--seed", "7", "--lenient"]
    with started(*options) as (_, address):
        with httpx.Client(base_url=address) as api:
            assert api.get("/organizations/me", headers={"Authorization": HEADER}).is_error
            mine = {"Authorization": "User u, Organization o"}
            assert api.get("/elements/whatever", headers=mine).is_success
        taken = str(httpx.URL(address).port)
        second = subprocess.run(
            [sys.executable, "-m", "sandbox", "--port", taken],
            capture_output=True,
            text=True,
            check=False,
        )
    assert (second.returncode, second.stdout) == (2, "")
    assert "cannot listen: " in second.stderr
    assert "Traceback" not in second.stderr


def test_the_help_names_every_switch_and_a_mistyped_one_is_guessed() -> None:
    """Nobody has to look up in the source what can be switched."""

    def said(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "sandbox", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    told = said("--help").stdout
    assert [name for name in TABLE if f"\n  {name}=" not in told] == []
    assert (
        "no switch is called 'maskin'; did you mean masking" in said("--switch", "maskin=on").stderr
    )
