"""A town of tills that all press at once, lose answers, go offline, undo and repeat; and the ledger that must hold.

`python -m tests.app.coupons.tills --tills 200 --seconds 60` runs it at full size and prints the ledger.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from threading import Event as Flag
from threading import Thread
from time import monotonic
from typing import Any, Final

from fastapi.testclient import TestClient
from sqlalchemy import func, text
from sqlmodel import col, select

from app.coupons.incidents import SettlementConflict
from app.coupons.models import Coupon, CouponBudget, CouponTally, IssuedCoupon, Redemption
from app.events.models import Event
from tenants.ids import encode_id
from tenants.stores.models import Store
from tenants.tables import utc_now
from tests import make
from tests.conftest import BrandHome

LIMITS: Final[dict[str, dict[str, int]]] = {
    "yen": {"budget_yen": 1_537},
    "uses": {"redeemed_total": 9},
    "daily": {"per_store_per_day": 2},
    "short": {},
    "plain": {},
    "rush": {"total": 11, "per_customer": 1},
}
"""The coupons of the town by what caps them. Of `rush` copies are given out while the tills press."""


@dataclass
class Town:
    """A brand with stores, coupons and copies in people's hands, and how it is reached."""

    api: TestClient
    home: BrandHome
    stores: list[tuple[Store, dict[str, str]]]
    coupons: dict[str, Coupon]
    codes: list[str]
    newcomers: list[str]


def settle_town(api: TestClient, home: BrandHome, *, stores: int, copies: int, scale: int = 1) -> Town:
    """A town with so many stores and copies of each coupon. Some copies end on the way, and some have ended."""
    with home.open() as session:
        shops = [make.store(session, name=f"{number}号店") for number in range(stores)]
        keys = [{"Authorization": f"Bearer {make.store_key(session, shop)}"} for shop in shops]
        coupons, codes = {}, []
        for name, limits in LIMITS.items():
            scaled = {key: value * (1 if key == "per_customer" else scale) for key, value in limits.items()}
            benefit = (
                {"kind": "percent_off", "percent": 10} if name == "yen" else {"kind": "amount_off", "amount_yen": 200}
            )
            coupons[name] = make.coupon(session, name=name, limits=scaled, benefit=benefit, combinable=name == "plain")
            for number in range(copies if name != "rush" else 0):
                ends: dict[str, Any] = {}
                if name == "short":
                    ends["expires_at"] = utc_now() + timedelta(seconds=(number % 5 - 1) * scale)
                codes.append(make.issued_coupon(session, coupons[name], **ends).code)
        newcomers = [encode_id("cus", make.customer(session).id) for _ in range(copies)]
        session.commit()
    return Town(api, home, list(zip(shops, keys, strict=True)), coupons, codes, newcomers)


