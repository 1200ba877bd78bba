"""Addresses of this machine, for which other rules hold."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """Tell whether `host` is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
