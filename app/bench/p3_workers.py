"""P3W: the same personal campaign on a hundred accounts, worked off by one worker, by two and by four."""

from app.bench import campaigns
from app.bench.brand import BenchBrand, forget_sends, seed_brand, seed_people, tell_sandbox
from app.bench.clock import Stopwatch
from app.bench.place import Place, open_place
from app.bench.results import Line, Result, Size

ACCOUNTS = 100
WORKERS = (1, 2, 4)
PEOPLE = {Size.CI: 20_000, Size.FULL: 200_000}
MESSAGES = ({"type": "text", "text": "{{ customer.name }}さん、雨の日もあたたかいお店でお待ちしています。"},)


def run(size: Size) -> Result:
    """Measure with ever more workers; the first campaign only opens connections and mints tokens."""
    people = PEOPLE[size]
    watches: dict[int, Stopwatch] = {}
    ledgers = campaigns.Ledgers()
    with open_place() as place, place.processes() as processes:
        brand = seed_brand(place, accounts=ACCOUNTS)
        seed_people(place, brand, people)
        place.start_sandbox(processes)
        tell_sandbox(place, brand)
        pids: dict[str, int] = {}
        for count in WORKERS:
            while len(pids) < count:
                name = f"worker {len(pids) + 1}"
                pids[name] = campaigns.start_worker(place, processes, name)
            _send(place, brand, Stopwatch(place), people, campaigns.Ledgers())
            watches[count] = Stopwatch(place, **pids, sandbox=processes.running["sandbox"].pid)
            _send(place, brand, watches[count], people, ledgers)
    alone = people / watches[1].seconds
    lines = [
        Line(
            work=f"{people:,} people by {count} worker{'s' if count > 1 else ''}, in {watch.seconds:.1f} s",
            figure=people / watch.seconds,
            unit="/s",
            reference=alone,
        )
        for count, watch in watches.items()
    ]
    cpu = {
        f"{name} of {count}": seconds for count, watch in watches.items() for name, seconds in watch.cpu_seconds.items()
    }
    return Result(
        id="P3W",
        title="The same send with more workers",
        lines=(*lines, *ledgers.lines()),
        cpu_seconds=cpu,
        notes=(
            f"{ACCOUNTS} accounts, a push for each person; from the resume to the last batch settled.",
            "Reference: one worker. Postgres and the sandbox share the machine's cores with the workers.",
        ),
    )


def _send(place: Place, brand: BenchBrand, watch: Stopwatch, people: int, ledgers: campaigns.Ledgers) -> None:
    launched = campaigns.launch(place, brand, campaigns.draft(place, brand, MESSAGES), paused=True)
    forget_sends(place)
    with watch:
        campaigns.resume(place, brand, launched.campaign_id)
        campaigns.wait_finished(place, launched.run_id)
    ledgers.add(place, brand, launched.run_id, people)
