"""Being recognised by what one knows: two things that agree, few attempts, and no answer that helps to guess."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from httpx import Response
from sqlalchemy import text
from sqlmodel import select

from app.customers.joining.models import CustomerConflict, CustomerMerge
from app.customers.joining.service import merge
from app.jobs.queue import Clockwork
from app.liff.tasks import forget_links
from tenants.ids import encode_id
from tests import make
from tests.app.liff.stage import HERE, Stage

CARD = {"member_number": "M-0001", "phone": "+819011112222", "birthday_on": datetime(1990, 4, 1, tzinfo=UTC).date()}


@pytest.fixture
def known(stage: Stage) -> UUID:
    """Somebody whom the brand knows from its tills, and a person who has signed in with LINE."""
    with stage.home.open() as session:
        customer = make.customer(session, name="山田花子", **CARD)
        session.commit()
        customer_id: UUID = customer.id
    stage.prove(stage.a, stage.person("花子"))
    return customer_id


def say(stage: Stage, **claim: Any) -> Response:
    answer: Response = stage.app.post("/liff/session/link", json=claim, headers=HERE)
    return answer


def conflicts(stage: Stage) -> list[CustomerConflict]:
    with stage.home.open() as session:
        return list(session.exec(select(CustomerConflict)).all())


@pytest.mark.parametrize(
    "claim",
    [
        {"member_number": "M-0001", "phone": "090-1111-2222"},
        {"member_number": "M-0001", "birthday_on": "1990-04-01"},
        {"phone": "09011112222", "birthday_on": "1990-04-01"},
    ],
    ids=str,
)
def test_two_things_that_agree_join_her(stage: Stage, known: UUID, claim: dict[str, str]) -> None:
    answer = say(stage, **claim)
    assert answer.status_code == 200, answer.text
    assert answer.json()["customer"]["member_number"] == "M-0001"
    (customer,) = stage.customers()
    assert customer.id == known
    with stage.home.open() as session:
        merge = session.exec(select(CustomerMerge)).one()
    assert merge.source == ("member_card" if "member_number" in claim else "phone")
    assert not any(value in str(merge.proof) for value in ("M-0001", "9011112222", "1990-04-01"))
    assert set(merge.proof["keys"]) == set(claim)


@pytest.mark.parametrize(
    ("claim", "listed"),
    [
        ({"member_number": "M-0001"}, True),
        ({"member_number": "M-0001", "phone": "090-9999-9999"}, True),
        ({"member_number": "M-0001", "birthday_on": "1991-04-01"}, True),
        ({"member_number": "M-9999", "phone": "090-9999-9999"}, False),
    ],
    ids=str,
)
def test_less_joins_nobody_and_is_answered_alike(
    stage: Stage, known: UUID, claim: dict[str, str], listed: bool
) -> None:
    answer = say(stage, **claim)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/not-recognised")
    assert set(answer.json()) == {"type", "title", "status", "request_id"}
    assert len(stage.customers()) == 2
    assert [known in one.customer_ids for one in conflicts(stage)] == [True] * listed


def test_who_names_herself_in_between_has_no_more_attempts(stage: Stage, known: UUID) -> None:
    right, wrong = {"member_number": "M-0001", "phone": "09011112222"}, {"member_number": "M-2", "phone": "09099999999"}
    assert say(stage, **right).status_code == 200
    for _ in range(5):
        assert say(stage, **wrong).status_code == 409
        answer = say(stage, **right)
    assert answer.status_code == 429


def test_a_number_said_twice_is_one_thing(stage: Stage, known: UUID) -> None:
    with stage.home.open() as session:
        other = make.customer(session, member_number="M-0002")
        merge(session, other.id, known, source="api", proof={}, merged_by="本部", now=datetime.now(UTC))
        session.commit()
    claim = {"member_number": "M-0002", "external_ids": [{"system": "member_number", "value": "M-0002"}]}
    assert say(stage, **claim).status_code == 409


def test_who_was_taken_apart_is_joined_by_nothing_that_is_typed(stage: Stage, known: UUID) -> None:
    claim = {"member_number": "M-0001", "phone": "09011112222"}
    assert say(stage, **claim).status_code == 200
    (merged,) = stage.get("/v1/customer-merges")["items"]
    assert stage.post(f"/v1/customer-merges/{merged['id']}/undo").status_code == 200
    assert say(stage, **claim).status_code == 409
    assert (len(stage.customers()), len(conflicts(stage))) == (2, 1)


def test_a_join_of_her_own_is_in_the_audit_log(stage: Stage, known: UUID) -> None:
    say(stage, member_number="M-0001", phone="09011112222")
    (entry,) = stage.get("/v1/audit-log", action="join_herself")["items"]
    assert (entry["caller_kind"], entry["caller_id"]) == ("customer", encode_id("cus", known))
    assert (len(entry["customer_ids"]), entry["object_id"][:4]) == (2, "mrg_")
    assert "M-0001" not in str(entry)


def test_wrong_attempts_are_few_and_a_right_one_is_given_back(stage: Stage, known: UUID) -> None:
    wrong = {"member_number": "M-9999", "phone": "09099999999"}
    assert [say(stage, **wrong).status_code for _ in range(5)] == [409] * 5
    right = {"member_number": "M-0001", "phone": "09011112222"}
    spent = say(stage, **right)
    assert (spent.status_code, int(spent.headers["retry-after"]) > 3000) == (429, True)
    clock = Clockwork(stage.engine, stage.keyring, stage.settings, datetime.now(UTC) + timedelta(hours=1, minutes=1))
    forget_links(clock)
    assert say(stage, **right).status_code == 200
    with stage.home.open() as session:
        assert session.execute(text("SELECT count(*) FROM link_guess")).scalar_one() == 0


def test_a_phone_of_a_family_names_nobody(stage: Stage, known: UUID) -> None:
    with stage.home.open() as session:
        make.customer(session, name="山田太郎", phone=CARD["phone"])
        session.commit()
    assert say(stage, phone="09011112222", birthday_on="1990-04-01").status_code == 409
    assert say(stage, phone="09011112222", member_number="M-0001").status_code == 200


def test_who_has_another_line_of_the_provider_is_somebody_else(stage: Stage, known: UUID) -> None:
    say(stage, member_number="M-0001", phone="09011112222")
    stage.app.cookies.clear()
    stage.prove(stage.a, stage.person("太郎"))
    assert say(stage, member_number="M-0001", phone="09011112222").status_code == 409
    assert len(stage.customers()) == 2
    assert len(conflicts(stage)) == 1


def test_without_a_basis_her_consent_is_asked_for_before_anything_is_looked_up(stage: Stage, known: UUID) -> None:
    stage.without_basis()
    answers = [say(stage, member_number=number, phone="09011112222") for number in ("M-0001", "M-9999")]
    assert [one.json()["type"] for one in answers] == ["/problems/joining-needs-basis"] * 2
    assert say(stage, member_number="M-0001", phone="09011112222", consent=True).status_code == 200


def test_who_withdrew_her_consent_is_asked_for_it_anew(stage: Stage, known: UUID) -> None:
    mine = stage.app.get("/liff/session").json()["customer"]["id"]
    no = {"purpose": "joining", "channel": "any", "is_granted": False, "source": "電話"}
    assert stage.post(f"/v1/customers/{mine}/consents", no).status_code == 201
    claim = {"member_number": "M-0001", "phone": "09011112222"}
    assert say(stage, **claim).json()["type"] == "/problems/joining-needs-basis"
    assert say(stage, **claim, consent=True).status_code == 200


def test_it_takes_a_session_and_a_key(stage: Stage, known: UUID) -> None:
    assert say(stage, birthday_on="1990-04-01").status_code == 422
    stage.app.cookies.clear()
    assert say(stage, member_number="M-0001", phone="09011112222").status_code == 401
