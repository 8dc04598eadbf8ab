"""Messages shown to LINE before they are kept: it refuses what our rules do not know of yet.

One account asks, with samples in place of values, and nobody waits longer than three seconds for it: that LINE is away
is no reason not to save. No transaction is open meanwhile.
"""

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from dataclasses import dataclass, field
from datetime import datetime
from threading import BoundedSemaphore
from typing import Any, Final, Literal
from uuid import UUID

import structlog
from fastapi import Request
from sqlmodel import col

from app.auth import brand_key_of
from app.callers import CallerInfo
from app.line.client import LineClient
from app.line.errors import LineError, LineInvalid
from app.line.hosts import NoTestHost
from app.messaging.render import SAMPLES, check_messages
from app.settings import Settings
from tenants.ids import encode_id
from tenants.line_accounts.models import LineAccount
from tenants.line_accounts.queries import live_accounts
from tenants.line_accounts.service import open_secret
from tenants.problems import Invalid
from tenants.sealing import Unsealable
from tenants.session import ScopedSession, open_session

log = structlog.get_logger("messages")

PATIENCE_SECONDS: Final = 3.0
_threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="validate")
"""Wait for LINE, and touch no database."""
_KEPT_PLACE: Final = {"type": "text", "text": "見本"}
_STEP = re.compile(r"[^.\[\]]+")

Contents = Mapping[str, Sequence[Mapping[str, Any]]]
"""Messages by where they stand in the body: `/messages`, `/variants/0/messages`."""


@dataclass(frozen=True)
class Verdict:
    """What LINE said of messages."""

    status: Literal["passed", "failed", "unavailable"]
    asked_at: datetime
    line_account_id: UUID | None = None
    detail: str | None = None
    errors: list[dict[str, str]] = field(default_factory=list)

    def require(self) -> None:
        """Raises Invalid for what LINE refuses, with a pointer for each place."""
        if self.errors:
            raise Invalid(self.errors)

    def to_column(self) -> dict[str, Any]:
        """As it is kept with what was saved."""
        account = encode_id("acc", self.line_account_id) if self.line_account_id else None
        asked_at = self.asked_at.isoformat()
        return {"status": self.status, "asked_at": asked_at, "line_account_id": account, "detail": self.detail}


@dataclass(frozen=True)
class _Asker:
    account_id: UUID
    channel_id: str
    mode: str
    secret: str = field(repr=False)


def ask_line(
    request: Request, caller: CallerInfo, contents: Contents, now: datetime, prefer_ids: Sequence[UUID] = ()
) -> Verdict:
    """What LINE says of messages, by one account that takes part. Raises Invalid for what our own rules refuse."""
    samples = {place: _sample(place, messages) for place, messages in contents.items()}
    state = request.app.state
    with open_session(state.engine, caller.scope) as session:
        asker = _find_asker(session, state.keyring, prefer_ids)
    if asker is None:
        return Verdict("unavailable", now, detail="There is no account yet that was checked at LINE.")
    turns: BoundedSemaphore = state.line_turns
    if not turns.acquire(blocking=False):
        return Verdict("unavailable", now, detail="Many requests wait for LINE just now.")
    try:
        future = _threads.submit(_ask, state.settings, asker, samples)
        errors = future.result(timeout=PATIENCE_SECONDS)
    except TookTooLong:
        future.cancel()
        return Verdict("unavailable", now, asker.account_id, "LINE did not answer in time.")
    except (LineError, NoTestHost) as error:
        log.warning("messages_not_validated", line_account_id=str(asker.account_id), error=str(error))
        return Verdict("unavailable", now, asker.account_id, "LINE could not be asked.")
    finally:
        turns.release()
    if errors:
        return Verdict("failed", now, asker.account_id, errors[0]["detail"], errors)
    return Verdict("passed", now, asker.account_id)


def _sample(place: str, messages: Sequence[Mapping[str, Any]]) -> list[Any]:
    try:
        shown = check_messages(messages, with_blocks=True).show_sample()
    except Invalid as invalid:
        raise Invalid([_moved(one, place) for one in invalid.errors]) from invalid
    # The account that is asked has no coupon of the sample's id: a text keeps its place.
    return [_KEPT_PLACE if one.get("couponId") == SAMPLES["coupon.line_id"] else one for one in shown]


def _moved(error: Mapping[str, str], place: str) -> dict[str, str]:
    return {**error, "pointer": error["pointer"].replace("/messages", place, 1)}


def _find_asker(session: ScopedSession, keyring: Any, prefer_ids: Sequence[UUID]) -> _Asker | None:
    """An account of the scope that was good when it was checked last, of those preferred if there is one."""
    wanted = live_accounts().where(col(LineAccount.checked_at).is_not(None), col(LineAccount.status) == "ok")
    accounts = list(session.exec(wanted.order_by(col(LineAccount.no)).limit(200)).all())
    accounts.sort(key=lambda account: account.id not in prefer_ids)
    for account in accounts[:5]:
        try:
            secret = open_secret(account, brand_key_of(session, keyring))
        except Unsealable:
            continue
        return _Asker(account.id, account.channel_id, account.mode, secret)
    return None


def _ask(settings: Settings, asker: _Asker, samples: Mapping[str, list[Any]]) -> list[dict[str, str]]:
    """What LINE holds against these messages, each with a pointer into the body. Raises LineError, NoTestHost."""
    line = LineClient(settings, asker.channel_id, asker.secret, mode=asker.mode)
    errors = []
    for place, messages in samples.items():
        try:
            line.validate_messages("multicast", messages)
        except LineInvalid as refused:
            errors += _read_errors(refused, place)
    return errors


def _read_errors(refused: LineInvalid, place: str) -> list[dict[str, str]]:
    told = [
        {"pointer": _point(detail.property, place), "detail": f"LINE says: {detail.message}"}
        for detail in refused.details
    ]
    return told or [{"pointer": place, "detail": f"LINE says: {refused.message}"}]


def _point(named: str | None, place: str) -> str:
    """The place that LINE names, such as `messages[0].text`, as a JSON pointer."""
    steps = _STEP.findall(named or "")
    if not steps or steps[0] != "messages":
        return place
    return "/".join([place, *(step.replace("~", "~0").replace("/", "~1") for step in steps[1:])])
