"""What a person's data is, table by table, and the statement that makes it go.

Tables of packages above this one are named here as SQL and not imported, so that one list shows all there is to erase.
A test holds it against the models: each column of personal data that can be reached from a customer is emptied here or
stands in `LEFT` with the reason.
"""

from dataclasses import dataclass
from typing import Final

from app.customers.line_ids import is_hers

EMPTIED: Final = (
    "external_id", "member_number", "name", "kana", "phone", "email", "birthday_on", "gender", "postal_code",
    "address", "municipality_code", "home_store_id", "home_store_no",
)  # fmt: skip
"""Fields of the customer's row that become null; `attributes`, `written_by` and what is summed up are emptied too."""


@dataclass(frozen=True)
class Step:
    """One statement: which table it reaches, and which of its columns it empties; none where the rows go."""

    table: str
    statement: str
    columns: tuple[str, ...] = ()


_HER = "brand_id = :brand_id AND customer_id = ANY(CAST(:ids AS uuid[]))"
_HERS_AT_LINE = is_hers("line_event.line_user_id", "line_event.line_account_id")


def _delete(table: str) -> Step:
    return Step(table, f"DELETE FROM {table} WHERE {_HER}")


FIRST: Final = Step(
    "operation",
    "UPDATE operation SET files_until = :now WHERE brand_id = :brand_id AND status = 'running'",
    ("files_until",),
)
"""Files of work that still goes on go at its end. It is done before anybody is locked, since such work locks itself
first and people afterwards."""

