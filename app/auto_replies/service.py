"""Verbs on auto-replies."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from app.auto_replies import queries
from app.auto_replies.models import AutoReply
from app.coupons import queries as coupons
from app.messaging.render import check_messages
from app.weather import queries as weather
from tenants.line_accounts.models import LineAccount
from tenants.problems import Conflict, Invalid, NotFound
from tenants.session import ScopedSession

MOST: Final = 200
"""So many may a brand have: each message that comes is compared with all of them."""
VARIABLES: Final = frozenset({"customer.name", "store.name", "brand.name"})
OF_COUPON: Final = frozenset({"coupon.name", "coupon.code", "coupon.expires_at", "coupon.url"})


def create_auto_reply(session: ScopedSession, values: Mapping[str, Any]) -> AutoReply:
    """A new auto-reply. `values` are columns by name. Raises Invalid with pointers, Conflict beyond the most."""
    place = {"place": f"auto_replies:{session.scope.brand_id}"}
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:place, 0))"), place)
    if queries.count_auto_replies(session) >= MOST:
        raise Conflict(f"A brand has at most {MOST} auto-replies.")
    auto_reply = AutoReply(**values)
    _check(session, auto_reply, values.keys())
    session.add(auto_reply)
    session.flush()
    return auto_reply


def change_auto_reply(session: ScopedSession, auto_reply: AutoReply, changes: Mapping[str, Any]) -> None:
    """Change what it answers from now on. Raises Invalid with pointers."""
    with session.no_autoflush:
        auto_reply.sqlmodel_update(dict(changes))
        _check(session, auto_reply, changes.keys())
    session.flush()


def archive_auto_reply(auto_reply: AutoReply, now: datetime) -> None:
    """Have it answer nothing any more."""
    auto_reply.archived_at = now


def _check(session: ScopedSession, auto_reply: AutoReply, given: Collection[str]) -> None:
    """Raises Invalid where its parts do not fit each other, or name what is not there. What was not given anew is not
    looked for again: a coupon may have been archived since, and a name can be changed all the same."""
    rule_id, coupon_id = auto_reply.weather_rule_id, auto_reply.coupon_id
    if "line_account_ids" in given and auto_reply.line_account_ids is not None:
        _require_accounts(session, auto_reply.line_account_ids)
    if rule_id is not None and "weather_rule_id" in given:
        coupon_id = _require_rule(session, rule_id) if coupon_id is None else coupon_id
    elif rule_id is not None and coupon_id is None:
        rule = queries.find_live_rule(session, rule_id)
        coupon_id = rule.coupon_id if rule is not None else None
    if coupon_id is not None and {"coupon_id", "weather_rule_id"} & set(given):
        _require_coupon(session, coupon_id, "/coupon_id" if auto_reply.coupon_id else "/weather_rule_id")
    has_terms = auto_reply.coupon_id is not None or rule_id is not None
    if has_terms and auto_reply.otherwise_messages is None:
        raise Invalid.at("/otherwise_messages", "Say what she is answered when there is no coupon for her.")
    # A rule may get its coupon later, and lose it: words that name one are then kept back, and the others said.
    _check_words(auto_reply.messages, "messages", VARIABLES | OF_COUPON if has_terms else VARIABLES)
    if auto_reply.otherwise_messages is not None:
        _check_words(auto_reply.otherwise_messages, "otherwise_messages", VARIABLES)


def _require_accounts(session: ScopedSession, account_ids: Sequence[UUID]) -> None:
    known = set(
        session.exec(
            select(LineAccount.id).where(col(LineAccount.id).in_(account_ids), col(LineAccount.archived_at).is_(None))
        )
    )
    for index, account_id in enumerate(account_ids):
        if account_id not in known:
            raise Invalid.at(f"/line_account_ids/{index}", "There is no such account.")


def _require_rule(session: ScopedSession, rule_id: UUID) -> UUID | None:
    """The coupon of a rule of head office's. Raises Invalid."""
    try:
        rule = weather.get_rule(session, rule_id)
    except NotFound as error:
        raise Invalid.at("/weather_rule_id", "There is no such weather rule.") from error
    if rule.store_no is not None:
        raise Invalid.at("/weather_rule_id", "Only head office's rules can be asked for.")
    return rule.coupon_id


def _require_coupon(session: ScopedSession, coupon_id: UUID, pointer: str) -> None:
    try:
        coupon = coupons.get_coupon(session, coupon_id)
    except NotFound as error:
        raise Invalid.at(pointer, "There is no such coupon.") from error
    if coupon.store_no is not None or coupon.is_template or coupon.occasion is not None:
        raise Invalid.at(pointer, "Only a coupon of head office's that is no template and has no occasion is given so.")


def _check_words(messages: Sequence[Mapping[str, Any]], member: str, known: Collection[str]) -> None:
    """Raises Invalid for messages that LINE would not take, or whose variables nothing fills in."""
    try:
        unknown = check_messages(messages).variables - set(known)
    except Invalid as invalid:
        errors = [{**one, "pointer": one["pointer"].replace("/messages", f"/{member}", 1)} for one in invalid.errors]
        raise Invalid(errors) from invalid
    if unknown:
        detail = f"They can name {', '.join(sorted(known))}, not {min(unknown)}."
        raise Invalid.at(f"/{member}", detail)
