"""Kinds of long work. Packages above this one register theirs when they are imported."""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind of long work, and who may start it, see it and fetch its files."""

    name: str
    """As `kind` tells it, such as `customer_import`."""
    permission: str


UPLOAD = "upload"
"""The kind of what is not work yet: a file on its way in. Nobody sees it."""

_KINDS: dict[str, Kind] = {}


def register(name: str, *, permission: str) -> Kind:
    """Make a kind known; operations of an unknown kind are seen by nobody."""
    return _KINDS.setdefault(name, Kind(name, permission))


def list_visible(permissions: Collection[str]) -> list[str]:
    """Names of the kinds that a caller with these permissions may see."""
    return sorted(kind.name for kind in _KINDS.values() if kind.permission in permissions)
