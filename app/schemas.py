"""Body, Read, Page: the bases of what crosses the wire, and the types that fields share."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Annotated, Any, Generic, Literal, TypeVar, get_args
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
    SecretStr,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from tenants.ids import decode_id, encode_id


class Verbatim:
    """Marks a field of a Body whose text is kept as it was sent, such as a secret."""


class Body(BaseModel):
    """What a caller sends. Unknown fields are refused, types are not guessed, texts are brought to one form (NFC).

    Two spellings of が are one letter to people, so they must be one to filters and unique names as well.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, str_max_length=20_000)

    @model_validator(mode="before")
    @classmethod
    def _compose_texts(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        verbatim = _verbatim_names(cls)
        return {compose(name): item if name in verbatim else compose(item) for name, item in value.items()}


@cache
def _verbatim_names(body: type[BaseModel]) -> frozenset[str]:
    """The fields of a Body that are secrets, are marked, or see to their own texts."""
    found = [
        field.alias or name
        for name, field in body.model_fields.items()
        if Verbatim in field.metadata or any(_keeps_texts(kind) for kind in _kinds_in(field.annotation))
    ]
    return frozenset(found)


def _keeps_texts(kind: Any) -> bool:
    return kind is SecretStr or (isinstance(kind, type) and issubclass(kind, Body))


def _kinds_in(annotation: Any) -> Iterator[Any]:
    yield annotation
    for inner in get_args(annotation):
        yield from _kinds_in(inner)


def compose(value: Any) -> Any:
    """A JSON value with every text in it composed (NFC); names of members too."""
    if isinstance(value, str):
        return value if value.isascii() else unicodedata.normalize("NFC", value)
    if isinstance(value, list):
        return [compose(item) for item in value]
    if isinstance(value, dict):
        composed = {compose(name): compose(item) for name, item in value.items()}
        if len(composed) < len(value):
            raise ValueError("must not name a member twice")
        return composed
    return value


class NotNull:
    """Marks a field that may be left out but not emptied: its default is None, and null is refused."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_refuse_null, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        described = dict(handler(schema))
        described.pop("default", None)
        options = [one for one in described.pop("anyOf", []) if one.get("type") != "null"]
        return {**described, **(options[0] if len(options) == 1 else {"anyOf": options})} if options else described


def _refuse_null(value: object) -> object:
    if value is None:
        raise ValueError("must not be null")
    return value


def example(**members: Any) -> ConfigDict:
    """The configuration of a Body that brings an example of itself: `model_config = example(name="渋谷店")`."""
    return ConfigDict(json_schema_extra={"examples": [members]})


class Read(BaseModel):
    """What we answer. Fields have no defaults: what is always sent is required."""

    model_config = ConfigDict(from_attributes=True)


Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """One page of a list, newest first; `next_cursor` is null on the last one."""

    items: list[Item]
    next_cursor: str | None


ID_PATTERN_END = "_[0-7][0-9a-hjkmnp-tv-z]{25}$"
"""How the pattern of every id ends, whatever its prefix."""
EXAMPLE_ID = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


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
            "pattern": f"^{self.prefix}{ID_PATTERN_END}",
            "examples": [self.write(EXAMPLE_ID)],
        }


BrandId = Annotated[UUID, TypeId("brand")]
AreaId = Annotated[UUID, TypeId("area")]
StoreId = Annotated[UUID, TypeId("store")]
LineAccountId = Annotated[UUID, TypeId("acc")]
ApiKeyId = Annotated[UUID, TypeId("key")]
SupportGrantId = Annotated[UUID, TypeId("grant")]
ApiClientId = Annotated[UUID, TypeId("client")]
StaffId = Annotated[UUID, TypeId("staff")]
CustomerId = Annotated[UUID, TypeId("cus")]
FriendId = Annotated[UUID, TypeId("frd")]
TagId = Annotated[UUID, TypeId("tag")]
SegmentId = Annotated[UUID, TypeId("seg")]
CampaignId = Annotated[UUID, TypeId("cmp")]
RunId = Annotated[UUID, TypeId("run")]
MediaId = Annotated[UUID, TypeId("med")]
MessageTemplateId = Annotated[UUID, TypeId("tmpl")]
DryRunId = Annotated[UUID, TypeId("dry")]
CouponId = Annotated[UUID, TypeId("cpn")]
IssuedCouponId = Annotated[UUID, TypeId("icpn")]
RedemptionId = Annotated[UUID, TypeId("red")]
WeatherRuleId = Annotated[UUID, TypeId("rule")]
WeatherDecisionId = Annotated[UUID, TypeId("dec")]
SafetyStopId = Annotated[UUID, TypeId("stop")]
OrderId = Annotated[UUID, TypeId("ord")]
QrCodeId = Annotated[UUID, TypeId("qr")]
RefundId = Annotated[UUID, TypeId("rfd")]
VisitId = Annotated[UUID, TypeId("vis")]
CustomerMergeId = Annotated[UUID, TypeId("mrg")]
CustomerConflictId = Annotated[UUID, TypeId("cft")]
CustomerAttributeId = Annotated[UUID, TypeId("attr")]
CustomerNoteId = Annotated[UUID, TypeId("note")]
CustomerListId = Annotated[UUID, TypeId("list")]
ConsentId = Annotated[UUID, TypeId("con")]
AutoTagId = Annotated[UUID, TypeId("atag")]
AutoReplyId = Annotated[UUID, TypeId("arep")]
AccountLinkId = Annotated[UUID, TypeId("lnk")]
LinkId = Annotated[UUID, TypeId("link")]
PointProgrammeId = Annotated[UUID, TypeId("prog")]
PointEntryId = Annotated[UUID, TypeId("pnt")]
ErasureReceiptId = Annotated[UUID, TypeId("era")]
OperationId = Annotated[UUID, TypeId("op")]
EventId = Annotated[UUID, TypeId("evt")]
LineForwardCallId = Annotated[UUID, TypeId("fwd")]
WebhookEndpointId = Annotated[UUID, TypeId("whe")]
WebhookDeliveryId = Annotated[UUID, TypeId("whd")]
AuditEntryId = Annotated[UUID, TypeId("aud")]
TillDeviceId = Annotated[UUID, TypeId("till")]


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


_CONTROLS = r"\u0000-\u001f\u007f-\u009f\u2028\u2029"
_INVISIBLE = (
    r"\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f"
    r"\ufeff\uffa0\ufff9-\ufffb"
)
ONE_LINE = f"^[^{_CONTROLS}]*[^{_CONTROLS}{_INVISIBLE}][^{_CONTROLS}]*$"
"""A text of one line in which something can be seen; it reads the same in Python and in JSON Schema."""
_SEEN = re.compile(ONE_LINE)


def check_one_line(value: str) -> str:
    """The text as it is. Raises ValueError in words for the caller where nothing of it can be seen, or it has lines."""
    if not value.strip():
        raise ValueError("must not be empty")
    if not _SEEN.fullmatch(value):
        raise ValueError("must be one line of text that can be seen")
    return value


def _one_line(value: str) -> str:
    return unicodedata.normalize("NFC", check_one_line(value).strip())


OneLine = Annotated[str, Field(json_schema_extra={"minLength": 1, "pattern": ONE_LINE}), AfterValidator(_one_line)]
"""A text of one line, without spaces around it; fields say how long it may be."""
Name = Annotated[OneLine, Field(max_length=200)]
"""What people call a thing: one line, without spaces around it."""
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
