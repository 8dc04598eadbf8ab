"""Importing a pack: drafts of its rules for a brand's own stores, and how often each would fire there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.weather import service
from app.weather.conditions import needs_of, parse_condition
from app.weather.models import WeatherRule
from app.weather.packs.catalogue import ATTRIBUTION, HOLDOUT_RATIO, PACKS, Pack, find_pack, write_messages
from app.weather.packs.expected import Expected, expect_fires
from app.weather.packs.occasions import OCCASIONS, Code
from app.weather.packs.schemas import PackImport, PackRead, PackRuleRead
from tenants.problems import Invalid, NotFound
from tenants.session import ScopedSession
from tenants.stores.models import Store


@dataclass(frozen=True, slots=True)
class Imported:
    """A draft, what it was made of, and how often it would fire."""

    code: Code
    rule: WeatherRule
    expected: Expected


def list_packs() -> list[PackRead]:
    """Every pack."""
    return [show(pack) for pack in PACKS]


def get_pack(code: str) -> Pack:
    """The pack with this code. Raises NotFound."""
    pack = find_pack(code)
    if pack is None:
        raise NotFound
    return pack


def show(pack: Pack) -> PackRead:
    """A pack as it is shown."""
    return PackRead(
        code=pack.code,
        name=pack.name,
        name_en=pack.name_en,
        note_en=pack.note_en,
        attribution=ATTRIBUTION,
        rules=[_show_rule(pack, code) for code in pack.offers],
    )


def _show_rule(pack: Pack, code: Code) -> PackRuleRead:
    occasion = OCCASIONS[code]
    return PackRuleRead(
        code=code,
        name=occasion.name,
        name_en=occasion.name_en,
        condition=dict(occasion.condition),
        off_condition=dict(occasion.off_condition) if occasion.off_condition else None,
        decide_times=list(occasion.decide_times),
        cooldown_days=occasion.cooldown_days,
        priority=occasion.priority,
        approval=occasion.approval,
        holdout_ratio=HOLDOUT_RATIO,
        messages=write_messages(pack, code),
        needs=sorted(needs_of(parse_condition(occasion.condition))),
        note_en=occasion.note_en,
    )


def import_pack(
    session: ScopedSession, pack: Pack, wanted: PackImport, *, owner: Store | None, now: datetime
) -> list[Imported]:
    """Make drafts of a pack's rules, all or some. Raises Invalid with pointers."""
    return [
        Imported(code, rule := _create(session, pack, code, wanted, owner, now), expect_fires(session, rule, now))
        for code in _choose(pack, wanted.rules)
    ]


def _choose(pack: Pack, codes: Sequence[Code] | None) -> list[Code]:
    if codes is None:
        return list(pack.offers)
    for index, code in enumerate(codes):
        if code not in pack.offers:
            raise Invalid.at(f"/rules/{index}", f"This pack has {', '.join(pack.offers)}.")
    return list(dict.fromkeys(codes))


def _create(
    session: ScopedSession, pack: Pack, code: Code, wanted: PackImport, owner: Store | None, now: datetime
) -> WeatherRule:
    occasion = OCCASIONS[code]
    values = {
        "name": f"{occasion.name}（{pack.name}）",
        "status": "draft",
        "condition": dict(occasion.condition),
        "off_condition": dict(occasion.off_condition) if occasion.off_condition else None,
        "decide_times": list(occasion.decide_times),
        "cooldown_days": occasion.cooldown_days,
        "priority": occasion.priority,
        "approval": occasion.approval,
        "holdout_ratio": HOLDOUT_RATIO,
        "messages": write_messages(pack, code, with_coupon=wanted.coupon_id is not None),
        "coupon_id": wanted.coupon_id,
        "all_stores": wanted.all_stores,
        "store_ids": wanted.store_ids,
        "area_ids": wanted.area_ids,
    }
    return service.create_rule(session, values, owner=owner, now=now)
