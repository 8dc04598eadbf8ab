"""noren weather import: take in a folder of past forecasts and observations."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from sqlmodel import Session

from app.database import database_urls, make_engine
from app.settings import get_settings, tell_unloaded_demo
from app.weather.archive.importing import ArchiveUnreadable, Imported, import_folder


def register(commands: typer.Typer) -> None:
    """Put `import` among the commands of `weather`."""
    commands.command("import")(import_archive)


def import_archive(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Where the files lie, or folders.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Take past forecasts and observations into the archive that back-tests play on. Twice is as good as once."""
    settings = get_settings()
    if hint := tell_unloaded_demo(settings):
        typer.echo(hint, err=True)
    engine = make_engine(database_urls(settings).app, pool_size=1)
    try:
        with Session(engine) as session, session.begin():
            imported = import_folder(session, folder)
    except ArchiveUnreadable as unreadable:
        typer.echo(str(unreadable), err=True)
        raise typer.Exit(1) from unreadable
    finally:
        engine.dispose()
    typer.echo(json.dumps(asdict(imported)) if as_json else "\n".join(_lines(imported)))


def _lines(imported: Imported) -> list[str]:
    return [
        f"{imported.forecasts:,} of {imported.forecasts_in_files:,} forecasts of districts are new,",
        f"{imported.temperatures:,} of {imported.temperatures_in_files:,} of stations' temperatures,",
        f"{imported.station_days:,} days of stations, from {imported.observations_in_files:,} observations.",
        f"The archive takes {imported.bytes_on_disk / 1_000_000:,.0f} MB on disk.",
    ]
