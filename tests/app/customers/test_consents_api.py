"""The ledger of consents over HTTP, and what holds by it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from app.customers.consents import service
from app.customers.consents.models import Consent
from app.customers.consents.queries import CurrentConsent, current_consents, find_current
from app.customers.joining.models import CustomerMerge
from app.customers.models import Customer
from app.events.models import Event
from tenants.ids import encode_id
from tenants.session import ScopedSession
from tests import make
from tests.conftest import BrandHome

NOON = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@pytest.fixture
def consents(api: TestClient, home: BrandHome) -> str:
    with home.open() as session:
        person = make.customer(session)
        session.commit()
        return f"/v1/customers/{encode_id('cus', person.id)}/consents"


def say(api: TestClient, home: BrandHome, consents: str, channel: str, is_granted: bool, **more: Any) -> Any:
    body = {"purpose": "marketing", "channel": channel, "is_granted": is_granted, **more}
    answer = api.post(consents, json=body, headers=more.pop("headers", home.headers))
    assert answer.status_code == 201, answer.text
    return answer.json()


def holding(api: TestClient, home: BrandHome, consents: str) -> dict[str, bool]:
    answer = api.get(consents, headers=home.headers).json()
    return {one["channel"]: one["is_granted"] for one in answer["current"] if one["purpose"] == "marketing"}


def test_the_ledger_keeps_every_entry_and_the_newest_holds(api: TestClient, home: BrandHome, consents: str) -> None:
    wording = "お得な情報をLINEで受け取る"
    first = say(api, home, consents, "line", True, occurred_at="2026-04-01T03:00:00Z", wording=wording, source="用紙")
    second = say(api, home, consents, "line", False)
    assert (first["wording"], first["source"], second["source"]) == (wording, "用紙", "api")
    assert first["recorded_by"] == "本部システム"
    answer = api.get(consents, headers=home.headers).json()
    assert answer["items"] == [second, first]
    since = second["occurred_at"]
    assert answer["current"] == [{"purpose": "marketing", "channel": "line", "is_granted": False, "since": since}]


def test_what_she_said_last_holds_in_whatever_order_it_becomes_known(
    api: TestClient, home: BrandHome, consents: str
) -> None:
    say(api, home, consents, "email", False, occurred_at="2026-05-01T00:00:00Z")
    say(api, home, consents, "email", True, occurred_at="2026-04-01T00:00:00Z")
    assert holding(api, home, consents) == {"email": False}


def test_who_withdraws_any_channel_takes_back_what_she_allowed_before(
    api: TestClient, home: BrandHome, consents: str
) -> None:
    say(api, home, consents, "line", True, occurred_at="2026-04-01T00:00:00Z")
    say(api, home, consents, "sms", False, occurred_at="2026-04-01T00:00:00Z")
    say(api, home, consents, "any", True, occurred_at="2026-05-01T00:00:00Z")
    assert holding(api, home, consents) == {"any": True, "line": True, "sms": False}
    say(api, home, consents, "any", False, occurred_at="2026-06-01T00:00:00Z")
    say(api, home, consents, "post", True, occurred_at="2026-07-01T00:00:00Z")
    assert holding(api, home, consents) == {"any": False, "post": True}


def test_any_holds_for_channels_of_which_she_said_nothing() -> None:
    any_, line = CurrentConsent("marketing", "any", True, NOON), CurrentConsent("marketing", "line", False, NOON)
    assert find_current([any_, line], "marketing", "line") == line
    assert find_current([any_, line], "marketing", "email") == any_
    assert find_current([any_, line], "analytics", "line") is None


def test_what_she_will_say_is_refused(api: TestClient, home: BrandHome, consents: str) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    body = {"purpose": "marketing", "channel": "line", "is_granted": True, "occurred_at": tomorrow}
    refused = api.post(consents, json=body, headers=home.headers)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/occurred_at")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"purpose": "Marketing"}, "/purpose"),
        ({"purpose": ""}, "/purpose"),
        ({"purpose": "a" * 41}, "/purpose"),
        ({"channel": "fax"}, "/channel"),
        ({"is_granted": 1}, "/is_granted"),
        ({"is_granted": None}, "/is_granted"),
    ],
)
def test_what_is_no_entry_is_refused(
    api: TestClient, home: BrandHome, consents: str, changes: dict[str, Any], pointer: str
) -> None:
    body = {"purpose": "marketing", "channel": "line", "is_granted": True, **changes}
    refused = api.post(consents, json=body, headers=home.headers)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)


def test_the_same_entry_sent_again_is_answered_again(api: TestClient, home: BrandHome, consents: str) -> None:
    body = {"purpose": "marketing", "channel": "line", "is_granted": True}
    headers = {**home.headers, "Idempotency-Key": "k-1"}
    first, again = (api.post(consents, json=body, headers=headers) for _ in range(2))
    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    assert len(api.get(consents, headers=home.headers).json()["items"]) == 1


def test_pages_hold_what_holds_of_the_whole_ledger(api: TestClient, home: BrandHome, consents: str) -> None:
    made = [say(api, home, consents, channel, True) for channel in ("line", "email", "sms")]
    first = api.get(consents, params={"limit": 2}, headers=home.headers).json()
    rest = api.get(consents, params={"limit": 2, "cursor": first["next_cursor"]}, headers=home.headers).json()
    assert first["items"] + rest["items"] == made[::-1]
    assert len(first["current"]) == len(rest["current"]) == 3


def test_every_entry_is_told_in_the_timeline(api: TestClient, home: BrandHome, consents: str) -> None:
    entry = say(api, home, consents, "line", True)
    timeline = api.get(consents.replace("consents", "timeline"), headers=home.headers).json()["items"]
    told = {"consent_id": entry["id"], "purpose": "marketing", "channel": "line", "is_granted": True}
    assert (timeline[0]["type"], timeline[0]["data"]) == ("consent.changed", told)


def test_a_store_records_for_whom_it_sees_and_is_told_no_other_stores_entries(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        a, b = make.store(session), make.store(session)
        key_a = {"Authorization": f"Bearer {make.store_key(session, a)}"}
        key_b = {"Authorization": f"Bearer {make.store_key(session, b)}"}
        hers = f"/v1/customers/{encode_id('cus', make.customer(session, a, b).id)}/consents"
        strangers = f"/v1/customers/{encode_id('cus', make.customer(session, b).id)}/consents"
        session.commit()
    said = {"purpose": "marketing", "channel": "line", "is_granted": True}
    made = api.post(hers, json=said, headers=key_a)
    assert (made.status_code, made.json()["store_id"]) == (201, encode_id("store", a.id))
    of_b = api.post(hers, json={**said, "channel": "sms"}, headers=key_b).json()
    at_b = api.get(hers, headers=key_b).json()
    assert at_b["items"] == [of_b]
    assert [one["channel"] for one in at_b["current"]] == ["line", "sms"]
    assert len(api.get(hers, headers=home.headers).json()["items"]) == 2
    for answer in (api.get(strangers, headers=key_a), api.post(strangers, json=said, headers=key_a)):
        assert answer.status_code == 404


def entry(session: ScopedSession, customer: Customer, channel: str, granted: bool, hour: int, **more: Any) -> Consent:
    row = Consent(
        customer_id=customer.id,
        purpose="marketing",
        channel=channel,
        is_granted=granted,
        source="test",
        occurred_at=NOON + timedelta(hours=hour),
        **more,
    )
    session.add(row)
    session.flush()
    return row


def current(session: ScopedSession, customer_id: UUID) -> dict[str, bool]:
    return {one.channel: one.is_granted for one in current_consents(session, [customer_id]).get(customer_id, ())}


def test_among_people_merged_the_stricter_holds_until_she_says_anew(session: ScopedSession) -> None:
    one, other = make.customer(session), make.customer(session)
    entry(session, one, "line", True, 5)
    entry(session, one, "email", True, 5)
    entry(session, other, "any", False, 1)
    entry(session, other, "email", True, 2)
    merge = CustomerMerge(from_customer_id=other.id, into_customer_id=one.id, source="api")
    session.add(merge)
    session.flush()
    assert service.record_stricter(session, one.id, other.id, merge_id=merge.id, recorded_by=None, now=NOON) == 1
    other.merged_into_id = one.id
    session.flush()
    # Even what a clock before ours told: the entry of a merge outweighs all that led to it.
    assert current(session, one.id) == {"any": False, "line": False, "email": True}
    entry(session, one, "line", True, 6, created_at=NOON + timedelta(hours=6))
    assert current(session, one.id)["line"] is True


def test_entries_of_a_merge_that_was_undone_do_not_count(session: ScopedSession) -> None:
    one, other = make.customer(session), make.customer(session)
    entry(session, one, "line", True, -5)
    entry(session, other, "line", False, -9)
    merge = CustomerMerge(from_customer_id=other.id, into_customer_id=one.id, source="api")
    session.add(merge)
    session.flush()
    service.record_stricter(session, one.id, other.id, merge_id=merge.id, recorded_by=None, now=NOON)
    assert current(session, one.id) == {"line": False}
    merge.undone_at = NOON
    session.flush()
    assert current(session, one.id) == {"line": True}
    assert current(session, other.id) == {"line": False}


def test_what_holds_is_found_for_many_at_once(session: ScopedSession) -> None:
    people = [make.customer(session) for _ in range(3)]
    for number, person in enumerate(people[:2]):
        entry(session, person, "line", number == 0, 0)
    found = current_consents(session, [person.id for person in people])
    assert {key: [one.is_granted for one in said] for key, said in found.items()} == {
        people[0].id: [True],
        people[1].id: [False],
    }


def test_an_event_tells_what_was_said(session: ScopedSession) -> None:
    person = make.customer(session)
    made = service.record_consent(
        session, person.id, purpose="analytics", channel="any", is_granted=False, source="liff", now=NOON
    )
    of_her = session.exec(select(Event).where(col(Event.customer_id) == person.id)).one()
    assert (of_her.type, of_her.data["consent_id"], of_her.data["is_granted"]) == (
        "consent.changed",
        str(made.id),
        False,
    )
