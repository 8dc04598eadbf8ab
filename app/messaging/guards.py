"""What is held against everybody who might be written to: what she allowed, how often she heard, what time it is.

A freeze judges all of it in its own statement, under the lock that lets one freeze of a brand run at a time: whoever
launches next counts what this one chose.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.customers.consents.queries import REFUSING
from app.customers.preferences.queries import MUTING, PAUSING, SLEEPING
from app.messaging.quiet import find_awake_at, find_quiet_end
from app.messaging.safety.queries import list_stopped_nos
from tenants.brands.models import Brand
from tenants.session import ScopedSession
from tenants.stores.queries import list_store_hours


@dataclass(frozen=True)
class Cap:
    """At most so many messages to one person within so many days, whichever accounts they come from."""

    messages: int
    days: int


@dataclass(frozen=True)
class Guards:
    """A brand's guards at a moment: conditions of driver SQL, asked once for a whole audience, and their values."""

    now: datetime
    caps: Sequence[Cap] = ()
    is_quiet: bool = False
    quiet_store_nos: Sequence[int] = ()
    """The stores that are quiet though the brand is not."""
    stopped_store_nos: Sequence[int] = ()
    """The stores to which nobody is to be invited, since a warning lies over them."""
    clock: str = "12:00"
    """The time of the brand's day by which the run goes."""

    def refuses(self, customer_id: str, store_no: str) -> str:
        """The condition that this customer wants no message of ours, none just now, or none from this store."""
        return (
            f"({customer_id} IN ({REFUSING}) OR {customer_id} IN ({PAUSING})"
            f" OR ({customer_id}, {store_no}) IN ({MUTING}))"
        )

    def is_full_up(self, customer_id: str) -> str:
        """The condition that this customer had as many as a cap allows, or will have once what waits is sent."""
        if not self.caps:
            return "false"
        reached = " OR ".join(
            f"count(*) FILTER (WHERE recent.sent_at > %(since_{number})s) >= %(cap_{number})s"
            for number in range(len(self.caps))
        )
        return f"{customer_id} IN ({_HEARD} HAVING {reached})"

    def is_quiet_for(self, customer_id: str, store_no: str) -> str:
        """The condition that nothing is sent now for the store that stands behind a delivery, or to this customer."""
        if self.is_quiet:
            return "true"
        sleeps = f"{customer_id} IN ({SLEEPING})"
        return f"{store_no} = ANY(%(quiet_store_nos)s::int[]) OR {sleeps}" if self.quiet_store_nos else sleeps

    def is_stopped_for(self, store_no: str, home_store_no: str, account_no: str) -> str:
        """The condition that a warning lies over the store that stands behind a delivery or, where its account speaks
        for several, over the store where the customer is at home."""
        if not self.stopped_store_nos:
            return "false"
        stopped = "%(stopped_store_nos)s::int[]"
        return (
            f"coalesce({store_no} = ANY({stopped}), false) OR {account_no} = ANY(%(several_stores)s::int[])"
            f" AND coalesce({home_store_no} = ANY({stopped}), false)"
        )

    def room(self) -> str:
        """Driver SQL: who heard from us of late, and how many more messages the caps leave her (`room`)."""
        left = ", ".join(
            f"%(cap_{number})s - count(*) FILTER (WHERE recent.sent_at > %(since_{number})s)"
            for number in range(len(self.caps))
        )
        return f"SELECT delivery.customer_id, least({left}) AS room {_RECENT}"

    def values(self) -> dict[str, Any]:
        """What stands behind the names in the conditions."""
        values: dict[str, Any] = {"purpose": PURPOSE, "channel": CHANNEL, "pausing_at": self.now}
        values["clock"] = self.clock
        if self.quiet_store_nos:
            values["quiet_store_nos"] = list(self.quiet_store_nos)
        if self.stopped_store_nos:
            values["stopped_store_nos"] = list(self.stopped_store_nos)
        if self.caps:
            values["most_room"] = min(cap.messages for cap in self.caps)
            values["oldest"] = self.now - timedelta(days=max(cap.days for cap in self.caps))
            for number, cap in enumerate(self.caps):
                values[f"cap_{number}"] = cap.messages
                values[f"since_{number}"] = self.now - timedelta(days=cap.days)
        return values


PURPOSE: Final = "marketing"
CHANNEL: Final = "line"

_RECENT: Final = """
FROM (
    SELECT batch.run_id, batch.batch_no, coalesce(batch.first_tried_at, 'infinity') AS sent_at
    FROM run JOIN batch ON batch.brand_id = run.brand_id AND batch.run_id = run.id
    WHERE run.brand_id = %(brand_id)s AND run.kind <> 'test'
      AND (run.finished_at IS NULL OR run.finished_at > %(oldest)s)
      AND batch.brand_id = %(brand_id)s AND batch.state IN ('waiting', 'sent', 'unknown')
      AND coalesce(batch.first_tried_at, 'infinity') > %(oldest)s
) AS recent
JOIN delivery ON delivery.brand_id = %(brand_id)s AND delivery.run_id = recent.run_id
    AND delivery.batch_no = recent.batch_no
LEFT JOIN delivery_failure AS failure ON failure.brand_id = %(brand_id)s AND failure.run_id = delivery.run_id
    AND failure.customer_id = delivery.customer_id AND failure.slot = delivery.slot AND failure.status = 'failed'
WHERE failure.customer_id IS NULL
GROUP BY delivery.customer_id
"""
_HEARD: Final = f"SELECT delivery.customer_id {_RECENT}"
"""Everybody whom a run of the last days has reached or will: what was stopped, or refused for good, is not heard."""


def read_guards(session: ScopedSession, brand: Brand, now: datetime, at: datetime) -> Guards:
    """What the brand and its stores have set, as it stands now; quiet hours and holidays at another moment where a run
    goes by another clock."""
    caps = tuple(Cap(one["messages"], one["days"]) for one in brand.caps.get("per_customer", ()))
    hours = list_store_hours(session)
    quiet_store_nos = [no for no, of_store in hours.items() if find_quiet_end(of_store, brand.timezone, at)]
    clock = f"{at.astimezone(ZoneInfo(brand.timezone)):%H:%M}"
    is_quiet = find_awake_at(brand, at) is not None
    return Guards(now, caps, is_quiet, quiet_store_nos, list_stopped_nos(session), clock)