@dataclass
class Till:
    """One till: what it was answered, and what it granted while it was offline."""

    town: Town
    number: int
    outcomes: Counter[str] = field(default_factory=Counter)
    used: dict[str, str] = field(default_factory=dict)
    """The redemptions it knows of, with the code each used."""
    settled: dict[str, str] = field(default_factory=dict)
    """What became of each use that it granted offline: a redemption's id, or the name of the problem."""
    offline: list[dict[str, Any]] = field(default_factory=list)
    wrongs: list[str] = field(default_factory=list)
    """Answers that contradict each other."""

    def __post_init__(self) -> None:
        self.random = Random(self.number)
        self.store, self.headers = self.town.stores[self.number % len(self.town.stores)]
        self.count = 0

    def press(self) -> None:
        """Do the next thing."""
        self.count += 1
        chosen = self.random.choices(
            (self.redeem, self.redeem_offline, self.come_online, self.reverse, self.issue), (10, 5, 1, 3, 2)
        )
        chosen[0]()

    def post(self, path: str, body: Any, key: str | None = None, *, hq: bool = False) -> tuple[int, dict[str, Any]]:
        sent = (self.town.home.headers if hq else self.headers) | ({"Idempotency-Key": key} if key else {})
        answer = self.town.api.post(path, json=body, headers=sent)
        for _ in range(200):
            if answer.status_code != 503:
                break
            # Too much is going on: nothing was done, and the till asks again, as it should.
            self.outcomes["busy"] += 1
            answer = self.town.api.post(path, json=body, headers=sent)
        if answer.status_code >= 500:
            self.wrongs.append(f"{path} answered {answer.status_code}: {answer.text}")
        return answer.status_code, answer.json()

    def ask(self) -> dict[str, Any]:
        """What she shows, and what she spends, on an order that others may be ringing up too."""
        order_ref = self.random.choice((None, f"R-{self.random.randrange(40)}"))
        return {
            "code": self.random.choice(self.town.codes),
            "amount_yen": self.random.randrange(500, 3_000),
            "order_ref": order_ref,
        }

    def redeem(self) -> None:
        """Redeem; every third answer is lost, and then the till asks again, with the key of its question or without."""
        body = self.ask()
        key = f"{self.number}-{self.count}" if self.random.random() < 0.5 else None
        status, told = self.post("/v1/redemptions", body, key)
        if self.random.random() < 0.33:
            first, (status, again) = (status, told), self.post("/v1/redemptions", body, key)
            if first[0] == 201 and key is not None and (status, again) != first:
                self.wrongs.append(f"The same question with its key was answered {first}, then {again}.")
            if first[0] == 201 and key is None and status == 201:
                # Somebody may have undone it in between; then it is another use.
                self.outcomes["used anew"] += again["id"] != told["id"]
                self.wrongs += [f"{told['id']} twice"] if again["id"] == told["id"] else []
            self.outcomes["repeated"] += 1
            told = again if status == 201 else told
            status = 201 if 201 in (first[0], status) else status
        self.note(status, told, body["code"])

    def note(self, status: int, told: dict[str, Any], code: str) -> None:
        name = "used" if status == 201 else told["type"].rpartition("/")[2]
        self.outcomes[name] += 1
        if status == 201:
            self.used[told["id"]] = code

    def redeem_offline(self) -> None:
        """Grant a use without asking anybody."""
        at = utc_now() - timedelta(milliseconds=self.random.randrange(3_000))
        self.offline.append({**self.ask(), "ref": f"{self.number}-{self.count}", "redeemed_at": at.isoformat()})

    def come_online(self) -> None:
        """Tell what was granted; every third answer is lost, and the till tells it all again."""
        if not self.offline:
            return
        body = {"items": self.offline}
        times = 2 if self.random.random() < 0.33 else 1
        answers = [self.post("/v1/redemptions/batch", body) for _ in range(times)]
        if any(status != 200 for status, _ in answers):
            self.wrongs.append(f"A batch was answered {answers}")
            return
        heard = [told["items"] for _, told in answers]
        named = [[one["id"] or one["problem"]["type"].rpartition("/")[2] for one in items] for items in heard]
        if named[0] != named[-1]:
            self.wrongs.append(f"A batch was answered {named[0]}, then {named[-1]}.")
        for item, name in zip(self.offline, named[0], strict=True):
            self.settled[item["ref"]] = name
            self.outcomes["settled" if name.startswith("red_") else f"late: {name}"] += 1
        self.offline = []

    def reverse(self) -> None:
        """Undo a use it knows of, sometimes twice."""
        if not self.used:
            return
        use_id = self.random.choice(list(self.used))
        for _ in range(self.random.choice((1, 1, 2))):
            status, told = self.post(f"/v1/redemptions/{use_id}/reverse", {"reason": "打ち間違い"})
            self.outcomes["undone" if status == 200 else told["type"].rpartition("/")[2]] += 1

    def issue(self) -> None:
        """Head office gives out a copy of the coupon that everybody wants."""
        coupon = self.town.coupons["rush"]
        body = {"customer_ids": [self.random.choice(self.town.newcomers)], "source": self.random.choice("ab")}
        _, told = self.post(f"/v1/coupons/{encode_id('cpn', coupon.id)}/issue", body, hq=True)
        (item,) = told["items"]
        if item["issued_coupon"] is None:
            self.outcomes[item["problem"]["type"].rpartition("/")[2]] += 1
            return
        self.outcomes["issued"] += item["status"] == 201
        if item["issued_coupon"]["code"] not in self.town.codes:
            self.town.codes.append(item["issued_coupon"]["code"])


def run_tills(town: Town, tills: int, *, presses: int | None = None, seconds: float = 1e9) -> list[Till]:
    """Let so many tills press at once, each so often or for so long, and come online at the end."""
    until = monotonic() + seconds
    everyone = [Till(town, number) for number in range(tills)]

    def work(till: Till) -> None:
        while monotonic() < until and (presses is None or till.count < presses):
            till.press()
        till.come_online()

    watching, watcher = Flag(), _Watcher(town)
    thread = Thread(target=watcher.watch, args=[watching])
    thread.start()
    try:
        with ThreadPoolExecutor(tills) as pool:
            list(pool.map(work, everyone))
    finally:
        watching.set()
        thread.join()
    everyone[0].wrongs += watcher.wrongs
    return everyone


