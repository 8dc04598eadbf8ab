"""Campaigns on the wire."""

from typing import Annotated, Any, Literal

from pydantic import Field

from app.campaigns.audience_schemas import AudienceBody
from app.campaigns.experiments.schemas import ExperimentBody, VariantBody
from app.campaigns.life.schemas import Goal, Schedule, StepRead
from app.campaigns.results.schemas import GoalResult
from app.schemas import (
    Body,
    CampaignId,
    Count,
    CouponId,
    CustomerId,
    DryRunId,
    Flag,
    Instant,
    LineAccountId,
    MessageTemplateId,
    Name,
    NotNull,
    Read,
    RunId,
    StoreId,
    example,
)

Status = Literal[
    "draft", "awaiting_approval", "scheduled", "sending", "paused", "sent", "cancelled", "expired", "failed"
]
SenderPolicy = Literal["home_store", "last_visited", "nearest", "most_quota", "fixed_order", "all_accounts"]
QuotaPolicy = Annotated[
    Literal["trim", "queue", "skip", "refuse"],
    Field(
        description="Where an account's monthly quota does not suffice: send to as many as it lets (`trim`), let those"
        " beyond wait for the next month and its quota (`queue`), send to nobody of that account (`skip`), or do not"
        " launch (`refuse`)."
    ),
]
TrimBy = Annotated[
    Literal["longest_known", "recent_visit", "spend", "home_store", "random"],
    Field(
        description="Who goes first where the quota does not suffice for everybody: known longest, here last, spent"
        " most, at home in a store of the account, or drawn by lot, the same each time. A store's own campaign goes by"
        " what was done at that store."
    ),
]
Holdout = Annotated[float, Field(strict=True, ge=0, le=0.9)]
Tracking = Annotated[
    Literal["none", "campaign", "person"],
    Field(
        description="Whether addresses in the messages lead by way of ours, so that taps are counted: one for all"
        " readers of an account (`campaign`), one for each reader, who gets a call of her own (`person`), or `none`."
    ),
]
Messages = Annotated[list[dict[str, Any]], Field(min_length=1, max_length=5)]
FallbackMessages = Annotated[
    list[dict[str, Any]],
    Field(
        min_length=1,
        max_length=5,
        description="What those get instead for whom no copy of the coupon is left, by its caps on copies or what it"
        " sets aside; without them they get nothing. They name nothing of the coupon but its name.",
    ),
]
Variants = Annotated[
    list[VariantBody],
    Field(
        min_length=2,
        max_length=5,
        description="Several contents instead of `messages`, dealt out by chance; the same person always gets the same"
        " one. Without `experiment` everybody gets one at once.",
    ),
]


class CampaignCreate(Body):
    """A campaign to be."""

    model_config = example(
        name="週末のお知らせ",
        audience={"rule": {"field": "order_count", "op": ">=", "value": 3}},
        messages=[{"type": "text", "text": "今週末は、あたたかい一杯を。"}],
        holdout_ratio=0.1,
    )

    name: Name
    audience: AudienceBody = AudienceBody()
    messages: Annotated[
        Messages | None, NotNull(), Field(description="May be left out where there are variants, which go out instead.")
    ] = None
    template_id: Annotated[
        MessageTemplateId | None,
        Field(
            description="In place of messages: they are copied from this template now, and what stands in its blocks at"
            " each store is read when the campaign is launched."
        ),
    ] = None
    variants: Variants | None = None
    experiment: ExperimentBody | None = None
    coupon_id: CouponId | None = None
    fallback_messages: FallbackMessages | None = None
    sender_policy: SenderPolicy | None = None
    one_per_person: Annotated[
        Flag,
        Field(description="False: a message from each account that reaches her; with `all_accounts`, and only so."),
    ] = True
    holdout_ratio: Holdout = 0.0
    quota_policy: QuotaPolicy = "trim"
    trim_by: TrimBy = "longest_known"
    valid_until: Instant | None = None
    schedule: Schedule | None = None
    goal: Goal | None = None
    tracking: Tracking = "campaign"
    store_id: StoreId | None = None


