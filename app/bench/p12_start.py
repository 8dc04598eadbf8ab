"""P12: how long `noren serve` takes to be ready, and the memory that `serve` and `worker` hold before any work."""

from statistics import median
from time import sleep

from app.bench.campaigns import start_worker
from app.bench.machine import list_tree, resident_mb
from app.bench.place import HOST, open_place, wait_ready
from app.bench.results import Bar, Line, Result, Size

ROUNDS = {Size.CI: 3, Size.FULL: 7}
_SETTLE_SECONDS = 2.0
_MOST_MB = Bar(at_most=220)


def run(size: Size) -> Result:
    """Start and stop `serve` a few times, then look at both."""
    with open_place() as place:
        seconds, serve_mb, child_mb = [], 0.0, 0.0
        for _ in range(ROUNDS[size]):
            with place.processes() as processes:
                processes.start("serve", ["serve", "--port", str(place.port)])
                seconds.append(wait_ready(processes, "serve", f"http://{HOST}:{place.port}/readyz"))
                sleep(_SETTLE_SECONDS)
                pids = list(list_tree(processes.running["serve"].pid))
                sizes = [resident_mb(pid) for pid in pids]
                serve_mb, child_mb = sum(sizes), max(sizes)
        with place.processes() as processes:
            pid = start_worker(place, processes)
            sleep(_SETTLE_SECONDS)
            worker_mb = resident_mb(pid)
    return Result(
        id="P12",
        title="Start and memory",
        lines=(
            Line(work="noren serve, start to ready", figure=median(seconds), unit="s", bar=Bar(at_most=3)),
            Line(work="memory of serve, both processes", figure=serve_mb, unit="MB", bar=_MOST_MB),
            Line(work="of it the one that answers", figure=child_mb, unit="MB"),
            Line(work="memory of worker", figure=worker_mb, unit="MB", bar=_MOST_MB),
        ),
        notes=(f"The database is there and migrated. Median of {len(seconds)} starts.",),
    )