@dataclass
class _Watcher:
    """Looks at the counters all the while: a cap must not be passed even for a moment."""

    town: Town
    wrongs: list[str] = field(default_factory=list)

    def watch(self, ended: Flag) -> None:
        while not ended.wait(0.05):
            self.wrongs += check_caps(self.town)


def check_caps(town: Town) -> list[str]:
    """Every cap that is passed at this moment, in words."""
    wrongs = []
    with town.home.open() as session:
        budgets = {row.coupon_id: row for row in session.exec(select(CouponBudget)).all()}
        yen, uses = (budgets[town.coupons[name].id] for name in ("yen", "uses"))
        issued = session.get_one(CouponTally, (town.home.scope.brand_id, town.coupons["rush"].id)).issued
        days = session.exec(
            select(func.count())
            .where(col(Redemption.coupon_id) == town.coupons["daily"].id, col(Redemption.reversed_at).is_(None))
            .where(col(Redemption.brand_id) == town.home.scope.brand_id)
            .group_by(col(Redemption.store_no), col(Redemption.business_on))
        ).all()
    limits = {name: coupon.limits for name, coupon in town.coupons.items()}
    for what, value, cap in (
        ("yen", yen.discount_yen, limits["yen"]["budget_yen"]),
        ("uses", uses.redeemed, limits["uses"]["redeemed_total"]),
        ("copies", issued, limits["rush"]["total"]),
        *(("uses of a day", count, limits["daily"]["per_store_per_day"]) for count in days),
    ):
        if value > cap:
            wrongs.append(f"{value} {what}, of {cap}")
    return wrongs


@dataclass
class Ledger:
    """What the rows say at the end, and everything that does not hold."""

    outcomes: Counter[str]
    lines: list[str]
    wrongs: list[str]


def close_ledger(town: Town, tills: Sequence[Till]) -> Ledger:
    """Hold all rows against each other, and against what the tills were told."""
    outcomes: Counter[str] = sum((till.outcomes for till in tills), Counter())
    wrongs = [wrong for till in tills for wrong in till.wrongs] + check_caps(town)
    with town.home.open() as session:
        brand = town.home.scope.brand_id
        uses = session.exec(select(Redemption)).all()
        copies = {row.id: row for row in session.exec(select(IssuedCoupon)).all()}
        conflicts = {(row.store_no, row.ref): row for row in session.exec(select(SettlementConflict)).all()}
        budgets = {row.coupon_id: row for row in session.exec(select(CouponBudget)).all()}
        tallies = {row.coupon_id: row for row in session.exec(select(CouponTally)).all()}
        told = Counter(session.exec(select(Event.type)).all())
        places = session.execute(
            text(
                "SELECT coupon_id, kind, sum(redeemed), sum(discount_yen) FROM coupon_counter"
                " WHERE brand_id = :b GROUP BY 1, 2"
            ),
            {"b": brand},
        ).all()
    standing = [use for use in uses if use.reversed_at is None]
    per_copy = Counter(use.issued_coupon_id for use in standing)
    wrongs += [f"copy {copy} stands used {count} times" for copy, count in per_copy.items() if count > 1]
    wrongs += [
        f"copy {row.id} is {row.status}" for row in copies.values() if (row.status == "redeemed") != per_copy[row.id]
    ]
    wrongs += [f"use {use.id} at a time when the copy was not good" for use in uses if not _was_good(use, copies)]
    lines = [f"{'coupon':8}{'issued':>8}{'used':>8}{'yen':>10}{'cap':>28}"]
    for name, coupon in town.coupons.items():
        mine = [use for use in standing if use.coupon_id == coupon.id]
        counted = budgets[coupon.id].redeemed, budgets[coupon.id].discount_yen
        summed = len(mine), sum(use.discount_yen for use in mine)
        issued = sum(row.coupon_id == coupon.id for row in copies.values())
        if counted != summed or tallies[coupon.id].issued != issued:
            wrongs.append(f"{name}: counted {counted} and {tallies[coupon.id].issued}, of rows {summed} and {issued}")
        lines.append(f"{name:8}{issued:>8}{summed[0]:>8}{summed[1]:>10,}{coupon.limits!s:>28}")
        for row in places:
            if row[0] == coupon.id and (row[2], row[3]) != summed:
                wrongs.append(f"{name}: by {row[1]} {row[2:]}, of rows {summed}")
    wrongs += _check_orders(town, standing) + _check_late(town, tills, uses, conflicts)
    if told["coupon.redeemed"] != len(uses) or told["coupon.reversed"] != len(uses) - len(standing):
        wrongs.append(f"events {told}, of {len(uses)} uses {len(standing)} stand")
    if told["coupon.conflicted"] != sum(row.issued_coupon_id is not None for row in conflicts.values()):
        wrongs.append(f"{told['coupon.conflicted']} conflicts told, {len(conflicts)} kept")
    known = {encode_id("red", use.id): copies[use.issued_coupon_id].code for use in uses}
    wrongs += [
        f"{use} was answered and is not there"
        for till in tills
        for use, code in till.used.items()
        if known.get(use) != code
    ]
    return Ledger(outcomes, lines, wrongs)


