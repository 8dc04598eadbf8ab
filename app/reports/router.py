"""Reports over HTTP, as JSON or as CSV."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from app.auth import Now, ScopedSession, allow
from app.periods import LONGEST_DAYS, read_period
from app.reports import queries
from app.reports.projection import FIGURES
from app.reports.queries import GroupBy
from app.reports.schemas import Summary, SummaryRow
from app.reports.summary import summarise
from app.routes import ApiRoute
from app.schemas import LocalDate
from app.sheets import prefers_csv, write_csv

router = APIRouter(prefix="/v1/reports", tags=["reports"], route_class=ApiRoute)
routers = [router]

First = Annotated[
    LocalDate | None,
    Query(alias="from", description="The first local day; 29 days before the last where it is not given."),
]
Last = Annotated[
    LocalDate | None,
    Query(alias="to", description=f"The last local day, at most {LONGEST_DAYS} with the first; today where not given."),
]
By = Annotated[GroupBy, Query(description="What each row is about.")]


@router.get(
    "/summary",
    dependencies=[allow("reports:read")],
    response_model=Summary,
    response_model_exclude_unset=True,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
def get_summary(
    *, request: Request, session: ScopedSession, now: Now, first: First = None, last: Last = None, group_by: By = "day"
) -> Any:
    """The brand's figures over a period, from rollups; a store key sees those of its stores.

    By day, every day has a row; else every group that has figures has one, and those of none stand last, under null.
    """
    period = read_period(session, first, last, now)
    key = "day" if group_by == "day" else f"{group_by}_id"
    groups = summarise(session, *period, group_by)
    rows = [SummaryRow.model_validate({key: group.key, **group.figures}) for group in groups]
    if prefers_csv(request.headers.get("accept", "")):
        return write_csv([key, *FIGURES], [row.model_dump(mode="json") for row in rows])
    return Summary(items=rows, fresh_at=queries.find_fresh_at(session, now))
