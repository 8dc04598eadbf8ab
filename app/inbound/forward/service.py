"""Verbs on what goes on to another tool: to whom, which call is next, and what became of it.

Calls go out in the order in which they came. One that is not taken holds up those behind it, since most often the whole
tool is away; but from the fifth failure on another waiting call is tried after it, and if that one is taken the first
one steps aside: it has its own waits from then on, and is overtaken.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, delete

from app.guard import ForbiddenAddress, check_url, may_reach_loopback
from app.inbound.append import FORWARD_LANE, GIVE_UP_AFTER
from app.inbound.forward import queries
from app.inbound.models import LineForward, LineForwardCall
from app.jobs.lanes import touch
from tenants.problems import Conflict, Invalid, NotFound
from tenants.session import ScopedSession

WAITS_SECONDS = (5, 15, 30, 60, 120, 300, 600, 900)
"""Before the second attempt, the third…; the last one is repeated."""
FAILURES_TO_PROBE = 5
_SENT_EVERY = timedelta(seconds=10)


@dataclass(frozen=True)
class Next:
    """A call that is to be made now. `behind` is the call that this one would overtake."""

    call: LineForwardCall
    url: str
    behind: UUID | None = None


def put_forward(
    session: ScopedSession, line_account_id: UUID, *, url: str, active: bool, public_url: str, now: datetime
) -> LineForward:
    """Have an account's calls go on to this address from now on; what waits goes there as well. Raises Invalid."""
    _check(url, public_url)
    forward = queries.find_forward(session, line_account_id)
    if forward is None:
        forward = LineForward(line_account_id=line_account_id, url=url, active=active, created_at=now, updated_at=now)
    elif (forward.url, forward.active) != (url, active):
        forward.url, forward.active, forward.updated_at, forward.failing_since = url, active, now, None
    session.add(forward)
    session.flush()
    _wake(session, line_account_id, now)
    return forward


def _check(url: str, public_url: str) -> None:
    try:
        check_url(url, loopback=may_reach_loopback(public_url))
    except ForbiddenAddress as error:
        raise Invalid.at("/url", str(error)) from error
    if _origin(url) == _origin(public_url):
        raise Invalid.at("/url", "This is the address of Noren itself: its calls would go in circles.")


def _origin(url: str) -> object:
    from yarl import URL

    return URL(url, encoded=True).origin()


def delete_forward(session: ScopedSession, line_account_id: UUID) -> None:
    """Send nothing on any more, and forget what waits and what was given up. Raises NotFound."""
    session.delete(queries.get_forward(session, line_account_id))
    session.flush()
    session.exec(delete(LineForwardCall).where(col(LineForwardCall.line_account_id) == line_account_id))


def retry_call(session: ScopedSession, line_account_id: UUID, call_id: UUID, now: datetime) -> LineForwardCall:
    """Have one that was given up tried again. Raises NotFound, Conflict."""
    queries.get_forward(session, line_account_id)
    call = queries.lock_call(session, line_account_id, call_id)
    if call.state != "dead":
        raise Conflict("Only a call that was given up can be tried again.")
    if call.body is None:
        raise Conflict("This call named a person who was erased, so there is nothing left to send.")
    call.state, call.due_at, call.give_up_at, call.settled_at = "waiting", now, now + GIVE_UP_AFTER, None
    session.flush()
    touch(session, FORWARD_LANE, session.scope.brand_id, [line_account_id])
    return call


def retry_all(session: ScopedSession, line_account_id: UUID, now: datetime) -> LineForward:
    """Have all that were given up tried again, in the order in which they came, before any other. Raises NotFound."""
    forward = queries.get_forward(session, line_account_id)
    session.execute(_RETRY, {**_of(session, line_account_id), "now": now, "give_up_at": now + GIVE_UP_AFTER})
    touch(session, FORWARD_LANE, session.scope.brand_id, [line_account_id])
    return forward


def give_up_untried(session: ScopedSession, now: datetime) -> None:
    """Give up what waits for a tool that is switched off, once its time is over."""
    session.execute(_GIVE_UP_UNTRIED, {"brand_id": session.scope.brand_id, "now": now})


def choose(session: ScopedSession, line_account_id: UUID, now: datetime) -> Next | float | None:
    """The call to make now, or in how many seconds there is one, or None when none waits."""
    forward = queries.find_forward(session, line_account_id)
    if forward is None or not forward.active:
        return None
    first, aside = queries.find_waiting(session, line_account_id), queries.find_aside(session, line_account_id)
    if aside is not None and aside.due_at <= now:
        return Next(aside, forward.url)
    # While all goes well the first is due, though it may have failed when it was tried behind another.
    if first is not None and (forward.failing_since is None or first.due_at <= now):
        return Next(first, forward.url)
    waits = [(call.due_at - now).total_seconds() for call in (first, aside) if call is not None]
    return min(waits, default=None)


