"""One help desk for each row of `customers.csv`; passwords by customer stand in the stack."""

import csv
from pathlib import Path

import pulumi

from pulumi_cloud_elements import ElementInstance

passwords = pulumi.Config().require_secret_object("passwords")
with Path("customers.csv").open(encoding="utf-8", newline="") as file:
    rows = list(csv.DictReader(file))
names = [row["customer"] for row in rows]
if len(set(names)) < len(names):
    message = "customers.csv names a customer twice"
    raise pulumi.RunError(message)

for row in rows:
    customer = row["customer"]  # the resource's name: a row that moves changes nothing
    desk = ElementInstance(
        customer,
        "freshservice",
        tags=[customer],
        configuration={
            "subdomain": row["subdomain"],
            "username": "integration",
            "password": passwords[customer],
        },
        disabled=row["active"] != "yes",
    )
    pulumi.export(customer, {"id": desk.instance_id, "token": desk.element_token})
