"""Test-sends: the messages of a campaign as they will be, to a few people who asked for it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlmodel import col, select

from app.campaigns.audience import find_coupon, read_audience
from app.campaigns.blocks import find_blocks
from app.campaigns.life.schemas import TestedPerson, TestSend, TestSendRead
from app.campaigns.life.states import take
from app.campaigns.models import Campaign
from app.customers.models import Customer, Tag
from app.customers.queries import get_customer
from app.messaging import queries as runs
from app.messaging import service as messaging
from app.messaging.render import SAMPLES
from tenants.ids import encode_id
from tenants.problems import Invalid, NotFound
from tenants.scope import Scope
from tenants.session import ScopedSession

TESTER_TAGS: Final = ("tester", "テスター")
"""Whom head office has given a tag of this name is a tester; tags of stores do not count."""
PATIENCE: Final = timedelta(hours=1)
"""How long a test may wait, such as for LINE: after that nobody looks for it any more."""
_OF_A_COPY: Final = re.compile(r"\{\{\s*(coupon\.code|coupon\.expires_at)\s*(?:\|[^}]*)?\}\}")


def send_test(
    session: ScopedSession, campaign: Campaign, body: TestSend, scope: Scope, by: str, now: datetime
) -> TestSendRead:
    """Send the messages to testers that the scope sees. It uses up quota, and counts for no cap and in no figure.

    No copy of a coupon is given: samples stand for its code and its end. Raises Invalid, Conflict, QuotaExhausted.
    """
    messages = _find_messages(campaign, body.variant)
    ids = _find_testers(session, body.customer_ids, scope)
    coupon = find_coupon(session, campaign)
    audience = replace(
        read_audience(session, campaign, now),
        where=col(Customer.id).in_(ids),
        holdout_ratio=0.0,
        capped=None,
        most=None,
        rooms=None,
        cuts=(),
    )
    sampled = [_fill_in(message) for message in messages]
    run, _ = messaging.start_run(
        session,
        cause=messaging.Cause(kind="test", store_no=campaign.store_no, valid_until=now + PATIENCE),
        content=messaging.Content(
            messages=sampled,
            coupon_id=campaign.coupon_id,
            coupon_name=coupon.name if coupon else None,
            store_values=find_blocks(session, campaign),
        ),
        audience=audience,
        quota_policy="refuse",
        now=now,
    )
    take(session, campaign, "tested", by=by, note=f"{encode_id('run', run.id)}: {run.chosen}")
    accounts = {sender.account_no: sender.line_account_id for sender in audience.senders}
    rows = runs.list_deliveries(
        session, run.id, status=None, after=None, after_slot=0, limit=len(ids) * (len(accounts) + 1)
    )
    people = [
        TestedPerson(
            customer_id=row["customer_id"], line_account_id=accounts.get(row["account_no"]), reason=row["reason"]
        )
        for row in rows
    ]
    return TestSendRead(run_id=run.id, chosen=run.chosen, people=people, has_samples=sampled != list(messages))


def _find_messages(campaign: Campaign, variant: str | None) -> Sequence[Mapping[str, Any]]:
    """The content to be sent. Raises Invalid unless it is clear which."""
    variants = {one["name"]: one["messages"] for one in campaign.variants or ()}
    if variant is None and not variants:
        return campaign.messages
    if variant not in variants:
        names = ", ".join(variants) or "none"
        raise Invalid.at("/variant", f"Name one of the campaign's variants; there are {names}.")
    messages: Sequence[Mapping[str, Any]] = variants[variant]
    return messages


def _find_testers(session: ScopedSession, customer_ids: Sequence[UUID], scope: Scope) -> list[UUID]:
    """The testers of these ids. Raises Invalid for whoever is not there for this scope, or is no tester."""
    tags = select(Tag.no).where(
        col(Tag.store_no).is_(None), col(Tag.archived_at).is_(None), col(Tag.name).in_(TESTER_TAGS)
    )
    numbers = set(session.exec(tags).all())
    found = []
    for index, customer_id in enumerate(customer_ids):
        try:
            customer = get_customer(session, customer_id, scope)
        except NotFound as error:
            raise Invalid.at(f"/customer_ids/{index}", "There is no such customer.") from error
        if numbers.isdisjoint(customer.tag_nos):
            raise Invalid.at(f"/customer_ids/{index}", f"Is no tester: head office's tag {TESTER_TAGS[0]} is missing.")
        found.append(customer.id)
    return list(dict.fromkeys(found))


def _fill_in(value: Any) -> Any:
    """The messages with samples where a copy of the coupon would be named."""
    if isinstance(value, Mapping):
        return {name: _fill_in(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_fill_in(item) for item in value]
    if isinstance(value, str):
        return _OF_A_COPY.sub(lambda found: f'{{{{ {found[1]} | default: "{SAMPLES[found[1]]}" }}}}', value)
    return value
