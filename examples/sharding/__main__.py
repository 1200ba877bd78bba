"""The part of `instances.yaml` that belongs to this shard."""

from pathlib import Path

import pulumi
from pulumi_cloud_elements.stack_file import texts

from pulumi_cloud_elements import ElementInstance, belongs_here

password = pulumi.Config().require_secret("password")
declared = texts(Path("instances.yaml"))  # as they are written: to YAML, 007 is a 7, `no` a false
for name, desk in declared.items():
    if belongs_here(name):
        instance = ElementInstance(
            name,
            "freshservice",
            configuration={
                "subdomain": desk["subdomain"],
                "username": "integration",
                "password": password,
            },
        )
        pulumi.export(name, {"id": instance.instance_id, "token": instance.element_token})
