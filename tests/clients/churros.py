"""What the vendor's own API tests call and read: churros, as of September 2018 unless it says."""

from __future__ import annotations

from tests.clients.facts import (
    ABSENT,
    APPLICATION,
    ASKED,
    BY_TOKEN,
    CONFIGURATION,
    EXTERNAL,
    HUB,
    MASK,
    Flow,
    Step,
    counts,
    create,
    holds,
    is_filled,
    starts,
)

_INSTANCES = "test/platform/elements/instances.js"
_EXPOSED = (
    "Elements-Returned-Count, Elements-Total-Count, Elements-Request-Id, "
    "Elements-Next-Page-Token, Elements-Trace-Id, Elements-Error, Content-Disposition"
)
_MARKUP = '<a href="#" onClick="javascript:alert(\'x\');return false;">{}</a>'
_LISTENING = {
    "event.notification.enabled": True,
    "event.notification.callback.url": "{receiver}/events",
    "event.notification.signature.key": "abcd1234efgh5678",
}
_NULLS = "/[key=filter.response.nulls]"


def _flow(source: str, about: str, *steps: Step, year: str = "2018") -> Flow:
    return Flow("churros", source, year, about, steps)


# Instances: made, changed, deleted


def _crud(base: str) -> tuple[Step, ...]:
    made = create("freshservice")
    return (
        Step(f"POST {base}", body=made.body, reads=made.reads, keep=made.keep),
        Step(
            f"GET {base}/{{id}}",
            reads={
                "/configuration/password": MASK,
                "/configuration/username": "someone",
                "/valid": bool,
                "/tags": list,
                "/user/emailAddress": is_filled,
            },
        ),
        Step(f"GET {base}", reads={"/0/id": "{id}"}),
        Step(f"PUT {base}/{{id}}", body=made.body | {"name": "new"}, reads={"/name": "new"}),
        Step(f"DELETE {base}/{{id}}"),
    )


def _renewed(call: str, **more: object) -> Step:
    """A change of an instance without OAuth, with a code all the same."""
    return Step(
        call,
        body={"name": "updated", "providerData": {"code": "any"}} | more,
        reads={"/configuration/username": "someone", "/providerData": ABSENT},
        authorization=BY_TOKEN,
    )


