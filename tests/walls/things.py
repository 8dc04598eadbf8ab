"""How to make one thing of every kind that has an id, for head office or for a store.

`THINGS` is by the prefix of the TypeID. A new kind needs one line here, and every operation that takes its id is
covered from then on.
"""

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col, select

from app.audit.models import AuditEntry
from app.auth import brand_key_of
from app.auto_tags.models import AutoTag
from app.campaigns.life.testing import TESTER_TAGS
from app.campaigns.models import Campaign, CampaignStep
from app.campaigns.reminders.models import CouponReminder
from app.commerce.models import Order, Visit
from app.coupons.models import Coupon
from app.customer_lists.models import CustomerList, CustomerListMember
from app.customers.attributes.models import CustomerAttribute
from app.customers.consents.models import Consent
from app.customers.erasing.models import ErasureReceipt
from app.customers.joining.conflicts import note_conflict
from app.customers.joining.models import CustomerConflict, ExternalId
from app.customers.joining.service import merge
from app.customers.models import Customer, CustomerTag, Friend, Tag
from app.customers.notes.models import CustomerNote
from app.inbound.models import LineContent, LineForward, LineForwardCall, LineReply
from app.insight.models import InsightUnit
from app.links.models import Link, LinkHour
from app.loyalty import ledger
from app.loyalty.models import PointEntry
from app.loyalty.referrals import code_of
from app.media.models import Media
from app.messaging.models import DryRun, Run
from app.operations import service as operations
from app.operations.kinds import register
from app.reports.settlements.projection import book
from app.templates.models import MessageTemplate
from tenants.api_keys.models import ApiKey
from tenants.areas.models import Area
from tenants.brands.models import Brand
from tenants.clients.models import ApiClient
from tenants.ids import uuid7
from tenants.line_accounts.models import LineAccount
from tenants.line_accounts.service import replace_secret
from tenants.operators.models import SupportGrant
from tenants.staff.models import Staff
from tenants.stores.models import Store
from tenants.tables import utc_now
from tests import make
from tests.walls import answer_things, safety_things, webhook_things
from tests.walls.making import BOTH, HEAD_OFFICE, STORE, Made, Thing
from tests.walls.vocabulary import MESSAGE_ID

MESSAGES = [{"type": "text", "text": "こんにちは"}]


def _store(made: Made) -> UUID:
    return make.store(made.session, name=made.name).id


def _account(made: Made) -> UUID:
    person = _newest_person(made)
    stores = (made.store,) if made.store else ()
    account = make.line_account(made.session, *stores, name=made.name, channel_id=f"165{os.urandom(6).hex()}")
    replace_secret(account, brand_key_of(made.session, made.keyring), "0123456789abcdef0123456789abcdef")
    made.session.add(account)
    make.quota(made.session, account, limit=1_000_000)
    url = "https://tool.example.jp/line/webhook"
    forward = LineForward(line_account_id=account.id, url=url, active=False, created_at=utc_now(), updated_at=utc_now())
    made.session.add(forward)
    customer_id = _customer(made)
    made.session.add(
        LineContent(
            line_account_id=account.id,
            message_id=MESSAGE_ID,
            customer_id=customer_id,
            kind="image",
            sent_at=utc_now(),
        )
    )
    of_place = select(LineForwardCall).where(col(LineForwardCall.last_error) == _loose(made))
    for call in made.session.exec(of_place).all():
        call.line_account_id = account.id
    for number in range(2 if made.rich else 0):
        _add_forward_call(made, account.id)
        made.session.add(
            LineReply(
                line_account_id=account.id,
                customer_id=customer_id,
                webhook_event_id=f"01M{number}",
                status="sent",
                expires_at=utc_now(),
            )
        )
    if person is not None:
        make.friend(made.session, account, person)
    of_account = select(Friend).join(Customer, col(Customer.id) == col(Friend.customer_id))
    for tie in made.session.exec(of_account.where(col(Customer.name) == _loose(made))).all():
        tie.line_account_id, tie.account_no = account.id, account.no
    return account.id


def _forward_call(made: Made) -> UUID:
    """A call that was given up. A path names its account too: the one that was made last here, or is made next."""
    account = _newest_account(made)
    return _add_forward_call(made, account.id if account else _account(made), _loose(made))


def _loose(made: Made) -> str:
    return f"{made.name} loose"


