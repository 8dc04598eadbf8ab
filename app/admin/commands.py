"""What operators do by hand about brands and their clients."""

import json
from typing import Annotated, Any

import typer

from tenants.scope import Scope
from tenants.session import ScopedSession

brand = typer.Typer(help="Brands.", no_args_is_help=True)
client = typer.Typer(help="Head office's API clients.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def register(cli: typer.Typer) -> None:
    """Put `brand` and `client` among the commands."""
    cli.add_typer(brand, name="brand")
    cli.add_typer(client, name="client")


@brand.command("create")
def create_brand(
    name: str,
    timezone: Annotated[str, typer.Option(help="Of the IANA database.")] = "Asia/Tokyo",
    as_json: AsJson = False,
) -> None:
    """Create a brand. It has no client yet: `noren client create` makes one."""
    from zoneinfo import available_timezones

    from app.keys import load_keyring
    from app.settings import get_settings
    from tenants.brands import service
    from tenants.ids import encode_id, uuid7

    if not name.strip() or len(name) > 200:
        raise typer.BadParameter("must be 1 to 200 characters", param_hint="NAME")
    if timezone not in available_timezones():
        raise typer.BadParameter("must be a time zone such as Asia/Tokyo", param_hint="--timezone")
    keyring = load_keyring(get_settings())
    with _open(Scope(uuid7())) as session:
        made = service.create_brand(session, keyring, name=name.strip(), timezone=timezone)
        session.commit()
    _print({"id": encode_id("brand", made.id), "name": made.name, "timezone": made.timezone}, as_json)


@client.command("create")
def create_client(
    brand_id: Annotated[str, typer.Option("--brand", help="The brand's id, brand_….")],
    name: Annotated[str, typer.Option(help="What the client is for.")],
    permissions: Annotated[
        str | None, typer.Option(help="Separated by spaces or commas; every permission unless some are named.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create an API client of a brand, and print its secret, which is shown this once."""
    from app.keys import digest_of, new_secret
    from tenants.brands.queries import get_brand
    from tenants.clients import service
    from tenants.ids import decode_id, encode_id
    from tenants.permissions import PERMISSIONS, normalise_permissions
    from tenants.problems import NotFound

    try:
        scope = Scope(decode_id("brand", brand_id))
        granted = normalise_permissions(permissions.replace(",", " ") if permissions else sorted(PERMISSIONS))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    secret = new_secret("client")
    with _open(scope) as session:
        try:
            get_brand(session, scope.brand_id)
        except NotFound as error:
            raise typer.BadParameter("there is no such brand", param_hint="--brand") from error
        made = service.create_client(session, name=name.strip(), permissions=granted, digest=digest_of(secret))
        session.commit()
    about = {"client_id": encode_id("client", made.id), "client_secret": secret, "name": made.name}
    _print({**about, "permissions": granted}, as_json)


def _open(scope: Scope) -> ScopedSession:
    """A session in this brand, in the database of the settings; an embedded one gets its schema on the way."""
    from app.database import database_urls, make_engine, migrate
    from app.settings import get_settings
    from tenants.session import open_session

    settings = get_settings()
    urls = database_urls(settings)
    if settings.database_url is None:
        migrate(urls.owner)
    return open_session(make_engine(urls.app), scope)


def _print(made: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(made, ensure_ascii=False))
        return
    for name, value in made.items():
        typer.echo(f"{name}: {' '.join(value) if isinstance(value, list) else value}")
