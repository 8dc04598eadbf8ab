"""What changes hands when two customers turn out to be one: the list of all tables that are of a customer.

Tables of packages above this one are named here as SQL and not imported, so that one list shows all there is. A test
holds it against the models: each column that names a customer stands here. Entries of points change hands too, and are
added up anew for both, so each counts once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import text

from tenants.session import ScopedSession


@dataclass(frozen=True)
class Moved:
    """A table whose rows change hands; they are noted by `keys`, of these types, to find the way back."""

    table: str
    keys: tuple[tuple[str, str], ...] = (("id", "uuid"),)
    twins_by: tuple[str, ...] = ()
    """The columns that are unique with the customer: a row stays behind where the other has one that is alike."""

    def take(self) -> str:
        """SQL: give the rows of `:from_id` to `:into_id`, and answer their keys, as a list of lists."""
        noted = ", ".join(f'gone."{name}"' for name, _ in self.keys)
        return f"""
            WITH gone AS (
                UPDATE "{self.table}" AS mine SET customer_id = :into_id
                WHERE brand_id = :brand_id AND customer_id = :from_id {self._no_twin(":into_id")} RETURNING mine.*
            )
            SELECT coalesce(jsonb_agg(jsonb_build_array({noted})), '[]') FROM gone
            """

    def give_back(self) -> str:
        """SQL: give the rows of `:keys` that are still `:into_id`'s back to `:from_id`."""
        same = " AND ".join(
            f'mine."{name}" = CAST({self._noted(at)} AS {kind})' for at, (name, kind) in enumerate(self.keys)
        )
        return f"""
            UPDATE "{self.table}" AS mine SET customer_id = :from_id
            FROM jsonb_array_elements(CAST(:keys AS jsonb)) AS noted (key)
            WHERE mine.brand_id = :brand_id AND mine.customer_id = :into_id AND {same} {self._no_twin(":from_id")}
            """

    def _noted(self, at: int) -> str:
        # Merges of the time before there were slots did not note them.
        return f"coalesce(noted.key->>{at}, '0')" if self.keys[at][0] == "slot" else f"noted.key->>{at}"

    def _no_twin(self, other: str) -> str:
        if not self.twins_by:
            return ""
        alike = " AND ".join(f'twin."{name}" = mine."{name}"' for name in self.twins_by)
        return f"""AND NOT EXISTS (
            SELECT 1 FROM "{self.table}" AS twin
            WHERE twin.brand_id = :brand_id AND twin.customer_id = {other} AND {alike}
        )"""


_OF_RUN: Final = (("run_id", "uuid"), ("slot", "smallint"))

MOVED: Final = (
    Moved("identity"),
    Moved("friend"),
    Moved("external_id", (("system", "text"), ("value", "text"))),
    Moved("account_link"),
    Moved("order"),
    Moved("visit"),
    Moved("event"),
    Moved("issued_coupon", twins_by=("coupon_id", "source")),
    Moved("redemption"),
    Moved("delivery", _OF_RUN, twins_by=("run_id", "slot")),
    Moved("delivery_failure", _OF_RUN, twins_by=("run_id", "slot")),
    Moved("line_reply"),
    Moved("line_content", (("line_account_id", "uuid"), ("message_id", "text"))),
    Moved("qr_scan"),
    Moved("customer_note"),
    Moved("customer_list_member", (("list_id", "uuid"),), twins_by=("list_id",)),
    Moved("point_entry"),
)

KEPT: Final = {
    "customer_store.customer_id": "Added to the survivor's rows; `CustomerMerge.before` holds what there was.",
    "customer_tag.customer_id": "Added to the survivor's rows; `CustomerMerge.before` holds what there was.",
    "loyalty_member.customer_id": "Added up anew from the entries that changed hands; each keeps her code.",
    "consent.customer_id": "Entries are never changed; readers ask for her and for those merged into her.",
    "member_card.customer_id": "A card stays; who is shown it follows to the survivor, who goes on with the older one.",
    "customer_preference.customer_id": "Readers ask for her and for those merged into her; the stricter holds.",
    "customer_merge.from_customer_id": "The merges themselves, with the ids of that moment.",
    "customer_merge.into_customer_id": "The merges themselves, with the ids of that moment.",
    "erasure_receipt.customer_id": "Of one who is gone, whom nothing is joined to.",
    "customer.merged_into_id": "Moved by the merge itself, so that every former id leads to the survivor in one step.",
    "customer_conflict.customer_ids": "Settled by the merge, or told with the ids of then.",
    "audit_entry.customer_ids": "A log that is never changed; ids of then lead to the survivor.",
    "idempotency_key.customer_ids": "Answers as they were given, which go within a day, or with her data.",
}
"""Columns that stay as they are, each with the reason."""


