"""The doctor sums up the LINE accounts of all brands, from what was found last or by asking LINE anew."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import typer
from sqlalchemy import Engine, text
from sqlmodel import select
from typer.testing import CliRunner

from app.admin.line_accounts.findings import Language, say, write_findings
from app.admin.line_accounts.queries import list_due_ids
from app.admin.line_accounts.tasks import check_account, check_due_accounts, resume_backfills
from app.auth import brand_key_of
from app.customers.backfill import start_backfill
from app.database import Urls, make_engine
from app.doctor import accounts, command
from app.doctor.accounts import ask_line, check_accounts
from app.doctor.findings import Finding
from app.jobs.queue import Clockwork, Work
from app.settings import Settings
from tenants.line_accounts.models import LineAccount
from tenants.line_accounts.service import replace_secret
from tenants.sealing import Keyring
from tests import make
from tests.app.sandbox.process import Shop
from tests.conftest import MASTER_KEYS, BrandHome, copy_template, new_home
from tests.running import RunningSandbox

pytestmark = pytest.mark.every_brand

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
JAPANESE = re.compile("[ぁ-んァ-ヶ一-龠]")


@pytest.fixture(scope="module")
def own_urls(worker_id: str) -> Urls:
    """A database of this module's own, since the doctor looks at all of one."""
    return copy_template(f"noren_doctor_accounts_{worker_id}")


@pytest.fixture
def patient(own_urls: Urls) -> Iterator[Engine]:
    """The module's database, with nothing in it that an earlier test left."""
    owner = make_engine(own_urls.owner)
    with owner.begin() as connection:
        connection.execute(text("TRUNCATE brand, lane, procrastinate_jobs CASCADE"))
    engine = make_engine(own_urls.app, pool_size=3)
    yield engine
    engine.dispose()


@pytest.fixture
def shop() -> Iterator[Shop]:
    server = Shop()
    yield server
    server.close()


