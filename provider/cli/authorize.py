"""`elements authorize`: from a declared instance to a code in the stack's secret configuration."""

from __future__ import annotations

import re
import secrets
import sys
from contextlib import ExitStack, nullcontext, redirect_stdout
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import parse_qsl, urlsplit

import typer

from ..api.redaction import is_secret_key
from ..instance.advice import describe
from ..stack_keys import setting_path
from .application import API_KEY, API_SECRET, CALLBACK_URL, CREDENTIALS, authentication
from .completion import instance_names
from .console import Exit, FailureError, could_not, emit, say, shown
from .options import AsJson, StackName  # noqa: TC001 - typer reads the annotations
from .project import Project, platform, set_command, settings_of, undeclared

if TYPE_CHECKING:
    from ..api import wire
    from ..api.client import CloudElementsClient
    from ..consent.grant import Answer, Grant, Question
    from ..consent.listener import Listener
    from ..declarations import InstanceDeclaration
    from .project import Stack
    from .storing import Keys

_SITE = re.compile(r"(.+\.)?(subdomain|site\.?address)", re.IGNORECASE)
_PATH = "/callback"


_Instance = Annotated[
    str,
    typer.Argument(
        help="Name of the entry in the stack's cloud-elements:instances.",
        autocompletion=instance_names,
    ),
]
_Port = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=65535,
        help="Port of 127.0.0.1 to listen on. Needed when the callback URL that is registered "
        "with the vendor has a port and the stack does not declare it, or when another port "
        "is forwarded to this one.",
    ),
]
_Timeout = Annotated[
    float,
    typer.Option(min=0, max=86400, help="Seconds to wait for the answer.", metavar="SECONDS"),
]
_Browser = Annotated[
    bool, typer.Option(help="Open the browser, or only print the address of the consent page.")
]
_Paste = Annotated[
    bool, typer.Option("--paste", help="Do not listen: you paste the address or the code.")
]
_Extra = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY=VALUE",
        help="What else the consent step asks for, such as subdomain=acme; no secret, "
        "because it becomes part of an address. Repeatable.",
    ),
]
_Up = Annotated[bool, typer.Option("--up", help="Run 'pulumi up' right after.")]
_YesToUp = Annotated[
    bool, typer.Option("--yes", "-y", help="With --up: answer the question of 'pulumi up'.")
]


def authorize(
    instance: _Instance,
    *,
    stack: StackName = None,
    port: _Port = None,
    timeout: _Timeout = 300.0,
    browser: _Browser = True,
    paste: _Paste = False,
    extra: _Extra = None,
    up: _Up = False,
    yes: _YesToUp = False,
    as_json: AsJson = False,
) -> None:
    """Get consent in the browser, and store its code in the stack.

    The instance is an entry of cloud-elements:instances that names an OAuth element, its
    oauth.api.key and oauth.api.secret, and the oauth.callback.url registered with the vendor.

    A callback URL on this machine (http://127.0.0.1:8080/callback) is listened to; one on a
    server of yours ends there, and you paste the address that the browser shows, or the code in
    it. On a machine without a browser, open the printed address anywhere and paste likewise.

    The code goes into the stack's configuration, encrypted, over standard input; nothing is
    printed, and nothing is stored if anything fails. It is good for minutes: run pulumi up soon.

    \b
    Examples:
      elements authorize invoices --stack dev
      elements authorize invoices --stack dev --up --yes
      ssh server elements authorize invoices --no-browser
    """  # noqa: D301 - \b keeps the lines of a list apart
    target = _Target.of(Project().stack(stack), instance)
    way = _Way(port, timeout, browser=browser, paste=paste)
    _connect(target, _extras(extra or []), way)
    _finish(target, up=up, yes=yes, as_json=as_json)


@dataclass(frozen=True)
class _Way:
    """How the person and the answer find each other."""

    port: int | None
    """Where to listen."""
    seconds: float
    """How long to wait."""
    browser: bool
    paste: bool


