"""What crosses the wire about LINE accounts."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from app.admin.areas.schemas import StoreIds
from app.admin.patches import absent
from app.messaging.prices import name_plan
from app.schemas import AreaId, Body, Instant, LineAccountId, Name, Read, StoreId, example

ChannelId = Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,40}$", examples=["1656000001"])]
ChannelSecret = Annotated[
    SecretStr, Field(min_length=8, max_length=100, description="Of the Messaging API channel; never shown again.")
]
LoginSecret = Annotated[
    SecretStr, Field(min_length=8, max_length=100, description="Of the LINE Login channel; never shown again.")
]
ProviderId = Annotated[
    str,
    Field(
        pattern=r"^[0-9A-Za-z_-]{1,40}$",
        description="LINE's provider of the channel. People are joined within one provider; LINE has no API to ask it.",
    ),
]


def _name_known(stated: str) -> str:
    """One of LINE's plans by its own name, however it was written; else as it was written."""
    return name_plan(stated) or stated


Plan = Annotated[
    Name,
    Field(
        max_length=40,
        description="`communication`, `light` or `standard`, by which messages beyond the plan are priced; any other"
        " text is kept, and their price is then not known.",
        examples=["light"],
    ),
    AfterValidator(_name_known),
]
Mode = Annotated[
    Literal["live", "test"],
    Field(description="`test`: every call goes to the installation's look-alike of LINE, where it names one."),
]
Greeting = Annotated[
    list[dict[str, Any]],
    Field(
        min_length=1,
        max_length=5,
        description="LINE message objects that answer whoever adds the account; null for none. Switch LINE's own"
        " greeting off, or both are sent.",
    ),
]
GREETING_VARIABLES = frozenset({"customer.name", "store.name", "brand.name"})
PREVIOUS_SECONDS = 600


def _true_or_false(value: object) -> object:
    if value not in ("true", "false"):
        raise ValueError("must be true or false")
    return value


TrueOrFalse = BeforeValidator(_true_or_false)
"""For flags in a query, where pydantic reads `yes` and `1` too."""


class LineAccountCreate(Body):
    """A new account: of stores, or of an area, whose stores it then follows."""

    model_config = example(
        name="渋谷店",
        channel_id="1656000001",
        channel_secret="0123456789abcdef0123456789abcdef",  # noqa: S106 - made up
        provider_id="2000000001",
        store_ids=["store_01h455vb4pex5vsknk084sn02q"],
    )

    name: Name
    channel_id: ChannelId
    channel_secret: ChannelSecret
    provider_id: ProviderId
    login_channel_id: ChannelId | None = None
    login_channel_secret: LoginSecret | None = None
    store_ids: Annotated[StoreIds, Field(min_length=1)] | None = None
    area_id: AreaId | None = None
    plan: Plan | None = None
    mode: Mode = "live"
    greeting: Greeting | None = None

    @model_validator(mode="after")
    def _has_stores(self) -> "LineAccountCreate":
        if (self.store_ids is None) == (self.area_id is None):
            raise ValueError("must name either store_ids or area_id")
        return self


class LineAccountPatch(Body):
    """Changes to an account. `store_ids` takes it out of its area, `area_id` puts it into one."""

    model_config = example(name="渋谷本店")

    name: Name = Field(default_factory=absent)
    channel_id: ChannelId = Field(default_factory=absent)
    channel_secret: ChannelSecret = Field(default_factory=absent)
    previous_secret_valid_seconds: Annotated[int, Field(strict=True, ge=0, le=86_400)] = Field(
        default=PREVIOUS_SECONDS,
        description="How long webhooks that the former channel secret signed are still taken beside a new one.",
    )
    provider_id: ProviderId = Field(default_factory=absent)
    login_channel_id: ChannelId | None = None
    login_channel_secret: LoginSecret | None = None
    store_ids: Annotated[StoreIds, Field(min_length=1)] = Field(default_factory=absent)
    area_id: AreaId | None = None
    plan: Plan | None = None
    mode: Mode = Field(default_factory=absent)
    greeting: Greeting | None = None

    @model_validator(mode="after")
    def _has_stores(self) -> "LineAccountPatch":
        if "store_ids" in self.model_fields_set and self.area_id is not None:
            raise ValueError("must name either store_ids or area_id")
        if "area_id" in self.model_fields_set and self.area_id is None and "store_ids" not in self.model_fields_set:
            raise ValueError("must name store_ids when it leaves its area")
        return self


