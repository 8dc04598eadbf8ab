"""Where a benchmark runs: a database and processes of its own in a temporary folder, gone when it ends."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import orjson
import psycopg
from sqlalchemy import Engine

from app.bench.machine import cpu_seconds
from app.bench.results import Failed
from app.database import Urls, create_roles, embedded_postgres, embedded_urls, make_engine, migrate, stop_embedded
from app.demo.processes import DidNotStart, Processes
from app.keys import new_master_key
from app.settings import Settings
from tenants.sealing import Keyring

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Place:
    """An empty installation, migrated, with no process running yet but Postgres."""

    folder: Path
    urls: Urls
    settings: Settings
    keyring: Keyring
    engine: Engine
    port: int
    sandbox_port: int

    @property
    def sandbox_url(self) -> str:
        """Where the processes look for LINE."""
        return f"http://{HOST}:{self.sandbox_port}"

    @property
    def admin_url(self) -> str:
        """The database as a superuser, whom no wall stops: for seeding and for counting afterwards."""
        return psycopg.conninfo.make_conninfo(self.urls.admin or "", dbname="noren")

    def postgres_cpu_seconds(self) -> float:
        """CPU time of the whole database server so far."""
        pid = (self.folder / "postgres" / "postmaster.pid").read_text().split()[0]
        return cpu_seconds(int(pid))

    @contextmanager
    def processes(self) -> Iterator[Processes]:
        """Processes of this installation, ended with the block."""
        environment = {
            "NOREN_DATABASE_URL": self.urls.app,
            "NOREN_OWNER_DATABASE_URL": self.urls.owner,
            "NOREN_MASTER_KEYS": self._master_keys(),
            "NOREN_DATA_DIR": str(self.folder),
            "NOREN_PUBLIC_URL": f"http://{HOST}:{self.port}",
            "NOREN_LINE_API_URL": self.sandbox_url,
            "NOREN_LINE_DATA_URL": self.sandbox_url,
            "NOREN_LINE_LOGIN_URL": self.sandbox_url,
            "NOREN_JMA_URL": self.sandbox_url,
            "NOREN_WBGT_URL": self.sandbox_url,
            "NOREN_LOG_LEVEL": "warning",
            "NOREN_RATE_LIMIT": "100000000",
            "NOREN_ANONYMOUS_RATE_LIMIT": "100000000",
        }
        processes = Processes(self.folder, environment)
        try:
            yield processes
        except DidNotStart as error:
            raise Failed(_last_words(processes, str(error))) from error
        finally:
            with undisturbed():
                processes.stop()

    def start_sandbox(self, processes: Processes) -> None:
        """Start the look-alike of LINE, without rate limits, and wait for it."""
        processes.start("sandbox", ["sandbox", "--port", str(self.sandbox_port), "--no-rate-limits"])
        processes.wait_for("sandbox", f"{self.sandbox_url}/_sandbox/stats", 60)

    def _master_keys(self) -> str:
        assert self.settings.master_keys is not None
        return self.settings.master_keys.get_secret_value()


@contextmanager
def open_place() -> Iterator[Place]:
    """An installation for one benchmark. However the block ends, its processes end and its folder goes.

    What the environment says of another installation is set aside meanwhile.
    """
    set_aside = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("NOREN_")}
    folder = Path(tempfile.mkdtemp(prefix="noren-bench-"))
    try:
        admin_url = embedded_postgres(folder)
        create_roles(admin_url, "noren", {})
        socket_folder = str(psycopg.conninfo.conninfo_to_dict(admin_url)["host"])
        urls = embedded_urls(socket_folder, "noren", admin_url)
        migrate(urls.owner)
        master_keys = new_master_key("bench")
        sandbox_port = find_free_port()
        settings = Settings(
            database_url=urls.app,
            master_keys=master_keys,
            data_dir=folder,
            line_api_url=f"http://{HOST}:{sandbox_port}",
        )
        engine = make_engine(urls.app, pool_size=4)
        yield Place(folder, urls, settings, Keyring.parse(master_keys), engine, find_free_port(), sandbox_port)
        engine.dispose()
    finally:
        with undisturbed():
            stop_embedded(folder)
            shutil.rmtree(folder, ignore_errors=True)
            os.environ.update(set_aside)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Tidy up without a second Ctrl-C leaving half of it behind."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def find_free_port() -> int:
    """A port on which nobody listens just now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def wait_ready(processes: Processes, name: str, url: str, seconds: float = 60.0) -> float:
    """Seconds until `url` answers 200, looked at every 10 ms. Raises Failed."""
    began = time.monotonic()
    while time.monotonic() - began < seconds and name not in processes.list_ended():
        try:
            with urlopen(url, timeout=2) as answer:  # noqa: S310 - our own address
                if answer.status == 200:
                    return time.monotonic() - began
        except (URLError, OSError):
            time.sleep(0.01)
    raise Failed(_last_words(processes, f"{name} was not ready in time."))


def run_child(module: str, arguments: Sequence[str]) -> dict[str, Any]:
    """What a module of ours prints as JSON, run in a process of its own so that its CPU time is not ours.

    Raises Failed.
    """
    child = subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        printed, complaint = child.communicate()
    except BaseException:
        child.kill()
        child.wait()
        raise
    if child.returncode != 0:
        raise Failed(f"{module} failed: {complaint.decode(errors='replace')[-2000:]}")
    answer: dict[str, Any] = orjson.loads(printed)
    return answer


def _last_words(processes: Processes, sentence: str) -> str:
    """The sentence with the ends of the logs, since the folder goes."""
    logs = [(name, processes.folder / f"{name}.log") for name in processes.running]
    return "\n".join([sentence, *(f"--- {name}\n{log.read_text()[-1500:]}" for name, log in logs if log.exists())])
