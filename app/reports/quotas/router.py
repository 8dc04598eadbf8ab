"""Quotas over HTTP."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import exists, or_
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.auth import Now, ScopedSession, allow
from app.messaging.models import QuotaMonth
from app.messaging.quota import quota_month
from app.paging import PagingParams, list_page
from app.reports.quotas import service
from app.reports.quotas.schemas import QuotaRead, QuotaTotalRead
from app.routes import ApiRoute
from app.schemas import LineAccountId, Page
from tenants.line_accounts.models import LineAccount
from tenants.problems import Invalid

router = APIRouter(prefix="/v1/quota", tags=["quota"], route_class=ApiRoute)
routers = [router]

Month = Annotated[
    str | None,
    Query(
        pattern=r"^(19[7-9][0-9]|2[01][0-9]{2})-(0[1-9]|1[0-2])$",
        description="Such as 2026-11: a month of the past, this one, or the next, to which runs may be queued. This"
        " one where it is not given.",
    ),
]


@router.get("", dependencies=[allow("reports:read")])
def list_quotas(
    session: ScopedSession,
    paging: PagingParams,
    now: Now,
    month: Month = None,
    line_account_id: Annotated[LineAccountId | None, Query(description="Only this account.")] = None,
) -> Page[QuotaRead]:
    """What each LINE account may send in a month, has sent, and holds back; what others sent; what it will come to.

    LINE is asked every hour, before a campaign is rehearsed or launched, and when it says that a month is spent.
    """
    month_on = _read_month(month, now)
    wanted = _list_accounts(month_on, now)
    if line_account_id is not None:
        wanted = wanted.where(col(LineAccount.id) == line_account_id)
    accounts, next_cursor = list_page(session, wanted, LineAccount.id, paging)
    outlooks = service.look_out(session, accounts, month_on, now)
    items = [service.show(account.id, one) for account, one in zip(accounts, outlooks, strict=True)]
    return Page(items=items, next_cursor=next_cursor)


@router.get("/total", dependencies=[allow("reports:read")])
def total_quotas(session: ScopedSession, now: Now, month: Month = None) -> QuotaTotalRead:
    """What all LINE accounts that you see may send in a month together, and what it will come to."""
    month_on = _read_month(month, now)
    accounts = session.exec(_list_accounts(month_on, now)).all()
    return service.total(service.look_out(session, accounts, month_on, now), month_on)


def _list_accounts(month_on: date, now: datetime) -> SelectOfScalar[LineAccount]:
    """Accounts that had a quota in this month; of this month and later ones all that are in use."""
    had_one = exists().where(
        col(QuotaMonth.brand_id) == col(LineAccount.brand_id),
        col(QuotaMonth.line_account_id) == col(LineAccount.id),
        col(QuotaMonth.month_on) == month_on,
    )
    if month_on < quota_month(now):
        return select(LineAccount).where(had_one)
    return select(LineAccount).where(or_(had_one, col(LineAccount.archived_at).is_(None)))


def _read_month(month: str | None, now: datetime) -> date:
    if month is None:
        return quota_month(now)
    try:
        return date.fromisoformat(f"{month}-01")
    except ValueError as error:
        raise Invalid.at("/query/month", "There is no such month.") from error