def take_rows(session: ScopedSession, from_id: UUID, into_id: UUID) -> dict[str, Any]:
    """Give all rows that change hands to the survivor; their keys by table."""
    values = {"brand_id": session.scope.brand_id, "from_id": from_id, "into_id": into_id}
    session.flush()
    moved = {one.table: session.connection().execute(text(one.take()), values).scalar_one() for one in MOVED}
    followers = session.connection().execute(_TAKE_MERGED, values).scalar_one()
    session.execute(_ADD_POINTS_UP, values)
    return {name: keys for name, keys in {**moved, "customer": followers}.items() if keys}


def give_rows_back(session: ScopedSession, moved: Mapping[str, Any], from_id: UUID, into_id: UUID) -> None:
    """Give the rows that changed hands back, as far as they are still the survivor's; then what came of them since."""
    values = {"brand_id": session.scope.brand_id, "from_id": from_id, "into_id": into_id}
    session.flush()
    for one in MOVED:
        if keys := moved.get(one.table):
            session.execute(text(one.give_back()), {**values, "keys": _json(keys)})
    if followers := moved.get("customer"):
        session.execute(_GIVE_MERGED_BACK, {**values, "keys": _json(followers)})
    for statement in _SINCE:
        session.execute(text(statement), values)
    session.execute(_ADD_POINTS_UP, values)


def _json(keys: Any) -> str:
    return orjson.dumps(keys).decode()


_TAKE_MERGED = text(
    """
    WITH gone AS (
        UPDATE customer SET merged_into_id = :into_id
        WHERE brand_id = :brand_id AND merged_into_id = :from_id RETURNING id
    )
    SELECT coalesce(jsonb_agg(jsonb_build_array(gone.id)), '[]') FROM gone
    """
)
_GIVE_MERGED_BACK = text(
    """
    UPDATE customer SET merged_into_id = :from_id
    FROM jsonb_array_elements(CAST(:keys AS jsonb)) AS noted (key)
    WHERE brand_id = :brand_id AND merged_into_id = :into_id AND id = CAST(noted.key->>0 AS uuid)
    """
)

# Which points expire when, and which rank it makes, is found by the job that hears of the merge: so they are due.
_ADD_POINTS_UP = text(
    """
    INSERT INTO loyalty_member AS kept (brand_id, customer_id, points, due_at, updated_at)
    SELECT CAST(:brand_id AS uuid), people.id, coalesce(sum(entry.delta), 0), now(), now()
    FROM unnest(ARRAY[CAST(:from_id AS uuid), CAST(:into_id AS uuid)]) AS people (id)
    LEFT JOIN point_entry AS entry ON entry.brand_id = :brand_id AND entry.customer_id = people.id
    GROUP BY people.id
    HAVING count(entry.id) > 0 OR EXISTS (
        SELECT 1 FROM loyalty_member AS known WHERE known.brand_id = :brand_id AND known.customer_id = people.id
    )
    ORDER BY people.id
    ON CONFLICT (brand_id, customer_id)
    DO UPDATE SET points = excluded.points, due_at = excluded.due_at, updated_at = excluded.updated_at
    """
)

_HERS: Final = "brand_id = :brand_id AND customer_id = :from_id"
_SURVIVORS: Final = "brand_id = :brand_id AND customer_id = :into_id"

