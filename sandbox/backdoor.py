"""The `/sandbox/…` routes: control and consent over HTTP, for other processes and browsers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse
from starlette.routing import Route

from . import consent, sessions
from .callbacks import make_all
from .exchange import RefusalError
from .oauth import CONSENT_PATH
from .values import json_value

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .control import Control
    from .tenant import Tenant


class Backdoor:
    """Handlers of the control routes."""

    def __init__(self, tenant: Tenant, control: Control) -> None:
        self._tenant = tenant
        self._control = control

    def application(self) -> Starlette:
        """Return the ASGI application that serves the routes."""
        routes = [
            Route("/sandbox", self.index),
            Route(CONSENT_PATH, self.ask, methods=["GET"]),
            Route(CONSENT_PATH, self.decide, methods=["POST"]),
            Route("/sandbox/callback", self.callback),
            Route(f"{sessions.PATH}/{{key}}", self.ask_in_session, methods=["GET"]),
            Route(f"{sessions.PATH}/{{key}}", self.decide_in_session, methods=["POST"]),
            Route("/sandbox/codes", self.new_code, methods=["POST"]),
            Route("/sandbox/instances", self.instances, methods=["GET"]),
            Route("/sandbox/instances/{id:int}", self.update_instance, methods=["PATCH"]),
            Route("/sandbox/instances/{id:int}", self.delete_instance, methods=["DELETE"]),
            Route("/sandbox/journal", self.journal, methods=["GET"]),
            Route("/sandbox/counters", self.counters, methods=["GET"]),
            Route("/sandbox/switches", self.switches, methods=["GET"]),
            Route("/sandbox/switches", self.set_switches, methods=["PUT"]),
            Route("/sandbox/faults", self.faults, methods=["GET"]),
            Route("/sandbox/faults", self.add_fault, methods=["POST"]),
            Route("/sandbox/faults", self.clear_faults, methods=["DELETE"]),
            Route("/sandbox/reset", self.reset, methods=["POST"]),
        ]
        mistakes: dict[Any, Any] = {
            consent.ConsentError: _bad_request,
            KeyError: _bad_request,
            TypeError: _bad_request,
            ValueError: _bad_request,
        }
        return Starlette(routes=routes, exception_handlers=mistakes)

    async def index(self, _: Request) -> Response:
        """List switches, counters and faults."""
        state = {
            "counters": self._control.counters(),
            "switches": self._control.switches(),
            "faults": self._control.faults(),
        }
        return JSONResponse(state)

    async def ask(self, request: Request) -> Response:
        """Show the consent page, or answer at once when the switch says so."""
        query = dict(request.query_params)
        with self._tenant.lock:
            choice = self._tenant.switches.text("consent")
            if choice == "page":
                return HTMLResponse(consent.page(self._tenant, query))
            address = consent.decide(self._tenant, query, allow=choice == "allow")
        return RedirectResponse(address, status_code=303)

    async def decide(self, request: Request) -> Response:
        """Send the browser back with a code, or with an error."""
        form, allow = await _decision(request)
        query = dict(request.query_params) | form
        with self._tenant.lock:
            address = consent.decide(self._tenant, query, allow=allow)
        return RedirectResponse(address, status_code=303)

    async def ask_in_session(self, request: Request) -> Response:
        """Show the page of Standardized Authentication."""
        with self._tenant.lock:
            return HTMLResponse(sessions.page(self._tenant, request.path_params["key"]))

    async def decide_in_session(self, request: Request) -> Response:
        """Make or renew the instance of a session, and tell the application."""
        form, allow = await _decision(request)
        origin = str(request.base_url).rstrip("/")
        key = request.path_params["key"]
        with self._tenant.lock, self._tenant.store.transaction():
            try:
                end = sessions.decide(self._tenant, key, form, allow=allow, origin=origin)
            except RefusalError as refused:
                words = f"{refused.message} {refused.provider_message or ''}".strip()
                return PlainTextResponse(f"{words}\n", status_code=400)
        await make_all(self._tenant.take_due())
        return HTMLResponse(end)

    async def callback(self, request: Request) -> Response:
        """Show what came back, for the platform's own application."""
        return JSONResponse(dict(request.query_params))

    async def new_code(self, request: Request) -> Response:
        """Mint a one-time code: `{element, …extras}`."""
        extras = await _object(request)
        element = extras.pop("element", None)
        data = self._control.new_provider_data(element, **{k: str(v) for k, v in extras.items()})
        return JSONResponse({"providerData": data})

    async def instances(self, _: Request) -> Response:
        """List instances as stored."""
        return JSONResponse(self._control.instances())

    async def update_instance(self, request: Request) -> Response:
        """Change an instance."""
        self._control.update_instance(request.path_params["id"], **await _object(request))
        return JSONResponse({})

    async def delete_instance(self, request: Request) -> Response:
        """Delete an instance."""
        self._control.delete_instance(request.path_params["id"])
        return JSONResponse({})

    async def journal(self, _: Request) -> Response:
        """List requests."""
        return JSONResponse(self._control.journal())

    async def counters(self, _: Request) -> Response:
        """List counters."""
        return JSONResponse(self._control.counters())

    async def switches(self, _: Request) -> Response:
        """List switches."""
        return JSONResponse(self._control.switches())

    async def set_switches(self, request: Request) -> Response:
        """Set switches: `{name: value, …}`."""
        for name, value in (await _object(request)).items():
            self._control.set_switch(name, value)
        return JSONResponse(self._control.switches())

    async def faults(self, _: Request) -> Response:
        """List waiting faults."""
        return JSONResponse(self._control.faults())

    async def add_fault(self, request: Request) -> Response:
        """Add a fault: `{kind, method, path, times, after, probability, …parameters}`."""
        return JSONResponse({"number": self._control.add_fault(**await _object(request))})

    async def clear_faults(self, _: Request) -> Response:
        """Forget faults."""
        self._control.clear_faults()
        return JSONResponse({})

    async def reset(self, _: Request) -> Response:
        """Start afresh."""
        self._control.reset()
        return JSONResponse({})


async def _decision(request: Request) -> tuple[dict[str, str], bool]:
    form = dict(parse_qsl((await request.body()).decode()))
    decision = form.pop("decision", request.query_params.get("decision"))
    if decision not in ("allow", "deny"):
        msg = "decision is allow or deny"
        raise ValueError(msg)
    return form, decision == "allow"


async def _object(request: Request) -> dict[str, Any]:
    body = json_value(await request.body())
    if not isinstance(body, dict):
        msg = "the body is not a JSON object"
        raise TypeError(msg)
    return body


async def _bad_request(_: Request, problem: Exception) -> Response:
    words = problem.args[0] if isinstance(problem, KeyError) else problem
    return PlainTextResponse(f"{words}\n", status_code=400)
