"""Whatever comes as a menu, a batch, a coupon or an image is judged, and never breaks the judge."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.sandbox.coupons import routes as coupon_routes
from app.sandbox.coupons.rules import FIELDS, check_coupon
from app.sandbox.richmenus import routes as menu_routes
from app.sandbox.richmenus.images import look_at
from app.sandbox.richmenus.rules import check_alias, check_alias_change, check_batch, check_menu
from tests.app.sandbox.conformance.test_coupons import coupon
from tests.app.sandbox.inside import new_sandbox, served
from tests.app.sandbox.menus import HEIGHT, WIDTH, jpeg, menu, png, postback

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
ANYTHING = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8), inner), max_leaves=12
)


def objects(*names: str) -> st.SearchStrategy[Any]:
    """Objects of these properties, each of which may be absent or anything."""
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, ANYTHING))


def is_judged(details: Any) -> bool:
    return all(each["message"] and isinstance(each["property"], str) for each in details)


AREAS = st.lists(objects("bounds", "action") | st.fixed_dictionaries({"bounds": objects("x", "y", "width", "height")}))
MENUS = st.fixed_dictionaries(
    {"areas": AREAS | ANYTHING}, optional=dict.fromkeys(("size", "name", "selected"), ANYTHING)
)
OPERATIONS = st.lists(
    st.fixed_dictionaries({"type": st.sampled_from(("link", "unlink", "unlinkAll")) | ANYTHING, "from": ANYTHING})
)


@settings(max_examples=30, deadline=None)
@given(MENUS, st.fixed_dictionaries({"operations": OPERATIONS | ANYTHING}), objects("richMenuAliasId", "richMenuId"))
def test_any_menu_batch_or_alias_is_judged(made: Any, batch: Any, alias: Any) -> None:
    assert is_judged(check_menu(made))
    assert is_judged(check_batch(batch))
    assert is_judged([*check_alias(alias), *check_alias_change(alias)])


@settings(max_examples=30, deadline=None)
@given(objects(*FIELDS), st.booleans())
def test_any_coupon_is_judged(body: Any, by_manager: bool) -> None:
    assert is_judged(check_coupon(body, 0.0, by_manager=by_manager))
    assert is_judged(check_coupon({**coupon(), **body}, 0.0, by_manager=by_manager))


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=64), st.integers(0, 80))
def test_any_bytes_are_looked_at(tail: bytes, kept: int) -> None:
    for image in (png(), jpeg()):
        found = look_at(image[:kept] + tail)
        assert found is None or found.content_type in ("image/png", "image/jpeg")


def test_an_image_tells_its_size_whatever_stands_before_it() -> None:
    filled = b"\xff\xd8\xff\xff" + jpeg()[3:]
    assert [look_at(each) for each in (jpeg(), filled)] == [("image/jpeg", WIDTH, HEIGHT)] * 2
    assert look_at(png()) == ("image/png", WIDTH, HEIGHT)


@pytest.mark.parametrize("depth", [200, *range(225, 250, 3), 900])
def test_what_nests_too_deep_to_be_shown_again_is_not_kept(depth: int) -> None:
    bomb = b'{"a":' * depth + b"1" + b"}" * depth
    deep_menu = orjson.dumps(menu({**postback(), "more": "BOMB"})).replace(b'"BOMB"', bomb)
    deep_coupon = orjson.dumps(coupon(reward={"type": "free", "more": "BOMB"})).replace(b'"BOMB"', bomb)
    sandbox, _ = new_sandbox()
    with served([*menu_routes.routes(sandbox), *coupon_routes.routes(sandbox)]) as client:
        for path, body in (("/v2/bot/richmenu", deep_menu), ("/v2/bot/coupon", deep_coupon)):
            assert client.post(path, content=body).status_code in (
                (200,) if depth == 200 else (400,) if depth == 900 else (200, 400)
            )
        assert client.get("/v2/bot/richmenu/list").status_code == 200
    assert orjson.dumps([part.saved() for part in sandbox.list_saved().values()])
