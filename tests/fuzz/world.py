"""A brand in which there is one of everything, made over HTTP from the examples of the published document."""

import json
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

import httpx
from PIL import Image
from sqlmodel import Session, select

from app.customers.erasing.models import ErasureReceipt
from app.customers.imports.service import IMPORT
from app.customers.joining.conflicts import note_conflict
from app.customers.joining.models import CustomerConflict
from app.customers.joining.service import merge
from app.inbound.models import LineForward, LineForwardCall
from app.keys import digest_of, new_secret
from app.loyalty.programmes import put_programme
from app.loyalty.referrals import code_of
from app.messaging.safety.models import SafetyStop
from app.openapi.examples import JSON, example_of
from app.operations.service import start
from app.weather.models import WeatherDecision
from tenants.ids import encode_id, uuid7
from tenants.line_accounts.models import LineAccount
from tenants.operators import service
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tenants.tables import utc_now
from tests import make
from tests.conftest import BrandHome
from tests.document import document

_OPERATORS = "/operator/v1/"
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Operation:
    """One operation of the document."""

    name: str
    method: str
    path: str
    described: dict[str, Any] = field(repr=False, hash=False, compare=False)

    @property
    def is_operators(self) -> bool:
        """Whether the operator of the service calls it, with a key of her own."""
        return self.path.startswith(_OPERATORS)

    @property
    def parameters(self) -> list[dict[str, Any]]:
        """Its parameters in path, query and header."""
        found: list[dict[str, Any]] = self.described.get("parameters", [])
        return found

    @property
    def body(self) -> dict[str, Any] | None:
        """The schema of its JSON body, and an example of it."""
        found: dict[str, Any] | None = self.described.get("requestBody", {}).get("content", {}).get(JSON)
        return found


@cache
def operations() -> tuple[Operation, ...]:
    """Every operation under /v1, in the order of the document."""
    return tuple(one for one in every_operation() if not one.is_operators)


@cache
def every_operation() -> tuple[Operation, ...]:
    """Every operation that speaks JSON: /v1, and the operator's."""
    return tuple(
        Operation(described["operationId"], method, path, described)
        for path, item in document()["paths"].items()
        if path.startswith(("/v1/", _OPERATORS))
        for method, described in item.items()
        if method in METHODS
    )


_MADE_UP_CODE = "7K2P9QXM4TRC"
"""The code that stands in examples."""
_MADE_UP_REFERRAL = "7K2P9QXM"
_ANOTHER = "cus_01h455vb4pex5vsknk084sn02r"
"""The second customer of examples that name two."""


@dataclass
class World:
    """What there is in the brand: for each prefix of ids one that is there, and a code that can be redeemed."""

    api: httpx.Client
    headers: dict[str, str]
    operator_headers: dict[str, str]
    ids: dict[str, str] = field(default_factory=dict)
    code: str = _MADE_UP_CODE
    referral_code: str = _MADE_UP_REFERRAL
    refused: dict[str, str] = field(default_factory=dict)
    """Creating operations whose example was not taken, with the answer."""

    def headers_for(self, operation: Operation) -> dict[str, str]:
        """The credential that an operation takes."""
        return self.operator_headers if operation.is_operators else self.headers

    def fill(self, value: Any) -> Any:
        """An example with ids and codes that are there in place of made-up ones."""
        text = json.dumps(value)
        if _ANOTHER in text:
            text = text.replace(_ANOTHER, self._new_customer())
        for prefix, known in self.ids.items():
            text = text.replace(made_up(prefix), known)
        codes = {_MADE_UP_CODE: self.code, _MADE_UP_REFERRAL: self.referral_code}
        for made_up_code, known in codes.items():
            text = text.replace(json.dumps(made_up_code), json.dumps(known))
        return json.loads(text)

    def _new_customer(self) -> str:
        """One whom nothing else names, since a merge takes her away."""
        body = {"external_id": f"another-{uuid7()}"}
        made = self.api.post("/v1/customers", json=body, headers=self.headers)
        return str(made.json()["id"])

    def path(self, operation: Operation, *, harmless: bool = False, **given: str) -> str:
        """The path with ids that are there, or with what is `given` for a parameter.

        A harmless one has ids of nothing, for calls that would take something away.
        """
        path = operation.path
        for parameter in operation.parameters:
            if parameter["in"] == "path":
                prefix = prefix_of(parameter["schema"])
                there = self.ids.get(prefix) if prefix else quote("常連")
                if there is None or (harmless and prefix):
                    there = encode_id(prefix, uuid7())
                path = path.replace(f"{{{parameter['name']}}}", given.get(parameter["name"], there))
        return path

    def query(self, operation: Operation) -> str:
        """The query with what is required and nothing else; empty where nothing is."""
        given = {}
        for parameter in operation.parameters:
            if parameter["in"] == "query" and parameter["required"]:
                schema = parameter["schema"]
                made = self.ids.get(prefix_of(schema).split("|")[0].lstrip("(")) or example_of(
                    schema, document()["components"]["schemas"], sent=True, name=parameter["name"]
                )
                given[parameter["name"]] = str(made)
        return f"?{urlencode(given)}" if given else ""


