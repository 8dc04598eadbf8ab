"""Why a segment chooses somebody, or does not: each comparison of its rule, in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.customers.models import Customer
from app.segments.compiler import compile_rule
from app.segments.fields.attributes import PREFIX
from app.segments.fields.base import Asked, Leaf
from app.segments.models import Segment
from app.segments.rules import Stated, list_leaves, list_stated
from tenants.session import ScopedSession


@dataclass(frozen=True)
class Explained:
    """One comparison of the rule, and what the customer has of it."""

    pointer: str
    field: str
    op: str
    value: Any
    negated: bool
    """Whether `not` stands around it, so that it must not hold."""
    matches: bool
    """Whether it holds as it stands, without that."""
    actual: Any
    detail: str
    detail_ja: str


@dataclass(frozen=True)
class Explanation:
    """Whether a segment chooses a customer, and each comparison."""

    customer_id: UUID
    segment_id: UUID
    matches: bool
    text: str
    text_ja: str
    tree: list[Explained]


def explain(session: ScopedSession, segment: Segment, customer: Customer, now: datetime) -> Explanation:
    """Why a segment chooses this customer or does not, as this scope sees her. Raises Invalid.

    One statement asks every comparison by itself, with the very conditions that choose.
    """
    rule, skip_unseen = segment.rule, session.scope.store_nos is not None
    compiled = compile_rule(session, rule, now, skip_unseen=skip_unseen, within=segment.id)
    asked, leaves = compiled.asked, list(list_leaves(compiled.tree))
    columns = [compiled.where().label("matches")]
    columns += [leaf.condition(asked).label(f"holds_{no}") for no, leaf in enumerate(leaves)]
    columns += [leaf.actual(asked).label(f"actual_{no}") for no, leaf in enumerate(leaves)]
    row = session.execute(select(*columns).select_from(Customer).where(col(Customer.id) == customer.id)).one()
    matches, holds, actual = row[0], row[1 : len(leaves) + 1], row[len(leaves) + 1 :]
    tree = [
        _tell(stated, leaf, held, value, asked)
        for stated, leaf, held, value in zip(list_stated(rule), leaves, holds, actual, strict=True)
    ]
    return Explanation(customer.id, segment.id, matches, _in_english(tree, matches), _in_japanese(tree, matches), tree)


def _tell(stated: Stated, leaf: Leaf, held: bool, value: Any, asked: Asked) -> Explained:
    told, node = leaf.tell(value, asked), stated.node
    return Explained(
        pointer=stated.pointer,
        field=node["field"],
        op=node["op"],
        value=node.get("value"),
        negated=stated.is_negated,
        matches=held,
        actual=told.actual,
        detail=told.en,
        detail_ja=told.ja,
    )


def _in_english(tree: list[Explained], matches: bool) -> str:
    if not tree:
        return "the rule chooses everybody" if matches else "the rule chooses nobody"
    told = []
    for one in tree:
        name = f"not {one.field}" if one.negated else one.field
        told.append(f"matched {name}" if one.matches != one.negated else f"failed {name}: {one.detail}")
    return "; ".join(told)


def _in_japanese(tree: list[Explained], matches: bool) -> str:
    if not tree:
        return "全員が対象です" if matches else "対象となる人はいません"
    told = []
    for one in tree:
        name = f"{_name(one.field)}（除外）" if one.negated else _name(one.field)
        told.append(f"一致：{name}" if one.matches != one.negated else f"不一致：{name}、{one.detail_ja}")
    return "／".join(told)


def _name(field: str) -> str:
    return f"属性「{field.removeprefix(PREFIX)}」" if field.startswith(PREFIX) else _NAMES[field]


_NAMES: Final[Mapping[str, str]] = {
    "tag": "タグ", "store": "店舗", "area": "エリア", "line_account": "LINE公式アカウント", "order_count": "購入回数",
    "spend_yen": "購入金額", "last_order_at": "最終購入日", "last_visit_at": "最終来店日",
    "first_seen_at": "初回接触日", "gender": "性別", "age": "年齢", "birthday_month": "誕生月",
    "prefecture": "都道府県", "municipality": "市区町村", "friend_source": "友だち追加経路", "coupon": "クーポン",
    "event": "行動", "message": "メッセージ", "segment": "セグメント", "points": "ポイント", "rank": "ランク",
}  # fmt: skip
"""What the console calls each field."""
