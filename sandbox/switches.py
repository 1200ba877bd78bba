"""Switches: every choice the platform's documentation leaves open, in one table.

The table is the only place that knows a switch's values and default; the documentation is
generated from it. It knows nothing of requests or storage.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

UNKNOWN, DISPUTED, TOOL = "unknown", "disputed", "tool"


@dataclass(frozen=True, slots=True)
class Switch:
    """One open question about the platform and the answers the sandbox can give."""

    name: str
    values: tuple[str, ...]
    """Allowed values; empty for a number that is not negative."""
    default: str
    sentence: str
    standing: str = UNKNOWN
    """Why it is a switch: nobody outside knows, the sources disagree, or tests need it."""

    def check(self, value: object) -> str:
        """Return the value as text, or raise ValueError with the allowed values."""
        text = {True: "on", False: "off"}.get(value, "") if isinstance(value, bool) else str(value)
        if self.values:
            if text in self.values:
                return text
            msg = f"switch {self.name} takes {' | '.join(self.values)}, not {text!r}"
            raise ValueError(msg)
        try:
            number = float(text)
        except ValueError:
            number = -1.0
        if not 0 <= number < float("inf"):
            msg = f"switch {self.name} takes a number that is not negative, not {text!r}"
            raise ValueError(msg)
        return text


_ON_OFF = ("on", "off")
_NUMBER: tuple[str, ...] = ()


def _group(subject: str, *switches: Switch) -> tuple[str, tuple[Switch, ...]]:
    return subject, switches


GROUPS: tuple[tuple[str, tuple[Switch, ...]], ...] = (
    _group(
        "Refusals",
        Switch(
            "missing_configuration",
            ("keys", "names", "first"),
            "keys",
            "What the message about missing required configuration lists: all keys, all display "
            "names, or only the first key.",
        ),
        Switch(
            "missing_configuration_status",
            ("400", "500"),
            "400",
            "Answer when required configuration is missing.",
        ),
        Switch(
            "bad_code_status",
            ("400", "401", "500", "200"),
            "400",
            "Answer to a spent, expired, foreign or made-up code; 200 makes an instance anyway.",
        ),
        Switch(
            "used_code_status",
            ("as_bad", "400", "401", "500"),
            "as_bad",
            "Answer to a code that was used before, if it is not that of `bad_code_status`.",
        ),
        Switch(
            "expired_code_status",
            ("as_bad", "400", "401", "500"),
            "as_bad",
            "Answer to a code that is expired, if it is not that of `bad_code_status`.",
        ),
        Switch(
            "bad_credentials_status",
            ("401", "400", "500", "200"),
            "401",
            "Answer when the vendor refuses the password; 200 makes an instance anyway.",
            DISPUTED,
        ),
        Switch(
            "valid_when_refused",
            ("false", "true"),
            "false",
            "What `valid` says of an instance made although the vendor refused.",
            TOOL,
        ),
        Switch(
            "provider_message",
            ("on", "nested", "off"),
            "on",
            "Whether a refusal by the vendor carries `providerMessage`, and whether that stands "
            "beside the message or deeper, in an `error`.",
        ),
        Switch(
            "failed_create_leaves",
            ("none", "invalid", "disabled"),
            "none",
            "Whether a create that the vendor refused leaves an instance, and in what state.",
        ),
        Switch(
            "unknown_element_status",
            ("404", "400"),
            "404",
            "Answer when the element key or id is unknown.",
        ),
        Switch(
            "unknown_instance_status",
            ("404", "400", "401", "403"),
            "404",
            "Answer to GET, PUT and PATCH of an instance id that does not exist.",
        ),
        Switch(
            "non_integer_id_status",
            ("404", "400", "500"),
            "404",
            "Answer when an instance id is not an integer.",
        ),
        Switch(
            "second_delete_status",
            ("404", "200", "400", "401", "403", "409", "410"),
            "404",
            "Answer to DELETE of an instance that is already gone.",
        ),
        Switch(
            "delete_in_use_status",
            ("409", "400"),
            "409",
            "Answer to DELETE of an instance that a formula instance uses, or that is marked so.",
        ),
        Switch(
            "delete_in_use_message",
            ("cause", "plain"),
            "cause",
            "Whether that answer names what uses the instance, or only says Conflict.",
        ),
        Switch(
            "delete_with_element",
            ("misroute", "delete"),
            "misroute",
            "What DELETE of an id does when the header also names an element token: goes to the "
            "vendor's own resource (seen in 2018), or deletes.",
            DISPUTED,
        ),
        Switch(
            "empty_list_status",
            ("404", "200"),
            "404",
            "Answer to a list of the platform without members: 404 with a message, or 200 with "
            "`[]`.",
            DISPUTED,
        ),
        Switch(
            "ping_failure",
            ("status", "valid"),
            "status",
            "What `/ping` with all three parts of the header says of an instance that does not "
            "work: an error (2018), or 200 with `valid: false` (2022).",
            DISPUTED,
        ),
        Switch(
            "content_type",
            ("any", "json"),
            "any",
            "Whether a body needs `Content-Type: application/json`; others then get 415.",
        ),
        Switch(
            "quiet_answer",
            ("none", "object"),
            "none",
            "Body of a successful DELETE or enable/disable: none, or `{}`.",
        ),
        Switch(
            "rate_limit",
            _NUMBER,
            "0",
            "Requests answered in one second of the clock before 429; 0 means no limit.",
        ),
        Switch(
            "rate_limit_retry_after",
            ("seconds", "date", "none"),
            "seconds",
            "How such a 429 says when to come back: a number, an HTTP date, or not at all.",
        ),
    ),
    _group(
        "Changing an instance",
        Switch(
            "masked_value",
            ("keep", "keep_secrets", "store"),
            "keep",
            "Whether `********` in PUT or PATCH means unchanged: for every key, only for keys that "
            "answers mask, or never (it is stored as it stands).",
        ),
        Switch(
            "null_value",
            ("store", "reset", "ignore"),
            "store",
            "What null in `configuration` does: is stored, puts the default back, or nothing.",
        ),
        Switch(
            "empty_value",
            ("store", "reset", "ignore"),
            "store",
            'What "" in `configuration` does: is stored, puts the default back, or nothing.',
        ),
        Switch(
            "put_configuration",
            ("merge", "reset"),
            "merge",
            "Whether keys missing in the `configuration` of a PUT stay, or go back to defaults.",
        ),
        Switch(
            "credential_change",
            ("trust", "check"),
            "trust",
            "Whether changed passwords and secrets are tried with the vendor before they are kept.",
        ),
        Switch(
            "reauthenticate_default",
            _ON_OFF,
            "off",
            "Whether a PUT without `reAuthenticate` and without a code asks an OAuth element for "
            "one.",
        ),
        Switch(
            "reauthenticate_without_oauth",
            ("ignored", "check"),
            "ignored",
            "What `reAuthenticate=true` does for an element without OAuth: nothing, or try its "
            "credentials with the vendor.",
        ),
        Switch(
            "patch_reauthenticates",
            ("on", "off", "nothing", "400", "404", "405", "415", "501"),
            "on",
            "Whether a code in PATCH re-authenticates; off ignores it unspent, nothing ignores the "
            "whole request, and a number refuses it.",
        ),
        Switch(
            "refresh_token_change",
            ("exchanged", "stored"),
            "exchanged",
            "Whether a changed refresh token is exchanged at once, as a code is, or only kept.",
        ),
        Switch(
            "token_on_reauthentication",
            ("keep", "rotate"),
            "keep",
            "Whether re-authentication gives the instance another token.",
        ),
        Switch(
            "user_tokens_on_reauthentication",
            ("new", "same"),
            "new",
            "Whether the vendor gives other tokens for a new code, or those it gave before.",
        ),
        Switch(
            "reauthenticate_disabled",
            ("allowed", "refused"),
            "allowed",
            "Whether a disabled instance can be re-authenticated.",
        ),
        Switch(
            "reauthentication_enables",
            _ON_OFF,
            "off",
            "Whether re-authentication enables a disabled instance.",
        ),
        Switch(
            "reauthenticate_other_user",
            ("allowed", "refused"),
            "allowed",
            "Whether re-authentication may change the `realmId`.",
        ),
        Switch(
            "failed_reauthentication",
            ("keep", "invalid"),
            "keep",
            "Whether `valid` stays or becomes false when re-authentication is refused.",
        ),
    ),
    _group(
        "What answers show",
        Switch(
            "configuration_place",
            ("top", "element", "empty"),
            "top",
            "Where the configuration stands in an instance: at the top, inside `element` together "
            "with the flags (old documentation), or nowhere (`{}`).",
            DISPUTED,
        ),
        Switch(
            "masking",
            ("masked", "clear"),
            "masked",
            "Whether PASSWORD values and the OAuth key and secret come back as `********`.",
            DISPUTED,
        ),
        Switch(
            "mask_user_tokens",
            _ON_OFF,
            "off",
            "Whether `oauth.user.*` tokens come back masked.",
        ),
        Switch(
            "mask_named_secrets",
            _ON_OFF,
            "off",
            "Whether text fields whose key ends in password, secret, token or key are masked too.",
        ),
        Switch(
            "mask_entries",
            _ON_OFF,
            "on",
            "Whether PASSWORD values are masked under `/configuration` as well.",
        ),
        Switch(
            "provider_data_echo",
            _ON_OFF,
            "off",
            "Whether `providerData` comes back in the answer that received it.",
            DISPUTED,
        ),
        Switch(
            "external_authentication",
            ("kept", "none"),
            "kept",
            'Whether `externalAuthentication` still says "initial" later on.',
        ),
        Switch(
            "valid_on_get",
            ("stored", "false"),
            "stored",
            "Whether GET shows `valid` as the create said, or false.",
            DISPUTED,
        ),
        Switch(
            "deleted_instances",
            ("shown", "gone"),
            "shown",
            "Whether GET with `includeDeleted=true` still shows a deleted instance (2019), or its "
            "row is gone for good (guide).",
            DISPUTED,
        ),
        Switch(
            "unknown_configuration",
            ("keep", "drop", "refuse"),
            "keep",
            "What happens to configuration keys the element does not list.",
        ),
        Switch(
            "trim_values",
            ("off", "spaces", "urls"),
            "off",
            "Whether values lose outer spaces, or also the last slash of an address.",
        ),
        Switch(
            "webhook_spelling",
            ("kept", "own", "refuse"),
            "kept",
            "What happens to `event.vendor.type` in the spelling that is not the element's own: "
            "`webhook` and `webhooks` are both documented.",
            DISPUTED,
        ),
    ),
    _group(
        "Lists",
        Switch("list_page_size", _NUMBER, "200", "Instances in a page when `pageSize` is absent."),
        Switch("list_page_max", _NUMBER, "200", "Largest page; a larger `pageSize` only warns."),
        Switch(
            "list_order",
            ("created", "newest", "name"),
            "created",
            "Order of a list of instances.",
        ),
        Switch(
            "list_delay_requests",
            _NUMBER,
            "0",
            "List requests during which a new instance is still missing from lists.",
        ),
        Switch(
            "list_delay_seconds",
            _NUMBER,
            "0",
            "Seconds during which a new instance is still missing from lists.",
        ),
        Switch("tags_filter", ("and", "or"), "and", "How several `tags[]` combine."),
        Switch("tags_filter_case", ("exact", "ignore"), "exact", "How `tags[]` compares letters."),
        Switch(
            "hydrate_default",
            _ON_OFF,
            "on",
            "Whether list items are complete when `hydrate` is absent.",
        ),
        Switch(
            "light_tags",
            _ON_OFF,
            "on",
            "Whether light list items (`hydrate=false`, without configuration) still carry tags.",
        ),
    ),
    _group(
        "Names and tags",
        Switch(
            "empty_tags_at_create",
            ("none", "default"),
            "none",
            "Whether `tags: []` in a create means no tags, or the default tag.",
        ),
        Switch(
            "default_tag_always",
            _ON_OFF,
            "off",
            "Whether the name is added as a tag although other tags were sent.",
        ),
        Switch(
            "rename_changes_tag",
            _ON_OFF,
            "off",
            "Whether a rename also renames the tag that equals the old name.",
        ),
        Switch(
            "duplicate_tags",
            ("keep", "merge", "refuse"),
            "keep",
            "What happens to a tag that is sent twice.",
        ),
        Switch("tag_order", ("kept", "sorted"), "kept", "Order in which tags come back."),
        Switch("tag_case", ("kept", "lower"), "kept", "Letters in which tags come back."),
        Switch(
            "tag_objects",
            _ON_OFF,
            "off",
            "Whether the answer to a create shows tags as `{id, name}` (one old page).",
            DISPUTED,
        ),
        Switch("name_limit", _NUMBER, "0", "Longest name in characters; 0 means no limit."),
        Switch("tag_limit", _NUMBER, "0", "Longest tag in characters; 0 means no limit."),
        Switch(
            "allowed_characters",
            ("all", "bmp", "ascii"),
            "all",
            "Characters of names and tags: all, Unicode's first 65536 (no emoji), or ASCII.",
        ),
        Switch(
            "over_limit",
            ("refuse", "cut"),
            "refuse",
            "What happens to a name or tag with more, or others, than that.",
        ),
    ),
    _group(
        "Platform",
        Switch(
            "elements_authorization",
            ("required", "open"),
            "required",
            "Whether `/elements…` (and with it `oauth/url`) needs the Authorization header.",
            DISPUTED,
        ),
        Switch(
            "webhook_signature",
            ("sha256", "sha1"),
            "sha256",
            "Hash of `Elements-Webhook-Signature` in callbacks of events; SHA-1 is the older one.",
            DISPUTED,
        ),
        Switch(
            "token_refresh",
            ("works", "fails"),
            "works",
            "Whether the vendor renews the token of an OAuth 2 instance that is called; a failure "
            "answers 401, and the fifth disables the instance (help centre).",
            TOOL,
        ),
        Switch(
            "post_oauth_url",
            ("offered", "missing"),
            "offered",
            "Whether POST `oauth/url` exists; missing answers 405.",
        ),
        Switch(
            "post_oauth_url_fields",
            ("accepted", "ignored", "refused"),
            "accepted",
            "What comes of a field in the body of that POST beside the nine documented ones, such "
            "as `subdomain` or `authentication.type`.",
        ),
        Switch(
            "post_oauth_url_query",
            ("counts", "ignored"),
            "counts",
            "Whether the query of that POST counts as well, as that of a GET does.",
        ),
        Switch("latency", _NUMBER, "0", "Seconds every platform request waits first.", TOOL),
        Switch(
            "create_seconds",
            _NUMBER,
            "0",
            "Further seconds a create waits, as for the vendor (9 to 26 were seen).",
            TOOL,
        ),
        Switch(
            "consent",
            ("page", "allow", "deny"),
            "page",
            "Whether the consent page asks, or answers by itself.",
            TOOL,
        ),
        Switch(
            "code_seconds", _NUMBER, "600", "Seconds until an authorization code expires.", TOOL
        ),
        Switch(
            "code_binding",
            ("application", "none"),
            "application",
            "Whether a code only works with the key and callback address it was asked for with "
            "(RFC 6749, 4.1.3).",
            TOOL,
        ),
    ),
)

TABLE: dict[str, Switch] = {switch.name: switch for _, group in GROUPS for switch in group}


class Switches:
    """The positions of all switches; unknown names and values raise ValueError."""

    def __init__(self, positions: Mapping[str, object] | None = None) -> None:
        self._positions = {name: switch.default for name, switch in TABLE.items()}
        for name, value in (positions or {}).items():
            self.set(name, value)

    def set(self, name: str, value: object) -> None:
        """Put one switch into a position."""
        if name not in TABLE:
            close = difflib.get_close_matches(str(name), TABLE, n=3)
            hint = f"; did you mean {' or '.join(close)}?" if close else ""
            msg = f"no switch is called {name!r}{hint}"
            raise ValueError(msg)
        self._positions[name] = TABLE[name].check(value)

    def positions(self) -> dict[str, object]:
        """Return every switch with its position."""
        return dict(self._positions)

    def text(self, name: str) -> str:
        """Return the position of a switch that has named values."""
        return self._positions[name]

    def on(self, name: str) -> bool:
        """Return whether an on/off switch is on."""
        return self._positions[name] == "on"

    def number(self, name: str) -> float:
        """Return the position of a switch that holds a number."""
        return float(self._positions[name])
