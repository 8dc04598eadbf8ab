"""Which problems of its domain each operation may answer, beside those that any operation may."""

from typing import Final

from app.campaigns.life.problems import ApprovalMissing
from app.commerce.problems import RefundExceedsOrder
from app.coupons import problems as coupons
from app.customers.attributes.problems import AttributeInUse
from app.customers.joining.problems import JoiningNeedsBasis, MergeUnderneath, MergeUndone
from app.customers.notes.problems import NoteOfHeadOffice
from app.customers.problems import KeysDisagree
from app.inbound.content.problems import ContentGone, ContentPreparing
from app.loyalty import problems as loyalty
from app.media.problems import ImageUnusable, MediaFull
from app.messaging.planning import QuotaExhausted
from app.operations.problems import TooManyUploads, UploadInterrupted
from app.weather.problems import NothingToApprove, WeatherApprovalExpired, WeatherSourceNotCommercial
from tenants.areas.problems import AreaCycle, AreaInUse
from tenants.brands.problems import BrandSuspended, SendingStopped
from tenants.line_accounts.problems import ChannelFixed, ChannelTaken
from tenants.problems import NotFound, Problem
from tenants.staff.problems import AlreadyAccepted, LastAdmin, StaffEmailTaken
from tenants.stores.problems import StoreCodeTaken

PROBLEMS_OF: Final[dict[str, tuple[type[Problem], ...]]] = {
    "create_area": (AreaCycle,),
    "change_area": (AreaCycle,),
    "archive_area": (AreaInUse,),
    "create_store": (StoreCodeTaken,),
    "change_store": (StoreCodeTaken,),
    "register_line_account": (ChannelTaken,),
    "change_line_account": (ChannelTaken, ChannelFixed),
    "create_staff": (StaffEmailTaken,),
    "change_staff": (StaffEmailTaken, LastAdmin),
    "disable_staff": (LastAdmin,),
    "invite_staff": (AlreadyAccepted,),
    "read_message_content": (ContentPreparing, ContentGone),
    "create_customer_attribute": (AttributeInUse,),
    "change_customer_attribute": (AttributeInUse,),
    "change_customer_note": (NoteOfHeadOffice,),
    "delete_customer_note": (NoteOfHeadOffice,),
    "create_media": (ImageUnusable, MediaFull, TooManyUploads),
    "import_customers": (UploadInterrupted, TooManyUploads),
    "upsert_customer": (KeysDisagree,),
    "change_customer": (KeysDisagree,),
    "merge_customers": (JoiningNeedsBasis,),
    "undo_merge": (MergeUndone, MergeUnderneath),
    "upsert_orders": (KeysDisagree,),
    "upsert_visits": (KeysDisagree,),
    "refund_order": (RefundExceedsOrder,),
    "issue_coupon": (
        coupons.CouponAllIssued,
        coupons.CouponBudgetSpent,
        coupons.CouponCustomerLimit,
        coupons.CouponEnded,
        coupons.CouponLimitReached,
    ),
    "void_issued_coupon": (coupons.CouponAlreadyRedeemed, coupons.CouponVoid),
    "create_redemption": (
        coupons.CodeStale,
        coupons.CouponAlreadyRedeemed,
        coupons.CouponBudgetSpent,
        coupons.CouponDailyLimit,
        coupons.CouponEnded,
        coupons.CouponLimitReached,
        coupons.CouponMinimumSpend,
        coupons.CouponNotCombinable,
        coupons.CouponNotHere,
        coupons.CouponNotNow,
        coupons.CouponNotStarted,
        coupons.CouponVoid,
        coupons.TooManyUnknownCodes,
    ),
    "resolve_card": (coupons.CodeStale, coupons.TooManyUnknownCodes),
    "reverse_redemption": (coupons.RedemptionReversed,),
    "create_point_entry": (loyalty.PointsInsufficient, loyalty.PointsProgrammeMissing, loyalty.PointsTakenBack),
    "get_programme": (NotFound,),
    "create_referral": (loyalty.PointsProgrammeMissing, loyalty.ReferralRefused),
    "create_referral_code": (loyalty.PointsProgrammeMissing,),
    "launch_campaign": (QuotaExhausted, BrandSuspended, SendingStopped, ApprovalMissing),
    "approve_weather_decision": (NothingToApprove, WeatherApprovalExpired),
    "create_weather_rule": (WeatherSourceNotCommercial,),
    "change_weather_rule": (WeatherSourceNotCommercial,),
    "test_campaign": (QuotaExhausted, BrandSuspended, SendingStopped),
    "resume_campaign": (BrandSuspended, SendingStopped),
}
"""By operationId. The poison tests refuse an answer whose type is not told here or among the general ones."""
