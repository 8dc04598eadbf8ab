"""LINE's late and approximate figure, held against our own count."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from app.messaging.line_quota import store_line_quota
from app.messaging.models import QuotaMonth
from app.messaging.quota import find_available, month_after, quota_month
from tenants.line_accounts.models import LineAccount
from tenants.session import ScopedSession
from tests import make

NOON = datetime(2026, 11, 10, 3, tzinfo=UTC)


def send(session: ScopedSession, count: int) -> None:
    session.execute(
        text("UPDATE quota_month SET used = used + :count, sent = sent + :count WHERE brand_id = :brand_id"),
        {"brand_id": session.scope.brand_id, "count": count},
    )


def hear(session: ScopedSession, account: LineAccount, used: int, hours: float) -> tuple[int, int]:
    row: QuotaMonth = store_line_quota(session, account, limit=1000, used=used, now=NOON + timedelta(hours=hours))
    return row.used, row.others


def test_what_line_has_not_counted_yet_is_used_all_the_same(session: ScopedSession) -> None:
    account = make.line_account(session, make.store(session))
    assert hear(session, account, 0, 0) == (0, 0)
    send(session, 500)
    assert hear(session, account, 100, 1) == (500, 0)
    assert hear(session, account, 500, 2) == (500, 0)


def test_what_line_counts_beyond_ours_others_sent(session: ScopedSession) -> None:
    account = make.line_account(session, make.store(session))
    hear(session, account, 0, 0)
    send(session, 500)
    assert hear(session, account, 620, 1) == (620, 120)
    send(session, 100)
    assert hear(session, account, 620, 2) == (720, 120)
    assert hear(session, account, 720, 3) == (720, 120)


def test_who_was_not_reached_costs_nothing_after_a_day(session: ScopedSession) -> None:
    account = make.line_account(session, make.store(session))
    hear(session, account, 0, 0)
    send(session, 500)
    assert hear(session, account, 450, 1) == (500, 0)
    assert hear(session, account, 450, 26) == (450, 0)
    assert hear(session, account, 480, 27) == (480, 30)
    send(session, 100)
    assert hear(session, account, 480, 28) == (580, 30)


def test_the_limit_of_a_month_that_line_has_not_told_of_is_that_of_the_last(session: ScopedSession) -> None:
    account = make.line_account(session, make.store(session))
    hear(session, account, 400, 0)
    assert find_available(session, [account.no], NOON) == {account.no: 600}
    assert find_available(session, [account.no], NOON, month_after(quota_month(NOON))) == {account.no: 1000}
    assert find_available(session, [account.no], NOON + timedelta(days=30)) == {account.no: 1000}


def test_rows_from_before_we_counted_accuse_nobody(session: ScopedSession) -> None:
    account = make.line_account(session, make.store(session))
    hear(session, account, 300, 0)
    session.execute(
        text("UPDATE quota_month SET sent = NULL, others = 0 WHERE brand_id = :brand_id"),
        {"brand_id": session.scope.brand_id},
    )
    session.expire_all()
    assert hear(session, account, 300, 1) == (300, 0)
