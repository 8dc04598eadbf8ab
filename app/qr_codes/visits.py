"""A visit to the link of a code: counted, then on to LINE Login or to the account, and back."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from hmac import compare_digest
from typing import TYPE_CHECKING, Final
from urllib.parse import quote
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import structlog
from fastapi import Request
from sqlalchemy import text
from sqlmodel import col, select

from app import sessions as browser
from app.auth import brand_key_of
from app.line.errors import LineError, LineUnavailable
from app.line.hosts import LineHosts, NoTestHost, line_hosts
from app.qr_codes import pages, queries
from app.qr_codes.models import QrCode, QrScan
from app.qr_codes.pages import LinkEnds
from app.qr_codes.service import LENGTH, LETTERS
from app.qr_codes.tying import BROWSER_WITHIN, identify
from tenants.brands.models import Brand
from tenants.line_accounts.models import LineAccount
from tenants.line_accounts.service import open_login_secret
from tenants.scope import Scope
from tenants.sealing import Unsealable
from tenants.session import ScopedSession, open_session

if TYPE_CHECKING:
    from app.line.login import LoginAttempt

log = structlog.get_logger("qr_codes")

_KEPT: Final = "-scan"
_PURPOSE: Final = "qr_scan.visit"
_LETTERS: Final = frozenset(LETTERS)


@dataclass(frozen=True)
class Visit:
    """What the browser keeps, sealed, while its owner is at LINE Login."""

    scan_id: UUID
    qr_code_id: UUID
    started_at: datetime
    attempt: "LoginAttempt"


@dataclass(frozen=True)
class Place:
    """Where a link leads."""

    account_id: UUID
    hosts: LineHosts
    friend_url: str
    login_channel_id: str | None
    login_secret: str | None


def begin(request: Request, code: str, now: datetime) -> str:
    """Count a scan; where to send the browser. Raises LinkEnds."""
    found = _find(request, code)
    if found is None:
        raise LinkEnds(pages.UNKNOWN)
    brand_id, qr_code_id = found
    with open_session(request.app.state.engine, Scope(brand_id)) as session:
        scanned, account = _read(session, qr_code_id)
        _count(session, scanned.id, now)
        place = _place(request, session, account)
        if place is None:
            session.commit()
            raise LinkEnds(pages.NOT_READY)
        if place.login_secret is None:
            session.commit()
            return place.friend_url
        address = _start(request, session, scanned, account, place, now)
        session.commit()
    return address


def finish(request: Request, now: datetime) -> str:
    """Whoever comes back from LINE Login is noted with her scan; where to send her. Raises LinkEnds."""
    from app.line.login import UntrustedIdToken, exchange_code, verify_id_token

    kept = request.cookies.get(browser.cookie_name(request.app.state.settings, _KEPT), "")
    browser.set_cookie(request, _KEPT, "", 0)
    opened = _open(request, kept)
    if opened is None:
        raise LinkEnds(pages.NOT_STARTED)
    brand_id, visit, place = opened
    answer = request.query_params
    if not compare_digest(answer.get("state", "").encode(), visit.attempt.state.encode()):
        raise LinkEnds(pages.NOT_STARTED)
    if now - visit.started_at > BROWSER_WITHIN:
        raise LinkEnds(pages.EXPIRED, place.friend_url)
    if "error" in answer:  # she does not want to sign in, and may want to be a friend all the same
        return place.friend_url
    login_channel_id, login_secret = place.login_channel_id, place.login_secret
    if login_channel_id is None or login_secret is None:
        return place.friend_url
    try:
        tokens = exchange_code(
            place.hosts,
            answer.get("code", ""),
            login_channel_id=login_channel_id,
            login_secret=login_secret,
            redirect_uri=redirect_uri(request),
            verifier=visit.attempt.verifier,
        )
        identity = verify_id_token(
            place.hosts,
            tokens.id_token or "",
            login_channel_id=login_channel_id,
            login_secret=login_secret,
            nonce=visit.attempt.nonce,
            now=now,
        )
    except LineUnavailable as error:
        log.warning("scan_not_identified", reason=error.outcome)
        raise LinkEnds(pages.UNREACHABLE, place.friend_url) from error
    except (LineError, UntrustedIdToken) as error:
        log.warning("scan_not_identified", reason=type(error).__name__)
        raise LinkEnds(pages.NOT_PROVEN, place.friend_url) from error
    with open_session(request.app.state.engine, Scope(brand_id)) as session:
        identify(session, visit.scan_id, identity.user_id, now)
        session.commit()
    return place.friend_url


def redirect_uri(request: Request) -> str:
    """Where LINE Login comes back to: to be named in the console as a callback URL of each Login channel."""
    public_url: str = request.app.state.settings.public_url
    return f"{public_url.rstrip('/')}/r/callback"


def friend_url_of(hosts: LineHosts, basic_id: str) -> str:
    """The page of LINE on which an account is added, or its chat opened by whoever is a friend."""
    return f"{hosts.app_url}/R/ti/p/{quote(basic_id, safe='')}"


def _find(request: Request, code: str) -> tuple[UUID, UUID] | None:
    if len(code) != LENGTH or not _LETTERS.issuperset(code):
        return None
    return queries.find_scanned(request.app.state.engine, code)


def _read(session: ScopedSession, qr_code_id: UUID) -> tuple[QrCode, LineAccount]:
    """The code and its account, both in use. Raises LinkEnds."""
    both = select(QrCode, LineAccount).join(LineAccount, col(LineAccount.id) == col(QrCode.line_account_id))
    in_use = both.where(
        col(QrCode.id) == qr_code_id, col(QrCode.archived_at).is_(None), col(LineAccount.archived_at).is_(None)
    )
    found = session.exec(in_use).one_or_none()
    if found is None:
        raise LinkEnds(pages.UNKNOWN)
    return found


def _count(session: ScopedSession, qr_code_id: UUID, now: datetime) -> None:
    timezone = session.exec(select(Brand.timezone)).one()
    values = {
        "brand_id": session.scope.brand_id,
        "qr_code_id": qr_code_id,
        "day": now.astimezone(ZoneInfo(timezone)).date(),
    }
    session.execute(_ONE_MORE, values)


_ONE_MORE = text(
    "INSERT INTO qr_scan_day (brand_id, qr_code_id, scanned_on, scans) VALUES (:brand_id, :qr_code_id, :day, 1)"
    " ON CONFLICT (brand_id, qr_code_id, scanned_on) DO UPDATE SET scans = qr_scan_day.scans + 1"
)


def _place(request: Request, session: ScopedSession, account: LineAccount) -> Place | None:
    """Where the account's codes lead; None while nobody knows how it is added."""
    try:
        hosts = line_hosts(request.app.state.settings, account.mode)
    except NoTestHost:
        return None
    if account.basic_id is None:
        return None
    login_secret = None
    if account.login_channel_id is not None:
        try:
            login_secret = open_login_secret(account, brand_key_of(session, request.app.state.keyring))
        except Unsealable:
            log.error("login_secret_does_not_open", line_account_id=str(account.id))
    friend_url = friend_url_of(hosts, account.basic_id)
    return Place(account.id, hosts, friend_url, account.login_channel_id, login_secret)


