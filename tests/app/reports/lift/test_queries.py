"""The sums that lift is estimated from, against the same sums made row by row."""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest

from app.messaging.models import Delivery
from app.reports.lift.queries import Compared, LiftBy, compare
from app.reports.lift.statistics import METRICS, Cell
from app.weather.models import WeatherRule
from tenants.scope import Scope
from tenants.session import ScopedSession, open_session
from tenants.stores.models import Store
from tests import make
from tests.app.reports.lift import sent
from tests.app.reports.lift.sent import ON, instant, person
from tests.app.reports.lift.simulated import VISITS, Row, gather

WEEK = timedelta(days=6)


def told(session: ScopedSession, group_by: LiftBy = "weather_rule", to: date = ON + WEEK) -> list[Compared]:
    """What is told of a week, some weeks later."""
    return compare(session, group_by, ON, to, zone="Asia/Tokyo", now=instant(ON + timedelta(days=40)))


def only(session: ScopedSession, group_by: LiftBy = "weather_rule") -> Compared:
    (one,) = told(session, group_by)
    return one


def done(cell: Cell, metric: str) -> tuple[float, float]:
    """What both sides did."""
    place = METRICS.index(metric)
    return cell.offered.sums[place], cell.held_out.sums[place]


def both(count: int) -> tuple[Sequence[UUID], Sequence[UUID]]:
    """So many people whom the draw lets be written to, and so many whom it holds out."""
    return [person(held_out=False) for _ in range(count)], [person(held_out=True) for _ in range(count)]


def test_the_sums_and_squares_are_those_made_row_by_row(session: ScopedSession) -> None:
    random = Random(7)
    stores = [make.store(session), make.store(session)]
    rule = make.weather_rule(session)
    people = {at.no: (*both(4), both(1)[0]) for at in stores}
    rows: list[Row] = []
    numbers: dict[UUID, int] = {}
    for day in (0, 2, 5):
        on = ON + timedelta(days=day)
        for at in stores:
            written_to, held_out, _ = people[at.no]
            sent_to = random.sample(written_to, random.randint(2, 4))
            sent.run(session, rule, on, at, sent_to=sent_to, held_out=held_out, frozen_at=instant(on))
            for customer_id in (*sent_to, *held_out):
                times = random.randint(0, 2)
                for _ in range(times):
                    sent.visit(session, customer_id, at, instant(on, 12))
                who = numbers.setdefault(customer_id, len(numbers))
                rows.append((on, at.no, who, customer_id in sent_to, float(times)))
    found = only(session)
    cells, ties = gather(rows)
    assert sorted(found.cells, key=repr) == sorted(cells, key=repr)
    for mine, theirs in ((found.ties[VISITS].by_person, ties.by_person), (found.ties[VISITS].by_row, ties.by_row)):
        assert (mine.aa, mine.ab, mine.bb) == pytest.approx((theirs.aa, theirs.ab, theirs.bb))
    assert (found.runs, found.stores, found.customers) == (6, 2, len(numbers))


def test_what_is_done_from_the_sending_until_a_week_after_the_offers_end_counts(session: ScopedSession) -> None:
    at, rule, offer = make.store(session), make.weather_rule(session), make.coupon(session)
    (hers,), (his,) = both(1)
    run = sent.run(session, rule, ON, at, sent_to=[hers], held_out=[his], coupon_id=offer.id)
    ends_at = instant(ON, 20)
    copy = make.issued_coupon(
        session, offer, make.customer(session, id=hers), run_id=run.id, starts_at=instant(ON), expires_at=ends_at
    )
    assert copy.run_id == run.id
    last = ends_at + timedelta(days=7)
    for at_ in (instant(ON) - timedelta(seconds=1), instant(ON), last - timedelta(seconds=1), last):
        sent.order(session, hers, at, at_)
        sent.order(session, his, at, at_, amount_yen=300)
    (cell,) = only(session).cells
    assert (done(cell, "orders"), done(cell, "sales_yen")) == ((2, 2), (1000, 600))


def test_uses_of_any_copy_of_the_offer_count_and_those_of_other_coupons_do_not(session: ScopedSession) -> None:
    at, rule, offer, other = make.store(session), make.weather_rule(session), make.coupon(session), make.coupon(session)
    (hers,), (his,) = both(1)
    sent.run(session, rule, ON, at, sent_to=[hers], held_out=[his], coupon_id=offer.id)
    sent.redemption(session, offer, hers, at, instant(ON, 12))
    sent.redemption(session, other, hers, at, instant(ON, 12))
    sent.redemption(session, other, his, at, instant(ON, 12))
    (cell,) = only(session).cells
    assert (done(cell, "redemptions"), done(cell, "discount_yen")) == ((1, 0), (200, 0))


def test_once_the_rule_fires_again_at_the_store_what_is_done_belongs_to_that_firing(session: ScopedSession) -> None:
    at, elsewhere, rule = make.store(session), make.store(session), make.weather_rule(session)
    (hers,), (his,) = both(1)
    first = sent.run(session, rule, ON, at, sent_to=[hers], held_out=[his])
    others = both(1)
    sent.run(session, rule, ON + timedelta(days=2), elsewhere, sent_to=others[0], held_out=others[1])
    # She was written to the day before yesterday, so that now a cap keeps her out; he was not, and is meant again.
    sent.run(session, rule, ON + timedelta(days=3), at, sent_to=both(1)[0], held_out=[his])
    for person_ in (hers, his):
        sent.visit(session, person_, at, instant(ON + timedelta(days=2)))
        sent.visit(session, person_, at, instant(ON + timedelta(days=4)))
    cells = {(cell.day_on, done(cell, "visits")) for cell in only(session).cells if any(done(cell, "visits"))}
    assert cells == {(ON, (1, 1)), (ON + timedelta(days=3), (0, 1))}
    assert first.business_on == ON


