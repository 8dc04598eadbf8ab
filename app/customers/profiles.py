"""Profiles at LINE: names and pictures that people change, and friends who went without a word.

They are read anew once a month, a few of each account at a time. LINE tells nobody's profile to an account that she
blocks, nor of an account that she has deleted, and sends no webhook for the latter: so who is missing twice, a day
apart, counts as reached no more. Once would be rash, since LINE itself errs now and then.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from prometheus_client import Counter
from sqlalchemy import text
from sqlmodel import col, select

from app.auth import brand_key_of
from app.customers.locks import lock_found
from app.customers.models import Customer, Friend, Identity
from app.jobs.queue import Work
from app.line.client import LineClient, Profile
from app.line.errors import LineError, LineGarbled, LineInvalid
from tenants.line_accounts.models import LineAccount
from tenants.line_accounts.service import open_secret
from tenants.session import ScopedSession

log = structlog.get_logger("customers")
ASKED = Counter("noren_profiles_refreshed_total", "Profiles read anew from LINE, by outcome.", ["outcome"])

FRESH_FOR: Final = timedelta(days=30)
MISSED_AGAIN_AFTER: Final = timedelta(days=1)
MOST_OF_ACCOUNT: Final = 100
MOST: Final = 400
KEPT_AT_ONCE: Final = 20
TURN_SECONDS: Final = 20.0
"""For one brand, before other jobs have their turn."""


@dataclass(frozen=True)
class DueFriend:
    """A friend whose profile is to be read anew."""

    id: UUID
    line_account_id: UUID
    line_user_id: str


@dataclass(frozen=True)
class Asked:
    """What LINE said of a friend: her profile, that it does not know her, or nothing that helps."""

    friend_id: UUID
    profile: Profile | None
    is_missing: bool


def is_any_due(session: ScopedSession, now: datetime) -> bool:
    """Whether there is a profile to read anew."""
    return session.execute(_ANY_DUE, _values(session, now)).first() is not None


def list_due(session: ScopedSession, now: datetime) -> list[DueFriend]:
    """Up to 100 friends of each account whose profiles are oldest, in turns of one of each account; 400 in all."""
    rows = session.execute(_DUE, {**_values(session, now), "most_of_account": MOST_OF_ACCOUNT, "most": MOST})
    return [DueFriend(*row) for row in rows.all()]


def refresh(work: Work) -> None:
    """Read profiles of a brand anew, for 20 seconds at most.

    An account that LINE does not answer, or does not let ask, has its turn again the next time.
    """
    until = time.monotonic() + TURN_SECONDS
    with work.session() as session:
        due = list_due(session, work.now)
        lines = _open_lines(session, work, {friend.line_account_id for friend in due})
    for start in range(0, len(due), KEPT_AT_ONCE):
        asked = [_ask(lines, friend) for friend in due[start : start + KEPT_AT_ONCE] if friend.line_account_id in lines]
        with work.session() as session:
            keep(session, [one for one in asked if one is not None], work.now)
        if not lines or time.monotonic() > until:
            return


def keep(session: ScopedSession, asked: Sequence[Asked], now: datetime) -> None:
    """Write down what LINE said of friends, unless they were erased meanwhile."""
    found = select(Friend, Identity).join(Identity, col(Identity.id) == col(Friend.identity_id))
    of_asked = found.where(col(Friend.id).in_([one.friend_id for one in asked]))
    said = {one.friend_id: one for one in asked}
    rows: Sequence[tuple[Friend, Identity]] = ()

    def find() -> set[UUID]:
        nonlocal rows
        rows = session.exec(of_asked.execution_options(populate_existing=True)).all()
        return {identity.customer_id for _, identity in rows}

    customers = lock_found(session, find)
    for friend, identity in rows:
        customer = customers.get(identity.customer_id)
        if customer is None:
            continue
        answer = said[friend.id]
        friend.asked_at = now
        if answer.profile is not None:
            friend.missing_at = None
            keep_profile(customer, identity, answer.profile, now)
            ASKED.labels("kept").inc()
        elif answer.is_missing:
            _miss(customer, friend, now)
        else:
            ASKED.labels("refused").inc()


def keep_profile(customer: Customer, identity: Identity, profile: Profile, now: datetime) -> None:
    """Write a profile down; the customer's row is locked."""
    if (identity.display_name, identity.picture_url) != (profile.display_name, profile.picture_url):
        customer.updated_at = customer.profile_updated_at = now
    identity.display_name = profile.display_name
    identity.picture_url = profile.picture_url
    identity.language = profile.language
    identity.profile_at = now


def _miss(customer: Customer, friend: Friend, now: datetime) -> None:
    """LINE does not know her at this account: the second time she counts as reached no more."""
    if friend.status != "following" or friend.changed_at > now:
        return  # a webhook was faster
    if friend.missing_at is None:
        friend.missing_at = now
        ASKED.labels("missing").inc()
        return
    friend.status, friend.changed_at = "unknown", now
    customer.account_nos = [no for no in customer.account_nos if no != friend.account_no]
    ASKED.labels("lost").inc()


def _ask(lines: dict[UUID, LineClient], friend: DueFriend) -> Asked | None:
    """What LINE says of a friend; where it says nothing, her account is taken from `lines`."""
    line = lines.get(friend.line_account_id)
    if line is None:
        return None
    try:
        profile = line.get_profile(friend.line_user_id)
    except (LineInvalid, LineGarbled):
        return Asked(friend.id, None, is_missing=False)  # of her alone, and she must not hold up the others
    except LineError as error:
        log.info("refresh_stopped", line_account_id=str(friend.line_account_id), outcome=error.outcome)
        ASKED.labels("stopped").inc()
        del lines[friend.line_account_id]
        return None
    return Asked(friend.id, profile, is_missing=profile is None)


def _open_lines(session: ScopedSession, work: Work, account_ids: set[UUID]) -> dict[UUID, LineClient]:
    key = brand_key_of(session, work.keyring)
    accounts = session.exec(select(LineAccount).where(col(LineAccount.id).in_(account_ids))).all()
    lines = {}
    for account in accounts:
        try:
            line = LineClient(work.settings, account.channel_id, open_secret(account, key), mode=account.mode)
        except LineError:  # an account in test mode, where there is no test host
            continue
        lines[account.id] = line
    return lines


def _values(session: ScopedSession, now: datetime) -> dict[str, Any]:
    return {"brand_id": session.scope.brand_id, "stale": now - FRESH_FOR, "missed": now - MISSED_AGAIN_AFTER}


_IS_DUE = """
    FROM friend JOIN line_account ON line_account.brand_id = friend.brand_id
        AND line_account.id = friend.line_account_id AND line_account.archived_at IS NULL
    WHERE friend.brand_id = :brand_id AND friend.status = 'following'
      AND CASE WHEN friend.missing_at IS NULL THEN friend.asked_at IS NULL OR friend.asked_at < :stale
               ELSE friend.missing_at < :missed END
"""

_ANY_DUE = text(f"SELECT 1 {_IS_DUE} LIMIT 1")

_DUE = text(
    f"""
    SELECT due.id, due.line_account_id, identity.line_user_id
    FROM (
        SELECT friend.id, friend.line_account_id, friend.identity_id, row_number() OVER (
            PARTITION BY friend.line_account_id ORDER BY friend.asked_at NULLS FIRST, friend.id
        ) AS turn
        {_IS_DUE}
    ) AS due JOIN identity ON identity.brand_id = :brand_id AND identity.id = due.identity_id
    WHERE due.turn <= :most_of_account
    ORDER BY due.turn, due.line_account_id LIMIT :most
    """
)
