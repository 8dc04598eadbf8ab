"""`noren recount`: the summaries of customers, compared with what the details say."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.terminal import AsJson, choose_brands, open_database

if TYPE_CHECKING:
    from tenants.session import ScopedSession

Brand = Annotated[str | None, typer.Option("--brand", help="The brand's id, brand_…; every brand unless given.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what differs, and leave it as it is.")]


def register(cli: typer.Typer) -> None:
    """Put `recount` among the commands."""
    cli.command("recount")(recount)


def recount(brand: Brand = None, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Count what customers did and carry anew, and mend summaries that differ; exit code 1 if any did."""
    from datetime import UTC, datetime

    from app.customers import recount as summaries
    from tenants.ids import encode_id
    from tenants.scope import Scope
    from tenants.session import open_session

    engine = open_database()
    reports: list[dict[str, Any]] = []
    for brand_id in choose_brands(engine, brand):
        scope = Scope(brand_id)

        @contextmanager
        def opened(scope: Scope = scope) -> "Iterator[ScopedSession]":
            with open_session(engine, scope) as session:
                yield session
                session.commit()

        people, differences = 0, Counter[str]()
        for found in summaries.recount(opened, datetime.now(UTC), mends=not dry_run):
            people += found.customers
            differences += found.differences
        columns = {column: differences[column] for column in summaries.COLUMNS}
        reports.append({"brand_id": encode_id("brand", brand_id), "customers": people, "differences": columns})
    if as_json:
        typer.echo(json.dumps({"mended": not dry_run, "brands": reports}))
    else:
        for report in reports:
            _tell(report, "differ" if dry_run else "mended")
    if any(count for report in reports for count in report["differences"].values()):
        raise typer.Exit(1)


def _tell(report: dict[str, Any], outcome: str) -> None:
    columns = report["differences"]
    width = max(map(len, columns))
    typer.echo(f"{report['brand_id']}: {report['customers']:,} customers recounted")
    typer.echo(f"  {'column':<{width}}  {outcome:>9}")
    for column, count in columns.items():
        typer.echo(f"  {column:<{width}}  {count:>9,}")
