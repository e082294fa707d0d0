"""Addresses as they are stored and counted: e-mail, network of a client, and a client's own name for itself."""

import hashlib
import re
from ipaddress import IPv6Address, ip_address, ip_network

from aipro_ml.errors import UsageError, printable

LONGEST_EMAIL = 254
"""Characters of an e-mail address (RFC 5321)."""

LONGEST_AGENT = 300
"""Characters kept of what a client calls itself."""

_EMAIL = re.compile(r"[^@\s\"'(),:;<>\[\\\]]+@[^@\s\"'(),:;<>\[\\\]]+")
_IPV6_SITE = 64
"""Bits of an IPv6 address that one customer has: the rest is free choice."""


def email_of(text: str) -> str | None:
    """Return the address in the form it is stored in (lower case), None where it is none."""
    plain = text.strip().lower()
    fits = len(plain) <= LONGEST_EMAIL and plain == printable(plain) and _EMAIL.fullmatch(plain)
    return plain if fits else None


def checked_email(text: str) -> str:
    """Return `email_of`; UsageError where it is no address."""
    found = email_of(text)
    if found is None:
        raise UsageError(f"{printable(text[:60])!r} is no e-mail address: write it as ann@example.com")
    return found


def unknown_account(email: str) -> str:
    """Return what attempts on an address without account are counted under: one of 65,536 names, not the address.

    So an address nobody registered locks as a registered one does, and nothing is kept that tells which it was.
    """
    return f"unknown-{hashlib.sha256(email.strip().lower().encode('utf-8', 'replace')).hexdigest()[:4]}"


def client_ip(text: str | None) -> str | None:
    """Return the IP address in its shortest form (IPv4 where IPv6 only wraps it), None where it is none."""
    try:
        address = ip_address((text or "").partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address)


def network_of(ip: str | None) -> str | None:
    """Return the network one client has: its IPv4 address, or the /64 of its IPv6 address; None for no address."""
    if ip is None:
        return None
    bits = _IPV6_SITE if ip_address(ip).version == 6 else 32
    return str(ip_network(f"{ip}/{bits}", strict=False))


def client_agent(text: str | None) -> str | None:
    """Return what the client calls itself as it can be stored, None for nothing."""
    return printable(text[:LONGEST_AGENT]) if text else None
