"""A stand-in for the Cloud Elements / SAP Open Connectors API, for tests and trials.

Written from public documentation of the platform alone; it knows nothing of the provider.
"""

from .server import Sandbox

__all__ = ["Sandbox"]
