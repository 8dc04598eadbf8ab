"""Body, Read, Page: the bases of what crosses the wire, and the types that fields share."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
)
from pydantic_core import CoreSchema, core_schema

from tenants.ids import decode_id, encode_id


class Body(BaseModel):
    """What a caller sends. Unknown fields are refused; types are not guessed."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, str_max_length=20_000)


class Read(BaseModel):
    """What we answer. Fields have no defaults: what is always sent is required."""

    model_config = ConfigDict(from_attributes=True)


Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """One page of a list, newest first; `next_cursor` is null on the last one."""

    items: list[Item]
    next_cursor: str | None


_EXAMPLE = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


@dataclass(frozen=True, slots=True)
class TypeId:
    """Marks a UUID field as a TypeID of this prefix: `StoreId = Annotated[UUID, TypeId("store")]`."""

    prefix: str

    def read(self, value: object) -> UUID:
        """The UUID of what a caller sent. Raises ValueError in words for the caller."""
        if isinstance(value, UUID):
            return value
        if not isinstance(value, str):
            raise ValueError(f"must be an id that begins with {self.prefix}_")
        return decode_id(self.prefix, value)

    def write(self, value: UUID) -> str:
        """The TypeID text."""
        return encode_id(self.prefix, value)

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.read,
            serialization=core_schema.plain_serializer_function_ser_schema(
                self.write, return_schema=core_schema.str_schema(), when_used="json"
            ),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {
            "type": "string",
            "pattern": f"^{self.prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$",
            "examples": [self.write(_EXAMPLE)],
        }


BrandId = Annotated[UUID, TypeId("brand")]
AreaId = Annotated[UUID, TypeId("area")]
StoreId = Annotated[UUID, TypeId("store")]
LineAccountId = Annotated[UUID, TypeId("acc")]
StoreKeyId = Annotated[UUID, TypeId("key")]
ApiClientId = Annotated[UUID, TypeId("client")]
CustomerId = Annotated[UUID, TypeId("cus")]
FriendId = Annotated[UUID, TypeId("frd")]
TagId = Annotated[UUID, TypeId("tag")]
SegmentId = Annotated[UUID, TypeId("seg")]
CampaignId = Annotated[UUID, TypeId("cmp")]
RunId = Annotated[UUID, TypeId("run")]
CouponId = Annotated[UUID, TypeId("cpn")]
IssuedCouponId = Annotated[UUID, TypeId("icpn")]
RedemptionId = Annotated[UUID, TypeId("red")]
WeatherRuleId = Annotated[UUID, TypeId("rule")]
WeatherDecisionId = Annotated[UUID, TypeId("dec")]
OrderId = Annotated[UUID, TypeId("ord")]
EventId = Annotated[UUID, TypeId("evt")]


def _in_range(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("must carry a time zone, such as Z or +09:00")
    if not 1970 <= value.year <= 2200:
        raise ValueError("must lie between 1970 and 2200")
    return value.astimezone(UTC)


_DATE_AND_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d", re.ASCII)


def _not_a_number(value: object) -> object:
    """Refuses numbers, and texts that hold only a number, which pydantic takes for seconds since 1970."""
    if isinstance(value, int | float) or (isinstance(value, str) and not _DATE_AND_TIME.match(value)):
        raise ValueError("must be an RFC 3339 text such as 2026-11-21T11:10:00+09:00")
    return value


def write_instant(value: datetime) -> str:
    """RFC 3339 in UTC with Z."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


Instant = Annotated[
    datetime,
    BeforeValidator(_not_a_number),
    AfterValidator(_in_range),
    PlainSerializer(write_instant, return_type=str, when_used="json"),
]
"""An instant with a zone, between 1970 and 2200; answered in UTC with Z."""


def _written_out(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise ValueError("must be a date such as 2026-01-31")
    if not isinstance(value, str | date):
        raise ValueError("must be a text such as 2026-01-31")
    return value


def _within_years(value: date) -> date:
    if not 1970 <= value.year <= 2200:
        raise ValueError("must lie between 1970 and 2200")
    return value


LocalDate = Annotated[date, BeforeValidator(_written_out), AfterValidator(_within_years)]
"""A date of the brand's calendar, between 1970 and 2200."""


def _plain(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(r"-?[0-9]{1,19}(\.[0-9]{1,19})?", value):
        raise ValueError("must be a number in plain digits")
    return value


Plain = BeforeValidator(_plain)
"""For numbers in a query, where pydantic reads 1_0 as 10."""


def _one_line(value: str) -> str:
    cleaned = value.strip()
    if not cleaned:
        raise ValueError("must not be empty")
    return cleaned


Name = Annotated[str, Field(max_length=200), AfterValidator(_one_line)]
Yen = Annotated[int, Field(strict=True, ge=0, le=1_000_000_000_000)]
Ratio = Annotated[float, Field(strict=True, ge=0, le=1)]
Count = Annotated[int, Field(strict=True, ge=0, le=2_000_000_000)]
Flag = Annotated[bool, Field(strict=True)]


def _is_flag(value: object) -> object:
    if not isinstance(value, bool):
        raise ValueError("must be true")
    return value


Yes = Annotated[Literal[True], BeforeValidator(_is_flag)]
"""True and nothing else, not even 1, which Python takes for the same."""
