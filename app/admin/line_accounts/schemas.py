"""What crosses the wire about LINE accounts."""

from typing import Annotated

from pydantic import Field, SecretStr, model_validator

from app.admin.areas.schemas import StoreIds
from app.admin.patches import absent
from app.schemas import AreaId, Body, Instant, LineAccountId, Name, Read, StoreId, example

ChannelId = Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,40}$", examples=["1656000001"])]
ChannelSecret = Annotated[
    SecretStr, Field(min_length=8, max_length=100, description="Of the Messaging API channel; never shown again.")
]
ProviderId = Annotated[
    str,
    Field(
        pattern=r"^[0-9A-Za-z_-]{1,40}$",
        description="LINE's provider of the channel. People are joined within one provider; LINE has no API to ask it.",
    ),
]
Plan = Annotated[Name, Field(max_length=40)]


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
    store_ids: Annotated[StoreIds, Field(min_length=1)] | None = None
    area_id: AreaId | None = None
    plan: Plan | None = None

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
    provider_id: ProviderId = Field(default_factory=absent)
    login_channel_id: ChannelId | None = None
    store_ids: Annotated[StoreIds, Field(min_length=1)] = Field(default_factory=absent)
    area_id: AreaId | None = None
    plan: Plan | None = None

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


class LineAccountRead(Read):
    """A LINE official account. Its stores are those that you may see; its quota is null until LINE was asked."""

    id: LineAccountId
    name: str
    channel_id: str
    provider_id: str
    login_channel_id: str | None
    store_ids: list[StoreId]
    area_id: AreaId | None
    plan: str | None
    bot_user_id: str | None
    basic_id: str | None
    webhook_url: str
    status: str = Field(description="`unchecked`, `ok` or `trouble`, as the last check found.")
    status_detail: str | None
    quota: Quota | None
    created_at: Instant


class CheckRead(Read):
    """One thing that was checked at LINE; `detail` says in words what is so, and what to do if it is not."""

    check: str = Field(examples=["token", "bot", "webhook", "webhook_active", "quota"])
    ok: bool
    detail: str


class ChecksRead(Read):
    """What a check at LINE found."""

    status: str
    checks: list[CheckRead]
