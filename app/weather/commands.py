"""noren weather: synchronise areas and forecasts, and let the rules decide."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any
from unicodedata import combining, east_asian_width

import typer

from app.database import database_urls, make_engine
from app.jobs.queue import Clockwork
from app.keys import load_keyring
from app.logs import configure_logs
from app.settings import get_settings, tell_unloaded_demo
from app.weather import fetching, tasks
from app.weather.archive.commands import register as register_import
from app.weather.outlook import Gap
from app.weather.tasks import Ticked
from tenants.ids import encode_id

commands = typer.Typer(help="Forecasts, and the rules that decide on them.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def register(cli: typer.Typer) -> None:
    """Put `weather` among the commands."""
    register_import(commands)
    cli.add_typer(commands, name="weather")


@commands.command()
def sync(as_json: AsJson = False) -> None:
    """Bring JMA's area tables and the forecasts of all stores' offices up to date."""
    with _clockwork() as clock:
        synced = fetching.sync(clock)
        current = fetching.fetch_all(clock)
    gaps = {office: one.forecast.reason for office, one in current.items() if isinstance(one.forecast, Gap)}
    if as_json:
        tables = {"problem": synced.reason} if isinstance(synced, Gap) else asdict(synced)
        typer.echo(json.dumps({"tables": tables, "offices": sorted(current), "gaps": gaps}, ensure_ascii=False))
    elif isinstance(synced, Gap):
        typer.echo(f"The area tables are as they were: {synced.reason}", err=True)
    else:
        typer.echo(f"{synced.areas} areas, {synced.stations} stations, {len(synced.withdrawn)} areas withdrawn.")
    if not as_json:
        typer.echo(f"Forecasts of {len(current)} offices, {len(gaps)} without one to use.")
        for office, reason in sorted(gaps.items()):
            typer.echo(f"  {office}: {reason}")
    if isinstance(synced, Gap) or gaps:
        raise typer.Exit(1)


@commands.command()
def tick(
    at: Annotated[str | None, typer.Option(help="Rehearse this moment, such as 2026-11-21T11:10+09:00.")] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch, and let every live rule decide for all of its stores; the worker sends what fires."""
    moment = read_instant(at) if at else None
    with _clockwork() as clock:
        ticked = tasks.tick(clock, moment)
    fired = sum(one.fired for one in ticked)
    if as_json:
        typer.echo(json.dumps({"fired": fired, "decisions": [_shown(one) for one in ticked]}, ensure_ascii=False))
        return
    for line in align([_columns(one) for one in ticked]):
        typer.echo(line)
    typer.echo(f"{len(ticked)} decisions, {fired} fired.")


@contextmanager
def _clockwork() -> Iterator[Clockwork]:
    settings = get_settings()
    if hint := tell_unloaded_demo(settings):
        typer.echo(hint, err=True)
    configure_logs(settings.log_level)
    engine = make_engine(database_urls(settings).app, pool_size=2)
    try:
        yield Clockwork(engine, load_keyring(settings), settings, datetime.now(UTC))
    finally:
        engine.dispose()


def read_instant(text: str) -> datetime:
    """The instant that an operator wrote. Raises typer.BadParameter."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not an RFC 3339 instant") from error
    if value.tzinfo is None:
        raise typer.BadParameter("give the offset too, such as +09:00")
    if not 1970 <= value.year <= 2200:
        raise typer.BadParameter("must lie between 1970 and 2200")
    return value.astimezone(UTC)


def _shown(one: Ticked) -> dict[str, Any]:
    return asdict(one) | {
        "decision_id": encode_id("dec", one.decision_id),
        "rule_id": encode_id("rule", one.rule_id),
        "store_id": encode_id("store", one.store_id),
        "readings": list(one.readings),
    }


def _columns(one: Ticked) -> tuple[str, ...]:
    values = ", ".join(f"{reading['reading']} {_value(reading)}" for reading in one.readings)
    return str(one.business_on), "FIRED" if one.fired else one.reason, one.store, one.rule, values, one.detail


def align(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows as lines whose columns stand below one another in a terminal, where Japanese letters are two wide."""
    widths = [max(map(display_width, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell + " " * (width - display_width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def display_width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(0 if combining(letter) else 2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _value(reading: dict[str, Any]) -> str:
    return "unknown" if reading["value"] is None else str(reading["value"])