_CHANGES = (
    _flow(
        f"{_INSTANCES}:24-42,165",
        "an instance by element key",
        *_crud("/elements/freshservice/instances"),
    ),
    _flow(f"{_INSTANCES}:24-42,167-170", "by element id", *_crud("/elements/421/instances")),
    _flow(
        f"{_INSTANCES}:44-100",
        "PUT and PATCH by id and by token; closeio shows its user name",
        create("closeio"),
        Step("GET /instances/{id}", reads={"/configuration/username": "someone"}),
        _renewed("PUT /instances/{id}", configuration=CONFIGURATION["closeio"]),
        _renewed("PUT /instances", configuration=CONFIGURATION["closeio"]),
        Step("GET /hubs/crm/accounts", reads={"": list}, authorization=HUB),
        _renewed("PATCH /instances/{id}"),
        _renewed("PATCH /instances"),
        Step("GET /hubs/crm/accounts", reads={"": list}, authorization=HUB),
    ),
    _flow(
        f"{_INSTANCES}:140-163",
        "key and secret are masked; a configuration entry is changed by its numeric id",
        create("hubspot"),
        Step(
            "GET /instances/{id}",
            reads={"/configuration/oauth.api.key": MASK, "/configuration/oauth.api.secret": MASK},
        ),
        Step("GET /instances/{id}/configuration", keep={"entry": _NULLS}),
        Step(
            "GET /instances/configuration",
            reads={
                "/[key=oauth.api.key]/propertyValue": MASK,
                "/[key=oauth.api.secret]/propertyValue": MASK,
                f"{_NULLS}/propertyValue": "true",
            },
            keep={"entryid": f"{_NULLS}/id"},
            authorization=BY_TOKEN,
        ),
        Step("PATCH /instances/{id}/configuration/{entryid}", body={"propertyValue": "false"}),
        Step("PATCH /instances/configuration/{entryid}", body="{entry}", authorization=BY_TOKEN),
        Step(
            "GET /instances/configuration/{entryid}",
            reads={"/propertyValue": "true", "/id": int},
            authorization=BY_TOKEN,
        ),
    ),
    _flow(
        f"{_INSTANCES}:302-314",
        "PATCH replaces tags, and takes the id in its body",
        create("closeio"),
        Step("PATCH /instances/{id}", body={"id": "{id}", "tags": ["one"]}),
        Step("PATCH /instances", body={"id": "{id}", "tags": ["two"]}, authorization=BY_TOKEN),
        Step("GET /instances/{id}", reads={"/tags": ["two"]}),
    ),
    _flow(
        f"{_INSTANCES}:341-371",
        "markup is taken out of names; without tags the name is the tag",
        create("closeio", name=_MARKUP.format("@fact")),
        Step("GET /instances/{id}", reads={"/name": "@fact", "/tags/0": "@fact"}),
        Step("PATCH /instances/{id}", body={"name": _MARKUP.format("two")}, reads={"/name": "two"}),
    ),
    _flow(
        "pull request 2104",
        "the body of a GET is put back as it is; a deleted instance has a body",
        create("freshservice"),
        Step("GET /instances/{id}", keep={"body": ""}),
        Step("PUT /instances/{id}", body="{body}", reads={"": is_filled}),
        Step("DELETE /instances/{id}"),
        Step("GET /instances/{id}?includeDeleted=true", reads={"": is_filled}),
        Step("GET /instances/{id}?includeDeleted=false", status=404),
        year="2019",
    ),
    _flow(
        "commit f2bffab5",
        "PUT and PATCH take a new code",
        create("hubspot"),
        Step(
            "PUT /instances/{id}",
            body={
                "name": "updated",
                "element": {"key": "hubspot"},
                "configuration": APPLICATION,
                "providerData": {"code": "{code:hubspot}"},
            },
            reads={"/id": "{id}"},
        ),
        Step(
            "PATCH /instances/{id}",
            body={"name": "updated", "providerData": {"code": "{code:hubspot}"}},
            reads={"/id": "{id}"},
        ),
        year="2016",
    ),
    _flow(
        "core/provisioner.js:172-188",
        "an instance is made from a refresh token, without a code and a callback",
        Step(
            "POST /instances",
            body={
                "element": {"key": "hubspot"},
                "configuration": EXTERNAL,
                "name": "hubspot external auth",
                "externalAuthentication": "initial",
            },
            reads={"/id": int},
        ),
    ),
    _flow(
        "issue 658",
        "without a code there is no instance",
        Step(
            "POST /instances",
            body={"name": "fact", "element": {"key": "hubspot"}, "configuration": APPLICATION},
            status=400,
            reads={
                "/requestId": is_filled,
                "/message": "You must provide an OAuth code in order to create an instance of "
                "this element",
            },
        ),
        year="2017",
    ),
    _flow(
        "core/provisioner.js, exports.delete",
        "DELETE comes without the token, which is dead afterwards",
        create("closeio"),
        Step("DELETE /instances/{id}"),
        Step("GET /hubs/crm/account?pageSize=1", status=401, authorization=HUB),
    ),
)

# Instances: found, called, disabled

