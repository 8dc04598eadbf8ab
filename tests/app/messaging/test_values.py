"""What stands behind variables: of stores, kept with the run and sent together; of persons, one by one."""

from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy import true
from sqlmodel import col, select

from app.customers.models import Customer
from app.messaging import planning, service
from app.messaging.audience import Audience
from app.messaging.models import Batch, DeliveryFailure, Run
from app.messaging.render import Unfillable, check_messages, read_template
from tenants.line_accounts.models import LineAccount, LineAccountStore
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tenants.tables import utc_now
from tests import make
from tests.app.messaging.conftest import Stage


def text(words: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": words}]


def two_stores(stage: Stage, session: ScopedSession) -> LineAccount:
    """An account of two stores with three people at home in each, of which the second has no telephone."""
    account = stage.account(session, 6)
    home = session.exec(select(Store).where(col(Store.no) == account.store_nos[0])).one()
    home.name, home.values = "渋谷店", {"phone": "03-1111-1111", "menu": "{特製}"}
    away = make.store(session, name="新宿店")
    account.store_nos = [home.no, away.no]
    session.add_all([home, account])
    for number, person in enumerate(session.exec(select(Customer).order_by(col(Customer.id))).all()):
        place = (home, away)[number % 2]
        person.home_store_id, person.home_store_no = place.id, place.no
        session.add(person)
    session.add(LineAccountStore(line_account_id=account.id, store_id=away.id, store_no=away.no))
    session.flush()
    return account


def start(session: ScopedSession, messages: list[dict[str, Any]], **content: Any) -> Run:
    audience = Audience(where=true(), senders=planning.list_senders(session, None, None))
    run, _ = service.start_run(
        session,
        cause=service.Cause(kind="campaign"),
        content=service.Content(messages=messages, **content),
        audience=audience,
        now=utc_now(),
    )
    session.commit()
    return run


def texts_of(stage: Stage, account: LineAccount) -> list[str]:
    return sorted(one["messages"][0]["text"] for one in stage.delivered(account))  # type: ignore[index]


def failures_of(stage: Stage, run_id: UUID) -> list[str]:
    with stage.home.open() as session:
        wanted = select(DeliveryFailure.detail).where(col(DeliveryFailure.run_id) == run_id)
        return list(session.exec(wanted).all())


def test_people_of_one_store_get_their_text_together(stage: Stage) -> None:
    with stage.home.open() as session:
        account = two_stores(stage, session)
        run = start(session, text('{{ store.name }} {{ store.values.phone | default: "本部へ" }}'))
    before = stage.line.get("/_sandbox/stats").json()["calls"]
    stage.work()
    assert texts_of(stage, account) == ["新宿店 本部へ"] * 3 + ["渋谷店 03-1111-1111"] * 3
    with stage.home.open() as session:
        sizes = session.exec(select(Batch.size).where(col(Batch.run_id) == run.id)).all()
        assert not session.exec(select(Run.personal).where(col(Run.id) == run.id)).one()
    assert list(sizes) == [3, 3]
    kinds = {one["kind"] for one in stage.delivered(account)}
    assert kinds == {"multicast"}, before


def test_a_store_without_a_value_and_without_a_default_sends_nothing_broken(stage: Stage) -> None:
    with stage.home.open() as session:
        account = two_stores(stage, session)
        run = start(session, text("お電話は{{ store.phone }}まで"))
    stage.work()
    assert texts_of(stage, account) == ["お電話は03-1111-1111まで"] * 3
    assert failures_of(stage, run.id) == ["There is no store.phone for her, and the text has no default."] * 3


def test_what_changes_after_the_launch_changes_nothing_of_the_run(stage: Stage) -> None:
    with stage.home.open() as session:
        account = two_stores(stage, session)
        start(session, text("{{ store.name }}"))
        for store in session.exec(select(Store).where(col(Store.no).in_(account.store_nos))).all():
            store.name = "閉店"
        session.commit()
    stage.work()
    assert set(texts_of(stage, account)) == {"渋谷店", "新宿店"}


def test_a_name_that_makes_a_text_too_long_is_her_failure_alone(stage: Stage) -> None:
    with stage.home.open() as session:
        account = stage.account(session, 3)
        longest = session.exec(select(Customer).order_by(col(Customer.id)).limit(1)).one()
        longest.name = "寿" * 200
        session.add(longest)
        run = start(session, text("{{ customer.name }}" + "あ" * 4900))
    stage.work()
    assert len(texts_of(stage, account)) == 2
    (detail,) = failures_of(stage, run.id)
    assert detail.startswith("/messages/0/text is wrong once it is filled in.")


def test_attributes_and_member_numbers_are_written_as_people_read_them(stage: Stage) -> None:
    with stage.home.open() as session:
        account = stage.account(session, 1)
        person = session.exec(select(Customer)).one()
        person.member_number, person.attributes = "M-7", {"好きな麺": "うどん", "points": 12345, "vip": True}
        session.add(person)
        words = "{{ customer.member_number }} {{ customer.attributes.好きな麺 }} {{ customer.attributes.points }}"
        start(session, text(f"{words} {{{{ customer.attributes.vip }}}}"))
    stage.work()
    assert texts_of(stage, account) == ["M-7 うどん 12,345 はい"]


def test_the_address_of_a_coupon_is_one_for_everybody(stage: Stage) -> None:
    with stage.home.open() as session:
        account = stage.account(session, 3)
        coupon = make.coupon(session)
        start(
            session,
            text("{{ coupon.name }}: {{ coupon.url }}"),
            coupon_id=coupon.id,
            coupon_name="一杯無料",
            tracking="none",
        )
    stage.work()
    assert {one["kind"] for one in stage.delivered(account)} == {"multicast"}
    assert all("/liff/coupons/cpn_" in one for one in texts_of(stage, account))


def test_a_value_in_a_link_is_percent_encoded_unless_it_is_the_link() -> None:
    action = {"type": "uri", "label": "開く", "uri": "https://example.jp/?q={{ store.name }}"}
    whole = {**action, "uri": "{{ store.values.page }}"}
    template = {"type": "buttons", "text": "どうぞ", "actions": [action, whole]}
    read = check_messages([{"type": "template", "altText": "x", "template": template}])
    values = {"store.name": "渋谷 店&", "store.values.page": "https://example.jp/渋谷?a=1"}
    actions = orjson.loads(read.render(values))[0]["template"]["actions"]
    assert actions[0]["uri"] == "https://example.jp/?q=%E6%B8%8B%E8%B0%B7%20%E5%BA%97%26"
    assert actions[1]["uri"] == "https://example.jp/%E6%B8%8B%E8%B0%B7?a=1"


def test_braces_of_a_value_are_no_placeholders_to_line() -> None:
    read = check_messages([{"type": "textV2", "text": "{{ store.values.menu }}"}])
    assert orjson.loads(read.render({"store.values.menu": "{特製}"}))[0]["text"] == "{{特製}}"


def test_a_label_counts_characters_as_people_see_them() -> None:
    family = "👨‍👩‍👧"
    action = {"type": "message", "label": "{{ customer.name }}", "text": "はい"}
    template = {"type": "confirm", "text": "?", "actions": [action, action]}
    read = read_template([{"type": "template", "altText": "x", "template": template}])
    assert read.render({"customer.name": family * 20})
    with pytest.raises(Unfillable, match="20 characters"):
        read.render({"customer.name": family * 21})
