"""The emergency stop: nothing more is sent of a brand, or from one account, until somebody lets it go on.

What waits keeps waiting, under the keys that it has. Workers look before each call (`watch.py`); here it is only said,
in a transaction that waits for nobody who sends or launches.
"""

from datetime import datetime

from app.events.service import record
from app.jobs import lanes
from app.messaging.events import SendingResumed, SendingStopped
from app.messaging.service import SEND_LANE, resume_all
from tenants.brands.models import Brand
from tenants.line_accounts.models import LineAccount
from tenants.problems import Conflict
from tenants.scope import Scope
from tenants.session import ScopedSession

HEAD_OFFICE, STORE = "head_office", "store"
"""Who stopped an account: what head office stopped no store lets go on."""


def stop_brand(session: ScopedSession, brand: Brand, reason: str, now: datetime) -> None:
    """Send nothing more at any account of the brand. One that is stopped already stays as it is."""
    if brand.sending_stopped_at is None:
        brand.sending_stopped_at, brand.sending_stopped_reason = now, reason
        session.add(brand)
        record(session, SendingStopped(occurred_at=now, line_account_id=None, reason=reason))


def resume_brand(session: ScopedSession, brand: Brand, now: datetime) -> None:
    """Let the brand send again: what waited goes on, or expires. Accounts that are stopped by themselves stay so."""
    if brand.sending_stopped_at is not None:
        brand.sending_stopped_at = brand.sending_stopped_reason = None
        session.add(brand)
        session.flush()
        record(session, SendingResumed(occurred_at=now, line_account_id=None))
        resume_all(session)


def stop_account(session: ScopedSession, account: LineAccount, scope: Scope, reason: str, now: datetime) -> None:
    """Send nothing more from one account. Head office's word takes the place of a store's, and no other way round."""
    by = _who(scope)
    if account.sending_stopped_at is None:
        account.sending_stopped_at, account.sending_stopped_reason = now, reason
        account.sending_stopped_by = by
        fact = SendingStopped(occurred_at=now, store_no=_store_no(account), line_account_id=account.id, reason=reason)
        record(session, fact)
    elif by == HEAD_OFFICE and account.sending_stopped_by == STORE:
        account.sending_stopped_by, account.sending_stopped_reason = by, reason
    session.add(account)
    session.flush()


def resume_account(session: ScopedSession, account: LineAccount, scope: Scope, now: datetime) -> None:
    """Let one account send again. Raises Conflict for a store if head office stopped it."""
    if account.sending_stopped_at is None:
        return
    if account.sending_stopped_by == HEAD_OFFICE and _who(scope) == STORE:
        raise Conflict("Head office stopped this account, and lets it send again.")
    account.sending_stopped_at = account.sending_stopped_reason = account.sending_stopped_by = None
    session.add(account)
    session.flush()
    record(session, SendingResumed(occurred_at=now, store_no=_store_no(account), line_account_id=account.id))
    lanes.touch(session, SEND_LANE, session.scope.brand_id, [account.id])


def _who(scope: Scope) -> str:
    return HEAD_OFFICE if scope.store_nos is None else STORE


def _store_no(account: LineAccount) -> int | None:
    """The one store that it speaks for; of several the event is head office's."""
    return account.store_nos[0] if len(account.store_nos) == 1 else None
