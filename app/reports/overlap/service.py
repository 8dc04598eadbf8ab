"""Whom stores have in common: a matrix."""

from collections.abc import Sequence
from datetime import datetime

from app.reports.overlap import queries
from app.reports.overlap.queries import By
from app.reports.overlap.schemas import Overlap, SharedWith, StoreOverlap
from tenants.session import ScopedSession
from tenants.stores.models import Store


def compare(session: ScopedSession, stores: Sequence[Store], by: By, now: datetime) -> Overlap:
    """The matrix of these stores as it is now, its rows in their order."""
    sets = queries.count_sets(session, [store.no for store in stores], by)
    pairs: dict[tuple[int, int], int] = {}
    shared: dict[int, int] = {}
    for nos, people in sets.items():
        for one in nos:
            if len(nos) > 1:
                shared[one] = shared.get(one, 0) + people
            for other in nos:
                pairs[one, other] = pairs.get((one, other), 0) + people
    items = [
        StoreOverlap(
            store_id=store.id,
            customers=(own := pairs.get((store.no, store.no), 0)),
            shared=shared.get(store.no, 0),
            others=[
                SharedWith(
                    store_id=other.id,
                    customers=(common := pairs.get((store.no, other.no), 0)),
                    ratio=round(common / own, 4) if own else None,
                )
                for other in stores
                if other.no != store.no
            ],
        )
        for store in stores
    ]
    return Overlap(by=by, customers=sum(sets.values()), items=items, fresh_at=now)
