"""Rule packs over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path

from app.auth import Caller, Now, ScopedSession, allow
from app.routes import ApiRoute
from app.schemas import Page
from app.weather.packs import service
from app.weather.packs.schemas import ExpectedFires, ImportedRule, PackImport, PackImportRead, PackRead
from app.weather.router import read_rule

router = APIRouter(prefix="/v1/weather-rule-packs", tags=["weather"], route_class=ApiRoute)
routers = [router]

PackCode = Annotated[str, Path(max_length=40, description="The pack's code.", examples=["cafe"])]


@router.get("", dependencies=[allow("weather:read")])
def list_weather_rule_packs() -> Page[PackRead]:
    """Weather rules to begin with, for cafés, noodle shops, apparel and drugstores; their texts quote JMA."""
    return Page(items=service.list_packs(), next_cursor=None)


@router.get("/{pack_code}", dependencies=[allow("weather:read")])
def get_weather_rule_pack(pack_code: PackCode) -> PackRead:
    """One pack."""
    return service.show(service.get_pack(pack_code))


@router.post("/{pack_code}/import", status_code=201, dependencies=[allow("weather:write")])
def import_weather_rule_pack(
    pack_code: PackCode, body: PackImport, session: ScopedSession, caller: Caller, now: Now
) -> PackImportRead:
    """Make drafts of a pack's rules for your stores, and tell how often each would fire there.

    Look at each, change what does not suit you, and set it `live`. Importing again makes them again. With a coupon it
    needs `coupons:issue` too.
    """
    pack = service.get_pack(pack_code)
    if body.coupon_id is not None:
        caller.require("coupons:issue")
    owner = caller.owner(session, body.store_id)
    imported = service.import_pack(session, pack, body, owner=owner, now=now)
    return PackImportRead(
        items=[
            ImportedRule(
                code=one.code, rule=read_rule(one.rule), expected_fires=ExpectedFires.model_validate(one.expected)
            )
            for one in imported
        ]
    )
