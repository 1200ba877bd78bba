from pulumi_cloud_elements import declare_stack

declare_stack()