class CampaignPatch(Body):
    """What may change while it is a draft."""

    model_config = example(name="今週末のお知らせ")

    name: Annotated[Name | None, NotNull()] = None
    audience: AudienceBody | None = None
    messages: Annotated[Messages | None, NotNull()] = None
    template_id: MessageTemplateId | None = None
    variants: Variants | None = None
    experiment: ExperimentBody | None = None
    coupon_id: CouponId | None = None
    fallback_messages: FallbackMessages | None = None
    sender_policy: SenderPolicy | None = None
    one_per_person: Annotated[Flag | None, NotNull()] = None
    holdout_ratio: Annotated[Holdout | None, NotNull()] = None
    quota_policy: Annotated[QuotaPolicy | None, NotNull()] = None
    trim_by: Annotated[TrimBy | None, NotNull()] = None
    valid_until: Instant | None = None
    schedule: Schedule | None = None
    goal: Goal | None = None
    tracking: Annotated[Tracking | None, NotNull()] = None


class MovedCount(Read):
    """People whose reason changed."""

    from_: Annotated[str, Field(alias="from")]
    to: str
    count: int


class DifferenceRead(Read):
    """What the run did that its dry run had not said, by person and reason; `chosen` stands for no reason."""

    added: Annotated[dict[str, int], Field(description="People whom the dry run did not know.")]
    removed: Annotated[dict[str, int], Field(description="People whom the run did not find again.")]
    moved: list[MovedCount]


class LineValidationRead(Read):
    """LINE's word on messages: by which account it was asked, with samples in place of values."""

    status: Annotated[
        Literal["passed", "failed", "unavailable"],
        Field(description="`unavailable`: LINE could not be asked; it is asked again at the dry run and the launch."),
    ]
    asked_at: Instant
    line_account_id: LineAccountId | None
    detail: Annotated[str | None, Field(examples=[None])]


class CampaignRead(Read):
    """A campaign."""

    id: CampaignId
    name: str
    status: Status
    audience: AudienceBody
    messages: list[dict[str, Any]]
    variants: Annotated[
        list[VariantBody] | None, Field(description="Contents that go out instead of `messages`, dealt out by chance.")
    ]
    experiment: ExperimentBody | None
    template_id: MessageTemplateId | None
    line_validation: Annotated[
        LineValidationRead | None, Field(description="What LINE said of the messages when it was asked last.")
    ]
    coupon_id: CouponId | None
    fallback_messages: Annotated[
        list[dict[str, Any]] | None, Field(description="What those get for whom no copy of the coupon is left.")
    ]
    sender_policy: SenderPolicy | None
    one_per_person: bool
    holdout_ratio: float
    quota_policy: QuotaPolicy
    trim_by: TrimBy
    valid_until: Instant | None
    schedule: Schedule | None
    scheduled_at: Annotated[
        Instant | None, Field(description="When the clock launches it, or did; later than `send_at` after quiet hours.")
    ]
    approved_at: Annotated[
        Instant | None, Field(description="When head office approved it as it stands.", examples=[None])
    ]
    goal: Goal | None
    tracking: Tracking
    copied_from_id: CampaignId | None
    last_step: StepRead | None
    store_id: StoreId | None
    run_id: RunId | None
    dry_run_id: Annotated[DryRunId | None, Field(description="The dry run with which the launch was compared.")]
    difference: DifferenceRead | None
    created_at: Instant
    launched_at: Instant | None


class AccountCount(Read):
    """People of one account."""

    line_account_id: LineAccountId
    chosen: int
    quota_after: Annotated[
        int | None, Field(description="What its quota still takes this month then; null: LINE sets no limit.")
    ]
    cost_yen: Annotated[
        int | None,
        Field(description="What LINE charges for messages beyond the plan's free ones, without tax; null: not known."),
    ]


class StoreCount(Read):
    """People of one store."""

    store_id: Annotated[StoreId | None, Field(description="Null: of those whose account speaks for no store.")]
    chosen: int


class VariantCount(Read):
    """People of one variant."""

    variant: Annotated[str | None, Field(description="Null: of those who wait until it is decided.")]
    chosen: int


class SampleRead(Read):
    """The messages as a made-up customer would read them."""

    store_id: StoreId | None
    variant: Annotated[str | None, Field(description="Of an experiment.")]
    messages: list[dict[str, Any]]
    problem: Annotated[
        str | None,
        Field(description="Why people of this store would get nothing: a value that it lacks.", examples=[None]),
    ]


