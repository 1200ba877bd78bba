"""A page where a customer presses Connect, and comes back connected: `uvicorn app:app`.

Pulumi's Automation API deploys one stack for each customer. Put your product's login before it:
whoever may open a customer's page connects an account for that customer.
"""

import asyncio
import logging
import os
import secrets
import subprocess
from html import escape
from pathlib import Path
from typing import Any

import httpx
from pulumi import automation
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

CUSTOMERS = {"acme": "Acme", "birch": "Birch Online"}
"""Who may connect, by the name of the stack."""
ELEMENT = "onedrivebusiness"
PLATFORM = os.environ["CLOUD_ELEMENTS_BASE_URL"]
ORIGIN = PLATFORM.partition("/elements/")[0]
CALLBACK = f"{os.environ['PUBLIC_ADDRESS']}/callback"
"""As the application is registered at the vendor."""
APPLICATION = {
    "apiKey": os.environ["APPLICATION_KEY"],
    "apiSecret": os.environ["APPLICATION_SECRET"],
}
WHO_WE_ARE = (
    f"User {os.environ['CLOUD_ELEMENTS_USER_SECRET']}, "
    f"Organization {os.environ['CLOUD_ELEMENTS_ORGANIZATION_SECRET']}"
)
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Connect</title>
<style>body {{ font: 18px system-ui; margin: 4em auto; max-width: 30em }}
button {{ font: inherit; padding: .6em 1.2em }}</style><p>{}</p><h1>{}</h1>{}"""
BUTTONS = """<form method="post" action="/{0}/connect"><button>Connect OneDrive</button></form>
<form method="post" action="/{0}/session"><button>Connect by the platform's page</button></form>"""
log = logging.getLogger("uvicorn.error")
for other in ("uvicorn.access", "httpx"):
    logging.getLogger(other).disabled = True  # their lines would hold codes and secrets
asked: dict[str, str] = {}
"""Who is being asked for consent, by the random state that must come back."""
standing: dict[str, str] = {}
"""What became of each customer since this service started."""
under_way: dict[str, asyncio.Task[None]] = {}


finishing: dict[str, str] = {}
"""Who is at the platform's own page, by the random address that it will call."""


def deploy(customer: str, found: dict[str, str]) -> None:
    """Run `up` of the customer's stack with what consent brought, which is stored in it first."""
    here = Path(__file__).parent
    stack = automation.create_or_select_stack(customer, work_dir=str(here))
    for key, value in found.items():
        # By standard input: `stack.set_config` makes the value an argument, which others can see.
        subprocess.run(
            ["pulumi", "config", "set", "--secret", key, "--stack", customer],
            cwd=here,
            input=value,
            text=True,
            capture_output=True,
            check=True,
        )
    stack.up(on_output=lambda line: log.info("%s: %s", customer, line.rstrip()))


async def connected(customer: str, found: dict[str, str]) -> None:
    """Deploy in a thread, and remember what came of it. No code is sent twice, so no repeating."""
    try:
        await asyncio.to_thread(deploy, customer, found)
    except (automation.CommandError, subprocess.CalledProcessError):
        log.exception("%s could not be connected", customer)
        standing[customer] = "That did not work. Please connect once more."
    else:
        standing[customer] = "Connected"


def named(request: Request) -> str:
    """Return the customer that the address names."""
    customer = request.path_params["customer"]
    if customer not in CUSTOMERS:
        raise HTTPException(404)
    return customer


async def show(request: Request) -> Response:
    """Show where a customer stands, and the button."""
    customer = named(request)
    task = under_way.get(customer)
    busy = task is not None and not task.done()
    told = "Connecting …" if busy else standing.get(customer, "Not connected yet")
    again = '<meta http-equiv="refresh" content="1">' if busy else BUTTONS.format(customer)
    page = PAGE.format(escape(CUSTOMERS[customer]), escape(told), again)
    return HTMLResponse(page, headers={"Cache-Control": "no-store"})


def answered(answer: httpx.Response) -> Any:
    """Return what the platform answered. Its error would name the address, secrets and all."""
    if answer.is_error:
        log.error("the platform answered %s", answer.status_code)
        raise HTTPException(502, "The platform can't be asked now. Please try again later.")
    return answer.json()


async def connect(request: Request) -> Response:
    """Send the customer's browser to the vendor's consent page."""
    customer = named(request)
    state = secrets.token_urlsafe(32)
    async with httpx.AsyncClient() as client:
        answer = await client.post(
            f"{PLATFORM}/elements/{ELEMENT}/oauth/url",
            headers={"Authorization": WHO_WE_ARE},
            json=APPLICATION | {"callbackUrl": CALLBACK, "state": state},
        )
    response = RedirectResponse(answered(answer)["oauthUrl"], 303)
    asked[state] = customer
    # Only the browser that was sent away may come back with the answer.
    response.set_cookie("consent", state, max_age=600, httponly=True, samesite="lax")
    return response


async def callback(request: Request) -> Response:
    """Take the vendor's answer, once, and deploy."""
    state = request.query_params.get("state", "")
    if not secrets.compare_digest(state.encode(), request.cookies.get("consent", "").encode()):
        raise HTTPException(400, "This is not the answer to a question of ours.")
    customer = asked.pop(state, None)
    if customer is None:
        raise HTTPException(400, "This question was answered already.")
    code = request.query_params.get("code")
    if code:
        under_way[customer] = asyncio.create_task(connected(customer, {"code": code}))
    else:
        standing[customer] = "Access was not granted"
    response = RedirectResponse(f"/{customer}", 303)  # so that the code leaves the address bar
    response.delete_cookie("consent")
    return response


async def session(request: Request) -> Response:
    """Send the customer's browser to the platform's own page, which makes the instance itself."""
    customer = named(request)
    address = secrets.token_urlsafe(32)
    routes = f"{ORIGIN}/v1alpha1/elements/normalized-instances/applications"
    async with httpx.AsyncClient(headers={"Authorization": WHO_WE_ARE}) as client:
        told = {"url": f"{os.environ['PUBLIC_ADDRESS']}/finished/{address}"}
        body = {"name": CUSTOMERS[customer], "notificationCallback": told}
        made = answered(await client.post(routes, json=body))
        # The platform takes the application's secret in this address, and in no other way.
        begun = await client.post(
            f"{routes}/{made['applicationID']}/sessions",
            params=APPLICATION | {"elementKey": ELEMENT},
        )
    response = RedirectResponse(answered(begun)["redirectUrl"], 303)
    finishing[address] = customer
    return response


async def finished(request: Request) -> Response:
    """Adopt the instance that the platform has made; only it knows this address."""
    customer = finishing.pop(request.path_params["address"], None)
    if customer is None:
        raise HTTPException(404)
    told = await request.json()
    found = {"adopt": str(told["elementInstance"]["id"])}
    under_way[customer] = asyncio.create_task(connected(customer, found))
    return Response(status_code=204)


app = Starlette(
    routes=[
        Route("/callback", callback),
        Route("/{customer}", show),
        Route("/{customer}/connect", connect, methods=["POST"]),
        Route("/{customer}/session", session, methods=["POST"]),
        Route("/finished/{address}", finished, methods=["POST"]),
    ]
)