STEPS: Final = (
    # The ids that LINE gave the events stay: a redelivery must not bring her back.
    Step(
        "line_event",
        f"""
        UPDATE line_event SET body = NULL, line_user_id = NULL, trouble = NULL, worked_at = coalesce(worked_at, :now)
        WHERE brand_id = :brand_id AND {_HERS_AT_LINE}
        """,
        ("body", "line_user_id", "trouble"),
    ),
    _delete("line_content"),
    Step("line_reply", f"UPDATE line_reply SET messages = NULL, detail = NULL WHERE {_HER}", ("messages", "detail")),
    # A call may name several people; what its signature covers cannot be cut, so all of it goes.
    Step(
        "line_forward_call",
        f"""
        UPDATE line_forward_call
        SET body = NULL, signature = NULL, state = 'dead', settled_at = coalesce(settled_at, :now),
            last_error = 'A person whom it named was erased.'
        WHERE brand_id = :brand_id AND state <> 'sent' AND body IS NOT NULL AND EXISTS (
            SELECT 1 FROM unnest(CAST(:line_user_ids AS text[])) AS named (line_user_id)
            WHERE position(convert_to(named.line_user_id, 'UTF8') IN body) > 0
              AND {is_hers("named.line_user_id", "line_forward_call.line_account_id")}
        )
        """,
        ("body", "signature"),
    ),
    Step(
        "delivery",
        f"UPDATE delivery SET line_user_id = NULL WHERE {_HER} AND line_user_id IS NOT NULL",
        ("line_user_id",),
    ),
    Step("delivery_failure", f"UPDATE delivery_failure SET detail = '' WHERE {_HER} AND detail <> ''", ("detail",)),
    Step(
        "event",
        f"""
        UPDATE event SET data = data - 'text' - 'postback_data'
        WHERE {_HER} AND type = 'message.received' AND (data ? 'text' OR data ? 'postback_data')
        """,
        ("data",),
    ),
    # What a partner's system answered may repeat what it was told of her.
    Step(
        "webhook_delivery",
        """
        UPDATE webhook_delivery SET reply = NULL FROM event
        WHERE webhook_delivery.brand_id = :brand_id AND webhook_delivery.reply IS NOT NULL
          AND event.brand_id = :brand_id AND event.id = webhook_delivery.event_id
          AND event.customer_id = ANY(CAST(:ids AS uuid[]))
        """,
        ("reply",),
    ),
    # What came of a code stays, as a figure of nobody.
    Step(
        "qr_scan",
        f"UPDATE qr_scan SET line_user_id = NULL, friend_id = NULL, customer_id = NULL WHERE {_HER}",
        ("line_user_id",),
    ),
    Step(
        "qr_scan",
        f"""
        DELETE FROM qr_scan
        WHERE brand_id = :brand_id AND tied_at IS NULL
          AND {is_hers("qr_scan.line_user_id", "qr_scan.line_account_id")}
        """,
    ),
    Step(
        "redemption",
        f"UPDATE redemption SET reverse_reason = NULL WHERE {_HER} AND reverse_reason IS NOT NULL",
        ("reverse_reason",),
    ),
    Step(
        "order_refund",
        f"""
        UPDATE order_refund SET reason = NULL
        WHERE brand_id = :brand_id AND reason IS NOT NULL AND order_id IN (SELECT id FROM "order" WHERE {_HER})
        """,
        ("reason",),
    ),
    Step("point_entry", f"UPDATE point_entry SET reason = NULL WHERE {_HER} AND reason IS NOT NULL", ("reason",)),
    _delete("loyalty_member"),
    _delete("account_link"),
    _delete("friend"),
    Step(
        "link_guess",
        f"DELETE FROM link_guess WHERE brand_id = :brand_id AND identity_id IN (SELECT id FROM identity WHERE {_HER})",
    ),
    _delete("identity"),
    _delete("customer_tag"),
    _delete("external_id"),
    _delete("customer_note"),
    _delete("customer_list_member"),
    _delete("member_card"),
    _delete("customer_preference"),
    Step(
        "customer_merge",
        """
        UPDATE customer_merge SET proof = '{}', before = NULL, moved = NULL
        WHERE brand_id = :brand_id
          AND (from_customer_id = ANY(CAST(:ids AS uuid[])) OR into_customer_id = ANY(CAST(:ids AS uuid[])))
        """,
        ("proof", "before", "moved"),
    ),
    Step(
        "customer_conflict",
        """
        UPDATE customer_conflict SET resolved_at = :now, resolution = 'gone'
        WHERE brand_id = :brand_id AND resolved_at IS NULL AND customer_ids && CAST(:ids AS uuid[])
        """,
        ("resolution",),
    ),
    # Of an answer kept by an older version it is not known whom it names.
    Step(
        "idempotency_key",
        """
        UPDATE idempotency_key SET answer = NULL, customer_ids = NULL
        WHERE brand_id = :brand_id AND answer IS NOT NULL
          AND (customer_ids IS NULL OR customer_ids && CAST(:ids AS uuid[]))
        """,
        ("answer",),
    ),
    # Nobody looks for her in files that hold thousands: they go early.
    Step(
        "operation_file",
        """
        DELETE FROM operation_file USING operation
        WHERE operation_file.brand_id = :brand_id AND operation.brand_id = :brand_id
          AND operation.id = operation_file.operation_id AND operation.status <> 'running'
        """,
    ),
)
"""In this order: what is found by her LINE ids goes before those."""

LEFT: Final = {
    "event.dedupe_key": "kinds and ids of facts",
    "issued_coupon.code": "so that a till that is shown it says why not; it leads to nobody",
    "operation.arguments": "how a file was to be read, and rules",
    "operation.checkpoint": "how far work is; it goes with the end of the work",
    "operation.problem": "why work failed, in our words",
    "operation.result": "figures, and numbers of lines",
    "settlement_conflict.problem": "why a use did not count, in our words",
}
"""Columns of personal data, or of what may be, that stay, and why."""

STAYING: Final = {
    "audit_entry": "who did what, with her id and nothing else of her; the log can be neither changed nor cut",
    "consent": "evidence of what she allowed and withdrew; it says nothing of who she was",
    "customer_store": "figures of nobody at each store",
    "erasure_receipt": "that she was erased",
    "issued_coupon": "figures of nobody, and a code that a till may still be shown",
    "order": "figures of nobody",
    "point_entry": "figures of nobody; what was said of them goes",
    "visit": "figures of nobody",
}
"""Tables whose rows refer to her and are not touched, and why."""
