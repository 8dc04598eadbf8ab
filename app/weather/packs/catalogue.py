"""The packs: which occasions suit which kind of shop, and what such a shop has to say about each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.weather.packs.occasions import OCCASIONS, Code

# Without `https://`: that would become one of our short links, and the source would not be named any more.
ATTRIBUTION: Final = "出典：気象庁ホームページ（www.jma.go.jp）を加工して作成"
HOLDOUT_RATIO: Final = 0.15
"""So that a season tells what the rule adds."""


@dataclass(frozen=True, kw_only=True)
class Pack:
    """Rules for a kind of shop. `offers` says what follows on JMA's words, by occasion."""

    code: str
    name: str
    name_en: str
    note_en: str
    offers: Mapping[Code, str]


PACKS: Final[Sequence[Pack]] = (
    Pack(
        code="cafe",
        name="カフェ・喫茶店",
        name_en="Cafés",
        note_en="Coffee loses guests in rain, snow and cold: help rather than cheer, and offer shelter and warmth.",
        offers={
            "rain-at-lunch": "雨やどりに、あたたかい一杯をどうぞ。{{ store.name }}でお待ちしています。",
            "rain-in-the-afternoon": "午後の雨やどりは{{ store.name }}で。あたたかいお飲みものをご用意しています。",
            "sudden-cold": "からだの温まる飲みものを{{ store.name }}でご用意しました。",
            "heat-in-the-evening": "日が落ちてからのひと休みに、{{ store.name }}の冷たい飲みものをどうぞ。",
            "first-snow": "お近くにいらしたら、{{ store.name }}のホットドリンクで温まってください。",
            "after-the-storm": "{{ store.name }}は通常どおり営業しています。ひと息つきたいときにお立ち寄りください。",
            "warmer-than-forecast": "テラスや窓ぎわの席で、{{ store.name }}のコーヒーはいかがですか。",
        },
    ),
    Pack(
        code="ramen",
        name="ラーメン・めん類",
        name_en="Ramen and noodles",
        note_en="Noodle shops gain in rain and cold: write early, before lunch is decided.",
        offers={
            "rain-at-lunch": "雨のお昼は{{ store.name }}の熱々の一杯で。お足もとに気をつけてお越しください。",
            "rain-in-the-afternoon": "雨の日の夕食に、{{ store.name }}の温かい一杯はいかがですか。",
            "sudden-cold": "冷える日は、{{ store.name }}の熱いスープで温まってください。",
            "heat-in-the-evening": "涼しくなる夜に、{{ store.name }}の冷やしめんをどうぞ。",
            "first-snow": "ご無理のない範囲で。{{ store.name }}は熱い一杯をご用意しています。",
            "after-the-storm": "{{ store.name }}は通常どおり営業しています。温かい一杯でひと息どうぞ。",
        },
    ),
    Pack(
        code="apparel",
        name="アパレル・靴・雑貨",
        name_en="Apparel, shoes and accessories",
        note_en="What moves is the change: against yesterday, and against what was forecast. People plan a visit for"
        " the next days, so let coupons last longer than one.",
        offers={
            "rain-in-the-afternoon": "雨の日に頼れる傘やレインシューズを、{{ store.name }}でそろえています。",
            "sudden-cold": "羽織りものやストールを{{ store.name }}でご用意しています。",
            "heat-in-the-evening": "夕方からのお買いものに、{{ store.name }}の涼しい素材の服をどうぞ。",
            "first-snow": "冬の靴や手袋を{{ store.name }}でそろえています。お出かけは天気が落ち着いてからどうぞ。",
            "warmer-than-forecast": "軽い上着で出かけたくなる日に、{{ store.name }}の新作をどうぞ。",
        },
    ),
    Pack(
        code="drugstore",
        name="ドラッグストア",
        name_en="Drugstores",
        note_en="Weather needs are practical here: what helps today. Say nothing of effects that a product may not"
        " claim.",
        offers={
            "rain-in-the-afternoon": "傘や部屋干し用の洗剤を{{ store.name }}でそろえています。",
            "sudden-cold": "使い捨てカイロや保湿用品を{{ store.name }}でご用意しています。",
            "heat-in-the-evening": "飲みものや冷却用品を{{ store.name }}でそろえています。涼しくなってからどうぞ。",
            "first-snow": "カイロや日用品の備えは、天気が落ち着いてから{{ store.name }}でどうぞ。",
            "after-the-storm": "日用品や掃除用品を{{ store.name }}でそろえています。",
            "pollen": "マスクやティッシュを{{ store.name }}でそろえています。",
        },
    ),
)


def find_pack(code: str) -> Pack | None:
    """The pack with this code."""
    return next((pack for pack in PACKS if pack.code == code), None)


def write_messages(pack: Pack, code: Code, *, with_coupon: bool = False) -> list[dict[str, Any]]:
    """What goes out: JMA's words, the shop's, where they are from, and with a coupon its code."""
    occasion = OCCASIONS[code]
    lines = [occasion.quote, pack.offers[code]]
    if "気象庁" in occasion.quote:
        lines += ["", ATTRIBUTION]
    messages = [{"type": "text", "text": "\n".join(lines)}]
    if with_coupon:
        messages.append({"type": "text", "text": _COUPON})
    return messages


_COUPON: Final = (
    "クーポン「{{ coupon.name }}」をお使いいただけます。\nコード：{{ coupon.code }}\n有効期限：{{ coupon.expires_at }}"
)
