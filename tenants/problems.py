"""Problem: an error that a caller can act on, as RFC 9457 carries it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self


@dataclass(eq=False)
class Problem(Exception):
    """Something is wrong with the request."""

    status: ClassVar[int] = 400

    @classmethod
    def slug(cls) -> str:
        """The published name of this problem: `CouponAlreadyRedeemed` is `coupon-already-redeemed`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()

    @classmethod
    def title(cls) -> str:
        """The first line of the docstring, without its full stop."""
        return (cls.__doc__ or cls.__name__).strip().splitlines()[0].rstrip(".")

    def members(self) -> dict[str, Any]:
        """The fields of this problem: its extension members, and `detail` where it has one."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def leaving(self, note: Callable[[Any], None]) -> Self:
        """This problem, leaving something written down though the request is refused: `note` gets a new transaction."""
        self._note: Callable[[Any], None] | None = note
        return self

    def leave_note(self, session: Any) -> bool:
        """Write down what this problem leaves behind; whether there was anything."""
        note = getattr(self, "_note", None)
        if note is not None:
            note(session)
        return note is not None

    def __str__(self) -> str:
        return str(self.members().get("detail") or self.title())


@dataclass(eq=False)
class NotFound(Problem):
    """There is no such thing, or it is not yours to see."""

    status: ClassVar[int] = 404


@dataclass(eq=False)
class Unauthorized(Problem):
    """The credential is missing, unknown, expired or revoked."""

    status: ClassVar[int] = 401


@dataclass(eq=False)
class PermissionMissing(Problem):
    """The credential does not carry the permission that this needs."""

    status: ClassVar[int] = 403
    permission: str


@dataclass(eq=False)
class Conflict(Problem):
    """The state of the resource forbids this."""

    status: ClassVar[int] = 409
    detail: str


@dataclass(eq=False)
class StaleVersion(Problem):
    """The resource has changed since you read it."""

    status: ClassVar[int] = 412


@dataclass(eq=False)
class Invalid(Problem):
    """The request is well-formed JSON but some of its values are not acceptable."""

    status: ClassVar[int] = 422
    errors: list[dict[str, str]]

    @classmethod
    def at(cls, pointer: str, detail: str) -> "Invalid":
        """One error at one place: `Invalid.at("/limits/total", "Must be at least 1.")`."""
        return cls([{"pointer": pointer, "detail": detail}])