def _add_forward_call(made: Made, account_id: UUID, error: str | None = None) -> UUID:
    now = utc_now()
    call = LineForwardCall(
        line_account_id=account_id,
        state="dead",
        last_error=error or made.name,
        body=b"{}",
        signature="x",
        received_at=now,
        due_at=now,
        give_up_at=now,
        settled_at=now,
    )
    made.session.add(call)
    made.session.flush()
    return call.id


def _area(made: Made) -> UUID:
    stores = made.session.exec(select(Store)).all()
    area: Area = make.area(made.session, *stores, name=made.name, trade_zone={"municipality_codes": ["13104"]})
    return area.id


def _customer(made: Made) -> UUID:
    return _person(made).id


def _person(made: Made) -> Customer:
    """A customer who is tied to her store; a rich one has two friends, events, notes and consents."""
    stores = (made.store,) if made.store else ()
    token = os.urandom(5).hex()
    person = make.customer(
        made.session,
        *stores,
        name=made.name,
        external_id=f"ext-{token}",
        member_number=f"M-{token}",
        phone=f"+8190{int(token, 16) % 10**8:08}",
        email=f"{token}@example.jp",
    )
    made.session.add(ExternalId(system="pos", value=f"pos-{token}", customer_id=person.id))
    _make_tester(made, person)
    if made.store is None and (newest := _newest_account(made)) is not None:
        make.friend(made.session, newest, person)
    for _ in range(2 if made.rich else 0):
        _add_note(made, person)
        _put_tag_on(made, person)
        made.session.add(
            Consent(
                customer_id=person.id,
                purpose="marketing",
                channel="line",
                is_granted=True,
                at_store_no=made.store_no,
                source=made.name,
                occurred_at=utc_now(),
            )
        )
        account = make.line_account(made.session, *stores, name=made.name, channel_id=f"165{os.urandom(6).hex()}")
        account.provider_id = f"provider-{uuid7()}"
        make.friend(made.session, account, person)
        make.event(made.session, store=made.store, customer_id=person.id, account=account)
    return person


def _friend(made: Made) -> UUID:
    """A friend. A path names the account too: the one that was made last here, or is made next."""
    account = _newest_account(made) or made.session.get_one(LineAccount, (made.session.scope.brand_id, _account(made)))
    return make.friend(made.session, account, Customer(name=_loose(made))).id


def _newest_account(made: Made) -> LineAccount | None:
    of_place = select(LineAccount).where(col(LineAccount.name) == made.name)
    return made.session.exec(of_place.order_by(col(LineAccount.id).desc()).limit(1)).first()


def _make_tester(made: Made, person: Customer) -> None:
    """Let her be one of those to whom tests are sent."""
    of_brand = select(Tag).where(col(Tag.name) == TESTER_TAGS[0], col(Tag.store_no).is_(None))
    tag = made.session.exec(of_brand).first() or make.tag(made.session, name=TESTER_TAGS[0])
    person.tag_nos = [*person.tag_nos, tag.no]
    made.session.add(person)


def _newest_person(made: Made) -> Customer | None:
    """Head office's customer that was made last, who follows its account that was made last: link tokens need both."""
    if made.store is not None:
        return None
    of_place = select(Customer).where(col(Customer.name) == made.name, col(Customer.merged_into_id).is_(None))
    return made.session.exec(of_place.order_by(col(Customer.id).desc()).limit(1)).first()


def _merge(made: Made) -> UUID:
    people = [make.customer(made.session, name=made.name) for _ in range(2)]
    proof: dict[str, str] = {"asked_by": made.name}
    ids = [one.id for one in people]
    return merge(made.session, *ids, source="api", proof=proof, merged_by=made.name, now=utc_now()).id


def _conflict(made: Made) -> UUID:
    people = [make.customer(made.session, name=made.name).id for _ in range(2)]
    note_conflict(made.session, people, ["phone"], source="api", now=utc_now())
    newest = select(CustomerConflict).order_by(col(CustomerConflict.id).desc()).limit(1)
    conflict: CustomerConflict = made.session.exec(newest).one()
    return conflict.id


def _attribute(made: Made) -> UUID:
    name = f"{made.name} {os.urandom(4).hex()}"
    attribute = CustomerAttribute(name=name, label=made.name, type="choice", choices=["S", "M"])
    made.session.add(attribute)
    made.session.flush()
    return attribute.id


