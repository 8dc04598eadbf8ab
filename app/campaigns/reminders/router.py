"""Reminders over HTTP."""

from fastapi import APIRouter

from app.auth import BrandWide, Caller, Now, ScopedSession, allow
from app.callers import CallerInfo
from app.campaigns.reminders import queries, service
from app.campaigns.reminders.schemas import ReminderPut, ReminderRead
from app.coupons.models import Coupon
from app.coupons.queries import get_coupon
from app.routes import ApiRoute
from app.schemas import CouponId
from tenants.problems import NotFound, PermissionMissing
from tenants.session import ScopedSession as Session

router = APIRouter(prefix="/v1/coupons/{coupon_id}/reminder", tags=["coupons"], route_class=ApiRoute)
routers = [router]


@router.get("", dependencies=[allow("campaigns:read")])
def get_coupon_reminder(coupon_id: CouponId, session: ScopedSession) -> ReminderRead:
    """What people who have not used their copies are told before these end."""
    get_coupon(session, coupon_id)
    return service.show_reminder(session, queries.get_reminder(session, coupon_id))


@router.put("", dependencies=[allow("campaigns:launch")])
def put_coupon_reminder(
    coupon_id: CouponId, body: ReminderPut, session: ScopedSession, caller: Caller, now: Now
) -> ReminderRead:
    """Remind people of the caller's own coupon, once a day and once for each copy, until it is taken back.

    Consent, caps, quiet hours, quotas and the sender's policy hold as for a campaign. Who has used her copy when the
    day's sending begins is not reminded, and nothing goes out once the first of its copies has ended.
    """
    coupon = _own(session, caller, coupon_id)
    return service.show_reminder(session, service.put_reminder(session, coupon, body, caller, now))


@router.delete("", status_code=204, dependencies=[allow("campaigns:launch")])
def delete_coupon_reminder(coupon_id: CouponId, session: BrandWide, caller: Caller, now: Now) -> None:
    """Remind nobody any more; what still waits of today's sending is not sent."""
    service.delete_reminder(session, _own(session, caller, coupon_id), now)


def _own(session: Session, caller: CallerInfo, coupon_id: CouponId) -> Coupon:
    """A coupon that the caller may change. Raises NotFound for other stores', PermissionMissing for head office's."""
    coupon = get_coupon(session, coupon_id)
    if caller.scope.sees_store(coupon.store_no):
        return coupon
    if coupon.store_no is not None:
        raise NotFound
    raise PermissionMissing("campaigns:launch")
