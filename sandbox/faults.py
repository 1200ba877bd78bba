"""Faults: answers that get lost, late, broken or refused, on request.

Owns the table of kinds, the syntax in which faults are written, and the choice of the fault that
meets a request. Carrying a fault out is the application's work.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from itertools import count


@dataclass(frozen=True, slots=True)
class Kind:
    """One way in which a request can go wrong, with its parameters and their defaults."""

    name: str
    parameters: dict[str, str]
    sentence: str


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "drop",
            {"when": "after"},
            "The connection is closed without an answer, before or after the work was done.",
        ),
        Kind(
            "slow",
            {"when": "before", "seconds": "1"},
            "The answer is right but comes late; the wait lies before or after the work.",
        ),
        Kind(
            "trickle",
            {"seconds": "0.1", "pieces": "4"},
            "The body comes in pieces with a wait before each.",
        ),
        Kind(
            "status",
            {"when": "before", "status": "503", "retry_after": "", "body": "json"},
            "An error status, before or after the work. `retry_after` is a number of seconds, or "
            "`date:N` for an HTTP date N seconds ahead; `body` is json or html (a gateway's page).",
        ),
        Kind(
            "size",
            {"when": "before"},
            "429 because of the size of the payload, which no repetition cures.",
        ),
        Kind("truncated", {}, "The JSON breaks off in the middle although HTTP says it is whole."),
        Kind(
            "content_type",
            {"type": "text/html"},
            "The right body under a wrong Content-Type.",
        ),
        Kind("empty", {}, "200 with an empty body after the work was done."),
        Kind("not_an_instance", {}, "200 with a JSON list of text after the work was done."),
        Kind(
            "mixed_up",
            {"when": "after", "instance": "", "id": "other", "element": "", "tags": "told"},
            "200 with the body of another instance, as from a cache or proxy that mixes answers "
            "up: of `instance`, else of the oldest other one. `id` is other, or own for the right "
            "one; `element` is a key to tell instead; `tags` are told, none (an empty list) or "
            "untold.",
        ),
        Kind(
            "redirect",
            {"status": "301", "location": ""},
            "A redirect instead of the work, to `/moved` of the same API unless told otherwise.",
        ),
        Kind(
            "invisible",
            {"lists": "1"},
            "The instance made by this request stays out of the next lists.",
        ),
        Kind(
            "refused",
            {"leaves": "none"},
            "The vendor takes the code (it is spent) and then refuses: 400 with `providerMessage`. "
            "`leaves` is none, invalid or disabled.",
        ),
    )
}

_CHOICES = {
    "when": ("before", "after"),
    "body": ("json", "html"),
    "leaves": ("none", "invalid", "disabled"),
    "id": ("other", "own"),
    "tags": ("told", "none", "untold"),
}
_HEADER_TEXT = r"[ -~]*"
_SHAPES = {
    "seconds": (r"\d{1,6}(\.\d+)?", "a number"),
    "pieces": (r"[1-9]\d{0,5}", "a positive integer"),
    "lists": (r"\d{1,6}", "an integer"),
    "instance": (r"\d{0,18}", "an instance id"),
    "status": (r"[45]\d\d|30[12378]", "an HTTP status that tells of an error or a redirect"),
    "retry_after": (r"((date:)?\d{1,6})?", "a number of seconds, or date: and a number"),
}


@dataclass(slots=True)
class Fault:
    """A fault that waits for requests; it matches `times` of them after skipping `after`."""

    kind: str
    parameters: dict[str, str]
    method: str | None = None
    path: str | None = None
    """Path template, or the path of one instance or element."""
    times: int | None = 1
    """How many matching requests it meets; None means every one."""
    after: int = 0
    probability: float | None = None
    number: int = 0
    seen: int = 0
    applied: int = field(default=0)

    def __str__(self) -> str:
        shown = {k: v for k, v in self.parameters.items() if v}
        return ";".join([self.kind, *(f"{k}={v}" for k, v in shown.items())])

    def parameter(self, name: str) -> str:
        """Return a parameter as text; kinds without it give an empty text."""
        return self.parameters.get(name, "")

    def amount(self, name: str) -> float:
        """Return a parameter that is a number."""
        return float(self.parameters[name])

    @property
    def before(self) -> bool:
        """Whether it replaces or precedes the work instead of following it."""
        return self.kind == "redirect" or self.parameter("when") == "before"


def new_fault(
    kind: str,
    *,
    method: str | None = None,
    path: str | None = None,
    times: int | None = 1,
    after: int = 0,
    probability: float | None = None,
    **parameters: object,
) -> Fault:
    """Return a checked fault; raise ValueError for an unknown kind, parameter or value."""
    if not isinstance(kind, str) or kind not in KINDS:
        msg = f"no fault is called {kind!r}; there are {', '.join(KINDS)}"
        raise ValueError(msg)
    known = KINDS[kind].parameters
    for name, value in parameters.items():
        _check_parameter(kind, name, str(value))
    for what, text in (("method", method), ("path", path)):
        if not isinstance(text, str | None):
            msg = f"{what} of a fault is text, not {text!r}"
            raise TypeError(msg)
    number = isinstance(probability, int | float)
    if probability is not None and not (number and 0 <= probability <= 1):
        msg = f"a probability lies between 0 and 1, not at {probability!r}"
        raise ValueError(msg)
    if not (times is None or (type(times) is int and times > 0)):
        msg = f"times of a fault is a positive integer or none, not {times!r}"
        raise ValueError(msg)
    if type(after) is not int or after < 0:
        msg = f"after of a fault is an integer that is not negative, not {after!r}"
        raise ValueError(msg)
    return Fault(
        kind=kind,
        parameters=known | {name: str(value) for name, value in parameters.items()},
        method=method.upper() if method else None,
        path=path,
        times=times,
        after=after,
        probability=probability,
    )


def _check_parameter(kind: str, name: str, value: str) -> None:
    if name not in KINDS[kind].parameters:
        msg = f"fault {kind} has no parameter {name!r}"
        raise ValueError(msg)
    choices = _CHOICES.get(name)
    if choices and value not in choices:
        msg = f"{name} of fault {kind} is {' or '.join(choices)}, not {value!r}"
        raise ValueError(msg)
    pattern, meaning = _SHAPES.get(name, (_HEADER_TEXT, "printable ASCII"))
    if not re.fullmatch(pattern, value):
        msg = f"{name} of fault {kind} is {meaning}, not {value!r}"
        raise ValueError(msg)


def parse_fault(text: str) -> Fault:
    """Read `kind;name=value;…` as the `Sandbox-Fault` header and `--fault` write it."""
    kind, *rest = (part.strip() for part in text.split(";"))
    options: dict[str, str] = {}
    for part in filter(None, rest):
        name, equals, value = part.partition("=")
        if not equals:
            msg = f"{part!r} in a fault is not name=value"
            raise ValueError(msg)
        options[name.strip()] = value.strip()
    times = options.pop("times", "1")
    probability = options.pop("probability", None)
    return new_fault(
        kind,
        method=options.pop("method", None),
        path=options.pop("path", None),
        times=None if times == "all" else int(times),
        after=int(options.pop("after", "0")),
        probability=float(probability) if probability is not None else None,
        **options,
    )


class Faults:
    """The faults that wait, in the order in which they were added."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._numbers = count(1)
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> int:
        """Let a fault wait for requests; return its number."""
        fault.number = next(self._numbers)
        self._waiting.append(fault)
        return fault.number

    def clear(self) -> None:
        """Forget every fault."""
        self._waiting.clear()

    def waiting(self) -> list[Fault]:
        """Return the faults that can still meet a request."""
        return [f for f in self._waiting if f.times is None or f.applied < f.times]

    def meet(self, method: str, template: str, path: str) -> Fault | None:
        """Return the fault that meets this request, and count it as applied."""
        for fault in self.waiting():
            if fault.method not in (None, method) or fault.path not in (None, template, path):
                continue
            fault.seen += 1
            if fault.seen <= fault.after or not self._happens(fault):
                continue
            fault.applied += 1
            return fault
        return None

    def _happens(self, fault: Fault) -> bool:
        if fault.probability is None:
            return True
        # A hash instead of a shared random source: the same seed gives the same faults however
        # other requests interleave.
        text = f"{self._seed}:{fault.number}:{fault.seen}"
        draw = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64
        return draw < fault.probability
