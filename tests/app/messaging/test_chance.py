"""Who is held out and who gets which variant is drawn by a hash: evenly, for good, and each without the other."""

from typing import Any

import pytest

from app.messaging.experiments import WHOLE, split
from tenants.session import ScopedSession
from tenants.tables import utc_now

PEOPLE = 20_000
HELD = 0.2
# As `freeze` draws it.
HOLDOUT = (
    "get_byte(decode(md5(%(holdout_salt)s || kept.customer_id::text), 'hex'), 0) * 256"
    " + get_byte(decode(md5(%(holdout_salt)s || kept.customer_id::text), 'hex'), 1) < %(held)s * 65536"
)


def draw(session: ScopedSession, *columns: str, **values: Any) -> list[tuple[tuple[Any, ...], int]]:
    """How many of a made-up crowd come to each combination."""
    crowd = "SELECT md5(number::text)::uuid AS customer_id FROM generate_series(1, %(people)s) AS number"
    places = ", ".join(str(place + 1) for place in range(len(columns)))
    drawn = f"SELECT {', '.join(columns)}, count(*) FROM ({crowd}) AS kept GROUP BY {places}"
    rows = session.connection().exec_driver_sql(drawn, {"people": PEOPLE, **values}).all()
    return [(tuple(row[:-1]), row[-1]) for row in rows]


def chi_square(found: dict[Any, int], expected: dict[Any, float]) -> float:
    return sum((found.get(key, 0) - wanted) ** 2 / wanted for key, wanted in expected.items())


def test_each_variant_gets_its_share_and_the_rest_waits(session: ScopedSession) -> None:
    at = utc_now()
    cut = split("x", [0.5, 0.3, 0.2], tested=0.4, decide_at=at)
    found = {key[0]: count for key, count in draw(session, cut.sql, **cut.values)}
    expected = {0: 0.2 * PEOPLE, 1: 0.12 * PEOPLE, 2: 0.08 * PEOPLE, 3: 0.6 * PEOPLE}
    assert set(found) == set(expected)
    assert chi_square(found, expected) < 16.27  # 3 degrees of freedom, once in a thousand
    assert [cut.place(number).variant for number in range(4)] == [0, 1, 2, None]
    assert [cut.place(number).not_before for number in range(4)] == [None, None, None, at]


def test_without_a_test_first_nobody_is_left_over(session: ScopedSession) -> None:
    cut = split("x", [1 / 3, 1 / 3, 1 / 3])
    found = {key[0]: count for key, count in draw(session, cut.sql, **cut.values)}
    assert chi_square(found, dict.fromkeys(range(3), PEOPLE / 3)) < 13.82
    assert max(cut.values["variant_bounds"]) < WHOLE


@pytest.mark.parametrize("salts", [("cmp", "cmp:variant"), ("cmp", "other")])
def test_neither_the_hold_out_nor_another_campaign_tells_anything_of_the_variant(
    session: ScopedSession, salts: tuple[str, str]
) -> None:
    held, dealt = salts
    cut = split(dealt, [0.5, 0.5])
    rows = draw(session, HOLDOUT, cut.sql, holdout_salt=held, held=HELD, **cut.values)
    expected = {
        (is_held, part): PEOPLE * (HELD if is_held else 1 - HELD) / 2 for is_held in (True, False) for part in (0, 1)
    }
    assert chi_square(dict(rows), expected) < 16.27


def test_two_campaigns_hold_out_people_independently(session: ScopedSession) -> None:
    other = HOLDOUT.replace("holdout_salt", "other_salt")
    rows = draw(session, HOLDOUT, other, holdout_salt="one", other_salt="two", held=HELD)
    chance = {True: HELD, False: 1 - HELD}
    expected = {(one, two): PEOPLE * chance[one] * chance[two] for one in chance for two in chance}
    assert chi_square(dict(rows), expected) < 16.27


def test_the_same_person_and_campaign_are_always_drawn_alike(session: ScopedSession) -> None:
    cut = split("x", [0.5, 0.5])
    first, second = (draw(session, "kept.customer_id", cut.sql, people=500, **cut.values) for _ in range(2))
    assert sorted(first, key=str) == sorted(second, key=str)
