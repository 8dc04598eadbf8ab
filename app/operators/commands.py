"""What the service's operator does by hand: the life of brands, and her own keys."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.terminal import (
    AsJson,
    fail,
    one_line,
    open_database,
    opened,
    read_brand_id,
    read_instant,
    read_name,
    show,
    show_all,
    who_types,
)
from tenants.scope import Scope

if TYPE_CHECKING:
    from sqlalchemy import Engine

brand = typer.Typer(help="Brands: create, look at, suspend, resume, export, delete.", no_args_is_help=True)
operator = typer.Typer(help="The operator's keys to /operator/v1.", no_args_is_help=True)
BrandArgument = Annotated[str, typer.Argument(metavar="BRAND", help="The brand's id, brand_….")]
NO_BRAND = "There is no such brand."


def register(cli: typer.Typer) -> None:
    """Put `brand` and `operator` among the commands."""
    cli.add_typer(brand, name="brand")
    cli.add_typer(operator, name="operator")


@brand.command("create")
def create_brand(
    name: str,
    timezone: Annotated[str, typer.Option(help="Of the IANA database.")] = "Asia/Tokyo",
    client: Annotated[str, typer.Option(help="What its first API client is called.")] = "Head office",
    admin_email: Annotated[str | None, typer.Option(help="Invite this person as its first admin.")] = None,
    admin_name: Annotated[str, typer.Option(help="Her name.")] = "Admin",
    as_json: AsJson = False,
) -> None:
    """Create a brand with its first API client, whose secret is shown this once."""
    from pydantic import TypeAdapter, ValidationError

    from app.admin.staff.schemas import Email
    from app.keys import load_keyring
    from app.operators import service
    from app.operators.router import describe_made
    from app.operators.schemas import BrandSecret
    from app.settings import get_settings
    from tenants.ids import uuid7

    now = datetime.now(UTC)
    admin = None
    if admin_email is not None:
        try:
            admin = (read_name(admin_name, "--admin-name"), TypeAdapter(Email).validate_python(admin_email))
        except ValidationError as error:
            raise typer.BadParameter("must be an e-mail address", param_hint="--admin-email") from error
    settings = get_settings()
    values = {
        "name": read_name(name, "NAME"),
        "timezone": _read_timezone(timezone),
        "client_name": read_name(client, "--client"),
        "admin": admin,
    }
    with one_line(), opened(Scope(uuid7())) as session:
        made = service.create_brand(session, load_keyring(settings), who_types(), **values, now=now)  # type: ignore[arg-type]
        counted = service.count(session, made.brand)
        secrets = describe_made(made, settings.public_url.rstrip("/"), now)
        shown = BrandSecret.model_validate({**service.describe(counted), **secrets})
    show(shown.model_dump(mode="json"), as_json)


def _read_timezone(name: str) -> str:
    from zoneinfo import available_timezones

    if name not in available_timezones():
        raise typer.BadParameter("must be a time zone such as Asia/Tokyo", param_hint="--timezone")
    return name


@brand.command("list")
def list_brands(as_json: AsJson = False) -> None:
    """Every brand: name, state and counts."""
    from app.operators import service
    from tenants.brands.queries import list_brand_ids

    engine = open_database()
    found = service.list_counted(engine, sorted(list_brand_ids(engine), reverse=True))
    rows = [_summary(one) for one in found]
    if not as_json:
        rows = [
            {
                "id": row["id"],
                "status": row["status"],
                "counts": f"{row['stores']} stores, {row['line_accounts']} LINE accounts",
                "name": row["name"],
            }
            for row in rows
        ]
    show_all(rows, as_json)


@brand.command("show")
def show_brand(brand_id: BrandArgument, as_json: AsJson = False) -> None:
    """One brand: name, state and counts."""
    from app.operators import service
    from tenants.brands.queries import get_brand

    scope = Scope(read_brand_id(brand_id))
    with one_line(NO_BRAND), opened(scope) as session:
        shown = _summary(service.count(session, get_brand(session, scope.brand_id)))
    show(shown, as_json)


@brand.command("suspend")
def suspend_brand(
    brand_id: BrandArgument,
    reason: Annotated[str, typer.Option(help="Why; the brand reads it too.")],
    as_json: AsJson = False,
) -> None:
    """Let a brand send nothing from the next batch on. It still receives webhooks, redeems and reads."""
    from app.operators import service

    why = read_name(reason, "--reason")
    with one_line(NO_BRAND), opened(Scope(read_brand_id(brand_id))) as session:
        suspended = service.suspend(session, who_types(), reason=why, now=datetime.now(UTC))
        shown = _summary(service.count(session, suspended))
    show(shown, as_json)


@brand.command("resume")
def resume_brand(brand_id: BrandArgument, as_json: AsJson = False) -> None:
    """Let a brand send again. Runs that waited go on, those whose time has passed expire."""
    from app.operators import service

    with one_line(NO_BRAND), opened(Scope(read_brand_id(brand_id))) as session:
        resumed = service.resume(session, who_types(), now=datetime.now(UTC))
        shown = _summary(service.count(session, resumed))
    show(shown, as_json)


@brand.command("export")
def export_brand(
    brand_id: BrandArgument,
    out: Annotated[Path, typer.Option(help="The zip to write; it must not exist yet.")],
    as_json: AsJson = False,
) -> None:
    """Write everything of a brand into a zip of NDJSON files, of one moment. Secrets stay out."""
    from app.operators import service
    from app.operators.export import export_brand as export
    from tenants.session import open_session

    scope = Scope(read_brand_id(brand_id))
    if out.exists():
        fail(f"{out} exists already.")
    engine = open_database()
    now = datetime.now(UTC)
    with one_line(NO_BRAND):
        try:
            with open_session(engine, scope) as session:
                service.note_export(session, who_types(), now=now)
                session.commit()
            manifest = export(engine, scope.brand_id, out, now)
        except OSError as error:
            fail(f"{out} cannot be written: {error.strerror}.")
    rows = sum(table["rows"] for table in manifest["tables"].values())
    written = {"file": str(out), "bytes": out.stat().st_size, "tables": len(manifest["tables"]), "rows": rows}
    show(written, as_json)


@brand.command("delete")
def delete_brand(
    brand_id: BrandArgument,
    confirm: Annotated[str, typer.Option(help="The brand's name, to the letter.")],
    forgotten_after: Annotated[float, typer.Option(help="Seconds until no server remembers the brand.")] = 40.0,
    as_json: AsJson = False,
) -> None:
    """Delete a suspended brand for good: its credentials at once, then every row of it; ends with a receipt."""
    from app.operators import service

    scope = Scope(read_brand_id(brand_id))
    owner = _open_as_owner()
    with one_line(NO_BRAND), opened(scope) as session:
        service.begin_deletion(session, who_types(), confirm=confirm, now=datetime.now(UTC))
    _purge(owner, [scope], forgotten_after, as_json, several=False)


@brand.command("purge")
def purge_brands(
    forgotten_after: Annotated[float, typer.Option(help="Seconds until no server remembers a brand.")] = 40.0,
    as_json: AsJson = False,
) -> None:
    """Delete the rows of all brands that are marked for deletion; goes on where a run before it was killed."""
    from app.operators.deletion import list_marked

    owner = _open_as_owner()
    _purge(owner, [Scope(one) for one in list_marked(owner)], forgotten_after, as_json, several=True)


def _purge(owner: "Engine", scopes: list[Scope], forgotten_after: float, as_json: bool, *, several: bool) -> None:
    from datetime import timedelta

    from app.operators.deletion import NotMarked, StillWritten, purge
    from app.operators.router import read_receipt

    receipts = []
    for scope in scopes:
        try:
            receipt = purge(
                owner,
                scope.brand_id,
                forgotten_after=timedelta(seconds=forgotten_after),
                tell=lambda line: typer.echo(line, err=True),
            )
        except (NotMarked, StillWritten) as error:
            fail(str(error))
        receipts.append(read_receipt(receipt).model_dump(mode="json"))
    if several:
        show_all(receipts, as_json)
    else:
        show(receipts[0], as_json)


@brand.command("deletions")
def list_deletions(as_json: AsJson = False) -> None:
    """The receipts of deleted brands, and of those that are being deleted."""
    from sqlmodel import Session, col

    from app.operators.deletion import digest_of_receipt
    from app.operators.router import read_receipt
    from tenants.operators.models import DeletionReceipt
    from tenants.operators.queries import all_receipts

    with Session(open_database()) as session:
        found = session.exec(all_receipts().order_by(col(DeletionReceipt.id).desc())).all()
    rows: list[dict[str, Any]] = []
    for one in found:
        intact = None if one.deleted_at is None else digest_of_receipt(one) == one.digest
        rows.append({**read_receipt(one).model_dump(mode="json"), "intact": intact})
    if not as_json:
        state = {None: "being deleted", True: "deleted", False: "deleted; THE RECEIPT WAS CHANGED"}
        rows = [
            {
                "id": row["brand_id"],
                "state": state[row["intact"]],
                "at": row["deleted_at"] or row["requested_at"],
                "rows": f"{sum(row['rows'].values())} rows",
                "name": row["brand_name"],
            }
            for row in rows
        ]
    show_all(rows, as_json)


def _open_as_owner() -> "Engine":
    """The database as the owner role, which alone may delete the audit log."""
    from app.database import database_urls, make_engine
    from app.settings import get_settings

    settings = get_settings()
    if settings.database_url is not None and settings.owner_database_url is None:
        fail("Deleting needs NOREN_OWNER_DATABASE_URL: the app's own role may not delete the audit log.")
    return make_engine(database_urls(settings).owner)


@operator.command("create")
def create_operator_key(
    name: str,
    expires: Annotated[str | None, typer.Option(help="When it ends, such as 2027-03-31T00:00:00+09:00.")] = None,
    as_json: AsJson = False,
) -> None:
    """Create an operator's key, and print it; it is shown this once and is good at /operator/v1 only."""
    from sqlmodel import Session

    from app.keys import digest_of, new_secret
    from tenants.operators import service

    label = read_name(name, "NAME")
    expires_at = read_instant(expires, "--expires")
    if expires_at is not None and expires_at <= datetime.now(UTC):
        raise typer.BadParameter("must lie in the future", param_hint="--expires")
    secret = new_secret("operator")
    prefix = secret[: len("nrn_operator_") + 6]
    with Session(open_database()) as session:
        key = service.create_operator_key(
            session, name=label, prefix=prefix, digest=digest_of(secret), expires_at=expires_at
        )
        shown = {**_key(key), "key": secret}
        session.commit()
    show(shown, as_json)


