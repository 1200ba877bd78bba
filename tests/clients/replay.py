"""Replays a flow against a sandbox over real sockets."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from tests.clients.facts import ABSENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from sandbox import Sandbox
    from tests.clients.facts import Flow, Step
    from tests.sandbox.receiver import Receiver

_PLACEHOLDER = re.compile(r"\{([a-z][a-z:]*)\}")


class Replay:
    """One client at work: what it kept so far, and what the sandbox gives it.

    Given: `{user}` and `{organization}`, the secrets; `{origin}`, where the sandbox is;
    `{receiver}`, where a callback may go; `{code:element}`, a code that somebody consented to;
    `{base:name}`, what was kept by that name in Base64.
    """

    def __init__(self, sandbox: Sandbox, client: httpx.Client, receiver: Receiver) -> None:
        self._sandbox = sandbox
        self._client = client
        self._receiver = receiver
        self._kept: dict[str, Any] = {
            "user": sandbox.user_secret,
            "organization": sandbox.organization_secret,
            "origin": sandbox.base_url.removesuffix("/elements/api-v2"),
            "receiver": receiver.url,
        }

    def run(self, flow: Flow) -> None:
        """Make the calls in a row; AssertionError names the first that is not as it should be."""
        for name, position in flow.switches.items():
            self._sandbox.set_switch(name, position)
        for number, step in enumerate(flow.steps, start=1):
            where = f"step {number}, {step.call}"
            answer = self._call(step)
            assert answer.status_code == step.status, f"{where}: {answer.text}"
            for pointer, expected in step.reads.items():
                found = self._read(answer, pointer)
                wanted = self._filled(expected)
                if "#" in pointer and isinstance(wanted, int):
                    wanted = str(wanted)
                assert _fits(found, wanted), f"{where}: read {found!r} at {pointer}, not {wanted!r}"
            for name, pointer in step.keep.items():
                self._kept[name] = self._read(answer, pointer)

    def _call(self, step: Step) -> httpx.Response:
        method, _, address = self._filled(step.call).partition(" ")
        headers = {
            "Authorization": self._filled(step.authorization),
            "Accept": "application/json",
            **{name: str(self._filled(value)) for name, value in step.headers.items()},
        }
        content: dict[str, Any] = {}
        if step.body is not None:
            content["json"] = self._filled(step.body)
        if step.form is not None:
            content["data"] = step.form
        return self._client.request(method, address, headers=headers, **content)

    def _filled(self, value: Any) -> Any:
        """Return a value with what its placeholders stand for; one alone keeps its kind."""
        if isinstance(value, dict):
            return {name: self._filled(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._filled(inner) for inner in value]
        if not isinstance(value, str):
            return value
        alone = _PLACEHOLDER.fullmatch(value)
        if alone:
            return self._given(alone[1])
        return _PLACEHOLDER.sub(lambda found: str(self._given(found[1])), value)

    def _given(self, name: str) -> Any:
        kind, _, rest = name.partition(":")
        if kind == "code":
            return self._sandbox.new_code(rest)
        if kind == "base":
            return base64.b64encode(str(self._kept[rest]).encode()).decode()
        return self._kept[name]

    def _read(self, answer: httpx.Response, pointer: str) -> Any:
        headers: Mapping[str, str] = answer.headers
        text = answer.text
        if pointer.startswith("told"):
            last = self._receiver.received[-1]
            headers, text = last.headers, last.body.decode()
            pointer = pointer.removeprefix("told")
        if pointer.startswith("#"):
            return headers.get(pointer[1:], ABSENT)
        if pointer.startswith("?"):
            values = parse_qs(urlsplit(headers["location"]).query).get(pointer[1:], [ABSENT])
            return values[0] if len(values) == 1 else values
        return _member(json.loads(text), pointer)


def _member(value: Any, pointer: str) -> Any:
    for part in (part.replace("~1", "/") for part in pointer.split("/")[1:]):
        if part.startswith("["):
            name, _, wanted = part.strip("[]").partition("=")
            value = next((one for one in value if one[name] == wanted), ABSENT)
        elif isinstance(value, list):
            value = value[int(part)] if int(part) < len(value) else ABSENT
        else:
            value = value.get(part, ABSENT)
        if value is ABSENT:
            return ABSENT
    return value


def _fits(found: Any, wanted: Any) -> bool:
    if found is ABSENT or wanted is ABSENT:
        return found is wanted
    if isinstance(wanted, type):
        return isinstance(found, wanted)
    return bool(wanted(found)) if callable(wanted) else bool(found == wanted)
