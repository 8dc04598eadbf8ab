"""Which code a friendship came of: decided once, whether LINE's webhook or the browser comes first.

LINE's webhook says that somebody added an account, the browser that comes back from LINE Login says who scanned what.
Whichever is later calls `tie_friend`, and both hold her LINE user id by name until their transaction ends.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel import col, select

from app.customers.events import FriendBlocked, FriendFollowed
from app.customers.identity import Place, Sign
from app.customers.locks import lock_customers, lock_names
from app.customers.models import Friend, Identity
from app.events.models import Event
from app.events.service import record
from app.qr_codes.events import FriendSourced
from app.qr_codes.models import QrCode, QrScan
from tenants.session import ScopedSession

FOLLOWS_WITHIN: Final = timedelta(hours=24)
"""How long after a scan a follow is taken to come of it."""
BROWSER_WITHIN: Final = timedelta(minutes=15)
"""How long the browser may take to come back from LINE Login. A follow that was before it came of the same visit."""
CLOCKS: Final = timedelta(seconds=30)
"""How far LINE's clock may be behind ours."""
SOURCE: Final = "qr_code"


def identify(session: ScopedSession, scan_id: UUID, line_user_id: str, now: datetime) -> None:
    """Write down who it was that scanned a code, once, and tie her friendship if she is a friend by now.

    Nobody becomes a customer by this: a stranger's id stays with the scan, and goes with it after two days.
    """
    scan = session.exec(select(QrScan).where(col(QrScan.id) == scan_id)).one_or_none()
    if scan is None:
        return
    lock_names(session, [f"line:{scan.provider_id}:{line_user_id}"])
    session.refresh(scan, with_for_update=True)
    if scan.identified_at is not None:
        return
    scan.line_user_id, scan.identified_at = line_user_id, now
    session.flush()
    # Of the customers for whom the id stands at one account each, the one who is a friend of the scan's account.
    of_account = (
        select(Friend)
        .join(Identity, col(Identity.id) == col(Friend.identity_id))
        .where(
            col(Identity.provider_id) == scan.provider_id,
            col(Identity.line_user_id) == line_user_id,
            col(Friend.line_account_id) == scan.line_account_id,
        )
    )
    friend = session.exec(of_account).one_or_none()
    if friend is None or not lock_customers(session, [friend.customer_id]):
        return
    session.refresh(friend)
    tie_friend(session, friend, line_user_id, now)


def tie_follow(session: ScopedSession, place: Place, sign: Sign, now: datetime) -> None:
    """Tie the friendship of somebody who has just been seen to follow an account; her row is locked already."""
    friend = place.people[sign.line_user_id].friends[place.account.id]
    tie_friend(session, friend, sign.line_user_id, now)


def tie_friend(session: ScopedSession, friend: Friend, line_user_id: str, now: datetime) -> None:
    """Tie a friendship to the last scan before its first follow, unless its source is known already.

    An unblocking is no first follow, and who was found in LINE's list of friends was one before.
    """
    if friend.qr_code_id is not None or friend.source == "backfill":
        return
    scans = _list_scans(session, friend.line_account_id, line_user_id)
    if not scans:
        return
    followed_at = _find_first_follow(session, friend)
    if followed_at is None:
        return
    before = [scan for scan in scans if followed_at - FOLLOWS_WITHIN <= scan.created_at <= followed_at + CLOCKS]
    if not before:
        return
    scan = before[0]
    code = session.exec(select(QrCode).where(col(QrCode.id) == scan.qr_code_id)).one()
    friend.source, friend.qr_code_id = SOURCE, code.id
    scan.friend_id, scan.customer_id, scan.tied_at = friend.id, friend.customer_id, now
    for one in scans:
        one.line_user_id = None
    session.flush()
    only_store_no = friend.store_nos[0] if len(friend.store_nos) == 1 else None
    record(
        session,
        FriendSourced(
            occurred_at=followed_at,
            customer_id=friend.customer_id,
            store_no=code.store_no if code.store_no is not None else only_store_no,
            account_no=friend.account_no,
            friend_id=friend.id,
            line_account_id=friend.line_account_id,
            qr_code_id=code.id,
            name=code.name,
            kind=code.kind,
            label=code.label,
        ),
    )


def _list_scans(session: ScopedSession, line_account_id: UUID, line_user_id: str) -> list[QrScan]:
    """Her scans of the account's codes of which nothing has come yet, the newest first."""
    hers = select(QrScan).where(
        col(QrScan.line_account_id) == line_account_id,
        col(QrScan.line_user_id) == line_user_id,
        col(QrScan.tied_at).is_(None),
    )
    newest_first = hers.order_by(col(QrScan.created_at).desc(), col(QrScan.id).desc())
    return list(session.exec(newest_first.with_for_update()).all())


def _find_first_follow(session: ScopedSession, friend: Friend) -> datetime | None:
    """When she first added the account; None if the first that is known of her there is something else."""
    kinds = (FriendFollowed.type, FriendBlocked.type)
    of_friend = select(Event).where(
        col(Event.customer_id) == friend.customer_id,
        col(Event.type).in_(kinds),
        col(Event.data)["friend_id"].as_string() == str(friend.id),
    )
    first = session.exec(of_friend.order_by(col(Event.occurred_at), col(Event.id)).limit(1)).one_or_none()
    if first is None or first.type != FriendFollowed.type or first.data.get("is_unblocked") is True:
        return None
    return first.occurred_at
