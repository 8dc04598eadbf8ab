"""Quotas over HTTP."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query

from app.auth import Now, ScopedSession, allow
from app.messaging import queries
from app.messaging.models import QuotaMonth
from app.messaging.quota import JAPAN, quota_month
from app.messaging.schemas import QuotaRead
from app.paging import Paging, PagingParams
from app.routes import ApiRoute
from app.schemas import Page
from tenants.problems import Invalid

router = APIRouter(prefix="/v1/quota", tags=["quota"], route_class=ApiRoute)


@router.get("", dependencies=[allow("reports:read")])
def list_quotas(
    session: ScopedSession,
    paging: PagingParams,
    now: Now,
    month: Annotated[
        str | None,
        Query(pattern=r"^(19[7-9][0-9]|2[01][0-9]{2})-(0[1-9]|1[0-2])$", description="Such as 2026-11; this month."),
    ] = None,
) -> Page[QuotaRead]:
    """What each LINE account may send in a month, has sent, and holds back."""
    month_on = quota_month(now) if month is None else _read_month(month)
    rows = queries.list_quotas(session, month_on, paging.after, paging.limit + 1)
    shown = rows[: paging.limit]
    return Page(items=[_read(row, now) for row in shown], next_cursor=_cursor(paging, rows))


def _cursor(paging: Paging, rows: list[QuotaMonth]) -> str | None:
    return paging.cursor(rows[paging.limit - 1].line_account_id) if len(rows) > paging.limit else None


def _read_month(month: str) -> date:
    try:
        return date.fromisoformat(f"{month}-01")
    except ValueError as error:
        raise Invalid.at("/query/month", "There is no such month.") from error


def _read(row: QuotaMonth, now: datetime) -> QuotaRead:
    today = now.astimezone(JAPAN).date()
    elapsed_days = max(1, (today - row.month_on).days + 1)
    is_now = row.month_on == quota_month(now)
    month_days = (
        31 if row.month_on.month == 12 else (row.month_on.replace(month=row.month_on.month + 1) - row.month_on).days
    )
    pace = row.used * month_days / elapsed_days if is_now else row.used
    return QuotaRead(
        line_account_id=row.line_account_id,
        month=row.month_on.strftime("%Y-%m"),
        limit=row.limit,
        used=row.used,
        reserved=row.reserved,
        forecast=round(pace) + row.reserved,
    )


routers = [router]
