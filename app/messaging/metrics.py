"""What a worker tells of its sending, in Prometheus's format.

An account is no label of a counter, since there may be thousands: only those are named that send most just now.
"""

import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from uuid import UUID

from prometheus_client import REGISTRY, Counter
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from app.messaging.batches import Outcome, TakenBatch
from tenants.ids import encode_id

PEOPLE = Counter("noren_send_people_total", "People in batches that ended, by what became of them.", ["outcome"])
HELD = Counter("noren_send_held_total", "Batches that were put back, by why.", ["reason"])
BUSIEST = 10
"""How many accounts are named."""
WINDOW_SECONDS = 60


class Rates(Collector):
    """How many people each account reached in the last minute; told of the busiest, and of all others together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent: dict[UUID, deque[tuple[float, int]]] = defaultdict(deque)

    def note(self, line_account_id: UUID, people: int, at: float) -> None:
        """So many people were just sent to. `at` is of the monotonic clock."""
        with self._lock:
            sent = self._sent[line_account_id]
            sent.append((at, people))
            while sent[0][0] < at - WINDOW_SECONDS:
                sent.popleft()

    def list_busiest(self, now: float) -> list[tuple[str, float]]:
        """Accounts and the people they reach in a second, the busiest first, and last `others`."""
        with self._lock:
            counts = {
                line_account_id: sum(people for at, people in sent if at >= now - WINDOW_SECONDS)
                for line_account_id, sent in self._sent.items()
            }
            for line_account_id in [one for one, count in counts.items() if not count]:
                del self._sent[line_account_id], counts[line_account_id]
        ranked = sorted(counts.items(), key=lambda item: item[1], reverse=True)
        named = [(encode_id("acc", one), count / WINDOW_SECONDS) for one, count in ranked[:BUSIEST]]
        return [*named, ("others", sum(count for _, count in ranked[BUSIEST:]) / WINDOW_SECONDS)]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """As Prometheus asks."""
        title = f"People reached in a second of the last {WINDOW_SECONDS}, by the {BUSIEST} busiest LINE accounts."
        gauge = GaugeMetricFamily("noren_send_people_per_second", title, labels=["account"])
        for account, rate in self.list_busiest(time.monotonic()):
            gauge.add_metric([account], rate)
        yield gauge


RATES = Rates()
REGISTRY.register(RATES)


def count_ends(line_account_id: UUID, outcomes: Sequence[tuple[TakenBatch, Outcome]]) -> None:
    """Count what became of batches of one account, once it is written down."""
    sent = 0
    for batch, outcome in outcomes:
        if outcome.hold is not None:
            HELD.labels(outcome.hold.meaning.name.lower()).inc()
        elif outcome.is_refused:
            HELD.labels("halved").inc()
        elif outcome.state == "sent":
            sent += batch.size - len(outcome.failures)
            PEOPLE.labels("failed").inc(len(outcome.failures))
        elif outcome.state is not None:
            PEOPLE.labels(outcome.state).inc(batch.size)
    PEOPLE.labels("sent").inc(sent)
    if sent:
        RATES.note(line_account_id, sent, time.monotonic())
