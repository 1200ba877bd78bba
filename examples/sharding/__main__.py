"""The share of `instances.yaml` that belongs to this stack."""

import hashlib
from pathlib import Path

import pulumi
import yaml

from provider import ElementInstance

config = pulumi.Config()
shards = config.require_int("shards")
own = int(pulumi.get_stack().removeprefix("shard-"))


def shard(name: str) -> int:
    """Return the shard of an instance: the same on every machine, whatever else is declared."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) % shards


declared = yaml.safe_load(Path("instances.yaml").read_text())
for name, desk in declared.items():
    if shard(name) == own:
        instance = ElementInstance(
            name,
            "freshservice",
            configuration={
                "subdomain": desk["subdomain"],
                "username": "integration",
                "password": config.require_secret("password"),
            },
        )
        pulumi.export(name, {"id": instance.instance_id, "token": instance.element_token})
