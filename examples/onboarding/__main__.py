"""What one customer's stack holds: the customer's drive.

What consent brought stands in the stack, set by `app.py`; what is the same for all customers comes
from the environment of the service.
"""

import os

import pulumi

from pulumi_cloud_elements import ElementInstance

config = pulumi.Config()
adopt = config.get_secret("adopt")  # the id of an instance that the platform's own page made
drive = ElementInstance(
    "drive",
    "onedrivebusiness",
    name=f"{pulumi.get_stack()}-drive",
    tags=[pulumi.get_stack()],
    configuration={
        "oauth.api.key": os.environ["APPLICATION_KEY"],
        "oauth.api.secret": pulumi.Output.secret(os.environ["APPLICATION_SECRET"]),
        "oauth.callback.url": f"{os.environ['PUBLIC_ADDRESS']}/callback",
    },
    code=config.get_secret("code"),
    adopt=adopt,
    delete_adopted=None if adopt is None else True,  # it was made for this stack
)
pulumi.export("id", drive.instance_id)
pulumi.export("token", drive.element_token)
