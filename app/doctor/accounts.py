"""The LINE accounts of all brands: what their last checks found, summed up; asked anew only when it is wanted."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import Engine
from sqlmodel import col

from app.admin.line_accounts.findings import Language, read_findings
from app.admin.line_accounts.queries import FRESH
from app.admin.line_accounts.tasks import check_account
from app.doctor.findings import Finding, span
from app.jobs.queue import Work
from app.keys import KeysMissing, load_keyring
from app.settings import Settings
from tenants.brands.queries import get_brand, list_brand_ids
from tenants.ids import encode_id
from tenants.line_accounts.models import LineAccount
from tenants.line_accounts.queries import live_accounts
from tenants.scope import Scope
from tenants.sealing import Unsealable
from tenants.session import open_session

log = structlog.get_logger("doctor")

PACE_SECONDS = 0.2
"""Between two accounts, so that LINE is not flooded."""
MOST_LINES = 100
TOLD_AGE = timedelta(minutes=10)
"""What was found longer ago is told with its age: it may have been mended since."""
STALE = 2 * FRESH
"""A worker checks each account once a day; one that it has missed twice is told of."""


def ask_line(engine: Engine, settings: Settings) -> None:
    """Check every account at LINE now, one after the other. Without keys nothing can be asked."""
    try:
        keyring = load_keyring(settings)
    except (KeysMissing, ValueError):
        return
    for brand_id in list_brand_ids(engine):
        with open_session(engine, Scope(brand_id)) as session:
            ids = [account.id for account in session.exec(live_accounts().order_by(col(LineAccount.no))).all()]
        for account_id in ids:
            try:
                check_account(Work(engine, keyring, settings, datetime.now(UTC), brand_id), account_id)
            except Unsealable:
                break  # the brand's keys do not open, as the check of the keys says
            time.sleep(PACE_SECONDS)


def check_accounts(engine: Engine, now: datetime, language: Language = "en") -> Iterator[Finding]:
    """How many accounts are in order, and of each that is not what is wrong and what to do."""
    counts = {"ok": 0, "trouble": 0, "unchecked": 0}
    stale = hidden = 0
    lines: list[Finding] = []
    for brand_id in list_brand_ids(engine):
        with open_session(engine, Scope(brand_id)) as session:
            brand = get_brand(session, brand_id)
            accounts = session.exec(live_accounts().order_by(col(LineAccount.no))).all()
        for account in accounts:
            counts[account.status] = counts.get(account.status, 0) + 1
            stale += account.checked_at is not None and now - account.checked_at > STALE
            found = list(_tell(brand.name, account, now, language))
            room = MOST_LINES - len(lines)
            lines += found[:room]
            hidden += max(0, len(found) - room)
    yield _sum_up(counts, stale, language)
    yield from lines
    if hidden:
        yield Finding("account", False, _MORE[language].format(hidden))


def _tell(brand_name: str, account: LineAccount, now: datetime, language: Language) -> Iterator[Finding]:
    """Each trouble of one account."""
    who = f"{brand_name} / {account.name} ({encode_id('acc', account.id)})"
    age = now - account.checked_at if account.checked_at is not None else None
    when = _AGE[language].format(span(age)) if age is not None and age > TOLD_AGE else ""
    for finding in read_findings(account.findings):
        if not finding.ok:
            said, remedy = (
                (finding.detail_ja, finding.remedy_ja) if language == "ja" else (finding.detail, finding.remedy)
            )
            yield Finding("account", False, f"{who}: {said}{when}", remedy)


def _sum_up(counts: dict[str, int], stale: int, language: Language) -> Finding:
    total = sum(counts.values())
    if not total:
        return Finding("accounts", True, _NONE[language])
    says = _SUM[language].format(**counts)
    if stale:
        says += _STALE[language].format(stale)
    advice = _ASK[language] if stale or counts["unchecked"] else None
    return Finding("accounts", counts["trouble"] == 0, says, advice)


_NONE: dict[Language, str] = {"en": "No LINE account yet.", "ja": "LINE公式アカウントはまだ登録されていません。"}
_SUM: dict[Language, str] = {
    "en": "LINE accounts: {ok} in order, {trouble} in trouble, {unchecked} not checked.",
    "ja": "LINE公式アカウント: 正常 {ok}件、要対応 {trouble}件、未確認 {unchecked}件。",
}
_STALE: dict[Language, str] = {
    "en": " {} were last checked over two days ago.",
    "ja": "{}件は2日以上確認されていません。",
}
_ASK: dict[Language, str] = {"en": "Run: noren doctor --line", "ja": "noren doctor --line を実行してください。"}
_AGE: dict[Language, str] = {"en": " (As it was {} ago.)", "ja": "({}前の確認)"}
_MORE: dict[Language, str] = {"en": "And {} more troubles.", "ja": "ほかに{}件あります。"}
