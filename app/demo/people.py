"""The demo's people: drawn once by a seeded generator, with three months of visits, orders and coupons behind them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from random import Random
from uuid import UUID

from tenants.ids import uuid7

FAMILY = (
    ("佐藤", "サトウ"), ("鈴木", "スズキ"), ("髙橋", "タカハシ"), ("田中", "タナカ"), ("伊藤", "イトウ"),
    ("渡辺", "ワタナベ"), ("山本", "ヤマモト"), ("中村", "ナカムラ"), ("小林", "コバヤシ"), ("加藤", "カトウ"),
    ("吉田", "ヨシダ"), ("山田", "ヤマダ"), ("佐々木", "ササキ"), ("山口", "ヤマグチ"), ("松本", "マツモト"),
    ("井上", "イノウエ"), ("木村", "キムラ"), ("林", "ハヤシ"), ("斎藤", "サイトウ"), ("山﨑", "ヤマザキ"),
)  # fmt: skip
"""Family names as they are written and read."""
GIVEN = (
    ("陽葵", "ヒマリ", "female"), ("凛", "リン", "female"), ("結菜", "ユイナ", "female"),
    ("芽依", "メイ", "female"), ("咲良", "サクラ", "female"), ("美咲", "ミサキ", "female"),
    ("花子", "ハナコ", "female"), ("由美", "ユミ", "female"), ("恵子", "ケイコ", "female"),
    ("さくら", "サクラ", "female"), ("蒼", "アオイ", "male"), ("湊", "ミナト", "male"),
    ("蓮", "レン", "male"), ("悠真", "ユウマ", "male"), ("大翔", "ヒロト", "male"),
    ("太郎", "タロウ", "male"), ("健一", "ケンイチ", "male"), ("直樹", "ナオキ", "male"),
    ("翔太", "ショウタ", "male"), ("葵", "アオイ", "female"),
)  # fmt: skip
"""First names as they are written and read, and whom one takes them for."""
TASTES = ("ラーメン", "定食", "鍋", "デザート")
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
    kana: str | None
    gender: str | None
    birthday_on: date | None
    town: str | None
    """The store whose municipality she lives in."""
    attributes: dict[str, str | bool]
    phone: str | None
    member_number: str | None
    home: str
    states_home: bool
    """Whether she named her store; else it is where she goes most often."""
    provider_id: str
    line_user_id: str
    follows: dict[str, datetime] = field(default_factory=dict)
    """Channel id → since when."""
    friend_ids: dict[str, UUID] = field(default_factory=dict)
    """Channel id → the friendship's id."""
    blocks: dict[str, datetime] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)
    visits: list[tuple[str, datetime]] = field(default_factory=list)
    """Store code and when she came without buying anything by her card."""
    allows_marketing: bool = True
    tags: list[str] = field(default_factory=list)

    def came(self) -> list[tuple[str, datetime]]:
        """Store code and time of everything she did at a store."""
        return [*((order.store_code, order.ordered_at) for order in self.orders), *self.visits]

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
        (family, family_kana), (given, given_kana, gender) = random.choice(FAMILY), random.choice(GIVEN)
        if number == 0:  # the first is the one whom the tour looks up
            (family, family_kana), (given, given_kana, gender) = FAMILY[8], GIVEN[6]
        person = Person(
            id=uuid7(),
            name=f"{family} {given}",
            kana=f"{family_kana} {given_kana}" if random.random() < 0.8 else None,
            gender=random.choices((gender, "other", None), weights=(85, 2, 13))[0],
            birthday_on=_birthday(random) if random.random() < 0.55 else None,
            town=home if random.random() < 0.5 else None,
            attributes=_attributes(random),
            phone=f"+8190{number:08d}" if random.random() < 0.4 else None,
            member_number=f"M{number + 1:07d}" if number == 0 or random.random() < 0.6 else None,
            home=home,
            states_home=number == 0 or random.random() < 0.75,
            provider_id=provider_id,
            line_user_id=line_user_id(brand, provider_id, number),
            allows_marketing=random.random() < 0.95,
        )
        _befriend(person, channel_id, by_provider[provider_id], now, random)
        _buy(person, codes, now, random)
        people.append(person)
    return people


def _birthday(random: Random) -> date:
    return date(random.randrange(1955, 2009), 1, 1) + timedelta(days=random.randrange(365))


def _attributes(random: Random) -> dict[str, str | bool]:
    known: dict[str, str | bool] = {}
    if random.random() < 0.3:
        known["favourite"] = random.choice(TASTES)
    if random.random() < 0.3:
        known["spicy"] = random.random() < 0.5
    return known


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
    for _ in range(int(random.expovariate(1 / 0.6))):
        person.visits.append((person.home, (now - timedelta(days=random.uniform(0.2, HISTORY_DAYS))).astimezone(UTC)))
    if len(person.orders) >= 5:
        person.tags.append("常連")
    if random.random() < 0.25:
        person.tags.append(random.choice(("ラーメン好き", "定食派", "デザート好き")))
