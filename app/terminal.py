"""What commands have in common: who types them, the database they reach, how they answer and how they fail."""

import getpass
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from tenants.ids import decode_id
from tenants.problems import Invalid, NotFound, Problem
from tenants.scope import Scope

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from app.audit.service import Actor
    from tenants.session import ScopedSession

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def who_types() -> "Actor":
    """The person at the command line, as the audit log of a brand names her."""
    from app.audit.service import Actor

    return Actor("operator", None, f"cli:{getpass.getuser()}")


def open_database() -> "Engine":
    """The database of the settings, as the app's role; an embedded one gets its schema on the way."""
    from app.database import database_urls, make_engine, migrate
    from app.settings import get_settings

    settings = get_settings()
    urls = database_urls(settings)
    if settings.database_url is None:
        migrate(urls.owner)
    return make_engine(urls.app)


@contextmanager
def opened(scope: Scope) -> "Iterator[ScopedSession]":
    """A transaction in this brand, committed at the end."""
    from tenants.session import open_session

    with open_session(open_database(), scope) as session:
        yield session
        session.commit()


def read_brand_id(text: str) -> UUID:
    """The brand that an argument names. Raises BadParameter."""
    try:
        return decode_id("brand", text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="BRAND") from error


def choose_brands(engine: "Engine", brand: str | None) -> list[UUID]:
    """Every brand, or the one that `--brand` names. Raises BadParameter."""
    from tenants.brands.queries import list_brand_ids

    known = list_brand_ids(engine)
    if brand is None:
        return known
    try:
        wanted = decode_id("brand", brand)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--brand") from error
    if wanted not in known:
        raise typer.BadParameter("there is no such brand", param_hint="--brand")
    return [wanted]


def read_instant(text: str | None, option: str) -> datetime | None:
    """An instant with its offset. Raises BadParameter."""
    if text is None:
        return None
    try:
        value = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter("must be an RFC 3339 instant", param_hint=option) from error
    if value.tzinfo is None:
        raise typer.BadParameter("must name its offset too, such as +09:00", param_hint=option)
    return value


def read_name(text: str, option: str) -> str:
    """A text of one line. Raises BadParameter."""
    if not text.strip() or len(text) > 200 or not text.isprintable():
        raise typer.BadParameter("must be one line of 1 to 200 characters", param_hint=option)
    return text.strip()


@contextmanager
def one_line(missing: str = "There is no such thing.") -> Iterator[None]:
    """Turn what goes wrong into one line and exit code 1; `missing` is said of what is not there."""
    try:
        yield
    except NotFound:
        fail(missing)
    except Invalid as problem:
        fail(" ".join(f"{error['pointer'].rpartition('/')[2]}: {error['detail']}" for error in problem.errors))
    except Problem as problem:
        fail(str(problem))


def fail(line: str) -> None:
    """Say one line and end with exit code 1."""
    typer.echo(f"Error: {line}", err=True)
    raise typer.Exit(1)


def show(made: Mapping[str, Any], as_json: bool) -> None:
    """Print one thing: as JSON, or a line for each member that has a value."""
    if as_json:
        typer.echo(json.dumps(made, ensure_ascii=False))
        return
    for name, value in made.items():
        if isinstance(value, dict):
            show({f"{name}.{inner}": one for inner, one in value.items()}, False)
        elif value is not None:
            typer.echo(f"{name}: {' '.join(map(str, value)) if isinstance(value, list) else value}")


def show_all(rows: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    """Print several things: as a JSON list, or a line for each."""
    if as_json:
        typer.echo(json.dumps(list(rows), ensure_ascii=False))
        return
    for row in rows:
        typer.echo("  ".join(str(value) for value in row.values() if value is not None))
