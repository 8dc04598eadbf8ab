"""A coupon's page: one address for everybody, and her own code for her alone."""

from datetime import timedelta

from app.customers.models import Customer
from tenants.ids import encode_id, uuid7
from tenants.tables import utc_now
from tests import make
from tests.app.liff.stage import HERE, Stage


def path_of_new_coupon(stage: Stage, *, for_whom: Customer | None = None, **copy: object) -> tuple[str, str]:
    """A coupon's page, and the code of a copy in somebody's hands."""
    with stage.home.open() as session:
        coupon = make.coupon(session, name="雨の日<餃子>", min_spend_yen=1000)
        issued = make.issued_coupon(session, coupon, for_whom, **copy)
        session.commit()
        return f"/liff/coupons/{encode_id('cpn', coupon.id)}", issued.code


def spaced(code: str) -> str:
    return " ".join(code[place : place + 4] for place in range(0, len(code), 4))


def known_person(stage: Stage) -> Customer:
    """Somebody who has signed in at the first provider."""
    person = stage.person("花子")
    stage.act(person, stage.accounts[0])
    stage.prove(stage.a, person)
    return stage.customers()[0]


def test_who_is_not_signed_in_reads_the_offer_and_no_code(stage: Stage) -> None:
    path, code = path_of_new_coupon(stage)
    page = stage.app.get(path)
    assert page.status_code == 200
    for words in ("雨の日&lt;餃子&gt;", "200円引き", "1,000円以上", "LINEで表示する"):
        assert words in page.text
    assert spaced(code) not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"


def test_she_signs_in_and_comes_back_to_her_code(stage: Stage) -> None:
    person = stage.person("花子")
    stage.act(person, stage.accounts[0])
    path, code = path_of_new_coupon(stage, for_whom=stage.customers()[0])
    pressed = stage.app.post(path, data={"login_channel_id": stage.a.channel_id}, headers=HERE)
    back = stage.app.get("/liff/callback", params=stage.sign_in(pressed.headers["location"], person))
    assert (back.status_code, back.headers["location"]) == (303, path)
    page = stage.app.get(path)
    assert spaced(code) in page.text
    assert "<svg" in page.text
    assert "花子さんのクーポン" in page.text


def test_a_code_that_was_used_or_has_ended_is_not_shown(stage: Stage) -> None:
    customer = known_person(stage)
    for copy, words in (
        ({"status": "redeemed"}, "使用済み"),
        ({"expires_at": utc_now() - timedelta(hours=1)}, "過ぎました"),
    ):
        path, code = path_of_new_coupon(stage, for_whom=customer, **copy)
        page = stage.app.get(path).text
        assert words in page
        assert spaced(code) not in page


def test_another_person_s_copy_is_not_hers(stage: Stage) -> None:
    known_person(stage)
    path, code = path_of_new_coupon(stage)
    page = stage.app.get(path).text
    assert spaced(code) not in page
    assert "まだお持ちではありません" in page


def test_signing_in_for_a_coupon_joins_nobody(stage: Stage) -> None:
    stage.without_basis()
    person = stage.person("花子")
    for account in stage.accounts:
        stage.act(person, account)
    before = len(stage.customers())
    path, _ = path_of_new_coupon(stage, for_whom=stage.customers()[0])
    for login in (stage.a, stage.b):
        pressed = stage.app.post(path, data={"login_channel_id": login.channel_id}, headers=HERE)
        stage.app.get("/liff/callback", params=stage.sign_in(pressed.headers["location"], person))
    assert len(stage.customers()) == before


def test_an_address_of_no_coupon_leads_nowhere(stage: Stage) -> None:
    for address in (f"/liff/coupons/{encode_id('cpn', uuid7())}", "/liff/coupons/x"):
        assert stage.app.get(address).status_code == 404
