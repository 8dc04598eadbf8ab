"""Where a person stands on our pages: the brand and its accounts, and what LINE says of who she is."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

import structlog
from fastapi import Request
from sqlalchemy import text
from sqlmodel import col

from app.auth import brand_key_of
from app.liff.problems import IdTokenRefused, LoginChannelAmbiguous
from app.liff.sealed import find_key
from app.line.errors import LineError, LineUnavailable
from app.line.hosts import LineHosts, NoTestHost, line_hosts
from app.problems import Refused
from tenants.line_accounts.models import LineAccount
from tenants.line_accounts.queries import live_accounts
from tenants.line_accounts.service import open_login_secret
from tenants.problems import NotFound
from tenants.scope import Scope
from tenants.sealing import Unsealable
from tenants.session import ScopedSession, open_session

if TYPE_CHECKING:
    from app.line.login import LineIdentity

log = structlog.get_logger("liff")


@dataclass(frozen=True)
class LoginPlace:
    """A Login channel of a brand, and where LINE is for it."""

    brand_id: UUID
    provider_id: str
    login_channel_id: str
    account_ids: tuple[UUID, ...]
    """The live accounts that name it."""
    hosts: LineHosts
    secret: str | None


@contextmanager
def open_brand(request: Request, brand_id: UUID) -> Iterator[ScopedSession]:
    """A transaction of the whole brand, committed at the end."""
    with open_session(request.app.state.engine, Scope(brand_id)) as session:
        yield session
        session.commit()


def find_brand_id(request: Request, line_account_id: UUID) -> UUID | None:
    """The brand of an account, live or not."""
    with request.app.state.engine.connect() as connection:
        found = connection.execute(text("SELECT find_account_brand(:id)"), {"id": line_account_id}).scalar_one()
        connection.rollback()
    return found if isinstance(found, UUID) else None


def find_login_place(request: Request, login_channel_id: str, line_account_id: UUID | None) -> LoginPlace:
    """The brand that names this Login channel, or that of the account. Raises NotFound, LoginChannelAmbiguous."""
    with request.app.state.engine.connect() as connection:
        rows = connection.execute(
            text("SELECT brand_id, line_account_id FROM find_login_channel(:id)"), {"id": login_channel_id}
        ).all()
        connection.rollback()
    brand_ids = {row.brand_id for row in rows if line_account_id in (None, row.line_account_id)}
    if not brand_ids:
        raise NotFound
    if len(brand_ids) > 1:
        raise LoginChannelAmbiguous
    brand_id = brand_ids.pop()
    with open_session(request.app.state.engine, Scope(brand_id)) as session:
        if find_key(request, session) is None:
            raise NotFound
        place = read_login_place(request, session, login_channel_id)
    if place is None:
        raise NotFound
    return place


def read_login_place(request: Request, session: ScopedSession, login_channel_id: str) -> LoginPlace | None:
    """A Login channel of the session's brand; None where no live account names it, or LINE is nowhere for it.

    A channel belongs to one provider; where accounts of several name it, those of the oldest one count.
    """
    accounts = list_naming(session, login_channel_id)
    if not accounts:
        return None
    with_secret = next((one for one in accounts if one.sealed_login_secret is not None), accounts[0])
    try:
        hosts = line_hosts(request.app.state.settings, with_secret.mode)
    except NoTestHost:
        return None
    secret = None
    try:
        secret = open_login_secret(with_secret, brand_key_of(session, request.app.state.keyring))
    except Unsealable:
        log.error("login_secret_does_not_open", line_account_id=str(with_secret.id))
    ids = tuple(one.id for one in accounts)
    return LoginPlace(session.scope.brand_id, accounts[0].provider_id, login_channel_id, ids, hosts, secret)


def list_naming(session: ScopedSession, login_channel_id: str) -> Sequence[LineAccount]:
    """The live accounts of one provider that name a Login channel, oldest first.

    What a test host says proves nobody where the provider has accounts at LINE: people there are real, and whoever
    has the test host could be any of them.
    """
    naming = live_accounts().where(col(LineAccount.login_channel_id) == login_channel_id)
    accounts = session.exec(naming.order_by(col(LineAccount.no))).all()
    if not accounts:
        return []
    of_provider = live_accounts().where(col(LineAccount.provider_id) == accounts[0].provider_id)
    return trust([one for one in accounts if one.provider_id == accounts[0].provider_id], session.exec(of_provider))


def trust(accounts: Iterable[LineAccount], of_provider: Iterable[LineAccount]) -> list[LineAccount]:
    """Those of these accounts of a provider whose Login channels prove somebody, by all that the provider has."""
    is_real = any(one.mode == "live" for one in of_provider)
    return [one for one in accounts if not is_real or one.mode == "live"]


def ask_who(place: LoginPlace, id_token: str, nonce: str | None, now: datetime) -> "LineIdentity":
    """Whom an ID token proves to be here. Raises IdTokenRefused, and 503 where LINE's keys cannot be read.

    No transaction is open meanwhile.
    """
    from app.line.login import UntrustedIdToken, verify_id_token

    try:
        return verify_id_token(
            place.hosts,
            id_token,
            login_channel_id=place.login_channel_id,
            login_secret=place.secret,
            nonce=nonce,
            now=now,
        )
    except UntrustedIdToken as error:
        log.warning("id_token_refused", reason=type(error).__name__, login_channel_id=place.login_channel_id)
        raise IdTokenRefused(_WHY.get(type(error).__name__, _FORGED)) from error
    except LineUnavailable as error:
        raise Refused(503, "LINE's keys cannot be read just now; try again in a moment.") from error
    except LineError as error:
        raise IdTokenRefused("LINE refused to say what it proves.") from error


_FORGED: Final = "LINE did not sign it for this Login channel."
_WHY: Final = {
    "ExpiredIdToken": "It is over; have LINE issue another one.",
    "ForeignIdToken": "LINE signed it for another Login channel.",
    "ReplayedIdToken": "It is of another sign-in.",
}
"""By the name of what was wrong, since its module is imported only where a token is verified."""
