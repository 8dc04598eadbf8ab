"""Lift as it crosses the wire."""

from typing import Annotated, Literal

from pydantic import Field

from app.reports.lift.statistics import Verdict
from app.schemas import CampaignId, Instant, Read, StoreId, WeatherRuleId

Low = Annotated[float | None, Field(description="The lower end of the interval of 95 %.")]
High = Annotated[float | None, Field(description="Its upper end.")]


class LiftArm(Read):
    """What one side did while it was watched: from the sending until seven days after the offer's end."""

    people: Annotated[int, Field(description="People, each counted once for every run that was meant for her.")]
    redemptions: Annotated[int, Field(description="Uses of the coupon that was offered, less those reversed.")]
    discount_yen: Annotated[int, Field(description="What these uses took off.")]
    orders: int
    sales_yen: Annotated[int, Field(description="What these orders came to, less refunds.")]
    visits: int


class LiftFigure(Read):
    """What sending added in one respect. Null is what cannot be told: nobody on one side, or nothing done at all."""

    held_out_per_100: Annotated[
        float | None, Field(description="What a hundred people who were held out did, weighted like the comparison.")
    ]
    extra_per_100_messages: Annotated[
        float | None, Field(description="What a hundred messages added.", examples=[1.94])
    ]
    low_per_100_messages: Low
    high_per_100_messages: High
    detectable_per_100_messages: Annotated[
        float | None, Field(description="The smallest lift that four out of five such samples would tell from none.")
    ]
    extra: Annotated[float | None, Field(description="What all messages added.", examples=[154.2])]
    extra_low: Low
    extra_high: High
    verdict: Annotated[
        Verdict, Field(description="`not_enough_yet` until half of what those written to did could be told from none.")
    ]


class LiftCost(Read):
    """What one more of it cost. `high` is null while the interval of what was added does not lie above 0."""

    value: Annotated[float, Field(description="`cost_yen` divided by what was added.", examples=[310.5])]
    low: float
    high: float | None


class Lift(Read):
    """What sending added, by comparing those written to with those held out in the same run and store."""

    status: Annotated[
        Literal["enough", "not_enough_yet"],
        Field(description="`enough` once at least one figure has a verdict; `detail` says what is missing."),
    ]
    detail: str | None
    days: Annotated[int, Field(description="Business days on which both sides had people; the interval goes by them.")]
    runs: int
    open_runs: Annotated[
        int, Field(description="Runs that are still watched: what they add is not all told, on either side.")
    ]
    stores: int
    customers: Annotated[int, Field(description="Different people on either side.")]
    messages: Annotated[int, Field(description="Those that LINE took.")]
    offered: Annotated[
        LiftArm,
        Field(description="Those meant to be written to, also those whom then a cap or a quota left out."),
    ]
    held_out: LiftArm
    redemptions: LiftFigure
    orders: LiftFigure
    visits: LiftFigure
    sales_yen: LiftFigure
    cost_yen: Annotated[
        int, Field(description="Discounts to those written to, and what the messages cost by `message_yen`.")
    ]
    cost_per_extra_visit_yen: LiftCost | None
    cost_per_extra_order_yen: LiftCost | None
    fresh_at: Annotated[Instant, Field(description="Everything that was known by then is counted.")]


class WeatherRuleLift(Lift):
    """What the messages of a weather rule added."""

    rule_id: WeatherRuleId


class LiftRow(Lift):
    """The lift of one group, under the key that was grouped by; null for people whom no store stands behind."""

    weather_rule_id: WeatherRuleId | None = None
    campaign_id: CampaignId | None = None
    store_id: StoreId | None = None


class LiftReport(Read):
    """Every rule, campaign or store in whose runs of the period somebody was held out."""

    items: list[LiftRow]
