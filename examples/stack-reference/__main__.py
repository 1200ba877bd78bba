"""What another team deploys with the instance `desk`: it knows the stack, and no secret."""

import pulumi

instances = pulumi.StackReference(pulumi.Config().require("instances"))
desk = instances.require_output("desk")

# Where the token goes: a secret of a cluster, a parameter of a function. It stays secret.
pulumi.export("environment", {"DESK_ID": desk["id"], "DESK_TOKEN": desk["token"]})
