"""What applications and tools around the platform call and read."""

from __future__ import annotations

from tests.clients.facts import (
    ABSENT,
    APPLICATION,
    ASKED,
    BY_TOKEN,
    CONFIGURATION,
    Flow,
    Step,
    counts,
    create,
    holds,
    is_filled,
    starts,
)

_ALLOW = {"decision": "allow"}
_WHOLE = {
    "name": "hubspot-1",
    "tags": ["hubspot"],
    "element": {"key": "hubspot"},
    "providerData": {"code": "{code:hubspot}"},
    "configuration": APPLICATION,
}

_HEIMDALL = (
    Flow(
        "heimdall",
        "server/apiAuthentication.js:17",
        "2019",
        "the organization tells its secret",
        (Step("GET /organizations/me", reads={"/secret": "{organization}"}),),
    ),
    Flow(
        "heimdall",
        "src/oauthUrl.js:22-31",
        "2019",
        "extras of the address for consent stand in the query",
        (
            Step(
                f"GET /elements/quickbooks/oauth/url?{ASKED}&siteAddress=acme"
                "&authentication.type=oauth2",
                reads={"/oauthUrl": holds("response_type=code")},
            ),
        ),
    ),
    Flow(
        "heimdall",
        "src/oauth1Url.js:20-41",
        "2019",
        "OAuth 1 with a state in the callback address, which comes back once",
        (
            Step(
                f"GET /elements/twitter/oauth/token?{ASKED}%3Fstate%3Doauth1",
                reads={"/token": is_filled, "/secret": is_filled},
                keep={"request": "/token", "secret": "/secret"},
            ),
            Step(
                f"GET /elements/twitter/oauth/url?{ASKED}%3Fstate%3Doauth1"
                "&requestToken={request}",
                keep={"url": "/oauthUrl"},
            ),
            Step(
                "POST {url}",
                form=_ALLOW,
                status=303,
                reads={"?state": "oauth1", "?oauth_token": "{request}"},
                keep={"verifier": "?oauth_verifier"},
            ),
        ),
    ),
    Flow(
        "heimdall",
        "src/createInstanceOauth.js:7-35",
        "2019",
        "made with POST, authenticated anew with PUT of the whole body",
        (
            Step("POST /instances", body=_WHOLE, keep={"id": "/id"}),
            Step("PUT /instances/{id}", body=_WHOLE, reads={"/id": "{id}", "/token": is_filled}),
        ),
    ),
    Flow(
        "heimdall",
        "src/createInstanceOauth1.js:7-36",
        "2019",
        "OAuth 1 needs all three parts",
        (
            Step(
                f"GET /elements/twitter/oauth/token?{ASKED}", keep={"t": "/token", "s": "/secret"}
            ),
            Step(
                f"GET /elements/twitter/oauth/url?{ASKED}&requestToken={{t}}",
                keep={"url": "/oauthUrl"},
            ),
            Step("POST {url}", form=_ALLOW, status=303, keep={"v": "?oauth_verifier"}),
            Step(
                "POST /instances",
                body={
                    "name": "twitter-1",
                    "tags": ["twitter"],
                    "element": {"key": "twitter"},
                    "providerData": {
                        "oauth_verifier": "{v}",
                        "oauth_token": "{t}",
                        "secret": "{s}",
                    },
                    "configuration": APPLICATION,
                },
                reads={"/id": int},
            ),
        ),
    ),
    Flow(
        "heimdall",
        "src/createInstanceBasic.js:7-26",
        "2019",
        "without OAuth, and changed with PUT of the whole body",
        (
            create("freshservice", tags=["freshservice"]),
            Step(
                "PUT /instances/{id}",
                body={
                    "name": "two",
                    "tags": ["freshservice"],
                    "element": {"key": "freshservice"},
                    "configuration": CONFIGURATION["freshservice"],
                },
                reads={"/name": "two"},
            ),
        ),
    ),
    Flow(
        "heimdall",
        "src/getInstance.js:5-18",
        "2019",
        "an element without instances is 404",
        (
            Step("GET /elements/hubspot/instances", status=404),
            create("hubspot"),
            Step("GET /elements/hubspot/instances", reads={"/0/id": "{id}"}),
        ),
    ),
)

_SESSIONS = "{origin}/v1alpha1/elements/normalized-instances/applications"


def _session(instance: str) -> tuple[Step, ...]:
    """A session for a new instance or for one that is there, to its end."""
    return (
        Step(
            f"POST {_SESSIONS}/{{app}}/sessions?apiKey=key&apiSecret=secret&elementKey=hubspot"
            f"&instanceId={instance}",
            keep={"url": "/redirectUrl"},
        ),
        Step(
            "POST {url}",
            form=_ALLOW,
            reads={
                "told/status": "success",
                "told/elementInstance/token": is_filled,
                "told/elementInstance/element/key": "hubspot",
                "told/elementInstance/id": instance or int,
            },
            keep={"id": "told/elementInstance/id", "token": "told/elementInstance/token"},
        ),
    )


