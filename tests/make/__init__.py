"""make.thing(session, **changes): rows for tests, with whatever the test does not care about filled in."""

from tests.make.coupons import coupon, issued_coupon
from tests.make.customers import customer, friend, line_user_id, tag
from tests.make.events import event
from tests.make.loyalty import POINT_RULES
from tests.make.messaging import follower, followers, quota, visit
from tests.make.qr_codes import qr_code
from tests.make.segments import segment
from tests.make.staff import staff, staff_session
from tests.make.tenants import access_token, api_client, area, line_account, new_brand, store, store_key, till_device
from tests.make.weather import RAIN_AT_LUNCH, forecast, warnings, weather_rule

__all__ = [
    "POINT_RULES",
    "RAIN_AT_LUNCH",
    "access_token",
    "api_client",
    "area",
    "coupon",
    "customer",
    "event",
    "follower",
    "followers",
    "forecast",
    "friend",
    "issued_coupon",
    "line_account",
    "line_user_id",
    "new_brand",
    "qr_code",
    "quota",
    "segment",
    "staff",
    "staff_session",
    "store",
    "store_key",
    "tag",
    "till_device",
    "visit",
    "warnings",
    "weather_rule",
]
