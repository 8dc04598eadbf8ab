"""What a coupon gives, in words."""

from typing import Any

import pytest

from app.coupons.texts import tell_benefit


@pytest.mark.parametrize(
    ("benefit", "text", "text_ja"),
    [
        ({"kind": "amount_off", "amount_yen": 1200}, "1,200 yen off", "1,200円引き"),
        ({"kind": "percent_off", "percent": 15}, "15% off", "15%引き"),
        ({"kind": "free_item", "item": "味玉"}, "味玉, free", "味玉が無料"),
        ({"kind": "gift", "item": "ステッカー"}, "A gift: ステッカー", "ステッカープレゼント"),
        ({"kind": "service", "item": "替え玉"}, "With our compliments: 替え玉", "替え玉サービス"),
        ({"kind": "early_access", "item": "{限定}"}, "Before all others: {限定}", "{限定}の先行ご案内"),
    ],
)
def test_every_kind_of_benefit_is_told_in_both_languages(benefit: dict[str, Any], text: str, text_ja: str) -> None:
    assert tell_benefit(benefit) == (text, text_ja)
