"""What the words of the API mean to the walls: which texts are keys, what free documents hold, what requires what.

A new operation whose members are known here is covered without a word. One that brings a new word fails with a
sentence that names the table to put it into.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final


class Uncovered(Exception):
    """Something of the API that the walls do not try yet; the message says where to name it."""


class _Hole:
    def __repr__(self) -> str:
        return "HOLE"


HOLE: Final = _Hole()
"""Where in a template the id goes."""


def fill_hole(template: Any, value: str) -> Any:
    """A template with the value in its hole."""
    if template is HOLE:
        return value
    if isinstance(template, dict):
        return {name: fill_hole(one, value) for name, one in template.items()}
    if isinstance(template, list):
        return [fill_hole(one, value) for one in template]
    return template


@dataclass(frozen=True)
class Free:
    """A member that the document leaves open: what it may look like, and where ids stand in it."""

    example: Any
    templates: tuple[tuple[Any, str], ...] = ()


def _comparison(field: str, op: str, value: Any) -> dict[str, Any]:
    return {"all": [{"field": field, "op": op, "value": value}]}


RULE_REFERENCES = {
    "tag": ("tag",), "store": ("store",), "area": ("area",), "line_account": ("acc",), "coupon": ("cpn",),
    "event": ("store", "acc", "cpn"), "message": ("cmp",), "segment": ("seg",),
}  # fmt: skip
"""Fields of segment rules whose values hold ids, and of what."""

_RULES: list[tuple[Any, str]] = [
    (_comparison("tag", "has", HOLE), "tag"),
    (_comparison("tag", "has_any", [HOLE]), "tag"),
    (_comparison("tag", "has_all", [HOLE]), "tag"),
    *((_comparison("store", op, [HOLE]), "store") for op in ("in", "friend_of", "bought_at", "home")),
    *((_comparison("area", op, [HOLE]), "area") for op in ("in", "in_trade_zone")),
    (_comparison("line_account", "in", [HOLE]), "acc"),
    ({"not": _comparison("store", "in", HOLE)}, "store"),
    *((_comparison("coupon", op, [HOLE]), "cpn") for op in ("holds", "used")),
    (_comparison("coupon", "expires_within_days", {"days": 7, "coupon_id": HOLE}), "cpn"),
    (_comparison("event", "did", {"type": "visit.recorded", "store_id": HOLE}), "store"),
    (_comparison("event", "did_not", {"type": "friend.followed", "line_account_id": [HOLE]}), "acc"),
    (_comparison("event", "did", {"type": "coupon.redeemed", "where": {"coupon_id": HOLE}}), "cpn"),
    (_comparison("message", "received", {"campaign_id": HOLE, "within_days": 30}), "cmp"),
    (_comparison("segment", "in", [HOLE]), "seg"),
]
_READING = {"reading": "precipitation_probability", "in": {"from": "11:00", "to": "17:00"}, "op": ">=", "value": 60}

FREE: dict[str, Free] = {
    "rule": Free({"all": []}, tuple(_RULES)),
    "event": Free(
        {"type": "order.paid"},
        (
            ({"type": "visit.recorded", "store_id": HOLE}, "store"),
            ({"type": "friend.followed", "line_account_id": [HOLE]}, "acc"),
        ),
    ),
    "condition": Free(_READING),
    "off_condition": Free(_READING),
    "window": Free({"from": "11:00", "to": "17:00"}),
    "messages": Free({"type": "text", "text": "こんにちは"}),
    "greeting": Free({"type": "text", "text": "ようこそ"}),
    "fallback_messages": Free({"type": "text", "text": "終了しました"}),
    "welcome_messages": Free({"type": "text", "text": "ようこそ"}),
    "otherwise_messages": Free({"type": "text", "text": "雨の日にどうぞ"}),
    "values": Free({"phone": "03-1234-5678"}),
    "attributes": Free({"size": "L"}),
    "opening_hours": Free({"mon": [["11:00", "22:00"]]}),
    "trade_zone": Free({"municipality_codes": ["13104"]}),
    "caps": Free({"per_customer": [{"messages": 3, "days": 7}]}),
    "quiet_hours": Free({"from": "21:00", "to": "09:00"}),
    "holidays": Free({"on": ["2026-12-31"], "national": True}),
    "retention": Free({"line_events_days": 30}),
}
"""Members without a schema of their own."""

HEADERS = {
    "idempotency-key": "request-key",
    "if-match": "etag",
    "if-none-match": "etag",
    "accept": "data",
    "x-csrf-token": "data",
}
"""Headers that operations take, and what they carry."""

MESSAGE_ID = "642012345678901235"
"""Of a message with a picture, which every account of the world received."""

DATA = {
    "ref": "till-1",
    "name": "壁の試験", "address": "東京都新宿区", "plan": "light", "postal_code": "1600022", "timezone": "Asia/Tokyo",
    "municipality_code": "13104", "municipality_codes": "13104", "class10": "130010", "class20": "1310400",
    "office": "130000", "decide_times": "11:15", "item": "餃子", "reason": "試験", "source": "walls",
    "permissions": "brand:read", "channel_secret": "0123456789abcdef0123456789abcdef", "provider_id": "provider-1",
    "order_ref": "R-1", "month": "2026-11", "types": "friend.followed", "to": "2026-12-31", "from": "2026-12-01",
    "action": "rotate_store_key", "confirm": "壁の試験", "client_name": "壁の試験",
    "login_channel_secret": "0123456789abcdef0123456789abcdef",
    "login_channel_id": "1650000001", "label": "レジ横", "headline": "友だち募集中",
    "url": "https://tool.example.jp/line/webhook", "message_id": MESSAGE_ID,
    "kana": "カベ", "system": "pos", "purpose": "marketing", "wording": "壁の試験", "text": "壁の試験",
    "variant": "A", "note": "壁の試験", "choices": "壁の試験", "description": "壁の試験", "columns": "name",
    "mapping": "{}", "file_name": "errors.csv",
    "block_name": "greeting", "default": "壁の試験", "value": "壁の試験", "use": "campaign",
    "combinable_with": "朝", "send_at": "11:00", "hours": "14:00", "late_until": "14:00",
    "pack_code": "cafe",
    "keywords": "雨", "postbacks": "action=rain",
    "name_ja": "ゴールド", "name_en": "Gold", "key": "gold",
    "": "member_number,name\nM-1,x\n",
}  # fmt: skip
"""Texts that name nothing of the brand's, each with one that is good anywhere."""

