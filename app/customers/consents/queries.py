"""Reads of the ledger of consents: its entries, and what holds now."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import or_, text
from sqlmodel import col, select

from app.customers.consents.models import Consent
from tenants.session import ScopedSession

ANY = "any"


@dataclass(frozen=True)
class CurrentConsent:
    """What holds now for a purpose and a channel, since when."""

    purpose: str
    channel: str
    is_granted: bool
    since: datetime


def list_consents(customer_ids: Collection[UUID], store_nos: Collection[int] | None) -> Any:
    """The entries of a person, by all of her ids, to be paged: of all stores, or head office's and these stores'."""
    hers = select(Consent).where(col(Consent.customer_id).in_(customer_ids))
    if store_nos is None:
        return hers
    return hers.where(or_(col(Consent.at_store_no).is_(None), col(Consent.at_store_no).in_(store_nos)))


def list_recorded_since(session: ScopedSession, customer_id: UUID, since: datetime) -> Sequence[Consent]:
    """What was recorded under this very id since, merges' own entries aside, in the order in which it was said."""
    hers = select(Consent).where(
        col(Consent.customer_id) == customer_id, col(Consent.created_at) >= since, col(Consent.merge_id).is_(None)
    )
    return session.exec(hers.order_by(col(Consent.occurred_at), col(Consent.id))).all()


def current_consents(session: ScopedSession, customer_ids: Collection[UUID]) -> dict[UUID, Sequence[CurrentConsent]]:
    """What holds now for each of these people, by purpose and channel; nothing of those who said nothing.

    The newest entry holds, of hers and of those merged into her. Entries that a merge made count until it is undone.
    Who withdraws `any` channel takes back what she allowed by single ones before.
    """
    values = {"brand_id": session.scope.brand_id, "ids": list(customer_ids)}
    found: dict[UUID, list[CurrentConsent]] = defaultdict(list)
    for row in session.execute(_CURRENT, values):
        found[row.person_id].append(CurrentConsent(row.purpose, row.channel, row.is_granted, row.occurred_at))
    return dict(found)


def find_current(current: Collection[CurrentConsent], purpose: str, channel: str) -> CurrentConsent | None:
    """What holds for a channel: its own entry, else that for any. None where she said nothing."""
    by_channel = {one.channel: one for one in current if one.purpose == purpose}
    return by_channel.get(channel) or by_channel.get(ANY)


_CURRENT = text(
    """
    WITH person AS (
        SELECT id, id AS person_id FROM customer WHERE brand_id = :brand_id AND id = ANY(CAST(:ids AS uuid[]))
        UNION ALL
        SELECT id, merged_into_id FROM customer
        WHERE brand_id = :brand_id AND merged_into_id = ANY(CAST(:ids AS uuid[]))
    ), newest AS (
        SELECT DISTINCT ON (person.person_id, consent.purpose, consent.channel)
            person.person_id, consent.purpose, consent.channel, consent.is_granted, consent.occurred_at, consent.id
        FROM person
        JOIN consent ON consent.brand_id = :brand_id AND consent.customer_id = person.id
        LEFT JOIN customer_merge ON customer_merge.brand_id = :brand_id AND customer_merge.id = consent.merge_id
        WHERE customer_merge.undone_at IS NULL
        ORDER BY person.person_id, consent.purpose, consent.channel, consent.occurred_at DESC, consent.id DESC
    )
    SELECT newest.* FROM newest LEFT JOIN newest AS withdrawn
        ON withdrawn.person_id = newest.person_id AND withdrawn.purpose = newest.purpose
        AND withdrawn.channel = 'any' AND newest.channel <> 'any' AND NOT withdrawn.is_granted
        AND (withdrawn.occurred_at, withdrawn.id) > (newest.occurred_at, newest.id)
    WHERE withdrawn.id IS NULL
    ORDER BY newest.person_id, newest.purpose, newest.channel
    """
)

REFUSING: Final = """
WITH candidate AS (
    SELECT DISTINCT coalesce(customer.merged_into_id, customer.id) AS id
    FROM consent JOIN customer ON customer.brand_id = %(brand_id)s AND customer.id = consent.customer_id
    WHERE consent.brand_id = %(brand_id)s AND NOT consent.is_granted
      AND consent.purpose = %(purpose)s AND consent.channel IN (%(channel)s, 'any')
), person AS (
    SELECT id, id AS person_id FROM candidate
    UNION ALL
    SELECT customer.id, candidate.id FROM customer JOIN candidate ON candidate.id = customer.merged_into_id
    WHERE customer.brand_id = %(brand_id)s
), newest AS (
    SELECT DISTINCT ON (person.person_id, consent.channel)
        person.person_id, consent.channel, consent.is_granted, consent.occurred_at, consent.id
    FROM person
    JOIN consent ON consent.brand_id = %(brand_id)s AND consent.customer_id = person.id
        AND consent.purpose = %(purpose)s AND consent.channel IN (%(channel)s, 'any')
    LEFT JOIN customer_merge ON customer_merge.brand_id = %(brand_id)s AND customer_merge.id = consent.merge_id
    WHERE customer_merge.undone_at IS NULL
    ORDER BY person.person_id, consent.channel, consent.occurred_at DESC, consent.id DESC
)
SELECT person_id AS customer_id
FROM (SELECT * FROM newest WHERE channel <> 'any') AS own
FULL JOIN (SELECT * FROM newest WHERE channel = 'any') AS whole USING (person_id)
WHERE NOT own.is_granted OR NOT whole.is_granted AND (
    own.id IS NULL OR (whole.occurred_at, whole.id) > (own.occurred_at, own.id)
)
"""
"""Driver SQL: everybody for whom the newest word on a purpose and channel is no, as `find_current` tells of one.

Only those who ever said no are looked at, and they are found by an index.
"""
