"""Sales contacts whose changes `app.py` is told, signed with a key that the two share."""

import pulumi

from pulumi_cloud_elements import ElementInstance, Events

config = pulumi.Config()
leads = ElementInstance(
    "leads",
    "closeio",
    configuration={"username": config.require_secret("closeKey")},
    events=Events(
        by="polling",
        every=15,  # minutes
        to=config.require("address"),
        signature_key=config.require_secret("signatureKey"),
    ),
)
pulumi.export("leads", leads.instance_id)
