"""The deliveries of a firing's run, with what its other rules of the day had to do with them."""

from uuid import UUID

from app.campaigns.figures import list_deliveries_of_run
from app.campaigns.schemas import DeliveryRead
from app.messaging import queries as runs
from app.paging import Paging
from app.weather import queries
from tenants.ids import encode_id
from tenants.problems import NotFound
from tenants.session import ScopedSession


def list_deliveries(
    session: ScopedSession, decision_id: UUID, status: str | None, reason: str | None, paging: Paging
) -> tuple[list[DeliveryRead], str | None]:
    """A page of the deliveries of the run that a decision caused, and the next cursor; none where it caused none, or
    one that the scope does not see. Raises NotFound for the decision."""
    decision = queries.get_decision(session, decision_id)
    if decision.run_id is None:
        return [], None
    try:
        run = runs.get_run(session, decision.run_id)
    except NotFound:
        return [], None
    items, next_cursor = list_deliveries_of_run(session, run, status, reason, paging)
    capped = [one.customer_id for one in items if one.reason == "cap"]
    heard = runs.map_outranking(session, run, capped) if capped else {}
    for one in items:
        if one.customer_id in heard:
            one.detail = f"She hears from {encode_id('rule', heard[one.customer_id])} on this business day."
    return items, next_cursor
