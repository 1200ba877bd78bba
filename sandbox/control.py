"""Control: what a test may do behind the API's back, from Python or over HTTP.

Every method holds the tenant's lock, so that it may be called from any thread.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from . import routes
from .configuration import as_text
from .faults import new_fault
from .oauth import mint_unasked, provider_data
from .values import is_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .elements import Element
    from .faults import Fault
    from .store import Code, Instance
    from .tenant import Tenant


_KINDS: dict[str, tuple[type, str]] = {
    "name": (str, "text"),
    "tags": (list, "a list of texts"),
    "configuration": (dict, "an object"),
    "disabled": (bool, "true or false"),
    "valid": (bool, "true or false"),
    "in_use": (bool, "true or false"),
}
"""What an instance may be given behind the provider's back."""


class Control:
    """The control interface of one sandbox."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def new_code(self, element_key: str, **extras: str) -> str:
        """Return a valid one-time code without asking anybody.

        It is bound to no application. Extras such as `realmId` are what the callback would have
        carried besides the code; what the element needs is made up unless given. The extra
        `authentication.type` chooses between OAuth 2 and 1, as it does for `oauth/url`.
        """
        return self._mint(element_key, extras).code

    def new_provider_data(self, element_key: str, **extras: str) -> dict[str, str]:
        """Return a whole valid `providerData`: code and extras, or the three parts of OAuth 1."""
        return provider_data(self._mint(element_key, extras))

    def _mint(self, element_key: str, extras: Mapping[str, str]) -> Code:
        with self._tenant.lock:
            return mint_unasked(self._tenant, self._element(element_key), extras)

    def _element(self, element_key: str) -> Element:
        named = isinstance(element_key, str)
        element = self._tenant.elements.find(element_key) if named else None
        if element is None:
            msg = f"no element is called {element_key!r}"
            raise KeyError(msg)
        return element

    def instances(self) -> list[dict[str, Any]]:
        """Return every living instance as stored, tokens and secrets included."""
        with self._tenant.lock:
            return [asdict(instance) for instance in self._tenant.store.all_instances()]

    def _instance(self, instance_id: int) -> Instance:
        instance = self._tenant.store.instance(instance_id if is_number(str(instance_id)) else 0)
        if instance is None:
            msg = f"no instance has the id {instance_id}"
            raise KeyError(msg)
        return instance

    def update_instance(
        self,
        instance_id: int,
        *,
        name: str | None = None,
        tags: list[str] | None = None,
        configuration: dict[str, Any] | None = None,
        disabled: bool | None = None,
        valid: bool | None = None,
        in_use: bool | None = None,
    ) -> None:
        """Change an instance behind the provider's back; `in_use` makes DELETE answer 409.

        Configuration values are put in as they are; None makes a value null.
        """
        given = {"name": name, "disabled": disabled, "valid": valid, "in_use": in_use}
        for field, value in (given | {"tags": tags, "configuration": configuration}).items():
            kind, words = _KINDS[field]
            of_texts = field != "tags" or all(isinstance(tag, str) for tag in tags or [])
            if value is not None and not (isinstance(value, kind) and of_texts):
                msg = f"{field} is {words}"
                raise TypeError(msg)
        with self._tenant.lock:
            instance = self._instance(instance_id)
            for field, value in given.items():
                if value is not None:
                    setattr(instance, field, value)
            if tags is not None:
                instance.tags = list(tags)
            instance.configuration |= {k: as_text(v) for k, v in (configuration or {}).items()}
            self._tenant.store.save_instance(instance)

    def delete_instance(self, instance_id: int) -> None:
        """Delete an instance behind the provider's back."""
        with self._tenant.lock:
            self._tenant.store.delete_instance(self._instance(instance_id))

    def journal(self) -> list[dict[str, Any]]:
        """Return every platform request since the start or the last reset, in order of arrival."""
        with self._tenant.lock:
            return self._tenant.journal.entries()

    def counters(self) -> dict[str, int]:
        """Return how many creates, doubles, deletes, and codes minted, spent, replayed, resent."""
        with self._tenant.lock:
            resent = {"codes_resent": self._tenant.journal.codes_resent()}
            return self._tenant.store.counters() | resent

    def switches(self) -> dict[str, object]:
        """Return every switch with its position."""
        with self._tenant.lock:
            return self._tenant.switches.positions()

    def set_switch(self, name: str, value: object) -> None:
        """Put a switch into a position; ValueError for unknown names and values."""
        with self._tenant.lock:
            self._tenant.switches.set(name, value)

    def add_fault(
        self,
        kind: str,
        *,
        method: str | None = None,
        path: str | None = None,
        times: int | None = 1,
        after: int = 0,
        probability: float | None = None,
        **parameters: object,
    ) -> int:
        """Let a fault wait for requests that match method and path; return its number.

        `path` is a template such as `/instances/{id}`, or one path such as `/instances/427001`.
        It skips the first `after` matching requests and then meets `times` of them (None: all),
        each with the given probability.
        """
        fault = new_fault(
            kind,
            method=method,
            path=path,
            times=times,
            after=after,
            probability=probability,
            **parameters,
        )
        return self.add(fault)

    def add(self, fault: Fault) -> int:
        """Let a fault that is already checked wait for requests; return its number."""
        path = fault.path
        if path is not None and not routes.is_template(path) and routes.find(path) is None:
            msg = f"no request could have the path {fault.path!r}"
            raise ValueError(msg)
        with self._tenant.lock:
            return self._tenant.faults.add(fault)

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults that can still meet a request."""
        with self._tenant.lock:
            return [asdict(fault) for fault in self._tenant.faults.waiting()]

    def clear_faults(self) -> None:
        """Forget every fault."""
        with self._tenant.lock:
            self._tenant.faults.clear()

    def reset(self) -> None:
        """Forget instances, codes, journal and faults; put switches back to how they started."""
        with self._tenant.lock:
            self._tenant.reset()
