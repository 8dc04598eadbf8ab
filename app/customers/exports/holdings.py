"""What is held of one person: table by table, which rows are hers and which of their columns are told.

Tables of packages above this one are named here as SQL and not imported, so that one list shows all there is. A test
holds it against the models: each table that can be of a person stands here or in `UNTOLD`, and so does each column.
"""

from dataclasses import dataclass
from typing import Final

from app.customers.line_ids import is_hers


@dataclass(frozen=True)
class Holding:
    """One member of the export: a list of the rows that are hers, in one order."""

    name: str
    """The member's name."""
    table: str
    columns: str
    """Which columns are told, in this order."""
    prefix: str | None = None
    """Of the TypeID, where the rows have an id that is known outside."""
    whose: str = "customer_id = ANY(CAST(:ids AS uuid[]))"
    order: str = "id"
    unsaid: str = ""
    """The columns that are not told: what is the same in every row, and what only repeats others."""

    def statement(self) -> str:
        """The SELECT of her rows."""
        columns = ", ".join(f'"{name}"' for name in self.columns.split())
        return f'SELECT {columns} FROM "{self.table}" WHERE brand_id = :brand_id AND {self.whose} ORDER BY {self.order}'


CUSTOMER: Final = (
    "id created_at first_seen_at updated_at profile_updated_at external_id member_number name kana phone email"
    " birthday_on gender postal_code address municipality_code attributes written_by home_store_id usual_store_no"
    " order_count spend_yen visit_count last_order_at last_visit_at merged_into_id"
)
_SUMMED_UP: Final = "home_store_no tag_nos store_nos account_nos erased_at"

