"""What a caller may hand on."""

from collections.abc import Iterable

from app.callers import CallerInfo


def check_grant(caller: CallerInfo, permissions: Iterable[str]) -> None:
    """Nobody gets more out of a new secret than she has. Raises PermissionMissing."""
    for permission in sorted(permissions):
        caller.require(permission)
