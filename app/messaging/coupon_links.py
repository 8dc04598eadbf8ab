"""What of a coupon is the same for everybody, so that whoever gets it can get it together with all others."""

from uuid import UUID

from app.messaging.batches import Cursor
from tenants.ids import encode_id


def coupon_url(public_url: str, coupon_id: UUID) -> str:
    """Where a coupon is shown; the page knows by her session who opens it."""
    return f"{public_url.rstrip('/')}/liff/coupons/{encode_id('cpn', coupon_id)}"


async def find_line_coupon(cursor: Cursor, brand_id: UUID, coupon_id: UUID, account_no: int) -> str | None:
    """The id of LINE's own coupon of an offer at an account; None where none stands there."""
    values = {"brand_id": brand_id, "coupon_id": coupon_id, "account_no": account_no}
    await cursor.execute(_LINE_COUPON, values)
    row = await cursor.fetchone()
    return None if row is None else row[0]


_LINE_COUPON = """
SELECT line_coupon_id FROM line_coupon
WHERE brand_id = %(brand_id)s AND coupon_id = %(coupon_id)s AND account_no = %(account_no)s AND status = 'created'
"""
