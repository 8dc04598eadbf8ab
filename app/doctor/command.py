"""`noren doctor`: runs every check, prints what it found, and ends with an exit code."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer
from pydantic import ValidationError
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from app.admin.line_accounts.findings import Language
from app.database import database_urls, make_engine, stop_embedded
from app.doctor.accounts import ask_line, check_accounts
from app.doctor.feeds import check_feeds
from app.doctor.findings import Finding, describe, first_line
from app.doctor.installation import (
    check_brands,
    check_clock,
    check_database,
    check_keys,
    check_line,
    check_queues,
    check_role,
    check_schema,
    check_settings,
    check_weather,
    check_worker,
    is_demo_database,
)
from app.logs import configure_logs
from app.settings import Settings, tell_unloaded_demo


class Speech(StrEnum):
    """A language of the doctor."""

    EN = "en"
    JA = "ja"


def register(cli: typer.Typer) -> None:
    """Put `doctor` among the commands."""
    cli.command("doctor")(doctor)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    lang: Annotated[Speech, typer.Option(help="The language in which LINE accounts are told of.")] = Speech.EN,
    line: Annotated[
        bool, typer.Option("--line", help="Ask LINE about each account anew, one after the other.")
    ] = False,
) -> None:
    """Check settings, database, keys, clock, queues, worker, weather, LINE and each LINE account; exit code 1 if
    something is wrong."""
    if line:
        configure_logs("warning")  # or each call to LINE would be told between the findings
    findings = list(examine(datetime.now(UTC), language=lang.value, asks_line=line))
    healthy = all(finding.ok is not False for finding in findings)
    if as_json:
        document = {"ok": healthy, "checks": [asdict(finding) for finding in findings]}
        typer.echo(json.dumps(document, ensure_ascii=False))
    else:
        for finding in findings:
            typer.echo(describe(finding))
    raise typer.Exit(0 if healthy else 1)


def examine(
    now: datetime, settings: Settings | None = None, *, language: Language = "en", asks_line: bool = False
) -> Iterator[Finding]:
    """Every finding about this installation, in the order in which they matter.

    LINE accounts are told of in the language, by what their last checks found or, where it `asks_line`, anew.
    """
    if settings is None:
        try:
            settings = Settings()
        except ValidationError as error:
            # The values are not repeated: they may be secrets.
            names = ", ".join(sorted({f"NOREN_{part['loc'][0]}".upper() for part in error.errors()}))
            yield Finding("settings", False, f"Cannot be read: {names}.", "Correct these environment variables.")
            return
    if hint := tell_unloaded_demo(settings):
        yield Finding("demo", None, hint)
    yield check_settings(settings)
    with _engine(settings) as engine:
        database = check_database(engine, is_demo=is_demo_database(settings))
        yield database
        if isinstance(engine, Engine) and database.ok:
            schema = check_schema(engine)
            yield schema
            if schema.ok:
                yield from _look_inside(engine, settings, now)
                if asks_line:
                    ask_line(engine, settings)
                yield from _guarded("accounts", lambda: check_accounts(engine, now, language))
    yield check_line(settings)


def _look_inside(engine: Engine, settings: Settings, now: datetime) -> Iterator[Finding]:
    """What only a database with our schema can tell."""
    checks: tuple[tuple[str, Callable[[], Finding]], ...] = (
        ("role", lambda: check_role(engine)),
        ("keys", lambda: check_keys(engine, settings)),
        ("brands", lambda: check_brands(engine, now)),
        ("clock", lambda: check_clock(engine)),
        ("queues", lambda: check_queues(engine, now)),
        ("worker", lambda: check_worker(engine)),
        ("weather", lambda: check_weather(engine, now)),
        ("feeds", lambda: check_feeds(engine, now)),
    )
    for name, check in checks:
        yield from _guarded(name, lambda check=check: [check()])  # type: ignore[misc]


def _guarded(name: str, look: Callable[[], Iterable[Finding]]) -> Iterable[Finding]:
    """What a check found, or that it could not look."""
    try:
        return list(look())
    except DBAPIError as error:
        return [Finding(name, None, f"Could not look: {first_line(error.orig)}.")]


@contextmanager
def _engine(settings: Settings) -> Iterator[Engine | str]:
    """Connections as the app's role, or why there are none. An embedded database is left as it was found."""
    home = settings.data_dir / "postgres"
    if settings.database_url is None and not (home / "PG_VERSION").exists():
        yield f"NOREN_DATABASE_URL is not set, and {settings.data_dir} holds no database"
        return
    sleeping = settings.database_url is None and not (home / "postmaster.pid").exists()
    engine = make_engine(database_urls(settings).app, pool_size=2)
    try:
        yield engine
    finally:
        engine.dispose()
        if sleeping:
            stop_embedded(settings.data_dir)