def _connect(target: _Target, extras: dict[str, str], way: _Way) -> None:
    """Get consent for an entry, and store its grant."""
    from .browser import lead  # noqa: PLC0415

    with platform(settings_of(target.stack)) as client, ExitStack() as stop:
        application = _Application.of(target, client, way.port)
        listener = None if way.paste else _listener(application, way.port, stop)
        if application.callback_url is None:
            if listener is None:
                raise _no_callback(target)
            application.callback_url = f"http://127.0.0.1:{listener.port}{_PATH}"
        with could_not(f"get the consent page of instance '{target.name}'"):
            question, address = _ask(application, client, extras)
        if listener:
            listener.ask(question)
        if target.callback_url is None:
            say(
                f"The stack declares no {CALLBACK_URL}, so {application.callback_url} is "
                "used: it must be registered with the vendor, to the letter."
            )
        element = application.element.name or application.element.key
        lead(address, element, application.api_secret, browser=way.browser)
        grant = _granted(_wait(question, listener, way.seconds), target, way.seconds)
        _store(target, grant, application)


@dataclass(frozen=True)
class _Target:
    """The entry that is to get a code."""

    stack: Stack
    name: str
    declaration: InstanceDeclaration

    @classmethod
    def of(cls, stack: Stack, name: str) -> _Target:
        declared = stack.declared()
        stack.file.check()
        if name not in declared:
            raise FailureError(undeclared(stack, name, declared))
        return cls(stack, name, declared[name])

    @property
    def callback_url(self) -> str | None:
        """The callback URL that the entry declares."""
        from ..api import wire  # noqa: PLC0415

        return wire.stored(self.declaration.configuration.get(CALLBACK_URL)) or None

    def check_again(self) -> None:
        """See that the entry is still what was asked about.

        Raises:
            FailureError: It was removed or changed meanwhile: the code would be another's.
        """
        stack, before = self.stack.project.stack(self.stack.name), self.declaration
        now = stack.declared().get(self.name)
        if now is None:
            message = f"Instance '{self.name}' was removed from stack '{stack.name}' meanwhile."
            raise FailureError(shown(message))
        fields = ("element", "oauth_proxy")
        changed = [key for key in fields if getattr(now, key) != getattr(before, key)] + [
            f"configuration.{key}"
            for key in (*CREDENTIALS, CALLBACK_URL)
            if now.configuration.get(key) != before.configuration.get(key)
        ]
        if changed:
            message = f"Instance '{self.name}' was changed meanwhile: {', '.join(changed)}."
            raise FailureError(shown(message))


@dataclass
class _Application:
    """What is registered with the element's vendor."""

    element: wire.Element
    oauth1: bool
    api_key: str
    api_secret: str = field(repr=False)
    callback_url: str | None
    """None when the stack does not declare one, until we listen."""
    scope: str | None
    extras: dict[str, str]
    site_address: str | None

    @classmethod
    def of(cls, target: _Target, client: CloudElementsClient, port: int | None) -> _Application:
        from ..api import wire  # noqa: PLC0415

        given = {key: wire.stored(value) for key, value in target.declaration.configuration.items()}
        configuration = {key: value for key, value in given.items() if value}
        element = _element(target.declaration.element, client)
        kind = _kind(element, configuration)
        if target.declaration.oauth_proxy:
            # docs: in place of our state the proxy takes the application's callback URL (2020-11),
            # so an answer could not be told from a stranger's.
            message = (
                f"Instance '{target.name}' uses an OAuth proxy, through which no consent can be "
                "asked for here: let your application get the code, then run"
                f"\n  {set_command(target.stack.name, target.name, 'code')}"
            )
            raise FailureError(message)
        if lacking := [key for key in CREDENTIALS if key not in configuration]:
            raise _no_application(target, lacking)
        callback_url = target.callback_url
        if callback_url is None and port is not None:
            callback_url = f"http://127.0.0.1:{port}{_PATH}"
        return cls(
            element=element,
            oauth1=kind == "oauth1",
            api_key=configuration[API_KEY],
            api_secret=configuration[API_SECRET],
            callback_url=callback_url,
            scope=configuration.get("oauth.scope") or configuration.get("scope"),
            extras=_needed_at_consent(element, configuration),
            site_address=next((v for k, v in configuration.items() if _SITE.fullmatch(k)), None),
        )


def _element(key: str, client: CloudElementsClient) -> wire.Element:
    """Return an element's metadata; or what is known without them, where they can't be had."""
    from ..api import wire  # noqa: PLC0415
    from ..api.errors import (  # noqa: PLC0415
        AuthenticationError,
        CloudElementsError,
        NotFoundError,
    )

    with could_not(f"look up element '{key}'"):
        try:
            return client.get_element(key)
        except (AuthenticationError, NotFoundError):
            raise
        except CloudElementsError as error:
            say(f"Warning: element '{shown(key)}' could not be looked up: {shown(str(error))}.")
            return wire.Element(key=key)


