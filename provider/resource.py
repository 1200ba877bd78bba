"""`ElementInstance`: what a Pulumi program declares."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, cast
from weakref import WeakKeyDictionary

import pulumi
from pulumi.dynamic import Resource

from .api.errors import did_you_mean
from .config import NAMESPACE
from .instance.markers import MARKERS, markers
from .lifecycle import ElementInstanceProvider
from .namesake import namesake
from .program import spare
from .shards import SHARD, ShardsError, own
from .stack_file import project_file
from .trace import traced_to_the_program

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator, Sequence

    from .shards import Shard

_OUTPUTS = (
    "tags",
    "configuration",
    "instance_id",
    "element_token",
    "element_name",
    "valid",
    "disabled",
)
_claims: WeakKeyDictionary[object, dict[str, set[int]]] = WeakKeyDictionary()
"""For each run of a program (the Automation API has several in one process, and each has its own
root resource): logical names in aliases, and the resources that gave them up. Whoever else has such
a name now is another resource, and gets other markers."""


class Events(TypedDict, total=False):
    """How events are learned of and told; see `provider.instance.events.Events` for the defaults.

    It is a plain map, so that `{"by": "polling", "to": …}` is one as well.
    """

    enabled: pulumi.Input[bool]
    """Whether events are told; `True` when not given."""
    by: pulumi.Input[str]
    """`polling` or `webhook`; the element's own way when not given."""
    to: pulumi.Input[str]
    """Secret. Https address of your application that events are sent to."""
    every: pulumi.Input[int]
    """Minutes between two polls; the element's own default when not given."""
    signature_key: pulumi.Input[str]
    """Secret. Key by which each event is signed."""
    poller_configuration: pulumi.Input[Mapping[str, Any]]
    """What is polled, by resource."""
    notification_type: pulumi.Input[str]
    """How events are told: `webhook` is all there is."""


