"""What crosses the wire between the till's page and us. It names nobody but by nickname and rank."""

from typing import Annotated, Any, Literal

from pydantic import Field

from app.schemas import Body, Instant, Read, RedemptionId, StoreId

Yen = Annotated[int, Field(strict=True, ge=0, le=10**12)]
Ref = Annotated[str, Field(pattern=r"^[0-9A-Za-z]{8,40}$")]
"""The page's own id of a use: by it the use is known again, should the page never hear our answer."""
Reason = Literal["mistake", "amount", "customer", "other"]


class Scan(Body):
    """What was scanned or typed, and the bill's amount once the page has asked for it."""

    code: Annotated[str, Field(min_length=1, max_length=200)]
    ref: Ref
    amount_yen: Yen | None = None


class Offer(Read):
    """What a coupon gives, in both languages, and what it asks for."""

    name: str
    gives: str
    gives_ja: str
    min_spend_yen: int
    needs_amount: bool


class Person(Read):
    """Who stands at the counter."""

    nickname: str | None
    rank: str | None
    rank_ja: str | None


class Use(Read):
    """One use at this store's counter."""

    redemption_id: RedemptionId
    offer: Offer
    amount_yen: int | None
    discount_yen: int
    redeemed_at: Instant
    undo_until: Instant
    is_undone: bool


class Held(Read):
    """A copy that she can use here now; without its code where she has not shown that it is hers."""

    offer: Offer
    code: str | None
    expires_at: Instant


class ScanRead(Read):
    """What came of a scan: `done` it is used, `amount` type the bill first, `card` choose one of hers."""

    result: Literal["done", "amount", "card"]
    person: Person | None
    offer: Offer | None
    use: Use | None
    held: list[Held]


class Undo(Body):
    """Why a use is undone."""

    redemption_id: RedemptionId
    reason: Reason


class Tally(Read):
    """The store's business day so far."""

    uses: int
    discount_yen: int
    undone: int
    latest: list[Use]


class ListKey(Read):
    """The public key by which the page checks the list for when there is no network: P-256, as WebCrypto takes it."""

    x: str
    y: str


class TillRead(Read):
    """Which till this is, and what its page needs to work."""

    brand: str
    store: str
    store_id: StoreId
    name: str
    csrf_token: str
    now: Instant
    list_key: ListKey
    tally: Tally


class SettleItem(Body):
    """One use while there was no network."""

    ref: Ref
    code: Annotated[str, Field(min_length=1, max_length=200)]
    redeemed_at: Instant
    amount_yen: Yen | None = None


class Settle(Body):
    """Uses while there was no network, oldest first."""

    items: Annotated[list[SettleItem], Field(min_length=1, max_length=100)]


class SettledRead(Read):
    """What became of one of them: a use, or the problem that stood in its way."""

    ref: str
    status: int
    problem: dict[str, Any] | None


class SettleRead(Read):
    """One item for each, in their order."""

    items: list[SettledRead]
    tally: Tally


class ListRead(Read):
    """The list for when there is no network: `payload` is JSON as text, and the signature is over its bytes."""

    payload: str
    signature: str
