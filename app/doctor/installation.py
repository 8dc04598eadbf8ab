"""What the doctor looks at beside LINE accounts: settings, database, keys, clock, queues, worker, LINE, weather."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col

from app.auth import brand_key_of
from app.database import DatabaseMisconfigured, list_revisions, refuse_powerful_role
from app.doctor.findings import Finding, first_line, span
from app.events.queries import find_oldest_unprojected_at, list_unprojected_brands
from app.keys import KeysMissing, load_keyring
from app.settings import Settings
from app.weather import decisions, forecasts
from app.weather.freshness import staleness
from app.weather.outlook import Gap
from tenants.brands.queries import get_brand, list_brand_ids
from tenants.operators.models import DeletionReceipt
from tenants.operators.queries import all_receipts
from tenants.scope import Scope
from tenants.sealing import Unsealable
from tenants.session import open_session

CLOCK_SECONDS = 2.0
"""How far our clock and the database's may be apart: LINE's reply tokens live a minute, tokens of ours an hour."""
WAIT = timedelta(minutes=1)
"""How long a lane or an event may wait; a busy worker takes both within a second."""
JOB_WAIT = timedelta(minutes=5)
DELETION_WAIT = timedelta(hours=24)
"""How long a brand that is to be deleted may wait for `noren brand purge`."""
LIVE_SECONDS = 30
TIMEOUT_SECONDS = 5.0


def check_settings(settings: Settings) -> Finding:
    """Whether LINE can reach the public address, and whether the master keys are there and well formed."""
    public = urlsplit(settings.public_url)
    if public.scheme != "https" and public.hostname not in ("127.0.0.1", "localhost"):
        says = f"LINE calls https addresses only, and NOREN_PUBLIC_URL is {public.scheme}://{public.hostname}."
        return Finding("settings", False, says, "Put TLS in front, and set the https address.")
    if settings.database_url is not None or (settings.data_dir / "master-keys").exists():
        try:
            load_keyring(settings)
        except KeysMissing:
            advice = "Set it to id:base64 with 32 random bytes, and keep a copy apart from the database's backup."
            return Finding("settings", False, "NOREN_MASTER_KEYS is not set.", advice)
        except ValueError as error:
            return Finding("settings", False, f"NOREN_MASTER_KEYS cannot be read: {error}.", "Write id:base64.")
    return Finding("settings", True, f"Read; LINE and browsers come in at {settings.public_url}.")


def check_database(engine: Engine | str, *, is_demo: bool = False) -> Finding:
    """Whether the database answers, and is new enough."""
    if isinstance(engine, str):
        advice = "Set it, or run: noren serve, which makes a database of its own."
        return Finding("database", False, f"{engine}.", advice)
    try:
        with engine.connect() as connection:
            version, user = connection.execute(text("SELECT current_setting('server_version_num')::int, user")).one()
    except OperationalError as error:
        advice = "Start Postgres, run: noren setup, or correct NOREN_DATABASE_URL."
        if is_demo:
            advice = "Start the demo: make demo"
        return Finding("database", False, f"Does not answer: {first_line(error.orig)}.", advice)
    if version < 150000:
        return Finding(
            "database", False, f"PostgreSQL {version // 10000} is too old.", "Move to PostgreSQL 15 or newer."
        )
    return Finding("database", True, f"PostgreSQL {version // 10000} answers {user}.")


def is_demo_database(settings: Settings) -> bool:
    """Whether the given database is a demo's: its socket lies in the demo's folder, or the demo's `env` names it."""
    if settings.database_url is None:
        return False
    url = settings.database_url.get_secret_value()
    try:
        host = conninfo_to_dict(url).get("host")
    except ProgrammingError:
        return False
    if host and (Path(str(host)).parent / "demo.json").exists():
        return True
    environment = settings.data_dir / "env"
    return environment.exists() and url in environment.read_text()


def check_schema(engine: Engine) -> Finding:
    """Whether the schema is that of this version of the code."""
    head, known = list_revisions()
    with engine.connect() as connection:
        if connection.execute(text("SELECT to_regclass('public.alembic_version')")).scalar() is None:
            return Finding("schema", False, "The database is empty.", "Run: noren migrate")
        found = str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())
    if found == head:
        return Finding("schema", True, f"At revision {found}, the newest.")
    if found in known:
        return Finding("schema", False, f"At revision {found}, behind {head}.", "Run: noren migrate")
    return Finding("schema", False, f"At revision {found}, which this code does not know.", "Deploy the newer code.")


def check_role(engine: Engine) -> Finding:
    """Whether row-level security binds the role that we connect as."""
    try:
        refuse_powerful_role(engine)
    except DatabaseMisconfigured as error:
        return Finding("role", False, str(error))
    return Finding("role", True, "Owns nothing and cannot look over the walls between brands.")


def check_keys(engine: Engine, settings: Settings) -> Finding:
    """Whether the master keys open every brand's key."""
    try:
        keyring = load_keyring(settings)
    except (KeysMissing, ValueError):
        return Finding("keys", None, "Could not look: there are no master keys to try.")
    brand_ids = list_brand_ids(engine)
    shut = 0
    for brand_id in brand_ids:
        with open_session(engine, Scope(brand_id)) as session:
            try:
                brand_key_of(session, keyring)
            except Unsealable:
                shut += 1
    if shut:
        says = f"The keys of {shut} of {len(brand_ids)} brands do not open: their LINE secrets cannot be read."
        return Finding("keys", False, says, "Add the master key they were wrapped with to NOREN_MASTER_KEYS.")
    return Finding("keys", True, f"The keys of all {len(brand_ids)} brands open.")


