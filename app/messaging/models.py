"""Runs, their deliveries and batches, and what accounts may still send."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Index, SmallInteger
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from tenants.tables import MASKED, SHOWN, BrandRow, BrandTable, Instant, refer


class Run(BrandTable, table=True):
    """One sending: its content is frozen, and its audience is the deliveries that carry its id."""

    __table_args__ = refer(
        Index("ix_run_brand_id_campaign_id", "brand_id", "campaign_id"),
        Index("ix_run_brand_id_weather_rule_id", "brand_id", "weather_rule_id", "business_on"),
        coupon_id="coupon",
    )

    kind: str
    """`campaign`, `weather`, `reminder` of a coupon that ends soon, or `test`: to testers."""
    status: str
    """`sending`, `paused`, `finished`, `stopped` or `expired`."""
    campaign_id: UUID | None = None
    weather_rule_id: UUID | None = None
    coupon_id: UUID | None = None
    business_on: date | None = None
    messages: list[dict[str, Any]] = Field(sa_type=JSONB)
    variants: list[dict[str, Any]] | None = Field(default=None, sa_type=JSONB)
    """The contents of an experiment, `{"name", "messages"}` each; a batch names its own by its place here."""
    fallback_messages: list[dict[str, Any]] | None = Field(default=None, sa_type=JSONB)
    """What those get for whom no copy of the coupon was left; None: they get nothing."""
    store_values: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    """What stands behind variables that differ from store to store: store number (as text) to variable to value."""
    dry_run_id: UUID | None = None
    """The rehearsal that it comes from."""
    difference: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    """What changed since that rehearsal, by reason."""
    personal: bool
    """Whether the content differs from person to person, so that each gets a call of her own."""
    holdout_salt: str
    brand_name: str
    coupon_name: str | None = None
    clock_shift_seconds: int = 0
    """What to add to the real clock for this run's guards; not 0 only when a tick was rehearsed at another time."""
    valid_until: datetime | None = Field(default=None, sa_type=Instant)
    store_no: int | None = None
    chosen: int = 0
    left_out: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    """How many were left out, by reason."""
    frozen_at: datetime = Field(sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)


class DryRun(BrandTable, table=True):
    """A rehearsal of a campaign: whom it would have chosen when it was made, so that the run can tell what changed."""

    __table_args__ = refer(Index("ix_dry_run_brand_id_campaign_id", "brand_id", "campaign_id"))

    campaign_id: UUID
    fingerprint: str
    """Of what was rehearsed: the same for the same content and audience."""
    by_account: dict[str, int] | None = Field(default=None, sa_type=JSONB)
    """How many messages it came to, by account number as text; null in those from before that was kept."""
    store_no: int | None = None


class DryRunGroup(BrandRow, table=True):
    """Everybody whom a rehearsal would have chosen, or left out for one reason.

    A number for each person instead of a row: eight bytes of a hundred thousand people are one value.
    """

    __table_args__ = refer(dry_run_id="dry_run", on_delete="CASCADE")

    dry_run_id: UUID = Field(primary_key=True)
    reason: str = Field(primary_key=True)
    """`chosen`, or why they are left out."""
    people: list[int] = Field(sa_type=ARRAY(BigInteger))
    store_no: int | None = None


class Delivery(BrandRow, table=True):
    """One message of a person in a run: to be sent with a batch, or left out and why.

    It is written once, by the freeze, and has no foreign keys: three composite ones made a freeze of 300,000 people
    six times slower. What became of it is the state of its batch, but for the few in `DeliveryFailure`.
    """

    __table_args__ = (Index("ix_delivery_brand_id_run_id_batch_no", "brand_id", "run_id", "batch_no", "customer_id"),)

    customer_id: UUID = Field(primary_key=True)
    run_id: UUID = Field(primary_key=True)
    slot: int = Field(default=0, primary_key=True, sa_type=SmallInteger, sa_column_kwargs={"server_default": "0"})
    """The account's number where all accounts speak, so that one run holds several messages for a person; else 0."""
    batch_no: int | None = None
    account_no: int | None = None
    store_no: int | None = None
    line_user_id: str | None = Field(default=None, sa_column_kwargs=MASKED)
    reason: str | None = Field(default=None, sa_column_kwargs=SHOWN)
    """Null for those who are sent to; else no_friend, cap, holdout, quota, duplicate, stopped."""


