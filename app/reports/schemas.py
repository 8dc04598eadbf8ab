"""Reports as they cross the wire."""

from typing import Annotated

from pydantic import Field

from app.schemas import (
    AreaId,
    CampaignId,
    CouponId,
    Instant,
    LineAccountId,
    LocalDate,
    Read,
    StoreId,
    WeatherRuleId,
)


class SummaryRow(Read):
    """The figures of one group, under the key that was grouped by: null where they belong to no such thing."""

    day: Annotated[LocalDate | None, Field(description="With `group_by=day`: a date in the brand's time zone.")] = None
    store_id: StoreId | None = None
    area_id: AreaId | None = None
    line_account_id: LineAccountId | None = None
    campaign_id: CampaignId | None = None
    coupon_id: CouponId | None = None
    weather_rule_id: WeatherRuleId | None = None
    friends: Annotated[int, Field(description="Follows of LINE accounts.")]
    blocked: Annotated[int, Field(description="Blocks of LINE accounts.")]
    sent: Annotated[int, Field(description="People to whom LINE took a message of ours.")]
    clicked: Annotated[int, Field(description="Clicks on tracked links.")]
    issued: Annotated[int, Field(description="Copies of coupons put into customers' hands.")]
    redeemed: Annotated[int, Field(description="Copies used, less those reversed.")]
    discount_yen: Annotated[int, Field(description="What these uses took off, less reversals.")]
    orders: Annotated[int, Field(description="Orders paid.")]
    sales_yen: Annotated[int, Field(description="What these orders came to.")]


class Summary(Read):
    """A summary over a period: every day of it, or every group that has figures."""

    items: list[SummaryRow]
    fresh_at: Annotated[Instant, Field(description="Everything that was known by then is counted.")]
