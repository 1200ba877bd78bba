"""What a program and the provider's server have to load, before anything happens."""

from __future__ import annotations

import subprocess
import sys

from tools.pulumi_project import ROOT

WAYS = {
    "import pulumi": "import pulumi",
    "import provider": "import pulumi; from provider import ElementInstance",
    "the whole program": "import pulumi, provider.stack",
    "the server": (
        "import pulumi.dynamic\n"
        "from provider.lifecycle import ElementInstanceProvider\n"
        "ElementInstanceProvider().door"
    ),
    "pydantic alone": (
        "import pulumi\nfrom pydantic import BaseModel\nclass M(BaseModel):\n    x: int = 0"
    ),
}


def seconds(rounds: int) -> dict[str, float]:
    """Return the shortest wall time of each import, all measured in turns."""
    found: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(rounds):
        for name, source in WAYS.items():
            code = f"import time\nstart = time.perf_counter()\n{source}\n"
            code += "print(time.perf_counter() - start)"
            ended = subprocess.run(
                [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
            )
            found[name].append(float(ended.stdout))
    return {name: min(times) for name, times in found.items()}
