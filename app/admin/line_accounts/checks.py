"""What LINE says of one account: all that a check asks it, in order, ending in time. It touches no database."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from app.admin.line_accounts.findings import Finding, say
from app.line.client import BotInfo, LineClient
from app.line.errors import (
    LineError,
    LineForbidden,
    LineGarbled,
    LineRateLimited,
    LineRefused,
    LineUnauthorized,
)
from app.line.hosts import NoTestHost
from app.messaging.prices import PLAN_NAMES_JA, guess_plan, name_plan
from app.messaging.quota import find_alert
from app.settings import Settings

BUDGET_SECONDS = 25.0
"""After so long nothing more is asked: a request waits for the answer."""
SECRET_SECONDS = 1.5
"""Within so long every intake knows a new channel secret, and takes what it signs."""


@dataclass(frozen=True)
class Patient:
    """What of an account a check has to know, so that no row is held while LINE is asked."""

    channel_id: str
    secret: str | None = field(repr=False)
    """None: what is kept does not open."""
    mode: str
    webhook_url: str
    bot_user_id: str | None = None
    plan: str | None = None
    was_good: bool = False
    """Whether its secret was good at the last check."""
    login_channel_id: str | None = None
    login_secret: str | None = field(default=None, repr=False)


@dataclass
class Asked:
    """All that LINE told, and what is to be said of it."""

    channel: tuple[str, str]
    """Of which channel, in which mode."""
    findings: list[Finding] = field(default_factory=list)
    bot: BotInfo | None = None
    limit: int | None = None
    used: int | None = None
    """None when LINE did not tell limit and use."""
    is_verified: bool | None = None
    is_active: bool | None = None
    """Whether "Use webhook" is on."""
    is_reached: bool = True
    """Whether LINE told anything of the account, be it that it refuses its secret."""

    def has(self, *codes: str) -> bool:
        """Whether one of these was found."""
        return any(finding.code in codes for finding in self.findings)


class _Stop(Exception):
    """Nothing further can be found out."""


@dataclass(frozen=True)
class _Visit:
    """One check while it goes on."""

    settings: Settings
    line: LineClient
    patient: Patient
    asked: Asked

    def note(self, code: str, /, **values: object) -> None:
        """Add what was found, unless the same was found before."""
        if not self.asked.has(code):
            self.asked.findings.append(say(code, **values))


Step = tuple[str, Callable[[_Visit], None]]
"""What is asked, by the name that a finding gives it."""


def ask_credentials(settings: Settings, patient: Patient) -> Asked:
    """Whether LINE takes the channel id and secret, and those of the Login channel; nothing else is asked."""
    return _ask(settings, patient, (_TOKEN, _LOGIN))


def ask_rest(settings: Settings, patient: Patient, known: Asked) -> Asked:
    """What `ask_credentials` left out, once the account is kept and LINE's test call would be answered."""
    asked = _ask(settings, patient, (*_ACCOUNT, _CONNECT, _TEST))
    refused = asked.has("token_refused")
    asked.findings = [*(one for one in known.findings if not (refused and one.check == "token")), *asked.findings]
    asked.is_reached = True
    return asked


def ask_all(settings: Settings, patient: Patient, *, connect: bool) -> Asked:
    """Try everything that the account needs of LINE; with `connect` point its webhook at us."""
    return _ask(settings, patient, (_TOKEN, *_ACCOUNT, _CONNECT if connect else _LOOK, _TEST, _LOGIN))


def ask_readings(settings: Settings, patient: Patient) -> Asked:
    """All that can be told without a call of LINE to us, such as before a new secret is kept."""
    return _ask(settings, patient, (_TOKEN, *_ACCOUNT, _LOOK, _LOGIN))


def _ask(settings: Settings, patient: Patient, steps: Sequence[Step]) -> Asked:
    channel = (patient.channel_id, patient.mode)
    if patient.secret is None:
        return Asked(channel, [say("secret_shut")], is_reached=False)
    asked = Asked(channel)
    try:
        line = LineClient(settings, patient.channel_id, patient.secret, mode=patient.mode)
    except NoTestHost:
        return Asked(channel, [say("no_test_host")], is_reached=False)
    visit = _Visit(settings, line, patient, asked)
    until = time.monotonic() + BUDGET_SECONDS
    try:
        for name, step in steps:
            if time.monotonic() > until:
                visit.note("unreachable", why="it answers too slowly")
                break
            _take(visit, name, step)
    except _Stop:
        pass
    return asked


def _take(visit: _Visit, name: str, step: Callable[[_Visit], None]) -> None:
    """One step; what LINE refuses or does not answer becomes a finding. Raises _Stop where the rest would fail too."""
    try:
        step(visit)
    except LineRateLimited as limited:
        visit.note("asked_too_often")
        if name == "token":
            visit.asked.is_reached = False
            raise _Stop from limited
    except LineUnauthorized as refused:
        visit.asked.findings[:] = [say("token_refused")]
        raise _Stop from refused
    except (LineRefused, LineGarbled) as odd:
        if name == "bot" and isinstance(odd, LineForbidden):
            visit.asked.findings[:] = [say("token_refused")]
            raise _Stop from odd
        if name == "token":  # a page of somebody's network, say: nothing is known of the account
            visit.asked.is_reached = False
            visit.note("unreachable", why=odd)
            raise _Stop from odd
        visit.note("odd_answer", what=name, why=odd)
    except LineError as error:
        visit.asked.is_reached = bool(visit.asked.findings)
        visit.note("unreachable", why=error)
        raise _Stop from error


