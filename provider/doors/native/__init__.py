"""The door of a native provider: Pulumi's public wire protocol, for every language of Pulumi's."""