_APPLICATION = Step(
    f"POST {_SESSIONS}",
    body={
        "appProvidedElAgnosticMetadata": True,
        "notificationCallback": {"url": "{receiver}/told"},
        "description": "DemoApp",
        "includeCETagline": True,
        "name": "Unified authentication",
    },
    reads={"/name": "Unified authentication", "/notificationCallback/token": is_filled},
    keep={"app": "/applicationID"},
)
_STANDARDIZED = (
    Flow(
        "ezra-sample-app",
        "src/actions/instances.js:81-125",
        "2022",
        "Standardized Authentication makes an instance, and renews it",
        (_APPLICATION, *_session(""), *_session("{id}"), Step("DELETE /instances/{id}")),
    ),
    Flow(
        "ezra-sample-app",
        "src/actions/instances.js:230-262",
        "2022",
        "a ping with all three parts tells whether the instance is valid",
        (create("hubspot"), Step("GET /ping", reads={"/valid": True}, authorization=BY_TOKEN)),
    ),
    Flow(
        "ezra-sample-app",
        "src/actions/instances.js, pingInstanceForValidity",
        "2022",
        "a ping of an instance that does not work says so",
        (
            create("hubspot"),
            Step("DELETE /instances/{id}/enabled"),
            Step("GET /ping", reads={"/valid": False}, authorization=BY_TOKEN),
        ),
        {"ping_failure": "valid"},
    ),
    Flow(
        "usecase-references",
        "EzraAuthExchangeController.java, getRedirectURL",
        "2021",
        "a session needs no more than the element, and the callback tells the token",
        (
            _APPLICATION,
            Step(
                f"POST {_SESSIONS}/{{app}}/sessions?elementKey=quickbooks",
                keep={"url": "/redirectUrl"},
            ),
            Step("POST {url}", form=_ALLOW, reads={"told/elementInstance/token": is_filled}),
        ),
    ),
    Flow(
        "usecase-references",
        "APIResponseTest.java:46-61",
        "2018",
        "what a callback of events holds",
        (
            create(
                "closeio",
                configuration={
                    "event.notification.enabled": True,
                    "event.notification.callback.url": "{receiver}/events",
                },
                tags=["Local"],
            ),
            Step(
                "POST /events/closeio",
                headers={"Element-Instances": "{id}"},
                body={
                    "invoices": [{"id": 2}],
                    "objectType": "invoices",
                    "events": [{"objectType": "invoices", "objectId": "2", "eventType": "CREATED"}],
                },
                reads={
                    "told/severity": "medium",
                    "told/createdDate": holds(" UTC 20"),
                    "told/topic": "instance-{id}-closeio-events",
                    "told/action": "create",
                    "told/id": str,
                    "told/user": starts("notifications@"),
                    "told/message/elementKey": "closeio",
                    "told/message/accountId": int,
                    "told/message/eventId": str,
                    "told/message/companyId": int,
                    "told/message/instanceId": "{id}",
                    "told/message/instance_id": "{id}",
                    "told/message/instanceName": "fact",
                    "told/message/instanceTags": ["Local"],
                    "told/message/raw/invoices/0/id": 2,
                    "told/message/userId": int,
                    "told/message/events/0/date": str,
                    "told/message/events/0/elementKey": "closeio",
                    "told/message/events/0/pollDate": str,
                    "told/message/events/0/eventType": "CREATED",
                    "told/message/events/0/hubKey": "crm",
                    "told/message/events/0/objectId": "2",
                    "told/message/events/0/objectType": "invoices",
                },
            ),
        ),
    ),
)

_CONNECT = (
    Flow(
        "elements-connect",
        "ElementsService.js, createInstance",
        "2018",
        "POST to a path with a slash at its end, and PUT of the whole body",
        (
            Step("POST /instances/", body=_WHOLE, keep={"id": "/id", "token": "/token"}),
            Step("PUT /instances/{id}", body=_WHOLE, reads={"/id": "{id}"}),
            Step("GET /instances", reads={"/0/element/hub": "marketing"}),
            Step(
                "GET /hubs/marketing/objects",
                reads={"/0": str},
                authorization="Element {token}, User {user}, Organization {organization}",
            ),
            Step("GET /instances/{id}/transformations", status=404),
        ),
    ),
    Flow(
        "elements-connect",
        "ElementsService.js, getOAuthUrl",
        "2018",
        "extras of the address for consent stand in the query",
        (
            Step(
                f"GET /elements/hubspot/oauth/url?elementKeyOrId=hubspot&{ASKED}&other=x",
                reads={"/oauthUrl": is_filled},
            ),
        ),
    ),
    Flow(
        "elements-connect",
        "ElementsService.js:252",
        "2018",
        "accounts with the organization secret",
        (Step("GET /accounts?where=type='CompanyAccount'", reads={"/0/id": int}),),
    ),
)