KEYS: dict[str, str] = {
    "phone": "~phone",
    "email": "~email",
    "member_number": "~member_number",
    "customer_external_id": "~customer_external_id",
    "channel_id": "~channel_id",
    "q": "~customer_name",
    "tag": "~tag",
    "code": "~coupon_code",
    "external_id": "~customer_external_id",
    "id": "~customer_outside_id",
    "source_ref": "~point_source_ref",
    "undoes": "~point_source_ref",
    "referrer_code": "~referral_code",
    "cursor": "cursor",
}
"""Texts by which something of the brand's is found."""

KEYS_OF: dict[tuple[str, str], str] = {
    ("/v1/stores", "code"): "~store_code",
    ("/v1/orders", "external_id"): "~order_external_id",
    ("/v1/visits", "external_id"): "~visit_external_id",
    ("/v1/staff", "email"): "~staff_email",
}
"""The same, where a word means something else below a path."""


def kind_of_text(operation: str, name: str) -> str:
    """Whether a text is a key, and which; or `data`. Raises Uncovered for an unknown one."""
    path = operation.partition(" ")[2]
    for (prefix, word), kind in KEYS_OF.items():
        if word == name and path.startswith(prefix):
            return kind
    if name in KEYS:
        return KEYS[name]
    if name in DATA:
        return "data"
    raise Uncovered(
        f"{operation} takes the text {name!r}: say in tests/walls/vocabulary.py whether it is DATA, or by which of the"
        " KEYS something is found"
    )


ANY_IDS: dict[str, tuple[str, ...]] = {"caller_id": ("client", "key", "staff"), "object_id": ("cus", "store", "cpn")}
"""Members that take ids of several kinds, and of which."""

KINDS_BELOW: dict[tuple[str, str], str] = {
    ("/v1/partner-keys", "key"): "key/partner",
    ("/v1/auto-tags", "tag"): "tag/put-on",
}
"""Where one prefix means two kinds of things, by the path."""


def kind_of_id(operation: str, prefix: str) -> str:
    """Which of `THINGS` an id names."""
    path = operation.partition(" ")[2]
    return next(
        (kind for (below, one), kind in KINDS_BELOW.items() if one == prefix and path.startswith(below)), prefix
    )


EXCLUSIVE: dict[str, tuple[tuple[str, ...], ...]] = {
    "AudienceBody": (("segment_id", "rule"),),
    "ExcludeBody": (("segment_id", "rule"),),
    "MemberKey": (("customer_id", "external_id", "member_number"),),
    "CampaignCreate": (("messages", "template_id"), ("variants", "template_id")),
    "Trigger": (("event", "rule"),),
    "RuleAudience": (("segment_id", "rule"),),
    "CustomersExport": (("segment_id", "rule"),),
    "CouponCreate": (("store_ids", "area_ids", "all_stores"),),
    "CouponUpdate": (("store_ids", "area_ids", "all_stores"),),
    "WeatherRuleCreate": (("store_ids", "all_stores"), ("area_ids", "all_stores")),
    "PackImport": (("store_ids", "all_stores"), ("area_ids", "all_stores")),
    "LineAccountCreate": (("store_ids", "area_id"),),
    "LineAccountPatch": (("store_ids", "area_id"),),
    "LinkTokenCreate": (("customer_id", "friend_id"),),
    "OrderUpsert": (("customer_id", "customer_external_id", "member_number", "phone"),),
    "VisitUpsert": (("customer_id", "customer_external_id", "member_number", "phone"),),
}
"""Members of a body of which one at most is given: whoever puts one in takes the others out."""

