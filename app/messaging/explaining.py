"""Why one person would be written to, and by which account; asked of the very statement that a freeze runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import and_
from sqlmodel import col

from app.customers.models import Customer
from app.messaging.audience import Audience
from app.messaging.choice import write_choice
from app.messaging.policies import ORDERS
from tenants.session import ScopedSession


@dataclass(frozen=True)
class Candidate:
    """An account that reaches her and may send, and what the policies compare."""

    account_no: int
    store_no: int | None
    is_home: bool
    last_at: datetime | None
    followed_at: datetime | None
    free: int | None
    closeness: int
    """2: a store of its lies in her municipality; 1: in her prefecture; 0: elsewhere, or not asked."""
    reason: str | None = None
    """Why it does not speak to her, where it is not that another does."""


@dataclass(frozen=True)
class Explained:
    """What a run would do with one person, were she the only one."""

    is_in_audience: bool
    reason: str | None
    """Why she is left out; None if she is chosen, or not in the audience."""
    candidates: Sequence[Candidate]
    """The one that speaks first."""

    @property
    def is_chosen(self) -> bool:
        """Whether a message would go out to her."""
        return self.is_in_audience and self.reason is None


def explain(session: ScopedSession, audience: Audience, customer_id: UUID) -> Explained:
    """What a run to this audience would do with her now. Writes nothing."""
    hers = replace(audience, where=and_(audience.where, col(Customer.id) == customer_id))
    choice, values = write_choice(session, hers, compares_all=True)
    # Where all accounts speak she stands in the choice once for each of them, or once for a reason that is hers.
    same_account = "AND numbered.account_no IS NOT DISTINCT FROM tie.account_no" if audience.is_several else ""
    rows = (
        session.connection()
        .exec_driver_sql(
            f"""{choice}
            SELECT tie.account_no, tie.store_no, is_home, last_at, followed_at, free, closeness, numbered.reason,
                   numbered.customer_id IS NOT NULL AS is_judged
            FROM tie LEFT JOIN numbered ON numbered.customer_id = tie.customer_id {same_account}
            ORDER BY {ORDERS[audience.sender_policy].replace("account_no", "tie.account_no")}""",
            values,
        )
        .all()
    )
    if not rows:
        return Explained(False, None, ())
    judged = [row.reason for row in rows if row.is_judged]
    reason = None if None in judged else judged[0]
    candidates: dict[int, Candidate] = {}
    for row in rows:
        if row.account_no is not None:
            why = row.reason if row.is_judged else reason
            found = Candidate(
                row.account_no, row.store_no, row.is_home, row.last_at, row.followed_at, row.free, row.closeness, why
            )
            candidates.setdefault(found.account_no, found)
    return Explained(True, reason, list(candidates.values()))


def tell_several(accounts: Sequence[str], left_out: Mapping[str, str]) -> tuple[str, str]:
    """In a sentence that all accounts speak, in English and Japanese: their names, and why some do not, by name."""
    several = "all accounts that reach her speak" if len(accounts) > 1 else "it is the only one that speaks to her"
    text = f"{', '.join(accounts)}: {several}."
    text_ja = "".join(f"「{one}」" for one in accounts) + "から届きます。届くアカウントすべてから送る配信です。"
    for name, reason in left_out.items():
        why, why_ja = tell_reason(reason)
        text += f" Not {name}: {why}"
        text_ja += f"「{name}」からは届きません。{why_ja}"
    return text, text_ja


def tell(explained: Explained, policy: str, account: str) -> tuple[str, str]:
    """The explanation in a sentence, in English and Japanese; `account` is the name of the one that speaks."""
    if explained.reason is not None:
        return tell_reason(explained.reason)
    why, why_ja = _tell_why(explained.candidates, policy)
    return f"{account} speaks to her: {why}.", f"「{account}」から届きます。{why_ja}。"


def tell_reason(reason: str) -> tuple[str, str]:
    """Why somebody is left out, in English and Japanese."""
    return _REASONS[reason]


def _tell_why(candidates: Sequence[Candidate], policy: str) -> tuple[str, str]:
    first = candidates[0]
    if len(candidates) == 1:
        return "it is the only sending account that reaches her", "この配信で届くアカウントはこれだけです"
    if policy == "fixed_order":
        return "it comes first in the order", "決められた順番で最初のアカウントです"
    if policy == "most_quota" and first.free != candidates[1].free:
        return "it has most of its quota left", "今月の残り配信数が最も多いアカウントです"
    if policy == "nearest" and first.closeness > candidates[1].closeness:
        if first.closeness > 1:
            return "a store of its lies in her municipality", "お客様と同じ市区町村に店舗があります"
        return "a store of its lies in her prefecture", "お客様と同じ都道府県に店舗があります"
    if first.is_home and not (policy == "last_visited" and first.last_at != candidates[1].last_at):
        return "it is that of her home store", "いつもの店舗のアカウントです"
    if first.last_at is not None:
        return "she was at its store last", "最後に来店した店舗のアカウントです"
    return "it is the one that she followed first", "最初に友だち追加したアカウントです"


_REASONS: Final = {
    "no_friend": (
        "None of the sending accounts reaches her: she follows none of them, or blocked them.",
        "届くアカウントがありません(友だちでないか、ブロックされています)。",
    ),
    "consent": ("She withdrew her consent to such messages.", "お知らせの受け取りを希望されていません。"),
    "cap": (
        "She has had as many messages, or holds as many copies of the coupon, as the limits allow.",
        "配信回数またはクーポンの上限に達しています。",
    ),
    "quiet_hours": (
        "Nothing is sent then: these are quiet hours of the brand or of the store, a holiday, or not her own hours.",
        "ブランドまたは店舗の配信を控える時間帯か配信しない日、またはご本人が選んだ時間の外です。",
    ),
    "holdout": (
        "She is held out by chance, to be compared with those who got it.",
        "効果を比べるため、抽選で配信しないお客様です。",
    ),
    "quota": (
        "The quota of her account does not suffice this month.",
        "アカウントの今月の残り配信数が足りません。",
    ),
    "duplicate": ("She got it under another of her ids.", "別のIDですでに届いています。"),
    "stopped": (
        "A warning lies over her store, or the run was stopped before her turn.",
        "店舗に警報が出ているか、順番が来る前に配信が停止されたため、お届けしません。",
    ),
}
