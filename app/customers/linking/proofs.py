"""What stands as proof that two customers are one person, and whether the brand may join them on it."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from sqlmodel import col, select

from app.audit.service import Actor, Deed, Thing, note
from app.customers.consents.queries import current_consents, find_current
from app.customers.consents.service import record_consent
from app.customers.joining.models import CustomerMerge
from app.customers.models import Identity
from app.schemas import write_instant
from tenants.brands.queries import get_brand
from tenants.session import ScopedSession

WORDING: Final = "joining-2026-11"
"""The version of the text by which a person agrees to be known as one; pages show it, the proof names it."""

JOINING: Final = "joining"
"""The purpose of her consent to be joined."""

HERSELF: Final = Actor("customer", None, "本人")
"""Who does what no credential of the brand does, as the audit log names her."""

NO_BASIS: Final = (
    "People are not joined over LINE accounts: the brand has recorded no basis for it. Set `joining_basis` once a "
    "provider page is published or your terms ask for consent; those who are one LINE user id are joined then.",
    "LINEアカウントをまたいだお客様の統合は行っていません。プロバイダーページの公開、または同意の取得方法が決まったら、"
    "ブランド設定の joining_basis に記録してください。同じLINEのお客様は、そのときにまとめられます。",
)
"""Why people are not joined, in English and in Japanese."""

KEPT_APART: Final = (
    "The same LINE user id stands for another customer at another account: there was no basis for joining the two, or "
    "somebody has taken them apart. Record the brand's `joining_basis`, or merge them if they are one.",
    "同じLINEユーザーが、別のアカウントでは別のお客様として登録されています。統合の根拠がなかったか、統合が取り消されたためです。"
    "ブランド設定の joining_basis を記録するか、同じ方であれば統合してください。",
)
"""Why one person is two customers, in English and in Japanese."""


@dataclass(frozen=True)
class Proven:
    """An identity that LINE vouches for: by which Login channel, and when."""

    identity: Identity
    login_channel_id: str
    proven_at: datetime


def is_based(session: ScopedSession, consented_at: datetime | None) -> bool:
    """Whether people may be joined over accounts: the brand has recorded why, or she has agreed herself."""
    return consented_at is not None or get_brand(session, session.scope.brand_id).joining_basis is not None


def is_unwilling(session: ScopedSession, customer_ids: Collection[UUID], consented_at: datetime | None) -> bool:
    """Whether one of these customers has withdrawn her consent to be joined, and has not agreed anew: no basis of the
    brand's stands in for what she took back."""
    if consented_at is not None:
        return False
    said = (find_current(entries, JOINING, "line") for entries in current_consents(session, customer_ids).values())
    return any(one is not None and not one.is_granted for one in said)


def have_line(session: ScopedSession, customer_ids: Collection[UUID]) -> bool:
    """Whether each of these customers has a LINE user id, so that joining them joins what is LINE's."""
    hers = select(Identity.customer_id).where(col(Identity.customer_id).in_(customer_ids)).distinct()
    return len(session.exec(hers).all()) == len(set(customer_ids))


def are_apart_at_line(session: ScopedSession, one_id: UUID, other_id: UUID) -> bool:
    """Whether LINE tells two customers apart: it gives a person one id in a provider, and they share none in one."""
    rows = select(Identity.customer_id, Identity.provider_id, Identity.line_user_id)
    ids: dict[str, dict[UUID, set[str]]] = {}
    for customer_id, provider_id, line_user_id in session.exec(
        rows.where(col(Identity.customer_id).in_([one_id, other_id]))
    ).all():
        ids.setdefault(provider_id, {}).setdefault(customer_id, set()).add(line_user_id)
    return any(len(of) == 2 and not set.intersection(*of.values()) for of in ids.values())


def digest_of_id(session: ScopedSession, identity: Identity) -> str:
    """What a proof keeps of a LINE user id: enough to recognise it by, and nothing to reach her with."""
    named = f"{session.scope.brand_id}:{identity.provider_id}:{identity.line_user_id}"
    return sha256(named.encode()).hexdigest()


def write_identity(session: ScopedSession, identity: Identity) -> dict[str, Any]:
    """An identity as a proof tells of it."""
    return {"provider_id": identity.provider_id, "line_user_id_digest": digest_of_id(session, identity)}


def write_proven(session: ScopedSession, proven: Proven) -> dict[str, Any]:
    """An identity with its proof."""
    return {
        **write_identity(session, proven.identity),
        "login_channel_id": proven.login_channel_id,
        "proven_at": write_instant(proven.proven_at),
    }


def write_grounds(
    session: ScopedSession, consented_at: datetime | None, *, wording: str | None = WORDING
) -> dict[str, Any]:
    """On what grounds people are joined: the brand's basis as it stands, and her consent, to which text if known."""
    consent = None if consented_at is None else {"wording": wording, "at": write_instant(consented_at)}
    return {"basis": get_brand(session, session.scope.brand_id).joining_basis, "consent": consent}


def note_consent(
    session: ScopedSession,
    merged: CustomerMerge,
    consented_at: datetime | None,
    now: datetime,
    *,
    wording: str | None = WORDING,
) -> None:
    """Write into her ledger that she agreed to be joined, as an entry of this merge: it goes with its undoing."""
    if consented_at is None:
        return
    record_consent(
        session,
        merged.into_customer_id,
        purpose=JOINING,
        channel="any",
        is_granted=True,
        source=merged.source,
        wording=wording,
        occurred_at=consented_at,
        merge_id=merged.id,
        now=now,
    )


def note_herself(session: ScopedSession, merged: CustomerMerge, actor: Actor, now: datetime) -> None:
    """Write into the audit log that she was joined by what she did herself; the session has been followed."""
    who = replace(actor, id=merged.into_customer_id)
    people = (merged.from_customer_id, merged.into_customer_id)
    note(session, who, Deed("join_herself", Thing("mrg", merged.id), None, people), now=now)
