"""Values into a stack's file: Pulumi encrypts them, and nothing else in the file is touched.

`pulumi config set` writes the whole file anew: aliases and merge keys are expanded, indentation and
quotes change, and `0123` becomes 83. So it sets secrets in a file of their own, and what it made of
them goes into the stack's.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..stack_file import texts
from ..stack_keys import DEFAULTS, KEY, setting_path
from .console import FailureError, say
from .stack_text import with_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .own_file import OwnFile
    from .project import Stack

Keys = tuple[str, ...]
"""A place in `cloud-elements:instances`: the entry's name, then keys inside of it."""
_HEAD = ("encryptionsalt", "encryptedkey", "secretsprovider")
"""What a stack's file says of how its secrets are encrypted."""


def store(
    stack: Stack,
    secrets: Mapping[Keys, str],
    plain: Mapping[Keys, str],
    *,
    shared: Mapping[Keys, str] = MappingProxyType({}),
) -> None:
    """Set values of the stack's entries, and secrets that they share, all or none.

    Args:
        stack: The stack.
        secrets: Secrets of entries, by their place in `cloud-elements:instances`.
        plain: What is no secret, likewise.
        shared: Secrets by their place in `cloud-elements:defaults`.

    Raises:
        FailureError: Pulumi did not take one of them.
    """
    given = {(KEY, *keys): value for keys, value in secrets.items()}
    given |= {(DEFAULTS, *keys): value for keys, value in shared.items()}
    in_clear = {(KEY, *keys): value for keys, value in plain.items()}
    file = stack.file
    for root in dict.fromkeys(keys[0] for keys in (*given, *in_clear)):
        file.check(root)
    sealed = _sealed(stack, given)
    if sealed is not None and _edited(file, {**in_clear, **sealed}):
        return
    with file.restored():
        for secret, values in ((False, in_clear), (True, given)):
            for (root, *keys), value in values.items():
                stack.set(setting_path(*keys, root=root), value, secret=secret)


def _edited(file: OwnFile, values: Mapping[Keys, str | dict[str, str]]) -> bool:
    """Put values where they belong in a stack's file, and touch nothing else; tell if it can be."""
    spelled = {(file.spelled(root), *keys): value for (root, *keys), value in values.items()}
    try:
        text = with_values(file.text, spelled)
    except FailureError:
        say(
            "Pulumi rewrites the whole stack file, because an alias shares what is set in "
            "one place."
        )
        return False
    file.write(text)
    return True


def _sealed(stack: Stack, secrets: Mapping[Keys, str]) -> dict[Keys, dict[str, str]] | None:
    """Return what Pulumi makes of secrets; None when it needs the stack's own file for that.

    Their places begin with the key of the stack's configuration.
    """
    import yaml  # noqa: PLC0415

    head = _head(stack.file.path)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "secrets.yaml"
        if head:
            file.write_text(yaml.safe_dump(head), encoding="utf-8")
        for (root, *inner), secret in secrets.items():
            stack.set(setting_path(*inner, root=root), secret, secret=True, file=file)
        if _head(file) != head:  # the stack gets its key only now, and that is for its own file
            return None
        document = texts(file)
    found = {}
    for keys in secrets:
        value: Any = document["config"]
        for key in keys:
            value = value[key]
        found[keys] = {"secure": str(value["secure"])}
    return found


def _head(file: Path) -> dict[str, Any]:
    document = texts(file) if file.exists() else None
    return {key: document[key] for key in _HEAD if key in document} if document else {}
