"""Facts of joining, as timeline, reports and webhooks carry them."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from app.events.facts import Fact


@dataclass(frozen=True, kw_only=True)
class CustomerMerged(Fact):
    """Two customers turned out to be one person; the event is hers who stands for both."""

    type: ClassVar[str] = "customer.merged"
    once_by: ClassVar[tuple[str, ...]] = ("merge_id",)
    merge_id: UUID
    from_customer_id: UUID
    into_customer_id: UUID
    source: str
    """What showed it: `api`, `line_login`, `liff`, `account_link`, `import`."""


@dataclass(frozen=True, kw_only=True)
class CustomerUnmerged(Fact):
    """A merge was undone: there are two people again."""

    type: ClassVar[str] = "customer.unmerged"
    once_by: ClassVar[tuple[str, ...]] = ("merge_id",)
    merge_id: UUID
    from_customer_id: UUID
    into_customer_id: UUID
