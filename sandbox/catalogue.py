"""The built-in elements: one for each way of authenticating and of receiving events.

Shapes follow the public documentation of the real elements of the same key; texts are our own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .collection import element_from

if TYPE_CHECKING:
    from .elements import Element


def _entry(key: str, name: str, kind: str = "TEXTFIELD_1000", **more: Any) -> dict[str, Any]:
    return {"key": key, "name": name, "type": kind} | more


def _asked(key: str, name: str, kind: str = "TEXTFIELD_128", **more: Any) -> dict[str, Any]:
    return _entry(key, name, kind, required=True, **more)


def _hidden(key: str, name: str, default: str | None = None) -> dict[str, Any]:
    given = {} if default is None else {"defaultValue": default}
    return _entry(key, name, hideFromConsole=True, **given)


def _written_by_the_platform(key: str, name: str) -> dict[str, Any]:
    return _entry(key, name, "TEXTFIELD_64", hideFromConsole=True, internal=True)


def _application() -> list[dict[str, Any]]:
    return [
        _asked("oauth.api.key", "Application key"),
        _asked("oauth.api.secret", "Application secret"),
        _asked("oauth.callback.url", "Callback address", "TEXTFIELD_1000"),
    ]


def _oauth2(authorize: str, token: str, scope: str) -> list[dict[str, Any]]:
    return [
        *_application(),
        _hidden("oauth.authorization.url", "Authorization address", authorize),
        _hidden("oauth.token.url", "Token address", token),
        _entry("oauth.scope", "Scope", defaultValue=scope),
        _written_by_the_platform("oauth.user.token", "Access token"),
        _written_by_the_platform("oauth.user.refresh_token", "Refresh token"),
        _hidden("oauth.user.refresh_interval", "Seconds between refreshes", "3600"),
        _written_by_the_platform("oauth.user.refresh_time", "Time of the next refresh"),
    ]


def _shared(base_url: str) -> list[dict[str, Any]]:
    return [
        _hidden("base.url", "Base address", base_url),
        _hidden("pagination.type", "Kind of paging"),
        _hidden("pagination.max", "Largest page", "100"),
        _entry("filter.response.nulls", "Leave nulls out", "BOOLEAN", defaultValue="true"),
    ]


def _events(vendor_type: str) -> list[dict[str, Any]]:
    return [
        _entry("event.notification.enabled", "Events", "BOOLEAN", defaultValue="false"),
        _hidden("event.vendor.type", "Kind of events", vendor_type),
        _entry("event.notification.callback.url", "Address for events"),
        _entry("event.notification.signature.key", "Key for signatures"),
    ]


_POLLER_DEFAULT = '{"contacts":{"url":"/hubs/crm/contacts","idField":"id"}}'

_DOCUMENTS: list[dict[str, Any]] = [
    {
        "id": 178,
        "key": "onedrivebusiness",
        "name": "OneDrive for Business",
        "description": "Files and folders of an organisation's OneDrive.",
        "hub": "documents",
        "authentication": {"type": "oauth2"},
        "configuration": [
            *_oauth2(
                "https://login.microsoftonline.com/common/oauth2/authorize?api-version=2.0",
                "https://login.microsoftonline.com/common/oauth2/token?api-version=2.0",
                "wl.signin wl.offline_access onedrive.readwrite",
            ),
            *_shared("https://{siteAddress}/_api/v2.0/me"),
            *_events("webhook"),
            _entry("onedrivebusiness.site.address", "Site address"),
            _entry("document.tagging", "Tag documents", "BOOLEAN", defaultValue="false"),
        ],
    },
    {
        "id": 5050,
        "key": "hubspot",
        "name": "HubSpot",
        "description": "Contacts, companies and deals of a HubSpot portal.",
        "hub": "marketing",
        "authentication": {"type": "oauth2"},
        "configuration": [
            *_oauth2(
                "https://app.hubspot.com/oauth/authorize",
                "https://api.hubapi.com/oauth/v1/token",
                "contacts",
            ),
            *_shared("https://api.hubapi.com"),
            *_events("polling"),
            _entry("event.poller.refresh_interval", "Minutes between polls", defaultValue="15"),
            _entry("event.poller.configuration", "What is polled", "TEXTAREA"),
        ],
    },
    {
        "id": 39,
        "key": "quickbooks",
        "name": "QuickBooks Online",
        "description": "Books of a company, which the callback names (realmId); also OAuth 2.",
        "hub": "finance",
        "authentication": {"type": "oauth1"},
        "configuration": [
            *_oauth2(
                "https://appcenter.intuit.com/connect/oauth2",
                "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer",
                "com.intuit.quickbooks.accounting",
            ),
            _written_by_the_platform("oauth.user.token.secret", "Secret of the access token"),
            _entry(
                "authentication.type",
                "Authentication",
                "COMBO",
                options=[
                    {"description": "OAuth 2", "value": "oauth2"},
                    {"description": "OAuth 1", "value": "oauth1"},
                ],
            ),
            *_shared("https://quickbooks.api.intuit.com"),
            *_events("webhook"),
        ],
    },
    {
        "id": 151,
        "key": "twitter",
        "name": "Twitter",
        "description": "Messages and lists of an account, with OAuth 1.",
        "hub": "social",
        "authentication": {"type": "oauth1"},
        "configuration": [
            *_application(),
            _hidden(
                "oauth.request.url",
                "Request token address",
                "https://api.twitter.com/oauth/request_token",
            ),
            _written_by_the_platform("oauth.user.token", "Access token"),
            _written_by_the_platform("oauth.user.token.secret", "Secret of the access token"),
            *_shared("https://api.twitter.com/1.1"),
            *_events("polling"),
        ],
    },
    {
        "id": 421,
        "key": "freshservice",
        "name": "Freshservice",
        "description": "Tickets of a service desk, with user name and password.",
        "hub": "helpdesk",
        "authentication": {"type": "basic"},
        "configuration": [
            _asked("subdomain", "Subdomain"),
            _asked("username", "User name"),
            _asked("password", "Password", "PASSWORD"),
            *_shared("https://{subdomain}.freshservice.com"),
            *_events("polling"),
            _entry("event.poller.refresh_interval", "Minutes between polls", defaultValue="15"),
            _entry("event.poller.configuration", "What is polled", "TEXTAREA"),
        ],
    },
    {
        "id": 274,
        "key": "bigcommerce",
        "name": "BigCommerce",
        "description": "A shop with two ways to authenticate, each with keys of its own.",
        "hub": "ecommerce",
        "authentication": {"type": "custom"},
        "configuration": [
            _asked("store.url", "Address of the shop", "TEXTFIELD_1000"),
            _asked(
                "authentication.type",
                "Authentication",
                "COMBO",
                groupControl=True,
                defaultValue="basic",
                options=[
                    {"description": "User name and token", "value": "basic"},
                    {"description": "Application", "value": "custom"},
                ],
            ),
            _asked("username", "User name", groupName="basic"),
            _asked("password", "Password", "PASSWORD", groupName="basic"),
            _asked("oauth.api.key", "Client id", groupName="custom"),
            _asked("oauth.user.token", "Access token", "PASSWORD", groupName="custom"),
            *_shared("https://api.bigcommerce.com"),
        ],
    },
    {
        "id": 609,
        "key": "closeio",
        "name": "Close",
        "description": "Sales contacts by API key, which is no secret here; changes are polled.",
        "hub": "crm",
        "authentication": {"type": "basic"},
        "configuration": [
            # docs: shown in clear (vendor's test suite, instances.js:53-86, 2018).
            _asked("username", "API key"),
            *_shared("https://app.close.io/api/v1"),
            *_events("polling"),
            _entry("event.poller.refresh_interval", "Minutes between polls", defaultValue="15"),
            _entry(
                "event.poller.configuration",
                "What is polled",
                "TEXTAREA",
                defaultValue=_POLLER_DEFAULT,
            ),
        ],
    },
    {
        "id": 710,
        "key": "weebly",
        "name": "Weebly",
        "description": "Sites of an account; changes arrive by webhook.",
        "hub": "ecommerce",
        "authentication": {"type": "oauth2"},
        "configuration": [
            *_oauth2(
                "https://www.weebly.com/app-center/oauth/authorize",
                "https://www.weebly.com/app-center/oauth/access_token",
                "read:site,write:site",
            ),
            *_shared("https://api.weebly.com/v1"),
            *_events("webhooks"),
            _entry("event.notification.subscription.id", "Subscription", hideFromConsole=True),
        ],
    },
    {
        "id": 812,
        "key": "sendgrid",
        "name": "SendGrid",
        "description": "Mail by API key; the key stands in a plain text field.",
        "hub": "marketing",
        "authentication": {"type": "custom"},
        "configuration": [
            _asked("api.token", "API token"),
            _entry("password.hint", "Reminder for the password"),
            *_shared("https://api.sendgrid.com/v3"),
        ],
    },
]

_CALLBACK_EXTRAS = {"quickbooks": ("realmId",)}


def catalogue() -> list[Element]:
    """Return the built-in elements."""
    return [
        element_from(document, callback_extras=_CALLBACK_EXTRAS.get(document["key"], ()))
        for document in _DOCUMENTS
    ]