def _put_tag_on(made: Made, person: Customer) -> None:
    tag = make.tag(made.session, made.store, name=f"{made.name} {os.urandom(4).hex()}")
    row = CustomerTag(customer_id=person.id, tag_id=tag.id, tag_no=tag.no, store_no=made.store_no, source=made.name)
    made.session.add(row)
    person.tag_nos = [*person.tag_nos, tag.no]
    made.session.flush()


def _note(made: Made) -> UUID:
    return _add_note(made, _person(made))


def _add_note(made: Made, person: Customer) -> UUID:
    note = CustomerNote(
        customer_id=person.id,
        text=made.name,
        author=made.name,
        store_id=made.store_id,
        store_no=made.store_no,
        updated_at=utc_now(),
    )
    made.session.add(note)
    made.session.flush()
    return note.id


def _qr_code(made: Made) -> UUID:
    stores = (made.store,) if made.store else ()
    account = make.line_account(made.session, *stores, name=made.name, channel_id=f"165{os.urandom(6).hex()}")
    return make.qr_code(made.session, account, made.store, name=made.name).id


def _event(made: Made) -> UUID:
    return make.event(made.session, store=made.store).id


def _tag(made: Made) -> UUID:
    return make.tag(made.session, made.store, name=f"{made.name} {os.urandom(4).hex()}").id


def _segment(made: Made) -> UUID:
    return make.segment(made.session, name=made.name, store_id=made.store_id, store_no=made.store_no).id


def _customer_list(made: Made) -> UUID:
    chosen = CustomerList(name=made.name, store_id=made.store_id, store_no=made.store_no)
    made.session.add(chosen)
    made.session.flush()
    for _ in range(2 if made.rich else 1):
        made.session.add(
            CustomerListMember(
                list_id=chosen.id, customer_id=_customer(made), store_no=made.store_no, added_at=utc_now()
            )
        )
    made.session.flush()
    return chosen.id


def _auto_tag(made: Made) -> UUID:
    made.session.flush()
    row = AutoTag(
        name=made.name,
        tag_id=_tag(made),
        trigger={"event": {"type": "order.paid"}},
        store_id=made.store_id,
        store_no=made.store_no,
    )
    made.session.add(row)
    made.session.flush()
    return row.id


def _campaign(made: Made) -> UUID:
    campaign = Campaign(name=made.name, messages=MESSAGES, store_id=made.store_id, store_no=made.store_no)
    made.session.add(campaign)
    made.session.flush()
    # The dry run made last is of the campaign made last, since a launch names both.
    of_place = select(DryRun).where(col(DryRun.fingerprint) == made.name)
    newest = made.session.exec(of_place.order_by(col(DryRun.id).desc()).limit(1)).one_or_none()
    if newest is not None:
        newest.campaign_id = campaign.id
        made.session.add(newest)
        made.session.flush()
    # Another test may have stopped the brand's sending.
    made.session.execute(update(Brand).values(sending_stopped_at=None))
    if made.rich:
        _add_results(made, campaign)
        whose: dict[str, Any] = {"campaign_id": campaign.id, "store_no": made.store_no}
        made.session.add_all([CampaignStep(kind=kind, **whose) for kind in ("drafted", "submitted")])
    return campaign.id


def _add_results(made: Made, campaign: Campaign) -> None:
    """What came of a campaign: a link that was followed, and a name under which LINE counts."""
    run = _make_run(made, campaign.id)
    address = f"https://shop.example.jp/{quote(made.name)}"
    whose: dict[str, Any] = {"run_id": run.id, "campaign_id": campaign.id, "store_no": made.store_no}
    link = Link(code=os.urandom(5).hex(), url=address, expires_at=utc_now() + timedelta(days=9), **whose)
    made.session.add(link)
    made.session.flush()
    hour_at = utc_now().replace(minute=0, second=0, microsecond=0)
    made.session.add(LinkHour(link_id=link.id, hour_at=hour_at, store_no=made.store_no or 0, clicks=3))
    account = _newest_account(made)
    if account is not None:
        name = f"n_{os.urandom(8).hex()}"
        month_on = utc_now().date().replace(day=1)
        made.session.add(InsightUnit(line_account_id=account.id, name=name, run_id=run.id, month_on=month_on))
    made.session.flush()