@operator.command("list")
def list_operator_keys(as_json: AsJson = False) -> None:
    """Every operator's key, without its secret."""
    from sqlmodel import Session

    from tenants.operators import queries

    with Session(open_database()) as session:
        rows = [_key(key) for key in queries.list_operator_keys(session)]
    if not as_json:
        rows = [
            {
                "id": row["id"],
                "prefix": f"{row['prefix']}…",
                "state": f"revoked {row['revoked_at']}" if row["revoked_at"] else "live",
                "used": f"last used {row['last_used_at']}" if row["last_used_at"] else "never used",
                "name": row["name"],
            }
            for row in rows
        ]
    show_all(rows, as_json)


@operator.command("revoke")
def revoke_operator_key(
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="The key's id, opkey_….")], as_json: AsJson = False
) -> None:
    """End an operator's key at once."""
    from sqlmodel import Session

    from tenants.ids import decode_id
    from tenants.operators import queries, service

    try:
        wanted = decode_id("opkey", key_id)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="KEY") from error
    with one_line("There is no such key, or it is revoked already."), Session(open_database()) as session:
        key = queries.lock_operator_key(session, wanted)
        service.revoke_operator_key(session, key, datetime.now(UTC))
        shown = _key(key)
        session.commit()
    show(shown, as_json)


def _summary(counted: Any) -> dict[str, Any]:
    from app.operators import service
    from app.operators.schemas import BrandSummary

    return BrandSummary.model_validate(service.describe(counted)).model_dump(mode="json")


def _key(key: Any) -> dict[str, Any]:
    from app.schemas import write_instant
    from tenants.ids import encode_id

    instants = {name: getattr(key, name) for name in ("created_at", "expires_at", "revoked_at", "last_used_at")}
    about = {"id": encode_id("opkey", key.id), "name": key.name, "prefix": key.prefix}
    return about | {name: write_instant(value) if value else None for name, value in instants.items()}
