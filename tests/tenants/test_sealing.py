"""Sealed secrets: what opens them, and that both kinds of key are replaced without a moment in which nothing opens."""

import os
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.ids import uuid7
from tenants.sealing import BrandKey, Keyring, Unsealable, parse_keys

OLD, NEW = b"o" * 32, b"n" * 32
PLACE = "line_account.secret:1"


@pytest.fixture
def brand_id() -> UUID:
    return uuid7()


@given(secret=st.binary(max_size=200), purpose=st.text(max_size=40), turns=st.integers(0, 3))
def test_what_is_sealed_opens_again_whatever_keys_came_since(secret: bytes, purpose: str, turns: int) -> None:
    key = BrandKey.new(uuid7())
    sealed = [key.seal(secret, purpose)]
    for _ in range(turns):
        key = key.with_further_key().with_newest_current()
        sealed.append(key.seal(secret, purpose))
    assert [key.unseal(one, purpose) for one in sealed] == [secret] * (turns + 1)


@given(place=st.integers(min_value=0), mask=st.integers(1, 255), numbered=st.booleans())
def test_no_byte_can_be_changed(place: int, mask: int, numbered: bool) -> None:
    key = BrandKey.new(uuid7()).with_further_key()
    key = key.with_newest_current() if numbered else key
    sealed = bytearray(key.seal("secret", PLACE))
    sealed[place % len(sealed)] ^= mask
    with pytest.raises(Unsealable):
        key.unseal(bytes(sealed), PLACE)


@given(damaged=st.binary(max_size=40))
def test_garbage_does_not_open(damaged: bytes) -> None:
    with pytest.raises(Unsealable):
        BrandKey.new(uuid7()).unseal(damaged, PLACE)


def test_a_sealed_value_opens_in_its_own_place_and_brand_only(brand_id: UUID) -> None:
    ring = Keyring({"a": OLD})
    name, wrapped = ring.wrap_new_key(brand_id)
    sealed = ring.open(brand_id, name, wrapped).seal("secret", PLACE)
    with pytest.raises(Unsealable):
        ring.open(brand_id, name, wrapped).unseal(sealed, "line_account.secret:2")
    with pytest.raises(Unsealable):
        ring.open(uuid7(), name, wrapped)


@pytest.mark.parametrize("turns", [0, 1, 2])
def test_wrapped_keys_are_the_same_keys_when_they_are_opened(brand_id: UUID, turns: int) -> None:
    key = BrandKey.new(brand_id)
    for _ in range(turns):
        key = key.with_further_key().with_newest_current()
    ring = Keyring({"a": OLD})
    opened = ring.open(brand_id, *ring.wrap(key))
    assert (opened.numbers, opened.current) == (key.numbers, key.current)
    assert opened.unseal(key.seal("secret", PLACE), PLACE) == b"secret"


def test_a_further_key_opens_before_it_seals(brand_id: UUID) -> None:
    first = BrandKey.new(brand_id)
    both = first.with_further_key()
    assert both.header == first.header
    assert both.unseal(both.with_newest_current().seal("secret", PLACE), PLACE) == b"secret"
    with pytest.raises(Unsealable):
        first.unseal(both.with_newest_current().seal("secret", PLACE), PLACE)


def test_a_key_that_is_given_up_opens_nothing(brand_id: UUID) -> None:
    first = BrandKey.new(brand_id)
    second = first.with_further_key().with_newest_current().with_current_only()
    assert second.numbers == (2,)
    with pytest.raises(Unsealable):
        second.unseal(first.seal("secret", PLACE), PLACE)
    assert second.with_further_key().numbers == (2, 3), "numbers are never used twice"


def test_the_first_master_key_wraps_and_all_open(brand_id: UUID) -> None:
    name, wrapped = Keyring({"old": OLD}).wrap_new_key(brand_id)
    both = Keyring({"new": NEW, "old": OLD})
    key = both.open(brand_id, name, wrapped)
    again, rewrapped = both.wrap(key)
    assert (name, again) == ("old", "new")
    assert Keyring({"new": NEW}).open(brand_id, again, rewrapped).unseal(key.seal("x", PLACE), PLACE) == b"x"
    with pytest.raises(Unsealable):
        Keyring({"new": NEW}).open(brand_id, name, wrapped)


def test_a_signature_counts_under_every_master_key() -> None:
    signature = Keyring({"old": OLD}).sign(b"cursor")
    assert Keyring({"new": NEW, "old": OLD}).is_signed(b"cursor", signature)
    assert not Keyring({"new": NEW}).is_signed(b"cursor", signature)
    assert not Keyring({"new": NEW, "old": OLD}).is_signed(b"another", signature)


class Changing:
    """Master keys that change; they are only looked at when that is asked at once."""

    def __init__(self) -> None:
        self.keys: dict[str, bytes] | None = None

    def __call__(self, at_once: bool) -> dict[str, bytes] | None:
        keys, self.keys = (self.keys, None) if at_once else (None, self.keys)
        return keys


def test_an_unknown_master_key_makes_a_process_look_at_once(brand_id: UUID) -> None:
    source = Changing()
    running = Keyring({"old": OLD}, source)
    name, wrapped = Keyring({"new": NEW, "old": OLD}).wrap_new_key(brand_id)
    source.keys = {"new": NEW, "old": OLD}
    assert running.open(brand_id, name, wrapped).brand_id == brand_id
    assert running.ids == ("new", "old")


def test_an_unknown_signature_makes_a_process_look_at_once() -> None:
    source = Changing()
    running = Keyring({"old": OLD}, source)
    source.keys = {"new": NEW, "old": OLD}
    assert running.is_signed(b"cursor", Keyring({"new": NEW}).sign(b"cursor"))


def test_master_keys_are_read_in_either_alphabet_and_any_layout() -> None:
    key = bytes(range(251, 256)) + os.urandom(27)
    from base64 import b64encode, urlsafe_b64encode

    plain, other = b64encode(key).decode(), urlsafe_b64encode(key).decode().rstrip("=")
    assert parse_keys(f"a:{plain},b:{other}") == parse_keys(f"a:{other}\n b : {plain} \n") == {"a": key, "b": key}


@pytest.mark.parametrize(
    "text", ["", "a", "a:", ":AAAA", "a:AAAA", "a:" + "A" * 42 + "!", f"a:{'A' * 43},a:{'A' * 43}", "a:" + "é" * 43]
)
def test_malformed_master_keys_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="master keys"):
        parse_keys(text)
