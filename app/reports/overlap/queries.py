"""Which of some stores people share: one pass over the rows of those stores, however large the brand is."""

from collections.abc import Collection, Mapping
from typing import Final, Literal

from sqlalchemy import text

from tenants.session import ScopedSession

By = Literal["ties", "friends", "visits"]

_PRESENT: Final = (
    "EXISTS (SELECT FROM customer WHERE customer.brand_id = :brand_id AND customer.id = member.customer_id"
    " AND customer.erased_at IS NULL AND customer.merged_into_id IS NULL)"
)
_AT_STORE: Final = (
    "SELECT customer_id, store_no FROM customer_store WHERE brand_id = :brand_id AND store_no = ANY(:store_nos)"
)
_MEMBERS: Final[Mapping[By, str]] = {
    "ties": _AT_STORE,
    "visits": f"{_AT_STORE} AND order_count + visit_count > 0",
    "friends": (
        "SELECT DISTINCT friend.customer_id, served.store_no FROM friend"
        " JOIN line_account_store AS served ON served.brand_id = :brand_id"
        " AND served.line_account_id = friend.line_account_id AND served.store_no = ANY(:store_nos)"
        " WHERE friend.brand_id = :brand_id AND friend.status = 'following'"
    ),
}


def count_sets(session: ScopedSession, store_nos: Collection[int], by: By) -> dict[frozenset[int], int]:
    """How many people belong to exactly these of the stores, for each set of stores that anybody belongs to."""
    rows = session.execute(
        text(
            "SELECT store_nos, count(*) FROM (SELECT array_agg(store_no ORDER BY store_no) AS store_nos"
            f" FROM ({_MEMBERS[by]}) AS member WHERE {_PRESENT} GROUP BY customer_id) AS person GROUP BY store_nos"
        ),
        {"brand_id": session.scope.brand_id, "store_nos": sorted(store_nos)},
    )
    return {frozenset(nos): count for nos, count in rows}