_SINCE: Final = (
    f"""
    UPDATE friend SET customer_id = :from_id
    WHERE {_SURVIVORS} AND identity_id IN (SELECT id FROM identity WHERE {_HERS})
    """,
    # A run that was frozen since knew her as the survivor; whom it wrote to tells whose it is.
    f"""
    UPDATE delivery AS mine SET customer_id = :from_id
    WHERE {_SURVIVORS} AND line_user_id IN (SELECT line_user_id FROM identity WHERE {_HERS})
      AND account_no IN (SELECT account_no FROM friend WHERE {_HERS})
      AND NOT EXISTS (
          SELECT 1 FROM friend JOIN identity ON identity.brand_id = :brand_id AND identity.id = friend.identity_id
          WHERE friend.brand_id = :brand_id AND friend.customer_id = :into_id
            AND friend.account_no = mine.account_no AND identity.line_user_id = mine.line_user_id
      )
      AND NOT EXISTS (
          SELECT 1 FROM delivery AS twin WHERE {_HERS} AND twin.run_id = mine.run_id AND twin.slot = mine.slot
      )
    """,
    f"""
    UPDATE delivery_failure AS mine SET customer_id = :from_id
    WHERE {_SURVIVORS} AND (run_id, slot) IN (SELECT run_id, slot FROM delivery WHERE {_HERS})
      AND (run_id, slot) NOT IN (SELECT run_id, slot FROM delivery WHERE {_SURVIVORS})
      AND NOT EXISTS (
          SELECT 1 FROM delivery_failure AS twin
          WHERE {_HERS} AND twin.run_id = mine.run_id AND twin.slot = mine.slot
      )
    """,
    f"""
    UPDATE issued_coupon AS mine SET customer_id = :from_id
    WHERE {_SURVIVORS} AND run_id IN (SELECT run_id FROM delivery WHERE {_HERS})
      AND run_id NOT IN (SELECT run_id FROM delivery WHERE {_SURVIVORS})
      AND NOT EXISTS (
          SELECT 1 FROM issued_coupon AS twin
          WHERE {_HERS} AND twin.coupon_id = mine.coupon_id AND twin.source = mine.source
      )
    """,
    f"""
    UPDATE redemption SET customer_id = :from_id
    WHERE {_SURVIVORS} AND issued_coupon_id IN (SELECT id FROM issued_coupon WHERE {_HERS})
    """,
    f"""
    UPDATE qr_scan SET customer_id = :from_id
    WHERE {_SURVIVORS} AND friend_id IN (SELECT id FROM friend WHERE {_HERS})
    """,
    f"""
    UPDATE event SET customer_id = :from_id
    WHERE {_SURVIVORS} AND (
        data->>'friend_id' IN (SELECT CAST(id AS text) FROM friend WHERE {_HERS})
        OR data->>'issued_coupon_id' IN (SELECT CAST(id AS text) FROM issued_coupon WHERE {_HERS})
        OR data->>'order_id' IN (SELECT CAST(id AS text) FROM "order" WHERE {_HERS})
        OR data->>'visit_id' IN (SELECT CAST(id AS text) FROM visit WHERE {_HERS})
    )
    """,
    f"""
    UPDATE point_entry SET customer_id = :from_id
    WHERE {_SURVIVORS} AND (
        order_id IN (SELECT id FROM "order" WHERE {_HERS}) OR visit_id IN (SELECT id FROM visit WHERE {_HERS})
        OR lot_id IN (SELECT lot_id FROM point_entry WHERE {_HERS} AND lot_id IS NOT NULL)
        OR undoes_id IN (SELECT id FROM point_entry WHERE {_HERS})
    )
    """,
    """
    UPDATE line_content AS mine SET customer_id = :from_id
    FROM event AS said
    WHERE mine.brand_id = :brand_id AND mine.customer_id = :into_id AND said.brand_id = :brand_id
      AND said.customer_id = :from_id AND said.type = 'message.received'
      AND said.data->>'message_id' = mine.message_id
      AND said.data->>'line_account_id' = CAST(mine.line_account_id AS text)
    """,
    """
    UPDATE line_reply AS mine SET customer_id = :from_id
    FROM event AS said
    WHERE mine.brand_id = :brand_id AND mine.customer_id = :into_id AND said.brand_id = :brand_id
      AND said.customer_id = :from_id AND said.data->>'webhook_event_id' = mine.webhook_event_id
      AND said.data->>'line_account_id' = CAST(mine.line_account_id AS text)
    """,
)
"""What happened while they were one, and whose it is: it came by her identity, her friendship, her coupon or her order.
All else that is new stays with the survivor."""
