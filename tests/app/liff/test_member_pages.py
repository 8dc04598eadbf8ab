"""A member's pages: hers for her alone, whoever asks and however; what she can use first; all of hers gone when she
says so twice."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from app.cards.models import MemberCard
from app.coupons.models import Redemption
from app.customers.models import Customer
from tenants.ids import encode_id, uuid7
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tenants.stores.opening_hours import WEEKDAYS
from tenants.tables import utc_now
from tests import make
from tests.app.liff.stage import HERE, Stage
from tests.conftest import BrandHome

PAGES = ("wallet", "preferences", "me", "card")
HOUR = timedelta(hours=1)


def path_of(stage: Stage, page: str) -> str:
    return f"/liff/{page}/{encode_id('acc', stage.accounts[0].id)}"


def sign_in(stage: Stage) -> Customer:
    """Somebody follows the first account, and signs in by the ID token of its LIFF app."""
    person = stage.person("花子")
    stage.act(person, stage.accounts[0])
    assert stage.prove(stage.a, person).status_code == 200
    return stage.customers()[0]


def give(session: ScopedSession, customer: Customer, name: str, stores: list[Store] | None = None, **copy: Any) -> str:
    nos = None if stores is None else [one.no for one in stores]
    return make.issued_coupon(session, make.coupon(session, name=name, redeemable_store_nos=nos), customer, **copy).code


def spaced(code: str) -> str:
    return " ".join(code[place : place + 4] for place in range(0, len(code), 4))


def test_who_is_not_signed_in_sees_nothing_of_anybody_and_the_way_to_line(stage: Stage) -> None:
    for page in PAGES:
        answer = stage.app.get(path_of(stage, page))
        assert answer.status_code == 200
        assert f'value="{stage.a.channel_id}"' in answer.text
        assert "script-src 'self';" in answer.headers["content-security-policy"]
        assert "'unsafe-inline'" not in answer.headers["content-security-policy"].split("style-src")[0]
    assert stage.app.get(f"{path_of(stage, 'card')}/data").status_code == 401
    for rest in ("/data.json", "/erase"):
        assert "花子" not in stage.app.get(f"{path_of(stage, 'me')}{rest}").text
    for page in PAGES:
        assert stage.app.get(f"/liff/{page}/{encode_id('acc', uuid7())}").status_code == 404


def test_she_signs_in_and_comes_back_to_the_page_that_she_wanted(stage: Stage) -> None:
    person = stage.person("花子")
    stage.act(person, stage.accounts[0])
    path = path_of(stage, "preferences")
    form = {"login_channel_id": stage.a.channel_id}
    pressed = stage.app.post(path.replace("/liff/", "/liff/sign-in/"), data=form, headers=HERE)
    back = stage.app.get("/liff/callback", params=stage.sign_in(pressed.headers["location"], person))
    assert (back.status_code, back.headers["location"]) == (303, path)
    assert "渋谷店" in stage.app.get(path).text


def test_a_session_of_one_brand_opens_no_page_of_another(stage: Stage, other_home: BrandHome) -> None:
    sign_in(stage)
    with other_home.open() as session:
        account = make.line_account(session)
        session.commit()
        slug = encode_id("acc", account.id)
    for page in ("wallet", "preferences", "me"):
        assert "花子" not in stage.app.get(f"/liff/{page}/{slug}").text
    assert stage.app.get(f"/liff/card/{slug}/data").status_code == 401


def test_her_wallet_shows_what_she_can_use_first_and_of_the_rest_what_became_of_it(stage: Stage) -> None:
    customer, now = sign_in(stage), utc_now()
    with stage.home.open() as session:
        store = session.exec(select(Store).where(col(Store.name) == "渋谷店")).one()
        store.latitude, store.longitude = 35.6595, 139.7005
        store.opening_hours = {day: [["11:00", "15:00"], ["17:00", "26:00"]] for day in WEEKDAYS}
        her = session.get_one(Customer, (session.scope.brand_id, customer.id))
        times = {"weekdays": ["mon", "wed"], "hours": [["14:00", "17:00"]]}
        good = make.issued_coupon(session, make.coupon(session, name="いまの券", usable_times=times), her).code
        give(session, her, "あとの券", starts_at=now + HOUR)
        give(session, her, "おわった券", expires_at=now - 2 * HOUR)
        old = give(session, her, "むかしの券", expires_at=now - timedelta(days=90))
        coupon = make.coupon(session, name="つかった券")
        used = make.issued_coupon(session, coupon, her, status="redeemed")
        about: dict[str, Any] = {
            "store_id": store.id,
            "store_no": store.no,
            "discount_yen": 200,
            "business_on": now.date(),
        }
        session.add(
            Redemption(
                issued_coupon_id=used.id, coupon_id=coupon.id, customer_id=her.id, redeemed_at=now - HOUR, **about
            )
        )
        other = make.issued_coupon(session).code
        session.commit()
    page = stage.app.get(path_of(stage, "wallet")).text
    places = [page.index(name) for name in ("いまの券", "あとの券", "つかった券", "おわった券")]
    assert places == sorted(places)
    for words in (
        spaced(good),
        "月・水 14:00–17:00に使えます",
        "渋谷店 で使用しました",
        "11:00–15:00, 17:00–26:00",
        "query=35.659500,139.700500",
    ):
        assert words in page
    for words in (used.code, spaced(used.code), old, "むかしの券", other, spaced(other)):
        assert words not in page


def test_coupons_come_by_the_stores_near_her_once_she_says_where_she_is(stage: Stage) -> None:
    customer = sign_in(stage)
    with stage.home.open() as session:
        stores = session.exec(select(Store)).all()
        for store, place in zip(
            sorted(stores, key=lambda one: one.no), ((35.66, 139.70), (43.06, 141.35)), strict=False
        ):
            store.latitude, store.longitude = place
        tokyo, sapporo = sorted(stores, key=lambda one: one.no)[:2]
        her = session.get_one(Customer, (session.scope.brand_id, customer.id))
        give(session, her, "東京の券", [tokyo])
        give(session, her, "札幌の券", [sapporo], expires_at=utc_now() + timedelta(days=9))
        session.commit()
    wallet = path_of(stage, "wallet")

    def order(query: str = "") -> list[str]:
        page = stage.app.get(f"{wallet}{query}").text
        return sorted(("東京の券", "札幌の券"), key=page.index)

    assert order() == ["東京の券", "札幌の券"]
    assert order("?near=43.07,141.35") == ["札幌の券", "東京の券"]
    assert "約1.1km" in stage.app.get(f"{wallet}?near=43.07,141.35").text
    for nowhere in ("?near=999,0", "?near=x", "?near=99.00,0.00"):
        assert order(nowhere) == ["東京の券", "札幌の券"]


def test_her_card_tells_how_she_stands_and_the_page_around_it_may_be_kept(stage: Stage) -> None:
    sign_in(stage)
    path = path_of(stage, "card")
    card = stage.app.get(f"{path}/data")
    assert card.headers["cache-control"] == "no-store"
    told = card.json()
    assert told["name"] == "花子"
    assert told["standing"] is None
    assert stage.app.get(f"{path}/data").json()["number"] == told["number"]
    page = stage.app.get(path)
    assert "花子" not in page.text
    assert told["number"] not in page.text
    assert (page.headers["cache-control"], page.headers["vary"]) == ("private, max-age=86400", "Accept-Language")


def test_her_card_tells_her_points_her_rank_and_what_she_owes(stage: Stage) -> None:
    customer = sign_in(stage)
    levels = [("regular", "レギュラー", "Regular", 0), ("gold", "ゴールド", "Gold", 500)]
    programme = {
        "orders": {"yen_per_point": 100},
        "expires_after_months": 12,
        "ranks": {
            "by": "points",
            "levels": [dict(zip(("key", "name_ja", "name_en", "at_least"), one, strict=True)) for one in levels],
        },
    }
    assert stage.app.put("/v1/points/programme", json=programme, headers=stage.home.headers).status_code == 200
    body = {"customer_id": encode_id("cus", customer.id), "delta": 1200, "source_ref": "1"}
    assert stage.post("/v1/points", body).status_code == 201
    told = stage.app.get(f"{path_of(stage, 'card')}/data").json()
    assert told["standing"]["points"] == "1,200"
    assert told["standing"]["notes"][0].startswith("1,200ポイントは 20")
    assert told["history"][0]["value"] == "+1,200 pt"
    english = stage.app.get(f"{path_of(stage, 'card')}/data", headers={"accept-language": "en"}).json()
    assert english["history"][0]["text"] == "Points earned"


def test_a_form_from_elsewhere_changes_nothing(stage: Stage) -> None:
    sign_in(stage)
    for path in (path_of(stage, "preferences"), f"{path_of(stage, 'me')}/erase"):
        for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {}):
            assert stage.app.post(path, data={"agree": "yes"}, headers=headers).status_code == 403


def test_what_she_says_of_messages_stands_in_her_ledger_once(stage: Stage) -> None:
    customer = sign_in(stage)
    path = path_of(stage, "preferences")
    for fields in ({"shown": "1"}, {"shown": "1"}, {"wanted": "yes", "pause": "yes"}):
        saved = stage.app.post(path, data=fields, headers=HERE)
        assert saved.headers["location"] == f"{path}?saved=yes"
    ledger = stage.get(f"/v1/customers/{encode_id('cus', customer.id)}/consents")
    assert [(one["is_granted"], one["source"]) for one in ledger["items"]] == [(True, "liff"), (False, "liff")]
    (entry, *_) = stage.get("/v1/audit-log", action="change_own_preferences")["items"]
    assert entry["caller_kind"] == "customer"


def test_the_hours_that_she_chooses_stand_until_she_leaves_them_open(stage: Stage) -> None:
    customer = sign_in(stage)
    path, told = path_of(stage, "preferences"), f"/v1/customers/{encode_id('cus', customer.id)}/preferences"
    stage.app.post(path, data={"wanted": "yes", "hours.from": "09:00", "hours.to": "21:00"}, headers=HERE)
    assert stage.get(told)["hours"] == {"from": "09:00", "to": "21:00"}
    page = stage.app.get(path).text
    assert page.count("<option selected>") == 2
    stage.app.post(path, data={"wanted": "yes"}, headers=HERE)
    assert stage.get(told)["hours"] is not None
    for open_end in ({"hours.from": "", "hours.to": "21:00"}, {"hours.from": "x", "hours.to": "21:00"}):
        stage.app.post(path, data={"wanted": "yes", **open_end}, headers=HERE)
        assert stage.get(told)["hours"] is None


def test_her_data_goes_only_by_two_answers_and_to_who_has_just_signed_in(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = sign_in(stage)
    assert stage.app.get(f"{path_of(stage, 'card')}/data").status_code == 200
    path = f"{path_of(stage, 'me')}/erase"
    assert stage.app.post(path, data={}, headers=HERE).headers["location"] == path
    assert stage.app.post(path, data={"sure": "forged"}, headers=HERE).headers["location"] == path
    asked = stage.app.post(path, data={"agree": "yes"}, headers=HERE).text
    sure = asked.partition('name="sure" value="')[2].partition('"')[0]
    monkeypatch.setattr("app.liff.member.RECENT", timedelta(0))
    assert "もう一度LINEで確認してください" in stage.app.post(path, data={"sure": sure}, headers=HERE).text
    assert "もう一度LINEで確認してください" in stage.app.get(path_of(stage, "me")).text
    assert stage.app.get(f"{path_of(stage, 'me')}/data.json").status_code == 303
    monkeypatch.undo()
    done = stage.app.post(path, data={"sure": sure}, headers=HERE)
    assert "情報を消しました" in done.text
    assert 'data-forget="yes"' in done.text
    assert stage.app.get("/liff/session").status_code == 401
    with stage.home.open() as session:
        assert session.get_one(Customer, (session.scope.brand_id, customer.id)).erased_at is not None
        assert session.exec(select(MemberCard)).all() == []
    (receipt,) = stage.get("/v1/erasures")["items"]
    assert receipt["reason"] == "asked"


def test_scripts_are_kept_for_ever_by_what_they_hold(stage: Stage) -> None:
    page = stage.app.get(path_of(stage, "card")).text
    address = page.partition('<script type="module" src="')[2].partition('"')[0]
    script = stage.app.get(address)
    assert (script.status_code, script.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert "immutable" in script.headers["cache-control"]
    assert "immutable" not in stage.app.get("/liff/static/older/card.js").headers["cache-control"]
    assert stage.app.get("/liff/static/older/..%2frouter.py").status_code == 404
    assert stage.app.get("/liff/card-worker.js").headers["cache-control"] == "no-cache"
