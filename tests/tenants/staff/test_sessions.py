"""What follows from a secret that a browser presents, and what becomes of sessions."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlmodel import col, select

from app.keys import digest_of, new_secret
from tenants.api_keys.models import CredentialHash
from tenants.ids import uuid7
from tenants.session import ScopedSession
from tenants.staff import sessions
from tenants.staff.models import StaffSession
from tenants.staff.sessions import GRACE, IDLE, LIFE, ROTATE_AFTER, SEEN_EVERY, Verdict, judge
from tests import make

NOON = datetime(2026, 11, 21, 3, tzinfo=UTC)
PRESENT, PREVIOUS, OLDER = uuid7(), uuid7(), uuid7()
A_MOMENT = timedelta(milliseconds=1)


def browser(*, rotated: timedelta, seen: timedelta, **changes: datetime) -> StaffSession:
    """A session whose secret was made, and last seen, so long before noon."""
    row = StaffSession(
        staff_id=uuid7(),
        secret_id=PRESENT,
        previous_secret_id=PREVIOUS,
        rotated_at=NOON - rotated,
        last_seen_at=NOON - seen,
        expires_at=NOON - rotated + LIFE,
    )
    row.sqlmodel_update(changes)
    return row


MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("secret", "rotated", "seen", "verdict"),
    [
        (PRESENT, 5 * MINUTE, SEEN_EVERY - A_MOMENT, Verdict.FRESH),
        (PRESENT, 5 * MINUTE, SEEN_EVERY, Verdict.SEEN),
        (PRESENT, 10 * A_MOMENT, 10 * A_MOMENT, Verdict.SEEN),
        (PRESENT, ROTATE_AFTER - A_MOMENT, 10 * A_MOMENT, Verdict.FRESH),
        (PRESENT, ROTATE_AFTER, 10 * A_MOMENT, Verdict.DUE),
        (PREVIOUS, GRACE, A_MOMENT, Verdict.FRESH),
        (PREVIOUS, GRACE + A_MOMENT, A_MOMENT, Verdict.COPIED),
        (PREVIOUS, GRACE + A_MOMENT, GRACE + A_MOMENT, Verdict.LOST),
        (OLDER, A_MOMENT, A_MOMENT, Verdict.COPIED),
        (PRESENT, IDLE, IDLE, Verdict.OVER),
        (PREVIOUS, IDLE, IDLE, Verdict.OVER),
    ],
)
def test_a_secret_is_judged_by_its_age_and_by_what_came_after_it(
    secret: UUID, rotated: timedelta, seen: timedelta, verdict: Verdict
) -> None:
    assert judge(browser(rotated=rotated, seen=seen), secret, NOON) is verdict


def test_a_session_ends_after_a_week_however_busy() -> None:
    busy = browser(rotated=A_MOMENT, seen=A_MOMENT, expires_at=NOON + A_MOMENT)
    assert judge(busy, PRESENT, NOON) is Verdict.SEEN
    assert judge(busy, PRESENT, NOON + A_MOMENT) is Verdict.OVER


def test_an_ended_session_stays_ended() -> None:
    assert judge(browser(rotated=MINUTE, seen=A_MOMENT, ended_at=NOON), PRESENT, NOON) is Verdict.OVER


def secret_ids(session: ScopedSession, row: StaffSession) -> set[UUID]:
    kept = select(CredentialHash.id).where(col(CredentialHash.credential_id) == row.id)
    return set(session.exec(kept).all())


def test_rotating_replaces_the_secret_and_keeps_the_one_before(session: ScopedSession) -> None:
    row, _ = make.staff_session(session, make.staff(session))
    first = row.secret_id
    sessions.rotate(session, row, Verdict.DUE, digest_of(new_secret("session")), NOON)
    assert row.previous_secret_id == first
    assert row.secret_id not in (None, first)
    assert (row.rotated_at, row.last_seen_at) == (NOON, NOON)
    assert secret_ids(session, row) == {first, row.secret_id}


def test_a_secret_that_never_arrived_is_replaced_while_the_one_before_stays_good(session: ScopedSession) -> None:
    row, _ = make.staff_session(session, make.staff(session))
    first = row.secret_id
    sessions.rotate(session, row, Verdict.DUE, digest_of(new_secret("session")), NOON)
    lost = row.secret_id
    assert first is not None
    assert lost is not None
    sessions.rotate(session, row, Verdict.LOST, digest_of(new_secret("session")), NOON + MINUTE)
    assert row.previous_secret_id == first
    assert judge(row, first, NOON + MINUTE) is Verdict.FRESH
    assert judge(row, lost, NOON + MINUTE) is Verdict.COPIED


def test_replaced_secrets_are_forgotten_after_a_day(session: ScopedSession) -> None:
    row, _ = make.staff_session(session, make.staff(session))
    for hours in range(0, 60, 6):
        sessions.rotate(
            session, row, Verdict.DUE, digest_of(new_secret("session")), NOON + timedelta(days=1, hours=hours)
        )
    assert len(secret_ids(session, row)) == 24 // 6 + 1
    assert {row.secret_id, row.previous_secret_id} <= secret_ids(session, row)


def test_signing_in_forgets_sessions_that_are_over(session: ScopedSession) -> None:
    staff = make.staff(session)
    over, _ = make.staff_session(session, staff)
    live, _ = make.staff_session(session, staff)
    sessions.end(session, over, NOON)
    fresh, _ = make.staff_session(session, staff)
    kept = session.exec(select(StaffSession.id).where(col(StaffSession.staff_id) == staff.id)).all()
    assert set(kept) == {live.id, fresh.id}


def test_ending_all_sessions_of_one_leaves_others_signed_in(session: ScopedSession) -> None:
    staff, other = make.staff(session), make.staff(session)
    mine = [make.staff_session(session, staff)[0] for _ in range(2)]
    hers, _ = make.staff_session(session, other)
    sessions.end_all(session, staff, NOON)
    assert [row.ended_at for row in mine] == [NOON, NOON]
    assert [secret_ids(session, row) for row in mine] == [set(), set()]
    assert hers.ended_at is None
    assert len(secret_ids(session, hers)) == 1
