"""What one customer's stack holds: the customer's drive. `app.py` sets its configuration."""

import pulumi

from pulumi_cloud_elements import ElementInstance

config = pulumi.Config()
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
)
pulumi.export("id", drive.instance_id)
pulumi.export("token", drive.element_token)
