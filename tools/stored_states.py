"""Writes down what today's code keeps in a state: `python -m tools.stored_states > FILE`.

Each release adds a file to `tests/states/`, and every later one must read it. An entry holds the
outputs as the engine hands them back, the steps that make the same instance in another sandbox, and
the requests that today's code sends to refresh, change and delete it.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import httpx
from pulumi.dynamic import ConfigureRequest
from pulumi.dynamic.config import Config
from pulumi.runtime.rpc import is_rpc_secret, unwrap_rpc_secret

from provider.instance.context import Context
from provider.instance.markers import MARKERS, markers
from provider.lifecycle import ElementInstanceProvider
from sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable

Bag = dict[str, Any]
SEED = 7
APPLICATION = {
    "oauth.api.key": "application-key",
    "oauth.api.secret": "application-secret",
    "oauth.callback.url": "https://app.example/callback",
}
EVENTS: Bag = {
    "events": {
        "by": "polling",
        "to": "https://app.example/events",
        "every": 5,
        "signature_key": "signature-key",
    },
    "filter_response_nulls": False,
}
_CHANGES = ("POST", "PUT", "PATCH", "DELETE")


def plain(value: Any) -> Any:
    """Return a value without its secret marks, as the engine hands it back."""
    if is_rpc_secret(value):
        return plain(unwrap_rpc_secret(value))
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


class World:
    """A sandbox, a provider of its own, and the steps that led here."""

    def __init__(self) -> None:
        self.sandbox = Sandbox(seed=SEED)
        self.steps: list[list[Any]] = []

    def __enter__(self) -> Self:
        self.sandbox.start()
        self._home = tempfile.TemporaryDirectory()
        return self

    def __exit__(self, *_: object) -> None:
        self._end_run()
        self._home.cleanup()
        self.sandbox.stop()

    @staticmethod
    def _end_run() -> None:
        """Have this process forget what it knows of the platform, as one that ends does."""
        for platform in Context.of_process.values():
            platform.client.close()
        Context.of_process.clear()

    def provider(self, **settings: str) -> ElementInstanceProvider:
        """Return a provider as a new run has it; its journal is this world's."""
        os.environ |= {
            "PULUMI_HOME": self._home.name,
            "CLOUD_ELEMENTS_USER_SECRET": self.sandbox.user_secret,
            "CLOUD_ELEMENTS_ORGANIZATION_SECRET": self.sandbox.organization_secret,
        }
        stack = {
            "cloud-elements:baseUrl": self.sandbox.base_url,
            "cloud-elements:lookupWindow": "0",
        }
        self._end_run()
        provider = ElementInstanceProvider()
        provider.configure(ConfigureRequest(Config(stack | settings, "tests")))
        return provider

    def own(self, outputs: Bag) -> Bag:
        """Return outputs as this world's: where they remember a platform, it is this sandbox."""
        record = outputs.get("__record") or {}
        if "platform" not in record:
            return outputs
        return outputs | {"__record": record | {"platform": self.sandbox.base_url}}

    def code(self, element_key: str) -> str:
        """Return a new code."""
        self.steps.append(["code", element_key])
        return self.sandbox.new_code(element_key)

    def fault(self, kind: str, **parameters: Any) -> None:
        """Let a fault wait."""
        self.steps.append(["fault", kind, parameters])
        self.sandbox.add_fault(kind, **parameters)

    def switch(self, name: str, value: str) -> None:
        """Put a switch into a position."""
        self.steps.append(["switch", name, value])
        self.sandbox.set_switch(name, value)

    def request(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Send a request past the provider."""
        user, organization = self.sandbox.user_secret, self.sandbox.organization_secret
        return httpx.request(
            method,
            self.sandbox.base_url + path,
            headers={"authorization": f"User {user}, Organization {organization}"},
            json=body,
        )

    def observe(self, act: Callable[[], Any]) -> tuple[Any, list[str]]:
        """Return what an act returns, or its half-made outputs, and the requests that it sent."""
        before = len(self.sandbox.journal())
        try:
            result = act()
        except Exception as error:  # noqa: BLE001 - refusals are part of what is stored
            result = error
        sent = self.sandbox.journal()[before:]
        for entry in sent:
            if entry["method"] in _CHANGES:
                self.steps.append(["request", entry["method"], entry["path"], entry["body"]])
        return result, [f"{entry['method']} {entry['template']}" for entry in sent]

    def replay(self, steps: list[list[Any]]) -> None:
        """Bring this sandbox to where the steps lead."""
        for kind, *rest in steps:
            if kind == "request":
                try:
                    self.request(*rest)
                except httpx.TransportError:
                    continue  # a fault that cuts the connection belongs to the steps
            elif kind == "code":
                self.sandbox.new_code(*rest)
            elif kind == "switch":
                self.sandbox.set_switch(*rest)
            else:
                self.sandbox.add_fault(rest[0], **rest[1])


def tags(place: str) -> list[str]:
    """Return the marker tags of a resource."""
    return list(markers(organization="o", project="tests", stack="dev", place=place).tags)


def oauth(world: World, name: str = "invoices", **more: Any) -> Bag:
    """Return the inputs of an OAuth instance with a new code."""
    return {
        "element_key": "onedrivebusiness",
        "name": name,
        "tags": ["billing"],
        "configuration": APPLICATION,
        "code": world.code("onedrivebusiness"),
        MARKERS: tags(name),
    } | more


def basic(name: str = "desk", more: Bag | None = None) -> Bag:
    """Return the inputs of an instance that authenticates with a password."""
    return {
        "element_key": "freshservice",
        "name": name,
        "configuration": {"subdomain": "acme", "username": "someone", "password": "hidden"},
        MARKERS: tags(name),
    } | (more or {})


Made = tuple[Bag, str, Bag]
"""Inputs, id and outputs of a resource."""


def create(world: World, inputs: Bag, **settings: str) -> Made:
    """Create a resource; a half-made one counts."""
    result, _ = world.observe(lambda: world.provider(**settings).create(dict(inputs)))
    if isinstance(result, Exception):
        return inputs, result.instance_id, result.outputs  # type: ignore[attr-defined]
    return inputs, result.id, result.outs


def update(world: World, made: Made, inputs: Bag) -> Made:
    """Update a resource; a half-made one counts."""
    _, id_, outputs = made
    result, _ = world.observe(lambda: world.provider().update(id_, plain(outputs), dict(inputs)))
    outs = result.outputs if isinstance(result, Exception) else result.outs  # type: ignore[attr-defined]
    return inputs, id_, outs


def authenticated_anew(world: World) -> Made:
    """Give it a second code."""
    made = create(world, oauth(world))
    return update(world, made, oauth(world))


def code_refused(world: World) -> Made:
    """Give it a code that the vendor refuses."""
    made = create(world, oauth(world))
    return update(world, made, made[0] | {"code": "a-code-that-nobody-gave"})


def adopted(world: World, **more: Any) -> Made:
    """Make one by hand and adopt it."""
    inputs = basic()
    body = {
        "element": {"key": inputs["element_key"]},
        "name": "made by hand",
        "tags": ["by-hand"],
        "configuration": inputs["configuration"],
    }
    answer, _ = world.observe(lambda: world.request("POST", "/instances", body).json())
    adopt = more.pop("adopt", str(answer["id"]))
    return create(world, inputs | {"adopt": adopt} | more)


def recovered(world: World) -> Made:
    """Lose the answer of the create."""
    world.fault("drop", method="POST", path="/instances")
    return create(world, oauth(world))


def taken_over(world: World) -> Made:
    """Lose the state after the create, and the machine with it."""
    inputs = basic()
    create(world, inputs)
    return create(world, inputs | {"tags": ["later"]}, **{"cloud-elements:journal": "false"})


def left_behind(world: World) -> Made:
    """Refuse the create and leave the instance behind."""
    world.fault("refused", method="POST", path="/instances", leaves="disabled")
    return create(world, oauth(world))


def changed_by_the_platform(world: World) -> Made:
    """Let the platform store other text than it was sent."""
    world.switch("name_limit", "12")
    world.switch("over_limit", "cut")
    world.switch("trim_values", "spaces")
    spaced = {"subdomain": " acme ", "username": "someone", "password": "hidden"}
    return create(world, basic("a name that is too long", {"configuration": spaced}))


def with_other_values(world: World) -> Made:
    """Give configuration that is no text."""
    others = {"event.poller.refresh_interval": 15.0, "filter.response.nulls": True, "x.list": ["a"]}
    return create(world, basic(more={"configuration": basic()["configuration"] | others}))


def from_token(world: World) -> Made:
    """Create from a refresh token."""
    configuration = APPLICATION | {"oauth.user.refresh_token": "refresh-token-1"}
    inputs = oauth(world, configuration=configuration, external_authentication="initial")
    del inputs["code"]
    return create(world, inputs)


SCENARIOS: dict[str, Callable[[World], Made]] = {
    "with a code": lambda world: create(world, oauth(world)),
    "with a password": lambda world: create(world, basic()),
    "without tags and markers": lambda world: create(world, basic(more={MARKERS: []})),
    "with numbers, flags and lists": with_other_values,
    "with events": lambda world: create(world, basic(more=EVENTS)),
    "disabled": lambda world: create(world, basic(more={"disabled": True})),
    "authenticated anew": authenticated_anew,
    "with a code that was refused": code_refused,
    "adopted by id": adopted,
    "adopted by tag": lambda world: adopted(world, adopt="tag:by-hand"),
    "adopted, to be deleted": lambda world: adopted(world, delete_adopted=True),
    "found after a lost answer": recovered,
    "left by an earlier run": taken_over,
    "refused and left behind": left_behind,
    "changed by the platform": changed_by_the_platform,
    "from a token": from_token,
}


def observed(made: Made, steps: list[list[Any]]) -> dict[str, list[str]]:
    """Return the requests of each operation, each on a world of its own."""
    inputs, id_, outputs = made
    news = inputs | {"tags": [*inputs.get("tags", []), "added"]}
    acts: dict[str, Callable[[ElementInstanceProvider, Bag], Any]] = {
        "refresh": lambda provider, olds: provider.read(id_, olds),
        "update": lambda provider, olds: provider.update(id_, olds, dict(news)),
        "destroy": lambda provider, olds: provider.delete(id_, olds),
    }
    found = {}
    for name, act in acts.items():
        with World() as world:
            world.replay(steps)
            olds = world.own(plain(outputs))
            _, found[name] = world.observe(partial(act, world.provider(), olds))
    return found


def main() -> int:
    """Print every scenario as JSON."""
    entries = []
    for name, scenario in SCENARIOS.items():
        with World() as world:
            made = scenario(world)
            steps = world.steps
        inputs, id_, outputs = made
        entry = {"name": name, "inputs": inputs, "id": id_, "outputs": plain(outputs)}
        entries.append(entry | {"steps": steps, "requests": observed(made, steps)})
    json.dump(entries, sys.stdout, indent=1, sort_keys=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