class DeliveryFailure(BrandRow, table=True):
    """A delivery that LINE refused for good, or of which nobody can say whether it arrived."""

    run_id: UUID = Field(primary_key=True)
    customer_id: UUID = Field(primary_key=True)
    slot: int = Field(default=0, primary_key=True, sa_type=SmallInteger, sa_column_kwargs={"server_default": "0"})
    status: str = Field(sa_column_kwargs=SHOWN)
    """`failed` or `unknown`."""
    detail: str = Field(sa_column_kwargs=MASKED)
    store_no: int | None = None


class Batch(BrandRow, table=True):
    """Up to 500 deliveries of one account and content, with the retry key that makes their sending idempotent."""

    __table_args__ = refer(
        Index(
            "ix_batch_waiting",
            "brand_id",
            "line_account_id",
            "run_id",
            "batch_no",
            postgresql_where="state = 'waiting'",
        ),
        run_id="run",
        line_account_id="line_account",
    )

    run_id: UUID = Field(primary_key=True)
    batch_no: int = Field(primary_key=True)
    line_account_id: UUID
    account_no: int
    size: int
    stores: dict[str, int] = Field(default_factory=dict, sa_type=JSONB)
    """How many of its people each store stands behind: store number (as text, "" for none) to count."""
    retry_key: UUID
    variant: int | None = Field(default=None, sa_type=SmallInteger)
    """Which of the run's variants its people get; None: the run's own messages; -1: its `fallback_messages`."""
    not_before: datetime | None = Field(default=None, sa_type=Instant)
    """Until when it waits."""
    unit: str | None = None
    """The name under which LINE counts what comes of it."""
    reserved_on: date | None = None
    """The month in whose quota it is reserved; null: that in which its run was frozen."""
    state: str = "waiting"
    """`waiting`, `sent`, `failed`, `unknown` or `stopped`."""
    attempts: int = Field(default=0, sa_type=SmallInteger)
    first_tried_at: datetime | None = Field(default=None, sa_type=Instant)
    done_at: datetime | None = Field(default=None, sa_type=Instant)
    request_id: str | None = None
    detail: str | None = None


class QuotaMonth(BrandRow, table=True):
    """What one account may send in one calendar month of Japan: LINE's figures, and what our runs have reserved."""

    __table_args__ = refer(line_account_id="line_account")

    line_account_id: UUID = Field(primary_key=True)
    month_on: date = Field(primary_key=True)
    account_no: int
    limit: int | None = None
    """Null where LINE sets none."""
    used: int = 0
    """By anybody, as far as is known: LINE's figure, and what was sent since."""
    sent: int | None = 0
    """By us; null in rows from before this was counted, where it may be all of `used`."""
    others: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """By others at least, such as in LINE's manager."""
    unbilled: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """Of what we sent, at least so many that LINE does not count, since they reached nobody."""
    line_used: int | None = None
    """What LINE told last."""
    marks: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONB, sa_column_kwargs={"server_default": "[]"})
    """What we had sent at moments of the last day: `{"at", "sent"}`, oldest first."""
    reserved: int = 0
    synced_at: datetime | None = Field(default=None, sa_type=Instant)
    """When LINE last told its figures."""
    asked_at: datetime | None = Field(default=None, sa_type=Instant)
    ask_error: str | None = None
    """Why it told nothing when it was asked last."""
    alerted_percent: int = Field(default=0, sa_type=SmallInteger, sa_column_kwargs={"server_default": "0"})
    """Of which share of the limit an event told already: 80, 100."""
