"""Authenticating an instance anew: what proves that it came about, and what is sent where not.

docs: that PATCH takes a code rests on one of the vendor's own tests (2016-06). The vendor's help
page and every public client send the whole instance by PUT (2017-2020). So PATCH comes first, which
can lose nothing, and PUT where a platform certainly does not authenticate by PATCH: a code is not
sent a second time once it reached the vendor. Knows no HTTP and no Pulumi.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..api import wire
from ..api.errors import APIError, StrangerError
from ..api.redaction import MASK, is_platform_written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..api.errors import CloudElementsError

_NO_SUCH_METHOD = frozenset({405, 501})
"""Whoever says it, the platform or what stands before it: nobody looked at the body."""
_NO_SUCH_REQUEST = frozenset({400, 404, 415})
"""Only in the platform's own words, and without the vendor's."""
_ABOUT_THE_CODE = re.compile(
    r"invalid_grant|expired|(already|been|was) (used|redeemed)", re.IGNORECASE
)
"""Of a vendor that is passed on without `providerMessage`."""
_TOKEN, _REFRESH_TOKEN = "oauth.user.token", "oauth.user.refresh_token"
_REFRESH_TIME = "oauth.user.refresh_time"


def refused_as_such(error: CloudElementsError) -> bool:
    """Tell whether a request was refused for what it is, before a code in it reached the vendor."""
    if not isinstance(error, APIError) or error.provider_message is not None:
        return False
    if is_no_such_method(error):
        return True
    ours = error.status in _NO_SUCH_REQUEST and not isinstance(error, StrangerError)
    return ours and _ABOUT_THE_CODE.search(error.message) is None


def is_no_such_method(error: CloudElementsError) -> bool:
    """Tell whether nobody takes such a request, whatever is in it."""
    return isinstance(error, APIError) and error.status in _NO_SUCH_METHOD


def took_effect(
    before: wire.Instance, after: wire.Instance, sent: Mapping[str, Any]
) -> bool | None:
    """Tell whether a request with provider data authenticated the instance; None: nobody knows.

    Its tags do not tell: a platform may set them and ignore the provider data. What the platform
    writes by itself does: another token of the user, or time of the next refresh. The same ones
    prove the contrary, except a token alone: a vendor may give the same one again, as long as it
    does not expire. So does a name or tags that were to change, when nothing of them did.
    """
    old, new = _written(before, sent), _written(after, sent)
    if (before.token and after.token not in (None, before.token)) or any(
        old.get(key) != value for key, value in new.items()
    ):
        return True
    both = old.keys() & new.keys()
    if _REFRESH_TIME in both or {_TOKEN, _REFRESH_TOKEN} <= both:
        return False
    return False if _untouched(before, after, sent) else None


def _untouched(before: wire.Instance, after: wire.Instance, sent: Mapping[str, Any]) -> bool:
    """Tell whether a request that was to change name or tags certainly wrote nothing.

    A platform may cut what it takes, and add the name as a tag by itself.
    """
    carried = set(before.tags or [])
    if set(after.tags or []) != carried or after.name != before.name:
        return False
    tags = sent.get("tags", carried)
    kept = any(not any(_begins(tag, former) for tag in tags) for former in carried - {before.name})
    return kept or not _begins(sent.get("name") or before.name or "", before.name or "")


def _begins(text: str, beginning: str) -> bool:
    return text.casefold().startswith(beginning.casefold())


def shows_the_same_token(before: wire.Instance, after: wire.Instance) -> bool:
    """Tell whether the user's token is told, and the same as before."""
    old, new = _written(before, {}), _written(after, {})
    return _TOKEN in old and old[_TOKEN] == new.get(_TOKEN)


def _written(instance: wire.Instance, sent: Mapping[str, Any]) -> dict[str, str]:
    """Return what the platform itself wrote into the configuration, as far as it is told."""
    ours = sent.get("configuration") or {}
    return {
        key: value
        for key, value in (instance.held or {}).items()
        if is_platform_written(key) and value and value != MASK and key not in ours
    }


def as_put(
    patch: Mapping[str, Any],
    held: wire.Instance,
    *,
    element_key: str,
    name: str,
    configuration: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the PUT that does what a PATCH was to do.

    docs: the whole instance as GET tells it, without the user's tokens, and with the new code (help
    page on re-authentication by API). What is masked is left out, for the mask would be taken for
    the value; what the program gives goes before what is told.

    Args:
        patch: The body of the PATCH.
        held: The instance as it is told now.
        element_key: Its element.
        name: Its name, as the program gives it.
        configuration: All that the program gives, but for what can be spent once.
    """
    shown = {
        key: value
        for key, value in (held.held or {}).items()
        if value and MASK not in value and not is_platform_written(key)
    }
    return wire.instance_request(
        element_key=element_key,
        name=name,
        tags=patch.get("tags", held.tags),
        configuration=shown | dict(configuration) | (patch.get("configuration") or {}),
        provider_data=patch.get("providerData"),
    )
