"""What can go wrong with coupons. The names are published: partners act on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from tenants.problems import Problem


@dataclass(eq=False)
class CouponAlreadyRedeemed(Problem):
    """This coupon has been redeemed."""

    status: ClassVar[int] = 409
    redeemed_at: datetime
    store: str


@dataclass(eq=False)
class CouponVoid(Problem):
    """This coupon has been withdrawn."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class CouponNotHere(Problem):
    """This coupon is not redeemed at this store."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class CouponNotStarted(Problem):
    """This coupon cannot be redeemed yet."""

    status: ClassVar[int] = 409
    starts_at: datetime


@dataclass(eq=False)
class CouponEnded(Problem):
    """This coupon can no longer be redeemed."""

    status: ClassVar[int] = 409
    expires_at: datetime


@dataclass(eq=False)
class CouponNotNow(Problem):
    """This coupon is not redeemed at this time of the day or week."""

    status: ClassVar[int] = 409
    within_opening_hours: bool
    weekdays: Sequence[str] | None
    hours: Sequence[Sequence[str]] | None


@dataclass(eq=False)
class CouponMinimumSpend(Problem):
    """The amount is below the least that this coupon asks for."""

    status: ClassVar[int] = 409
    min_spend_yen: int


@dataclass(eq=False)
class CouponBudgetSpent(Problem):
    """What this coupon may cost has been spent."""

    status: ClassVar[int] = 409
    limit: str = "budget_yen"


@dataclass(eq=False)
class CouponDailyLimit(Problem):
    """This store has redeemed this coupon as often today as it may."""

    status: ClassVar[int] = 409
    per_store_per_day: int


@dataclass(eq=False)
class CouponLimitReached(Problem):
    """This coupon has been issued or redeemed as often as it may."""

    status: ClassVar[int] = 409
    limit: str
    most: int


@dataclass(eq=False)
class CouponAllIssued(Problem):
    """As many copies of this coupon have been issued as there may be."""

    status: ClassVar[int] = 409
    total: int


@dataclass(eq=False)
class CouponCustomerLimit(Problem):
    """This customer has been given as many copies of this coupon as she may."""

    status: ClassVar[int] = 409
    per_customer: int


@dataclass(eq=False)
class RedemptionReversed(Problem):
    """This redemption has been reversed before."""

    status: ClassVar[int] = 409
    reversed_at: datetime


@dataclass(eq=False)
class CouponNotCombinable(Problem):
    """This coupon cannot be used together with another one on the same order."""

    status: ClassVar[int] = 409
    coupon: str
    """The name of the other one."""


@dataclass(eq=False)
class CodeStale(Problem):
    """This is an older picture of the code; ask her to show it again."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class TooManyUnknownCodes(Problem):
    """Too many codes that nobody has were asked for within a minute."""

    status: ClassVar[int] = 429
    retry_after_seconds: int
