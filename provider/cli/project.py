"""The project in the current folder and its stacks, as the `pulumi` command shows them."""

from __future__ import annotations

import json
import os
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from .. import config
from ..api.errors import ConfigError, did_you_mean
from ..doors.loading import lean
from ..stack_keys import DEFAULTS, KEY, setting_path
from .console import FailureError, could_not, shown
from .pulumi import Pulumi
from .state import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ..api.client import CloudElementsClient
    from ..config import Settings
    from ..declarations import InstanceDeclaration
    from .own_file import OwnFile


class Stack:
    """One stack of the project.

    Args:
        project: The project.
        name: Name of the stack, as `pulumi` takes it: `dev`, `acme/dev` or `acme/project/dev`.
    """

    def __init__(self, project: Project, name: str) -> None:
        self.project = project
        self.name = name
        self.pulumi = project.pulumi
        self.given_organization, _, self._inner = name.rpartition("/")[0].partition("/")
        self.last = bare(name)
        """Name of the stack alone, as its file and its markers know it."""

    @property
    def project_name(self) -> str:
        """Name of the project that the stack belongs to."""
        return self._inner or self.project.name

    @property
    def foreign(self) -> bool:
        """Whether that is another project, whose folder has the stack's file."""
        return bool(self._inner) and self._inner != self.project.name

    @cached_property
    def _config(self) -> dict[str, dict[str, Any]]:
        text = self.pulumi.run("config", "--show-secrets", "--json", "--stack", self.name)
        config: dict[str, dict[str, Any]] = json.loads(text)
        return config

    def text(self, key: str) -> str | None:
        """Return the text of a stack configuration key."""
        value = self._config.get(key, {}).get("value")
        return value if isinstance(value, str) else None

    def declared(self, *, complete: bool = True) -> dict[str, InstanceDeclaration]:
        """Return the instances that the stack declares, secrets in clear.

        Args:
            complete: A secret that is still to be set is a mistake.

        Raises:
            FailureError: The stack configuration has mistakes, each named by its path.
        """
        from ..declarations import StackError, declarations  # noqa: PLC0415 - loads Pulumi's SDK

        try:
            return declarations(self._texts, self.file.shown, complete=complete)
        except StackError as error:
            raise FailureError(str(error)) from None

    def documents(self) -> dict[str, dict[str, Any]]:
        """Return its entries and defaults by the configuration's key, secrets in clear."""
        from ..declarations import documents_of  # noqa: PLC0415 - loads Pulumi's SDK

        found = documents_of(self._texts).items()
        return {key: document if isinstance(document, dict) else {} for key, document in found}

    def shared(self) -> dict[str, dict[str, Any]]:
        """Return what the entries of each element share, by its key, secrets in clear."""
        return self.documents()[DEFAULTS]

    def remarks(self) -> list[str]:
        """Return what may be meant otherwise in the instances that it declares."""
        from ..declarations import remarks  # noqa: PLC0415 - loads Pulumi's SDK

        return remarks(self._texts, self.file.shown)

    @property
    def config_file(self) -> list[str]:
        """Options by which pulumi finds the configuration, where it is not by the name."""
        return []

    @property
    def file(self) -> OwnFile:
        """Its configuration file."""
        from .own_file import OwnFile  # noqa: PLC0415 - loads YAML

        return OwnFile(self.project.file, self.last)

    @property
    def _texts(self) -> dict[str, str]:
        texts = {key: self.text(key) for key in self._config}
        return {key: text for key, text in texts.items() if text is not None}

    def state(self, *, secrets: bool) -> State:
        """Return the stack's state, with its secrets in clear or not at all."""
        flags = ["--show-secrets"] if secrets else []
        document = json.loads(self.pulumi.run("stack", "export", "--stack", self.name, *flags))
        return State.of(document.get("deployment") or {})

    def whole(self, *, secrets: bool) -> State:
        """Return the stack's state, or those of all its shards together."""
        from .fleet import Fleet, joined  # noqa: PLC0415 - for stacks with shards

        fleet = Fleet.of(self) if not self.foreign else None
        if fleet is None:
            return self.state(secrets=secrets)
        stacks = [*fleet.there.values()]
        return joined(self.pulumi.each(lambda each: each.state(secrets=secrets), stacks))

    @cached_property
    def organization(self) -> str:
        """The stack's Pulumi organization; a backend that has none calls it `organization`."""
        if self.given_organization:
            return self.given_organization
        flags = ("--show-name", "--fully-qualify-stack-names")
        name = self.pulumi.run("stack", *flags, "--stack", self.name).strip()
        parts = name.split("/")
        return parts[0] if len(parts) > 1 else "organization"

    @property
    def marked_organization(self) -> str:
        """The organization in its tags: no engine tells it to the native provider.

        That is the only one for other programs than Python's.
        """
        if self.project.runtime == "python":
            return self.organization
        from ..instance.markers import FILES  # noqa: PLC0415

        return self.text("cloud-elements:organization") or FILES

    def marker_tags(
        self, place: str = "", *, organization: str | None = None, owner: str | None = None
    ) -> list[str]:
        """Return the marker tags of an entry: the stack's, then the instance's.

        Args:
            place: The entry.
            organization: Pulumi organization, where the stack exists no more.
            owner: `cloud-elements:owner`, likewise; of another project's stack it is not known.
        """
        from ..instance.markers import markers  # noqa: PLC0415

        if owner is None:
            owner = "" if self.foreign else self.text("cloud-elements:owner") or ""
        return markers(
            organization=f"{organization or self.marked_organization}/{owner}",
            project=self.project_name,
            stack=self.last,
            place=place,
        ).tags

    def is_marked(self, marker: str) -> bool:
        """Tell whether a stack marker names this stack and its project, whoever owns it."""
        from ..instance.markers import names_stack  # noqa: PLC0415

        return names_stack(marker, project=self.project_name, stack=self.last)

    def own(self) -> Self:
        """Return this stack.

        Raises:
            FailureError: It is another project's.
        """
        if self.foreign:
            message = (
                f"Stack '{self.name}' belongs to project '{self.project_name}', and this is "
                f"'{self.project.name}': run the command in the folder of that project."
            )
            raise FailureError(shown(message))
        return self

    def entire(self) -> Stack:
        """Return this stack, or the one of which it is a shard, whose file has all."""
        from ..instance.markers import base_of  # noqa: PLC0415
        from ..shards import KEY as SHARDS  # noqa: PLC0415

        base = base_of(self.name)
        if base and SHARDS in (whole := Stack(self.project, base)).file.shown:
            return whole
        return self

    def among(self, stacks: Iterable[Stack]) -> Stack | None:
        """Return this stack as one of those that exist, None when it does not."""
        named = [each for each in stacks if each.last == self.last]
        if not self.given_organization:
            exact = [each for each in named if each.name == self.name]
            return next(iter(exact or named), None)
        return next((each for each in named if each.organization == self.given_organization), None)

    def set(self, path: str, value: str, *, secret: bool, file: Path | None = None) -> None:
        """Set a value of the stack configuration; it travels over standard input.

        Args:
            path: Where, as `pulumi config set --path` takes it.
            value: What.
            secret: Encrypt it.
            file: Another file than the stack's own.
        """
        kind = "--secret" if secret else "--plaintext"
        arguments = ["config", "set", kind, "--path", path, "--stack", self.name]
        arguments += ["--config-file", str(file)] if file else []
        arguments += ["--raw"] if value.endswith("\n") else []  # or its end would be cut off
        self.pulumi.run(*arguments, stdin=value)