def prefix_of(schema: dict[str, Any]) -> str:
    """Which ids a schema takes, such as `store`; empty where it takes none."""
    for one in (schema, *schema.get("anyOf", ())):
        pattern = str(one.get("pattern", ""))
        if "_[0-7]" in pattern:
            return pattern[1:].partition("_[0-7]")[0]
    return ""


@cache
def prefixes() -> frozenset[str]:
    """Every prefix of ids that some path takes."""
    in_paths = [one for operation in every_operation() for one in operation.parameters if one["in"] == "path"]
    found = {prefix_of(one["schema"]) for one in in_paths}
    return frozenset(found - {""})


def made_up(prefix: str) -> str:
    """The id that stands in examples."""
    from app.schemas import EXAMPLE_ID

    return encode_id(prefix, EXAMPLE_ID)


def build(api: httpx.Client, home: BrandHome) -> World:
    """Make one of everything: what a POST of an example makes, and what only comes about otherwise."""
    world = World(api, home.headers, {"Authorization": f"Bearer {_make_operator_key(home)}"})
    with home.open() as session:
        put_programme(session, make.POINT_RULES, utc_now())
        session.commit()
    creators = [one for one in every_operation() if one.method == "post" and "{" not in one.path and one.body]
    while creators:
        left = [one for one in creators if not _create(world, one)]
        if len(left) == len(creators):
            break
        creators = left
    _happen(world, home)
    world.refused = {one.name: world.refused[one.name] for one in creators if one.name in world.refused}
    for one in [one for one in creators if _create(world, one)]:
        world.refused.pop(one.name, None)
    return world


def _make_operator_key(home: BrandHome) -> str:
    secret = new_secret("operator")
    with Session(home.engine) as session:
        service.create_operator_key(session, name="当直", prefix=secret[:19], digest=digest_of(secret), expires_at=None)
        session.commit()
    return secret


def _create(world: World, operation: Operation) -> bool:
    assert operation.body is not None
    body = world.fill(operation.body["example"])
    answer = world.api.post(operation.path, json=body, headers=world.headers_for(operation))
    if answer.status_code >= 300:
        world.refused[operation.name] = answer.text
        return False
    made = answer.json()
    if answer.status_code in (201, 202) and isinstance(made.get("id"), str):
        world.ids.setdefault(made["id"].rpartition("_")[0], made["id"])
    return True


def _send_on(session: ScopedSession, account: LineAccount) -> UUID:
    """A call that another tool did not take."""
    now = utc_now()
    session.add(LineForward(line_account_id=account.id, url=_TOOL, active=False, created_at=now, updated_at=now))
    call = LineForwardCall(
        line_account_id=account.id,
        received_at=now,
        state="dead",
        attempts=9,
        due_at=now,
        give_up_at=now,
        settled_at=now,
        last_error="No answer within 10 seconds.",
        body=b"{}",
        signature="x",
    )
    session.add(call)
    session.flush()
    return call.id


