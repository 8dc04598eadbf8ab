"""What crosses the wire of what came of a campaign."""

from typing import Annotated, Literal

from pydantic import Field

from app.schemas import Instant, LineAccountId, LinkId, Read


class GoalResult(Read):
    """How far the goal is reached."""

    metric: Literal["orders", "redemptions", "visits", "clicks"]
    target: int
    reached: Annotated[int, Field(description="By those sent to, from the launch to the end of the window.")]
    ratio: Annotated[float, Field(description="`reached` of `target`; more than 1 once it is passed.", examples=[0.35])]


class CampaignLinkRead(Read):
    """A tracked address in a campaign's messages, and how often it was followed."""

    id: LinkId
    url: Annotated[str, Field(examples=["https://shop.example.jp/menu"])]
    variant: Annotated[
        int | None,
        Field(description="In which variant it stands, from 0; null: in the messages; -1: in `fallback_messages`."),
    ]
    clicked: int
    unique_clicked: Annotated[
        int | None, Field(description="People who tapped; null where the link does not tell readers apart.")
    ]
    previews: Annotated[int, Field(description="Visits of programs that look ahead, which are no taps.")]
    expires_at: Annotated[Instant, Field(description="Until when it leads on.")]


class ClickedHour(Read):
    """What was followed in one hour."""

    hour_at: Annotated[Instant, Field(description="When the hour began.")]
    clicked: int


class CampaignLinksRead(Read):
    """The tracked addresses of a campaign, and when they were followed."""

    items: list[CampaignLinkRead]
    by_hour: Annotated[list[ClickedHour], Field(description="Hours in which somebody tapped on one of them.")]


class InsightClick(Read):
    """What LINE counted of one address."""

    url: Annotated[str | None, Field(examples=["https://shop.example.jp/menu"])]
    clicks: int | None
    unique_clicks: int | None


class AccountInsightRead(Read):
    """What LINE counted of a campaign at one account. Null is what LINE has not told or hides."""

    line_account_id: LineAccountId
    variant: Annotated[
        int | None, Field(description="Of which variant, from 0; null: of the messages; -1: of `fallback_messages`.")
    ]
    unit: Annotated[str, Field(description="The name under which LINE counts it.", examples=["n_01jKWq3Zb7c9Xy2Lm4"])]
    unique_impressions: Annotated[int | None, Field(description="People on whose screen it was.")]
    unique_clicks: Annotated[int | None, Field(description="People who tapped on an address in it.")]
    clicks: list[InsightClick]
    hidden: Annotated[bool, Field(description="LINE has told, and hides what fewer than 20 people did.")]
    fetched_at: Annotated[Instant | None, Field(description="When LINE told it; null: not yet.")]
    is_final: Annotated[bool, Field(description="Fourteen days after the launch LINE counts no more.")]


class CampaignInsightRead(Read):
    """What LINE itself counted: asked for once a day, for fourteen days."""

    items: list[AccountInsightRead]
