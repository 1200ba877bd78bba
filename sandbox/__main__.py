"""Play the Cloud Elements API on this machine until Ctrl+C or SIGTERM.

The address to use is the one line on standard output.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from typing import TYPE_CHECKING

from .faults import Fault, parse_fault
from .server import ORGANIZATION_SECRET, USER_SECRET, Sandbox
from .switches import GROUPS

if TYPE_CHECKING:
    from collections.abc import Sequence

_TURN = 0.2  # seconds


def _switch(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        msg = f"{text!r} is not NAME=VALUE"
        raise argparse.ArgumentTypeError(msg)
    return name, value


def _fault(text: str) -> Fault:
    try:
        return parse_fault(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


def _arguments(program: str = "python -m sandbox") -> argparse.ArgumentParser:
    listed = "".join(
        f"\n  {switch.name}={'|'.join(switch.values or ['NUMBER'])} ({switch.default})"
        for _, switches in GROUPS
        for switch in switches
    )
    parser = argparse.ArgumentParser(
        prog=program,
        description=__doc__,
        epilog=f"switches, each with its default:{listed}\n\n"
        "What each means, and every fault: docs/sandbox.md",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="where to listen; %(default)s")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--db", metavar="FILE", help="keep the state in this SQLite file")
    parser.add_argument(
        "--elements", metavar="DIR", help="add the elements of this folder's JSON files"
    )
    parser.add_argument(
        "--no-builtin",
        dest="builtin",
        action="store_false",
        help="leave the built-in elements out",
    )
    parser.add_argument("--lenient", action="store_true", help="accept every element key")
    for option, default in (
        ("--user-secret", USER_SECRET),
        ("--organization-secret", ORGANIZATION_SECRET),
    ):
        parser.add_argument(
            option, default=default, metavar="TEXT", help="the one to accept; %(default)s"
        )
    parser.add_argument(
        "--switch",
        type=_switch,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="how the platform is where its documents are silent; repeatable",
    )
    parser.add_argument(
        "--fault",
        type=_fault,
        action="append",
        default=[],
        metavar="KIND[;NAME=VALUE…]",
        help="what goes wrong, such as 'drop;method=POST;path=/instances;times=2'; repeatable",
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="other ids, tokens and codes; %(default)s"
    )
    return parser


def main(arguments: Sequence[str] | None = None, program: str = "python -m sandbox") -> int:
    """Run until SIGINT or SIGTERM.

    Args:
        arguments: Command line after the program's name; the process's own by default.
        program: What the program is called.
    """
    parser = _arguments(program)
    options = parser.parse_args(arguments)
    try:
        sandbox = Sandbox(
            elements=options.elements,
            builtin=options.builtin,
            lenient=options.lenient,
            switches=dict(options.switch),
            seed=options.seed,
            db=options.db,
            host=options.host,
            port=options.port,
            user_secret=options.user_secret,
            organization_secret=options.organization_secret,
        )
    except ValueError as problem:
        parser.error(str(problem))
    for complaint in sandbox.complaints:
        sys.stderr.write(f"element not loaded: {complaint}\n")
    for fault in options.fault:
        sandbox.add(fault)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        sandbox.start()
    except OSError as problem:
        parser.error(f"cannot listen: {problem}")
    with sandbox:
        origin = sandbox.base_url.removesuffix("/elements/api-v2")
        sys.stdout.write(f"sandbox ready: {sandbox.base_url}\n")
        sys.stdout.flush()
        sys.stderr.write(
            "A stand-in for the Cloud Elements API; nothing real is behind it.\n"
            f"  Authorization: User {options.user_secret}, "
            f"Organization {options.organization_secret}\n"
            f"  state and control: {origin}/sandbox\n"
            "  stop with Ctrl+C\n"
        )
        while not stop.wait(_TURN):
            pass  # a signal that another thread took note of wakes nobody
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
