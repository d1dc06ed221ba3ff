"""Hosts and ports as text: one spelling, the family of a literal, host:port for people."""

from __future__ import annotations

import ipaddress

Endpoint = tuple[str, int]
FAMILIES = ("IP", "IPV6")  # as the modem names them


def address_family(host: str) -> str | None:
    """Return "IP" or "IPV6" for a literal address, None for a name."""
    try:
        return FAMILIES[ipaddress.ip_address(host).version == 6]
    except ValueError:
        return None


def canonical(host: str) -> str:
    """One spelling for every way to write an address or a name."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host.lower()


def endpoint(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
