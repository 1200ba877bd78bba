"""`elements sandbox`: the stand-in for the platform, where its extra is installed."""

from __future__ import annotations

import importlib

import typer

from .console import FailureError

_EXTRA = {"starlette", "uvicorn"}


def sandbox(context: typer.Context) -> None:
    """Play the platform on this machine, until Ctrl+C.

    Its address is the one line on standard output. It needs the extra of the package: pip install
    'pulumi-cloud-elements[sandbox]'. Every option is the sandbox's own: elements sandbox --help

    \b
    Examples:
      elements sandbox --port 8090 --db sandbox.db
      elements sandbox --fault 'drop;method=POST;path=/instances;when=after'
    """  # noqa: D301 - \b keeps the lines of a list apart
    try:
        # Beside this package in a clone, and inside it where that is installed.
        program = importlib.import_module("pulumi_cloud_elements.sandbox.__main__")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        message = (
            f"The sandbox needs {error.name}, which comes with an extra: run "
            "pip install 'pulumi-cloud-elements[sandbox]', or name the extra in your requirements."
        )
        raise FailureError(message) from None
    raise typer.Exit(program.main(context.args, "elements sandbox"))
