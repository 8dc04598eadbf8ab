"""Those who followed an account before it was connected: LINE lists them, page by page, and they become friends here.

LINE gives the list to verified and premium accounts only. What webhooks told is newer than any list and stays; of the
rest nothing is known but that she follows, so no event says that she came today.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlmodel import col, select

from app.auth import brand_key_of
from app.customers.events import CustomerCreated
from app.customers.identity import Place, lock_people
from app.customers.queries import list_account_stores
from app.jobs.queue import Work, defer, task
from app.line.client import FollowerPage, LineClient
from app.line.errors import LineError, LineForbidden, LineInvalid, LineRateLimited, LineRefused
from app.line.hosts import NoTestHost
from app.schemas import write_instant
from tenants.brands.queries import get_brand
from tenants.ids import uuid7
from tenants.line_accounts.models import LineAccount
from tenants.line_accounts.service import open_secret
from tenants.session import ScopedSession

log = structlog.get_logger("customers")

AT_ONCE = 250
"""People in one transaction: each is locked by her name, and locks are few."""
PAGES_A_TURN = 10
"""Read by one job before others have their turn."""
START_LIVES = timedelta(hours=23)
"""LINE forgets after a day where its list was left off; from then on it is read from its beginning again."""
STUCK = timedelta(hours=1)
"""After so long without a step somebody has to take a back-fill up again: its job has failed for good."""

_REFUSED = (
    "LINE lists the friends of verified and premium accounts only; have the account verified, then start again.",
    "友だち一覧を取得できるのは認証済・プレミアムアカウントだけです。認証を受けてから、もう一度始めてください。",
)
_NO_HOST = (
    "This account is in test mode and the installation no longer names a test host; check the account.",
    "テストモードのアカウントですが、テスト用の接続先が設定されていません。アカウントを確認してください。",
)
_IN_CIRCLES = (
    "LINE's list of friends leads back to itself; start again later.",
    "LINEの友だち一覧が同じ場所を繰り返しています。時間をおいて、もう一度始めてください。",
)
_FAILED = (
    "LINE refused to list the friends ({why}); check the account, then start again.",
    "LINEが友だち一覧の取得を拒否しました({why})。アカウントを確認してから、もう一度始めてください。",
)


@dataclass(frozen=True)
class Imported:
    """What some of the list came to."""

    imported: int = 0
    known: int = 0


def start_backfill(session: ScopedSession, account: LineAccount, now: datetime) -> None:
    """Begin to read an account's friends, unless that goes on already."""
    if account.backfill is not None and account.backfill["status"] in ("waiting", "running"):
        return
    account.backfill = {
        "status": "waiting",
        "imported": 0,
        "known": 0,
        "left_out": 0,
        "start": None,
        "start_at": None,
        "offset": 0,
        "detail": None,
        "detail_ja": None,
        "started_at": write_instant(now),
        "moved_at": write_instant(now),
        "finished_at": None,
    }
    defer_backfill(session, account.id)


def defer_backfill(session: ScopedSession, line_account_id: UUID) -> None:
    """Have a worker go on with it."""
    defer(session, backfill_friends, once_key=f"backfill:{line_account_id}", line_account_id=line_account_id)


def is_stuck(backfill: Mapping[str, Any] | None, now: datetime) -> bool:
    """Whether a back-fill is under way and nobody works on it."""
    if backfill is None or backfill["status"] not in ("waiting", "running"):
        return False
    return now - datetime.fromisoformat(backfill["moved_at"]) > STUCK


@task
def backfill_friends(work: Work, line_account_id: UUID) -> None:
    """Read some pages of an account's friends; what is left is another job's. Taken up where it was after a crash."""
    for _ in range(PAGES_A_TURN):
        if not _work_page(work, line_account_id):
            return
    with work.session() as session:
        defer_backfill(session, line_account_id)


def _work_page(work: Work, line_account_id: UUID) -> bool:
    """Whether there is another page after this one."""
    with work.session() as session:
        account = session.exec(select(LineAccount).where(col(LineAccount.id) == line_account_id)).one_or_none()
        if account is None or account.archived_at is not None or account.backfill is None:
            return False
        progress = account.backfill
        if progress["status"] not in ("waiting", "running"):
            return False
        secret = open_secret(account, brand_key_of(session, work.keyring))
    try:
        line = LineClient(work.settings, account.channel_id, secret, mode=account.mode)
        page, progress = _list(line, progress, work.now)
    except LineRateLimited:
        raise
    except NoTestHost:
        _move(work, line_account_id, progress, {**progress, "status": "failed"}, _NO_HOST)
        return False
    except LineForbidden:
        _move(work, line_account_id, progress, {**progress, "status": "refused"}, _REFUSED)
        return False
    except LineRefused as refused:
        told = (_FAILED[0].format(why=refused), _FAILED[1].format(why=refused))
        _move(work, line_account_id, progress, {**progress, "status": "failed"}, told)
        return False
    except LineError as error:
        log.info("backfill_waits", line_account_id=str(line_account_id), error=str(error))
        raise
    if page.next_start is not None and page.next_start == progress["start"]:
        _move(work, line_account_id, progress, {**progress, "status": "failed"}, _IN_CIRCLES)
        return False
    return _keep_page(work, line_account_id, page, progress)


