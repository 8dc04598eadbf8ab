"""What operators do by hand about head office's clients."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from app.terminal import AsJson, opened, show, who_types
from tenants.scope import Scope

client = typer.Typer(help="Head office's API clients.", no_args_is_help=True)


def register(cli: typer.Typer) -> None:
    """Put `client` among the commands."""
    cli.add_typer(client, name="client")


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
    from app.audit.service import Deed, Thing, note
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
    with opened(scope) as session:
        try:
            if get_brand(session, scope.brand_id).status == "deleting":
                raise typer.BadParameter("the brand is being deleted", param_hint="--brand")
        except NotFound as error:
            raise typer.BadParameter("there is no such brand", param_hint="--brand") from error
        made = service.create_client(session, name=name.strip(), permissions=granted, digest=digest_of(secret))
        note(session, who_types(), Deed("create_api_client", Thing("client", made.id)), now=datetime.now(UTC))
    about = {"client_id": encode_id("client", made.id), "client_secret": secret, "name": made.name}
    show({**about, "permissions": granted}, as_json)
