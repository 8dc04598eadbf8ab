"""Statements as they cross the wire."""

from typing import Annotated, Literal

from pydantic import Field

from app.schemas import CouponId, Instant, Read, RedemptionId, StoreId

PartyId = Annotated[StoreId | None, Field(description="The party: a store, or null for head office.")]
Given = Annotated[int, Field(description="What it gave at its counter, in yen: the next three together.")]
Own = Annotated[int, Field(description="Of that, what it bears itself.")]
OwedByBrand = Annotated[int, Field(description="Of that, what head office owes it.")]
OwedByStores = Annotated[int, Field(description="Of that, what other stores owe it.")]
Owes = Annotated[int, Field(description="What it owes for what other stores gave at their counters.")]
Net = Annotated[
    int, Field(description="Its claim (above 0) or debt (below): what is owed to it less what it owes. 0 over all.")
]


class SettlementRow(Read):
    """What a month comes to for one party. Reversed uses are taken off the yen; they stay among `redemptions`."""

    store_id: PartyId
    store_name: str | None
    redemptions: Annotated[int, Field(description="Copies used at its counter.")]
    reversals: Annotated[int, Field(description="Uses at its counter that were reversed.")]
    given_yen: Given
    own_yen: Own
    owed_by_brand_yen: OwedByBrand
    owed_by_stores_yen: OwedByStores
    owes_yen: Owes
    net_yen: Net


class Settlement(Read):
    """A month's statement, head office's row first. A store's key sees the rows of its stores."""

    month: Annotated[str, Field(examples=["2026-11"])]
    status: Annotated[Literal["open", "closed"], Field(description="A closed one never changes.")]
    closes_at: Annotated[
        Instant, Field(description="What is told later stands in the statement of the month in which it is told.")
    ]
    fresh_at: Annotated[Instant, Field(description="Everything that was known by then is counted.")]
    items: list[SettlementRow]


class SettlementShare(Read):
    """What one party bears of a discount."""

    party: Literal["brand", "store"]
    store_id: Annotated[StoreId | None, Field(description="Null for head office, and for a store that you do not see.")]
    yen: int


class SettlementLineRead(Read):
    """What one use of a coupon means to one party; of a reversal every yen has the other sign."""

    store_id: PartyId
    kind: Literal["use", "reversal"]
    redemption_id: RedemptionId
    redeemed_at: Instant
    redeemed_by_store_id: Annotated[StoreId | None, Field(description="Null for a store that you do not see.")]
    coupon_id: CouponId
    coupon_name: Annotated[str | None, Field(description="Null for a coupon that you do not see.")]
    issued_by: Literal["brand", "store"]
    issued_by_store_id: Annotated[
        StoreId | None, Field(description="Null for head office, and for a store that you do not see.")
    ]
    given_yen: Given
    own_yen: Own
    owed_by_brand_yen: OwedByBrand
    owed_by_stores_yen: OwedByStores
    owes_yen: Owes
    net_yen: Net
    shares: Annotated[list[SettlementShare], Field(description="Who bears how much of the whole discount.")]