def _list(line: LineClient, progress: dict[str, Any], now: datetime) -> tuple[FollowerPage, dict[str, Any]]:
    """The next page, and from where it was read: from the beginning where LINE has forgotten the place."""
    start = progress["start"]
    if start is not None and now - datetime.fromisoformat(progress["start_at"]) < START_LIVES:
        try:
            return line.list_follower_ids(start), progress
        except LineInvalid:
            log.info("backfill_begins_anew")
    if start is None:
        return line.list_follower_ids(), progress
    return line.list_follower_ids(), {**progress, "start": None, "start_at": None, "offset": 0}


def _keep_page(work: Work, line_account_id: UUID, page: FollowerPage, progress: dict[str, Any]) -> bool:
    """Write a page down, some people at a time, each with how far that is; whether another page follows."""
    before = progress
    user_ids = [one for one in page.user_ids if _is_user_id(one)]
    first = min(progress["offset"], len(user_ids))
    for begin in range(first, len(user_ids), AT_ONCE) or (first,):
        some = user_ids[begin : begin + AT_ONCE]
        is_last = begin + AT_ONCE >= len(user_ids)
        with work.session() as session:
            done = import_followers(session, line_account_id, some, work.now)
            after = {
                **before,
                "status": "running",
                "imported": before["imported"] + done.imported,
                "known": before["known"] + done.known,
                "offset": begin + len(some),
                "moved_at": write_instant(work.now),
            }
            if is_last:
                after |= {"start": page.next_start, "start_at": write_instant(work.now), "offset": 0}
                if page.next_start is None:
                    after |= {"status": "done", "start_at": None, "finished_at": write_instant(work.now)}
            if not _store(session, line_account_id, before, after):
                session.rollback()  # another job has done this part
                return False
        before = after
    return page.next_start is not None


def _move(
    work: Work, line_account_id: UUID, before: dict[str, Any], after: dict[str, Any], told: tuple[str, str]
) -> None:
    """End it, with the words why."""
    moment = write_instant(work.now)
    with work.session() as session:
        ended = {**after, "detail": told[0], "detail_ja": told[1], "moved_at": moment, "finished_at": moment}
        _store(session, line_account_id, before, ended)


