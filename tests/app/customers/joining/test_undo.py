"""Two people of one again: byte for byte as they were, but for what somebody changed since."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.event import listen
from sqlmodel import col, select

from app.coupons.models import IssuedCoupon, Redemption
from app.coupons.redeeming import redeem
from app.customers.consents.queries import current_consents, find_current
from app.customers.consents.service import record_consent
from app.customers.identity import Place, Sign, hear
from app.customers.joining import service
from app.customers.joining.problems import MergeUnderneath, MergeUndone
from app.customers.models import Customer, CustomerStore, Identity, Tag
from app.customers.queries import list_by_key
from app.customers.service import change_customer
from app.customers.tags.service import tag, untag
from app.events.models import Event
from app.messaging.models import Delivery
from tenants.ids import encode_id, uuid7
from tenants.problems import Conflict
from tenants.session import ScopedSession
from tests import make
from tests.app.customers.joining.people import HOUR, NOON, Pair, buy, join, read_all


@pytest.fixture
def pair(session: ScopedSession) -> Pair:
    return Pair(session)


def undo(pair: Pair, merge: Any) -> None:
    service.undo(pair.session, merge.id, undone_by="本部", now=NOON + HOUR)


@pytest.mark.parametrize("turned", [False, True])
def test_undoing_gives_everything_back_byte_for_byte(pair: Pair, turned: bool) -> None:
    before = read_all(pair.session)
    one, other = (pair.hanako, pair.stranger) if turned else (pair.stranger, pair.hanako)
    merge = join(pair.session, one, other)
    assert read_all(pair.session) != before
    undo(pair, merge)
    assert read_all(pair.session) == before


def test_three_merges_undone_from_the_last_give_everything_back(pair: Pair) -> None:
    third = make.customer(pair.session, pair.shibuya, external_id="pos-1", kana="ハナコ")
    before = read_all(pair.session)
    first = join(pair.session, pair.stranger, pair.hanako)
    second = join(pair.session, pair.hanako, third)
    with pytest.raises(MergeUnderneath) as refusal:
        undo(pair, first)
    assert refusal.value.undo_first == encode_id("mrg", second.id)
    undo(pair, second)
    undo(pair, first)
    assert read_all(pair.session) == before


def test_the_later_of_two_merges_is_known_whatever_their_clocks_said(pair: Pair) -> None:
    third = make.customer(pair.session)
    first = join(pair.session, pair.stranger, pair.hanako, now=NOON)
    second = join(pair.session, pair.hanako, third, now=NOON - HOUR)
    with pytest.raises(MergeUnderneath):
        undo(pair, first)
    undo(pair, second)
    undo(pair, first)


def test_of_consents_holds_again_what_each_said(pair: Pair) -> None:
    merge = join(pair.session, pair.stranger, pair.hanako)
    undo(pair, merge)
    said = current_consents(pair.session, [pair.hanako.id, pair.stranger.id])
    holding = [find_current(said[one.id], "marketing", "line") for one in (pair.hanako, pair.stranger)]
    assert [one is not None and one.is_granted for one in holding] == [False, True]


def test_what_she_withdrew_while_she_was_one_both_have_withdrawn(session: ScopedSession) -> None:
    one, other = make.customer(session), make.customer(session)
    said: dict[str, Any] = {"purpose": "marketing", "channel": "line", "source": "form"}
    for person in (one, other):
        record_consent(session, person.id, is_granted=True, occurred_at=NOON - HOUR, now=NOON - HOUR, **said)
    merge = join(session, one, other)
    record_consent(session, one.id, is_granted=False, now=NOON + HOUR / 2, **said)
    service.undo(session, merge.id, undone_by="本部", now=NOON + HOUR)
    now = current_consents(session, [one.id, other.id])
    holding = [find_current(now[person.id], "marketing", "line") for person in (one, other)]
    assert [entry is not None and entry.is_granted for entry in holding] == [False, False]


def test_what_somebody_changed_since_stays_with_the_survivor(pair: Pair) -> None:
    merge = join(pair.session, pair.stranger, pair.hanako)
    changes = {"name": "山田 はな", "attributes": {"colour": "blue", "new": 1}}
    change_customer(pair.session, pair.hanako.id, changes, scope=pair.session.scope, now=NOON)
    undo(pair, merge)
    assert pair.hanako.name == "山田 はな"
    assert pair.hanako.attributes == {"size": "L", "colour": "blue", "new": 1}
    assert pair.hanako.external_id is None
    assert (pair.stranger.external_id, pair.stranger.attributes) == ("web-1", {"size": "S", "colour": "red"})
    assert pair.hanako.updated_at == NOON + HOUR


def test_tags_put_on_and_taken_off_since_are_hers(pair: Pair) -> None:
    merge = join(pair.session, pair.stranger, pair.hanako)
    named = {one.name: one for one in pair.session.exec(select(Tag)).all()}
    new = make.tag(pair.session, name="あと")
    tag(pair.session, pair.hanako.id, [new], source="api", now=NOON)
    untag(pair.session, pair.hanako.id, [named["両方"]], now=NOON + HOUR / 2)
    undo(pair, merge)
    assert pair.hanako.tag_nos == [named["花子"].no, new.no]
    assert pair.stranger.tag_nos == [named["友だち"].no, named["両方"].no]


def test_figures_are_counted_anew_where_something_happened_since(pair: Pair) -> None:
    merge = join(pair.session, pair.stranger, pair.hanako)
    buy(pair.session, pair.hanako, pair.shibuya, 70, NOON)
    undo(pair, merge)
    hanako, stranger = pair.hanako, pair.stranger
    assert (hanako.order_count, hanako.spend_yen, hanako.last_order_at) == (2, 1070, NOON)
    assert (stranger.order_count, stranger.spend_yen, stranger.last_order_at) == (2, 500, NOON - 4 * HOUR)
    assert set(hanako.store_nos) == {pair.shibuya.no, pair.shinjuku.no}
    rows = pair.session.exec(select(CustomerStore).execution_options(populate_existing=True)).all()
    assert {(row.customer_id, row.store_no, row.order_count, row.spend_yen) for row in rows} == {
        (hanako.id, pair.shibuya.no, 1, 70),
        (hanako.id, pair.shinjuku.no, 1, 1000),
        (stranger.id, pair.shibuya.no, 1, 200),
        (stranger.id, pair.shinjuku.no, 1, 300),
    }


def test_what_line_told_since_goes_to_the_one_whose_identity_it_is(pair: Pair) -> None:
    session = pair.session
    identity = session.exec(select(Identity).where(col(Identity.id) == pair.friend.identity_id)).one()
    merge = join(session, pair.stranger, pair.hanako)
    place = Place(pair.account, (pair.shibuya,), may_join=True)
    heard = hear(session, place, Sign(identity.line_user_id, "evt-1", NOON), message_type="text", text="こんにちは")
    assert heard.id == pair.hanako.id
    undo(pair, merge)
    said = session.exec(select(Event).where(col(Event.type) == "message.received")).one()
    session.refresh(said)
    assert said.customer_id == pair.stranger.id


def test_what_was_sent_since_goes_to_whom_the_account_knows(session: ScopedSession) -> None:
    ties = [make.friend(session, make.line_account(session, make.store(session))) for _ in range(2)]
    first, second = (session.exec(select(Identity).where(col(Identity.id) == tie.identity_id)).one() for tie in ties)
    second.account_no = ties[1].account_no  # one LINE user id, kept apart at the second account
    second.provider_id, second.line_user_id = first.provider_id, first.line_user_id
    gone, stays = (session.get_one(Customer, (tie.brand_id, tie.customer_id)) for tie in reversed(ties))
    merge = join(session, gone, stays)
    at: dict[str, Any] = {"customer_id": stays.id, "batch_no": 1, "line_user_id": first.line_user_id}
    session.add_all(Delivery(run_id=uuid7(), account_no=tie.account_no, **at) for tie in ties)
    session.flush()
    service.undo(session, merge.id, undone_by="本部", now=NOON + HOUR)
    sent = dict(session.exec(select(Delivery.account_no, Delivery.customer_id)).all())
    assert sent == {ties[0].account_no: stays.id, ties[1].account_no: gone.id}


def test_a_coupon_used_since_is_used_by_the_one_whose_it_was(pair: Pair) -> None:
    session = pair.session
    theirs = session.exec(select(IssuedCoupon).where(col(IssuedCoupon.customer_id) == pair.stranger.id)).all()
    merge = join(session, pair.stranger, pair.hanako)
    for copy in theirs:
        assert redeem(session, copy.code, store=pair.shibuya, now=copy.starts_at + HOUR).customer_id == pair.hanako.id
    undo(pair, merge)
    session.expire_all()
    assert {one.customer_id for one in session.exec(select(Redemption)).all()} == {pair.stranger.id}
    used = session.exec(select(Event).where(col(Event.type) == "coupon.redeemed")).all()
    assert {one.customer_id for one in used} == {pair.stranger.id}


def test_a_key_that_somebody_else_has_since_does_not_come_back(pair: Pair) -> None:
    merge = join(pair.session, pair.stranger, pair.hanako)
    change_customer(pair.session, pair.hanako.id, {"external_id": "web-2"}, scope=pair.session.scope, now=NOON)
    other = make.customer(pair.session, external_id="web-1")
    undo(pair, merge)
    keys = [pair.session.get_one(Customer, (one.brand_id, one.id)).external_id for one in (pair.hanako, pair.stranger)]
    assert (keys, other.external_id) == (["web-2", None], "web-1")


def test_a_key_that_came_by_a_merge_and_was_given_anew_goes_on_and_comes_back(session: ScopedSession) -> None:
    one, other, third = (make.customer(session, member_number=number) for number in ("M-1", "M-2", "M-3"))
    first = join(session, one, other)
    change_customer(session, other.id, {"member_number": "M-1"}, scope=session.scope, now=NOON)
    before = read_all(session)
    second = join(session, other, third)
    assert [list_by_key(session, "member_number", number) for number in ("M-1", "M-3")] == [[third.id]] * 2
    service.undo(session, second.id, undone_by="本部", now=NOON + HOUR)
    assert read_all(session) == before
    service.undo(session, first.id, undone_by="本部", now=NOON + HOUR)
    assert (one.member_number, other.member_number) == (None, "M-1")


def test_a_merge_is_undone_once(pair: Pair) -> None:
    merge = join(pair.session, pair.stranger, pair.hanako)
    undo(pair, merge)
    assert (merge.undone_by, merge.before, merge.moved) == ("本部", None, None)
    with pytest.raises(MergeUndone):
        undo(pair, merge)


def test_a_merge_of_one_who_was_erased_is_not_undone(pair: Pair) -> None:
    merge = join(pair.session, pair.stranger, pair.hanako)
    pair.hanako.erased_at = NOON
    with pytest.raises(Conflict):
        undo(pair, merge)


def test_a_merge_of_many_rows_asks_as_often_as_one_of_few(session: ScopedSession) -> None:
    def count_statements(events: int) -> int:
        one, other = make.customer(session), make.customer(session)
        session.connection().execute(
            text(
                "INSERT INTO event (brand_id, id, created_at, type, customer_id, occurred_at, data, dedupe_key)"
                " SELECT :brand_id, gen_random_uuid(), now(), 'message.received', :customer_id, now(), '{}', :of || no"
                " FROM generate_series(1, :events) AS no"
            ),
            {"brand_id": session.scope.brand_id, "customer_id": one.id, "events": events, "of": str(uuid7())},
        )
        asked: list[str] = []
        listen(session.connection(), "before_cursor_execute", lambda *said: asked.append(said[2]))
        merge = join(session, one, other)
        service.undo(session, merge.id, undone_by=None, now=NOON)
        return len(asked)

    assert count_statements(1) == count_statements(500)
