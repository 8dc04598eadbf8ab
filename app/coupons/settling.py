"""What a till granted while it was offline, told later: each use counted at its own time, once, or kept as a conflict.

A batch is one transaction, in the one order of locks: the till's store and its orders by name, all customers, all
copies, then its turn at all budgets. So a batch waits for nobody in a circle, and an item that cannot be counted takes
nothing of the others with it. The goods are gone by then: what cannot be counted is kept for head office.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.coupons import guessing, queries, uses
from app.coupons.codes import find_code
from app.coupons.events import CouponConflicted
from app.coupons.guessing import Guesser
from app.coupons.incidents import SettlementConflict
from app.coupons.locks import Copy, lock_by_codes
from app.coupons.models import Redemption
from app.coupons.redeeming import check_settlement
from app.coupons.scanning import OpenKey, read_typed
from app.coupons.uses import Told
from app.customers.locks import lock_names
from app.events.service import record
from app.problems import describe
from tenants.problems import Problem
from tenants.session import ScopedSession
from tenants.stores.models import Store


@dataclass(frozen=True, kw_only=True)
class Late:
    """A use as a till tells it late. `ref` is the till's own id of it."""

    ref: str
    code: str
    redeemed_at: datetime
    amount_yen: int | None = None
    order_ref: str | None = None


@dataclass(frozen=True)
class Settled:
    """What became of one of them: its redemption, new or from an earlier call, or the problem as an answer has it."""

    redemption: Redemption | None = None
    is_new: bool = False
    problem: dict[str, Any] | None = None


def settle(
    session: ScopedSession,
    store: Store,
    items: Sequence[Late],
    now: datetime,
    *,
    open_key: OpenKey,
    guesser: Guesser | None = None,
    device_id: UUID | None = None,
) -> list[Settled]:
    """Count uses that a store's till granted offline; one answer for each, in their order.

    The same `ref` of a store settles once, and a conflict is told again as it was. A picture that changes every 30
    seconds must be true, but not new: a till's clock may be wrong, and she is gone. Needs a session of the whole brand.
    """
    orders = (uses.name_order(store, item.order_ref) for item in items if item.order_ref is not None)
    lock_names(session, [f"settling:{store.no}", *orders])
    refs = {item.ref for item in items}
    earlier = {ref: Settled(row) for ref, row in queries.map_settled(session, store.no, refs).items()}
    for ref, conflict in queries.map_conflicts(session, store.no, refs).items():
        earlier[ref] = Settled(problem=conflict.problem)
    codes = [_read_code(open_key, item.code) if item.ref not in earlier else None for item in items]
    copies = lock_by_codes(session, {code for code in codes if code is not None})
    queries.take_turns(session, {copy.offer.id for copy in copies.values()})
    settling = _Settling(session, store, now, guesser, device_id, copies)
    answers = []
    for item, code in zip(items, codes, strict=True):
        answer = earlier.get(item.ref)
        if answer is None:
            answer = settling.settle(item, code)
            # Within one call too: a till that lost count of what it sent.
            earlier[item.ref] = Settled(answer.redemption, False, answer.problem)
        answers.append(answer)
    settling.finish()
    return answers


def _read_code(open_key: OpenKey, typed: str) -> str | None:
    bare = read_typed(open_key, typed, None)
    return find_code(bare) if bare is not None else None


class _Settling:
    """One batch on its way: the conflicts to be recorded, and how many codes nobody has."""

    def __init__(
        self,
        session: ScopedSession,
        store: Store,
        now: datetime,
        guesser: Guesser | None,
        device_id: UUID | None,
        copies: Mapping[str, Copy],
    ) -> None:
        self.session, self.store, self.now = session, store, now
        self.guesser, self.device_id, self.copies = guesser, device_id, copies
        self.facts: list[CouponConflicted] = []
        self.unknown = 0

    def settle(self, item: Late, code: str | None) -> Settled:
        copy = self.copies.get(code) if code is not None else None
        try:
            return self._use(item, copy)
        except Problem as problem:
            told = describe(problem)
            if problem.status in (404, 409):
                self._keep(item, copy, problem, told)
            return Settled(problem=told)

    def _use(self, item: Late, copy: Copy | None) -> Settled:
        at = check_settlement(item.redeemed_at, self.now)
        if copy is None:
            problem = guessing.say_unknown(self.session, self.guesser, self.now, met=self.unknown)
            self.unknown += 1
            raise problem
        told = Told(
            store=self.store,
            at=at,
            amount_yen=item.amount_yen,
            order_ref=item.order_ref,
            device_id=self.device_id,
            settle_ref=item.ref,
        )
        return Settled(uses.use(self.session, copy, told, self.now), is_new=True)

    def _keep(self, item: Late, copy: Copy | None, problem: Problem, told: dict[str, Any]) -> None:
        conflict = SettlementConflict(
            created_at=self.now,
            store_id=self.store.id,
            store_no=self.store.no,
            ref=item.ref,
            issued_coupon_id=copy.id if copy is not None else None,
            redeemed_at=item.redeemed_at,
            amount_yen=item.amount_yen,
            problem=told,
        )
        self.session.add(conflict)
        if copy is not None:
            self.facts.append(
                CouponConflicted(
                    occurred_at=item.redeemed_at,
                    customer_id=copy.customer_id,
                    store_no=self.store.no,
                    account_no=copy.account_no,
                    coupon_id=copy.offer.id,
                    issued_coupon_id=copy.id,
                    campaign_id=copy.campaign_id,
                    weather_rule_id=copy.weather_rule_id,
                    run_id=copy.run_id,
                    reason=problem.slug(),
                    settle_ref=item.ref,
                )
            )

    def finish(self) -> None:
        """Record what could not be counted, and count wrong guesses."""
        record(self.session, *self.facts)
        if self.guesser is not None and self.unknown:
            guessing.note(self.session, self.guesser, self.unknown, self.now)
