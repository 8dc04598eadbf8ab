"""What is kept of every call to LINE: a count and a time by endpoint, and a line in the log with LINE's request id.

LINE keeps no logs for us, and its support asks for the request id. Endpoints are templates: ids never become labels.
"""

from functools import lru_cache

import structlog
from prometheus_client import Counter, Histogram

log = structlog.get_logger("line")

CALLS = Counter("noren_line_calls_total", "Calls to LINE, by endpoint and outcome.", ["endpoint", "outcome"])
SECONDS = Histogram(
    "noren_line_call_seconds",
    "Time until LINE's answer was there, by endpoint.",
    ["endpoint"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)

OK = "ok"


def count_call(endpoint: str, outcome: str, seconds: float) -> None:
    """Count one call to an endpoint such as `GET /v2/bot/profile/{userId}`."""
    calls, times = _metrics(endpoint, outcome)
    calls.inc()
    times.observe(seconds)


def note_call(
    endpoint: str, outcome: str, seconds: float, *, channel_id: str, status: int | None, request_id: str | None
) -> None:
    """Count one call and write it down."""
    count_call(endpoint, outcome, seconds)
    method, _, path = endpoint.partition(" ")
    log.info(
        "line_call",
        method=method,
        endpoint=path,
        outcome=outcome,
        status=status,
        request_id=request_id,
        milliseconds=round(seconds * 1000, 1),
        channel_id=channel_id,
    )


def count_not_asked(endpoint: str) -> None:
    """Count a call that was not made, since LINE does not answer just now."""
    CALLS.labels(endpoint, "not_asked").inc()


@lru_cache(maxsize=1024)
def _metrics(endpoint: str, outcome: str) -> tuple[Counter, Histogram]:
    """Found once: by their labels it takes longer than to count, and thousands are sent a second."""
    return CALLS.labels(endpoint, outcome), SECONDS.labels(endpoint)
