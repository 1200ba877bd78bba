"""What to do: the advice of the provider and of the command line.

An error states facts. What follows from them is told here, by the error and by what was being done
to the instance, and so are the parts from which other modules put their own advice together.
"""

from __future__ import annotations

import shlex

from ..api.errors import (
    AmbiguousError,
    APIError,
    AuthenticationError,
    CloudElementsError,
    NotFoundError,
    NotSentError,
    OtherInstanceError,
    Outcome,
    RateLimitError,
    SpentError,
    StrangerError,
    TooLargeError,
    UnsendableError,
)
from ..config import environment_name, stack_key

UP = "run pulumi up"
UP_AGAIN = "run pulumi up again"
REFRESH = "run pulumi refresh"
REFRESH_AND_UP = f"{REFRESH}, then pulumi up"
NEW_CODE = "get a new code"
REPLACE = "get another one, and replace the instance by pulumi up --replace with its URN"
"""About a code that neither PATCH nor PUT hands in."""
CORRECT = f"correct the inputs, then {UP}"
CORRECT_OR_NEW_CODE = f"correct the inputs, with a new code if one was sent, then {UP}"
CORRECT_ADOPT = "correct 'adopt', or leave it out to create an instance"
RIGHT_CREDENTIALS = f"give it a new code, or credentials that are right, then {UP}"
"""About an instance that the platform calls invalid."""
ENABLE = (
    "give it a new code, or set 'disabled' to false, and pulumi up enables it; with 'disabled' set "
    "to true it stays as it is"
)
"""About an instance that is disabled without the program's doing."""
FIND_ELEMENT = "'elements search' finds the right one"
LATER = "try again later"

_ADMINISTRATOR = "ask an administrator of your organization to allow this user to do it"
_FORBIDDEN, _SERVERS = 403, 500
_FORGET = "if it was deleted outside Pulumi, run pulumi state delete with its URN"
_BY_KIND: dict[type[CloudElementsError], str] = {
    RateLimitError: f"wait a little, then {UP_AGAIN}",
    TooLargeError: "give less configuration",
    SpentError: f"{NEW_CODE}, then {UP}",
    UnsendableError: CORRECT,
}


def advice(
    error: CloudElementsError, verb: str = "", *, base_url: str = "the platform"
) -> str | None:
    """Return what the user can do about an error; None where nothing follows from it.

    The verb says what was being done to an instance: `create`, `read`, `update`, `delete`; if any.
    """
    return _by_verb(error, verb) or _by_itself(error, base_url)


def without_pulumi(error: CloudElementsError, *, base_url: str = "the platform") -> str | None:
    """Return what the user of a command can do about an error."""
    then = advice(error, base_url=base_url)
    return then and then.replace(UP_AGAIN, "try again")


def authorize(name: str, stack: str, *, up: bool = False) -> str:
    """Return the command that brings an entry of a stack file its code."""
    return shlex.join(["elements", "authorize", name, "--stack", stack, *(["--up"] if up else [])])


def forget(urn: str, stack: str) -> str:
    """Return the command by which a stack's state forgets a resource."""
    return shlex.join(["pulumi", "state", "delete", urn, "--stack", stack])


def describe(element_key: str) -> str:
    """Return where to see what an element takes."""
    return f"'elements describe {element_key}' shows what it takes"


def of_another_stack(tag: str, forget: str = "pulumi state delete") -> str:
    """Return what to do about an instance by whose tag another stack has it."""
    then = f"let this state forget it, by {forget}"
    return f"has the tag '{tag}' of another stack, which has it now: {then}"


def use(address: str) -> str:
    """Return how to use an address."""
    key = stack_key("base_url")
    return f"set {environment_name('base_url')} (or, where that is not set, {key}) to {address}"


def _by_verb(error: CloudElementsError, verb: str) -> str | None:
    """Return what to do about a refusal, where the verb makes a difference."""
    match error, verb:
        case TooLargeError(), "create" | "update":
            return "give less configuration, with a new code if one was sent"
        case ((StrangerError() | RateLimitError() | TooLargeError()), _) | (_, ""):
            return None
        case AuthenticationError(names_our_secrets=True), _:
            return None
        case APIError(status=400 | 409), "delete":
            return "delete what uses the instance, such as formula instances, then run it again"
        case NotFoundError(), "update":
            return f"{REFRESH}, because it was deleted outside Pulumi"
        case NotFoundError(), "read":
            return "correct the id"
        case APIError(status=400 | 401 | 403), "read":  # docs: which one, is not settled
            return f"{_ADMINISTRATOR}; {_FORGET}" if error.status == _FORBIDDEN else _FORGET
        case AuthenticationError(status=403), _:
            return _ADMINISTRATOR
        case APIError(outcome=Outcome.REFUSED | Outcome.VENDOR_ERROR), "create" | "update":
            return CORRECT_OR_NEW_CODE
        case _:
            return None


def _by_itself(error: CloudElementsError, base_url: str) -> str | None:
    """Return what to do about an error that alone tells."""
    match error:
        case AuthenticationError(status=401):
            return (
                "check CLOUD_ELEMENTS_USER_SECRET and CLOUD_ELEMENTS_ORGANIZATION_SECRET "
                "(or the userSecret and organizationSecret of the stack)"
            )
        case NotSentError():
            return f"check that {base_url} is the platform and can be reached from here"
        case OtherInstanceError():
            return "do it again; if it stays so, ask the platform's support"
        case CloudElementsError(stranger=True):
            return f"check that {base_url} is the platform's API (it ends in /elements/api-v2)"
        case AmbiguousError(status=None):
            return UP_AGAIN
        case AmbiguousError():
            between = f"something between here and {base_url} spoils its answers"
            return f"{UP_AGAIN}; if it stays so, {between}"
        case APIError(outcome=Outcome.VENDOR_ERROR):
            return f"correct what the element's vendor refuses, or {LATER}"
        case APIError(status=status) if error.outcome is Outcome.SERVER_ERROR or status >= _SERVERS:
            if error.request_id:
                return f"{LATER}; support asks for the request id"
            return f"{LATER}, and check that {base_url} is the platform's API"
        case _:
            return _BY_KIND.get(type(error))
