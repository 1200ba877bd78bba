"""Starts the native provider of the environment that runs this file, for Pulumi's engine."""

from importlib.metadata import entry_points

(server,) = entry_points(group="console_scripts", name="pulumi-resource-cloud-elements")
server.load()()
