"""Codes that change with the clock."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.coupons import rotating
from tenants.ids import uuid7
from tenants.sealing import BrandKey

NOW = datetime(2026, 11, 22, 3, 0, 10, tzinfo=UTC)
CODE = "7K2P9QXM4TRC"
MOMENTS = st.integers(1_790_000_000, 2_800_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


def _shown(key: BrandKey, at: datetime) -> rotating.RotatingCode:
    shown = rotating.read(rotating.show(rotating.secret_of(key, CODE), CODE, at))
    assert shown is not None
    return shown


@given(at=MOMENTS, seconds=st.integers(-29, 29))
def test_what_is_shown_is_taken_at_once_and_a_little_later(at: datetime, seconds: int) -> None:
    key = BrandKey.new(uuid7())
    shown = _shown(key, at)
    assert shown.code == CODE
    assert rotating.is_true(key, shown)
    assert rotating.is_current(shown, at + timedelta(seconds=seconds))


@given(at=MOMENTS, seconds=st.integers(60, 86_400))
def test_a_picture_of_it_is_refused_a_minute_later(at: datetime, seconds: int) -> None:
    shown = _shown(BrandKey.new(uuid7()), at)
    assert not rotating.is_current(shown, at + timedelta(seconds=seconds))


def test_what_another_brand_shows_is_not_true() -> None:
    assert not rotating.is_true(BrandKey.new(uuid7()), _shown(BrandKey.new(uuid7()), NOW))


def test_the_tag_of_one_code_proves_no_other() -> None:
    key = BrandKey.new(uuid7())
    shown = _shown(key, NOW)
    assert not rotating.is_true(key, rotating.RotatingCode("7K2P9QXM4TRD", shown.step, shown.tag))


def test_the_tag_of_one_step_proves_no_other() -> None:
    key = BrandKey.new(uuid7())
    shown = _shown(key, NOW)
    assert not rotating.is_true(key, rotating.RotatingCode(CODE, shown.step + 1, shown.tag))


def test_it_stays_true_while_the_brands_key_is_replaced() -> None:
    key = BrandKey.new(uuid7())
    shown = _shown(key, NOW)
    assert rotating.is_true(key.with_further_key().with_newest_current(), shown)


def test_a_plain_code_is_none_that_rotates() -> None:
    assert rotating.read(CODE) is None
    assert rotating.read(f"{CODE}-") is None
    assert rotating.read("あ" * 25) is None