_CALLS = (
    _flow(
        f"{_INSTANCES}:172-201",
        "by tag and text; none is 404",
        create("closeio", tags=["red"]),
        Step("GET /instances?tags[]=red", reads={"/0/tags": holds("red")}),
        Step("GET /instances?searchText=fac&tags[]=red", reads={"/0/name": holds("fac")}),
        Step("GET /instances?searchText=somelongrandomstring&tags[]=red", status=404),
    ),
    _flow(
        "test/platform/accounts/users.js:35-36,148",
        "without instances a user's list is 404; the organization tells its secret",
        Step("GET /instances", status=404),
        Step("GET /organizations/me", reads={"/secret": "{organization}"}),
        Step("GET /accounts", reads={"/0/defaultAccount": bool, "/0/id": int}),
    ),
    _flow(
        f"{_INSTANCES}:381-391",
        "the hub in the path is ignored",
        create("closeio"),
        *(
            Step(f"GET {path}/accounts?pageSize=1", reads={"": []}, authorization=HUB)
            for path in ("/hubs/crm", "/hubs/documents", "/hubs/crap", "")
        ),
    ),
    _flow(
        f"{_INSTANCES}:393-399",
        "an answer through an instance names it",
        create("freshservice"),
        Step(
            "GET /incidents",
            reads={"#elements-element-instance-id": "{id}"},
            authorization=BY_TOKEN,
        ),
    ),
    _flow(
        f"{_INSTANCES}:401-414",
        "objects in detail",
        create("closeio"),
        Step(
            "GET /objects",
            headers={"Elements-Version": "Helium"},
            reads={
                "/0/name": is_filled,
                "/0/vendorName": is_filled,
                "": lambda found: (
                    {"vendor", "ceCanonical"}
                    <= {one["type"] for one in found}
                    <= {"vendor", "ceCanonical", "vdr"}
                ),
            },
            authorization=BY_TOKEN,
        ),
    ),
    _flow(
        f"{_INSTANCES}:416-427",
        "a disabled instance is 403, but for its objects",
        create("freshservice"),
        Step("DELETE /instances/{id}/enabled"),
        Step("GET /incidents", status=403, authorization=BY_TOKEN),
        Step("GET /objects", authorization=BY_TOKEN),
        Step("PUT /instances/{id}/enabled"),
        Step("GET /incidents", authorization=BY_TOKEN),
    ),
    _flow(
        "test/elements/zendesk/users.js:23",
        "a vendor's list without members is `[]`",
        create("freshservice"),
        Step("GET /hubs/helpdesk/users?where=id='0'", reads={"": []}, authorization=BY_TOKEN),
        Step("GET /hubs/helpdesk/incidents", reads={"": []}, authorization=BY_TOKEN),
    ),
    _flow(
        "issue 683",
        "with a token `/accounts` is the vendor's, and DELETE by id goes astray",
        create("closeio"),
        Step("GET /accounts", reads={"": []}, authorization=BY_TOKEN),
        Step(
            "DELETE /instances/{id}",
            status=400,
            reads={"/message": starts("This API is not supported")},
            authorization=BY_TOKEN,
        ),
        year="2017",
    ),
    *(
        _flow(
            f'{_INSTANCES}, "should support get instance specific docs"',
            f"definitions, transformations and docs below {prefix}",
            create("closeio"),
            Step(
                f"POST {prefix}/objects/leads/definitions",
                body={"fields": [{"path": "id", "type": "number"}]},
                reads={"/fields/0/path": "id"},
                authorization=BY_TOKEN,
            ),
            Step(
                f"POST {prefix}/transformations/leads",
                body={"vendorName": "Lead", "fields": [{"path": "id", "type": "number"}]},
                reads={"/vendorName": "Lead", "/fields/0/level": "instance"},
                authorization=BY_TOKEN,
            ),
            Step(
                f"GET {prefix}/docs",
                reads={
                    "/basePath": str,
                    "/paths/~1accounts/get/operationId": str,
                    "/paths/~1accounts/get/parameters/0/in": str,
                    "/paths/~1accounts/get/responses/200/schema/type": str,
                },
                authorization=BY_TOKEN,
            ),
            Step(f"DELETE {prefix}/transformations/leads", authorization=BY_TOKEN),
            Step(f"DELETE {prefix}/objects/leads/definitions", authorization=BY_TOKEN),
        )
        for prefix in ("/instances/{id}", "/instances")
    ),
)

# Elements

