"""What one customer's stack holds: the customer's drive. `app.py` sets its configuration."""

import pulumi

from pulumi_cloud_elements import ElementInstance

config = pulumi.Config()
adopt = config.get("adopt")  # the id of an instance that the platform's own page made
drive = ElementInstance(
    "drive",
    "onedrivebusiness",
    name=f"{pulumi.get_stack()}-drive",
    tags=[pulumi.get_stack()],
    configuration={
        "oauth.api.key": config.require("applicationKey"),
        "oauth.api.secret": config.require_secret("applicationSecret"),
        "oauth.callback.url": config.require("callback"),
    },
    code=config.get_secret("code"),
    adopt=adopt,
    delete_adopted=True if adopt else None,  # it was made for this stack
)
pulumi.export("id", drive.instance_id)
pulumi.export("token", drive.element_token)
