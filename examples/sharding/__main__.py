"""The share of `instances.yaml` that belongs to this stack."""

import hashlib
from pathlib import Path

import pulumi
from pulumi_cloud_elements.stack_file import texts

from pulumi_cloud_elements import ElementInstance

config = pulumi.Config()
shards = config.require_int("shards")
own = int(pulumi.get_stack().removeprefix("shard-"))


def shard(name: str) -> int:
    """Return the shard of an instance: the same on every machine, whatever else is declared."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) % shards


declared = texts(Path("instances.yaml"))  # as they are written: to YAML, 007 is a 7, `no` a false
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
