"""Facts about coupons, as timeline, reports and webhooks carry them. None carries the code: it is as good as cash."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from app.events.facts import Fact


@dataclass(frozen=True, kw_only=True)
class _CopyFact(Fact):
    """Something happened to one copy; what caused the copy goes with it."""

    coupon_id: UUID
    issued_coupon_id: UUID
    campaign_id: UUID | None
    weather_rule_id: UUID | None
    run_id: UUID | None


@dataclass(frozen=True, kw_only=True)
class CouponIssued(_CopyFact):
    """A customer was given a copy."""

    type: ClassVar[str] = "coupon.issued"
    once_by: ClassVar[tuple[str, ...]] = ("issued_coupon_id",)


@dataclass(frozen=True, kw_only=True)
class CouponRedeemed(_CopyFact):
    """A customer used a copy in a store."""

    type: ClassVar[str] = "coupon.redeemed"
    once_by: ClassVar[tuple[str, ...]] = ("redemption_id",)
    redemption_id: UUID
    discount_yen: int
    amount_yen: int | None


@dataclass(frozen=True, kw_only=True)
class CouponReversed(_CopyFact):
    """A redemption was undone; its discount is given back to the budget."""

    type: ClassVar[str] = "coupon.reversed"
    once_by: ClassVar[tuple[str, ...]] = ("redemption_id",)
    redemption_id: UUID
    discount_yen: int


@dataclass(frozen=True, kw_only=True)
class CouponConflicted(_CopyFact):
    """A till that was offline granted a use that cannot be counted: used elsewhere meanwhile, ended, or too dear."""

    type: ClassVar[str] = "coupon.conflicted"
    once_by: ClassVar[tuple[str, ...]] = ("store_no", "settle_ref")
    reason: str
    """The published name of the problem, such as `coupon-already-redeemed`."""
    settle_ref: str
