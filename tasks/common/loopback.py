"""The only host for an unencrypted password: this machine itself."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Check whether a host name or address is this machine, without a name lookup."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
