"""Packs: conditions that rules may have, and texts that LINE takes and JMA's words allow."""

import re
from datetime import UTC, date, datetime

import pytest

from app.links.rewriting import rewrite
from app.messaging.render import check_messages
from app.weather.conditions import list_leaves, parse_condition
from app.weather.freshness import expected_issue
from app.weather.packs.catalogue import ATTRIBUTION, PACKS, Pack, write_messages
from app.weather.packs.occasions import CODES, OCCASIONS, Code
from app.weather.readings import JAPAN
from tenants.stores.opening_hours import find_minutes, instant

RULES = [pytest.param(pack, code, id=f"{pack.code}-{code}") for pack in PACKS for code in pack.offers]
ON = date(2026, 11, 21)


def decided_at(code: Code) -> list[datetime]:
    """The moments at which a rule decides."""
    minutes = [find_minutes(clock) for clock in OCCASIONS[code].decide_times]
    return [instant(ON, one, JAPAN) for one in minutes if one is not None]


def test_every_occasion_is_in_a_pack() -> None:
    assert {code for pack in PACKS for code in pack.offers} == set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_its_conditions_are_such_as_rules_have(code: Code) -> None:
    occasion = OCCASIONS[code]
    parse_condition(occasion.condition)
    if occasion.off_condition is not None:
        parse_condition(occasion.off_condition, turns_off=True)


@pytest.mark.parametrize("code", CODES)
def test_none_waits_for_a_warning(code: Code) -> None:
    assert "warning" not in {leaf.reading for leaf in list_leaves(parse_condition(OCCASIONS[code].condition))}


@pytest.mark.parametrize(("pack", "code"), RULES)
def test_line_takes_its_messages(pack: Pack, code: Code) -> None:
    for with_coupon in (False, True):
        check_messages(write_messages(pack, code, with_coupon=with_coupon))


@pytest.mark.parametrize(("pack", "code"), RULES)
def test_it_says_what_jma_says_and_where_that_is_from(pack: Pack, code: Code) -> None:
    text = write_messages(pack, code)[0]["text"]
    assert ("気象庁" in text) == (code != "pollen")
    assert text.endswith(ATTRIBUTION) == (code != "pollen")
    assert not re.search("警報|注意報|初雪|必ず|来てください", text)
    assert not re.search("[0-9]+時(から|ごろ)", text), "an hour of our own would be a forecast of our own"


@pytest.mark.parametrize(("pack", "code"), RULES)
def test_the_source_is_named_as_it_is_written_after_links_are_tracked(pack: Pack, code: Code) -> None:
    (message,) = write_messages(pack, code)
    assert rewrite([message], lambda url: "https://noren.invalid/r/x") == [message]


@pytest.mark.parametrize("code", CODES)
def test_the_hour_of_issue_that_it_names_is_that_of_the_only_issue_it_may_act_on(code: Code) -> None:
    named = re.search("([0-9]+)時発表", OCCASIONS[code].quote)
    for at in decided_at(code) if named else ():
        issue = expected_issue(at).astimezone(JAPAN)
        assert named is not None
        assert issue.hour == int(named[1])
        assert at.hour == issue.astimezone(UTC).hour, "after the full hour there may be a correction"


@pytest.mark.parametrize("code", CODES)
def test_this_morning_is_said_of_the_first_issue_of_the_day_and_its_corrections(code: Code) -> None:
    for at in decided_at(code) if "けさ" in OCCASIONS[code].quote else ():
        assert expected_issue(at).astimezone(JAPAN).hour == 5
        assert at < instant(ON, 10 * 60 + 45, JAPAN), "then that of 11:00 comes out"


def test_heat_invites_nobody_out_while_it_is_hottest() -> None:
    for at in decided_at("heat-in-the-evening"):
        assert at.astimezone(JAPAN).hour >= 16
    assert "お控えください" in OCCASIONS["heat-in-the-evening"].quote


@pytest.mark.parametrize("code", ["first-snow", "after-the-storm"])
def test_after_and_before_danger_a_person_looks_first(code: Code) -> None:
    assert OCCASIONS[code].approval == "before_send"
