"""The platform's REST API: one named call for each thing that is asked of it.

Knows no Pulumi and no stack. How a request is sent and its answer read: `provider.api.exchange`.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Any

from . import wire
from .errors import NotFoundError
from .exchange import Exchange
from .oauth import OAuth
from .request import Request
from .retry import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class CloudElementsClient(Exchange):
    """The API of one account; its arguments are those of `Exchange`. May be shared by threads."""

    @cached_property
    def oauth(self) -> OAuth:
        """What is asked for the consent step."""
        return OAuth(self)

    def create_instance(
        self,
        body: Mapping[str, Any],
        *,
        one_time: bool,
        objection: Callable[[wire.Instance], str | None] = lambda _: None,
    ) -> wire.Instance:
        """Create an element instance.

        Args:
            body: From `wire.instance_request`.
            one_time: The body carries a credential that can be spent once.
            objection: Tells why an answer is not about what was created; nothing when it may be.

        Raises:
            OtherInstanceError: It may have been created, but the answer is about another one.
            NotSentError: It certainly was not created.
            AmbiguousError: It may have been created.
            APIError: The platform refused, or failed after it may have created it (429, 5xx).
        """
        kind = Kind.ONE_TIME if one_time else Kind.CREATE
        return self.ask(
            Request("POST", "/instances", wire.Instance, body=body, kind=kind, objection=objection)
        )

    def get_instance(self, instance_id: str, *, element_key: str | None = None) -> wire.Instance:
        """Return the element instance as the platform sees it now.

        Args:
            instance_id: The instance.
            element_key: Its element, where that is known.

        Raises:
            NotFoundError: It was deleted outside Pulumi.
            OtherInstanceError: The answer is about another one, or of another element.
        """
        return self.ask(_about(instance_id, element_key, "GET"))

    def update_instance(
        self,
        instance_id: str,
        body: Mapping[str, Any],
        *,
        element_key: str | None = None,
        one_time: bool = False,
    ) -> wire.Instance:
        """Change the given parts of an element instance, and return all of it.

        Configuration is merged, tags are replaced (docs: PATCH /instances/{id}, 2020-11). With
        `providerData` it is authenticated anew under the same id.

        Raises:
            OtherInstanceError: The answer is about another one; this one may have changed.
        """
        kind = Kind.ONE_TIME if one_time else Kind.REPEATABLE
        return self.ask(_about(instance_id, element_key, "PATCH", body=body, kind=kind))

    def replace_instance(
        self,
        instance_id: str,
        body: Mapping[str, Any],
        *,
        element_key: str | None = None,
        one_time: bool = False,
    ) -> wire.Instance:
        """Authenticate an element instance anew by all of its parts; return it. The id stays.

        docs: PUT /instances/{id}?reAuthenticate=true with provider data (help page on
        re-authentication by API; public clients send it without the query, 2017-2020).

        Raises:
            OtherInstanceError: The answer is about another one; this one may have changed.
        """
        query = {"reAuthenticate": "true"} if "providerData" in body else {}
        kind = Kind.ONE_TIME if one_time else Kind.REPEATABLE
        return self.ask(_about(instance_id, element_key, "PUT", body=body, kind=kind, query=query))

    def delete_instance(self, instance_id: str) -> None:
        """Delete an element instance and its token; one that is gone already is fine."""
        try:
            self.send(Request("DELETE", "/instances/{id}", parts={"id": instance_id}))
        except NotFoundError:
            return

    def set_enabled(self, instance_id: str, *, enabled: bool) -> None:
        """Enable or disable an element instance (docs: PUT and DELETE …/enabled, 2020-11)."""
        method = "PUT" if enabled else "DELETE"
        self.send(Request(method, "/instances/{id}/enabled", parts={"id": instance_id}))

    def find_instances(
        self, *, tag: str | None = None, search: str | None = None, within: float = math.inf
    ) -> list[wire.Instance]:
        """Return all element instances, or those with a tag, or whose name matches.

        Sends one request for each page of 200; `within` is as for `get_element`, for each of them.
        """
        query = {"tags[]": tag, "searchText": search}
        return self.pages(Request("GET", "/instances", wire.Instance, query=query, within=within))

    def get_element(self, element_key: str, *, within: float = math.inf) -> wire.Element:
        """Return an element's metadata.

        Args:
            element_key: The element.
            within: Seconds for retries, and for one answer, where the settings allow more.

        Raises:
            NotFoundError: The platform has no such element.
        """
        path, parts = "/elements/{keyOrId}", {"keyOrId": element_key}
        return self.ask(Request("GET", path, wire.Element, parts, within=within))

    def find_elements(self, *, within: float = math.inf) -> list[wire.Element]:
        """Return the metadata of every element, abridged where the platform offers it.

        `within` is as for `get_element`, for each page of 200.
        """
        query = {"abridged": "true"}
        return self.pages(Request("GET", "/elements", wire.Element, query=query, within=within))

    def check_credentials(self) -> str | None:
        """Ask for our own organization: the cheapest call that needs both secrets.

        Returns:
            The platform's time, as its `Date` header says it.
        """
        answer = self.send(Request("GET", "/organizations/me", wire.Organization))
        date: str | None = answer.headers.get("date")
        return date


def _about(
    instance_id: str, element_key: str | None, method: str, **rest: Any
) -> Request[wire.Instance]:
    """Return a request about one instance, whose answer may not be about another one."""

    def objection(answer: wire.Instance) -> str | None:
        if answer.id.lstrip("0") != instance_id.lstrip("0"):
            return f"the answer is about instance {answer.id}, not {instance_id}"
        if element_key is not None and not answer.is_of(element_key):
            key = answer.element.key
            return f"instance {instance_id} is said to be of element '{key}', not '{element_key}'"
        return None

    parts = {"id": instance_id}
    return Request(method, "/instances/{id}", wire.Instance, parts, objection=objection, **rest)
