"""The ASGI application: journal, faults, authorization and handlers around every request."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from . import access, routes, sessions
from .callbacks import make_all
from .exchange import NO_BODY, Answer, Call, RefusalError
from .faults import parse_fault
from .rendering import mixed_up
from .values import NOT_JSON, json_value

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

    from .faults import Fault
    from .journal import Entry
    from .tenant import Tenant

PREFIX = "/elements/api-v2"
_JSON = "application/json;charset=UTF-8"
LARGEST_BODY = 8_000_000
"""Bytes. docs: a larger payload gets 429 (help centre, usage limits of June 2019)."""
_TOO_LARGE = "The payload is larger than the limit of 8 MB"
_GATEWAY_PAGE = (
    "<html><head><title>{status}</title></head><body><h1>{status}</h1><hr>gateway</body></html>"
)
# docs: what a page of another origin may read (vendor's test suite, headers.js:20-26, 2018).
_EXPOSED = (
    "Elements-Returned-Count",
    "Elements-Total-Count",
    "Elements-Request-Id",
    "Elements-Next-Page-Token",
    "Elements-Trace-Id",
    "Elements-Error",
    "Content-Disposition",
)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_logger = logging.getLogger("sandbox")


class Application:
    """Serves the platform API under `/elements/api-v2`, and everything else by `backdoor`."""

    def __init__(
        self, tenant: Tenant, backdoor: ASGIApp, sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._tenant = tenant
        self._backdoor = backdoor
        self._sleep = sleep
        self._api = CORSMiddleware(
            self._answer,
            allow_origins=["*"],
            allow_methods=_METHODS,
            allow_headers=["*"],
            expose_headers=_EXPOSED,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        # Pages of other origins may use the API as it allows, but never see the backdoor.
        of_api = scope["path"].startswith((f"{PREFIX}/", f"{sessions.ANCESTOR}/"))
        await (self._api if of_api else self._backdoor)(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = await _body(receive)
        if raw is not None:
            await _Exchange(self._tenant, self._sleep, scope, receive, send).run(raw)


async def _body(receive: Receive) -> bytes | None:
    """Return the body, of one that is too large only the first part; None if it breaks off."""
    pieces, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        if size <= LARGEST_BODY:
            pieces.append(message.get("body", b""))
            size += len(pieces[-1])
        more = message.get("more_body", False)
    return b"".join(pieces)


class _Exchange:
    """One platform request from its arrival to its answer, or to the lack of one."""

    def __init__(
        self,
        tenant: Tenant,
        sleep: Callable[[float], Awaitable[None]],
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        self._tenant = tenant
        self._sleep = sleep
        self._scope = scope
        self._receive = receive
        self._send = send
        self._headers = {k.decode().lower(): v.decode("latin-1") for k, v in scope["headers"]}
        # docs: a slash at the end makes no difference (elements-connect, ElementsService.js, 2018).
        self._path = scope["path"].removeprefix(PREFIX).rstrip("/")

    async def run(self, raw: bytes) -> None:
        """Answer, or drop the connection."""
        tenant = self._tenant
        with tenant.lock:
            call, path = self._call(raw)
            entry = self._enter(call, raw)
            fault, response = self._meet(call, entry)
            if response is None and len(raw) > LARGEST_BODY:
                response = self._refused(RefusalError(429, _TOO_LARGE), entry)
            call.fault = fault
            waits = self._waits(call)
        for seconds in waits:
            await self._pause(seconds)
        try:
            if response is None and fault is not None and fault.before:
                response = await self._instead(fault, entry)
            if response is None:
                response = self._work(call, path, entry)
                await make_all(tenant.take_due())
                if fault is not None and not fault.before:
                    response = await self._afterwards(fault, entry, response)
            await self._reply(response, entry, fault)
        except _DroppedError:
            entry.finished = True
            await self._drop()

    # Arrival

    def _call(self, raw: bytes) -> tuple[Call, routes.Path | None]:
        authorization = access.parse_authorization(self._headers.get("authorization", ""))
        found = routes.find(self._path, by_token="Element" in authorization)
        call = Call(
            tenant=self._tenant,
            method=self._scope["method"],
            template=found[0].template if found else "",
            path_parameters=found[1] if found else {},
            query=_query(self._scope),
            authorization=authorization,
            body=json_value(raw) if len(raw) <= LARGEST_BODY else NOT_JSON,
            headers=self._headers,
            origin=self._origin(),
        )
        return call, found[0] if found else None

    def _origin(self) -> str:
        host, port = self._scope["server"]
        return f"http://{self._headers.get('host') or f'{host}:{port}'}"

    def _enter(self, call: Call, raw: bytes) -> Entry:
        text = raw.decode(errors="replace") or None
        return self._tenant.journal.begin(
            time=self._tenant.clock(),
            method=call.method,
            template=call.template,
            path=self._scope["path"].removeprefix(PREFIX),
            query=call.query,
            authorization=sorted(call.authorization),
            request_id=self._tenant.next_request_id(),
            body=text if call.body is NOT_JSON else call.body,
        )

    def _meet(self, call: Call, entry: Entry) -> tuple[Fault | None, Response | None]:
        """Return the fault of this request; or at once the answer to a bad fault header."""
        asked = self._headers.get("sandbox-fault")
        try:
            fault = parse_fault(asked) if asked else None
        except ValueError as problem:
            return None, self._refused(RefusalError(400, f"Sandbox-Fault: {problem}"), entry)
        if self._tenant.over_rate_limit():
            limited = self._refused(RefusalError(429, "Too many requests"), entry)
            wait = {"seconds": "1", "date": "date:1", "none": ""}
            self._retry_after(limited, wait[self._tenant.switches.text("rate_limit_retry_after")])
            return None, limited
        fault = fault or self._tenant.faults.meet(call.method, call.template, self._path)
        entry.fault = str(fault) if fault else None
        return fault, None

    def _waits(self, call: Call) -> list[float]:
        waits = [self._tenant.switches.number("latency")]
        if call.method == "POST" and call.template.endswith("/instances"):
            waits.append(self._tenant.switches.number("create_seconds"))
        return waits

    async def _pause(self, seconds: float) -> None:
        if seconds > 0:
            await self._sleep(seconds)

    # Work

    def _work(self, call: Call, path: routes.Path | None, entry: Entry) -> Response:
        """Carry the request out; its changes are kept even when the answer is an error."""
        tenant = self._tenant
        try:
            with tenant.lock, tenant.store.transaction():
                try:
                    response = self._answered(_dispatch(call, path), entry)
                except RefusalError as refusal:
                    response = self._refused(refusal, entry)
                entry.code_ignored = call.code_ignored
        except Exception:
            _logger.exception("the sandbox itself failed in %s %s", call.method, call.template)
            return self._refused(RefusalError(500, "The sandbox itself failed; see its log"), entry)
        if call.token_instance is not None:
            # docs: which instance a token meant (vendor's test suite, instances.js:398, 2018).
            response.headers["elements-element-instance-id"] = str(call.token_instance.id)
        return response

    def _answered(self, answer: Answer, entry: Entry) -> Response:
        body = b"" if answer.body is NO_BODY else _json(answer.body)
        return self._response(answer.status, body, entry, answer.headers)

    def _refused(self, refusal: RefusalError, entry: Entry) -> Response:
        body: dict[str, Any] = {"requestId": entry.request_id, "message": refusal.message}
        entry.vendor_refused = refusal.provider_message is not None
        if refusal.provider_message is not None:
            vendors = {"providerMessage": refusal.provider_message}
            nested = self._tenant.switches.text("provider_message") == "nested"
            body |= {"error": vendors} if nested else vendors
        return self._response(refusal.status, _json(body), entry, refusal.headers)

    def _response(
        self, status: int, body: bytes, entry: Entry, headers: dict[str, str]
    ) -> Response:
        headers = headers | {"elements-request-id": entry.request_id}
        return Response(body, status, headers, media_type=_JSON if body else None)

    # Faults

    async def _instead(self, fault: Fault, entry: Entry) -> Response | None:
        """Return the answer that replaces the work; None to go on with the work."""
        if fault.kind == "drop":
            raise _DroppedError
        if fault.kind == "slow":
            await self._pause(fault.amount("seconds"))
            return None
        if fault.kind == "redirect":
            location = fault.parameter("location") or f"{self._origin()}{PREFIX}/moved"
            headers = {"location": location}
            return self._response(int(fault.amount("status")), b"", entry, headers)
        if fault.kind == "mixed_up":
            return self._mixed_up(fault, entry, None)
        return self._error(fault, entry)

    async def _afterwards(self, fault: Fault, entry: Entry, response: Response) -> Response:
        """Return the answer that is sent in place of the right one."""
        body = bytes(response.body)
        if fault.kind == "drop":
            raise _DroppedError
        if fault.kind == "slow":
            await self._pause(fault.amount("seconds"))
        elif fault.kind in ("status", "size"):
            return self._error(fault, entry)
        elif fault.kind == "truncated":
            return self._response(response.status_code, body[: len(body) // 2], entry, {})
        elif fault.kind == "content_type":
            response.headers["content-type"] = fault.parameter("type")
        elif fault.kind == "empty":
            return self._response(200, b"", entry, {})
        elif fault.kind == "not_an_instance":
            return self._response(200, _json(["not", "an", "instance"]), entry, {})
        elif fault.kind == "mixed_up":
            return self._mixed_up(fault, entry, json.loads(body) if body else None)
        return response

    def _mixed_up(self, fault: Fault, entry: Entry, right: object) -> Response:
        own = right if isinstance(right, dict) and "id" in right else {}
        last = entry.path.rpartition("/")[2]
        own = own or ({"id": int(last)} if last.isdecimal() else {})
        with self._tenant.lock:
            return self._response(200, _json(mixed_up(self._tenant, fault, own)), entry, {})

    def _error(self, fault: Fault, entry: Entry) -> Response:
        if fault.kind == "size":
            return self._refused(RefusalError(429, _TOO_LARGE), entry)
        status = int(fault.amount("status"))
        if fault.parameter("body") == "html":
            page = _GATEWAY_PAGE.format(status=status)
            # A gateway answers in the platform's place: no request id, no JSON.
            response = Response(page, status, media_type="text/html")
        else:
            response = self._refused(RefusalError(status, f"Sandbox fault {status}"), entry)
        self._retry_after(response, fault.parameter("retry_after"))
        return response

    def _retry_after(self, response: Response, wait: str) -> None:
        if wait.startswith("date:"):
            moment = self._tenant.clock() + float(wait.removeprefix("date:"))
            wait = format_datetime(datetime.fromtimestamp(moment, UTC), usegmt=True)
        if wait:
            response.headers["retry-after"] = wait

    # Answer

    async def _reply(self, response: Response, entry: Entry, fault: Fault | None) -> None:
        # The journal is complete before the client can look. It gives no status for an answer
        # whose client went away meanwhile.
        entry.finished = True
        if not self._scope["state"]["transport"].is_closing():
            entry.status = response.status_code
        if fault is None or fault.kind != "trickle":
            await response(self._scope, self._receive, self._send)
            return
        start = {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": response.raw_headers,
        }
        await self._send(start)
        body, pieces = bytes(response.body), max(1, int(fault.amount("pieces")))
        size = -(-len(body) // pieces) or 1
        for at in range(0, len(body), size):
            await self._pause(fault.amount("seconds"))
            piece = {"type": "http.response.body", "body": body[at : at + size], "more_body": True}
            await self._send(piece)
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _drop(self) -> None:
        """Close this connection at once; others stay."""
        self._scope["state"]["transport"].abort()
        # uvicorn would answer 500 for an application that returns before it knows of the end.
        await self._receive()


class _DroppedError(Exception):
    """The connection is to be closed without an answer."""


def _query(scope: Scope) -> list[tuple[str, str]]:
    return parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)


def _dispatch(call: Call, path: routes.Path | None) -> Answer:
    if path is None:
        raise RefusalError(404, "No such resource")
    route = path.routes.get("GET" if call.method == "HEAD" else call.method)
    if route is None:
        allowed = [*path.routes, *(["HEAD"] if "GET" in path.routes else [])]
        raise RefusalError(405, "Method not allowed", headers={"allow": ", ".join(allowed)})
    access.admit(call, route.access)
    return route.handler(call)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
