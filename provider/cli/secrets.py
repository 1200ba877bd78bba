"""`elements secrets`: many secrets of a stack at once, from hidden prompts or from JSON."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..api.errors import RefusedError, did_you_mean
from ..api.redaction import MASK, is_secret_key
from ..stack_keys import DEFAULTS
from .application import CREDENTIALS, authentication
from .completion import instance_names
from .console import Exit, FailureError, counted, emit, say, shown
from .options import AsJson, DryRun, StackName  # noqa: TC001 - typer reads the annotations
from .project import Project, platform, settings_of, undeclared

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from ..api.client import CloudElementsClient
    from ..declarations import InstanceDeclaration
    from .holdings import Holdings
    from .project import Stack
    from .storing import Keys

_LONGEST = 4000  # bytes; a terminal cuts its lines at 4096
_MAPS = ("configuration", "events", "provider_data")
_Instances = Annotated[
    list[str] | None,
    typer.Argument(
        help="Only these entries of cloud-elements:instances.",
        metavar="INSTANCE",
        autocompletion=instance_names,
    ),
]


def secrets(
    instances: _Instances = None,
    *,
    stack: StackName = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Set the secrets that a stack's instances lack, all at once.

    At a terminal it asks for each secret that an entry lacks: what its element requires, and
    what an instance to be adopted has. Key and secret of an application are asked for once
    where its element has a place in cloud-elements:defaults. What is typed is not shown; Enter
    skips one.

    Otherwise it takes JSON on standard input, {"INSTANCE": {"KEY": "VALUE"}}, where KEY is a
    configuration key or 'code'; "configuration", "events" and "provider_data" may hold maps of
    their own. "cloud-elements:defaults" takes {"ELEMENT": {"KEY": "VALUE"}}.
    Values that the stack has already are replaced. Nothing is stored if anything is wrong.

    \b
    Examples:
      elements secrets --stack prod
      elements secrets --stack prod --dry-run --json
      vault read … | elements secrets --stack prod
    """  # noqa: D301 - \b keeps the lines of a list apart
    target = Project().stack(stack)
    declared, lacking = target.declared(complete=False), None
    chosen = _chosen(declared, instances or [], target)
    if dry_run or sys.stdin.isatty():
        lacking = _to_be_set(target, chosen, every=not instances)
        given = {} if dry_run else _prompted(lacking)
    else:
        elements = target.shared().keys() | {each.element for each in declared.values()}
        given = _read(sys.stdin.buffer.read(), chosen, sorted(elements))
    _store(target, given)
    left = None if lacking is None else [keys for keys in lacking if keys not in given]
    if as_json:
        to_be_set = None if left is None else _by_instance(left)
        emit({"stack": target.name, "set": _by_instance(given), "to_be_set": to_be_set})
    _report(target.name, given, left, dry_run=dry_run)


def _to_be_set(
    target: Stack, chosen: Mapping[str, InstanceDeclaration], *, every: bool
) -> list[Keys]:
    """Return the places of the secrets that entries lack; what `every` one shares stands once."""
    with platform(settings_of(target), "look up what is to be set") as client:
        shares = target.shared() if every else {}
        return list(_once(list(_lacking(chosen, client)), chosen, shares))


def _store(target: Stack, given: Mapping[Keys, str]) -> None:
    from .storing import store  # noqa: PLC0415

    if given:
        shared = {keys[1:]: text for keys, text in given.items() if keys[0] == DEFAULTS}
        own = {keys: text for keys, text in given.items() if keys[0] != DEFAULTS}
        store(target, own, {}, shared=shared)


def _chosen(
    declared: Mapping[str, InstanceDeclaration], names: list[str], stack: Stack
) -> dict[str, InstanceDeclaration]:
    for name in names:
        if name not in declared:
            raise FailureError(undeclared(stack, name, declared))
    return {
        name: declaration for name, declaration in declared.items() if name in names or not names
    }


def _lacking(
    declared: Mapping[str, InstanceDeclaration], client: CloudElementsClient
) -> Iterator[Keys]:
    """Yield which secrets the entries lack."""
    from ..instance.events import FIELD, lacks_address, place_of  # noqa: PLC0415
    from .holdings import Holdings  # noqa: PLC0415

    holdings = Holdings(client)
    for name, declaration in declared.items():
        keys = (
            _held(name, declaration, holdings)
            if declaration.adopt
            else _required(declaration, holdings)
        )
        given = declaration.full_configuration
        if lacks_address(declaration.model_dump()):
            yield (name, FIELD, "to")
        for key in keys:
            if given.get(key) in (None, ""):
                yield (name, *place_of(key, declaration.events))


