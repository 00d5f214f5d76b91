"""The one place to which a password may go unencrypted."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether a host, a name or an address, is this machine by itself; no name is looked up."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
