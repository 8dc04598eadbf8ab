"""Statements over HTTP, as JSON or as CSV."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request

from app.auth import Now, ScopedSession, allow
from app.paging import PagingParams, list_page
from app.reports.settlements import queries, service
from app.reports.settlements.models import SettlementLine
from app.reports.settlements.schemas import Settlement, SettlementLineRead, SettlementRow
from app.routes import ApiRoute
from app.schemas import Page, StoreId
from app.sheets import guard, prefers_csv, write_csv

router = APIRouter(prefix="/v1/reports/settlements", tags=["reports"], route_class=ApiRoute)
routers = [router]

Month = Annotated[
    str | None,
    Query(
        pattern=r"^(19[7-9][0-9]|2[01][0-9]{2})-(0[1-9]|1[0-2])$",
        description="A month of the brand's calendar, such as 2026-11; this one where it is not given.",
    ),
]
_HEAD_OFFICE_NAME: Final = "本部"


@router.get(
    "",
    dependencies=[allow("reports:read")],
    response_model=Settlement,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
def get_settlements(request: Request, session: ScopedSession, now: Now, month: Month = None) -> Any:
    """Who gave what at which counter in a month, who bears it, and what that leaves between stores and head office.

    A month takes lines until ten days after its end. A store key sees the rows of its stores.
    """
    found = service.settle(session, service.read_month(session, month, now), now)
    if not prefers_csv(request.headers.get("accept", "")):
        return found
    rows = [
        {**row.model_dump(mode="json"), "month": found.month, "status": found.status, "store_name": _name_of(row)}
        for row in found.items
    ]
    return write_csv(["month", "status", *SettlementRow.model_fields], rows, for_excel=True)


def _name_of(row: SettlementRow) -> str:
    return _HEAD_OFFICE_NAME if row.store_id is None else guard(row.store_name or "")


@router.get("/lines", dependencies=[allow("reports:read")])
def list_settlement_lines(
    session: ScopedSession,
    paging: PagingParams,
    now: Now,
    *,
    month: Month = None,
    store_id: Annotated[StoreId | None, Query(description="Only this store's.")] = None,
    party: Annotated[
        Literal["brand", "store"] | None, Query(description="Only head office's (`brand`), or only stores'.")
    ] = None,
) -> Page[SettlementLineRead]:
    """The lines that a month's statement is the sum of, newest first: one for each party of each use or reversal."""
    rows = queries.list_lines(session, service.read_month(session, month, now), store_id=store_id, party=party)
    lines, next_cursor = list_page(session, rows, SettlementLine.id, paging)
    return Page(items=service.show_lines(session, lines), next_cursor=next_cursor)
