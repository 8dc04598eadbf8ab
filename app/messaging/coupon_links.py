"""The address of a coupon: one for everybody, so that whoever gets it can get it together with all others."""

from uuid import UUID

from tenants.ids import encode_id


def coupon_url(public_url: str, coupon_id: UUID) -> str:
    """Where a coupon is shown; the page knows by her session who opens it."""
    return f"{public_url.rstrip('/')}/liff/coupons/{encode_id('cpn', coupon_id)}"
