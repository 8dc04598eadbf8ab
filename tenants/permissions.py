"""Every permission by name; roles are sets of them."""

from typing import Final

PERMISSIONS: Final[dict[str, str]] = {
    "brand:read": "See the brand's settings",
    "brand:write": "Change the brand's settings",
    "areas:read": "See areas",
    "areas:write": "Create, change and archive areas",
    "stores:read": "See stores",
    "stores:write": "Create, change and archive stores",
    "line_accounts:read": "See LINE accounts and their quota",
    "line_accounts:write": "Register, change and check LINE accounts",
    "keys:read": "See store keys, partner keys, API clients and support grants",
    "keys:write": "Create, rotate and revoke store keys, partner keys and API clients, and end support grants",
    "tills:read": "See the tills of stores",
    "tills:write": "Invite and revoke tills",
    "staff:read": "See who may sign in",
    "staff:write": "Invite, change and disable staff, and sign them out",
    "audit:read": "Read the audit log",
    "qr_codes:read": "See QR codes and how many friends came by them",
    "qr_codes:write": "Create, change and archive QR codes",
    "customers:read": "See customers, their friends, tags and timeline",
    "customers:write": "Create, change and tag customers",
    "customers:erase": "Erase a customer, and see the receipts",
    "customers:merge": "Join customers, undo it, and settle conflicts",
    "customers:import": "Import customers from a file",
    "customers:export": "Export customers to a file, and all that is known of one",
    "segments:read": "See and preview segments",
    "segments:write": "Create, change and archive segments",
    "orders:read": "See orders and visits",
    "orders:write": "Record orders and visits",
    "coupons:read": "See coupons, issued coupons and redemptions",
    "coupons:write": "Create, change and archive coupons",
    "coupons:issue": "Put coupons into customers' hands, and see their codes",
    "coupons:redeem": "Redeem a code at a store, and reverse it",
    "points:read": "See points, ranks and the points programme",
    "points:write": "Give and take points, and pay referrals",
    "points:configure": "Say how points are earned",
    "campaigns:read": "See campaigns and their deliveries",
    "campaigns:write": "Create, change and archive campaigns",
    "campaigns:launch": "Launch, schedule, pause, resume and cancel campaigns",
    "campaigns:approve": "Approve what stores have drafted, or send it back",
    "auto_replies:read": "See what accounts answer by themselves",
    "auto_replies:write": "Create, change and archive auto-replies",
    "weather:read": "See forecasts, weather rules and decisions",
    "weather:write": "Create, change, evaluate and archive weather rules",
    "reports:read": "See reports and quotas",
    "events:read": "Read the events feed",
    "webhooks:read": "See webhook endpoints and what went to them",
    "webhooks:write": "Create, change and test webhook endpoints, and send events again",
}

STORE_PERMISSIONS: Final[frozenset[str]] = frozenset(
    {
        "brand:read", "areas:read", "stores:read", "line_accounts:read", "customers:read", "customers:write",
        "segments:read", "orders:read", "orders:write", "coupons:read", "coupons:redeem", "campaigns:read",
        "weather:read", "reports:read", "events:read", "qr_codes:read", "qr_codes:write", "points:read",
    }
)  # fmt: skip
"""What a store key may do unless head office says otherwise: its own customers and till, never the brand's settings."""

GRANTABLE_TO_STORES: Final[frozenset[str]] = frozenset(PERMISSIONS) - {
    "brand:write", "areas:write", "stores:write", "line_accounts:write", "keys:read", "keys:write", "staff:read",
    "staff:write", "audit:read", "campaigns:approve", "customers:erase", "customers:merge", "customers:import",
    "customers:export", "points:configure", "auto_replies:read", "auto_replies:write",
    "webhooks:read", "webhooks:write",
}  # fmt: skip
"""What a store key may be given at all: the brand's own set-up, its credentials, and what touches all
customers at once stay with head office."""

GRANTABLE_TO_PARTNERS: Final[frozenset[str]] = GRANTABLE_TO_STORES
"""What a partner's key may be given: what a store's may, over the whole brand or some stores."""

GRANTABLE_TO_SUPPORT: Final[frozenset[str]] = frozenset(
    name for name in PERMISSIONS if name.endswith(":read") and name not in {"keys:read"}
)
"""What the service's operator may be let to see for a while: reads, and never the brand's credentials."""

ROLES: Final[dict[str, frozenset[str]]] = {
    "hq_admin": frozenset(PERMISSIONS),
    "marketer": frozenset(
        {
            "brand:read", "areas:read", "areas:write", "stores:read", "line_accounts:read", "customers:read",
            "customers:write", "segments:read", "segments:write", "orders:read", "coupons:read", "coupons:write",
            "coupons:issue", "campaigns:read", "campaigns:write", "campaigns:launch", "campaigns:approve",
            "weather:read", "weather:write", "reports:read", "events:read", "qr_codes:read", "qr_codes:write",
            "points:read", "points:write", "points:configure", "auto_replies:read", "auto_replies:write",
        }
    ),
    "analyst": frozenset(
        {
            "brand:read", "areas:read", "stores:read", "line_accounts:read", "customers:read", "segments:read",
            "orders:read", "coupons:read", "campaigns:read", "weather:read", "reports:read", "events:read",
            "qr_codes:read", "points:read", "auto_replies:read",
        }
    ),
    "store_manager": STORE_PERMISSIONS
    | {
        "tills:read", "tills:write", "segments:write", "coupons:issue", "campaigns:write", "campaigns:launch",
        "weather:write",
    },
    "clerk": frozenset({"brand:read", "stores:read", "coupons:read", "coupons:redeem"}),
}  # fmt: skip
"""The roles of staff, each a set of permissions; over which stores is said per person."""

STORE_ROLES: Final[frozenset[str]] = frozenset({"store_manager", "clerk"})
"""Roles that are always over some stores; the others may be over all."""


def normalise_permissions(names: list[str] | str) -> list[str]:
    """Permissions from a list or a space-separated string, sorted. Raises ValueError naming the first unknown one."""
    wanted = names.split() if isinstance(names, str) else names
    for name in wanted:
        if name not in PERMISSIONS:
            raise ValueError(f"there is no permission {name!r}")
    return sorted(set(wanted))
