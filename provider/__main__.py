"""`python -m provider` is the command `elements`."""

import sys


def main() -> None:
    """Run the command; Ctrl+C ends it as quietly while it is still being loaded."""
    try:
        from .cli import app  # noqa: PLC0415

        app(prog_name="elements")
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
