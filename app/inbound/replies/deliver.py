"""Giving answers: taken in hand, told to LINE side by side with no transaction open, settled.

A reply token is good once, so an attempt that may have reached LINE can be made again without answering twice: either
it was not taken, and is now; or it was, and LINE says that the token is no good.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import structlog
from prometheus_client import Counter
from sqlalchemy import Engine

from app.auth import brand_key_of
from app.inbound.replies.queries import Waiting
from app.inbound.replies.service import SLOWED_DOWN, UNCLEAR, Outcome, is_unclear, settle, take_replies
from app.line.client import LineClient
from app.line.errors import LineCircuitOpen, LineError, LineRateLimited, LineRefused
from app.line.hosts import NoTestHost
from app.messaging.coupon_links import coupon_url
from app.messaging.render import Unfillable, read_template
from app.settings import Settings
from tenants.line_accounts.models import LineAccount
from tenants.line_accounts.service import open_secret
from tenants.problems import Invalid
from tenants.scope import Scope
from tenants.sealing import Keyring, Unsealable
from tenants.session import open_session

log = structlog.get_logger("intake")
REPLIES = Counter("noren_line_replies_total", "Attempts to answer events of LINE, by outcome.", ["outcome"])

AGAIN_SECONDS = 1.0
SIDE_BY_SIDE = 32
"""Calls that this process makes at the same time, over all accounts."""


class Replier:
    """Works off the answers of accounts, with threads of its own: a LINE that is slow holds up answers only."""

    def __init__(self, engine: Engine, keyring: Keyring, settings: Settings) -> None:
        self.engine, self.keyring, self.settings = engine, keyring, settings
        self._threads = ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="reply")

    async def work_lane(self, brand_id: UUID, line_account_id: UUID) -> float | None:
        """One turn of an account; in how many seconds another is needed, None for when somebody asks."""
        began = time.monotonic()
        now = datetime.now(UTC)
        taken = await asyncio.to_thread(self._take, brand_id, line_account_id, now)
        if taken is None:
            return None
        line, account, waiting = taken
        loop = asyncio.get_running_loop()
        calls = [
            loop.run_in_executor(self._threads, give, line, account, one, self.settings.public_url) for one in waiting
        ]
        outcomes = dict(zip((one.id for one in waiting), await asyncio.gather(*calls), strict=True))
        ended_at = now + timedelta(seconds=time.monotonic() - began)
        await asyncio.to_thread(self._settle, brand_id, outcomes, ended_at)
        for outcome in outcomes.values():
            REPLIES.labels(outcome.status).inc()
        return AGAIN_SECONDS if any(outcome.status == "waiting" for outcome in outcomes.values()) else 0.0

    def _take(
        self, brand_id: UUID, line_account_id: UUID, now: datetime
    ) -> tuple[LineClient, LineAccount, Sequence[Waiting]] | None:
        with open_session(self.engine, Scope(brand_id)) as session:
            taken = take_replies(session, line_account_id, now)
            if taken is None:
                return None
            account = taken.account
            try:
                secret = open_secret(account, brand_key_of(session, self.keyring))
                line = LineClient(self.settings, account.channel_id, secret, mode=account.mode)
            except (NoTestHost, Unsealable) as error:
                log.warning("nobody_to_answer_by", line_account_id=str(account.id), error=type(error).__name__)
                nobody = Outcome("dropped", "no_test_host" if isinstance(error, NoTestHost) else "secret_shut")
                settle(session, {one.id: nobody for one in taken.waiting}, now)
                session.commit()
                return None
            session.commit()
        return line, account, taken.waiting

    def _settle(self, brand_id: UUID, outcomes: Mapping[UUID, Outcome], now: datetime) -> None:
        with open_session(self.engine, Scope(brand_id)) as session:
            settle(session, outcomes, now)
            session.commit()

    def close(self) -> None:
        """Let what is in the air end."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def give(line: LineClient, account: LineAccount, one: Waiting, public_url: str) -> Outcome:
    """Answer one event with what is prepared, or with words filled in. Blocks while LINE is asked."""
    assert one.reply_token is not None
    try:
        messages = _render(line, account, one, public_url)
        line.reply(one.reply_token, messages)
    except (LineRateLimited, LineCircuitOpen) as error:
        return Outcome("waiting", UNCLEAR if is_unclear(one) else SLOWED_DOWN, str(error))
    except LineRefused as refused:
        log.warning("reply_refused", line_account_id=str(account.id), status=refused.status, answer=refused.message)
        return Outcome("failed", UNCLEAR if is_unclear(one) else "refused", refused.message or str(refused))
    except LineError as error:
        return Outcome("waiting", UNCLEAR, str(error))
    except (Invalid, Unfillable) as error:
        log.warning("greeting_unrenderable", line_account_id=str(account.id), error=str(error))
        return Outcome("dropped", "unrenderable")
    return Outcome("sent", messages=messages)


def _render(line: LineClient, account: LineAccount, one: Waiting, public_url: str) -> list[dict[str, Any]]:
    """What she is answered with, filled in. Raises Invalid, Unfillable."""
    if one.prepared is not None:
        return one.prepared
    template = read_template(one.own_messages or one.welcome_messages or account.greeting or [])
    values = dict(one.values)
    if one.coupon_id is not None:
        values["coupon.url"] = coupon_url(public_url, one.coupon_id)
    if "customer.name" in template.variables and values["customer.name"] is None and one.line_user_id is not None:
        values["customer.name"] = _ask_name(line, one.line_user_id)
    messages: list[dict[str, Any]] = orjson.loads(template.render(values))
    return messages


def _ask_name(line: LineClient, line_user_id: str) -> str | None:
    """The name of one who has just come, whose profile is not here yet; None where LINE does not tell it."""
    try:
        profile = line.get_profile(line_user_id)
    except LineError:
        return None
    return None if profile is None else profile.display_name
