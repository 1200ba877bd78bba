"""A sandbox in a process of its own, so that it shares no interpreter with what is measured."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any, Self

import httpx

from sandbox.server import ORGANIZATION_SECRET, USER_SECRET
from tools.pulumi_project import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

ELEMENT = "onedrivebusiness"
CONFIGURATION = {
    "oauth.api.key": "the-api-key",
    "oauth.api.secret": "the-api-secret",
    "oauth.callback.url": "https://app.example.com/callback",
}
TAGS = ["billing", "europe"]
SLOW = {"POST": "/instances", "GET": "/instances/{id}", "DELETE": "/instances/{id}"}


class Platform:
    """The sandbox; every create, read and delete of an instance takes `seconds` longer."""

    def __init__(self, seconds: float = 0.0) -> None:
        faults = [
            f"--fault=slow;method={method};path={path};seconds={seconds};times=all"
            for method, path in SLOW.items()
            if seconds
        ]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", *faults],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout
        self.base_url = self._process.stdout.readline().split(": ", 1)[1].strip()
        self._control = httpx.Client(base_url=self.base_url.removesuffix("/elements/api-v2"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._control.close()
        self._process.terminate()
        self._process.communicate()

    @property
    def environment(self) -> dict[str, str]:
        """Variables that lead the provider here."""
        return {
            "CLOUD_ELEMENTS_BASE_URL": self.base_url,
            "CLOUD_ELEMENTS_USER_SECRET": USER_SECRET,
            "CLOUD_ELEMENTS_ORGANIZATION_SECRET": ORGANIZATION_SECRET,
        }

    @property
    def headers(self) -> dict[str, str]:
        """Who we are, for requests of our own."""
        return {"authorization": f"User {USER_SECRET}, Organization {ORGANIZATION_SECRET}"}

    def code(self) -> str:
        """Return a fresh one-time code."""
        answer = self._control.post("/sandbox/codes", json={"element": ELEMENT})
        return str(answer.json()["providerData"]["code"])

    def inputs(self, count: int) -> Iterator[dict[str, Any]]:
        """Yield what a program declares, each with a code of its own."""
        for number in range(count):
            yield {
                "element_key": ELEMENT,
                "name": f"instance-{number:04}",
                "code": self.code(),
                "configuration": CONFIGURATION,
                "tags": TAGS,
            }

    def body(self, number: int = 0) -> dict[str, Any]:
        """Return a create request as it goes over the wire."""
        return {
            "element": {"key": ELEMENT},
            "name": f"raw-{number:04}",
            "providerData": {"code": self.code()},
            "configuration": CONFIGURATION,
            "tags": TAGS,
        }

    def switch(self, name: str, value: object) -> None:
        """Set a switch of the sandbox."""
        self._control.put("/sandbox/switches", json={name: str(value)}).raise_for_status()

    def count(self) -> int:
        """Return how many instances there are."""
        return len(self._control.get("/sandbox/instances").json())

    def requests(self) -> int:
        """Return how many requests came to /instances so far."""
        journal = self._control.get("/sandbox/journal").json()
        return sum(entry["template"].startswith("/instances") for entry in journal)
