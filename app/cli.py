"""What operators do by hand. `noren --help` lists it."""

import json
import os
import sys
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from app.settings import get_settings, tell_unloaded_demo

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Noren: one customer database, many LINE accounts.",
)


@cli.command()
def setup() -> None:
    """Create the database roles, once per database, as the admin role."""
    from app.database import setup as create

    typer.echo(f"Roles and database {create(get_settings())!r} are ready; now run: noren migrate")


@cli.command()
def migrate(revision: str = "head") -> None:
    """Bring the schema up to date, as the owner role; once per deploy."""
    from app.database import database_urls
    from app.database import migrate as upgrade

    upgrade(database_urls(get_settings()).owner, revision)
    typer.echo("The schema is up to date.")


@cli.command()
def serve(
    host: str = "127.0.0.1",
    port: int = 8000,
    processes: Annotated[int, typer.Option(help="Server processes.")] = 1,
) -> None:
    """API and intake of LINE's webhooks; any number, stateless."""
    from app.serving import serve as serve_app

    settings = get_settings()
    if settings.database_url is None:
        from app.database import database_urls
        from app.database import migrate as upgrade

        upgrade(database_urls(settings).owner)
    serve_app("app.main:create_app", host, port, processes)


@cli.command()
def worker(
    until_idle: Annotated[bool, typer.Option("--until-idle", help="Work off what is due, then exit.")] = False,
    metrics_port: Annotated[int | None, typer.Option(help="Serve this worker's Prometheus metrics here.")] = None,
    metrics_host: Annotated[str, typer.Option(help="The address that serves them.")] = "127.0.0.1",
) -> None:
    """Jobs, lanes and the clock; any number, any machine."""
    if hint := tell_unloaded_demo(get_settings()):
        typer.echo(hint, err=True)
    if metrics_port is not None:
        from prometheus_client import start_http_server

        start_http_server(metrics_port, metrics_host)
    from app.worker import run_worker

    run_worker(get_settings(), until_idle=until_idle)


@cli.command()
def sandbox(
    host: str = "127.0.0.1",
    port: int = 8010,
    state: Annotated[Path | None, typer.Option(help="File that keeps the sandbox's world.")] = None,
    weather_data: Annotated[Path | None, typer.Option(help="Folder of recorded JMA files to replay.")] = None,
    rate_limits: bool = True,
    data_port: Annotated[
        int | None, typer.Option(help="Port of LINE's host for contents and images; else they are at --port too.")
    ] = None,
) -> None:
    """A look-alike of LINE and of JMA's files, for development, tests and partners."""
    from app.sandbox.main import run

    at = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    typer.echo(f"LINE and JMA to develop against: {at} · a customer's phone: {at}/phone")
    run(host, port, state_file=state, weather_data=weather_data, rate_limits=rate_limits, data_port=data_port)


@cli.command()
def openapi(
    against: Annotated[
        Path | None, typer.Option(help="A published document: print what breaks its callers, and fail, if anything.")
    ] = None,
) -> None:
    """Print the OpenAPI document of this version, or what it breaks of a published one."""
    from app.main import create_app

    document = create_app().openapi()
    if against is not None:
        from app.openapi.changes import list_breaks

        if breaks := list_breaks(json.loads(against.read_text()), document):
            typer.echo(
                "\n".join([*breaks, f"\nThis breaks callers of {against}. CONTRIBUTING.md says what can be done."])
            )
            raise typer.Exit(1)
        return
    typer.echo(json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True))


def parse_instant(text: str | None) -> datetime | None:
    """An RFC 3339 instant with its offset. Raises BadParameter."""
    if text is None:
        return None
    try:
        value = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not an RFC 3339 instant") from error
    if value.tzinfo is None:
        raise typer.BadParameter("give the offset too, such as +09:00")
    return value


DOMAIN_COMMANDS = {
    "weather": "app.weather.commands",
    "brand": "app.operators.commands",
    "client": "app.admin.commands",
    "demo": "app.demo.commands",
    "bench": "app.bench.commands",
    "doctor": "app.doctor.command",
    "keys": "app.admin.key_commands",
    "audit": "app.audit.commands",
    "recount": "app.customers.commands",
}


def main() -> None:
    """The `noren` command. A domain's commands are imported only when they are called for, so that help stays fast."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    for name, module in DOMAIN_COMMANDS.items():
        if wanted in (name, "", "--help") or (name == "brand" and wanted == "operator"):
            import_module(module).register(cli)
    cli()
