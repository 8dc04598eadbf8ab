"""What LINE told us, raw and once; what we answered; and what goes on to another tool."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from tenants.ids import uuid7
from tenants.tables import MASKED, SHOWN, BrandRow, BrandTable, Instant, refer


class LineEvent(BrandRow, table=True):
    """One webhook event of one account, stored before it is acknowledged and worked off afterwards."""

    __table_args__ = (
        Index(
            "ix_line_event_waiting",
            "brand_id",
            "line_account_id",
            "occurred_at",
            postgresql_where=text("worked_at IS NULL"),
        ),
        # Found again when she asks to be erased.
        Index(
            "ix_line_event_brand_id_line_user_id",
            "brand_id",
            "line_user_id",
            postgresql_where=text("line_user_id IS NOT NULL"),
        ),
        # Found again when its body has been kept for long enough.
        Index(
            "ix_line_event_kept",
            "brand_id",
            "received_at",
            postgresql_where=text("worked_at IS NOT NULL AND body IS NOT NULL"),
        ),
    )

    line_account_id: UUID = Field(primary_key=True)
    webhook_event_id: str = Field(primary_key=True, sa_column_kwargs=SHOWN)
    type: str = Field(sa_column_kwargs=SHOWN)
    line_user_id: str | None = Field(default=None, sa_column_kwargs=MASKED)
    occurred_at: datetime = Field(sa_type=Instant)
    received_at: datetime = Field(sa_type=Instant)
    worked_at: datetime | None = Field(default=None, sa_type=Instant)
    body: dict[str, Any] | None = Field(default=None, sa_type=JSONB, sa_column_kwargs=MASKED)
    """The event as LINE sent it; null, as is `line_user_id`, once the person is erased."""
    trouble: str | None = Field(default=None, sa_column_kwargs=MASKED)
    """Why it could not be worked off, where it could not."""


class LineUnsent(BrandRow, table=True):
    """A message that its writer took back: its content goes, also if it should arrive after the news of that."""

    line_account_id: UUID = Field(primary_key=True)
    message_id: str = Field(primary_key=True, sa_column_kwargs=SHOWN)
    unsent_at: datetime = Field(sa_type=Instant)


class LineReply(BrandTable, table=True):
    """An answer to one event, by its reply token: sent within the token's life, or a record of why not.

    The token stands in the event's body only; it is good once, and dead after a minute.
    """

    __table_args__ = refer(
        UniqueConstraint("brand_id", "line_account_id", "webhook_event_id"),
        Index("ix_line_reply_brand_id_line_account_id", "brand_id", "line_account_id", "id"),
        Index("ix_line_reply_waiting", "brand_id", "line_account_id", postgresql_where=text("status = 'waiting'")),
        line_account_id="line_account",
        customer_id="customer",
        auto_reply_id="auto_reply",
        issued_coupon_id="issued_coupon",
    )

    line_account_id: UUID
    customer_id: UUID
    webhook_event_id: str = Field(sa_column_kwargs=SHOWN)
    kind: str = Field(default="greeting", sa_column_kwargs={**SHOWN, "server_default": "greeting"})
    """What it says: `greeting`, which a welcome may replace, `nearest_stores`, or `auto_reply`."""
    auto_reply_id: UUID | None = None
    is_otherwise: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    """Whether the auto-reply's other words are said, since there is no copy for her or its rule is not on."""
    issued_coupon_id: UUID | None = None
    """The copy that an auto-reply names."""
    status: str = Field(sa_column_kwargs=SHOWN)
    """`waiting`, `sent`, `dropped` (we did not ask LINE) or `failed` (LINE said no)."""
    reason: str | None = Field(default=None, sa_column_kwargs=SHOWN)
    """Why it was not sent: `too_late`, `erased`, `archived`, `unrenderable`, `refused`, `unclear`."""
    detail: str | None = Field(default=None, sa_column_kwargs=MASKED)
    """LINE's words, where it said any."""
    messages: list[dict[str, Any]] | None = Field(default=None, sa_type=JSONB, sa_column_kwargs=MASKED)
    """What was sent; null before, and once the person is erased."""
    attempts: int = 0
    """Calls begun; each is counted before it is made."""
    expires_at: datetime = Field(sa_type=Instant)
    """After this the token is not used any more."""
    settled_at: datetime | None = Field(default=None, sa_type=Instant)


class LineForward(BrandRow, table=True):
    """Another tool that gets an account's webhook calls too, byte for byte, while a brand moves step by step."""

    __table_args__ = refer(line_account_id="line_account")

    line_account_id: UUID = Field(primary_key=True)
    url: str
    active: bool
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)
    sent_at: datetime | None = Field(default=None, sa_type=Instant)
    """When it last took a call."""
    failing_since: datetime | None = Field(default=None, sa_type=Instant)
    """Since when it has taken none, though there are some; null while all is well."""


class LineForwardCall(BrandRow, table=True):
    """One webhook call on its way to the other tool, with what makes its signature true."""

    __table_args__ = (
        Index("ix_line_forward_call_brand_id_line_account_id", "brand_id", "line_account_id", "id"),
        Index(
            "ix_line_forward_call_unsent",
            "brand_id",
            "line_account_id",
            "state",
            "id",
            postgresql_where=text("state <> 'sent'"),
        ),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    """In the order in which the calls came."""
    line_account_id: UUID
    received_at: datetime = Field(sa_type=Instant)
    state: str = Field(sa_column_kwargs=SHOWN)
    """`waiting`, `sent`, or `dead`: given up, until somebody asks for it again."""
    is_aside: bool = False
    """Whether calls behind it may overtake it, because they were taken and it was not."""
    attempts: int = 0
    due_at: datetime = Field(sa_type=Instant)
    give_up_at: datetime = Field(sa_type=Instant)
    """From then on a failure is the last one."""
    settled_at: datetime | None = Field(default=None, sa_type=Instant)
    last_status: int | None = None
    last_error: str | None = Field(default=None, sa_column_kwargs=SHOWN)
    body: bytes | None = Field(default=None, sa_type=LargeBinary, sa_column_kwargs=MASKED)
    """As LINE sent it; null once it was sent, or a person whom it names is erased."""
    signature: str | None = Field(default=None, sa_column_kwargs=MASKED)
    content_type: str | None = Field(default=None, sa_column_kwargs=SHOWN)
    user_agent: str | None = Field(default=None, sa_column_kwargs=SHOWN)


class LineContent(BrandRow, table=True):
    """A picture, video, recording or file that a customer sent to an account. LINE has it, for a while; we do not."""

    __table_args__ = refer(
        Index("ix_line_content_brand_id_customer_id", "brand_id", "customer_id"),
        line_account_id="line_account",
        customer_id="customer",
    )

    line_account_id: UUID = Field(primary_key=True)
    message_id: str = Field(primary_key=True, sa_column_kwargs=SHOWN)
    """LINE's, as the event `message.received` tells it."""
    customer_id: UUID
    kind: str = Field(sa_column_kwargs=SHOWN)
    """LINE's type of the message: image, video, audio or file."""
    sent_at: datetime = Field(sa_type=Instant)
