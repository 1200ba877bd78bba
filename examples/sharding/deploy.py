"""Run one command of Pulumi's on every shard: `python deploy.py up|preview|refresh|destroy`.

Stacks that are missing are made, with the configuration of `shard-0`.
"""

# ruff: noqa: T201 - a program that starts programs and prints
import argparse
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

FOLDER = Path(__file__).parent


def pulumi(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the engine here and return how it ended, with all that it said."""
    return subprocess.run(
        ["pulumi", *arguments, "--non-interactive"],
        cwd=FOLDER,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def prepare(stack: str, first: str) -> None:
    """Make a stack that is missing."""
    if pulumi("stack", "--stack", stack).returncode:
        for arguments in (
            ("stack", "init", stack, "--no-select"),
            ("config", "cp", "--stack", first, "--dest", stack),
        ):
            ended = pulumi(*arguments)
            if ended.returncode:
                sys.exit(ended.stdout)


def main() -> int:
    """Return 0 when the command went well on every shard."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["up", "preview", "refresh", "destroy"])
    parser.add_argument("--at-once", type=int, default=2, help="shards at once; one core each")
    options, more = parser.parse_known_args()
    project = yaml.safe_load((FOLDER / "Pulumi.yaml").read_text())
    stacks = [f"shard-{number}" for number in range(project["config"]["shards"]["default"])]
    for stack in stacks[1:]:
        prepare(stack, stacks[0])
    flags = [] if options.command == "preview" else ["--yes", "--skip-preview"]

    def run(stack: str) -> subprocess.CompletedProcess[str]:
        return pulumi(options.command, "--stack", stack, "--parallel", "64", *flags, *more)

    failed = 0
    with ThreadPoolExecutor(options.at_once) as pool:
        for stack, ended in zip(stacks, pool.map(run, stacks), strict=True):
            print(f"── {stack}\n{ended.stdout}", flush=True)
            failed += ended.returncode != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
