"""retell_quotas(): what the doctor's list says of an account's quota, as soon as it is noticed."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col

from app.admin.line_accounts.service import retell_quota
from app.events.models import Event
from tenants.line_accounts.models import LineAccount
from tenants.line_accounts.queries import live_accounts
from tenants.session import ScopedSession

TYPES = ("quota.alerted", "quota.used_elsewhere")


def retell_quotas(session: ScopedSession, events: Sequence[Event]) -> None:
    """Subscriber: what is known of a quota that was alerted of goes into what was found of its account."""
    newest = {event.data["line_account_id"]: event.occurred_at for event in events if event.type in TYPES}
    if not newest:
        return
    wanted = live_accounts().where(col(LineAccount.id).in_([UUID(one) for one in newest]))
    for account in session.exec(wanted.order_by(col(LineAccount.id)).with_for_update()).all():
        retell_quota(session, account, newest[str(account.id)])