def _kind(element: wire.Element, configuration: dict[str, str]) -> str:
    """Return `oauth1` or `oauth2`."""
    kind = authentication(element, configuration)
    if kind not in ("", "oauth", "oauth1", "oauth2"):
        message = (
            f"Element '{shown(element.key)}' authenticates with '{shown(kind)}' and needs no "
            f"consent: {describe(shown(element.key))}."
        )
        raise FailureError(message)
    return "oauth1" if kind == "oauth1" else "oauth2"


def _needed_at_consent(element: wire.Element, configuration: dict[str, str]) -> dict[str, str]:
    """Return the plain keys of the element's own that its consent page may depend on.

    docs: `subdomain`, `authentication.type` and others are passed on as they are (2020-11).
    """
    from ..instance.metadata import plain_keys  # noqa: PLC0415

    plain = plain_keys(element)
    required = {entry.key for entry in element.configuration if entry.required}
    return {
        key: value
        for key, value in configuration.items()
        if not key.startswith(("oauth.", "event."))
        and not is_secret_key(key, plain)
        and (key in required or key == "authentication.type" or _SITE.fullmatch(key))
    }


def _extras(given: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key:
            message = "--extra takes KEY=VALUE, such as --extra subdomain=acme."
            raise FailureError(message, Exit.USAGE)
        found[key] = value
    return found


def _no_application(target: _Target, lacking: list[str]) -> FailureError:
    commands = "".join(
        f"\n  {set_command(target.stack.name, target.name, 'configuration', key)}"
        for key in lacking
    )
    return FailureError(
        f"Instance '{target.name}' has no {' and no '.join(lacking)}, which the vendor gives to "
        f"your application: run{commands}"
    )


def _no_callback(target: _Target) -> FailureError:
    path = setting_path(target.name, "configuration", CALLBACK_URL)
    return FailureError(
        f"Instance '{target.name}' declares no {CALLBACK_URL}, without which nothing can be "
        f"pasted: set it by \"pulumi config set --path '{path}' <URL> "
        f'--stack {target.stack.name}".'
    )


def _listener(application: _Application, port: int | None, stop: ExitStack) -> Listener | None:
    """Return what listens for the callback, None when it does not come to this machine."""
    from ..consent.listener import Listener, ListenError, Place, place_of  # noqa: PLC0415

    if application.callback_url is None:
        place: Place | None = Place("127.0.0.1", 0, _PATH)
    else:
        place = place_of(application.callback_url)
    if place is None:
        if port is not None:
            message = (
                f"The callback URL {shown(application.callback_url or '')} does not lead to http "
                "on this machine, so --port makes no sense: leave it out, and paste."
            )
            raise FailureError(message, Exit.USAGE)
        return None
    try:
        listener = Listener(place.path, port or place.port, place.port or None)
    except ListenError as error:
        message = (
            f"Nothing was asked, because {error}: stop what uses the port, or give --paste and "
            "paste the address at which the browser ends up."
        )
        raise FailureError(message) from None
    return stop.enter_context(listener)


def _ask(
    application: _Application, client: CloudElementsClient, extras: dict[str, str]
) -> tuple[Question, str]:
    """Return the question that we ask, and the address of the page that asks it."""
    from ..consent.grant import Question  # noqa: PLC0415

    state = secrets.token_urlsafe(32)
    callback_url = application.callback_url or ""
    known = {name for name, _ in parse_qsl(urlsplit(callback_url).query, keep_blank_values=True)}
    needed = application.extras | extras
    token = None
    if application.oauth1:
        answer = client.oauth.request_token(
            application.element.key,
            api_key=application.api_key,
            api_secret=application.api_secret,
            callback_url=callback_url,
            extras=needed | {"state": state},
        )
        token = (answer.token, answer.secret or "")
        needed = needed | {"requestToken": answer.token}
    redirect = client.oauth.url(
        application.element.key,
        api_key=application.api_key,
        api_secret=application.api_secret,
        callback_url=callback_url,
        state=state,
        scope=application.scope,
        site_address=application.site_address,
        extras=needed,
    )
    return Question(state, token, frozenset(known)), redirect.oauth_url


def _wait(question: Question, listener: Listener | None, seconds: float) -> Answer | None:
    from ..consent.grant import MisfitError  # noqa: PLC0415
    from ..consent.race import first_answer  # noqa: PLC0415
    from ..consent.terminal import Prompt  # noqa: PLC0415

    prompt = Prompt.of(sys.stdin)
    if prompt is not None and listener and not prompt.terminal:
        prompt = None
    if prompt is None:
        say(f"Waiting for the browser, {seconds:g} s at most.")
    elif listener is None:
        say("Then paste the address at which the browser ends up, or the code in it (not shown):")
    else:
        say(
            "Waiting for the browser. If it runs on another machine, paste the address at which "
            "it ends, or the code in it (not shown):"
        )
    try:
        with prompt or nullcontext():
            return first_answer(
                question, listener=listener, prompt=prompt, seconds=seconds, complain=say
            )
    except EOFError:
        message = "Standard input ended without an answer, and nothing was stored."
        raise FailureError(message, Exit.TIMEOUT) from None
    except MisfitError as misfit:
        message = (
            f"What came on standard input was not accepted, because {misfit}, and nothing was "
            "stored: hand over the whole address, or the bare code."
        )
        raise FailureError(message) from None


def _granted(answer: Answer | None, target: _Target, seconds: float) -> Grant:
    from ..consent.grant import Denial  # noqa: PLC0415

    if answer is None:
        message = (
            f"No answer came within {seconds:g} s, and nothing was stored: run the command again "
            f"for '{target.name}', with a longer --timeout if need be."
        )
        raise FailureError(message, Exit.TIMEOUT)
    if isinstance(answer, Denial):
        message = (
            f"Consent was not given ({answer.reason}), and nothing was stored: run the command "
            "again once it is."
        )
        raise FailureError(message, Exit.DECLINED)
    return answer


def _store(target: _Target, grant: Grant, application: _Application) -> None:
    """Put the grant into the stack's configuration, all or nothing."""
    from .storing import store  # noqa: PLC0415

    secrets: dict[Keys, str] = {
        (target.name, "provider_data", key): value for key, value in grant.provider_data.items()
    }
    if grant.code is not None:
        secrets[target.name, "code"] = grant.code
    plain: dict[Keys, str] = {}
    if target.callback_url is None:
        plain[target.name, "configuration", CALLBACK_URL] = application.callback_url or ""
    try:
        target.check_again()
        store(target.stack, secrets, plain)
    except FailureError as failure:
        message = f"{failure} The code was not stored: correct that, then run the command again."
        raise FailureError(message) from None


def _finish(target: _Target, *, up: bool, yes: bool, as_json: bool) -> None:
    from ..shards import shard_of  # noqa: PLC0415
    from .fleet import shards_in  # noqa: PLC0415 - loads HTTP

    command = f"pulumi up --stack {target.stack.name}"
    shards = shards_in(target.stack.file.shown)
    if shards:
        shard = shard_of(target.name, shards)
        command = f"elements up --stack {target.stack.name} --shard {shard}"
    say(f"The code of '{target.name}' is stored in stack '{target.stack.name}', encrypted.")
    result: dict[str, Any] = {
        "instance": target.name,
        "element": target.declaration.element,
        "stack": target.stack.name,
        "stored": True,
    }
    if not up:
        say(f"It is good for a few minutes, and once: run '{command}' now.")
        if as_json:
            emit(result | {"up": None})
        return
    code = _up(target, shards, yes=yes, quiet=as_json)
    what = command.partition(" ")[0]
    if as_json:
        emit(result | {"up": code == 0})
    if code in (Exit.HUNG_UP, Exit.INTERRUPTED, Exit.TERMINATED):
        message = f"The code is stored, and '{what} up' was interrupted: run '{command}' again."
        raise FailureError(message, Exit(code))
    if code:
        message = (
            f"The code is stored, but '{what} up' exited with {code}: correct what it says and run "
            f"'{command}' within minutes, or authorize again."
        )
        raise FailureError(message)


def _up(target: _Target, shards: int | None, *, yes: bool, quiet: bool) -> int:
    """Run the stack's update, or that of the shard that has the entry; return its exit code."""
    if not shards:
        flags = ["--yes"] if yes else []
        return target.stack.pulumi.attended("up", "--stack", target.stack.name, *flags, quiet=quiet)
    from ..shards import shard_of  # noqa: PLC0415
    from .play import Job  # noqa: PLC0415
    from .run import run  # noqa: PLC0415

    job = Job.of("up", target.stack.name, None, yes=yes, shard=shard_of(target.name, shards))
    with redirect_stdout(sys.stderr if quiet else sys.stdout):
        return run(job)
