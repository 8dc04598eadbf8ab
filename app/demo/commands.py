"""`noren demo`: two brands on this machine, ready to try."""

import json
import os
import shutil
import signal
import threading
import webbrowser
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_urlsafe
from shlex import quote
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console

from app.database import Urls, create_roles, database_urls, embedded_postgres, make_engine, migrate, stop_embedded
from app.demo.processes import AlreadyRuns, DidNotStart, PortTaken, Processes, hold_folder, require_free
from app.demo.staff import CLIENT_ID, employ
from app.keys import load_keyring
from app.settings import Settings

HOST = "127.0.0.1"
console = Console(highlight=False)


def register(cli: typer.Typer) -> None:
    """Add the command to `noren`."""
    cli.command("demo")(demo)


def demo(
    port: Annotated[int, typer.Option(help="Port of the API.")] = 8000,
    sandbox_port: Annotated[int, typer.Option(help="Port of the LINE and weather sandbox.")] = 8010,
    data_dir: Annotated[Path, typer.Option(help="Where the demo keeps its data.")] = Path(".noren"),
    customers: Annotated[int, typer.Option(min=50, max=1_000_000, help="Customers of the first brand.")] = 2000,
    browser: Annotated[bool, typer.Option(help="Open the API's page in a browser.")] = True,
    fresh: Annotated[bool, typer.Option("--fresh", help="Throw the demo's data away and begin anew.")] = False,
) -> None:
    """Run everything on this machine with example data: Postgres, API, worker, a sandbox of LINE and the weather."""
    folder = data_dir.resolve()
    try:
        with hold_folder(folder):
            require_free(HOST, port, "--port")
            require_free(HOST, sandbox_port, "--sandbox-port")
            if fresh:
                throw_away(folder)
            _run(folder, port, sandbox_port, customers, browser=browser)
    except (AlreadyRuns, PortTaken, DidNotStart) as error:
        raise typer.Exit(_complain(str(error))) from error


def _run(folder: Path, port: int, sandbox_port: int, customers: int, *, browser: bool) -> None:
    """Start everything, and stop it at a signal. Raises DidNotStart."""
    for name in [name for name in os.environ if name.startswith("NOREN_")]:
        del os.environ[name]
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    api_url, sandbox_url = f"http://{HOST}:{port}", f"http://{HOST}:{sandbox_port}"
    with console.status("Starting the database…"):
        environment = prepare(folder, api_url, sandbox_url)
    processes = Processes(folder, environment)
    try:
        with console.status("Filling in two brands…"):
            processes.start("sandbox", _sandbox_arguments(folder, sandbox_port))
            processes.wait_for("sandbox", f"{sandbox_url}/_sandbox/stats", 20)
            shown = fill(folder, environment, api_url, sandbox_url, customers)
            _write_files(folder, environment, shown)
            processes.start("worker", ["worker"])
            processes.start("serve", ["serve", "--host", HOST, "--port", str(port)])
            processes.wait_for("serve", f"{api_url}/readyz", 40)
        _show(shown, folder)
        if browser and os.environ.get("DISPLAY"):
            webbrowser.open(f"{api_url}/docs")
        _watch(processes, stop)
    finally:
        processes.stop()
        stop_embedded(folder)
        console.print("Stopped. The data is kept; start again with the same command.")


def throw_away(folder: Path) -> None:
    """Remove what an earlier demo left in its folder, and nothing else."""
    stop_embedded(folder)
    shutil.rmtree(folder / "postgres", ignore_errors=True)
    for pattern in ("*.log", "demo.json", "env", "sandbox.*", "master-keys"):
        for path in folder.glob(pattern):
            path.unlink()


