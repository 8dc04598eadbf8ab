"""What crosses the wire about exports."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from app.customers.exports.columns import ATTRIBUTE, COLUMNS, SYSTEM
from app.schemas import Body, CustomerId, Read, SegmentId, example


def _known_column(name: str) -> str:
    if name in COLUMNS or name in ("id", "attributes", "external_ids"):
        return name
    if name.startswith((ATTRIBUTE, SYSTEM)) and name.partition(".")[2]:
        return name
    raise ValueError(f"must be one of {', '.join(COLUMNS)}, attributes, attributes.<name>, external_ids.<system>")


ColumnName = Annotated[str, Field(max_length=80), AfterValidator(_known_column)]


class CustomersExport(Body):
    """What a file of customers holds: everybody, or whom a saved segment or a rule chooses at this moment."""

    model_config = example(
        rule={"field": "order_count", "op": ">=", "value": 3}, columns=["name", "phone", "tags"], encoding="cp932"
    )

    segment_id: SegmentId | None = None
    rule: Annotated[dict[str, Any] | None, Field(description="A rule as segments have it.")] = None
    columns: Annotated[
        list[ColumnName] | None,
        Field(
            min_length=1,
            max_length=200,
            description="Columns in their order, after the id; left out, all that an import takes, and in a CSV the"
            " figures besides. `attributes` and `external_ids` stand for all that the brand has.",
            examples=[["name", "phone", "attributes.size"]],
        ),
    ] = None
    format: Literal["csv", "ndjson"] = "csv"
    encoding: Annotated[
        Literal["utf-8-bom", "utf-8", "cp932"],
        Field(
            description="Of a CSV: `utf-8-bom` opens in Excel as it is; `cp932` is what old programs in Japan read, and"
            " letters that it does not have become 〓, and are counted. NDJSON is UTF-8."
        ),
    ] = "utf-8-bom"
    language: Annotated[Literal["ja", "en"], Field(description="Of a CSV's headings and words.")] = "ja"

    @model_validator(mode="after")
    def _chosen_once(self) -> "CustomersExport":
        if self.segment_id is not None and self.rule is not None:
            raise ValueError("give segment_id or rule, not both")
        return self


Row = dict[str, Any]


def _rows(meaning: str) -> Any:
    return Field(description=meaning)


class PersonExport(Read):
    """All that is held of one person, table by table. Ids, instants and names are those of the rest of the API."""

    id: CustomerId
    format: Annotated[Literal["noren-person/1"], Field(description="Grows a number when a member changes its meaning.")]
    customer: Annotated[Row, _rows("Her own data, and what is summed up of her.")]
    merged_customers: Annotated[list[Row], _rows("Those who turned out to be her, as they were before.")]
    external_ids: Annotated[list[Row], _rows("What other systems call her.")]
    identities: Annotated[list[Row], _rows("Her LINE user ids and profiles.")]
    friends: Annotated[list[Row], _rows("The LINE accounts that she follows, has blocked, or only wrote to.")]
    stores: Annotated[list[Row], _rows("What she did at each store.")]
    tags: Annotated[list[Row], _rows("Labels that were put on her.")]
    consents: Annotated[list[Row], _rows("What she allowed and withdrew.")]
    preferences: Annotated[list[Row], _rows("How she wants to be written to, beside her consents.")]
    member_cards: Annotated[list[Row], _rows("Her member card.")]
    notes: Annotated[list[Row], _rows("What staff wrote down about her.")]
    lists: Annotated[list[Row], _rows("Lists that she was put on.")]
    orders: Annotated[list[Row], _rows("What she bought.")]
    order_refunds: Annotated[list[Row], _rows("What of it was paid back.")]
    visits: Annotated[list[Row], _rows("When she came.")]
    issued_coupons: Annotated[list[Row], _rows("Coupons in her hands.")]
    redemptions: Annotated[list[Row], _rows("Coupons that she used.")]
    points: Annotated[list[Row], _rows("Points that she earned and spent.")]
    memberships: Annotated[list[Row], _rows("What they come to, and the code by which she brings others.")]
    deliveries: Annotated[list[Row], _rows("Messages that were meant for her: sent, or left out and why.")]
    delivery_failures: Annotated[list[Row], _rows("Those of them that LINE refused, or may have lost.")]
    events: Annotated[list[Row], _rows("Her timeline.")]
    line_events: Annotated[list[Row], _rows("What LINE told of her, as it came.")]
    line_replies: Annotated[list[Row], _rows("What an account answered her.")]
    line_contents: Annotated[list[Row], _rows("Pictures, videos, recordings and files that LINE has of her.")]
    qr_scans: Annotated[list[Row], _rows("QR codes that she scanned.")]
    account_links: Annotated[list[Row], _rows("Links of her LINE account to her membership that were begun.")]
    merges: Annotated[list[Row], _rows("When she was joined with another record, on what proof, and the undoing.")]
    conflicts: Annotated[list[Row], _rows("Where keys named her and somebody else.")]
    erasures: Annotated[list[Row], _rows("What of her data was made to go.")]