def _ask_token(visit: _Visit) -> None:
    try:
        visit.line.check_credentials()
    except LineRateLimited:
        raise
    except LineRefused as refused:
        visit.note("secret_ended" if visit.patient.was_good else "secret_refused")
        raise _Stop from refused
    visit.note("secret_fits")


def _ask_bot(visit: _Visit) -> None:
    bot = visit.line.get_bot_info()
    if visit.patient.bot_user_id not in (None, bot.user_id):
        visit.note("bot_changed", name=bot.display_name, basic_id=bot.basic_id)
        return
    visit.asked.bot = bot
    visit.note("bot_known", name=bot.display_name, basic_id=bot.basic_id)
    if bot.chat_mode is not None:
        visit.note("chat_on" if bot.chat_mode == "chat" else "chat_off")


def _ask_quota(visit: _Visit) -> None:
    limit, used = visit.line.get_quota(), visit.line.get_consumption()
    visit.asked.limit, visit.asked.used = limit, used
    if limit is None:
        visit.note("quota_unlimited", used=used)
        return
    visit.note(judge_use(used, limit), used=used, limit=limit)
    visit.asked.findings.append(find_plan(limit, visit.patient.plan))


def judge_use(used: int, limit: int) -> str:
    """The code of what is to be said of a month of which so much is used."""
    percent = find_alert(used, limit)
    return "quota_left" if percent is None else "quota_low" if percent < 100 else "quota_exhausted"


def find_plan(limit: int, stated: str | None) -> Finding:
    """What LINE's limit tells of the account's plan, beside what was stated."""
    guess = guess_plan(limit)
    if guess is None:
        return say("plan_unknown", limit=limit)
    told = {"limit": limit, "guess": guess, "guess_ja": PLAN_NAMES_JA[guess]}
    named = name_plan(stated)
    if named is not None and named != guess:
        return say("plan_differs", stated=stated, **told)
    return say("plan_fits", **told)


def _ask_followers(visit: _Visit) -> None:
    try:
        visit.line.list_follower_ids(limit=1)
    except LineForbidden:
        visit.asked.is_verified = False
        visit.note("unverified")
        return
    visit.asked.is_verified = True
    visit.note("verified")


def _ask_menu(visit: _Visit) -> None:
    try:
        visit.line.find_default_rich_menu_id()
    except LineForbidden:
        visit.note("menu_foreign")
        return
    visit.note("menu_free")


def _connect(visit: _Visit) -> None:
    present = visit.line.find_webhook_endpoint()
    if present is not None and present.url == visit.patient.webhook_url:
        visit.note("webhook_set")
    else:
        try:
            visit.line.set_webhook_endpoint(visit.patient.webhook_url)
        except (LineRateLimited, LineUnauthorized):
            raise
        except LineRefused as refused:
            visit.note("webhook_refused", why=refused.message)
            return
        if present is not None and present.url:
            visit.note("webhook_moved", before=present.url)
        else:
            visit.note("webhook_connected")
        # LINE takes up to a minute, and may not tell the switch of an address that it does not show yet.
        present = visit.line.find_webhook_endpoint() or present
    if present is not None:
        _note_switch(visit, present.active)


def _look_at_webhook(visit: _Visit) -> None:
    present = visit.line.find_webhook_endpoint()
    if present is None or not present.url:
        visit.note("webhook_missing")
        return
    if present.url == visit.patient.webhook_url:
        visit.note("webhook_set")
    else:
        visit.note("webhook_elsewhere", before=present.url)
    _note_switch(visit, present.active)


def _note_switch(visit: _Visit, active: bool) -> None:
    visit.asked.is_active = active
    visit.note("webhook_on" if active else "webhook_off")


def _test(visit: _Visit) -> None:
    if visit.asked.has("webhook_elsewhere", "webhook_missing", "webhook_refused"):
        return
    test = visit.line.test_webhook_endpoint(visit.patient.webhook_url)
    if test.status_code == 401:
        time.sleep(SECRET_SECONDS)
        test = visit.line.test_webhook_endpoint(visit.patient.webhook_url)
    code = "test_passed" if test.success else _TEST_CODES.get(test.reason, "test_unclassified")
    visit.note(code, detail=test.detail or test.reason)


_TEST_CODES = {
    "COULD_NOT_CONNECT": "test_could_not_connect",
    "REQUEST_TIMEOUT": "test_request_timeout",
    "ERROR_STATUS_CODE": "test_error_status_code",
}


def _ask_login(visit: _Visit) -> None:
    """A Login channel's secret is tried by minting a token with it, as LIFF's server API takes it."""
    patient = visit.patient
    if patient.login_channel_id is None:
        visit.note("login_none")
        return
    if patient.login_secret is None:
        visit.note("login_no_secret")
        return
    login = LineClient(visit.settings, patient.login_channel_id, patient.login_secret, mode=patient.mode)
    try:
        login.check_credentials()
    except LineRateLimited:
        raise
    except LineRefused:
        visit.note("login_refused")
        return
    visit.note("login_fits")


_TOKEN: Step = ("token", _ask_token)
_LOGIN: Step = ("login", _ask_login)
_ACCOUNT: tuple[Step, ...] = (
    ("bot", _ask_bot), ("quota", _ask_quota), ("verified", _ask_followers), ("rich_menu", _ask_menu),
)  # fmt: skip
_CONNECT: Step = ("webhook", _connect)
_LOOK: Step = ("webhook", _look_at_webhook)
_TEST: Step = ("webhook_test", _test)
