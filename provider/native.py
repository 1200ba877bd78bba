"""The native provider's resource and functions, for programs: `pulumi_cloud_elements.native`.

They are written from its schema, and Pulumi's engine starts the provider as a program of its own.
"""

from pulumi_cloud_elements_native import *  # noqa: F403
