"""Test-sends and scheduled campaigns as they really arrive."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from app.campaigns import lifecycle
from app.campaigns.life import tasks
from app.campaigns.life.schemas import TestSend as Send
from app.campaigns.life.testing import send_test
from app.campaigns.models import Campaign, CampaignStep
from app.customers.models import Customer
from app.events.models import Event
from app.jobs.queue import Clockwork
from app.messaging.models import QuotaMonth, Run
from tenants.brands.models import Brand
from tenants.line_accounts.models import LineAccount
from tenants.problems import Invalid
from tenants.session import ScopedSession
from tenants.tables import utc_now
from tests import make
from tests.app.messaging.conftest import Stage


def people(session: ScopedSession) -> list[Customer]:
    return list(session.exec(select(Customer).order_by(col(Customer.id))).all())


def make_tester(session: ScopedSession, customer: Customer) -> None:
    tag = make.tag(session, name="tester")
    customer.tag_nos = [*customer.tag_nos, tag.no]
    session.add(customer)
    session.flush()


def campaign_of(session: ScopedSession, **changes: Any) -> Campaign:
    values = {"name": "秋", "messages": [{"type": "text", "text": "{{ customer.name }}さん"}], **changes}
    campaign = Campaign(**values)
    session.add(campaign)
    session.flush()
    return campaign


def test_a_test_reaches_the_tester_alone_and_counts_on_the_quota_only(stage: Stage) -> None:
    with stage.home.open() as session:
        account = stage.account(session, 3)
        make.quota(session, account, 100)
        brand = session.exec(select(Brand)).one()
        brand.caps = {"per_customer": [{"messages": 1, "days": 7}]}
        tester, *_ = people(session)
        make_tester(session, tester)
        campaign = campaign_of(session)
        for _ in range(2):  # the second is not held back by the cap
            answer = send_test(session, campaign, Send(customer_ids=[tester.id]), session.scope, "x", utc_now())
            assert (answer.chosen, answer.has_samples) == (1, False)
        session.commit()
    stage.work()
    assert [one["messages"] for one in stage.delivered(account)] == [[{"type": "text", "text": "客0さん"}]] * 2
    with stage.home.open() as session:
        assert session.exec(select(QuotaMonth)).one().used == 2
        assert session.exec(select(Event).where(col(Event.type) == "run.finished")).all() == []
        campaign = session.exec(select(Campaign)).one()
        assert campaign.status == "draft"
        run = lifecycle.begin(session, campaign, utc_now())
        assert run.chosen == 3  # nor does it hold her back later
        session.commit()


def test_samples_stand_for_a_copy_of_the_coupon_and_none_is_given(stage: Stage) -> None:
    text = 'コード {{ coupon.code }} {{coupon.expires_at | default: "月末"}}まで'
    with stage.home.open() as session:
        account = stage.account(session, 1)
        (tester,) = people(session)
        make_tester(session, tester)
        campaign = campaign_of(session, coupon_id=make.coupon(session).id, messages=[{"type": "text", "text": text}])
        answer = send_test(session, campaign, Send(customer_ids=[tester.id]), session.scope, "x", utc_now())
        assert answer.has_samples
        session.commit()
    stage.work()
    (delivered,) = stage.delivered(account)
    assert delivered["messages"][0]["text"] == "コード 0123456789AB 12/31 23:59まで"  # type: ignore[index]


def test_who_is_no_tester_gets_no_test(session: ScopedSession) -> None:
    store = make.store(session)
    person = make.follower(session, make.line_account(session, store))
    person.tag_nos = [make.tag(session, store, name="tester").no]  # a store's own tag makes nobody a tester
    session.add(person)
    campaign = campaign_of(session)
    with pytest.raises(Invalid) as refused:
        send_test(session, campaign, Send(customer_ids=[person.id]), session.scope, "x", utc_now())
    assert refused.value.errors[0]["pointer"] == "/customer_ids/0"
    assert session.exec(select(Run)).all() == []


def test_of_an_experiment_one_content_is_named(session: ScopedSession) -> None:
    person = make.follower(session, make.line_account(session, make.store(session)))
    make_tester(session, person)
    variants = [{"name": name, "messages": [{"type": "text", "text": f"{name}です"}]} for name in ("a", "b")]
    campaign = campaign_of(session, variants=variants)
    with pytest.raises(Invalid):
        send_test(session, campaign, Send(customer_ids=[person.id]), session.scope, "x", utc_now())
    send_test(session, campaign, Send(customer_ids=[person.id], variant="b"), session.scope, "x", utc_now())
    assert session.exec(select(Run)).one().messages == [{"type": "text", "text": "bです"}]
    assert session.exec(select(CampaignStep.kind)).all() == ["tested"]


def test_a_worker_launches_what_is_due_and_sends_it(stage: Stage) -> None:
    now = utc_now()
    with stage.home.open() as session:
        account = stage.account(session, 5)
        at = now - timedelta(seconds=30)
        schedule = {"send_at": at.isoformat(), "late_minutes": 60}
        campaign = campaign_of(session, status="scheduled", schedule=schedule, scheduled_at=at)
        session.commit()
    for _ in range(2):
        tasks.launch_due_campaigns(Clockwork(stage.home.engine, stage.keyring, stage.settings, now))
    stage.work()
    assert len(stage.delivered(account)) == 5
    with stage.home.open() as session:
        kinds = session.exec(select(CampaignStep.kind).order_by(col(CampaignStep.id))).all()
        assert kinds == ["launched", "sent"]
        assert session.exec(select(LineAccount)).one().id == account.id
        assert session.get_one(Campaign, (session.scope.brand_id, campaign.id)).status == "sent"