class Project:
    """The Pulumi project of a folder.

    Raises:
        FailureError: There is no project, or no `pulumi`.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.file = project_file(folder or Path.cwd())
        self.root = self.file.parent
        self.pulumi = Pulumi(self.root)

    @cached_property
    def _document(self) -> Mapping[str, Any]:
        from ..stack_file import texts  # noqa: PLC0415 - loads YAML

        document: Mapping[str, Any] = texts(self.file)
        return document

    @property
    def name(self) -> str:
        """The project's name, from its file."""
        return str(self._document["name"])

    @property
    def runtime(self) -> str:
        """The language of its program, as Pulumi calls it."""
        runtime = self._document.get("runtime")
        return str(runtime.get("name") if isinstance(runtime, dict) else runtime)

    @property
    def program(self) -> Path:
        """The folder of its program."""
        from ..stack_file import program_folder  # noqa: PLC0415 - loads YAML

        return program_folder(self.file)

    @property
    def main(self) -> Path:
        """The file of its program, where it is a Python program."""
        main = self.root / str(self._document.get("main") or ".")
        return main if main.is_file() else main / "__main__.py"

    def stack(self, name: str | None) -> Stack:
        """Return a stack of the project, by default the current one.

        Raises:
            FailureError: It is another project's, or none is named or selected.
        """
        return Stack(self, name or self.pulumi.run("stack", "--show-name").strip()).own().entire()

    def stacks(self) -> list[Stack]:
        """Return every stack that the backend shows, those of other projects included."""
        listed = json.loads(self.pulumi.run("stack", "ls", "--all", "--json"))
        return [Stack(self, str(entry["name"])) for entry in listed]


