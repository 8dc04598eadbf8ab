"""What this machine is, and what a process costs it. Read from /proc; elsewhere than on Linux costs are unknown."""

import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def describe() -> dict[str, Any]:
    """The machine as it stands beside the figures."""
    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "memory_mb": os.sysconf("SC_PHYS_PAGES") * _PAGE_BYTES // 2**20,
        "load_average": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def _cpu_name() -> str:
    try:
        lines = (_PROC / "cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def cpu_seconds(pid: int) -> float:
    """CPU time of a process, of those below it and of those that have ended below it, in seconds."""
    return sum(_ticks(one) for one in list_tree(pid)) / _TICKS


def resident_mb(pid: int) -> float:
    """Resident memory of one process in MB; pages that it shares with others count in full."""
    try:
        pages = int((_PROC / str(pid) / "statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * _PAGE_BYTES / 2**20


def list_tree(pid: int) -> Iterator[int]:
    """A process and all below it."""
    yield pid
    try:
        threads = list((_PROC / str(pid) / "task").iterdir())
        children = [int(child) for thread in threads for child in (thread / "children").read_text().split()]
    except OSError:
        return
    for child in children:
        yield from list_tree(child)


def _ticks(pid: int) -> int:
    try:
        after_name = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(int(field) for field in after_name[11:15])  # utime, stime, and both of children that were waited for