class ElementInstance(Resource, module="cloud-elements", name="ElementInstance"):
    """One authenticated connection to a customer's SaaS account.

    Args:
        resource_name: Logical name of the resource.
        element_key: Element key, such as `onedrivebusiness`. Changing it replaces the instance.
        name: Name of the instance; the logical name when not given.
        code: Authorization code of the consent step. Needed to create an OAuth 2 instance, may be
            removed afterwards; a new one authenticates the same instance anew.
        configuration: Configuration by its dotted keys; any JSON values.
        events: How events are learned of and told, in place of `event.*` in the configuration.
        filter_response_nulls: Whether fields that are null are left out of answers, in place of
            `filter.response.nulls` in the configuration.
        tags: Tags, in any order.
        provider_data: What else the consent step gave: `realmId`, or for OAuth 1 `oauth_token`,
            `oauth_verifier` and `secret`.
        external_authentication: `initial` creates from `oauth.user.refresh_token`, without a code.
        oauth_proxy: Name of the platform's OAuth proxy that holds the application's key, secret and
            callback URL.
        disabled: Whether the instance is disabled. When not given it is left alone, except that
            a new code enables it.
        adopt: Take over an existing instance: its id, `tag:<tag>` or `name:<name>`.
            `ResourceOptions(import_=…)` means the same.
        delete_adopted: Whether an adopted instance is deleted with its resource.
        opts: Resource options.
    """

    if TYPE_CHECKING:  # the SDK would read them anew for every resource, and has no use for them
        element_key: pulumi.Output[str]
        """Element key."""
        name: pulumi.Output[str]
        """Name of the instance."""
        tags: pulumi.Output[list[str] | None]
        """Tags of the instance, without those that the provider adds."""
        configuration: pulumi.Output[dict[str, Any]]
        """Secret. What the platform holds, as text, without what it rewrites by itself.

        Like the token it is not known until a create or an update is done.
        """
        instance_id: pulumi.Output[str]
        """Id of the instance."""
        element_token: pulumi.Output[str]
        """Secret. The token that calls to the customer's account carry."""
        element_name: pulumi.Output[str]
        """Readable name of the element."""
        valid: pulumi.Output[bool | None]
        """What the platform says of its credentials."""
        disabled: pulumi.Output[bool]
        """Whether calls through the instance are refused."""

    def __init__(
        self,
        resource_name: str,
        element_key: pulumi.Input[str],
        *,
        name: pulumi.Input[str] | None = None,
        code: pulumi.Input[str] | None = None,
        configuration: pulumi.Input[Mapping[str, Any]] | None = None,
        events: pulumi.Input[Events] | None = None,
        filter_response_nulls: pulumi.Input[bool] | None = None,
        tags: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        provider_data: pulumi.Input[Mapping[str, Any]] | None = None,
        external_authentication: pulumi.Input[str] | None = None,
        oauth_proxy: pulumi.Input[str] | None = None,
        disabled: pulumi.Input[bool] | None = None,
        adopt: pulumi.Input[str] | None = None,
        delete_adopted: pulumi.Input[bool] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        _refuse_hidden(Path.cwd())
        opts = copy.copy(opts or pulumi.ResourceOptions())
        if opts.import_ is not None:  # the engine can't import dynamic resources
            adopt, opts.import_ = adopt or str(opts.import_), None
        inputs: dict[str, Any] = {
            "element_key": element_key,
            "name": resource_name if name is None else name,
            "code": None if code is None else pulumi.Output.secret(code),
            "configuration": configuration,
            "events": events,
            "filter_response_nulls": filter_response_nulls,
            "tags": tags,
            "provider_data": None if provider_data is None else pulumi.Output.secret(provider_data),
            "external_authentication": external_authentication,
            "oauth_proxy": oauth_proxy,
            "disabled": disabled,
            "adopt": adopt,
            "delete_adopted": delete_adopted,
            MARKERS: _marker_tags(self, resource_name, opts),
        }
        self._announce(resource_name, inputs, opts)

    def _announce(self, name: str, inputs: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        secret = ("element_token", "configuration")
        opts.additional_secret_outputs = [*(opts.additional_secret_outputs or ()), *secret]
        # Outputs must be announced, or they are no attributes.
        given = {key: value for key, value in inputs.items() if value is not None}
        with traced_to_the_program():
            announced = dict.fromkeys(_OUTPUTS) | given
            super().__init__(ElementInstanceProvider(), name, announced, opts)
        spare()
        # The provider marks them, but is not asked where a create is skipped (--target).
        self.configuration = _secret(self.configuration, _once_made(self))
        self.element_token = _secret(self.element_token, self.element_token)
        for remark in _misaddressed(inputs, opts):
            pulumi.log.warn(remark, self)
        for field in ("configuration", "events"):
            for key in [key for key, value in _map(inputs[field]).items() if value is None]:
                pulumi.log.info(f"{field}.{key}: is null, so it counts as not given", self)


def _once_made(resource: ElementInstance) -> pulumi.Output[Any]:
    """Return what is known as soon as its configuration is.

    In a preview that is when a create or an update is done, as its id: the engine takes the inputs
    for the configuration there, and a saved plan would hold us to them.
    """
    return resource.instance_id if pulumi.runtime.is_dry_run() else resource.configuration


def _secret(output: pulumi.Output[Any], known: pulumi.Output[Any]) -> pulumi.Output[Any]:
    """Return an output as a secret one.

    `Output.secret` looks for outputs inside, and makes two for each key of a map; there are none in
    what the engine told.

    Args:
        output: The output.
        known: What is known as soon as it is.
    """
    value = cast("Awaitable[Any]", output.future(with_unknowns=True))
    return pulumi.Output(output.resources(), value, known.is_known(), _yes())


async def _yes() -> bool:
    return True


def _refuse_hidden(folder: Path) -> None:
    if hidden := _hidden_in(folder):
        raise pulumi.RunError(hidden)


@cache
def _hidden_in(folder: Path) -> str | None:
    """Tell what hides this package from the server that will run the provider in a folder."""
    return namesake(folder) if project_file(folder) else None


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


_PATH = re.compile(r"""[^.\[]+(\.[^.\[]+|\.?\[("(\\"|[^"])+"|\d+|\*)\])*""")
"""What Pulumi takes for a path; another one it passes over in silence."""


def _misaddressed(inputs: dict[str, Any], opts: pulumi.ResourceOptions) -> Iterator[str]:
    """Yield which paths of the options lead nowhere."""
    names = ["*", *inputs, *_OUTPUTS]
    for option in ("ignore_changes", "replace_on_changes"):
        for path in getattr(opts, option) or ():
            field = re.split(r"[.\[]", path)[0]
            if field not in names:
                yield f"{option}: '{path}' names nothing{did_you_mean(field, names)}"
            elif not _PATH.fullmatch(path) or _is_split(path, _map(inputs.get(field))):
                key = re.sub(r"""['"\[\]]""", "", path[len(field) :]).removeprefix(".")
                yield f"""{option}: '{path}' names nothing; write '{field}["{key}"]'"""


def _is_split(path: str, given: Mapping[str, Any]) -> bool:
    """Tell whether the dots of a configuration key lead into maps that are not there."""
    dotted = re.match(r"configuration\.([^.\[]+)\.", path)
    return dotted is not None and dotted[1] not in given


def own_shard() -> Shard | None:
    """Return the shard that this run is for; None of a stack that has no shards.

    Raises:
        pulumi.RunError: The stack's shards are not to be run like this.
    """
    text = pulumi.Config(NAMESPACE).get("shards")
    try:
        return own(pulumi.get_stack(), text, os.environ.get(SHARD))
    except ShardsError as error:
        raise pulumi.RunError(str(error)) from None


def belongs_here(name: str) -> bool:
    """Tell whether a name belongs to the shard that this stack is; any does where there are none.

    A program of its own that runs over `cloud-elements:shards` asks it for each resource without
    parents, and declares it only then; children go where their topmost parent goes.

    Args:
        name: Logical name of the resource.
    """
    shard = own_shard()
    return shard is None or shard.has(name)


def _marker_tags(
    resource: ElementInstance, resource_name: str, opts: pulumi.ResourceOptions
) -> pulumi.Output[list[str]]:
    """Return the resource's marker tags, see `provider.instance.markers`.

    Evaluated when the program has run, so that every alias is known by then.
    """
    shard = own_shard()
    if shard and not opts.parent and not shard.has(resource_name):
        raise pulumi.RunError(shard.stray(resource_name))
    stack = shard.base if shard else pulumi.get_stack()
    claims = _claims.setdefault(pulumi.runtime.get_root_resource() or ElementInstance, {})
    for alias in opts.aliases or []:
        claims.setdefault(_old_name(alias, resource_name), set()).add(id(resource))
    owner = pulumi.Config(NAMESPACE).get("owner") or ""

    async def tags() -> list[str]:
        # The URN's third part lists the types of all parents; with the name it is unique.
        urn = await opts.parent.urn.future() if opts.parent else None
        place = f"{urn.split('::')[2]}${resource_name}" if urn else resource_name
        if claims.get(resource_name, set()) - {id(resource)}:
            place += " again"
        return markers(
            organization=f"{pulumi.get_organization()}/{owner}",
            project=pulumi.get_project(),
            stack=stack,
            place=place,
        ).tags

    return pulumi.Output.from_input(None).apply(lambda _: tags())


def _old_name(alias: pulumi.Input[str | pulumi.Alias], name: str) -> str:
    """Return the logical name that an alias gives up; the current one where it says nothing."""
    if isinstance(alias, str):
        return alias.rpartition("::")[2]
    old = getattr(alias, "name", None)
    return old if isinstance(old, str) else name