def _once(
    lacking: list[Keys], declared: Mapping[str, InstanceDeclaration], shares: Collection[str]
) -> Iterator[Keys]:
    """Yield secrets to be set, and of an application that all entries share each one once.

    Args:
        lacking: What the entries lack.
        declared: The entries.
        shares: The elements that have defaults.
    """
    seen = set()
    for keys in lacking:
        name, *place = keys
        element = declared[name].element
        alike = [other for other, declaration in declared.items() if declaration.element == element]
        if (
            element in shares
            and place[-1] in CREDENTIALS
            and all((other, *place) in lacking for other in alike)
        ):
            keys = (DEFAULTS, element, *place)  # noqa: PLW2901
        if keys not in seen:
            seen.add(keys)
            yield keys


def _held(name: str, declaration: InstanceDeclaration, holdings: Holdings) -> list[str]:
    """Return the secret keys that an instance to be adopted has."""
    from ..instance.adoption import find  # noqa: PLC0415

    try:
        instance = find(declaration.adopt or "", holdings.client, declaration.element)
    except RefusedError as error:
        say(f"What '{shown(name)}' adopts can't be determined: {shown(str(error))}.")
        return []
    return holdings.of(instance)[1]


def _required(declaration: InstanceDeclaration, holdings: Holdings) -> list[str]:
    """Return the secret keys that an element requires, and consent with it."""
    from ..instance.metadata import needless_keys, plain_keys, required_keys  # noqa: PLC0415

    element = holdings.element(declaration.element)
    if element is None:
        return []
    needless = needless_keys(declaration.oauth_proxy, declaration.external_authentication)
    given = declaration.full_configuration
    keys = [entry.key for entry in required_keys(element, given, needless=needless)]
    if authentication(element, declaration.configuration).startswith("oauth"):
        keys = list(dict.fromkeys([*CREDENTIALS, *keys]))
    plain = plain_keys(element)
    return [key for key in keys if is_secret_key(key, plain) and key not in needless]


def _prompted(lacking: list[Keys]) -> dict[Keys, str]:
    """Ask the person for each secret; what is left empty is left out."""
    from getpass import getpass  # noqa: PLC0415

    given: dict[Keys, str] = {}
    if lacking:
        say(f"{counted(len(lacking), 'secret')} to be set (not shown; Enter skips one):")
    for keys in lacking:
        name, key = _holder(keys), _spoken(keys)
        try:
            text = getpass(shown(f"  {name} {key}: "))
        except EOFError:
            message = "Standard input ended without an answer, and nothing was stored."
            raise FailureError(message, Exit.TIMEOUT) from None
        if len(text.encode(errors="surrogatepass")) > _LONGEST:
            message = (
                f"What was typed for '{name}' {key} is longer than a terminal can take, and "
                "nothing was stored: hand it over as JSON on standard input."
            )
            raise FailureError(shown(message))
        if text:
            given[keys] = text
    return given


def _read(data: bytes, declared: Collection[str], elements: list[str]) -> dict[Keys, str]:
    """Return the secrets that came as JSON.

    Args:
        data: The JSON.
        declared: The entries.
        elements: The elements that may have defaults.

    Raises:
        FailureError: Something in it is wrong, each thing named by its place; never a value.
    """
    mistakes: list[str] = []
    try:
        document = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_Pairs)
    except ValueError as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        message = (
            f"Standard input is not JSON{where}, and nothing was stored: it takes "
            '{"INSTANCE": {"KEY": "VALUE"}}; at a terminal the secrets are asked for.'
        )
        raise FailureError(message) from None
    found = dict(_flat(document, declared, elements, mistakes))
    if mistakes or not found:
        listed = "\n".join(f"  {shown(mistake)}" for mistake in mistakes) or "  it is empty"
        message = f"What came on standard input is wrong, and nothing was stored:\n{listed}"
        raise FailureError(message)
    return found


class _Pairs(list[tuple[str, Any]]):
    """A JSON object, its repeated keys included."""


