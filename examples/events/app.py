"""Takes the platform's events, and believes only what is signed: `uvicorn app:app`.

The signature is over the body as it came. Parsed and written anew, it would be another text.
"""

import base64
import hashlib
import hmac
import json
import logging
import os

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

LARGEST = 1 << 20
"""Bytes of a body; a larger one is not read to its end."""
ALGORITHMS = {"sha256": hashlib.sha256, "sha1": hashlib.sha1}
"""The header names the one that was taken; `sha1` is the older way."""
log = logging.getLogger("uvicorn.error")


def is_signed(body: bytes, signature: str, key: bytes) -> bool:
    """Tell whether the value of `Elements-Webhook-Signature` was made from body and key."""
    name, _, given = signature.partition("=")
    if name not in ALGORITHMS:
        return False
    expected = base64.b64encode(hmac.digest(key, body, ALGORITHMS[name]))
    return hmac.compare_digest(expected, given.encode())


async def events(request: Request) -> Response:
    """Take one call of the platform, which may tell of several events."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST:
            return Response(status_code=413)
    key = os.environ["EVENTS_SIGNATURE_KEY"].encode()
    if not is_signed(body, request.headers.get("Elements-Webhook-Signature", ""), key):
        return Response(status_code=401)
    message = json.loads(body)["message"]
    for event in message["events"]:
        # What an application does with it goes here: once, should the same event come again.
        log.info("%s: %s %s", message["instanceId"], event["objectType"], event["objectId"])
    return Response(status_code=204)


app = Starlette(routes=[Route("/events", events, methods=["POST"])])
