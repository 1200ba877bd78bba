"""The configuration file that a stack has of its own, beside what the project gives every stack."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..stack_file import entries, full_key, shared, stack_file, texts, written
from ..stack_keys import KEY
from .console import FailureError, shown

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class OwnFile:
    """A stack's own file.

    Args:
        project: The project's file.
        stack: Name of the stack alone.
    """

    project: Path
    stack: str

    @property
    def path(self) -> Path:
        """Where it is, or would be."""
        # Resolved, because it may be a link, which must stay one.
        return stack_file(self.project, self.stack).resolve()

    @property
    def text(self) -> str:
        """What stands in it, line ends as they are; nothing where there is no file."""
        return self.path.read_bytes().decode() if self.path.exists() else ""

    @property
    def shown(self) -> dict[str, Any]:
        """The stack's configuration by full key, as its file and the project's show it."""
        return written(self.project, self.stack)

    def spelled(self, key: str) -> str:
        """Return a key as the file spells it: it may leave out the project."""
        project = str(texts(self.project)["name"])
        return next((own for own in self._config if full_key(project, own) == key), key)

    def check(self, key: str = KEY) -> None:
        """See that an entry here, or defaults, hide no others.

        Raises:
            FailureError: The project's file declares some for all stacks, and this one none.
        """
        if entries(shared(self.project).get(key)) and self.spelled(key) not in self._config:
            what = "instances" if key == KEY else "defaults"
            message = (
                f"'{key}' in {self.path.name} would take the place of the {what} that "
                f"{self.project.name} declares for all stacks: copy those there first."
            )
            raise FailureError(shown(message))

    @property
    def _config(self) -> dict[str, Any]:
        config = (texts(self.path) or {}).get("config") if self.path.exists() else None
        return config if isinstance(config, dict) else {}

    def write(self, text: str) -> None:
        """Replace it, whole or not at all."""
        path = self.path
        path.parent.mkdir(exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                file.write(text)
            Path(temporary).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Put it back as it was when something inside the `with` block fails."""
        path = self.path
        before = path.read_bytes() if path.exists() else None
        try:
            yield
        except BaseException:
            if before is None:
                path.unlink(missing_ok=True)
            elif path.read_bytes() != before:
                path.write_bytes(before)
            raise