def prepare(folder: Path, api_url: str, sandbox_url: str) -> dict[str, str]:
    """Start the embedded database and answer the environment of every process of this demo."""
    settings = Settings(data_dir=folder)
    admin_url = embedded_postgres(folder)
    create_roles(admin_url, "noren", {})
    urls: Urls = database_urls(settings)
    migrate(urls.owner)
    load_keyring(settings)
    return {
        "NOREN_DATABASE_URL": urls.app,
        "NOREN_OWNER_DATABASE_URL": urls.owner,
        "NOREN_ADMIN_DATABASE_URL": admin_url,
        "NOREN_MASTER_KEYS": f"file:{(folder / 'master-keys').resolve()}",
        "NOREN_DATA_DIR": str(folder),
        "NOREN_PUBLIC_URL": api_url,
        "NOREN_LINE_API_URL": sandbox_url,
        "NOREN_LINE_DATA_URL": sandbox_url,
        "NOREN_LINE_LOGIN_URL": sandbox_url,
        "NOREN_LINE_APP_URL": sandbox_url,
        "NOREN_LINE_TEST_URL": sandbox_url,
        "NOREN_JMA_URL": sandbox_url,
        "NOREN_OPEN_METEO_URL": sandbox_url,
        "NOREN_WBGT_URL": sandbox_url,
        "NOREN_OIDC_ISSUER": f"{sandbox_url}/oidc",
        "NOREN_OIDC_CLIENT_ID": CLIENT_ID,
        "NOREN_OIDC_CLIENT_SECRET": token_urlsafe(32),
        "NOREN_READY_URL": f"{sandbox_url}/_sandbox/stats",
        "NOREN_READY_NEEDS_WORKER": "true",
        # Whoever tries the demo may count it out; what a limit feels like shows with a lower number.
        "NOREN_RATE_LIMIT": "600000",
        "NOREN_ANONYMOUS_RATE_LIMIT": "60000",
    }


def fill(folder: Path, environment: dict[str, str], api_url: str, sandbox_url: str, customers: int) -> dict[str, Any]:
    """What demo.json says; on the first start the brands are made, later only the addresses are brought up to date."""
    from app.demo.seed import is_seeded, seed

    settings = Settings(**{name.removeprefix("NOREN_").lower(): value for name, value in environment.items()})  # type: ignore[arg-type]
    engine = make_engine(environment["NOREN_DATABASE_URL"], pool_size=4)
    contract = folder / "demo.json"
    addresses = {"api_url": api_url, "console_url": f"{api_url}/console", "sandbox_url": sandbox_url}
    if is_seeded(engine):
        if not contract.exists():
            raise DidNotStart(f"{contract} is missing, and with it the demo's credentials; start with --fresh.")
        shown: dict[str, Any] = json.loads(contract.read_text()) | addresses
        _tell_sandbox(sandbox_url, {"channels": _channels_at(shown, api_url), **_login_channels_at(shown, api_url)})
        _move_links(shown, api_url)
    else:
        food, coffee = seed(engine, load_keyring(settings), customers, api_url, datetime.now(UTC))
        _tell_sandbox(sandbox_url, food.world)
        _tell_sandbox(sandbox_url, coffee.world)
        shown = {
            **addresses,
            "hq": food.client,
            "other_brand": coffee.client,
            "stores": food.stores,
            "line_accounts": food.line_accounts,
        }
        _project_all(engine)
    secret = environment["NOREN_OIDC_CLIENT_SECRET"]
    shown["staff"] = employ(engine, api_url=api_url, sandbox_url=sandbox_url, client_secret=secret)
    _prepare_weather(settings, engine)
    engine.dispose()
    return shown


def _channels_at(shown: dict[str, Any], api_url: str) -> list[dict[str, str]]:
    return [
        {"channel_id": one["channel_id"], "webhook_url": f"{api_url}/line/webhook/{one['id']}"}
        for one in shown["line_accounts"]
    ]