class DryRunRead(Read):
    """What launching now would do; nothing was sent."""

    id: DryRunId
    made_at: Instant
    chosen: Count
    left_out: dict[str, int]
    by_line_account: list[AccountCount]
    by_store: Annotated[list[StoreCount], Field(description="The largest first.")]
    by_variant: Annotated[list[VariantCount] | None, Field(description="Null where everybody gets the same messages.")]
    fallback: Annotated[Count, Field(description="Of `chosen`, how many get `fallback_messages`.")]
    cost_yen: Annotated[int | None, Field(description="Of all accounts; null as soon as that of one is not known.")]
    cost_is_estimate: Annotated[
        bool, Field(description="Whether a plan was guessed by its limit, or LINE's figures are hours old.")
    ]
    samples: Annotated[list[SampleRead], Field(description="Of the three largest stores, with made-up people.")]


class CampaignLaunch(Body):
    """How to launch."""

    model_config = example(dry_run_id="dry_01h455vb4pex5vsknk084sn02q")

    dry_run_id: Annotated[
        DryRunId | None,
        Field(description="What it is compared with; the newest, if the campaign has not changed since."),
    ] = None


class SenderRead(Read):
    """An account that reaches her and may send, and what the sender policies compare."""

    line_account_id: LineAccountId
    store_id: Annotated[StoreId | None, Field(description="The store for which it would speak.")]
    is_home_store: bool
    last_at: Annotated[Instant | None, Field(description="Her last order or visit there.")]
    followed_at: Instant | None
    quota_left: Annotated[int | None, Field(description="This month; null: LINE sets no limit.")]


class CampaignExplanationRead(Read):
    """What a campaign does with one person, and why."""

    campaign_id: CampaignId
    customer_id: CustomerId
    is_launched: Annotated[
        bool, Field(description="True: as it was decided at the launch. False: as it would be, were it launched now.")
    ]
    in_audience: bool
    chosen: Annotated[bool, Field(description="Whether a message goes out to her.")]
    reason: Annotated[str | None, Field(description="Why she is left out.", examples=["cap"])]
    sender_policy: str
    line_account_id: Annotated[LineAccountId | None, Field(description="The account that speaks to her, or first.")]
    line_account_ids: Annotated[
        list[LineAccountId], Field(description="Every account that speaks to her: several by `all_accounts` only.")
    ]
    senders: Annotated[list[SenderRead], Field(description="As things stand now, the one that speaks first.")]
    text: Annotated[str, Field(examples=["Noren Shinjuku speaks to her: it is that of her home store."])]
    text_ja: Annotated[str, Field(examples=["「のれん新宿店」から届きます。いつもの店舗のアカウントです。"])]


class StatsGroup(Read):
    """What has become of one variant's, account's or store's part of a run."""

    variant: Annotated[str | None, Field(description="By variant; null: of those who wait, or are left out.")]
    is_fallback: Annotated[bool, Field(description="By variant: whether it is those who get `fallback_messages`.")]
    line_account_id: Annotated[LineAccountId | None, Field(description="By account; null: whom no account reaches.")]
    store_id: Annotated[StoreId | None, Field(description="By store; null: of those who belong to none.")]
    chosen: int
    waiting: int
    sent: int
    failed: int
    unknown: int
    left_out: dict[str, int]
    issued: int
    redeemed: int
    discount_yen: int
    clicked: int


class StatsRead(Read):
    """What has become of a campaign's run so far."""

    chosen: int
    waiting: int
    sent: int
    failed: int
    unknown: int
    left_out: dict[str, int]
    holdout: int
    fallback: Annotated[int, Field(description="Of `chosen`, how many get `fallback_messages`.")]
    issued: int
    redeemed: int
    discount_yen: int
    clicked: Annotated[int, Field(description="Taps on tracked links, however often by one person.")]
    unique_clicked: Annotated[
        int | None, Field(description="People who tapped; null where the links do not tell readers apart.")
    ]
    click_ratio: Annotated[float | None, Field(description="`unique_clicked` of those sent to.", examples=[0.12])]
    previews: Annotated[int, Field(description="Visits of programs that look ahead, which are no taps.")]
    goal: GoalResult | None
    groups: Annotated[
        list[StatsGroup] | None, Field(description="Each variant, account or store; null without `group_by`.")
    ]


class DeliveryRead(Read):
    """One person in a run: to be sent, sent, or left out and why."""

    customer_id: CustomerId
    line_account_id: LineAccountId | None
    store_id: StoreId | None
    variant: Annotated[str | None, Field(description="What she gets of several contents, once that is known.")]
    is_fallback: Annotated[bool, Field(description="Whether she gets `fallback_messages`, since no copy was left.")]
    status: Literal["waiting", "sent", "left_out", "failed", "unknown"]
    reason: str | None
    detail: str | None
    sent_at: Instant | None
