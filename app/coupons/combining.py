"""Which coupons go together on one order: a pure function of the offers."""

from app.coupons.locks import AnyCoupon


def go_together(one: AnyCoupon, other: AnyCoupon) -> bool:
    """Whether both may be used on one order: both are combinable, or both are in a set of the same name."""
    if one.combinable and other.combinable:
        return True
    return not set(one.combinable_with or ()).isdisjoint(other.combinable_with or ())
