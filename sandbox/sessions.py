"""Standardized Authentication: the platform asks a user itself, and makes or renews an instance.

So instances appear and change without any request of their own. docs: applications and sessions
(ezra-sample-app, README and instances.js:81-125, 2022; vendor's blog of 2021-03-17).
"""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any

from . import changes, creation, pages
from .addressing import find_element
from .callbacks import Callback
from .elements import AUTHENTICATION_TYPE
from .exchange import Answer, Call, RefusalError, Route
from .oauth import DEFAULT_APPLICATION, mint_unasked, provider_data
from .values import is_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .elements import Element
    from .records import Document
    from .tenant import Tenant

PATH = "/sandbox/sessions"
ANCESTOR = "/v1alpha1"
"""Where the platform has these routes, beside `/elements/api-v2`."""
_APPLICATION, _SESSION = "application", "session"
_SECONDS = 500
_APPLICATIONS = f"{ANCESTOR}/elements/normalized-instances/applications"


def create_application(call: Call) -> Answer:
    """Make an application: a name, and where to tell of instances."""
    body = call.json_object()
    callback = body.get("notificationCallback")
    url = callback.get("url") if isinstance(callback, dict) else None
    if not isinstance(body.get("name"), str) or not isinstance(url, str):
        raise RefusalError(400, "Bad request: name and notificationCallback.url are required")
    record = call.tenant.store.records.add(_APPLICATION, {})
    digest = call.tenant.derive(_APPLICATION, record["id"]).hex()
    now = call.tenant.now_text()
    record["application"] = {
        "applicationID": "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:28])),
        "name": body["name"],
        "description": body.get("description", ""),
        "createdDate": now,
        "updatedDate": now,
        "notificationCallback": {"url": url, "format": "json", "token": digest[28:48]},
    }
    call.tenant.store.records.save(record)
    return Answer(record["application"])


def create_session(call: Call) -> Answer:
    """Answer with the address to which the user has to be sent, for 500 seconds.

    With `instanceId` the session renews that instance.
    """
    tenant = call.tenant
    wanted = call.path_parameters["id"]
    for record in tenant.store.records.all(_APPLICATION):
        if record["application"]["applicationID"] == wanted:
            break
    else:
        raise RefusalError(404, f"No application found with ID {wanted}")
    element = find_element(call, call.parameter("elementKey"))
    number = call.parameter("instanceId")
    if number:
        instance = tenant.store.instance(int(number)) if is_number(number) else None
        if instance is None or instance.element_key != element.key:
            raise RefusalError(404, f"No element instance found with ID {number}")
    session = tenant.store.records.add(_SESSION, {}, parent=record["id"])
    session |= {
        "key": tenant.derive(_SESSION, session["id"]).hex(),
        "application": record["application"],
        "element": element.key,
        "vendor": {name: call.parameter(name) for name in DEFAULT_APPLICATION},
        "instance": number or None,
        "expires_at": tenant.clock() + _SECONDS,
    }
    tenant.store.records.save(session)
    return Answer({"redirectUrl": f"{call.origin}{PATH}/{session['key']}"})


# The user's side


def page(tenant: Tenant, key: str) -> str:
    """Return the page that asks: for consent, or for what the element wants to know."""
    session, element = _open(tenant, key)
    fields = {
        entry["key"]: (str(entry["name"]), element.masks(entry["key"]))
        for entry in element.missing(_configuration(session, ""))
    }
    application = escape(session["application"]["name"])
    told = f"<p><strong>{application}</strong> asks to be connected.</p>"
    heading = f"Connect {element.document['name']}?"
    return pages.page("Connect?", heading, [told, pages.question(fields)])


def decide(tenant: Tenant, key: str, given: Mapping[str, str], *, allow: bool, origin: str) -> str:
    """Return the page at the end; with consent there is an instance, and a callback is due."""
    session, element = _open(tenant, key)
    if allow:
        # A refusal raises, and leaves the session open for another try.
        instance = _provision(tenant, session, element, given, origin)
        _tell(tenant, session, instance)
    tenant.store.records.delete(session)
    outcome = f"Connected: instance {instance['id']}." if allow else "Nothing was connected."
    return pages.page("Done", outcome, ["<p>You can close this page.</p>"])


def _open(tenant: Tenant, key: str) -> tuple[Document, Element]:
    for session in tenant.store.records.all(_SESSION):
        element = tenant.elements.find(session["element"])
        if session["key"] == key and session["expires_at"] > tenant.clock() and element:
            return session, element
    msg = "the session is over, or was never opened"
    raise ValueError(msg)


def _configuration(session: Document, origin: str) -> dict[str, Any]:
    vendor = {k: v or DEFAULT_APPLICATION[k] for k, v in session["vendor"].items()}
    return {
        "oauth.api.key": vendor["apiKey"],
        "oauth.api.secret": vendor["apiSecret"],
        "oauth.callback.url": f"{origin}/sandbox/callback",
    }


def _provision(
    tenant: Tenant,
    session: Document,
    element: Element,
    given: Mapping[str, str],
    origin: str,
) -> dict[str, Any]:
    """Make the instance, or renew it, as a request of its own would."""
    body: dict[str, Any] = {"element": {"key": element.key}, "configuration": dict(given)}
    if element.authentication(given) in ("oauth1", "oauth2"):
        body["configuration"] |= _configuration(session, origin)
        kind = {k: v for k, v in given.items() if k == AUTHENTICATION_TYPE}
        body["providerData"] = provider_data(mint_unasked(tenant, element, kind))
    number = session["instance"]
    if number is None:
        body["name"] = f"{session['application']['name']} {session['id']}"
    call = Call(
        tenant=tenant,
        method="PUT" if number else "POST",
        template="/instances/{id}" if number else "/instances",
        path_parameters={"id": number} if number else {},
        query=[],
        authorization={},
        body=body,
        headers={"content-type": "application/json"},
        origin=origin,
    )
    made: dict[str, Any] = (changes.put(call) if number else creation.create(call)).body
    return made


def _tell(tenant: Tenant, session: Document, instance: Mapping[str, Any]) -> None:
    body = json.dumps({"status": "success", "elementInstance": instance}).encode()
    address = session["application"]["notificationCallback"]["url"]
    headers = {"content-type": "application/json"}
    tenant.due.append(Callback(address, body, headers, lambda _: None))


ROUTES: Sequence[Route] = (
    Route("POST", _APPLICATIONS, create_application),
    Route("POST", f"{_APPLICATIONS}/{{id}}/sessions", create_session),
)