def _store(session: ScopedSession, line_account_id: UUID, before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Write how far it is, unless somebody else has come further; whether that was so."""
    wanted = select(LineAccount).where(col(LineAccount.id) == line_account_id).with_for_update(key_share=True)
    account = session.exec(wanted.execution_options(populate_existing=True)).one()
    present = account.backfill or {}
    if any(present.get(name) != before[name] for name in ("started_at", "imported", "known", "left_out")):
        return False
    account.backfill = after
    session.flush()
    return True


def _is_user_id(value: str) -> bool:
    """`U` and 32 hexadecimal digits: for one id of another form LINE would refuse a whole multicast."""
    return len(value) == 33 and value[0] == "U" and not set(value[1:]) - set("0123456789abcdef")


def import_followers(session: ScopedSession, line_account_id: UUID, user_ids: Sequence[str], now: datetime) -> Imported:
    """Make friends of these LINE user ids, in one statement for whoever is new and one for whoever is known.

    Where somebody is known at another account and the brand has stated no basis for joining, she is another customer.
    """
    account = session.exec(select(LineAccount).where(col(LineAccount.id) == line_account_id)).one()
    stores = tuple(list_account_stores(session, line_account_id))
    may_join = get_brand(session, session.scope.brand_id).joining_basis is not None
    place = Place(account, stores, may_join=may_join)
    wanted = list(dict.fromkeys(user_ids))
    lock_people(session, place, wanted)
    session.flush()
    common = {
        "brand_id": session.scope.brand_id,
        "account_id": account.id,
        "account_no": account.no,
        "provider_id": account.provider_id,
        "store_ids": [store.id for store in stores],
        "store_nos": sorted(store.no for store in stores),
        "store_nos_by_id": [store.no for store in stores],
        # Any webhook of this account is newer, also one that came just now and is not worked off yet.
        "since": account.created_at,
        "now": now,
    }
    _add_strangers(session, place, [one for one in wanted if one not in place.people], common)
    joined, known = [], 0
    for user_id in wanted:
        person = place.people.get(user_id)
        if person is None:
            continue
        friend = person.friends.get(account.id)
        if friend is not None:
            known += 1
            if friend.status == "unknown":
                joined.append(person)
        else:
            joined.append(person)
    if joined:
        values = {
            "customer_ids": [person.customer.id for person in joined],
            "identity_ids": [person.identity.id for person in joined],
            "friend_ids": [uuid7() for _ in joined],
        }
        session.execute(_JOIN, {**common, **values})
    return Imported(len(wanted) - known, known)


def _add_strangers(session: ScopedSession, place: Place, user_ids: Sequence[str], common: dict[str, Any]) -> None:
    """People whom the brand meets for the first time, in one statement."""
    if not user_ids:
        return
    customer_ids = [uuid7() for _ in user_ids]
    facts = [
        CustomerCreated(
            occurred_at=common["now"],
            customer_id=customer_id,
            store_no=place.store_no,
            account_no=place.account.no,
            source="line",
        )
        for customer_id in customer_ids
    ]
    values = {
        "user_ids": list(user_ids),
        "customer_ids": customer_ids,
        "identity_ids": [uuid7() for _ in user_ids],
        "friend_ids": [uuid7() for _ in user_ids],
        "account_nos": [place.account.no if one in place.kept_apart else None for one in user_ids],
        "event_ids": [uuid7() for _ in user_ids],
        "event_type": CustomerCreated.type,
        "dedupe_keys": [fact.dedupe_key() for fact in facts],
        "store_no": place.store_no,
    }
    session.execute(_ADD, {**common, **values})


_ADD = text(
    """
    WITH told AS (
        SELECT * FROM unnest(
            CAST(:user_ids AS text[]), CAST(:customer_ids AS uuid[]), CAST(:identity_ids AS uuid[]),
            CAST(:friend_ids AS uuid[]), CAST(:event_ids AS uuid[]), CAST(:dedupe_keys AS text[]),
            CAST(:account_nos AS int[])
        ) AS told (line_user_id, customer_id, identity_id, friend_id, event_id, dedupe_key, account_no)
    ), customers AS (
        INSERT INTO customer (brand_id, id, created_at, updated_at, written_by, attributes, tag_nos, store_nos,
            account_nos, order_count, spend_yen)
        SELECT :brand_id, customer_id, :now, :now, '{}', '{}', '{}', CAST(:store_nos AS int[]), ARRAY[:account_no], 0, 0
        FROM told
    ), identities AS (
        INSERT INTO identity (brand_id, id, created_at, customer_id, provider_id, line_user_id, account_no)
        SELECT :brand_id, identity_id, :now, customer_id, :provider_id, line_user_id, told.account_no FROM told
    ), friends AS (
        INSERT INTO friend (brand_id, id, created_at, line_account_id, account_no, identity_id, customer_id, store_nos,
            status, source, changed_at)
        SELECT :brand_id, friend_id, :now, :account_id, :account_no, identity_id, customer_id,
            CAST(:store_nos AS int[]), 'following', 'backfill', :since
        FROM told
    ), ties AS (
        INSERT INTO customer_store (brand_id, customer_id, store_id, store_no, order_count, spend_yen, updated_at)
        SELECT :brand_id, customer_id, store.id, store.no, 0, 0, :now
        FROM told
        CROSS JOIN unnest(CAST(:store_ids AS uuid[]), CAST(:store_nos_by_id AS int[])) AS store (id, no)
    )
    INSERT INTO event (brand_id, id, created_at, type, customer_id, store_no, account_no, occurred_at, data, dedupe_key)
    SELECT :brand_id, event_id, clock_timestamp(), :event_type, customer_id, CAST(:store_no AS int), :account_no, :now,
        '{"source": "line"}', dedupe_key
    FROM told
    """
)

_JOIN = text(
    """
    WITH told AS (
        SELECT * FROM unnest(
            CAST(:customer_ids AS uuid[]), CAST(:identity_ids AS uuid[]), CAST(:friend_ids AS uuid[])
        ) AS told (customer_id, identity_id, friend_id)
    ), friends AS (
        INSERT INTO friend AS kept (brand_id, id, created_at, line_account_id, account_no, identity_id, customer_id,
            store_nos, status, source, changed_at)
        SELECT :brand_id, friend_id, :now, :account_id, :account_no, identity_id, customer_id,
            CAST(:store_nos AS int[]), 'following', 'backfill', :since
        FROM told
        ON CONFLICT (brand_id, line_account_id, identity_id) DO UPDATE
        SET status = 'following', changed_at = greatest(kept.changed_at, excluded.changed_at)
        WHERE kept.status = 'unknown'
    ), ties AS (
        INSERT INTO customer_store (brand_id, customer_id, store_id, store_no, order_count, spend_yen, updated_at)
        SELECT :brand_id, customer_id, store.id, store.no, 0, 0, :now
        FROM told
        CROSS JOIN unnest(CAST(:store_ids AS uuid[]), CAST(:store_nos_by_id AS int[])) AS store (id, no)
        ON CONFLICT DO NOTHING
    )
    UPDATE customer
    SET account_nos = (
            SELECT array_agg(DISTINCT no ORDER BY no) FROM unnest(account_nos || CAST(:account_no AS int)) AS no
        ),
        store_nos = store_nos || ARRAY(
            SELECT no FROM unnest(CAST(:store_nos AS int[])) AS no WHERE no <> ALL (store_nos) ORDER BY no
        ),
        updated_at = greatest(updated_at, CAST(:now AS timestamptz))
    FROM told
    WHERE customer.brand_id = :brand_id AND customer.id = told.customer_id
    """
)