def _dry_run(made: Made) -> UUID:
    dry_run = DryRun(campaign_id=_campaign(made), fingerprint=made.name, store_no=made.store_no)
    made.session.add(dry_run)
    made.session.flush()
    return dry_run.id


def _media(made: Made) -> UUID:
    media = Media(
        code=os.urandom(16).hex(),
        name=made.name,
        media_type="image/png",
        width=10,
        height=10,
        size_bytes=100,
        store_id=made.store_id,
        store_no=made.store_no,
    )
    made.session.add(media)
    made.session.flush()
    return media.id


def _template(made: Made) -> UUID:
    blocks = [{"name": "greeting", "kind": "text", "default": made.name, "may_override": True}]
    words = [{"type": "text", "text": "{{ block.greeting }}"}]
    template = MessageTemplate(
        name=made.name, use="campaign", messages=words, blocks=blocks, store_id=made.store_id, store_no=made.store_no
    )
    made.session.add(template)
    made.session.flush()
    return template.id


def _coupon(made: Made) -> Coupon:
    coupon = make.coupon(made.session, name=made.name, store_id=made.store_id, store_no=made.store_no)
    reminder = CouponReminder(
        coupon_id=coupon.id,
        hours_before=24,
        send_at="11:00",
        messages=[{"type": "text", "text": made.name}],
        store_no=made.store_no,
        due_at=utc_now() + timedelta(days=1),
    )
    made.session.add(reminder)
    made.session.flush()
    return coupon


def _copy(made: Made) -> UUID:
    return make.issued_coupon(made.session, _coupon(made), _person(made), store_no=made.store_no).id


def _redemption(made: Made) -> UUID:
    from app.coupons import redeeming

    copy = make.issued_coupon(made.session, _coupon(made), _person(made), store_no=made.store_no)
    redemption_id = redeeming.redeem(made.session, copy.code, store=made.at, now=utc_now()).id
    book(made.session, [redemption_id])
    return redemption_id


def _receipt(made: Made) -> UUID:
    receipt = ErasureReceipt(
        customer_id=_person(made).id, reason="line", asked_by=made.name, erased_at=utc_now(), counts={"identity": 1}
    )
    made.session.add(receipt)
    made.session.flush()
    return receipt.id


def _order(made: Made) -> UUID:
    order = Order(
        external_id=f"order-{os.urandom(5).hex()}",
        customer_id=_person(made).id,
        store_id=made.at.id,
        store_no=made.at.no,
        amount_yen=1200,
        ordered_at=utc_now(),
    )
    made.session.add(order)
    made.session.flush()
    return order.id


def _points(made: Made) -> UUID:
    """An entry of a member who has a code by which she brings others."""
    now = utc_now()
    entry = PointEntry(
        id=uuid7(),
        created_at=now,
        customer_id=_person(made).id,
        kind="earn",
        origin="api",
        delta=50,
        reason=made.name,
        source_ref=f"source-{os.urandom(5).hex()}",
        store_id=made.store_id,
        store_no=made.store_no,
        payer="brand",
        occurred_at=now,
    )
    ledger.add(made.session, [entry], now)
    code_of(made.session, entry.customer_id, scope=made.session.scope, now=now)
    return entry.id


def _visit(made: Made) -> UUID:
    visit = Visit(
        external_id=f"visit-{os.urandom(5).hex()}",
        customer_id=_person(made).id,
        store_id=made.at.id,
        store_no=made.at.no,
        visited_at=utc_now(),
    )
    made.session.add(visit)
    made.session.flush()
    return visit.id


def _rule(made: Made) -> UUID:
    return make.weather_rule(made.session, name=made.name, store_id=made.store_id, store_no=made.store_no).id


def _run(made: Made) -> UUID:
    return _make_run(made, _campaign(made)).id


def _make_run(made: Made, campaign_id: UUID) -> Run:
    run = Run(
        kind="campaign",
        status="sending",
        campaign_id=campaign_id,
        messages=MESSAGES,
        personal=False,
        holdout_salt="",
        brand_name=made.name,
        store_no=made.store_no,
        frozen_at=utc_now(),
    )
    made.session.add(run)
    made.session.flush()
    return run