@pytest.fixture
def there(own_urls: Urls, sandbox: RunningSandbox, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings with the sandbox in LINE's place, and somebody who answers its webhooks."""
    monkeypatch.setattr(accounts, "PACE_SECONDS", 0.0)
    public_url = shop.url.removesuffix("/webhook")
    return Settings(database_url=own_urls.app, master_keys=MASTER_KEYS, line_api_url=sandbox.url, public_url=public_url)


def add_account(home: BrandHome, keyring: Keyring, channel: dict[str, Any], **changes: Any) -> LineAccount:
    """An account whose check somebody has asked for."""
    values = {"checked_at": LONG_AGO, "status": "unchecked", "bot_user_id": None, **changes}
    known = {name: channel[name] for name in ("channel_id", "provider_id")}
    with home.open() as session:
        account = make.line_account(session, make.store(session), **{**known, **values})
        replace_secret(account, brand_key_of(session, keyring), channel["channel_secret"])
        session.commit()
    return account


def lines_of(findings: list[Finding]) -> dict[str, Finding]:
    """The troubles by account."""
    found = [finding for finding in findings if finding.name == "account"]
    return {finding.says.split(" / ")[1].split(" (")[0]: finding for finding in found}


def test_each_trouble_is_one_sentence_with_its_remedy_in_both_languages(
    patient: Engine, keyring: Keyring, there: Settings, sandbox: RunningSandbox
) -> None:
    home = new_home(patient, keyring)
    add_account(home, keyring, sandbox.make_channel(), name="sound")
    wrong = sandbox.make_channel()
    add_account(home, keyring, {**wrong, "channel_secret": "f" * 32}, name="wrong secret")
    add_account(home, keyring, sandbox.make_channel(webhook_active=False), name="paused webhook")
    add_account(home, keyring, sandbox.make_channel(quota=200, used=200), name="exhausted quota")
    dead = sandbox.make_channel()
    add_account(home, keyring, dead, name="dead token", findings=write_findings([say("secret_fits")]))
    sandbox.call("POST", "/world", {"channels": [{"channel_id": dead["channel_id"], "channel_secret": "e" * 32}]})
    login = {"login_channel_id": "2000000088"}
    add_account(home, keyring, sandbox.make_channel("provider-2"), name="wrong provider", **login)
    add_account(home, keyring, sandbox.make_channel(), name="other provider", **login)
    ask_line(patient, there)
    expected = {
        "wrong secret": ("Basic settings", "チャネル基本設定"),
        "paused webhook": ("Use webhook", "Webhookの利用"),
        "exhausted quota": ("Usage and billing", "利用と請求"),
        "dead token": ("Basic settings", "チャネル基本設定"),
        "wrong provider": ("provider", "プロバイダー"),
        "other provider": ("provider", "プロバイダー"),
    }
    languages: tuple[Language, ...] = ("en", "ja")
    for at, language in enumerate(languages):
        findings = list(check_accounts(patient, datetime.now(UTC), language))
        lines = lines_of(findings)
        assert set(lines) == set(expected)
        for name, line in lines.items():
            assert line.ok is False
            assert line.advice is not None
            assert expected[name][at] in line.says + line.advice
            assert bool(JAPANESE.search(line.advice)) == (language == "ja")
        assert findings[0].ok is False
        assert "6" in findings[0].says
        assert "1" in findings[0].says


def test_accounts_that_were_never_checked_are_counted_and_left_alone(
    patient: Engine, keyring: Keyring, there: Settings, sandbox: RunningSandbox
) -> None:
    home = new_home(patient, keyring)
    channel = sandbox.make_channel(webhook_url="https://other.example/hook")
    add_account(home, keyring, channel, name="imported", checked_at=None)
    (summary,) = check_accounts(patient, datetime.now(UTC))
    assert (summary.ok, summary.advice) == (True, "Run: noren doctor --line")
    assert "1 not checked" in summary.says
    ask_line(patient, there)
    at_line = sandbox.call("GET", f"/channels/{channel['channel_id']}")["webhook_url"]
    assert at_line == "https://other.example/hook", "nobody has asked for it to be moved"
    lines = lines_of(list(check_accounts(patient, datetime.now(UTC))))
    assert "https://other.example/hook" in lines["imported"].says


def test_a_brand_whose_keys_do_not_open_holds_up_no_other(
    patient: Engine, keyring: Keyring, there: Settings, sandbox: RunningSandbox
) -> None:
    lost = Keyring.parse("lost:" + "B" * 43)
    for keys in (lost, keyring, lost):
        add_account(new_home(patient, keys), keys, sandbox.make_channel(), name="sound")
    ask_line(patient, there)
    (summary, *_) = check_accounts(patient, datetime.now(UTC))
    assert "1 in order" in summary.says


def test_what_was_found_long_ago_says_so(patient: Engine, keyring: Keyring) -> None:
    home = new_home(patient, keyring)
    now = datetime.now(UTC)
    with home.open() as session:
        found = {"status": "trouble", "findings": write_findings([say("webhook_off")])}
        make.line_account(session, name="old", checked_at=now - timedelta(days=3), **found)
        session.commit()
    summary, line = check_accounts(patient, now)
    assert "over two days ago" in summary.says
    assert "72 h ago" in line.says
    assert "72 h前" in list(check_accounts(patient, now, "ja"))[1].says


def test_the_command_speaks_both_languages(
    patient: Engine, keyring: Keyring, there: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = new_home(patient, keyring)
    with home.open() as session:
        found = {"status": "trouble", "findings": write_findings([say("webhook_off")])}
        make.line_account(session, checked_at=datetime.now(UTC), **found)
        session.commit()
    monkeypatch.setenv("NOREN_DATABASE_URL", str(there.database_url and there.database_url.get_secret_value()))
    monkeypatch.setenv("NOREN_MASTER_KEYS", MASTER_KEYS)
    monkeypatch.setenv("NOREN_LINE_API_URL", there.line_api_url)
    cli = typer.Typer()
    command.register(cli)
    japanese = CliRunner().invoke(cli, ["--lang", "ja"])
    assert japanese.exit_code == 1
    assert "「Webhookの利用」と「Webhookの再送」をオンにしてください。" in japanese.output
    english = CliRunner().invoke(cli, ["--json"])
    checks = json.loads(english.output)["checks"]
    assert any(check["name"] == "account" and "Use webhook" in check["advice"] for check in checks)


def test_checks_are_due_once_a_day_and_sooner_after_trouble(patient: Engine, keyring: Keyring) -> None:
    home = new_home(patient, keyring)
    now = datetime.now(UTC)
    unreached = write_findings([say("unreachable", why="x")])
    wanted = {
        "never": (None, "unchecked", None, False),
        "fresh": (timedelta(hours=23), "ok", None, False),
        "old": (timedelta(hours=25), "ok", None, True),
        "trouble just now": (timedelta(minutes=50), "trouble", None, False),
        "trouble before": (timedelta(minutes=70), "trouble", None, True),
        "unreached just now": (timedelta(minutes=5), "unchecked", unreached, False),
        "unreached before": (timedelta(minutes=15), "unchecked", unreached, True),
    }
    with home.open() as session:
        for name, (age, status, findings, _) in wanted.items():
            checked_at = None if age is None else now - age
            make.line_account(session, name=name, status=status, findings=findings, checked_at=checked_at)
        session.commit()
    with home.open() as session:
        due = list_due_ids(session, now, 100)
        names = {row.id: row.name for row in session.exec(select(LineAccount)).all()}
        assert {names[one] for one in due} == {name for name, (*_, is_due) in wanted.items() if is_due}
        assert names[list_due_ids(session, now, 1)[0]] == "old"


def test_due_checks_are_deferred_some_at_a_time(
    patient: Engine, keyring: Keyring, there: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = new_home(patient, keyring)
    now = datetime.now(UTC)
    with home.open() as session:
        for _ in range(25):
            make.line_account(session, checked_at=now - timedelta(days=2))
        session.commit()
    clock = Clockwork(patient, keyring, there, now)
    for _ in range(2):
        check_due_accounts(clock)
    with patient.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM procrastinate_jobs")).scalar_one() == 20


def test_a_check_that_reaches_nobody_leaves_what_was_found(
    patient: Engine, keyring: Keyring, there: Settings, sandbox: RunningSandbox
) -> None:
    home = new_home(patient, keyring)
    account = add_account(home, keyring, sandbox.make_channel(), status="ok")
    with home.open() as session:
        session.exec(select(LineAccount)).one().status = "ok"
        session.commit()
    nowhere = there.model_copy(update={"line_api_url": "http://127.0.0.1:9"})
    for settings, status, is_new in ((nowhere, "ok", False), (there, "ok", True)):
        check_account(Work(patient, keyring, settings, datetime.now(UTC), home.scope.brand_id), account.id)
        with home.open() as session:
            row = session.exec(select(LineAccount)).one()
        assert row.checked_at is not None
        assert row.status == status
        assert (row.checked_at > LONG_AGO) is is_new


def test_a_backfill_that_nobody_works_on_is_taken_up(patient: Engine, keyring: Keyring, there: Settings) -> None:
    home = new_home(patient, keyring)
    now = datetime.now(UTC)
    with home.open() as session:
        for began_hours in (0, 2):
            start_backfill(session, make.line_account(session), now - timedelta(hours=began_hours))
        session.execute(text("DELETE FROM procrastinate_jobs"))
        session.commit()
    resume_backfills(Clockwork(patient, keyring, there, now))
    with patient.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM procrastinate_jobs")).scalar_one() == 1
