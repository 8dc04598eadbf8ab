"""The doctor finds what is wrong, says it in plain words, and names nothing secret."""

import json
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
import typer
from sqlalchemy import Engine, text
from typer.testing import CliRunner

from app.database import Urls, embedded_urls, make_engine
from app.doctor import command, installation
from app.doctor.findings import Finding, describe
from app.settings import Settings
from tenants.brands.service import lock_brand, suspend_brand
from tenants.operators.service import begin_deletion
from tenants.sealing import Keyring
from tests import make
from tests.app.weather.files import at, forecast
from tests.conftest import MASTER_KEYS, BrandHome, new_home
from tests.running import RunningSandbox

pytestmark = pytest.mark.every_brand

NOON = at("2026-11-21 12:00")


@pytest.fixture(scope="module")
def own_urls(worker_id: str) -> Urls:
    """A database of this module's own, since the doctor looks at all of one."""
    name = f"noren_doctor_{worker_id}"
    admin = os.environ["NOREN_TEST_ADMIN_URL"]
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE noren_template OWNER noren_owner')
    return embedded_urls(str(psycopg.conninfo.conninfo_to_dict(admin)["host"]), name, admin)


@pytest.fixture(scope="module")
def own_engine(own_urls: Urls) -> Iterator[Engine]:
    engine = make_engine(own_urls.app, pool_size=3)
    yield engine
    engine.dispose()


@pytest.fixture
def patient(own_engine: Engine, own_urls: Urls) -> Engine:
    """The module's database, with nothing in it that an earlier test left."""
    emptied = (
        "brand, lane, procrastinate_jobs, procrastinate_workers, forecast_office, forecast_issue, deletion_receipt"
    )
    owner = make_engine(own_urls.owner)
    with owner.begin() as connection:
        connection.execute(text(f"TRUNCATE {emptied} CASCADE"))
    return own_engine


def settings_of(urls: Urls, **changes: object) -> Settings:
    values = {"database_url": urls.app, "master_keys": MASTER_KEYS, "line_api_url": "http://127.0.0.1:9", **changes}
    return Settings(**values)  # type: ignore[arg-type]


def found(findings: list[Finding]) -> dict[str, bool | None]:
    return {finding.name: finding.ok for finding in findings}


