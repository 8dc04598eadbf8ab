"""client_address(): where a request comes from, as far as that can be believed."""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from app.settings import Settings

MAX_HOPS = 20


def client_address(scope: Mapping[str, Any], settings: Settings) -> str | None:
    """The address of whoever called: the socket's, or behind trusted proxies the last one that they did not make up.

    `X-Forwarded-For` is read from its right end, where the nearest proxy wrote, and only as far as the proxies named in
    NOREN_TRUSTED_PROXIES go; what stands left of that is anybody's claim. None where there is no socket.
    """
    client = scope.get("client")
    if not client:
        return None
    nearest = _read(client[0])
    if nearest is None:
        return str(client[0])
    if not _is_trusted(nearest, settings):
        return str(nearest)
    for hop in reversed(_hops(scope)):
        address = _read(hop)
        if address is None:
            break
        nearest = address
        if not _is_trusted(address, settings):
            break
    return str(nearest)


def _hops(scope: Mapping[str, Any]) -> list[str]:
    """What the headers say, as one list: the nearest proxy's word stands last."""
    lines = [value.decode("latin-1") for name, value in scope.get("headers", ()) if name == b"x-forwarded-for"]
    return [hop.strip() for hop in ",".join(lines).rsplit(",", MAX_HOPS)[-MAX_HOPS:]]


def _read(text: str) -> IPv4Address | IPv6Address | None:
    """An address, with or without a port; an IPv4 address in IPv6's clothes is an IPv4 address."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_trusted(address: IPv4Address | IPv6Address, settings: Settings) -> bool:
    return any(address in network for network in settings.trusted_proxies)