class Quota(Read):
    """What the account may send in a month of Japan: LINE's figures, and what our runs hold reserved."""

    limit: int | None = Field(description="Null where LINE sets none.")
    used: int
    reserved: int
    month: str = Field(examples=["2026-11"])


class CheckRead(Read):
    """One thing that was checked: what is so, and what to do where it should not be so, in English and Japanese."""

    check: str = Field(examples=["token", "bot", "webhook", "webhook_active", "quota"])
    code: str = Field(description="What exactly was found, for programs.", examples=["secret_fits", "webhook_off"])
    ok: bool = Field(description="False where it keeps the account from working: `severity` is then `trouble`.")
    severity: str = Field(description="`ok`, `advice` or `trouble`.", examples=["ok"])
    detail: str
    detail_ja: str = Field(examples=["LINEはこのチャネルを認めています。"])
    remedy: str | None
    remedy_ja: str | None


class BackfillRead(Read):
    """How far the list of those who followed the account before it was connected has been read."""

    status: str = Field(
        description="`waiting`, `running`, `done`, `refused` where LINE does not give this account the list, or"
        " `failed`.",
        examples=["done"],
    )
    imported: int = Field(description="Friends that were new.", examples=[120])
    known: int = Field(description="Friends that were known already; what webhooks told of them stays.", examples=[3])
    left_out: int = Field(
        description="Always 0: whom the brand has no basis for joining becomes a customer of her own.", examples=[0]
    )
    detail: str | None
    detail_ja: str | None
    started_at: Instant
    finished_at: Instant | None


class LineAccountRead(Read):
    """A LINE official account. Its stores are those that you may see; its quota is null until LINE was asked."""

    id: LineAccountId
    name: str
    channel_id: str
    provider_id: str
    login_channel_id: str | None
    has_login_secret: bool
    store_ids: list[StoreId]
    area_id: AreaId | None
    plan: str | None
    mode: str = Field(examples=["live"])
    greeting: list[dict[str, Any]] | None
    bot_user_id: str | None
    basic_id: str | None
    premium_id: str | None
    display_name: str | None
    picture_url: str | None
    chat_mode: str | None = Field(description="LINE's `chat` or `bot`.", examples=["bot"])
    is_verified: bool | None = Field(description="Whether LINE tells who its friends are; null until known.")
    webhook_url: str
    previous_secret_until: Instant | None = Field(
        description="Until when webhooks that the former channel secret signed are still taken."
    )
    status: str = Field(description="`unchecked`, `ok` or `trouble`, as the last check found.")
    status_detail: str | None
    findings: list[CheckRead] | None = Field(
        description="What the last check found that wants doing, the worst first; null before the first one."
    )
    checked_at: Instant | None
    heard_at: Instant | None = Field(description="When its webhook last brought something, to the minute.")
    backfill: BackfillRead | None
    sending_stopped_at: Instant | None = Field(
        description="Since when nothing is sent from it, by an emergency stop; null: sending. The brand's own stop is"
        " told at `/v1/brand`.",
        examples=[None],
    )
    sending_stopped_reason: str | None = Field(examples=[None])
    sending_stopped_by: Literal["head_office", "store"] | None = Field(
        description="What head office stopped no store lets go on.", examples=[None]
    )
    quota: Quota | None
    created_at: Instant


class ManualStepRead(Read):
    """Something that only a person can switch, and where."""

    step: str = Field(examples=["use_webhook"])
    detail: str
    detail_ja: str = Field(examples=["「Webhookの利用」をオンにします。"])
    where: str = Field(examples=['LINE Developers Console > the channel > "Messaging API" > "Webhook settings"'])
    where_ja: str = Field(examples=["LINE Developersコンソール > チャネル > 「Messaging API設定」 > 「Webhook設定」"])


class ChecksRead(Read):
    """What a check at LINE found, and what only a person can see to there."""

    status: str
    checks: list[CheckRead]
    manual_steps: list[ManualStepRead]
