"""Copies of states, for as long as a command writes them.

Where a disk is full Pulumi's file backend may leave half of a state in the place of the whole one
(CLI 3.274.1), and no earlier one beside it.
"""

from __future__ import annotations

import os
import shlex
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from ..instance.runs import home
from .console import FailureError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .pulumi import Pulumi


@dataclass(frozen=True)
class Copies:
    """What the states of some stacks were, secrets encrypted.

    Args:
        pulumi: Reads and writes them.
        files: The copies, by the names of the stacks.
    """

    pulumi: Pulumi
    files: Mapping[str, Path]

    @classmethod
    def take(cls, pulumi: Pulumi, project: str, names: Iterable[str]) -> Copies:
        """Copy states into the folder of the journal.

        Args:
            pulumi: Reads them.
            project: Name of the project.
            names: Of the stacks.

        Raises:
            FailureError: They can't be read, or the copies not be written.
        """
        folder = home(os.environ) or Path(tempfile.gettempdir())
        files = {name: folder / f"{_digest(project, name)}.state.json" for name in names}
        taken = cls(pulumi, files)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, file in files.items():
                text = pulumi.run("stack", "export", "--stack", name)
                file.unlink(missing_ok=True)
                handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(handle, "w", encoding="utf-8") as out:
                    out.write(text)
                    out.flush()
                    os.fsync(out.fileno())
        except FailureError:
            taken.drop()
            raise
        except OSError as error:
            taken.drop()
            message = (
                f"The states can't be copied to {folder} before they change: {error.strerror}; "
                "make room there, or set PULUMI_HOME to another folder, then run the command again."
            )
            raise FailureError(message) from None
        return taken

    def drop(self) -> None:
        """Forget them."""
        for file in self.files.values():
            with suppress(OSError):
                file.unlink()

    def put_back(self) -> list[str]:
        """Put back the states that can't be read any more; return the commands for what is left."""
        left = []
        for name, file in self.files.items():
            command = ("stack", "import", "--stack", name, "--file", str(file))
            try:
                if not self._can_read(name):
                    self.pulumi.run(*command)
            except FailureError:
                left.append(shlex.join(["pulumi", *command]))
            else:
                file.unlink(missing_ok=True)
        return left

    def _can_read(self, name: str) -> bool:
        with suppress(FailureError):
            self.pulumi.run("stack", "export", "--stack", name)
            return True
        return False


def _digest(project: str, name: str) -> str:
    return sha256(f"{project}/{name}".encode()).hexdigest()[:12]