_ELEMENTS = (
    _flow(
        "test/platform/elements/elements.js:90-110",
        "elements, their keys, and an export by key and by id",
        Step("GET /elements", reads={"/0/configuration": list}),
        Step("GET /elements/keys", reads={"/0": str}),
        Step("GET /elements/freshservice/export", reads={"/key": "freshservice"}),
        Step("GET /elements/421/export", reads={"/key": "freshservice"}),
    ),
    _flow(
        "test/platform/elements/elements.js:16-46",
        "an element of one's own, changed and deleted",
        Step(
            "POST /elements",
            body={
                "name": "Churros",
                "description": "A Churros element",
                "authentication": {"type": "basic"},
                "configuration": [
                    {
                        "name": "Base",
                        "key": "base.url",
                        "defaultValue": "u",
                        "type": "TEXTFIELD_1000",
                    }
                ],
            },
            reads={"/configuration/[key=base.url]/defaultValue": is_filled},
            keep={"element": "/id", "key": "/key"},
        ),
        Step("GET /elements/{element}", reads={"/key": "churros"}),
        Step("PUT /elements/{key}", body={"description": "new"}, reads={"/description": "new"}),
        Step("DELETE /elements/{element}"),
    ),
    _flow(
        "test/platform/elements/elements.js:48-67",
        "an element is switched on and off",
        Step("POST /elements", body={"name": "Churros"}, keep={"key": "/key"}),
        Step("PUT /elements/{key}/active"),
        Step("GET /elements/{key}", reads={"/active": True}),
        Step("DELETE /elements/{key}/active"),
        Step("GET /elements/{key}", reads={"/active": False}),
    ),
    _flow(
        f"{_INSTANCES}:316-339",
        "an instance moves to the clone of its element",
        create("closeio"),
        Step("POST /elements/closeio/clone", keep={"clone": "/id", "key": "/key"}),
        Step(
            "PATCH /instances/{id}",
            body={"element": {"id": "{clone}"}},
            reads={"/element/id": "{clone}", "/id": "{id}"},
        ),
        Step("DELETE /instances/{id}"),
        Step("DELETE /elements/{key}"),
    ),
    _flow(
        "test/platform/elements/elements.js:112-118",
        "instances are counted by element key",
        create("closeio"),
        Step("GET /instances/count", reads={"/totalInstances": 1, "/elementInstances/closeio": 1}),
    ),
    _flow(
        "test/platform/elements/elements.js:70-84",
        "the address for consent by key and id, with GET and with POST",
        *(
            Step(call, body=body, reads={"/element": "hubspot", "/oauthUrl": is_filled})
            for key in ("hubspot", "5050")
            for call, body in (
                (f"GET /elements/{key}/oauth/url?{ASKED}", None),
                (
                    f"POST /elements/{key}/oauth/url",
                    {"apiKey": "key", "apiSecret": "secret", "callbackUrl": "http://localhost"},
                ),
            )
        ),
    ),
    _flow(
        "core/provisioner.js:45-66",
        "what an element wants besides goes into the query",
        Step(
            f"GET /elements/hubspot/oauth/url?{ASKED}&scope=contacts&siteAddress=acme&subdomain=x",
            reads={"/oauthUrl": holds("scope=contacts")},
        ),
    ),
    _flow(
        "core/provisioner.js:201",
        "the platform's own application has a configuration, for either kind of OAuth",
        Step("GET /elements/hubspot/oauth/url/default", reads={"/configuration": dict}),
        Step("GET /elements/twitter/oauth/url/default", reads={"/configuration/secret": is_filled}),
    ),
    _flow(
        "test/platform/provisioning/provision.js:34-40",
        "a masked key is not that of the platform's own application",
        Step(
            "GET /elements/5050/oauth/url/default?oauth.api.key=********&provisioning=oauth2",
            reads={
                "/oauthUrl": lambda url: "client_id=*" not in url and "client_id=%2A" not in url
            },
        ),
    ),
    _flow(
        "test/platform/elements/metadata.js:13-61",
        "what an element can do: all, one, none, by polling and by webhook",
        Step("GET /elements/metadata", reads={"": is_filled}),
        Step(
            "GET /elements/421/metadata",
            reads={
                "/key": "freshservice",
                "/name": str,
                "/events/supported": True,
                "/events/methods": holds("polling"),
                "/events/polling": is_filled,
            },
        ),
        Step("GET /elements/710/metadata", reads={"/events/methods": holds("webhook")}),
        Step("GET /elements/999999999999/metadata", status=404),
        year="2017",
    ),
    _flow(
        "test/platform/elements/metadata.js:27-31",
        "more of it when expanded",
        Step(
            "GET /elements/421/metadata?expand=true",
            reads={
                "/image": str,
                "/displayOrder": int,
                "/transformations": bool,
                "/discovery/customFields": bool,
                "/bulk/upload": bool,
                "/usage/instanceCount": int,
                "/api": dict,
                "/resources/0/canonicalName": str,
                "/hub": "helpdesk",
            },
        ),
        year="2017",
    ),
    _flow(
        "test/platform/headers.js:20-26",
        "a page of another origin may read the platform's headers",
        Step(
            "GET /elements",
            headers={"Origin": "churros"},
            reads={"#access-control-expose-headers": _EXPOSED},
        ),
    ),
)

# Formulas, jobs, notifications, events


def _uses() -> tuple[Step, ...]:
    trigger = {"type": "scheduled", "properties": {"cron": "0 0/15 * 1/1 * ? *"}}
    return (
        create("closeio"),
        Step(
            "POST /formulas",
            body={"name": "fact", "triggers": [trigger]},
            reads={
                "/userId": int,
                "/accountId": int,
                "/createdDate": str,
                "/active": bool,
                "/published": bool,
            },
            keep={"formula": "/id"},
        ),
        Step(
            "POST /formulas/{formula}/instances",
            body={"name": "formula-instance", "configuration": {"trigger_instance": "{id}"}},
            reads={"/name": "formula-instance"},
            keep={"use": "/id"},
        ),
    )


