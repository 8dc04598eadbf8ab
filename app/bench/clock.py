"""A stopwatch that can be started again, for time and for the CPU time of processes."""

import time
from types import TracebackType

from app.bench.machine import cpu_seconds
from app.bench.place import Place


class Stopwatch:
    """Adds up the seconds of its blocks, and what named processes and Postgres used in them."""

    def __init__(self, place: Place, **pids: int) -> None:
        self.seconds = 0.0
        self.cpu_seconds = dict.fromkeys([*pids, "Postgres"], 0.0)
        self._place = place
        self._pids = pids
        self._began = 0.0
        self._cpu_began: dict[str, float] = {}

    def _cpu(self) -> dict[str, float]:
        used = {name: cpu_seconds(pid) for name, pid in self._pids.items()}
        return used | {"Postgres": self._place.postgres_cpu_seconds()}

    def __enter__(self) -> None:
        self._cpu_began = self._cpu()
        self._began = time.perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.seconds += time.perf_counter() - self._began
        for name, used in self._cpu().items():
            self.cpu_seconds[name] += used - self._cpu_began[name]
