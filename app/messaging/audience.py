"""Whom a run is to reach, from which accounts and under which guards; and how it is cut into batches."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement

from app.messaging import trimming
from app.messaging.guards import Guards
from app.messaging.policies import ALL, DEFAULT
from app.messaging.rooms import Rooms


@dataclass(frozen=True)
class Sender:
    """An account that may send in a run, and for which of its stores it speaks in it."""

    account_no: int
    line_account_id: UUID
    store_nos: tuple[int, ...]
    """The stores that take part."""
    other_store_nos: tuple[int, ...] = ()
    """The account's stores that do not: a customer at home in one of these is not written to by this account."""
    available: int | None = None
    """How many messages it may send in this run; None where nothing limits it."""
    free: int | None = None
    """How many its quota still takes this month, by which accounts are compared; None where LINE sets no limit."""


@dataclass(frozen=True)
class Placement:
    """What a batch is cut for: one of the run's variants, or a later moment."""

    variant: int | None = None
    not_before: datetime | None = None


@dataclass(frozen=True)
class Cut:
    """A way to part those who are chosen, so that each part has batches of its own."""

    sql: str
    """The number of a person's part, never null: driver SQL over the columns of `kept`."""
    values: Mapping[str, Any]
    """What stands behind the names in it."""
    place: Callable[[int], Placement]
    """What is said of the batches of a part. Where several cuts say something, the later moment holds."""
    join: str = ""
    """Driver SQL after `FROM kept` that brings what the number is found from, one row a person: `LEFT JOIN …`."""
    may_wait: bool = True
    """Whether some of its parts wait for a moment, and so perhaps for another month with its own quota."""


@dataclass(frozen=True)
class Audience:
    """Whom to choose from, and the guards to hold against each."""

    where: ColumnElement[bool]
    """A condition on `Customer`."""
    senders: Sequence[Sender]
    """In the order in which the policy `fixed_order` prefers them."""
    sender_policy: str = DEFAULT
    only_tied: bool = False
    """Whether people whom no sender reaches are no part of the audience at all, instead of left out as `no_friend`."""
    holdout_ratio: float = 0.0
    holdout_salt: str = ""
    """The same person and salt are always held out or never."""
    cap_run_ids: Sequence[UUID] = ()
    """Whoever was chosen in one of these runs is left out as `cap`."""
    capped: ColumnElement[bool] | None = None
    """A further condition on `Customer` that leaves out as `cap`, such as a coupon's cap per customer."""
    most: int | None = None
    """How many may be chosen in all; those beyond are left out as `cap`, unless it falls back."""
    rooms: Rooms | None = None
    """How many may be chosen by store and by area; those beyond are as those beyond `most`."""
    falls_back: bool = False
    """Whether those beyond these are chosen all the same, after all others, for the run's other messages."""
    guards: Guards | None = None
    """What the brand holds against everybody; whoever starts or plans a run sets it."""
    cuts: Sequence[Cut] = ()
    trim_by: str = trimming.DEFAULT
    """Who goes first where an account's quota does not suffice for everybody."""
    owner_no: int | None = None
    """The store whose run it is. The numbers of its runs must not tell it where people are at home by what they do."""

    @property
    def is_several(self) -> bool:
        """Whether a person gets a message from each account that reaches her, instead of one."""
        return self.sender_policy == ALL


FALLBACK: Final = -1
"""The variant of batches whose people get the run's `fallback_messages`."""
_BEYOND: Final = Cut(
    "kept.is_beyond::int", {}, lambda part: Placement(variant=FALLBACK) if part else Placement(), may_wait=False
)


def fall_back(audience: Audience) -> Audience:
    """The audience of which those for whom there is no copy left get other messages, in batches of their own."""
    if audience.most is None and audience.rooms is None:
        return audience
    return replace(audience, falls_back=True, cuts=(*audience.cuts, _BEYOND))


def is_fallback(audience: Audience, parts: Sequence[int]) -> bool:
    """Whether the people of a batch get the run's other messages."""
    return place(audience.cuts, parts).variant == FALLBACK


def place(cuts: Sequence[Cut], parts: Sequence[int]) -> Placement:
    """What the cuts say of a batch together."""
    said = [cut.place(part) for cut, part in zip(cuts, parts, strict=bool(parts))]
    variants = [one.variant for one in said if one.variant is not None]
    variant = FALLBACK if FALLBACK in variants else next(iter(variants), None)
    return Placement(variant, max((one.not_before for one in said if one.not_before is not None), default=None))
