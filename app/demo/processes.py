"""The demo's processes: started together, watched, and stopped together."""

import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

STOP_SECONDS = 10.0
LOG_LINES = 5


class PortTaken(Exception):
    """Another program listens where the demo wants to."""


class AlreadyRuns(Exception):
    """Another demo runs in the same folder."""


class DidNotStart(Exception):
    """A process ended, or was not ready in time."""


def require_free(host: str, port: int, option: str) -> None:
    """Raises PortTaken, in words that say what to do."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(f"Port {port} is taken; choose another with {option}.") from error


@contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """Keep every other demo out of this folder, which is made. Raises AlreadyRuns if one is in it.

    The lock goes with this process, however it ends; the file stays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRuns(
                f"A demo already runs in this folder ({folder}); stop it, or choose another with --data-dir."
            ) from error
        yield


def _die_with_parent() -> None:
    """On Linux, have the kernel end the child when the demo itself is killed."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


@dataclass
class Processes:
    """Named children of this process, each with its log file."""

    folder: Path
    environment: Mapping[str, str]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    commands: dict[str, Sequence[str]] = field(default_factory=dict)

    def start(self, name: str, arguments: Sequence[str], *, module: str = "app") -> None:
        """Start `noren <arguments>`, or another module of ours, its output in `<folder>/<name>.log`."""
        self.commands[name] = arguments
        with open(self.folder / f"{name}.log", "ab") as log:
            self.running[name] = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-m", module, *arguments],
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - nothing but prctl happens in it
            )

    def list_ended(self) -> list[str]:
        """The names of those that have ended by themselves."""
        return [name for name, process in self.running.items() if process.poll() is not None]

    def wait_for(self, name: str, url: str, seconds: float) -> None:
        """Wait until `url` answers 2xx. Raises DidNotStart, at once if any of the children has ended."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if ended := self.list_ended():
                raise DidNotStart(f"{ended[0]} ended while it started; {self._tell_log(ended[0])}")
            with suppress(URLError, OSError), urlopen(url, timeout=2) as answer:  # noqa: S310 - our own address
                if answer.status < 300:
                    return
            time.sleep(0.1)
        raise DidNotStart(f"{name} was not ready after {seconds:g} s; {self._tell_log(name)}")

    def _tell_log(self, name: str) -> str:
        """The last lines of a child's log, and where the others are."""
        path = self.folder / f"{name}.log"
        lines = path.read_text(errors="replace").splitlines()[-LOG_LINES:]
        return "\n  ".join([f"the end of {path}:", *lines])

    def stop(self) -> None:
        """Ask all to end, the newest first, and kill what does not."""
        for process in reversed(list(self.running.values())):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        until = time.monotonic() + STOP_SECONDS
        for process in self.running.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, until - time.monotonic()))
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
