"""Verbs on tills: invite one with a link and a PIN, open it, revoke it. A secret itself never comes this far."""

import hmac
import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

from sqlmodel import col, delete, select

from tenants.api_keys.models import CredentialHash
from tenants.sealing import BrandKey
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tenants.tills.models import TillDevice, TillStatus

INVITED: Final = timedelta(days=3)
"""How long a link waits for somebody to open it."""
MOST_WRONG_PINS: Final = 5
LINK, DEVICE = "till_link", "till_device"
"""The kinds of the two secrets."""
_PURPOSE: Final = "till.pin"


def new_pin() -> str:
    """Six digits."""
    return f"{secrets.randbelow(10**6):06}"


def invite(
    session: ScopedSession, store: Store, *, name: str, pin: str, key: BrandKey, digest: bytes, now: datetime
) -> TillDevice:
    """A till to be, and the hash of its link's secret."""
    device = TillDevice(
        created_at=now,
        store_id=store.id,
        store_no=store.no,
        name=name,
        pin_digest=b"",
        invited_until=now + INVITED,
    )
    device.pin_digest = _digest(key.derive(_PURPOSE), device.id, pin)
    session.add(device)
    session.flush()
    _add_secret(session, device, LINK, digest, device.invited_until)
    return device


def is_right_pin(device: TillDevice, pin: str, key: BrandKey) -> bool:
    """Whether this is the PIN of a till's link."""
    told = (_digest(derived, device.id, pin) for derived in key.derive_all(_PURPOSE))
    return any(hmac.compare_digest(one, device.pin_digest) for one in told)


def count_wrong_pin(session: ScopedSession, device: TillDevice) -> int:
    """Count a wrong PIN; how many more may be typed. After the last one the link leads nowhere."""
    device.wrong_pins += 1
    session.add(device)
    left = max(0, MOST_WRONG_PINS - device.wrong_pins)
    if not left:
        _forget_secrets(session, device)
    return left


def open_device(session: ScopedSession, device: TillDevice, *, digest: bytes, now: datetime) -> None:
    """Make a browser this till: its link is spent, and the browser's own secret counts from now on."""
    device.opened_at = now
    session.add(device)
    _forget_secrets(session, device)
    _add_secret(session, device, DEVICE, digest, None)


def revoke(session: ScopedSession, device: TillDevice, now: datetime) -> None:
    """End a till, or the invitation to be one, at once."""
    device.revoked_at = now
    session.add(device)
    _forget_secrets(session, device)


def leave_tills(session: ScopedSession, store: Store, now: datetime) -> None:
    """End the tills of a store."""
    mine = select(TillDevice).where(col(TillDevice.store_id) == store.id, col(TillDevice.revoked_at).is_(None))
    for device in session.exec(mine).all():
        revoke(session, device, now)


def status_of(device: TillDevice, now: datetime) -> TillStatus:
    """What has become of a till; `locked` is a link that was spent on wrong PINs."""
    if device.revoked_at is not None:
        return "revoked"
    if device.opened_at is not None:
        return "active"
    if device.wrong_pins >= MOST_WRONG_PINS:
        return "locked"
    return "expired" if device.invited_until <= now else "invited"


def _digest(derived: bytes, device_id: UUID, pin: str) -> bytes:
    return hmac.digest(derived, device_id.bytes + pin.encode(), sha256)


def _add_secret(
    session: ScopedSession, device: TillDevice, kind: str, digest: bytes, expires_at: datetime | None
) -> None:
    session.add(CredentialHash(digest=digest, kind=kind, credential_id=device.id, expires_at=expires_at))
    session.flush()


def _forget_secrets(session: ScopedSession, device: TillDevice) -> None:
    session.exec(delete(CredentialHash).where(col(CredentialHash.credential_id) == device.id))
