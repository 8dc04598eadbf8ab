"""The demo's staff: one of each role, who sign in at the sandbox without a password."""

from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import Engine, text
from sqlmodel import col, select

from app.demo.brands import COFFEE, FOOD
from tenants.brands.models import Brand
from tenants.scope import Scope
from tenants.session import ScopedSession, open_session
from tenants.staff import service
from tenants.staff.models import Staff
from tenants.stores.models import Store

CLIENT_ID = "noren-console"


@dataclass(frozen=True)
class DemoStaff:
    """A person, her brand and role; no store codes are all stores."""

    brand: str
    name: str
    email: str
    role: str
    store_codes: tuple[str, ...] = ()


STAFF = (
    DemoStaff(FOOD, "本多 みどり", "midori@noren.example", "hq_admin"),
    DemoStaff(FOOD, "佐伯 航", "wataru@noren.example", "marketer"),
    DemoStaff(FOOD, "有村 光", "hikari@noren.example", "analyst"),
    DemoStaff(FOOD, "新田 千尋", "chihiro@noren.example", "store_manager", ("T01", "T02")),
    DemoStaff(FOOD, "倉田 陸", "riku@noren.example", "clerk", ("T01",)),
    DemoStaff(COFFEE, "本多 みどり", "midori@noren.example", "analyst"),
    DemoStaff(COFFEE, "青木 葵", "aoi@noren.example", "hq_admin"),
)
"""本多 みどり is staff of both brands, so that one can see how to change between them."""


def employ(engine: Engine, *, api_url: str, sandbox_url: str, client_secret: str) -> list[dict[str, Any]]:
    """What demo.json says of staff. The sandbox learns of the application and of the people; whoever of them is not
    staff yet is made so, and all are tied to the sandbox as it is reached now."""
    subjects = _register(api_url, sandbox_url, client_secret)
    issuer = f"{sandbox_url}/oidc"
    with engine.connect() as connection:
        brand_ids = connection.execute(text("SELECT list_brand_ids()")).scalars().all()
    for brand_id in brand_ids:
        with open_session(engine, Scope(brand_id)) as session:
            name = session.exec(select(Brand.name).where(col(Brand.id) == brand_id)).one()
            for one in STAFF:
                if one.brand == name:
                    _tie(session, one, issuer, subjects[one.email])
            session.commit()
    return [
        {"brand": one.brand, "name": one.name, "email": one.email, "role": one.role, "stores": one.store_codes or "all"}
        for one in STAFF
    ]


def _register(api_url: str, sandbox_url: str, client_secret: str) -> dict[str, str]:
    """Who each person is to the sandbox, by e-mail address."""
    application = {
        "client_id": CLIENT_ID,
        "client_secret": client_secret,
        "name": "Noren コンソール",
        "redirect_uris": [f"{api_url}/console/callback"],
        "post_logout_redirect_uris": [f"{api_url}/console/signed-out"],
    }
    people = {one.email: {"email": one.email, "name": one.name} for one in STAFF}
    answer = httpx.put(
        f"{sandbox_url}/_sandbox/oidc",
        json={"applications": [application], "people": list(people.values())},
        timeout=20,
        trust_env=False,
    )
    answer.raise_for_status()
    return {person["email"]: person["sub"] for person in answer.json()["people"]}


def _tie(session: ScopedSession, one: DemoStaff, issuer: str, subject: str) -> None:
    staff = session.exec(select(Staff).where(col(Staff.email) == one.email)).first()
    if staff is None:
        staff = Staff(name=one.name, email=one.email, role=one.role, all_stores=not one.store_codes)
        session.add(staff)
        session.flush()
        stores = session.exec(select(Store).where(col(Store.code).in_(one.store_codes))).all()
        service.set_stores(session, staff, stores or None)
    elif staff.disabled_at is not None:
        return  # somebody tried that out, and it stays
    staff.issuer, staff.subject = issuer, subject
