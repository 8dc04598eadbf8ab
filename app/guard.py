"""Whom we call on somebody's word: addresses of the open internet and nothing behind our own walls.

A name may change what it stands for between a look and a call, so the look is not what protects: `refuse_inside` is
asked about the very address of each connection, at the moment in which its socket is made. A connection that stands
goes to where it was allowed to.
"""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

LONGEST_URL = 500
_WRITTEN = re.compile(r"https?://[!#-\[\]-_a-~]+", re.ASCII)
"""As an address is sent: printable ASCII without quotation marks, backslashes and backticks."""
_NUMBER = r"(?:0[xX][0-9a-fA-F]*|[0-9]*)"
_NUMBERS = re.compile(rf"{_NUMBER}(?:\.{_NUMBER})*")
_INSIDE = tuple(
    ip_network(one)
    for one in (
        "168.63.129.16/32",  # Azure's host, though the number is a public one
        "192.0.0.0/24",  # for protocols, and Oracle's metadata; older Pythons take it for the open internet
        "192.88.99.0/24",  # relays of 6to4
        "64:ff9b:1::/48",  # translation to IPv4 inside one's own network
        "fec0::/10",  # site-local, which was given up but is still routed here and there
        "2001::/23",  # for protocols; among them Teredo, which hides an IPv4 address behind another
        "3fff::/20",  # for documentation
        "5f00::/16",  # for routing by segments
    )
)
_TRANSLATED = ip_network("64:ff9b::/96")


class ForbiddenAddress(OSError):
    """The address lies inside: nothing is sent there. The text says why, for whoever wrote the URL."""


def check_url(url: str, *, loopback: bool) -> None:
    """Raise ForbiddenAddress unless a URL may be called: https, and where `loopback` is allowed http to it as well.

    It tells early what can be told without asking for the name's address.
    """
    from yarl import URL  # who calls reads it with the same, so that both see the same host

    if len(url) > LONGEST_URL or not _WRITTEN.fullmatch(url):
        raise ForbiddenAddress(f"Write an https:// address of at most {LONGEST_URL} characters of ASCII.")
    try:
        read = URL(url, encoded=True)
        host, port = (read.host or "").lower(), read.port
    except ValueError as error:
        raise ForbiddenAddress("This is not an address.") from error
    if not host or port == 0:
        raise ForbiddenAddress("The address names no host.")
    if read.user is not None or read.password is not None or "@" in read.raw_authority:
        raise ForbiddenAddress("The address must not hold a user or a password.")
    if "#" in url:
        raise ForbiddenAddress("The address must not hold a fragment.")
    literal = _read_literal(host)
    if literal is not None:
        refuse_inside(literal, loopback=loopback)
    if read.scheme == "http" and not (loopback and _is_loopback(host, literal)):
        raise ForbiddenAddress("The address must begin with https://.")


def may_reach_loopback(public_url: str) -> bool:
    """Whether others may be on this machine: where this installation is reached on it only, as a demo is."""
    parts = urlsplit(public_url)
    return parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")


def _read_literal(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host is, None for a name. Numbers in any other spelling than the usual one are refused."""
    if ":" not in host and not _NUMBERS.fullmatch(host):
        return None
    try:
        return ip_address(host)
    except ValueError as error:
        raise ForbiddenAddress("Write numbers of a host as in 203.0.113.7.") from error


def _is_loopback(host: str, literal: IPv4Address | IPv6Address | None) -> bool:
    return literal.is_loopback if literal is not None else host == "localhost" or host.endswith(".localhost")


def refuse_inside(address: IPv4Address | IPv6Address, *, loopback: bool) -> None:
    """Raise ForbiddenAddress for addresses that are not of the open internet: private, link-local, of metadata…"""
    inner = _unwrap(address)
    if inner.is_loopback and loopback:
        return
    if not inner.is_global or inner.is_multicast or inner.is_reserved or any(inner in one for one in _INSIDE):
        raise ForbiddenAddress("Its host is not an address of the open internet.")


def _unwrap(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 address stands for, where it does."""
    if isinstance(address, IPv4Address):
        return address
    if address in _TRANSLATED:
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour or address