def start_worker(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO procrastinate_workers DEFAULT VALUES"))


def test_a_healthy_installation_is_said_to_be_healthy(
    patient: Engine, own_urls: Urls, keyring: Keyring, sandbox: RunningSandbox
) -> None:
    new_home(patient, keyring)
    start_worker(patient)
    findings = list(command.examine(datetime.now(UTC), settings_of(own_urls, line_api_url=sandbox.url)))
    assert [describe(finding) for finding in findings if not finding.ok] == []
    names = ["settings", "database", "schema", "role", "keys", "brands", "clock", "queues", "worker"]
    assert [finding.name for finding in findings] == [*names, "weather", "feeds", "accounts", "line"]


def test_brands_are_counted_by_state_and_a_deletion_that_nobody_finishes_is_told(
    patient: Engine, keyring: Keyring
) -> None:
    now = datetime.now(UTC)
    new_home(patient, keyring)
    home = new_home(patient, keyring)
    assert installation.check_brands(patient, now) == Finding("brands", True, "2 active.")
    with home.open() as session:
        brand = lock_brand(session)
        suspend_brand(session, brand, reason="解約", now=now)
        begin_deletion(session, brand, confirm=brand.name, operator="当直", now=now)
        session.commit()
    assert installation.check_brands(patient, now + timedelta(hours=23)).ok is True
    late = installation.check_brands(patient, now + timedelta(hours=25))
    assert (late.ok, late.advice) == (False, "Run: noren brand purge")
    assert late.says == "1 active, 1 deleting; the oldest deletion was asked for 25 h ago and is not finished."


def test_a_database_that_does_not_answer_is_one_finding_and_hides_no_other(tmp_path: Path) -> None:
    settings = Settings(
        database_url=f"postgresql://noren_app:hunter2@/noren?host={tmp_path}",
        master_keys=MASTER_KEYS,
        line_api_url="http://127.0.0.1:9",
    )
    findings = list(command.examine(NOON, settings))
    assert found(findings) == {"settings": True, "database": False, "line": False}
    assert "hunter2" not in " ".join(map(describe, findings))


def test_a_demo_that_is_stopped_asks_to_be_started(tmp_path: Path) -> None:
    url = f"postgresql://noren_app@/noren?host={quote(str(tmp_path / 'postgres'), safe='')}"
    settings = settings_of(Urls(url, url, None))
    (stranger,) = [one for one in command.examine(NOON, settings) if one.name == "database"]
    assert stranger.advice == "Start Postgres, run: noren setup, or correct NOREN_DATABASE_URL."
    (tmp_path / "demo.json").write_text("{}")
    (database,) = [one for one in command.examine(NOON, settings) if one.name == "database"]
    assert (database.ok, database.advice) == (False, "Start the demo: make demo")


def test_a_demo_whose_socket_lies_elsewhere_is_known_by_its_environment(tmp_path: Path) -> None:
    url = f"postgresql://noren_app@/noren?host={quote(str(tmp_path / 'run'), safe='')}"
    home = tmp_path / "demo"
    home.mkdir()
    (home / "env").write_text(f"NOREN_DATABASE_URL='{url}'\n")
    findings = command.examine(NOON, settings_of(Urls(url, url, None), data_dir=home))
    assert [one.advice for one in findings if one.name == "database"] == ["Start the demo: make demo"]


def test_a_demo_whose_environment_is_not_loaded_is_told_first(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, line_api_url="http://127.0.0.1:9")
    assert next(command.examine(NOON, settings)).name == "settings"
    (tmp_path / "demo.json").write_text("{}")
    first = next(command.examine(NOON, settings))
    assert (first.name, first.ok) == ("demo", None)
    assert f"set -a; . {tmp_path}/env; set +a" in first.says
    given = Settings(data_dir=tmp_path, database_url="postgresql://noren_app@127.0.0.1:9/noren")
    assert next(command.examine(NOON, given)).name == "settings"


def test_without_any_database_nothing_is_made(tmp_path: Path) -> None:
    home = tmp_path / "nothing"
    findings = list(command.examine(NOON, Settings(data_dir=home, line_api_url="http://127.0.0.1:9")))
    assert found(findings)["database"] is False
    assert not home.exists()


def test_settings_that_cannot_be_read_are_named_without_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOREN_POOL_SIZE", "hunter2")
    (finding,) = command.examine(NOON)
    assert finding.ok is False
    assert "NOREN_POOL_SIZE" in finding.says
    assert "hunter2" not in finding.says


def test_a_public_address_without_tls_is_refused(own_urls: Urls) -> None:
    assert installation.check_settings(settings_of(own_urls, public_url="http://noren.example.com")).ok is False
    assert installation.check_settings(settings_of(own_urls, public_url="https://noren.example.com")).ok is True


def test_missing_and_malformed_master_keys_are_told_apart(own_urls: Urls) -> None:
    missing = installation.check_settings(settings_of(own_urls, master_keys=None))
    assert (missing.ok, missing.says) == (False, "NOREN_MASTER_KEYS is not set.")
    malformed = installation.check_settings(settings_of(own_urls, master_keys="hunter2"))
    assert malformed.ok is False
    assert "hunter2" not in describe(malformed)


def test_a_schema_behind_the_code_asks_for_a_migration(own_urls: Urls, patient: Engine) -> None:
    owner = make_engine(own_urls.owner)
    with owner.begin() as connection:
        head = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    for stored, advice in (("0001", "Run: noren migrate"), ("9999", "Deploy the newer code.")):
        with owner.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :no"), {"no": stored})
        try:
            finding = installation.check_schema(patient)
        finally:
            with owner.begin() as connection:
                connection.execute(text("UPDATE alembic_version SET version_num = :no"), {"no": head})
        assert (finding.ok, finding.advice) == (False, advice)


def test_an_empty_database_asks_for_a_migration(own_urls: Urls) -> None:
    admin = make_engine(os.environ["NOREN_TEST_ADMIN_URL"])
    assert installation.check_schema(admin).advice == "Run: noren migrate"


def test_a_role_that_looks_over_the_walls_is_refused(own_urls: Urls) -> None:
    assert installation.check_role(make_engine(own_urls.owner)).ok is False


def test_a_brand_whose_key_does_not_open_is_counted(patient: Engine, own_urls: Urls, keyring: Keyring) -> None:
    new_home(patient, keyring)
    new_home(patient, Keyring.parse("other:" + "B" * 43))
    finding = installation.check_keys(patient, settings_of(own_urls))
    assert finding.ok is False
    assert "1 of 2 brands" in finding.says


def test_keys_are_not_judged_without_master_keys(patient: Engine, own_urls: Urls) -> None:
    assert installation.check_keys(patient, settings_of(own_urls, master_keys=None)).ok is None


@pytest.mark.parametrize(
    ("due", "leased", "ok"),
    [
        pytest.param("-10 minutes", None, False, id="waiting long"),
        pytest.param("-10 seconds", None, True, id="waiting a moment"),
        pytest.param("-10 minutes", "5 seconds", True, id="being worked on"),
        pytest.param("-10 minutes", "-9 minutes", False, id="left by a worker that died"),
    ],
)
def test_a_lane_that_nobody_works_on_is_late(patient: Engine, due: str, leased: str | None, ok: bool) -> None:
    lane = (
        "INSERT INTO lane (kind, brand_id, key, due_at, touched, leased_until) VALUES ('send', gen_random_uuid(),"
        " gen_random_uuid(), now() + CAST(:due AS interval), 1, now() + CAST(:leased AS interval))"
    )
    with patient.begin() as connection:
        connection.execute(text(lane), {"due": due, "leased": leased})
    assert installation.check_queues(patient, datetime.now(UTC)).ok is ok


def test_an_event_that_is_not_projected_is_late(patient: Engine, keyring: Keyring) -> None:
    home: BrandHome = new_home(patient, keyring)
    with home.open() as session:
        recorded = make.event(session)
        recorded_at = recorded.created_at
        session.commit()
    assert installation.check_queues(patient, recorded_at + timedelta(seconds=5)).ok is True
    finding = installation.check_queues(patient, recorded_at + timedelta(minutes=12))
    assert (finding.ok, finding.says) == (False, "The oldest event has waited 12 min.")


def test_a_job_that_is_due_is_late_and_one_for_later_is_not(patient: Engine) -> None:
    job = (
        "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, scheduled_at)"
        " VALUES ('default', 'one', '{}', 'todo', now() + CAST(:away AS interval))"
    )
    now = datetime.now(UTC)
    with patient.begin() as connection:
        connection.execute(text(job), {"away": "1 hour"})
    assert installation.check_queues(patient, now).ok is True
    with patient.begin() as connection:
        connection.execute(text(job), {"away": "-1 hour"})
    assert installation.check_queues(patient, now).ok is False


def test_a_worker_that_has_fallen_silent_is_not_alive(patient: Engine) -> None:
    assert installation.check_worker(patient).ok is False
    start_worker(patient)
    assert installation.check_worker(patient).ok is True
    with patient.begin() as connection:
        connection.execute(text("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'"))
    assert installation.check_worker(patient).ok is False


@pytest.mark.parametrize(
    ("issued", "ok", "word"),
    [
        ("2026-11-21 11:00", True, "was issued 60 min ago"),
        ("2026-11-20 17:00", False, "should be out"),
        ("2026-11-21 17:00", False, "ahead"),
    ],
)
def test_a_forecast_that_rules_may_not_act_on_is_told(
    patient: Engine, keyring: Keyring, issued: str, ok: bool, word: str
) -> None:
    home = new_home(patient, keyring)
    with home.open() as session:
        make.store(session)
        make.weather_rule(session)
        make.forecast(session, "130000", forecast(issued), NOON)
        session.commit()
    finding = installation.check_weather(patient, NOON)
    assert finding.ok is ok
    assert word in finding.says


def test_an_office_that_was_never_fetched_is_told(patient: Engine, keyring: Keyring) -> None:
    home = new_home(patient, keyring)
    with home.open() as session:
        make.store(session)
        make.weather_rule(session)
        session.commit()
    finding = installation.check_weather(patient, NOON)
    assert (finding.ok, finding.says) == (False, "No forecast of office 130000 has been fetched yet.")


def test_line_that_cannot_be_reached_is_told(own_urls: Urls) -> None:
    with socket.socket() as listener:  # bound, but nobody listens
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        assert installation.check_line(settings_of(own_urls, line_api_url=url)).ok is False


def test_the_command_prints_json_and_its_exit_code_says_whether_all_is_well(
    patient: Engine, own_urls: Urls, monkeypatch: pytest.MonkeyPatch, sandbox: RunningSandbox
) -> None:
    for name in [name for name in os.environ if name.startswith("NOREN_") and "TEST" not in name]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NOREN_DATABASE_URL", own_urls.app)
    monkeypatch.setenv("NOREN_MASTER_KEYS", MASTER_KEYS)
    monkeypatch.setenv("NOREN_LINE_API_URL", sandbox.url)
    cli = typer.Typer()
    command.register(cli)
    sick = CliRunner().invoke(cli, ["--json"])
    assert sick.exit_code == 1
    assert {one["name"] for one in json.loads(sick.stdout)["checks"] if not one["ok"]} == {"worker"}
    start_worker(patient)
    assert CliRunner().invoke(cli, ["--json"]).exit_code == 0
    plain = CliRunner().invoke(cli, [])
    assert plain.stdout.splitlines()[1].startswith("✓ database  PostgreSQL")
