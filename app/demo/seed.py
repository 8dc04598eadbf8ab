"""Fill an empty database with the demo's brands; what the demo shows of credentials is answered once, from here."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text

from app.auth import brand_key_of
from app.demo.brands import COFFEE_BRAND, FOOD_BRAND, HOURS, PARENT_OF, DemoBrand
from app.demo.history import add_history
from app.demo.people import Person, draw_people
from app.demo.points import add_points
from app.demo.record import add_record
from app.demo.rows import add_rows
from app.keys import digest_of, new_secret
from app.messaging.line_quota import store_line_quota
from app.qr_codes.models import QrCode
from app.qr_codes.service import create_code
from tenants.api_keys.service import create_key
from tenants.areas.service import create_area
from tenants.brands.service import create_brand
from tenants.clients.service import create_client
from tenants.ids import encode_id, uuid7
from tenants.line_accounts.models import LineAccount
from tenants.line_accounts.service import open_login_secret, open_secret, register_account
from tenants.permissions import PERMISSIONS, STORE_PERMISSIONS
from tenants.scope import Scope
from tenants.sealing import Keyring
from tenants.session import ScopedSession, open_session
from tenants.stores.models import Store
from tenants.stores.service import create_store

QUOTA = 200_000
SEED = 20261121


@dataclass
class Seeded:
    """What the demo tells of one brand, and its people for the sandbox."""

    client: dict[str, str]
    stores: list[dict[str, Any]]
    line_accounts: list[dict[str, Any]]
    world: dict[str, Any] = field(default_factory=dict)


def seed(engine: Engine, keyring: Keyring, customers: int, public_url: str, now: datetime) -> tuple[Seeded, Seeded]:
    """Make both brands: the first with its rain rule live, the second to show the wall."""
    random = Random(SEED)
    food = _seed_brand(engine, keyring, FOOD_BRAND, customers, public_url, now, random)
    coffee = _seed_brand(engine, keyring, COFFEE_BRAND, max(20, customers // 20), public_url, now, random)
    return food, coffee


def _seed_brand(
    engine: Engine, keyring: Keyring, plan: DemoBrand, customers: int, public_url: str, now: datetime, random: Random
) -> Seeded:
    with open_session(engine, Scope(uuid7())) as session:
        brand = create_brand(session, keyring, name=plan.name, timezone="Asia/Tokyo")
        brand.joining_basis = "provider_page"
        client = _client(session)
        stores = {one.code: _store(session, one) for one in plan.stores}
        areas = _areas(session, plan, stores)
        accounts = _accounts(session, plan, stores, areas, keyring, now)
        codes = _qr_codes(session, stores, accounts, now)
        keys = {code: _store_key(session, store) for code, store in stores.items()}
        channels = [(one.channel_id, one.provider_id, one.store_codes) for one in plan.accounts]
        people = draw_people(plan.name, channels, customers, now, random)
        add_people(session, people, stores, accounts, now)
        add_record(session, people, stores)
        add_history(session, people, stores, accounts, now, random, live_rule=plan is FOOD_BRAND)
        add_points(session, now)
        world = _world(session, plan, accounts, people, keyring, public_url)
        session.commit()
    account_ids = {no: account.id for account in accounts.values() for no in account.store_nos}
    shown_stores = [
        {
            "id": encode_id("store", store.id),
            "code": code,
            "name": store.name,
            "key": keys[code],
            "qr_code": {"id": encode_id("qr", codes[code].id), "url": f"{public_url}/r/{codes[code].code}"},
            "line_account_ids": [encode_id("acc", account_ids[store.no])],
        }
        for code, store in stores.items()
    ]
    ids = {store.no: encode_id("store", store.id) for store in stores.values()}
    shown_accounts = [
        {
            "id": encode_id("acc", account.id),
            "name": account.name,
            "channel_id": account.channel_id,
            "provider_id": account.provider_id,
            "login_channel_id": account.login_channel_id,
            "store_ids": [ids[no] for no in account.store_nos],
        }
        for account in accounts.values()
    ]
    return Seeded(client, shown_stores, shown_accounts, world)


def _client(session: ScopedSession) -> dict[str, str]:
    secret = new_secret("client")
    client = create_client(session, name="本部システム", permissions=sorted(PERMISSIONS), digest=digest_of(secret))
    return {"client_id": encode_id("client", client.id), "client_secret": secret}


def _store(session: ScopedSession, plan: Any) -> Store:
    values = {
        "code": plan.code,
        "name": plan.name,
        "address": plan.address,
        "municipality_code": plan.municipality_code,
        "latitude": plan.latitude,
        "longitude": plan.longitude,
        "opening_hours": HOURS,
        "weather_area": {
            "class20": plan.class20,
            "class10": plan.class10,
            "office": plan.office,
            "source": "municipality",
        },
    }
    return create_store(session, values)


def _areas(session: ScopedSession, plan: DemoBrand, stores: dict[str, Store]) -> dict[str, UUID]:
    ids: dict[str, UUID] = {}
    for name, codes in plan.areas.items():
        parent = PARENT_OF.get(name)
        values = {"name": name, "parent_id": ids.get(parent) if parent else None}
        ids[name] = create_area(session, values, [stores[code] for code in codes]).id
    return ids


def _accounts(
    session: ScopedSession,
    plan: DemoBrand,
    stores: dict[str, Store],
    areas: dict[str, UUID],
    keyring: Keyring,
    now: datetime,
) -> dict[str, LineAccount]:
    key = brand_key_of(session, keyring)
    accounts = {}
    for one in plan.accounts:
        values = {
            "name": one.name,
            "channel_id": one.channel_id,
            "provider_id": one.provider_id,
            "login_channel_id": f"2{one.channel_id[1:]}",
            "area_id": areas[one.area] if one.area else None,
            "plan": "standard",
            "bot_user_id": "U" + digest_of(one.channel_id).hex()[:32],
            "basic_id": basic_id_of(one.channel_id),
            "status": "ok",
        }
        members = [stores[code] for code in one.store_codes]
        secret, login_secret = (digest_of(new_secret("x")).hex()[:32] for _ in range(2))
        account = register_account(session, key, values, secret=secret, stores=members, login_secret=login_secret)
        store_line_quota(session, account, limit=QUOTA, used=0, now=now)
        accounts[one.channel_id] = account
    return accounts


def basic_id_of(channel_id: str) -> str:
    """The basic ID of a demo account. LINE has each once in the world, so brands must not share one."""
    return "@" + channel_id[-8:]


def _qr_codes(
    session: ScopedSession, stores: dict[str, Store], accounts: dict[str, LineAccount], now: datetime
) -> dict[str, QrCode]:
    """One at the counter of each store."""
    account_of = {no: account for account in accounts.values() for no in account.store_nos}
    return {
        code: create_code(
            session,
            {"name": f"{store.name} レジ横", "kind": "store"},
            account=account_of[store.no],
            store=store,
            now=now,
        )
        for code, store in stores.items()
    }


def _store_key(session: ScopedSession, store: Store) -> str:
    secret = new_secret("store")
    values = {"name": f"{store.name} レジ", "permissions": sorted(STORE_PERMISSIONS)}
    create_key(session, values, kind="store", stores=[store], prefix=secret[:16], digest=digest_of(secret))
    return secret


def add_people(
    session: ScopedSession,
    people: Sequence[Person],
    stores: dict[str, Store],
    accounts: dict[str, LineAccount],
    now: datetime,
) -> None:
    """Customers with their identities, friends, tags and ties, as intake would have made them one by one."""
    from app.customers.models import Customer, CustomerStore, CustomerTag, Friend, Identity, Tag
    from tenants.brands.queries import next_no

    brand_id = session.scope.brand_id
    tags = {}
    for name in sorted({tag for person in people for tag in person.tags}):
        tags[name] = Tag(no=next_no(session, "tag"), name=name)
        session.add(tags[name])
    session.flush()
    customers, identities, friends, ties, labels = [], [], [], [], []
    for person in people:
        followed = person.follows
        following = [accounts[channel] for channel in followed if channel not in person.blocks]
        tied = {no for channel in followed for no in accounts[channel].store_nos}
        tied |= {stores[code].no for code, _ in person.came()} | (
            {stores[person.home].no} if person.states_home else set()
        )
        first_at = min(followed.values())
        home = stores[person.home]
        customers.append(
            {
                "brand_id": brand_id,
                "id": person.id,
                "created_at": first_at,
                "updated_at": max([first_at, *(at for _, at in person.came())]),
                "first_seen_at": min([first_at, *(at for _, at in person.came())]),
                "external_id": None,
                "member_number": person.member_number,
                "name": person.name,
                "kana": person.kana,
                "phone": person.phone,
                "gender": person.gender,
                "birthday_on": person.birthday_on,
                "address": stores[person.town].address if person.town else None,
                "municipality_code": stores[person.town].municipality_code if person.town else None,
                "attributes": person.attributes,
                "home_store_id": home.id if person.states_home else None,
                "home_store_no": home.no if person.states_home else None,
                "usual_store_no": _usual_store_no(person, stores),
                "tag_nos": [tags[name].no for name in person.tags],
                "store_nos": sorted(tied),
                "account_nos": sorted(account.no for account in following),
                "order_count": len(person.orders),
                "visit_count": len(person.visits),
                "spend_yen": sum(order.amount_yen for order in person.orders),
                "last_order_at": max((order.ordered_at for order in person.orders), default=None),
                "last_visit_at": max((at for _, at in person.visits), default=None),
            }
        )
        identity_id = uuid7()
        identities.append(
            {
                "brand_id": brand_id,
                "id": identity_id,
                "created_at": first_at,
                "customer_id": person.id,
                "provider_id": person.provider_id,
                "line_user_id": person.line_user_id,
                "display_name": person.display_name,
                "language": "ja",
                "profile_at": first_at,
            }
        )
        for channel, at in followed.items():
            blocked_at = person.blocks.get(channel)
            friends.append(
                {
                    "brand_id": brand_id,
                    "id": person.friend_ids[channel],
                    "created_at": at,
                    "line_account_id": accounts[channel].id,
                    "account_no": accounts[channel].no,
                    "identity_id": identity_id,
                    "customer_id": person.id,
                    "store_nos": list(accounts[channel].store_nos),
                    "status": "blocked" if blocked_at else "following",
                    "source": None,
                    "followed_at": at,
                    "changed_at": blocked_at or at,
                }
            )
        by_no = {store.no: store for store in stores.values()}
        for no in sorted(tied):
            here = [order for order in person.orders if stores[order.store_code].no == no]
            visits = [at for code, at in person.visits if stores[code].no == no]
            ties.append(
                {
                    "brand_id": brand_id,
                    "customer_id": person.id,
                    "store_id": by_no[no].id,
                    "store_no": no,
                    "order_count": len(here),
                    "spend_yen": sum(order.amount_yen for order in here),
                    "visit_count": len(visits),
                    "last_order_at": max((order.ordered_at for order in here), default=None),
                    "last_visit_at": max(visits, default=None),
                }
            )
        labels += [
            {
                "brand_id": brand_id,
                "customer_id": person.id,
                "tag_id": tags[name].id,
                "tag_no": tags[name].no,
                "source": "demo",
                "tagged_at": now,
            }
            for name in person.tags
        ]
    for model, rows in (
        (Customer, customers),
        (Identity, identities),
        (Friend, friends),
        (CustomerStore, ties),
        (CustomerTag, labels),
    ):
        add_rows(session, model, rows)


def _usual_store_no(person: Person, stores: dict[str, Store]) -> int | None:
    """Where she came most often; of several the one where she was last, then that of the lowest number."""
    times: dict[int, list[datetime]] = {}
    for code, at in person.came():
        times.setdefault(stores[code].no, []).append(at)
    return max(times, key=lambda no: (len(times[no]), max(times[no]), -no), default=None)


def _world(
    session: ScopedSession,
    plan: DemoBrand,
    accounts: dict[str, LineAccount],
    people: Sequence[Person],
    keyring: Keyring,
    public_url: str,
) -> dict[str, Any]:
    """The same brand as the sandbox has to know it."""
    key = brand_key_of(session, keyring)
    return {
        "providers": [{"id": one, "name": plan.name} for one in sorted({a.provider_id for a in plan.accounts})],
        "channels": [
            {
                "channel_id": account.channel_id,
                "provider_id": account.provider_id,
                "channel_secret": open_secret(account, key),
                "bot_user_id": account.bot_user_id,
                "basic_id": account.basic_id,
                "display_name": account.name,
                "webhook_url": f"{public_url}/line/webhook/{encode_id('acc', account.id)}",
                "webhook_active": True,
                "quota": QUOTA,
            }
            for account in accounts.values()
        ],
        "login_channels": [
            {
                "channel_id": account.login_channel_id,
                "provider_id": account.provider_id,
                "channel_secret": open_login_secret(account, key),
                "name": account.name,
                "linked_channel_id": account.channel_id,
                "callback_urls": callback_urls(public_url),
            }
            for account in accounts.values()
        ],
        "people": [
            {
                "id": person.line_user_id,
                "name": person.display_name,
                "line_user_ids": {person.provider_id: person.line_user_id},
                "follows": [channel for channel in person.follows if channel not in person.blocks],
                "blocks": list(person.blocks),
            }
            for person in people
        ],
    }


def callback_urls(public_url: str) -> list[str]:
    """Where LINE Login comes back to: after a scan, and to the page that joins."""
    return [f"{public_url}/r/callback", f"{public_url}/liff/callback"]


def is_seeded(engine: Engine) -> bool:
    """Whether a brand is there already."""
    with engine.connect() as connection:
        return connection.execute(text("SELECT list_brand_ids()")).first() is not None