_FORMULAS = (
    _flow(
        "test/platform/formulas/instances.js:112-135",
        "formula instances are found by the element instance they use; none is `[]`",
        *_uses(),
        Step(
            "GET /formulas/instances?elementInstanceId={id}",
            reads={"": counts(1), "/0/id": "{use}"},
        ),
        Step("GET /formulas/instances?elementInstanceId=-1", reads={"": []}),
        Step("GET /formulas/instances?searchText=mula-inst", reads={"/0/id": "{use}"}),
    ),
    _flow(
        "test/platform/formulas/instances.js:46-62,92-110,137-145",
        "a formula instance is switched, and keeps settings",
        *_uses(),
        Step("DELETE /formulas/{formula}/instances/{use}/active"),
        Step("GET /formulas/{formula}/instances/{use}", reads={"/active": False}),
        Step("PUT /formulas/{formula}/instances/{use}/active"),
        Step(
            "PUT /formulas/{formula}/instances/{use}",
            body={"name": "n", "settings": {"notification.email": "a@b.invalid"}},
            reads={"/active": True, "/settings/notification.email": "a@b.invalid"},
        ),
        Step("PUT /formulas/-1/instances/-1/active", status=404),
        Step("DELETE /formulas/-1/instances/-1/active", status=404),
    ),
    _flow(
        "test/platform/formulas/instances.js:148-200",
        "a schedule that is active has a job; none is `[]`",
        *_uses(),
        Step("GET /jobs", reads={"/0/description": holds("formula 1, instance 2")}),
        Step("DELETE /formulas/{formula}/instances/{use}/active"),
        Step("GET /jobs", reads={"": []}),
    ),
    _flow(
        "test/platform/formulas/formulas.js:20-46",
        "formulas: abridged, changed, exported, deleted",
        *_uses(),
        Step("GET /formulas?abridged=true", reads={"/0/triggers": list, "/0/steps": ABSENT}),
        Step(
            "PATCH /formulas/{formula}",
            body={"name": _MARKUP.format("new"), "active": False, "description": "d"},
            reads={"/name": "new", "/active": False, "/description": "d"},
        ),
        Step("GET /formulas/{formula}/export", reads={"/name": "new"}),
        Step("GET /formulas/-1/export", status=404),
        Step("DELETE /formulas/{formula}/instances/{use}"),
        Step("DELETE /formulas/{formula}"),
        Step("DELETE /instances/{id}"),
    ),
    _flow(
        "test/platform/notifications/notifications.js:56-64",
        "notifications without members are `[]`; they need a topic",
        Step("GET /notifications?topics[]=fake-topic-name", reads={"": []}),
        Step("GET /notifications", status=400),
        year="2017",
    ),
    _flow(
        "test/platform/events/events.js:30-62",
        "an event is signed, told, and then read by id and by token",
        create("closeio", configuration=_LISTENING),
        Step(
            "POST /events/closeio",
            headers={"Element-Instances": "{id}"},
            body={"accounts": [{"id": "lead"}], "objectType": "accounts"},
        ),
        Step(
            "GET /instances/{id}/events",
            reads={
                "told#elements-webhook-id": is_filled,
                "told#elements-webhook-signature": starts("sha256="),
                "/0/id": str,
                "/0/eventDate": str,
                "/0/providerData": str,
            },
            keep={"event": "told/message/eventId"},
        ),
        Step(
            "GET /instances/events?pageSize=10", reads={"/0/id": "{event}"}, authorization=BY_TOKEN
        ),
        Step(
            "GET /instances/events/{event}", reads={"/status": "NOTIFIED"}, authorization=BY_TOKEN
        ),
        Step("GET /instances/{id}/events/{event}", reads={"/status": "NOTIFIED"}),
    ),
    _flow(
        "test/platform/formulas/assets/common.js:84-94",
        "an event that was polled for comes under the instance's id in Base64",
        create("closeio"),
        Step(
            "POST /events/closeioPolling/{base:id}",
            headers={"Id": "{id}"},
            body={
                "instance_id": "{id}",
                "accounts": [],
                "events": [{"objectType": "accounts", "objectId": "lead", "eventType": "CREATED"}],
            },
        ),
        Step("GET /instances/{id}/events", reads={"": counts(1)}),
    ),
    _flow(
        "test/platform/events/disposition.js:40-66",
        "what became of an event is told",
        create("closeio", configuration=_LISTENING | {"event.notification.callback.url": "x"}),
        Step("POST /events/closeio", headers={"Element-Instances": "{id}"}, body={}),
        Step(
            "GET /instances/events/dispositions",
            reads={
                "/0/eventId": str,
                "/0/elementInstanceId": int,
                "/0/notificationData/0/message": holds("Error delivering event"),
            },
            authorization=BY_TOKEN,
        ),
    ),
)

FLOWS = (*_CHANGES, *_CALLS, *_ELEMENTS, *_FORMULAS)
