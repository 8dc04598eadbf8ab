"""Quotas on the wire."""

from typing import Annotated

from pydantic import Field

from app.schemas import Instant, LineAccountId, Read

Month = Annotated[str, Field(description="A calendar month of Japan.", examples=["2026-11"])]
Limit = Annotated[
    int | None, Field(description="As LINE last told; null where it sets none or was never asked.", examples=[30_000])
]
Used = Annotated[int, Field(description="By anybody: what LINE counts, and what was sent since.")]
Others = Annotated[
    int,
    Field(description="Of `used`: sent by others at least, such as in LINE's manager. LINE's count is approximate."),
]
Reserved = Annotated[int, Field(description="Held back for runs that are sending, paused, or queued to this month.")]
Scheduled = Annotated[
    int, Field(description="By campaigns that the clock launches later in this month, as their last dry runs say.")
]
Forecast = Annotated[
    int,
    Field(
        description="What the month will come to if it goes on as it began: used per elapsed day, plus what is"
        " reserved and scheduled."
    ),
]


class QuotaRead(Read):
    """What one account may send in one calendar month of Japan, in messages."""

    line_account_id: LineAccountId
    month: Month
    plan: Annotated[str | None, Field(description="As it is stated of the account.", examples=["standard"])]
    limit: Limit
    used: Used
    sent: Annotated[int, Field(description="Of `used`: sent from here.")]
    others: Others
    reserved: Reserved
    scheduled: Scheduled
    available: Annotated[int | None, Field(description="What a run may still take on; null where no limit is known.")]
    forecast: Forecast
    alert: Annotated[int | None, Field(description="80 or 100 where so many per cent are used.", examples=[80])]
    synced_at: Annotated[Instant | None, Field(description="When LINE last told its figures of this month.")]
    sync_error: Annotated[str | None, Field(description="Why LINE told nothing when it was asked last.")]


class QuotaTotalRead(Read):
    """What all accounts together may send in a month. Accounts cannot lend each other what they have left."""

    month: Month
    accounts: int
    unlimited_accounts: Annotated[int, Field(description="Those without a known limit; not in `limit`.")]
    alerted_accounts: Annotated[int, Field(description="Those that have used four fifths or more.")]
    limit: int
    used: Used
    sent: int
    others: Others
    reserved: Reserved
    scheduled: Scheduled
    available: int
    forecast: Forecast