def note_taken(session: ScopedSession, done: Next, status: int, now: datetime) -> None:
    """The other tool has the call: nothing of what it said is kept. Whoever it overtook steps aside."""
    account_id = done.call.line_account_id
    values = {**_of(session, account_id), "id": done.call.id, "status": status, "now": now}
    session.execute(_TAKEN, {**values, "sent_before": now - _SENT_EVERY})
    if done.behind is not None:
        session.execute(_STEP_ASIDE, {**_of(session, account_id), "id": done.behind})


def note_failure(
    session: ScopedSession, done: Next, *, status: int | None, error: str | None, now: datetime
) -> Next | None:
    """The other tool has not taken the call; another one to try at once, where that may tell whose fault it is."""
    account_id = done.call.line_account_id
    try:
        call = queries.lock_call(session, account_id, done.call.id)
    except NotFound:  # nothing goes on any more since it was made
        return None
    if call.state != "waiting":
        return None
    call.attempts += 1
    call.last_status, call.last_error = status, error
    call.due_at = now + timedelta(seconds=WAITS_SECONDS[min(call.attempts, len(WAITS_SECONDS)) - 1])
    if now >= call.give_up_at:
        call.state, call.settled_at = "dead", now
    session.flush()
    if call.state == "dead" and not call.is_aside:
        # Those behind it have waited as long, for the same reason.
        session.execute(_GIVE_UP, {**_of(session, account_id), "now": now, "status": status, "error": error})
    if call.is_aside or done.behind is not None:
        return None
    session.execute(_FAILING, {**_of(session, account_id), "now": now})
    if call.state == "dead" or call.attempts < FAILURES_TO_PROBE:
        return None
    return _probe(session, done, call)


def _probe(session: ScopedSession, done: Next, first: LineForwardCall) -> Next | None:
    """A call behind the first: the one after it, and at the next failure one further, so that two bad ones in a row
    do not hide each other."""
    others = queries.count_waiting(session, first.line_account_id) - 1
    if others < 1:
        return None
    place = 1 + (first.attempts - FAILURES_TO_PROBE) % others
    found = queries.find_waiting(session, first.line_account_id, skip=place)
    return None if found is None else Next(found, done.url, behind=first.id)


def _wake(session: ScopedSession, line_account_id: UUID, now: datetime) -> None:
    session.execute(_DUE_NOW, {**_of(session, line_account_id), "now": now})
    touch(session, FORWARD_LANE, session.scope.brand_id, [line_account_id])


def _of(session: ScopedSession, line_account_id: UUID) -> dict[str, UUID]:
    return {"brand_id": session.scope.brand_id, "line_account_id": line_account_id}


_OF_ACCOUNT = "brand_id = :brand_id AND line_account_id = :line_account_id"
_DUE_NOW = text(
    f"UPDATE line_forward_call SET due_at = :now WHERE {_OF_ACCOUNT} AND state = 'waiting' AND state <> 'sent'"
    " AND due_at > :now"
)
_RETRY = text(
    "UPDATE line_forward_call SET state = 'waiting', is_aside = false, due_at = :now, give_up_at = :give_up_at,"
    f" settled_at = NULL WHERE {_OF_ACCOUNT} AND state = 'dead' AND state <> 'sent' AND body IS NOT NULL"
)
_GIVE_UP = text(
    "UPDATE line_forward_call SET state = 'dead', settled_at = :now, last_status = :status, last_error = :error"
    f" WHERE {_OF_ACCOUNT} AND state = 'waiting' AND state <> 'sent' AND NOT is_aside AND give_up_at <= :now"
)
_GIVE_UP_UNTRIED = text(
    "UPDATE line_forward_call SET state = 'dead', settled_at = :now,"
    " last_error = coalesce(last_error, 'Forwarding was switched off.')"
    " WHERE brand_id = :brand_id AND state = 'waiting' AND state <> 'sent' AND give_up_at <= :now AND NOT EXISTS ("
    " SELECT 1 FROM line_forward WHERE line_forward.brand_id = :brand_id AND line_forward.active"
    " AND line_forward.line_account_id = line_forward_call.line_account_id)"
)
_TAKEN = text(
    f"""
    WITH taken AS (
        UPDATE line_forward_call
        SET state = 'sent', settled_at = :now, attempts = attempts + 1, last_status = :status, last_error = NULL,
            body = NULL, signature = NULL
        WHERE {_OF_ACCOUNT} AND id = :id AND state = 'waiting'
    )
    UPDATE line_forward SET sent_at = :now, failing_since = NULL
    WHERE {_OF_ACCOUNT} AND (sent_at IS NULL OR sent_at < :sent_before OR failing_since IS NOT NULL)
    """
)
_STEP_ASIDE = text(
    f"UPDATE line_forward_call SET is_aside = true WHERE {_OF_ACCOUNT} AND id = :id AND state = 'waiting'"
)
_FAILING = text(f"UPDATE line_forward SET failing_since = :now WHERE {_OF_ACCOUNT} AND failing_since IS NULL")
