"""Fact: what a domain's events are made of. A fact is recorded once, in the transaction that makes it true."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from app.schemas import write_instant
from tenants.ids import encode_id

PREFIX_OF = {
    "customer_id": "cus", "store_id": "store", "line_account_id": "acc", "coupon_id": "cpn", "issued_coupon_id": "icpn",
    "redemption_id": "red", "campaign_id": "cmp", "run_id": "run", "weather_rule_id": "rule", "decision_id": "dec",
    "order_id": "ord", "friend_id": "frd", "tag_id": "tag", "qr_code_id": "qr", "visit_id": "vis",
    "merge_id": "mrg", "from_customer_id": "cus", "into_customer_id": "cus", "operation_id": "op", "note_id": "note",
    "consent_id": "con", "refund_id": "rfd", "link_id": "link", "click_id": "click", "point_entry_id": "pnt",
    "safety_stop_id": "stop",
}  # fmt: skip
"""How an id in an event's data is written outside; inside it is the UUID's text."""

TYPES: Final = (
    "friend.followed", "friend.blocked", "friend.sourced", "message.received", "link.clicked", "coupon.issued",
    "coupon.redeemed", "coupon.reversed", "coupon.conflicted", "coupon.expired", "order.paid", "order.refunded",
    "visit.recorded", "weather.decided", "campaign.ended", "run.finished", "points.changed", "customer.created",
    "customer.updated", "customer.merged", "customer.unmerged", "customer.erased", "consent.changed",
    "import.finished", "quota.alerted", "quota.used_elsewhere", "sending.stopped", "sending.resumed",
    "safety.stopped", "safety.resumed",
)  # fmt: skip
"""Every type of event, as published."""


@dataclass(frozen=True, kw_only=True)
class Fact:
    """Something that happened, in the past tense. Subclasses set `type` and `once_by`, and add fields: the data."""

    type: ClassVar[str]
    once_by: ClassVar[tuple[str, ...]]
    """The fields that tell two facts of this type apart; they make the dedupe key."""

    occurred_at: datetime
    customer_id: UUID | None = None
    store_no: int | None = None
    account_no: int | None = None

    def dedupe_key(self) -> str:
        """The same for the same fact, whoever records it how often."""
        return ":".join([self.type, *(str(getattr(self, name)) for name in self.once_by)])

    def data(self) -> dict[str, Any]:
        """The fields of the subclass, as JSON."""
        own = {field.name for field in fields(self)} - _COMMON
        return {name: _as_json(getattr(self, name)) for name in sorted(own)}


_COMMON = {"occurred_at", "customer_id", "store_no", "account_no"}


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return write_instant(value)
    return str(value) if isinstance(value, UUID) else value


def public_data(data: dict[str, Any]) -> dict[str, Any]:
    """An event's data as it is shown outside: ids as TypeIDs."""
    return {
        name: encode_id(PREFIX_OF[name], UUID(value)) if name in PREFIX_OF and value else value
        for name, value in data.items()
    }
