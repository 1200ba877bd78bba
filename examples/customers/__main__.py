"""One help desk for each row of `customers.csv`; each customer's password stands in the stack."""

import csv
from collections import Counter
from pathlib import Path

import pulumi

from pulumi_cloud_elements import ElementInstance

config = pulumi.Config()
with Path("customers.csv").open(encoding="utf-8", newline="") as file:
    rows = list(csv.DictReader(file))

problems = [
    f"'{customer}' stands in {times} rows"
    for customer, times in Counter(row["customer"] for row in rows).items()
    if times > 1
]
for row in rows:
    customer = row["customer"]
    if row["active"] not in {"yes", "no"}:
        problems.append(f"'{customer}': active must be yes or no")
    if config.get_secret(f"{customer}Password") is None:
        problems.append(f"'{customer}': pulumi config set --secret {customer}Password")
if problems:
    message = f"customers.csv: {'; '.join(problems)}"
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
            "password": config.require_secret(f"{customer}Password"),
        },
        disabled=row["active"] == "no",
    )
    pulumi.export(customer, {"id": desk.instance_id, "token": desk.element_token})