SPANS = {"after": "2020-01-01T00:00:00Z", "before": "2199-01-01T00:00:00Z"}
"""Instants that a request must name, where the one of every other is not good."""

Own = Callable[[str], str]
"""The id of the caller's own thing of a prefix, or a new key such as `~phone`."""

BASES: dict[str, Callable[[Own], Mapping[str, Any]]] = {
    "Benefit": lambda own: {"kind": "amount_off", "amount_yen": 100},
    "WantedHours": lambda own: {"from": "09:00", "to": "21:00"},
    "Validity": lambda own: {"hours_after_issue": 24},
    "CardResolve": lambda own: {"code": own("~own_coupon_code"), "store_id": own("store")},
    "StaffCreate": lambda own: {"role": "marketer", "email": own("~new_staff_email")},
    "BacktestCreate": lambda own: {
        "from": "2026-09-01",
        "to": "2026-09-03",
        **({"store_id": own("owner")} if own("owner") else {}),
    },
    "BacktestRule": lambda own: {"all_stores": False, "store_ids": [own("store")]},
    "WeatherRulePatch": lambda own: {"all_stores": False, "store_ids": [own("store")]},
    "CouponCreate": lambda own: {"store_ids": [own("store")]},
    "QrCodeCreate": lambda own: {"store_id": own("owner")} if own("owner") else {},
    "CampaignCreate": lambda own: {
        "messages": [{"type": "text", "text": "こんにちは"}],
        **({"store_id": own("owner")} if own("owner") else {}),
    },
    "BlockPut": lambda own: {"store_id": own("store")},
    "WeatherRuleCreate": lambda own: {"store_ids": [own("store")]},
    "PackImport": lambda own: {"store_ids": [own("store")], "rules": ["rain-at-lunch"]},
    "CustomerAttributeCreate": lambda own: {"name": own("~new_name"), "type": "text"},
    "CustomerUpsert": lambda own: {"phone": own("~new_phone")},
    "OrderUpsert": lambda own: {"customer_id": own("cus"), "external_id": own("~new_external_id")},
    "VisitUpsert": lambda own: {"customer_id": own("cus"), "external_id": own("~new_external_id")},
    "RefundCreate": lambda own: {
        "external_id": own("~new_external_id"),
        "amount_yen": 1,
        "refunded_at": datetime.now(UTC).isoformat(),
    },
    "LinkTokenCreate": lambda own: {"customer_id": own("cus")},
    "MemberKey": lambda own: {"customer_id": own("cus")},
    "MergeCreate": lambda own: {"from": own("cus#2"), "into": own("cus")},
    "StoreCreate": lambda own: {"code": own("~new_code")},
    "AutoReplyCreate": lambda own: {
        "trigger": {"keywords": ["雨"]},
        "otherwise_messages": [{"type": "text", "text": "雨の日にどうぞ"}],
    },
    "AutoReplyUpdate": lambda own: {"otherwise_messages": [{"type": "text", "text": "雨の日にどうぞ"}]},
    "TillLinkCreate": lambda own: {"store_id": own("store")},
    "PointEntryCreate": lambda own: {"delta": 10, "source_ref": own("~new_point_source_ref")},
    "ProgrammePut": lambda own: {"referral": {"referrer_points": 300, "newcomer_points": 300}},
    "ReferralCreate": lambda own: {"referrer_code": own("~own_referral_code")},
    "RedemptionCreate": lambda own: {"code": own("~own_coupon_code"), "store_id": own("store")},
    "RedemptionBatch": lambda own: {
        "store_id": own("store"),
        "items": [{"ref": "1", "code": own("~own_coupon_code"), "redeemed_at": datetime.now(UTC).isoformat()}],
    },
    "LineAccountCreate": lambda own: {"channel_id": own("~new_channel_id"), "store_ids": [own("store")]},
    "Trigger": lambda own: {"event": {"type": "order.paid"}},
    "TagCreate": lambda own: {"name": own("~new_name")},
    "TagUpdate": lambda own: {"name": own("~new_name")},
    "Rotation": lambda own: {"overlap_seconds": 0},
    "TradeZone": lambda own: {"municipality_codes": ["13104"]},
}
"""What a body must hold beside what its schema requires, by the component's name."""