def _login_channels_at(shown: dict[str, Any], api_url: str) -> dict[str, Any]:
    """Where the Login channels come back to; demos that were filled earlier have none."""
    from app.demo.seed import callback_urls

    ids = [one["login_channel_id"] for one in shown["line_accounts"] if one.get("login_channel_id")]
    return {"login_channels": [{"channel_id": one, "callback_urls": callback_urls(api_url)} for one in ids]}


def _move_links(shown: dict[str, Any], api_url: str) -> None:
    """Let the stores' links begin with the address at which the demo is now."""
    for store in shown["stores"]:
        if "qr_code" in store:
            store["qr_code"]["url"] = f"{api_url}/r/{store['qr_code']['url'].rpartition('/')[2]}"


def _tell_sandbox(sandbox_url: str, world: dict[str, Any]) -> None:
    answer = httpx.post(f"{sandbox_url}/_sandbox/world", json=world, timeout=60, trust_env=False)
    if answer.status_code != 200:
        raise DidNotStart(f"The sandbox did not take the demo's world: {answer.text[:200]}")


def _project_all(engine: Any) -> None:
    """Bring the reports up to the seeded history before anybody looks."""
    from app.events.projector import project
    from app.events.queries import list_unprojected_brands
    from app.schedule import SUBSCRIBERS

    while brand_ids := list_unprojected_brands(engine):
        for brand_id in brand_ids:
            project(engine, brand_id, datetime.now(UTC), SUBSCRIBERS, most=5000)


def _prepare_weather(settings: Settings, engine: Any) -> None:
    """Bring in the area tables and a first forecast, so that stores find theirs."""
    from app.jobs.queue import Clockwork
    from app.weather import fetching

    clock = Clockwork(engine, load_keyring(settings), settings, datetime.now(UTC))
    fetching.sync(clock)
    fetching.fetch_all(clock)


def _sandbox_arguments(folder: Path, port: int) -> list[str]:
    return ["sandbox", "--host", HOST, "--port", str(port), "--state", str(folder / "sandbox.json")]


def _write_files(folder: Path, environment: dict[str, str], shown: dict[str, Any]) -> None:
    """`env` for other commands, and `demo.json` for programs; both readable by their owner only."""
    lines = [f"{name}={quote(value)}\n" for name, value in environment.items()]
    for name, content in (("env", "".join(lines)), ("demo.json", json.dumps(shown, ensure_ascii=False, indent=2))):
        path = folder / name
        path.touch(mode=0o600)
        path.write_text(content + ("" if content.endswith("\n") else "\n"))


def _watch(processes: Processes, stop: threading.Event) -> None:
    """Wait for the signal to stop; start again what ends before it."""
    while not stop.wait(0.5):
        for name in processes.list_ended():
            console.print(f"[yellow]{name} has ended; starting it again.[/]")
            processes.start(name, processes.commands[name])


def _show(shown: dict[str, Any], folder: Path) -> None:
    first = shown["stores"][0]
    lines = (
        ("API", f"{shown['api_url']}/v1  (documentation: {shown['api_url']}/docs)"),
        ("Console", f"{shown['console_url']}  (sign in as {shown['staff'][0]['email']}, without a password)"),
        ("Sandbox of LINE and weather", shown["sandbox_url"]),
        ("A customer's phone", f"{shown['sandbox_url']}/phone  (choose who you are)"),
        *([(f"To scan with it, {first['code']}", first["qr_code"]["url"])] if "qr_code" in first else []),
        ("Head office, client id", shown["hq"]["client_id"]),
        ("Head office, client secret", shown["hq"]["client_secret"]),
        (f"Store key, {first['code']}", first["key"]),
        ("Everything as JSON", str(folder / "demo.json")),
        ("Environment of other commands", str(folder / "env")),
    )
    console.print("\n[bold]Noren is ready.[/] Ctrl-C stops it.\n")
    for name, value in lines:
        console.print(f"  {name:<31}{value}", soft_wrap=True)


def _complain(sentence: str) -> int:
    console.print(sentence, style="red", markup=False, soft_wrap=True)
    return 1