def _flat(
    document: Any, declared: Collection[str], elements: list[str], mistakes: list[str]
) -> Iterator[tuple[Keys, str]]:
    """Yield each secret with its place; add what is wrong to the mistakes."""
    for name, entry in _pairs(document, (), mistakes):
        if name in declared:
            yield from _inside((name,), entry, mistakes)
        elif name == DEFAULTS:
            for element, shared in _pairs(entry, (name,), mistakes):
                if element in elements:
                    yield from _inside((name, element), shared, mistakes)
                else:
                    near = did_you_mean(element, elements)
                    mistakes.append(f"{name}: {element}: no entry uses this element{near}")
        else:
            mistakes.append(f"{name}: is not declared here{did_you_mean(name, list(declared))}")


def _inside(place: Keys, entry: Any, mistakes: list[str]) -> Iterator[tuple[Keys, str]]:
    """Yield each secret of an entry, or of defaults, with its place."""
    from ..instance.events import FIELD, KEYS  # noqa: PLC0415

    for key, value in _pairs(entry, place, mistakes):
        if place[0] == DEFAULTS and key in ("code", "provider_data"):
            mistakes.append(f"{': '.join((*place, key))}: belongs to one entry")
        elif key in _MAPS and isinstance(value, _Pairs):
            for inner, text in _pairs(value, (*place, key), mistakes):
                if key == FIELD and inner not in KEYS:
                    near = did_you_mean(inner, list(KEYS))
                    where = ": ".join((*place, key, inner))
                    mistakes.append(f"{where}: is not known{near}")
                    continue
                yield from _leaf((*place, key, inner), text, mistakes)
        elif key == "code":
            yield from _leaf((*place, key), value, mistakes)
        else:
            field, _, member = key.partition(".")
            known = field == FIELD and member in KEYS
            inside = (FIELD, member) if known else ("configuration", key)
            yield from _leaf((*place, *inside), value, mistakes)


def _pairs(value: Any, place: Keys, mistakes: list[str]) -> Iterator[tuple[str, Any]]:
    """Yield the members of an object, each key once."""
    if not isinstance(value, _Pairs):
        mistakes.append(f"{': '.join(place) or 'the whole'}: must be an object, {{…}}")
        return
    seen: set[str] = set()
    for key, item in value:
        if key in seen:
            mistakes.append(f"{': '.join((*place, key))}: is there twice")
        else:
            yield key, item
        seen.add(key)


def _leaf(place: Keys, value: Any, mistakes: list[str]) -> Iterator[tuple[Keys, str]]:
    where = ": ".join(place)
    if not isinstance(value, str):
        mistakes.append(f"{where}: must be text; put it in quotes")
    elif value in ("", MASK):
        mistakes.append(f"{where}: is {'the mask that the platform shows' if value else 'empty'}")
    elif "\0" in value or not place[-1]:
        mistakes.append(f"{where}: can't be stored")
    else:
        yield place, value


def _by_instance(places: Collection[Keys]) -> dict[str, Any]:
    """Return the keys of each entry; those of its configuration by themselves."""
    found: dict[str, Any] = {}
    for keys in places:
        inside = found.setdefault(DEFAULTS, {}) if keys[0] == DEFAULTS else found
        inside.setdefault(_bare(keys)[0], []).append(_spoken(keys))
    return found


def _bare(keys: Keys) -> Keys:
    return keys[1:] if keys[0] == DEFAULTS else keys


def _holder(keys: Keys) -> str:
    """Return the entry, or the defaults, that a place is in."""
    return " ".join(keys[: 1 + (keys[0] == DEFAULTS)])


def _spoken(keys: Keys) -> str:
    """Return a place in an entry; a key of its configuration stands by itself."""
    _, *inside = _bare(keys)
    return inside[-1] if inside[0] == "configuration" else ".".join(inside)


def _report(stack: str, given: Collection[Keys], left: list[Keys] | None, *, dry_run: bool) -> None:
    if given:
        say(f"{counted(len(given), 'secret')} set in stack '{stack}', encrypted.")
    if left:
        say("To be set:" if dry_run else f"{counted(len(left), 'secret')} left out:")
        for keys in left:
            say(shown(f"  {_holder(keys)} {_spoken(keys)}"))
    elif left is not None and not given:
        say(f"No entry of stack '{stack}' lacks a secret.")
