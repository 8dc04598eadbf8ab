"""Reads of what goes on to other tools."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import func, text
from sqlalchemy.orm import defer
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.inbound.models import LineForward, LineForwardCall
from tenants.problems import NotFound

_CALL = LineForwardCall
_UNSENT = text("line_forward_call.state <> 'sent'")
"""As the index has it: a bound value would keep Postgres from knowing that the index holds what is asked for."""


def find_forward(session: Session, line_account_id: UUID) -> LineForward | None:
    """The other tool of an account."""
    return session.exec(select(LineForward).where(col(LineForward.line_account_id) == line_account_id)).one_or_none()


def get_forward(session: Session, line_account_id: UUID) -> LineForward:
    """The other tool of an account. Raises NotFound."""
    forward = find_forward(session, line_account_id)
    if forward is None:
        raise NotFound
    return forward


def count_unsent(session: Session, line_account_id: UUID) -> Mapping[str, int]:
    """How many calls of an account wait, and how many were given up, by state."""
    of_account = select(_CALL.state, func.count()).where(col(_CALL.line_account_id) == line_account_id, _UNSENT)
    rows: Sequence[tuple[str, int]] = session.exec(of_account.group_by(col(_CALL.state))).all()
    return dict(rows)


def list_calls(line_account_id: UUID, state: str | None) -> SelectOfScalar[LineForwardCall]:
    """The calls of an account in one state or in any, without what is in them."""
    body: object = _CALL.body
    wanted = select(_CALL).where(col(_CALL.line_account_id) == line_account_id).options(defer(body))  # type: ignore[arg-type]
    return wanted if state is None else wanted.where(col(_CALL.state) == state)


def lock_call(session: Session, line_account_id: UUID, call_id: UUID) -> LineForwardCall:
    """One call of an account, for changing it. Raises NotFound."""
    wanted = select(_CALL).where(col(_CALL.line_account_id) == line_account_id, col(_CALL.id) == call_id)
    call = session.exec(wanted.with_for_update()).one_or_none()
    if call is None:
        raise NotFound
    return call


def find_waiting(session: Session, line_account_id: UUID, *, skip: int = 0) -> LineForwardCall | None:
    """The first call in the order in which they came, or the one `skip` places behind it."""
    wanted = _waiting(line_account_id).where(~col(_CALL.is_aside))
    return session.exec(wanted.order_by(col(_CALL.id)).offset(skip).limit(1)).first()


def find_aside(session: Session, line_account_id: UUID) -> LineForwardCall | None:
    """Of the calls that others may overtake, the one that is due first."""
    wanted = _waiting(line_account_id).where(col(_CALL.is_aside))
    return session.exec(wanted.order_by(col(_CALL.due_at), col(_CALL.id)).limit(1)).first()


def count_waiting(session: Session, line_account_id: UUID) -> int:
    """How many calls stand in the order."""
    of_account = select(func.count()).select_from(_CALL).where(col(_CALL.line_account_id) == line_account_id)
    return session.exec(of_account.where(col(_CALL.state) == "waiting", _UNSENT, ~col(_CALL.is_aside))).one()


def _waiting(line_account_id: UUID) -> SelectOfScalar[LineForwardCall]:
    of_account = select(_CALL).where(col(_CALL.line_account_id) == line_account_id)
    return of_account.where(col(_CALL.state) == "waiting", _UNSENT)
