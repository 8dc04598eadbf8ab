"""The list for when there is no network: which codes a store would take today, told without telling the codes.

Of each code stand five bytes of its salted SHA-256. That is enough to know a code that is shown: with a full list one
of fifty million others would pass, and be found out when it is settled. It is too little to find a code: for each
entry a million of possible codes fit. The list is signed, so that what lies in a browser for hours is not altered.
"""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256, sha512
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, derive_private_key
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from sqlalchemy import and_, or_
from sqlmodel import col, select

from app.coupons.models import Coupon, IssuedCoupon
from app.coupons.queries import zone_of
from app.coupons.validity import is_usable_at
from app.customers.models import Customer
from app.till.counter import offer_of
from app.till.schemas import ListKey, ListRead
from tenants.ids import encode_id
from tenants.sealing import BrandKey
from tenants.session import ScopedSession
from tenants.stores.models import Store

MOST: Final = 20_000
"""Copies on a list: seven bytes each, so 190 KB of text at most."""
LIVES: Final = timedelta(hours=24)
"""How long a list is believed; a till that is longer without a network takes nothing more."""
STEP: Final = timedelta(minutes=10)
"""Lists made within this time are the same to the byte, so that a browser that has one is told so."""
LOOK: Final = timedelta(minutes=5)
HASH_BYTES: Final = 5
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_PURPOSE: Final = "till.list"


@dataclass(frozen=True)
class Listed:
    """A copy on the list."""

    code: str
    coupon_id: UUID
    starts_at: datetime
    expires_at: datetime


def read_list(session: ScopedSession, key: BrandKey, store: Store, now: datetime) -> ListRead:
    """The signed list of a store, of at most `MOST` copies; those of its own customers come first."""
    made_at = datetime.fromtimestamp(now.timestamp() // STEP.total_seconds() * STEP.total_seconds(), now.tzinfo)
    coupons = _list_coupons(session, store)
    copies = _list_copies(session, store, [one.id for one in coupons], now, made_at + LIVES)
    payload = orjson.dumps(_write(key, store, coupons, copies, made_at, zone_of(session))).decode()
    return ListRead(payload=payload, signature=_sign(_private_key(key), payload))


def list_key(key: BrandKey) -> ListKey:
    """The public key of a brand's lists."""
    numbers = _private_key(key).public_key().public_numbers()
    return ListKey(x=_text(numbers.x.to_bytes(32)), y=_text(numbers.y.to_bytes(32)))


def hash_of(salt: bytes, code: str) -> bytes:
    """What stands on the list for a code."""
    return sha256(salt + code.encode()).digest()[:HASH_BYTES]


def _list_coupons(session: ScopedSession, store: Store) -> Sequence[Coupon]:
    """The coupons that the store takes, archived ones too: what was issued of them is good until it ends."""
    here = or_(col(Coupon.redeemable_store_nos).is_(None), col(Coupon.redeemable_store_nos).contains([store.no]))
    return session.exec(select(Coupon).where(here).order_by(col(Coupon.id))).all()


def _list_copies(
    session: ScopedSession, store: Store, coupon_ids: Sequence[UUID], now: datetime, until: datetime
) -> Sequence[Listed]:
    is_hers = and_(
        col(Customer.brand_id) == col(IssuedCoupon.brand_id), col(Customer.id) == col(IssuedCoupon.customer_id)
    )
    rows: Any = (
        select(IssuedCoupon.code, IssuedCoupon.coupon_id, IssuedCoupon.starts_at, IssuedCoupon.expires_at)
        .join(Customer, is_hers)
        .where(
            col(IssuedCoupon.coupon_id).in_(coupon_ids),
            col(IssuedCoupon.status) == "issued",
            col(IssuedCoupon.starts_at) < until,
            col(IssuedCoupon.expires_at) > now,
            col(Customer.erased_at).is_(None),
        )
        .order_by(col(Customer.store_nos).contains([store.no]).desc(), col(IssuedCoupon.expires_at))
        .order_by(col(IssuedCoupon.id))
        .limit(MOST + 1)
    )
    return [Listed(*row) for row in session.exec(rows).all()]


def _write(
    key: BrandKey,
    store: Store,
    coupons: Sequence[Coupon],
    copies: Sequence[Listed],
    made_at: datetime,
    zone: ZoneInfo,
) -> dict[str, Any]:
    listed = copies[:MOST]
    salt = sha256(key.derive(_PURPOSE) + store.id.bytes + made_at.date().isoformat().encode()).digest()[:16]
    used = {one.coupon_id for one in listed}
    offers = [one for one in coupons if one.id in used]
    place = {one.id: number for number, one in enumerate(offers)}
    spans = sorted({_span(one, place) for one in listed})
    span_no = {span: number for number, span in enumerate(spans)}
    entries = sorted(hash_of(salt, one.code) + span_no[_span(one, place)].to_bytes(2) for one in listed)
    return {
        "version": 1,
        "store_id": encode_id("store", store.id),
        "made_at": int(made_at.timestamp()),
        "good_until": int((made_at + LIVES).timestamp()),
        "is_whole": len(copies) <= MOST,
        "salt": _text(salt),
        "offers": [offer_of(one).model_dump() | {"times": _times(one, store, made_at, zone)} for one in offers],
        "spans": spans,
        "copies": _text(b"".join(entries)),
    }


def _times(coupon: Coupon, store: Store, made_at: datetime, zone: ZoneInfo) -> list[list[int]] | None:
    """From when until when the coupon is used here while the list lives, in seconds; None: at all times.

    Found by looking at each step, which its hours and the store's keep to, but for some minutes at most.
    """
    if coupon.usable_times is None:
        return None
    found: list[list[int]] = []
    for number in range(int(LIVES / LOOK)):
        at = made_at + number * LOOK
        if not is_usable_at(coupon.usable_times, at, store.opening_hours, zone):
            continue
        begins = int(at.timestamp())
        if found and found[-1][1] == begins:
            found[-1][1] += int(LOOK.total_seconds())
        else:
            found.append([begins, begins + int(LOOK.total_seconds())])
    return found


def _span(one: Listed, place: dict[UUID, int]) -> tuple[int, int, int]:
    """The offer's place, and from when until when, in seconds."""
    return place[one.coupon_id], int(one.starts_at.timestamp()), int(one.expires_at.timestamp())


def _private_key(key: BrandKey) -> EllipticCurvePrivateKey:
    """The brand's own, found anew from its data key: there is nothing to store."""
    secret = int.from_bytes(sha512(key.derive(_PURPOSE)).digest()) % (_ORDER - 1) + 1
    return derive_private_key(secret, SECP256R1())


def _sign(private: EllipticCurvePrivateKey, payload: str) -> str:
    """The signature as WebCrypto takes it, and the same each time, so that equal lists have equal tags."""
    r, s = decode_dss_signature(private.sign(payload.encode(), ECDSA(SHA256(), deterministic_signing=True)))
    return _text(r.to_bytes(32) + s.to_bytes(32))


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")
