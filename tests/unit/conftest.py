"""What several modules are tested with."""

import pytest


@pytest.fixture
def whole():
    """Return an entry of a stack that gives every field."""
    return {
        "element": "onedrivebusiness",
        "name": "Invoices",
        "tags": ["billing"],
        "configuration": {"oauth.api.key": "k", "any": [1, {"deep": []}]},
        "events": {
            "enabled": True,
            "by": "polling",
            "to": "https://app.example.com/events",
            "every": 5,
            "signature_key": "hidden",
            "poller_configuration": {"contacts": {"url": "/contacts"}},
            "notification_type": "webhook",
        },
        "filter_response_nulls": False,
        "code": "c",
        "provider_data": {"realmId": "5"},
        "external_authentication": "initial",
        "oauth_proxy": "TestApp",
        "disabled": True,
        "adopt": "7",
        "delete_adopted": True,
        "protect": True,
        "retain_on_delete": True,
    }