def _key(kind: str) -> Callable[[Made], UUID]:
    def make_key(made: Made) -> UUID:
        stores = made.session.exec(select(Store)).all()
        make.store_key(made.session, stores[0])
        newest = select(ApiKey).order_by(col(ApiKey.created_at).desc()).limit(1)
        key: ApiKey = made.session.exec(newest).one()
        key.name, key.kind, key.expires_at = made.name, kind, utc_now() + timedelta(days=1)
        made.session.add(key)
        made.session.flush()
        return key.id

    return make_key


def _client(made: Made) -> UUID:
    client, _ = make.api_client(made.session)
    row: ApiClient = client
    row.name = made.name
    made.session.add(row)
    _audit_entry(made, row.id)
    return row.id


def _staff(made: Made) -> UUID:
    email = f"{os.urandom(5).hex()}@example.jp"
    person = Staff(name=made.name, email=email, role="analyst", all_stores=True)
    made.session.add(person)
    made.session.flush()
    return person.id


def _till(made: Made) -> UUID:
    device, _ = make.till_device(made.session, made.at, name=made.name)
    return device.id


def _grant(made: Made) -> UUID:
    until = utc_now() + timedelta(hours=1)
    grant = SupportGrant(operator="運用", reason=made.name, permissions=["stores:read"], expires_at=until)
    made.session.add(grant)
    made.session.flush()
    return grant.id


def _audit_entry(made: Made, caller_id: UUID | None = None) -> UUID:
    people = [uuid7(), uuid7()]
    entry = AuditEntry(
        kind="read",
        caller_kind="api_client",
        caller_id=caller_id,
        caller_name=made.name,
        action="list_customers",
        customer_ids=people,
    )
    made.session.add(entry)
    made.session.flush()
    return entry.id


KIND = register("walls", permission="customers:read")
"""Of long work that stores may have as well."""


def _operation(made: Made) -> UUID:
    operation = operations.start(
        made.session, KIND, arguments={"of": made.name}, store_no=made.store_no, started_by=made.name, now=utc_now()
    )
    operations.append_file(made.session, operation, "errors.csv", made.name.encode())
    return operation.id


THINGS: dict[str, Thing] = {
    "store": Thing(_store, frozenset({STORE})),
    "acc": Thing(_account, BOTH),
    "fwd": Thing(_forward_call, BOTH),
    "area": Thing(_area, frozenset({HEAD_OFFICE})),
    "cus": Thing(_customer, BOTH),
    "frd": Thing(_friend, frozenset({HEAD_OFFICE})),
    "mrg": Thing(_merge, frozenset({HEAD_OFFICE})),
    "cft": Thing(_conflict, frozenset({HEAD_OFFICE})),
    "attr": Thing(_attribute, frozenset({HEAD_OFFICE})),
    "note": Thing(_note, BOTH),
    "era": Thing(_receipt, frozenset({HEAD_OFFICE})),
    "evt": Thing(_event, BOTH),
    "qr": Thing(_qr_code, BOTH),
    "tag": Thing(_tag, BOTH),
    "tag/put-on": Thing(_tag, BOTH),
    "seg": Thing(_segment, BOTH),
    "list": Thing(_customer_list, BOTH),
    "atag": Thing(_auto_tag, BOTH),
    "cmp": Thing(_campaign, BOTH),
    "dry": Thing(_dry_run, BOTH),
    "cpn": Thing(lambda made: _coupon(made).id, BOTH),
    "icpn": Thing(_copy, BOTH),
    "red": Thing(_redemption, frozenset({STORE})),
    "ord": Thing(_order, frozenset({STORE})),
    "vis": Thing(_visit, frozenset({STORE})),
    "pnt": Thing(_points, BOTH),
    "op": Thing(_operation, BOTH),
    "rule": Thing(_rule, BOTH),
    "run": Thing(_run, BOTH),
    "med": Thing(_media, BOTH),
    "tmpl": Thing(_template, BOTH),
    "key": Thing(_key("store"), frozenset({HEAD_OFFICE})),
    "key/partner": Thing(_key("partner"), frozenset({HEAD_OFFICE})),
    "staff": Thing(_staff, frozenset({HEAD_OFFICE})),
    "grant": Thing(_grant, frozenset({HEAD_OFFICE})),
    "till": Thing(_till, frozenset({STORE})),
    "aud": Thing(_audit_entry, frozenset({HEAD_OFFICE})),
    "client": Thing(_client, frozenset({HEAD_OFFICE})),
    **answer_things.THINGS,
    **safety_things.THINGS,
    **webhook_things.THINGS,
}
