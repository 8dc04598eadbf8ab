"""What crosses the wire about QR codes."""

from typing import Annotated, Literal

from pydantic import Field

from app.schemas import Body, Instant, LineAccountId, Name, NotNull, QrCodeId, Read, StoreId, example

Kind = Annotated[
    Literal["store", "screen", "poster", "staff", "other"],
    Field(description="Where it hangs or who shows it: at the store, on a screen, on a poster, a member of staff."),
]
Label = Annotated[
    Name, Field(max_length=100, description="Which one it is, such as a table, a campaign or who shows it.")
]


class QrCodeCreate(Body):
    """A new code. With `store_id`, one of the account's stores, it is the store's own."""

    model_config = example(
        name="渋谷店 レジ横", kind="store", line_account_id="acc_01h455vb4pex5vsknk084sn02q", label="レジ横"
    )

    name: Name
    kind: Kind
    line_account_id: LineAccountId
    store_id: StoreId | None = None
    label: Label | None = None


class QrCodePatch(Body):
    """Changes to a code. Where it leads to stays: it may be printed already."""

    model_config = example(name="渋谷店 入口")

    name: Annotated[Name | None, NotNull()] = None
    kind: Annotated[Kind | None, NotNull()] = None
    label: Label | None = None


class QrCodeRead(Read):
    """A code and what came of it."""

    id: QrCodeId
    name: str
    kind: str = Field(examples=["store"])
    label: str | None
    line_account_id: LineAccountId
    store_id: StoreId | None
    url: str = Field(
        description="What the QR code says; good as a link, too.", examples=["https://api.example.jp/r/4tq8nd2mwk7c"]
    )
    is_tied: bool = Field(
        description="Whether it is learnt who came by it: the account has a LINE Login channel with its secret."
    )
    scans: int = Field(description="How often it was scanned.", examples=[120])
    friends: int = Field(description="Friends who came by it, each once; 0 where `is_tied` never was.", examples=[80])
    created_at: Instant
    archived_at: Instant | None
