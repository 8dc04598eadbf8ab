"""Consents as they cross the wire."""

from typing import Annotated, Literal

from pydantic import Field

from app.customers.notes.schemas import NoteText
from app.schemas import Body, ConsentId, CustomerId, Flag, Instant, Name, Read, StoreId, example

Purpose = Annotated[
    str,
    Field(
        pattern="^[a-z][a-z_]{0,39}$",
        description="`marketing`, `analytics`, `joining`, `profiling`, or a word of your own.",
        examples=["marketing"],
    ),
]
Channel = Annotated[
    Literal["line", "email", "sms", "phone", "post", "any"],
    Field(description="`any` holds for every channel of which she said nothing herself, or not since."),
]


class ConsentCreate(Body):
    """What a customer allowed or withdrew. Entries are never changed: who says something else adds one."""

    model_config = example(
        purpose="marketing", channel="line", is_granted=True, wording="お得な情報をLINEで受け取る", source="入会用紙"
    )

    purpose: Purpose
    channel: Channel
    is_granted: Annotated[Flag, Field(description="True allows, false withdraws.")]
    wording: Annotated[NoteText | None, Field(description="The text that she was shown, or its version.")] = None
    source: Annotated[
        Annotated[Name, Field(max_length=100)] | None, Field(description="Where she said it, such as a form's name.")
    ] = None
    occurred_at: Annotated[Instant | None, Field(description="When she said it; left out, now.")] = None
    store_id: Annotated[
        StoreId | None, Field(description="The store at which she said it; a key of one store means its own.")
    ] = None


class ConsentRead(Read):
    """An entry of the ledger."""

    id: ConsentId
    customer_id: CustomerId
    purpose: str
    channel: str
    is_granted: bool
    wording: str | None
    source: str
    store_id: StoreId | None
    occurred_at: Instant
    recorded_at: Annotated[Instant, Field(description="When it became known here.")]
    recorded_by: str | None


class CurrentConsentRead(Read):
    """What holds now for a purpose and a channel."""

    purpose: str
    channel: str
    is_granted: bool
    since: Instant


class ConsentLedger(Read):
    """One page of the ledger, newest entry first, and what holds now."""

    items: list[ConsentRead]
    next_cursor: str | None
    current: Annotated[
        list[CurrentConsentRead], Field(description="What holds now, of the whole ledger and not only of this page.")
    ]
