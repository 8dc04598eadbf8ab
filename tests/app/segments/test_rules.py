"""What a rule may say, and how it is told what it may not."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from app.segments.fields.base import Reference
from app.segments.fields.figures import Compared, Dated
from app.segments.fields.tags import Tagged
from app.segments.rules import parse_rule
from app.trees import AllOf, Not
from tenants.ids import encode_id, uuid7
from tenants.problems import Invalid

ID = uuid7()


def errors_of(document: object) -> dict[str, str]:
    """The errors of a document, by pointer."""
    with pytest.raises(Invalid) as caught:
        parse_rule(document)
    return {error["pointer"]: error["detail"] for error in caught.value.errors}


def nested(depth: int) -> Any:
    """A leaf below so many levels of `not`."""
    rule: Any = {"field": "order_count", "op": ">", "value": 0}
    for _ in range(depth):
        rule = {"not": rule}
    return rule


def test_a_rule_is_read_as_a_tree() -> None:
    rule = parse_rule(
        {
            "all": [
                {"field": "tag", "op": "has", "value": "ramen-lover"},
                {"not": {"field": "last_order_at", "op": "within_days", "value": 90}},
                {"field": "spend_yen", "op": "between", "value": [1000, 5000]},
            ]
        }
    )
    assert rule == AllOf(
        (
            Tagged("has", (Reference("ramen-lover", ""),)),
            Not(Dated("last_order_at", "within_days", days=90)),
            Compared("spend_yen", "between", (1000, 5000)),
        )
    )


def test_a_tag_is_named_or_given_by_its_id() -> None:
    rule = parse_rule({"field": "tag", "op": "has_any", "value": [encode_id("tag", ID), "vip"]})
    assert rule == Tagged("has_any", (Reference(ID, ""), Reference("vip", "")))


def test_a_date_is_a_day_and_an_instant_carries_its_zone() -> None:
    day = parse_rule({"field": "last_order_at", "op": "=", "value": "2026-11-21"})
    instant = parse_rule({"field": "last_order_at", "op": "<", "value": "2026-11-21T09:00:00+09:00"})
    assert day == Dated("last_order_at", "=", (date(2026, 11, 21),))
    assert instant == Dated("last_order_at", "<", (datetime(2026, 11, 21, tzinfo=UTC),))


def test_eight_levels_are_deep_enough() -> None:
    parse_rule(nested(8))
    assert list(errors_of(nested(9))) == ["/rule" + "/not" * 8]


def test_a_hundred_comparisons_are_enough() -> None:
    leaf = nested(0)
    parse_rule({"all": [leaf] * 100})
    assert list(errors_of({"any": [{"all": [leaf] * 50}, {"all": [leaf] * 51}]})) == ["/rule"]
    assert list(errors_of({"all": [leaf] * 101})) == ["/rule"]
    assert list(errors_of({"all": [{"any": [{"all": []}] * 100}, {"all": []}]})) == ["/rule"]


def test_a_field_whose_data_does_not_exist_yet_says_so() -> None:
    assert (
        "does not exist yet"
        in errors_of({"any": [{"field": "propensity", "op": "=", "value": 1}]})["/rule/any/0/field"]
    )


@pytest.mark.parametrize(
    ("rule", "pointer"),
    [
        (None, "/rule"),
        ([], "/rule"),
        ({}, "/rule"),
        ({"all": [], "any": []}, "/rule"),
        ({"all": {}}, "/rule/all"),
        ({"all": [3]}, "/rule/all/0"),
        ({"all": [], "op": "="}, "/rule/op"),
        ({"field": "shoe_size", "op": "=", "value": 1}, "/rule/field"),
        ({"field": ["tag"], "op": "has", "value": "x"}, "/rule/field"),
        ({"field": "tag", "value": "x"}, "/rule/op"),
        ({"field": "tag", "op": "=", "value": "x"}, "/rule/op"),
        ({"field": "tag", "op": {}, "value": "x"}, "/rule/op"),
        ({"field": "tag", "op": "has"}, "/rule/value"),
        ({"field": "tag", "op": "has", "value": ["x"]}, "/rule/value"),
        ({"field": "tag", "op": "has", "value": ""}, "/rule/value"),
        ({"field": "tag", "op": "has_any", "value": []}, "/rule/value"),
        ({"field": "tag", "op": "has_all", "value": ["x", 3]}, "/rule/value/1"),
        ({"field": "tag", "op": "has", "value": "x", "a/b": 1}, "/rule/a~1b"),
        ({"field": "store", "op": "in", "value": ["store-1"]}, "/rule/value/0"),
        ({"field": "store", "op": "home", "value": encode_id("area", ID)}, "/rule/value"),
        ({"field": "area", "op": "in", "value": None}, "/rule/value"),
        ({"field": "line_account", "op": "in", "value": [[]]}, "/rule/value/0"),
        ({"field": "spend_yen", "op": ">", "value": "5"}, "/rule/value"),
        ({"field": "spend_yen", "op": ">", "value": 0.5}, "/rule/value"),
        ({"field": "order_count", "op": "=", "value": True}, "/rule/value"),
        ({"field": "order_count", "op": "=", "value": 2**63 - 1}, "/rule/value"),
        ({"field": "order_count", "op": "between", "value": 5}, "/rule/value"),
        ({"field": "order_count", "op": "between", "value": [5, 4]}, "/rule/value"),
        ({"field": "order_count", "op": "between", "value": [5, "6"]}, "/rule/value/1"),
        ({"field": "last_order_at", "op": "within_days", "value": -1}, "/rule/value"),
        ({"field": "last_order_at", "op": "within_days", "value": 1.5}, "/rule/value"),
        ({"field": "last_order_at", "op": "never", "value": 1}, "/rule/value"),
        ({"field": "last_order_at", "op": "<", "value": 1700000000}, "/rule/value"),
        ({"field": "last_order_at", "op": "<", "value": "2026-02-30"}, "/rule/value"),
        ({"field": "last_order_at", "op": "<", "value": "2026-02-20T10:00:00"}, "/rule/value"),
        ({"field": "last_order_at", "op": "<", "value": "9999-12-31T23:59:59-12:00"}, "/rule/value"),
        ({"field": "last_order_at", "op": "<", "value": "1969-12-31"}, "/rule/value"),
    ],
)
def test_what_cannot_be_followed_is_pointed_at(rule: object, pointer: str) -> None:
    assert list(errors_of(rule)) == [pointer]


def test_all_errors_are_told_at_once() -> None:
    rule = {
        "all": [{"field": "tag", "op": "is", "value": "x"}, {"not": {"field": "spend_yen", "op": ">", "value": "5"}}]
    }
    assert list(errors_of(rule)) == ["/rule/all/0/op", "/rule/all/1/not/value"]