HOLDINGS: Final = (
    Holding("customer", "customer", CUSTOMER, "cus", "id = :customer_id", unsaid=_SUMMED_UP),
    Holding(
        "merged_customers", "customer", CUSTOMER, "cus", "merged_into_id = :customer_id", unsaid=_SUMMED_UP
    ),
    Holding("external_ids", "external_id", "system value created_at customer_id", order="system, value"),
    Holding(
        "identities",
        "identity",
        "created_at customer_id provider_id line_user_id account_no display_name picture_url language profile_at",
        unsaid="id",
    ),
    Holding(
        "friends",
        "friend",
        "id created_at customer_id line_account_id status source qr_code_id followed_at changed_at asked_at missing_at",
        "frd",
        unsaid="account_no store_nos identity_id",
    ),
    Holding(
        "stores",
        "customer_store",
        "customer_id store_id order_count visit_count spend_yen last_order_at last_visit_at updated_at",
        order="customer_id, store_no",
        unsaid="store_no",
    ),
    Holding(
        "tags",
        "customer_tag",
        "customer_id tag_id source tagged_at expires_at",
        order="customer_id, tag_id",
        unsaid="tag_no store_no",
    ),
    Holding(
        "consents",
        "consent",
        "id created_at customer_id purpose channel is_granted at_store_no source wording occurred_at recorded_by"
        " merge_id",
        "con",
    ),
    Holding(
        "preferences",
        "customer_preference",
        "customer_id paused_until muted_store_nos hours updated_at",
        order="customer_id",
    ),
    Holding("member_cards", "member_card", "number created_at customer_id", unsaid="id"),
    Holding(
        "notes",
        "customer_note",
        "id created_at customer_id store_id text author updated_at",
        "note",
        unsaid="store_no",
    ),
    Holding(
        "lists",
        "customer_list_member",
        "list_id customer_id added_at",
        order="customer_id, list_id",
        unsaid="store_no",
    ),
    Holding(
        "orders",
        "order",
        "id created_at external_id customer_id store_id amount_yen refunded_yen ordered_at",
        "ord",
        unsaid="store_no",
    ),
    Holding(
        "order_refunds",
        "order_refund",
        "id created_at order_id external_id amount_yen refunded_at reason lines",
        "rfd",
        """order_id IN (
            SELECT id FROM "order" AS hers
            WHERE hers.brand_id = :brand_id AND hers.customer_id = ANY(CAST(:ids AS uuid[]))
        )""",
        unsaid="store_no reversed_redemptions",
    ),
    Holding(
        "visits", "visit", "id created_at external_id customer_id store_id visited_at", "vis", unsaid="store_no"
    ),
    Holding(
        "issued_coupons",
        "issued_coupon",
        "id created_at coupon_id customer_id code source store_no account_no campaign_id weather_rule_id run_id status"
        " starts_at expires_at",
        "icpn",
        unsaid="reserved_yen",
    ),
    Holding(
        "redemptions",
        "redemption",
        "id created_at issued_coupon_id coupon_id customer_id store_id amount_yen discount_yen order_ref redeemed_at"
        " business_on reversed_at reverse_reason",
        "red",
        unsaid="store_no funding device_id settle_ref",  # between stores, and of their tills
    ),
    Holding(
        "points",
        "point_entry",
        "id created_at customer_id kind delta origin reason source_ref store_id payer order_id visit_id occurred_at"
        " expires_at",
        "pnt",
        unsaid="store_no lot_id undoes_id",
    ),
    Holding(
        "memberships",
        "loyalty_member",
        "customer_id points rank referral_code updated_at",
        order="customer_id",
        unsaid="due_at",
    ),
    Holding(
        "deliveries",
        "delivery",
        "run_id customer_id batch_no account_no store_no line_user_id reason",
        order="run_id, customer_id, slot",
        unsaid="slot",
    ),
    Holding(
        "delivery_failures",
        "delivery_failure",
        "run_id customer_id status detail store_no",
        order="run_id, customer_id, slot",
        unsaid="slot",
    ),
    Holding("events", "event", "id created_at type customer_id store_no account_no occurred_at data", "evt",
            unsaid="dedupe_key feed_no"),
    Holding(
        "line_events",
        "line_event",
        "line_account_id webhook_event_id type line_user_id occurred_at received_at worked_at body trouble",
        whose=is_hers("line_event.line_user_id", "line_event.line_account_id"),
        order="occurred_at, line_account_id, webhook_event_id",
    ),
    Holding(
        "line_replies",
        "line_reply",
        "created_at line_account_id customer_id webhook_event_id kind status reason detail messages attempts expires_at"
        " settled_at auto_reply_id issued_coupon_id",
        unsaid="id is_otherwise",
    ),
    Holding(
        "line_contents",
        "line_content",
        "line_account_id message_id customer_id kind sent_at",
        order="line_account_id, message_id",
    ),
    Holding(
        "qr_scans",
        "qr_scan",
        "created_at qr_code_id line_account_id provider_id line_user_id identified_at friend_id customer_id tied_at",
        whose="(customer_id = ANY(CAST(:ids AS uuid[])) OR customer_id IS NULL AND "
        f"{is_hers('qr_scan.line_user_id', 'qr_scan.line_account_id')})",
        unsaid="id",
    ),
    Holding(
        "account_links",
        "account_link",
        "created_at customer_id line_account_id expires_at consented_at used_at failed_at",
        unsaid="id nonce_digest",
    ),
    Holding(
        "merges",
        "customer_merge",
        "id created_at from_customer_id into_customer_id source proof merged_by undone_at undone_by",
        "mrg",
        "(from_customer_id = ANY(CAST(:ids AS uuid[])) OR into_customer_id = ANY(CAST(:ids AS uuid[])))",
        unsaid="before moved",
    ),
    Holding(
        "conflicts",
        "customer_conflict",
        "id created_at keys source seen_at seen_count resolved_at resolution",
        "cft",
        "customer_ids && CAST(:ids AS uuid[])",
        unsaid="customer_ids fingerprint",  # who else was named is not hers to learn
    ),
    Holding(
        "erasures", "erasure_receipt", "id created_at customer_id reason asked_by erased_at counts", "era"
    ),
)  # fmt: skip
"""Everything, in the order of the document."""

UNTOLD: Final = {
    "audit_entry": "who changed or read her data: head office's own log, which tells it under `customer_id`",
    "idempotency_key": "answers kept sealed for a day, of which the resource itself stands here",
    "line_forward_call": "webhook calls on their way to another tool, whose events stand under `line_events`",
    "settlement_conflict": "what a till told too late of a copy, which stands here with its uses",
    "webhook_delivery": "what partners' systems answered to events, which stand under `events`",
    "operation": "long work on many people's data, by its own id",
    "operation_file": "files that head office brought or fetched, which go after some days",
}
"""Tables that may hold something of her and are no part of the export, and why."""
