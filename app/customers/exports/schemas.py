"""What crosses the wire about exports."""

from typing import Annotated, Any, Literal

from pydantic import Field

from app.schemas import CustomerId, Read

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
    notes: Annotated[list[Row], _rows("What staff wrote down about her.")]
    orders: Annotated[list[Row], _rows("What she bought.")]
    visits: Annotated[list[Row], _rows("When she came.")]
    issued_coupons: Annotated[list[Row], _rows("Coupons in her hands.")]
    redemptions: Annotated[list[Row], _rows("Coupons that she used.")]
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