def _was_good(use: Redemption, copies: dict[Any, IssuedCoupon]) -> bool:
    copy = copies[use.issued_coupon_id]
    return copy.starts_at <= use.redeemed_at < copy.expires_at


def _check_orders(town: Town, standing: Sequence[Redemption]) -> list[str]:
    """Orders on which coupons stand together that do not go together."""
    combinable = {coupon.id: coupon.combinable for coupon in town.coupons.values()}
    orders: dict[tuple[int, str], list[bool]] = {}
    for use in standing:
        if use.order_ref is not None:
            orders.setdefault((use.store_no, use.order_ref), []).append(combinable[use.coupon_id])
    return [
        f"order {order} has {len(used)} coupons" for order, used in orders.items() if len(used) > 1 and not all(used)
    ]


def _check_late(
    town: Town,
    tills: Sequence[Till],
    uses: Sequence[Redemption],
    conflicts: dict[tuple[int, str], SettlementConflict],
) -> list[str]:
    """What was settled late is one row each, as it was answered."""
    rows = Counter((use.store_no, use.settle_ref) for use in uses if use.settle_ref is not None)
    ids = {(use.store_no, use.settle_ref): encode_id("red", use.id) for use in uses}
    wrongs = [f"{ref} settled {count} times" for ref, count in rows.items() if count > 1]
    for till in tills:
        for ref, answer in till.settled.items():
            place = till.store.no, ref
            row = conflicts.get(place)
            found = ids.get(place) or (row.problem["type"].rpartition("/")[2] if row is not None else None)
            if found != answer:
                wrongs.append(f"{ref} was answered {answer}, and is {found}")
    return wrongs


def main() -> int:
    """Run it at the size that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tills", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--stores", type=int, default=40)
    parser.add_argument("--copies", type=int, default=1_500)
    chosen = parser.parse_args()
    from app.bench.place import open_place
    from app.main import create_app
    from tests.conftest import new_home

    with open_place() as place:
        settings = place.settings.model_copy(
            update={"rate_limit": 10**8, "anonymous_rate_limit": 10**8, "pool_size": 48}
        )
        home = new_home(place.engine, place.keyring)
        with TestClient(create_app(settings), raise_server_exceptions=False) as api:
            town = settle_town(api, home, stores=chosen.stores, copies=chosen.copies, scale=chosen.copies // 30)
            began = utc_now()
            tills = run_tills(town, chosen.tills, seconds=chosen.seconds)
            ledger = close_ledger(town, tills)
    _print(ledger, chosen.tills, utc_now() - began)
    return 1 if ledger.wrongs else 0


def _print(ledger: Ledger, tills: int, took: timedelta) -> None:
    sys.stdout.write(f"{tills} tills, {sum(ledger.outcomes.values()):,} answers in {took.total_seconds():.0f} s\n\n")
    sys.stdout.write("\n".join(ledger.lines) + "\n\n")
    for name, count in ledger.outcomes.most_common():
        sys.stdout.write(f"{count:>8,}  {name}\n")
    sys.stdout.write(f"\n{len(ledger.wrongs)} wrong\n" + "".join(f"  {wrong}\n" for wrong in ledger.wrongs[:50]))


if __name__ == "__main__":
    sys.exit(main())
