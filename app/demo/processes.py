"""The demo's processes: started together, watched, and stopped together."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

STOP_SECONDS = 10.0


class PortTaken(Exception):
    """Another program listens where the demo wants to."""


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
        """Wait until `url` answers 2xx. Raises DidNotStart."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if name in self.list_ended():
                break
            with suppress(URLError, OSError), urlopen(url, timeout=2) as answer:  # noqa: S310 - our own address
                if answer.status < 300:
                    return
            time.sleep(0.1)
        raise DidNotStart(f"{name} did not start; see {self.folder / name}.log")

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