@pytest.mark.parametrize("reason", ["cap", "outranked"])
def test_who_is_kept_out_by_a_cap_stays_on_the_side_of_the_draw(session: ScopedSession, reason: str) -> None:
    at, rule = make.store(session), make.weather_rule(session)
    written_to, held_out = both(40)
    # Of many who are held out the highest draw is near the hold-out's share, by which the others are put on a side.
    edge = max(sent.draw(one) for one in held_out)
    capped = [one for one in (*both(20)[0], *both(20)[1]) if sent.draw(one) != edge]
    others: dict[str | None, Sequence[UUID]] = {
        reason: capped,
        "consent": [person(held_out=False)],
        "quiet_hours": [person(held_out=True)],
    }
    sent.run(session, rule, ON, at, sent_to=written_to, held_out=held_out, others=others)
    (cell,) = only(session).cells
    below = sum(sent.draw(one) < edge for one in capped)
    assert (cell.offered.people, cell.held_out.people) == (40 + len(capped) - below, 40 + below)


def test_who_is_left_out_for_want_of_quota_was_meant_to_be_written_to(session: ScopedSession) -> None:
    at, rule = make.store(session), make.weather_rule(session)
    written_to, held_out = both(3)
    sent.run(session, rule, ON, at, sent_to=written_to[:2], held_out=held_out, others={"quota": written_to[2:]})
    one = only(session)
    assert (one.cells[0].offered.people, one.messages) == (3, 2)


def test_runs_in_which_nobody_was_held_out_and_tests_tell_nothing(session: ScopedSession) -> None:
    at, rule = make.store(session), make.weather_rule(session)
    written_to, held_out = both(2)
    sent.run(session, rule, ON, at, sent_to=written_to)
    sent.run(session, rule, ON, at, sent_to=written_to, held_out=held_out, kind="test")
    sent.run(session, rule, ON + timedelta(days=7), at, sent_to=written_to, held_out=held_out)
    assert told(session) == []


def test_a_firing_that_was_cancelled_before_anything_went_out_tells_nothing(session: ScopedSession) -> None:
    at, rule = make.store(session), make.weather_rule(session)
    (hers,), (his,) = both(1)
    sent.run(session, rule, ON, at, sent_to=[hers], held_out=[his])
    on = ON + timedelta(days=1)
    sent.run(session, rule, on, at, sent_to=[hers], held_out=[his], batch_state="stopped", status="stopped")
    sent.visit(session, hers, at, instant(on, 12))
    (cell,) = only(session).cells
    assert (cell.day_on, done(cell, "visits")) == (ON, (1, 0))


def test_who_has_a_message_from_each_account_counts_once_and_her_messages_all(session: ScopedSession) -> None:
    at, rule = make.store(session), make.weather_rule(session)
    (hers,), (his,) = both(1)
    run = sent.run(session, rule, ON, at, sent_to=[hers], held_out=[his])
    first = session.get_one(Delivery, (session.scope.brand_id, hers, run.id, 0))
    session.add(Delivery(customer_id=hers, run_id=run.id, slot=9, batch_no=first.batch_no, store_no=at.no))
    session.flush()
    one = only(session)
    assert (one.cells[0].offered.people, one.messages) == (1, 2)


def test_stores_take_rules_and_campaigns_together_and_a_campaign_is_its_own(session: ScopedSession) -> None:
    at, elsewhere, rule = make.store(session), make.store(session), make.weather_rule(session)
    campaign_id = UUID(int=7)
    places: list[tuple[Store, WeatherRule | None, dict[str, Any]]] = [
        (at, rule, {}), (at, None, {"campaign_id": campaign_id}), (elsewhere, rule, {}),
    ]  # fmt: skip
    for where, by, changes in places:
        written_to, held_out = both(1)
        sent.run(session, by, ON, where, sent_to=written_to, held_out=held_out, **changes)
    assert [(one.key, one.runs) for one in told(session, "store")] == [(str(at.no), 2), (str(elsewhere.no), 1)]
    assert [(one.key, one.runs) for one in told(session, "campaign")] == [(str(campaign_id), 1)]


def test_a_run_is_open_while_what_is_done_still_counts(session: ScopedSession) -> None:
    at, rule = make.store(session), make.weather_rule(session)
    written_to, held_out = both(1)
    sent.run(session, rule, ON, at, sent_to=written_to, held_out=held_out)
    closes_at = instant(ON, 21) + timedelta(days=7)
    opens = [
        compare(session, "weather_rule", ON, ON, zone="Asia/Tokyo", now=now)[0].open_runs
        for now in (closes_at - timedelta(seconds=1), closes_at)
    ]
    assert opens == [1, 0]


def test_a_store_learns_of_its_people_and_what_they_did_at_its_counter(session: ScopedSession) -> None:
    mine, other, rule = make.store(session), make.store(session), make.weather_rule(session)
    (hers,), (his,) = both(1)
    sent.run(session, rule, ON, mine, sent_to=[hers], held_out=[his])
    others = both(2)
    sent.run(session, rule, ON, other, sent_to=others[0], held_out=others[1])
    sent.visit(session, hers, mine, instant(ON, 12))
    sent.visit(session, his, other, instant(ON, 12))
    with open_session(session.connection(), Scope(session.scope.brand_id, frozenset({mine.no}))) as inside:
        (one,) = told(inside)
    assert [(cell.offered.people, cell.held_out.people, done(cell, "visits")) for cell in one.cells] == [(1, 1, (1, 0))]
