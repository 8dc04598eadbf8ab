"""What came of a run of `crash`: LINE's ledger and ours, compared row by row."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx

from tenants.ids import decode_id


class Handed(NamedTuple):
    """A message that one person got, or was to get, from one account."""

    channel_id: str
    line_user_id: str
    text: str


@dataclass
class Figures:
    """What came of it."""

    people: int
    campaigns: int = 0
    kills: dict[str, int] = field(default_factory=dict)
    revived: int = 0
    """Processes that ended by themselves, since Postgres was gone when they began."""
    sent: int = 0
    failed: int = 0
    unknown: int = 0
    calls: int = 0
    """Sends that reached LINE, with those that were tried again or not taken."""
    lost: int = 0
    """Sent, as we have it, but not in LINE's ledger."""
    twice: int = 0
    """Rows of LINE's ledger that were there already."""
    strange: int = 0
    """In LINE's ledger, but not sent as we have it."""
    missing: int = 0
    """People of the audience without an end, or not failed although LINE does not know them."""
    strange_ids: int = 0
    """Batches with a request id that LINE never gave."""
    quota_off: int = 0
    """By how many messages the quota that we count differs from what LINE handed over, or is still reserved."""
    not_told_once: int = 0
    """Runs that were not told as finished exactly once, or with other numbers."""
    sent_while_paused: int = 0
    """Calls that began after the pause was answered and what was in the air had ended."""
    seconds: float = 0.0

    @property
    def wrong(self) -> int:
        """How much is not as it must be."""
        counts = (self.lost, self.twice, self.strange, self.missing, self.strange_ids, self.quota_off)
        return sum(counts) + self.not_told_once + self.sent_while_paused + self.unknown


def compare(
    query: Callable[..., list[tuple[Any, ...]]],
    line: httpx.Client,
    figures: Figures,
    texts: Mapping[str, str],
    strangers: int,
) -> None:
    """Count what differs between the two: `query` asks our tables, and `texts` says what each campaign says."""
    ledger, request_ids = _read_ledger(line)
    figures.calls = line.get("/_sandbox/stats").json()["calls"]
    figures.twice = sum(ledger.values()) - len(ledger)
    ours: set[Handed] = set()
    states: Counter[str] = Counter()
    for campaign_id, text in texts.items():
        rows = query(_DELIVERIES, campaign=decode_id("cmp", campaign_id))
        of_campaign = Counter(state for *_, state in rows)
        states += of_campaign
        figures.missing += abs(figures.people - len(rows)) + abs(strangers - of_campaign["failed"])
        ours |= {
            Handed(channel, user, text.replace("{{ customer.name }}", name))
            for channel, user, name, state in rows
            if state == "sent"
        }
    figures.sent, figures.failed, figures.unknown = states["sent"], states["failed"], states["unknown"]
    figures.missing += sum(states.values()) - figures.sent - figures.failed - figures.unknown
    figures.lost, figures.strange = len(ours - ledger.keys()), len(ledger.keys() - ours)
    sent_ids = query(_REQUEST_IDS)
    figures.strange_ids = sum(one not in request_ids for (one,) in sent_ids)
    used = {channel: (used, reserved) for channel, used, reserved in query(_QUOTAS)}
    handed = Counter(one.channel_id for one in ledger)
    figures.quota_off = sum(abs(one - handed[channel]) + reserved for channel, (one, reserved) in used.items())
    told = dict(query(_TOLD))
    figures.not_told_once = sum(
        told.get(run_id) != (1, sent) and told.get(run_id) != [1, sent] for run_id, sent in query(_SENT_BY_RUN)
    )


def _read_ledger(line: httpx.Client) -> tuple[Counter[Handed], set[str]]:
    """What LINE handed over, and the ids of the calls that did it."""
    ledger: Counter[Handed] = Counter()
    request_ids: set[str] = set()
    cursor: str | None = "0"
    while cursor is not None:
        page = line.get("/_sandbox/deliveries", params={"limit": 5000, "cursor": cursor}).json()
        for one in page["items"]:
            ledger[Handed(one["channel"], one["line_user_id"], one["messages"][0]["text"])] += 1
            request_ids.add(one["request_id"])
        cursor = page["next_cursor"]
    return ledger, request_ids


_STATE = "coalesce(failure.status, batch.state)"
_JOINED = """
FROM delivery
JOIN run ON run.brand_id = delivery.brand_id AND run.id = delivery.run_id
JOIN batch ON batch.brand_id = delivery.brand_id AND batch.run_id = delivery.run_id
    AND batch.batch_no = delivery.batch_no
LEFT JOIN delivery_failure failure ON failure.brand_id = delivery.brand_id AND failure.run_id = delivery.run_id
    AND failure.customer_id = delivery.customer_id
"""
_DELIVERIES = f"""
SELECT line_account.channel_id, delivery.line_user_id, customer.name, {_STATE}
{_JOINED}
JOIN line_account ON line_account.brand_id = delivery.brand_id AND line_account.no = delivery.account_no
JOIN customer ON customer.brand_id = delivery.brand_id AND customer.id = delivery.customer_id
WHERE delivery.brand_id = %(brand)s AND run.campaign_id = %(campaign)s
"""
_SENT_BY_RUN = f"""
SELECT run.id, count(*) FILTER (WHERE {_STATE} = 'sent') {_JOINED} WHERE run.brand_id = %(brand)s GROUP BY 1
"""
_TOLD = """
SELECT (data ->> 'run_id')::uuid, ARRAY[count(*), sum((SELECT sum((one ->> 'count')::int)
                                                       FROM jsonb_array_elements(data -> 'sent') AS one))::int]
FROM event WHERE brand_id = %(brand)s AND type = 'run.finished' GROUP BY 1
"""
_REQUEST_IDS = f"""
SELECT batch.request_id {_JOINED} WHERE batch.state = 'sent' GROUP BY batch.run_id, batch.batch_no, batch.request_id
HAVING count(*) > count(failure.status)
"""
_QUOTAS = """
SELECT line_account.channel_id, quota_month.used, quota_month.reserved
FROM quota_month JOIN line_account ON line_account.brand_id = quota_month.brand_id
    AND line_account.id = quota_month.line_account_id
WHERE quota_month.brand_id = %(brand)s
"""


def show(figures: Figures) -> str:
    """The figures as a table of two columns."""
    kills = ", ".join(f"{victim} {count}" for victim, count in sorted(figures.kills.items()))
    rows = [
        ("people", f"{figures.people:,}"),
        ("campaigns to all of them", f"{figures.campaigns}"),
        (f"kill -9: {kills}", f"{sum(figures.kills.values())}"),
        ("processes that ended by themselves", f"{figures.revived}"),
        ("sends that reached LINE", f"{figures.calls:,}"),
        ("sent", f"{figures.sent:,}"),
        ("failed (unknown to LINE)", f"{figures.failed:,}"),
        ("nobody can say", f"{figures.unknown}"),
        ("lost", f"{figures.lost}"),
        ("twice", f"{figures.twice}"),
        ("in LINE's ledger only", f"{figures.strange}"),
        ("without an end", f"{figures.missing}"),
        ("calls taken while paused", f"{figures.sent_while_paused}"),
        ("batches with an id not LINE's", f"{figures.strange_ids}"),
        ("quota counted wrongly", f"{figures.quota_off}"),
        ("runs not told once", f"{figures.not_told_once}"),
        ("seconds", f"{figures.seconds:,.0f}"),
    ]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:{width}}  {value:>9}" for name, value in rows)