def _join(session: ScopedSession) -> dict[str, str]:
    """Two people who were made one, and two of whom somebody has to say whether they are."""
    one, other, third = (make.customer(session).id for _ in range(3))
    merged = merge(session, one, other, source="api", proof={}, merged_by=None, now=utc_now())
    note_conflict(session, [other, third], ["phone"], source="api", now=utc_now())
    conflict = session.exec(select(CustomerConflict)).one()
    return {"mrg": encode_id("mrg", merged.id), "cft": encode_id("cft", conflict.id)}


def _decide(session: ScopedSession) -> dict[str, str]:
    """What a rule concluded for a store, and what keeps weather rules back there."""
    store = session.exec(select(Store).limit(1)).one()
    decision = WeatherDecision(
        weather_rule_id=make.weather_rule(session).id,
        store_id=store.id,
        store_no=store.no,
        business_on=utc_now().date(),
        decided_at=utc_now(),
        fired=False,
        reason="condition_false",
        detail="The condition does not hold.",
        state_on=False,
        readings=[],
    )
    stop = SafetyStop(store_id=store.id, store_no=store.no, kind="weather", cause="In force: storm advisory (15).")
    session.add_all([decision, stop])
    return {"dec": encode_id("dec", decision.id), "stop": encode_id("stop", stop.id)}


def _rehearse(world: World) -> None:
    """A dry run of the campaign, a tester to whom it may go, and an image for it."""
    dry_run = world.api.post(f"/v1/campaigns/{world.ids['cmp']}/dry-run", headers=world.headers)
    world.ids["dry"] = dry_run.json()["id"]
    world.api.put(f"/v1/customers/{world.ids['cus']}/tags/tester", headers=world.headers)
    pixel = BytesIO()
    Image.new("RGB", (1, 1)).save(pixel, "PNG")
    kind = {"Content-Type": "image/png"}
    image = world.api.post("/v1/media", content=pixel.getvalue(), headers=world.headers | kind)
    world.ids["med"] = image.json()["id"]


_TOOL = "https://tool.example.jp/line/webhook"


def _happen(world: World, home: BrandHome) -> None:
    """A friend, an event, a copy in the customer's hands: things that no POST of ours makes by itself."""
    with home.open() as session:
        account = session.exec(select(LineAccount)).one()
        customer = make.customer(session)
        _, world.referral_code = code_of(session, customer.id, scope=home.scope, now=utc_now())
        world.ids["frd"] = encode_id("frd", make.friend(session, account, customer).id)
        make.event(session)
        world.ids |= _join(session)
        receipt = ErasureReceipt(customer_id=customer.id, reason="line", erased_at=utc_now(), counts={"identity": 1})
        session.add(receipt)
        world.ids["era"] = encode_id("era", receipt.id)
        world.ids["op"] = encode_id("op", start(session, IMPORT, now=utc_now()).id)
        world.ids["fwd"] = encode_id("fwd", _send_on(session, account))
        world.ids |= _decide(session)
        session.commit()
    brand = f"/operator/v1/brands/{encode_id('brand', home.scope.brand_id)}"
    grant = {"reason": "Ticket 4711", "permissions": ["campaigns:read"], "minutes": 60}
    granted = world.api.post(f"{brand}/support-grants", json=grant, headers=world.operator_headers)
    world.ids["grant"] = granted.json()["id"]
    _rehearse(world)
    note = world.api.post(f"/v1/customers/{world.ids['cus']}/notes", json={"text": "常連"}, headers=world.headers)
    world.ids["note"] = note.json()["id"]
    issue = f"/v1/coupons/{world.ids['cpn']}/issue"
    answer = world.api.post(issue, json={"customer_ids": [world.ids["cus"]]}, headers=world.headers)
    copy = answer.json()["items"][0]["issued_coupon"]
    world.ids["icpn"], world.code = copy["id"], copy["code"]
    test = world.api.post(f"/v1/webhook-endpoints/{world.ids['whe']}/test", headers=world.headers)
    world.ids["whd"] = test.json()["id"]