def check_brands(engine: Engine, now: datetime) -> Finding:
    """How many brands there are, by state, and whether one that was to be deleted is still there."""
    statuses: Counter[str] = Counter()
    for brand_id in list_brand_ids(engine):
        with open_session(engine, Scope(brand_id)) as session:
            statuses[get_brand(session, brand_id).status] += 1
    says = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items())) or "None yet"
    with Session(engine) as session:
        waiting = session.exec(all_receipts().where(col(DeletionReceipt.deleted_at).is_(None))).all()
    oldest = min((receipt.requested_at for receipt in waiting), default=now)
    if now - oldest > DELETION_WAIT:
        says += f"; the oldest deletion was asked for {span(now - oldest)} ago and is not finished"
        return Finding("brands", False, f"{says}.", "Run: noren brand purge")
    return Finding("brands", True, f"{says}.")


def check_clock(engine: Engine) -> Finding:
    """Whether this machine's clock and the database's agree."""
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        before = datetime.now(UTC)
        theirs = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        after = datetime.now(UTC)
    seconds = (theirs - (before + (after - before) / 2)).total_seconds()
    if abs(seconds) > CLOCK_SECONDS:
        says = f"The database's clock is {abs(seconds):.1f} s {'ahead of' if seconds > 0 else 'behind'} this machine's."
        return Finding("clock", False, says, "Synchronise both with a time server (chrony, systemd-timesyncd).")
    return Finding("clock", True, "Agrees with the database's.")


def check_queues(engine: Engine, now: datetime) -> Finding:
    """Whether anything has been waiting for a worker too long: a lane, an event, a job."""
    with engine.connect() as connection:
        lane_at, job_at = connection.execute(_OLDEST).one()
    events = []
    for brand_id in list_unprojected_brands(engine):
        with open_session(engine, Scope(brand_id)) as session:
            events.append(find_oldest_unprojected_at(session))
    event_at = min((at for at in events if at is not None), default=None)
    late = [
        f"the oldest {kind} has waited {span(now - at)}"
        for kind, at, most in (("lane", lane_at, WAIT), ("event", event_at, WAIT), ("job", job_at, JOB_WAIT))
        if at is not None and now - at > most
    ]
    if late:
        says = f"{late[0][0].upper()}{', '.join(late)[1:]}."
        return Finding("queues", False, says, "Start more workers, and look for failures in their logs.")
    return Finding("queues", True, "Nothing has been waiting long.")


_OLDEST = text(
    """
    SELECT (SELECT min(due_at) FROM lane WHERE due_at <= now() AND (leased_until IS NULL OR leased_until < now())),
           (SELECT min(coalesce(job.scheduled_at, event.at))
            FROM procrastinate_jobs AS job
            LEFT JOIN procrastinate_events AS event ON event.job_id = job.id AND event.type = 'deferred'
            WHERE job.status = 'todo' AND (job.scheduled_at IS NULL OR job.scheduled_at <= now()))
    """
)


def check_worker(engine: Engine) -> Finding:
    """Whether a worker is alive."""
    with engine.connect() as connection:
        query = (
            "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - make_interval(secs => :seconds)"
        )
        alive = connection.execute(text(query), {"seconds": LIVE_SECONDS}).scalar_one()
    if not alive:
        says = f"None has been heard of for {LIVE_SECONDS} s: nothing is sent, and LINE's events wait."
        return Finding("worker", False, says, "Run: noren worker")
    return Finding("worker", True, f"{alive} alive.")


def check_line(settings: Settings) -> Finding:
    """Whether LINE's API answers from here; without a token its answer is a refusal, which is enough."""
    host = urlsplit(settings.line_api_url).netloc
    try:
        answer = httpx.get(f"{settings.line_api_url}/v2/bot/info", timeout=TIMEOUT_SECONDS, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        advice = "Let this machine reach it over https, or correct NOREN_LINE_API_URL."
        return Finding("line", False, f"{host} cannot be reached ({type(error).__name__}).", advice)
    if answer.is_server_error:
        return Finding("line", False, f"{host} answers {answer.status_code}.", "Wait; unsent messages are kept.")
    return Finding("line", True, f"{host} answers.")


def check_weather(engine: Engine, now: datetime) -> Finding:
    """How old the newest forecast is of each office that live rules need, and which they may not act on."""
    offices: set[str] = set()
    for brand_id in list_brand_ids(engine):
        with open_session(engine, Scope(brand_id)) as session:
            offices |= decisions.list_offices(session)
    with Session(engine) as session:
        current = forecasts.read_current(session, offices)
    ages: dict[str, timedelta] = {}
    wrong: list[str] = []
    for office in sorted(offices):
        forecast = current[office].forecast
        if isinstance(forecast, Gap):
            wrong.append(forecast.reason)
            continue
        ages[office] = now - forecast.issued_at
        if reason := staleness(forecast.issued_at, now):
            wrong.append(f"Office {office}: {reason}")
    if wrong:
        more = f" And {len(wrong) - 1} more offices." if len(wrong) > 1 else ""
        advice = "Run: noren weather sync. Until a fresh forecast is there, no rule fires for these stores."
        return Finding("weather", False, f"{wrong[0]}{more}", advice)
    if not ages:
        return Finding("weather", True, "No live rule needs a forecast.")
    oldest = max(ages, key=lambda office: ages[office])
    says = f"Forecasts of {len(ages)} offices are fresh; the oldest, {oldest}, was issued {span(ages[oldest])} ago."
    return Finding("weather", True, says)