def _start(
    request: Request, session: ScopedSession, code: QrCode, account: LineAccount, place: Place, now: datetime
) -> str:
    """LINE Login's address, once the visit is written down and the browser has what must come back."""
    from app.line.login import authorize_url, new_attempt

    scan = QrScan(qr_code_id=code.id, line_account_id=account.id, provider_id=account.provider_id, created_at=now)
    session.add(scan)
    session.flush()
    attempt = new_attempt()
    written = orjson.dumps(
        {
            "scan": scan.id,
            "code": code.id,
            "at": now.timestamp(),
            "attempt": [attempt.state, attempt.nonce, attempt.verifier],
        }
    )
    sealed = brand_key_of(session, request.app.state.keyring).seal(written, _PURPOSE)
    kept = urlsafe_b64encode(session.scope.brand_id.bytes + sealed).decode().rstrip("=")
    browser.set_cookie(request, _KEPT, kept, int(BROWSER_WITHIN.total_seconds()))
    return authorize_url(
        place.hosts,
        attempt,
        login_channel_id=str(account.login_channel_id),
        redirect_uri=redirect_uri(request),
        bot_prompt="aggressive" if queries.is_only_one_signing_in(session, account) else None,
    )


def _open(request: Request, kept: str) -> tuple[UUID, Visit, Place] | None:
    """The visit that this browser began, if it is one of ours. Raises LinkEnds if its code is in use no more."""
    try:
        raw = urlsafe_b64decode(kept + "=" * (-len(kept) % 4))
    except ValueError:
        return None
    if len(raw) <= 16:
        return None
    brand_id = UUID(bytes=raw[:16])
    with open_session(request.app.state.engine, Scope(brand_id)) as session:
        if session.exec(select(Brand.id)).one_or_none() is None:
            return None
        try:
            written = brand_key_of(session, request.app.state.keyring).unseal(raw[16:], _PURPOSE)
        except Unsealable:
            return None
        visit = _parse(written)
        _, account = _read(session, visit.qr_code_id)
        place = _place(request, session, account)
        if place is None:
            raise LinkEnds(pages.NOT_READY)
    return brand_id, visit, place


def _parse(written: bytes) -> Visit:
    """What we sealed ourselves."""
    from app.line.login import LoginAttempt

    values = orjson.loads(written)
    started_at = datetime.fromtimestamp(values["at"], UTC)
    return Visit(UUID(values["scan"]), UUID(values["code"]), started_at, LoginAttempt(*values["attempt"]))
