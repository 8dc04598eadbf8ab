"""Customers as they cross the wire."""

import re
import unicodedata
from datetime import date, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue

from app.customers.spelling import (
    normalise_address,
    normalise_code,
    normalise_kana,
    normalise_name,
    normalise_postal_code,
)
from app.schemas import (
    ONE_LINE,
    Body,
    CustomerId,
    EventId,
    FriendId,
    Instant,
    LineAccountId,
    Name,
    NotNull,
    QrCodeId,
    Read,
    StoreId,
    Verbatim,
    check_one_line,
    example,
)

MOST_EXTERNAL_IDS = 20
_JAPAN = ZoneInfo("Asia/Tokyo")
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
    if value > datetime.now(_JAPAN).date():
        raise ValueError("must not lie in the future")
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
_SEEN: Any = {"minLength": 1, "pattern": ONE_LINE}
_OneLine = Annotated[str, Field(json_schema_extra=_SEEN), AfterValidator(check_one_line)]
Code = Annotated[Name, AfterValidator(normalise_code)]
"""What names her: a member's number, or an id of your own or of another system, in half-width letters and digits."""
PersonName = Annotated[_OneLine, Field(max_length=200), AfterValidator(normalise_name)]
"""A name in one width; its kanji stay as they are written, so a Body takes it `Verbatim`."""
Kana = Annotated[_OneLine, Field(max_length=200, examples=["ヤマダ ハナコ"]), AfterValidator(normalise_kana)]
Address = Annotated[
    _OneLine, Field(max_length=500, examples=["東京都渋谷区神南1-2-3"]), AfterValidator(normalise_address)
]
PostalCode = Annotated[str, Field(max_length=20, examples=["150-0001"]), AfterValidator(normalise_postal_code)]
MunicipalityCode = Annotated[str, Field(pattern="^[0-9]{5}$", examples=["13113"])]
Birthday = Annotated[date, BeforeValidator(_only_text), AfterValidator(_check_birthday)]
Gender = Literal["female", "male", "other"]
Attributes = Annotated[dict[str, JsonValue], Field(max_length=100), AfterValidator(_check_attributes)]


def _not_ours(value: str) -> str:
    if value in ("external_id", "member_number"):
        raise ValueError(f"{value} has a field of its own")
    return value


def _no_twins(value: list["ExternalIdBody"]) -> list["ExternalIdBody"]:
    if len({(one.system, one.id) for one in value}) < len(value):
        raise ValueError("must not hold one twice")
    return value


class ExternalIdBody(Body):
    """What another system calls her: one person at most has this id there."""

    model_config = example(system="pos", id="P-000123")

    system: Annotated[
        str,
        Field(pattern="^[a-z][a-z0-9_]{0,39}$", description="Your word for it, such as `pos` or `ec`."),
        AfterValidator(_not_ours),
    ]
    id: Code


ExternalIds = Annotated[list[ExternalIdBody], Field(max_length=MOST_EXTERNAL_IDS), AfterValidator(_no_twins)]


class CustomerUpdate(Body):
    """What may change; what is left out stays, null empties. Attributes are merged name by name."""

    model_config = example(name="山田 花子", birthday_on="1990-04-01", attributes={"spicy": True})

    external_id: Annotated[Code | None, Field(description="Your own id of the person.")] = None
    member_number: Code | None = None
    name: Annotated[
        PersonName | None, Verbatim, Field(description="Kept in one width, and in the kanji that she writes it with.")
    ] = None
    kana: Annotated[
        Kana | None, Field(description="How the name is read; kept as full-width katakana.", examples=["ヤマダ ハナコ"])
    ] = None
    phone: Annotated[Phone | None, Field(description="Kept as E.164; Japanese numbers need no country code.")] = None
    email: Email | None = None
    birthday_on: Birthday | None = None
    gender: Gender | None = None
    postal_code: Annotated[PostalCode | None, Field(description="Kept as its seven digits.")] = None
    address: Annotated[
        Address | None, Verbatim, Field(description="In Japan, from the prefecture on: her municipality is read of it.")
    ] = None
    municipality_code: Annotated[
        MunicipalityCode | None,
        Field(description="JIS X 0402 without the check digit; left out, it is found by the address."),
    ] = None
    attributes: Attributes | None = None
    home_store_id: Annotated[
        StoreId | None, Field(description="Null: nobody says, so the store where she is most often stands in.")
    ] = None
    external_ids: Annotated[
        ExternalIds | None,
        NotNull(),
        Field(description="What other systems call her. A change replaces them all; an upsert adds to them."),
    ] = None


class CustomerUpsert(CustomerUpdate):
    """A person, found by `external_id`, `member_number`, `phone`, `email` or one of `external_ids`: at least one."""

    model_config = example(external_id="hq-000123", name="山田 花子", phone="090-1234-5678", attributes={"spicy": True})

    store_id: Annotated[
        StoreId | None, Field(description="The store she is tied to from now on; a key of one store means its own.")
    ] = None


class ExternalIdRead(Read):
    """What another system calls her."""

    system: str = Field(examples=["pos"])
    id: str = Field(examples=["P-000123"])


class CustomerRead(Read):
    """One person. To a store, the counts, sums and dates are those at its stores."""

    id: CustomerId
    external_id: str | None
    external_ids: list[ExternalIdRead]
    member_number: str | None
    name: str | None
    kana: Annotated[str | None, Field(examples=["ヤマダ ハナコ"])]
    display_name: Annotated[str | None, Field(description="The name that LINE shows.")]
    picture_url: str | None
    phone: str | None
    email: str | None
    birthday_on: date | None
    gender: str | None
    postal_code: Annotated[str | None, Field(examples=["1500001"])]
    address: Annotated[str | None, Field(examples=["東京都渋谷区神南1-2-3"])]
    municipality_code: str | None
    attributes: dict[str, Any]
    home_store_id: StoreId | None
    home_store_source: Annotated[
        Literal["stated", "usual"] | None,
        Field(
            description="Whether somebody said so, or her orders and visits do. A store is told only that it is stated."
        ),
    ]
    store_ids: Annotated[list[StoreId], Field(description="Stores she is tied to.")]
    tags: list[str]
    order_count: int
    spend_yen: int
    visit_count: int
    last_order_at: Instant | None
    last_visit_at: Instant | None
    first_seen_at: Annotated[Instant, Field(description="When the brand met her, as far as it is known.")]
    created_at: Instant
    updated_at: Instant


class KeptApart(Read):
    """Why what she does at other accounts is another customer's, in English and in Japanese."""

    detail: str
    detail_ja: str


class FriendRead(Read):
    """Her tie to one LINE account."""

    id: FriendId
    line_account_id: LineAccountId
    status: Literal["following", "blocked", "unknown"]
    source: str | None = Field(
        description="How it began: `follow`, `qr_code`, `message`, `backfill`, `import` or `unknown`."
    )
    qr_code_id: QrCodeId | None = Field(description="The QR code by which she came, where that is known.")
    followed_at: Instant | None
    kept_apart: KeptApart | None = Field(
        description="Said to head office where her LINE user id stands for another customer at another account.",
        examples=[None],
    )


class TimelineRead(Read):
    """Something that happened to her."""

    id: EventId
    type: str
    occurred_at: Instant
    store_id: StoreId | None
    line_account_id: LineAccountId | None
    data: dict[str, Any]
