"""Customers as they cross the wire."""

import re
import unicodedata
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue

from app.schemas import (
    Body,
    CustomerId,
    EventId,
    FriendId,
    Instant,
    LineAccountId,
    Name,
    QrCodeId,
    Read,
    StoreId,
    example,
)

_OVERSEAS = re.compile(r"\+[1-9][0-9]{7,14}")
_JAPANESE = re.compile(r"0[1-9][0-9]{8,9}")


def normalise_phone(value: str) -> str:
    """E.164, such as +819012345678, of a Japanese number as people write it, or of one with its country code.

    Raises ValueError in words for the caller.
    """
    digits = re.sub(r"[\s().‐-―−ー-]", "", unicodedata.normalize("NFKC", value))
    if digits.startswith("+810"):
        digits = "+81" + digits[4:]
    if _JAPANESE.fullmatch(digits):
        return "+81" + digits[1:]
    if _OVERSEAS.fullmatch(digits):
        return digits
    raise ValueError("must be a number such as 090-1234-5678, or begin with + and the country's code")


def normalise_email(value: str) -> str:
    """The address in lower case, without spaces around it. Raises ValueError."""
    cleaned = unicodedata.normalize("NFC", value.strip()).lower()
    if len(cleaned) > 254 or not re.fullmatch(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+\.[^@\s.\x00-\x1f]+", cleaned):
        raise ValueError("must be an e-mail address")
    return cleaned


def _only_text(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        raise ValueError("must be a date such as 1990-04-01")
    return value


def _check_birthday(value: date) -> date:
    if not 1900 <= value.year <= 2200:
        raise ValueError("must lie between 1900 and 2200")
    return value


def _check_attributes(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    for name, item in value.items():
        if not 1 <= len(name) <= 64:
            raise ValueError("names have 1 to 64 characters")
        if isinstance(item, dict | list):
            raise ValueError("values are texts, numbers, booleans or null")
        if isinstance(item, str) and len(item) > 1000:
            raise ValueError("texts have at most 1,000 characters")
    return value


Phone = Annotated[str, Field(max_length=40, examples=["090-1234-5678"]), AfterValidator(normalise_phone)]
Email = Annotated[str, Field(max_length=254, examples=["hanako@example.jp"]), AfterValidator(normalise_email)]
Birthday = Annotated[date, BeforeValidator(_only_text), AfterValidator(_check_birthday)]
Gender = Literal["female", "male", "other"]
Attributes = Annotated[dict[str, JsonValue], Field(max_length=100), AfterValidator(_check_attributes)]


class CustomerUpdate(Body):
    """What may change; what is left out stays, null empties. Attributes are merged name by name."""

    model_config = example(name="山田 花子", birthday_on="1990-04-01", attributes={"spicy": True})

    external_id: Annotated[Name | None, Field(description="Your own id of the person.")] = None
    member_number: Name | None = None
    name: Name | None = None
    phone: Annotated[Phone | None, Field(description="Kept as E.164; Japanese numbers need no country code.")] = None
    email: Email | None = None
    birthday_on: Birthday | None = None
    gender: Gender | None = None
    attributes: Attributes | None = None
    home_store_id: StoreId | None = None


class CustomerUpsert(CustomerUpdate):
    """A person, found by `external_id`, `member_number`, `phone` or `email`: at least one of them."""

    model_config = example(external_id="hq-000123", name="山田 花子", phone="090-1234-5678", attributes={"spicy": True})

    store_id: Annotated[
        StoreId | None, Field(description="The store she is tied to from now on; a key of one store means its own.")
    ] = None


class CustomerRead(Read):
    """One person. To a store, the counts, sums and dates are those at its stores."""

    id: CustomerId
    external_id: str | None
    member_number: str | None
    name: str | None
    display_name: Annotated[str | None, Field(description="The name that LINE shows.")]
    picture_url: str | None
    phone: str | None
    email: str | None
    birthday_on: date | None
    gender: str | None
    attributes: dict[str, Any]
    home_store_id: StoreId | None
    store_ids: Annotated[list[StoreId], Field(description="Stores she is tied to.")]
    tags: list[str]
    order_count: int
    spend_yen: int
    last_order_at: Instant | None
    last_visit_at: Instant | None
    created_at: Instant
    updated_at: Instant


class CustomerErased(Read):
    """A person whose data is gone."""

    id: CustomerId
    erased_at: Instant


class FriendRead(Read):
    """Her tie to one LINE account."""

    id: FriendId
    line_account_id: LineAccountId
    status: Literal["following", "blocked", "unknown"]
    source: str | None = Field(description="How it began: `follow`, `qr_code`, `message`, `backfill` or `unknown`.")
    qr_code_id: QrCodeId | None = Field(description="The QR code by which she came, where that is known.")
    followed_at: Instant | None


class TimelineRead(Read):
    """Something that happened to her."""

    id: EventId
    type: str
    occurred_at: Instant
    store_id: StoreId | None
    line_account_id: LineAccountId | None
    data: dict[str, Any]
