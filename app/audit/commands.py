"""`noren audit`: verify the chain, print its head, and say whose data a credential read."""

import getpass
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import typer

from app.terminal import choose_brands

audit = typer.Typer(help="The audit log.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Brand = Annotated[str | None, typer.Option("--brand", help="The brand's id, brand_…; every brand unless given.")]


def register(cli: typer.Typer) -> None:
    """Put `audit` among the commands."""
    cli.add_typer(audit, name="audit")


@audit.command()
def verify(
    brand: Brand = None,
    anchor: Annotated[
        str | None,
        typer.Option(help="A head of this --brand that was kept elsewhere."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Recompute the chain over the audit log. Exit code 1 if anything was changed, removed or slipped in."""
    from datetime import UTC

    from app.audit import chain
    from tenants.ids import encode_id
    from tenants.scope import Scope
    from tenants.session import open_session

    if anchor is not None and brand is None:
        raise typer.BadParameter("name the brand whose head this is", param_hint="--brand")
    try:
        kept = chain.Head.read(anchor) if anchor is not None else None
    except ValueError as error:
        raise typer.BadParameter(
            "must be as `noren audit head` prints it: <no>:<hash>", param_hint="--anchor"
        ) from error
    engine = _engine().execution_options(isolation_level="REPEATABLE READ")
    reports: list[dict[str, Any]] = []
    for brand_id in choose_brands(_engine(), brand):
        with open_session(engine, Scope(brand_id)) as session:
            found = chain.verify(session, datetime.now(UTC), kept)
        reports.append(
            {
                "brand_id": encode_id("brand", brand_id),
                "holds": not found.breaches,
                "entries": found.entries,
                "waiting": found.waiting,
                "overdue": found.overdue,
                "head": str(found.head) if found.head else None,
                "breaches": found.breaches,
            }
        )
    if as_json:
        typer.echo(json.dumps({"holds": all(one["holds"] for one in reports), "brands": reports}))
    else:
        for one in reports:
            _tell(one)
    if not all(one["holds"] for one in reports):
        raise typer.Exit(1)


def _tell(report: dict[str, Any]) -> None:
    state = "holds" if report["holds"] else "DOES NOT HOLD"
    typer.echo(f"{report['brand_id']}: {state}, {report['entries']} entries sealed, {report['waiting']} waiting")
    if report["overdue"]:
        typer.echo(f"  {report['overdue']} entries have waited for more than a minute: is a worker running?")
    for breach in report["breaches"]:
        typer.echo(f"  {breach}")
    if report["head"]:
        typer.echo(f"  head {report['head']}")


@audit.command()
def head(brand: Brand = None, as_json: AsJson = False) -> None:
    """Print the end of each chain. Keep it where whoever could change the database cannot, and `verify --anchor` it."""
    from app.audit import chain
    from tenants.ids import encode_id
    from tenants.scope import Scope
    from tenants.session import open_session

    heads: list[dict[str, Any]] = []
    for brand_id in choose_brands(_engine(), brand):
        with open_session(_engine(), Scope(brand_id)) as session:
            found = chain.find_head(session)
        heads.append({"brand_id": encode_id("brand", brand_id), "head": str(found) if found else None})
    if as_json:
        typer.echo(json.dumps({"heads": heads}))
        return
    for one in heads:
        typer.echo(f"{one['brand_id']} {one['head'] or '-'}")


@audit.command()
def reads(
    brand: Annotated[str, typer.Option("--brand", help="The brand's id, brand_….")],
    credential: Annotated[str, typer.Option(help="The credential's id: key_…, client_…, staff_… or grant_….")],
    after: Annotated[str, typer.Option(help="From this instant on, such as 2026-11-21T00:00+09:00.")],
    before: Annotated[str, typer.Option(help="Until before this one.")],
    as_json: AsJson = False,
) -> None:
    """Whose data the answers to a credential named in a time span: CSV, a line a person, or one JSON object."""
    from datetime import UTC

    from app.audit import queries
    from app.audit.service import Actor, Deed, Thing, note
    from app.schemas import write_instant
    from tenants.ids import encode_id
    from tenants.scope import Scope
    from tenants.session import open_session

    (brand_id,) = choose_brands(_engine(), brand)
    kind, caller_id = _credential(credential)
    since, until = _instant(after, "--after"), _instant(before, "--before")

    def rows() -> Iterator[dict[str, Any]]:
        for part in queries.stream_persons(session, caller_id, since, until):
            for one in part:
                yield {
                    "customer_id": encode_id("cus", one.customer_id),
                    "first_at": write_instant(one.first_at),
                    "last_at": write_instant(one.last_at),
                    "times": one.times,
                }

    with open_session(_engine(), Scope(brand_id)) as session:
        if as_json:
            items = list(rows())
            typer.echo(json.dumps({"items": items, "total": len(items)}))
        else:
            typer.echo("customer_id,first_at,last_at,times")
            for row in rows():
                typer.echo(",".join(str(value) for value in row.values()))
        # The brand reads in its own log that somebody asked.
        actor, deed = Actor("operator", None, getpass.getuser()), Deed("audit_reads", Thing(kind, caller_id))
        note(session, actor, deed, now=datetime.now(UTC), kind="read")
        session.commit()


def _engine() -> Any:
    from app.database import database_urls, make_engine
    from app.settings import get_settings

    return make_engine(database_urls(get_settings()).app)


def _credential(text: str) -> tuple[str, UUID]:
    from tenants.ids import decode_id

    kind = text.partition("_")[0]
    if kind not in ("key", "client", "staff", "grant"):
        raise typer.BadParameter("must be key_…, client_…, staff_… or grant_…", param_hint="--credential")
    try:
        return kind, decode_id(kind, text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--credential") from error


def _instant(text: str, hint: str) -> datetime:
    try:
        value = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not an RFC 3339 instant", param_hint=hint) from error
    if value.tzinfo is None:
        raise typer.BadParameter("give the offset too, such as +09:00", param_hint=hint)
    return value
