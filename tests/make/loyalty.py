"""Points for tests."""

from typing import Any, Final

POINT_RULES: Final[dict[str, Any]] = {
    "orders": {"yen_per_point": 100, "stores": []},
    "visits": None,
    "actions": [],
    "expires_after_months": 12,
    "payer": "brand",
    "ranks": {
        "by": "spend",
        "window_months": 12,
        "levels": [
            {"key": "regular", "name_ja": "レギュラー", "name_en": "Regular", "at_least": 0},
            {"key": "gold", "name_ja": "ゴールド", "name_en": "Gold", "at_least": 50_000},
        ],
    },
    "stamps": None,
    "referral": {"referrer_points": 300, "newcomer_points": 200, "within_days": 30},
}
"""A programme as it is stored: a point for 100 yen, two ranks by what was spent, and referrals."""