_TOOLS = (
    Flow(
        "cectl",
        "cmd/instances.go, pingInstance",
        "2018",
        "a list of which each is pinged; one that does not work has another status",
        (
            create("closeio"),
            Step("GET /instances", reads={"/0/element/hub": "crm", "/0/token": "{token}"}),
            Step("GET /hubs/crm/ping", authorization=BY_TOKEN),
            Step("DELETE /instances/{id}/enabled"),
            Step("GET /hubs/crm/ping", status=403, authorization=BY_TOKEN),
        ),
    ),
    Flow(
        "cectl",
        "cmd/instances.go, deleteElementInstanceCmd",
        "2018",
        "409 with a message while a formula instance uses it, 404 when it is gone",
        (
            create("closeio"),
            Step("POST /formulas", body={"name": "sync"}, keep={"formula": "/id"}),
            Step(
                "POST /formulas/{formula}/instances",
                body={"name": "nightly", "configuration": {"crm": "{id}"}},
                keep={"use": "/id"},
            ),
            Step("DELETE /instances/{id}", status=409, reads={"/message": is_filled}),
            Step("GET /formulas/instances/{use}", reads={"/formula/id": "{formula}"}),
            Step("DELETE /formulas/{formula}/instances/{use}"),
            Step("DELETE /instances/{id}"),
            Step("DELETE /instances/{id}", status=404),
        ),
    ),
    Flow(
        "ce-go",
        "ce/instances.go:54,112",
        "2018",
        "events are switched on by PUT of a few keys, without a new code",
        (
            create("hubspot"),
            Step("GET /instances/{id}", reads={"/element/key": "hubspot", "/disabled": False}),
            Step(
                "PUT /elements/hubspot/instances/{id}?reAuthenticate=false",
                body={
                    "id": "{id}",
                    "name": "fact",
                    "element": {"key": "hubspot"},
                    "configuration": {"event.notification.enabled": "true"},
                },
                reads={
                    "/eventsEnabled": True,
                    "/configuration/oauth.callback.url": APPLICATION["oauth.callback.url"],
                },
            ),
        ),
    ),
    Flow(
        "ce-go",
        "ce/instances.go, GetInstanceTransformations",
        "2018",
        "docs of an instance and of an element; transformations by name",
        (
            create("closeio"),
            Step("GET /instances/{id}/docs", reads={"/swagger": "2.0"}),
            Step("GET /elements/609/docs", reads={"/swagger": "2.0"}),
            Step("GET /instances/{id}/docs/getAccounts/definitions", reads={"/accounts": dict}),
            Step("GET /instances/transformations", status=404, authorization=BY_TOKEN),
            Step("GET /instances/{id}/objects/definitions", status=404),
            Step(
                "POST /instances/{id}/objects/leads/definitions",
                body={"fields": [{"path": "id", "type": "number"}]},
            ),
            Step(
                "POST /instances/{id}/transformations/leads",
                body={"vendorName": "Lead", "fields": []},
            ),
            Step(
                "GET /instances/transformations",
                reads={
                    "/leads/vendorName": "Lead",
                    "/leads/level": "instance",
                    "/leads/isLegacy": bool,
                    "/leads/startDate": str,
                    "/leads/fields": list,
                    "/leads/configuration": list,
                },
                authorization=BY_TOKEN,
            ),
        ),
    ),
    Flow(
        "ce-go",
        "ce/hubs.go, ListHubs",
        "2018",
        "a list of hubs",
        (Step("GET /hubs", reads={"/0/id": int, "/0/key": str, "/0/name": str}),),
    ),
    Flow(
        "ce-go",
        "ce/jobs.go, ListJobs",
        "2018",
        "a list of jobs, which is one",
        (Step("GET /jobs", reads={"": list}),),
    ),
    Flow(
        "doctor-core",
        "src/core/elements/getPrivateElements.js:30-32",
        "2022",
        "elements that fit, and a message where none does",
        (
            Step(
                "GET /elements?where=private='true' AND abridged='true'",
                status=404,
                reads={"/message": "No elements found"},
            ),
            Step(
                "GET /elements?where=private='false' AND abridged='true' "
                "AND key in ('closeio','hubspot')",
                reads={"": counts(2), "/0/key": "closeio", "/0/extended": bool},
            ),
        ),
    ),
    Flow(
        "doctor-core",
        "src/core/elementInstances/removeInstances.js:4-7",
        "2022",
        "all instances are deleted, formula instances first; none are `No … found` or `[]`",
        (
            Step("GET /formulas/instances", reads={"": []}),
            Step("GET /instances", status=404, reads={"/message": "No element instances found"}),
            create("closeio"),
            Step("GET /instances", keep={"first": "/0/id"}),
            Step("DELETE /instances/{first}"),
        ),
    ),
    Flow(
        "scripts",
        "OauthMigration/NeedsMigrating.js, getInstance",
        "2020",
        "200 a page, with a total and a token for the next, in a light list",
        (
            *(create("closeio") for _ in range(201)),
            Step(
                "GET /instances?hydrate=false",
                headers={"Elements-Session": "true"},
                reads={
                    "": counts(200),
                    "#elements-total-count": "201",
                    "/0/element/authentication/type": "basic",
                    "/0/element/key": "closeio",
                    "/0/token": is_filled,
                },
                keep={"next": "#elements-next-page-token"},
            ),
            Step(
                "GET /instances?hydrate=false&nextPage={next}",
                reads={"": counts(1), "/0/id": "{id}", "#elements-next-page-token": ABSENT},
            ),
        ),
    ),
    Flow(
        "scripts",
        "DeleteFormulaInstances/index.js:9-45",
        "2020",
        "instances of a formula, in pages",
        (
            Step("POST /formulas", body={"name": "sync"}, keep={"formula": "/id"}),
            Step("GET /formulas/{formula}", reads={"/id": "{formula}"}),
            Step("POST /formulas/{formula}/instances", body={"name": "a"}, keep={"use": "/id"}),
            Step("GET /formulas/{formula}/instances", reads={"/0/id": "{use}"}),
            Step("DELETE /formulas/{formula}/instances/{use}"),
        ),
    ),
    Flow(
        "kyma connector-tools",
        "open_connectors/client.go, GetConnectorInstances",
        "2022",
        "a list by tags, and what stands in its members",
        (
            create("closeio", tags=["Karl Küma"]),
            Step(
                "GET /instances?tags[]=Karl%20K%C3%BCma",
                reads={
                    "/0/id": "{id}",
                    "/0/name": "fact",
                    "/0/token": "{token}",
                    "/0/element/id": 609,
                    "/0/element/key": "closeio",
                    "/0/element/name": str,
                },
            ),
        ),
    ),
    Flow(
        "kyma connector-tools",
        "open_connectors/client.go, GetOpenAPISpec",
        "2022",
        "the latest description of an instance's API",
        (
            create("closeio"),
            Step("GET /instances/{id}/docs?version=-1", reads={"/swagger": "2.0", "/host": str}),
        ),
    ),
    Flow(
        "node-provisioner",
        "routers/provision.js, router.route",
        "2020",
        "the callback's query is handed on; a used code and a denial are refused",
        (
            Step(f"GET /elements/hubspot/oauth/url?{ASKED}&name=x", keep={"url": "/oauthUrl"}),
            Step("POST {url}", form=_ALLOW, status=303, keep={"back": "?code", "state": "?state"}),
            *(
                Step(
                    "POST /instances",
                    body=_WHOLE | {"providerData": {"code": "{back}", "state": "{state}"}},
                    status=status,
                )
                for status in (200, 400)
            ),
            Step(
                "POST /instances",
                body=_WHOLE | {"providerData": {"error": "access_denied", "state": "hubspot"}},
                status=400,
            ),
        ),
    ),
    Flow(
        "sample-app-ui",
        "src/ce-util.js, createInstanceBody",
        "2018",
        "a key that the element does not list is no mistake",
        (
            Step(
                "POST /instances",
                body={
                    "element": {"key": "hubspot"},
                    "providerData": {"code": "{code:hubspot}", "realmId": "9130000000"},
                    "configuration": APPLICATION
                    | {"authentication.type": "oauth2", "use_sandbox": True, "scope": "x"},
                    "tags": ["saas_demo"],
                    "name": "Demo",
                },
                reads={"/tags": ["saas_demo"], "/token": is_filled},
            ),
        ),
    ),
    Flow(
        "serverless-cloud-elements-plugin",
        "index.js, afterDeploy",
        "2018",
        "PATCH of one key leaves the others",
        (
            create("closeio"),
            Step(
                "PATCH /instances/{id}",
                body={"configuration": {"event.notification.callback.url": "https://x.example"}},
                reads={
                    "/configuration/event.notification.callback.url": "https://x.example",
                    "/configuration/username": "someone",
                },
            ),
        ),
    ),
)

FLOWS = (*_HEIMDALL, *_STANDARDIZED, *_CONNECT, *_TOOLS)