def undeclared(stack: Stack, name: str, declared: Iterable[str]) -> str:
    """Return what is wrong with the name of an entry that a stack does not declare."""
    known = list(declared)
    hint = did_you_mean(name, known) or f"; it declares {', '.join(known) or 'none'}."
    return shown(f"Stack '{stack.name}' declares no instance '{name}'{hint}")


def bare(stack: str) -> str:
    """Return the last part of a stack's name, which may be fully qualified."""
    return stack.rpartition("/")[2]


def project_file(folder: Path) -> Path:
    """Return the project file: that of `folder`, or of the nearest above it.

    Raises:
        FailureError: There is none.
    """
    from .. import stack_file  # noqa: PLC0415

    if found := stack_file.project_file(folder):
        return found
    message = "There is no Pulumi.yaml here or above: run the command in the project's folder."
    raise FailureError(message)


def set_command(stack: str, name: str, *keys: str | int, root: str = KEY) -> str:
    """Return the command by which a person sets a secret of an instance, or of defaults."""
    import shlex  # noqa: PLC0415

    path = shlex.quote(setting_path(name, *keys, root=root))
    return f"pulumi config set --secret --path {path} --stack {shlex.quote(stack)}"


def settings_of(stack: Stack) -> Settings:
    """Return the connection settings, from the environment and the stack.

    Raises:
        FailureError: Some are missing or malformed.
    """
    try:
        return config.load(os.environ, stack.text)
    except ConfigError as error:
        message = f"The connection settings are not complete: {error}."
        raise FailureError(message) from None


def concurrency(stack: Stack) -> int | None:
    """Return how many operations the provider works on; None where the setting is no number."""
    name = "concurrency"
    text = os.environ.get(config.environment_name(name)) or stack.text(config.stack_key(name))
    number = (text or str(config.Settings.concurrency)).strip()
    return int(number) if number.isdigit() and int(number) > 0 else None


def overridden(stack: Stack) -> str | None:
    """Return what to say where the environment leads elsewhere than the stack."""
    return config.overridden(os.environ, stack.text)


def settings_of_environment() -> Settings | None:
    """Return the connection settings when the environment has all that are needed."""
    found = _of_environment()
    return None if isinstance(found, str) else found


def settings_without_stack(stack: str | None) -> Settings:
    """Return the connection settings: of a stack when one is named or needed.

    Raises:
        FailureError: Some are missing or malformed.
    """
    found = _of_environment()
    if stack is None and not isinstance(found, str):
        return found
    try:
        chosen = Project().stack(stack)
    except FailureError as failure:
        if not isinstance(found, str):
            raise
        message = (
            f"The connection settings are incomplete: {found}; and no stack is here: {failure}"
        )
        raise FailureError(message) from None
    return settings_of(chosen)


def _of_environment() -> Settings | str:
    """Return the connection settings of the environment, or what it lacks."""
    try:
        return config.load(os.environ, lambda _: None)
    except ConfigError as error:
        return str(error)


@contextmanager
def platform(settings: Settings, doing: str = "use the platform") -> Iterator[CloudElementsClient]:
    """Connect to the platform while the `with` block runs.

    Raises:
        FailureError: Its address can't be used, or what the block is `doing` failed there.
    """
    with lean():
        from ..api.client import CloudElementsClient  # noqa: PLC0415 - loads HTTP
    with could_not("connect to the platform"):
        client = CloudElementsClient(settings)
    with closing(client), could_not(doing, base_url=settings.base_url):
        yield client
