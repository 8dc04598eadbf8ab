"""Who goes first where an account's quota does not suffice for everybody."""

from typing import Any, Final

from sqlalchemy import func, select
from sqlmodel import col

from app.customers.models import Customer, CustomerStore

DEFAULT: Final = "longest_known"
ORDERS: Final = {
    DEFAULT: "customer_id",
    "recent_visit": "people.precedence DESC NULLS LAST, limited.customer_id",
    "spend": "people.precedence DESC NULLS LAST, limited.customer_id",
    "home_store": "coalesce(people.home_store_no = ANY(sender.store_nos), false) DESC, limited.customer_id",
    "random": "md5(%(holdout_salt)s || ':turn:' || limited.customer_id::text), limited.customer_id",
}
"""The order in which the people of an account take what its quota leaves: driver SQL over `limited` and `JOINS`."""
JOINS: Final = "JOIN people USING (customer_id) LEFT JOIN sender ON sender.account_no = limited.account_no"
"""What the orders but the default one compare, beside `limited`."""


def precede(trim_by: str, owner_no: int | None) -> Any:
    """The column of `people` by which this order goes; None where it needs none.

    A store's own run goes by what she did there, or its numbers would tell what she does elsewhere.
    """
    if trim_by not in ("recent_visit", "spend"):
        return None
    table: Any = Customer if owner_no is None else CustomerStore
    value = (
        func.greatest(col(table.last_order_at), col(table.last_visit_at))
        if trim_by == "recent_visit"
        else col(table.spend_yen)
    )
    if owner_no is None:
        return value.label("precedence")
    there = (
        select(value)
        .where(
            col(CustomerStore.brand_id) == col(Customer.brand_id),
            col(CustomerStore.customer_id) == col(Customer.id),
            col(CustomerStore.store_no) == owner_no,
        )
        .scalar_subquery()
    )
    return there.label("precedence")
