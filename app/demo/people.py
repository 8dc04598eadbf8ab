"""The demo's people: drawn once by a seeded generator, with three months of visits, orders and coupons behind them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from random import Random
from uuid import UUID

from tenants.ids import uuid7

FAMILY = [
    "佐藤",
    "鈴木",
    "高橋",
    "田中",
    "伊藤",
    "渡辺",
    "山本",
    "中村",
    "小林",
    "加藤",
    "吉田",
    "山田",
    "佐々木",
    "山口",
    "松本",
    "井上",
    "木村",
    "林",
    "斎藤",
    "清水",
]
GIVEN = [
    "陽葵",
    "凛",
    "結菜",
    "芽依",
    "咲良",
    "蒼",
    "湊",
    "蓮",
    "悠真",
    "大翔",
    "美咲",
    "花子",
    "太郎",
    "健一",
    "直樹",
    "由美",
    "恵子",
    "翔太",
    "さくら",
    "葵",
]
HISTORY_DAYS = 92


@dataclass
class Order:
    """One sale to a person."""

    store_code: str
    amount_yen: int
    ordered_at: datetime


@dataclass
class Person:
    """One person: whom she follows, since when, and what she bought."""

    id: UUID
    name: str
    gender: str | None
    phone: str | None
    member_number: str | None
    home: str
    provider_id: str
    line_user_id: str
    follows: dict[str, datetime] = field(default_factory=dict)
    """Channel id → since when."""
    friend_ids: dict[str, UUID] = field(default_factory=dict)
    """Channel id → the friendship's id."""
    blocks: dict[str, datetime] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)

    @property
    def display_name(self) -> str:
        """What she calls herself in LINE: her first name."""
        return self.name.split()[-1]


def draw_people(
    brand: str, channels: Sequence[tuple[str, str, tuple[str, ...]]], count: int, now: datetime, random: Random
) -> list[Person]:
    """`count` people of a brand. `channels` are (channel id, provider id, store codes)."""
    people = []
    by_provider: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for channel_id, provider_id, codes in channels:
        by_provider.setdefault(provider_id, []).append((channel_id, codes))
    for number in range(count):
        channel_id, provider_id, codes = random.choices(channels, weights=[2 + len(codes) for _, _, codes in channels])[
            0
        ]
        home = random.choice(codes)
        person = Person(
            id=uuid7(),
            name=f"{random.choice(FAMILY)} {random.choice(GIVEN)}",
            gender=random.choices(("female", "male", "other", None), weights=(45, 40, 2, 13))[0],
            phone=f"+8190{number:08d}" if random.random() < 0.4 else None,
            member_number=f"M{number + 1:07d}" if random.random() < 0.6 else None,
            home=home,
            provider_id=provider_id,
            line_user_id=line_user_id(brand, provider_id, number),
        )
        _befriend(person, channel_id, by_provider[provider_id], now, random)
        _buy(person, codes, now, random)
        people.append(person)
    return people


def line_user_id(brand: str, provider_id: str, number: int) -> str:
    """A user id as LINE forms it, the same at every start."""
    return "U" + blake2b(f"{brand}:{provider_id}:{number}".encode(), digest_size=16).hexdigest()


def _befriend(
    person: Person, first: str, others: Sequence[tuple[str, tuple[str, ...]]], now: datetime, random: Random
) -> None:
    since = now - timedelta(days=random.uniform(0.5, HISTORY_DAYS))
    person.follows[first] = since
    for channel_id, _ in random.sample(others, k=min(len(others), random.choices((0, 1, 2), (70, 24, 6))[0])):
        person.follows.setdefault(channel_id, since + (now - since) * random.random())
    if random.random() < 0.06:
        person.blocks[first] = since + (now - since) * random.random()
    person.friend_ids = {channel_id: uuid7() for channel_id in person.follows}


def _buy(person: Person, codes: Sequence[str], now: datetime, random: Random) -> None:
    regular = random.random()
    for _ in range(int(random.expovariate(1 / (1 + 5 * regular)))):
        day = now - timedelta(days=random.uniform(0.2, HISTORY_DAYS))
        at = day.replace(hour=random.choice((2, 3, 3, 4, 9, 10, 11, 12)), minute=random.randrange(60), second=0)
        if at >= now:
            at -= timedelta(days=1)
        code = person.home if random.random() < 0.85 else random.choice(codes)
        person.orders.append(Order(code, 10 * random.randrange(65, 320), at.astimezone(UTC)))
    if len(person.orders) >= 5:
        person.tags.append("常連")
    if random.random() < 0.25:
        person.tags.append(random.choice(("ラーメン好き", "定食派", "デザート好き")))
