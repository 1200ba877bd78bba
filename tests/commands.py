"""A command of ours, started by a test that has more to do while it runs."""

import subprocess
import sys


def begun(project, *arguments):
    """Start `elements` in a project, in a session of its own; return the process."""
    return subprocess.Popen(
        [sys.executable, "-m", "provider", *arguments],
        cwd=project.folder,
        env=project.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
