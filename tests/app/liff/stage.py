"""A brand whose accounts are under two providers, at the sandbox and here, and one person who proves who she is."""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import orjson
from fastapi.testclient import TestClient
from httpx import Response
from sqlalchemy import Engine
from sqlmodel import col, select

from app.auth import brand_key_of
from app.customers.models import Customer, Friend, Identity
from app.jobs.queue import Work
from app.settings import Settings
from tenants.brands.models import Brand
from tenants.ids import encode_id
from tenants.line_accounts.models import LineAccount
from tenants.line_accounts.service import replace_login_secret
from tenants.sealing import Keyring
from tests import make
from tests.app.inbound.calls import Channel, open_channel, work_off_all
from tests.app.sandbox.process import Shop, wait_for
from tests.conftest import BrandHome
from tests.running import RunningSandbox

ORIGIN = "http://127.0.0.1:8000"
HERE = {"origin": ORIGIN}


@dataclass(frozen=True)
class Login:
    """A Login channel of a provider, with a LIFF app."""

    provider_id: str
    channel_id: str
    liff_id: str


@dataclass
class Stage:
    """All that a test does with them."""

    home: BrandHome
    app: TestClient
    engine: Engine
    keyring: Keyring
    settings: Settings
    sandbox: RunningSandbox
    hands: Shop
    a: Login
    b: Login
    accounts: list[Channel] = field(default_factory=list)
    line_ids: dict[UUID, str] = field(default_factory=dict)
    """LINE's channel ids by our ids of accounts."""
    passed_on: int = 0

    def person(self, name: str = "花子") -> str:
        """Somebody new: her id in the sandbox."""
        return str(self.sandbox.call("POST", "/people", {"name": name})["id"])

    def act(self, person: str, account: Channel, act: str = "follow", **more: Any) -> None:
        """She does something at an account, and we hear of it."""
        self.sandbox.call("POST", f"/people/{person}/{act}", {"channel": self.line_ids[account.id], **more})
        self.hear()

    def hear(self, calls: int = 1) -> None:
        """Wait for further webhook calls, take them in and work them off."""
        wait_for(lambda: len(self.hands.calls) >= self.passed_on + calls)
        for received in self.hands.calls[self.passed_on : self.passed_on + calls]:
            by_bot = {account.bot_user_id: account for account in self.accounts}
            account = by_bot[_destination(received.body)]
            headers = {"x-line-signature": received.headers["x-line-signature"]}
            assert self.app.post(account.path, content=received.body, headers=headers).status_code == 200
            work_off_all(self.engine, self.keyring, self.settings, account)
        self.passed_on += calls

    def id_token(self, login: Login, person: str) -> str:
        """The ID token of a LIFF app that she has opened."""
        return str(self.sandbox.call("GET", f"/liff/{login.liff_id}/open?person={person}")["id_token"])

    def prove(self, login: Login, person: str, **more: Any) -> Response:
        """Her LIFF page exchanges its ID token for a session."""
        body = {"id_token": self.id_token(login, person), "login_channel_id": login.channel_id, **more}
        answer: Response = self.app.post("/liff/session", json=body, headers=HERE)
        return answer

    def page(self, **headers: str) -> Response:
        """The page that joins, as her browser sees it."""
        answer: Response = self.app.get(self.page_path, headers=headers)
        return answer

    @property
    def page_path(self) -> str:
        """Where that page is, of the first account."""
        return f"/liff/join/{encode_id('acc', self.accounts[0].id)}"

    def press(self, login: Login, **form: str) -> Response:
        """She presses the button of a provider, having agreed."""
        fields = {"consent": "yes", "login_channel_id": login.channel_id, **form}
        answer: Response = self.app.post(self.page_path, data=fields, headers=HERE)
        return answer

    def sign_in(self, address: str, person: str, **decisions: str) -> dict[str, str]:
        """At LINE Login; what comes back to the callback."""
        query = dict(parse_qsl(urlsplit(address).query))
        answer = self.sandbox.client.get(
            address.partition("?")[0], params={**query, "person": person, **decisions}, follow_redirects=False
        )
        location = answer.headers["location"]
        assert location.startswith(f"{ORIGIN}/liff/callback?"), location
        return dict(parse_qsl(urlsplit(location).query))

    def confirm(self, login: Login, person: str) -> Response:
        """She presses the button, signs in, and her browser comes back."""
        pressed = self.press(login)
        assert pressed.status_code == 303, pressed.text
        answer: Response = self.app.get("/liff/callback", params=self.sign_in(pressed.headers["location"], person))
        return answer

    def without_basis(self) -> None:
        """The brand has not stated why it may join people."""
        with self.home.open() as session:
            session.exec(select(Brand)).one().joining_basis = None
            session.commit()

    def customers(self) -> list[Customer]:
        """Those who stand for themselves."""
        with self.home.open() as session:
            present = select(Customer).where(col(Customer.merged_into_id).is_(None))
            return list(session.exec(present.order_by(col(Customer.id))).all())

    def list_friends(self) -> list[Friend]:
        """All ties to accounts."""
        with self.home.open() as session:
            return list(session.exec(select(Friend)).all())

    def friends(self) -> dict[int, UUID]:
        """Whose friend each account has, by its number."""
        with self.home.open() as session:
            return dict(session.exec(select(Friend.account_no, Friend.customer_id)).all())

    def identities(self) -> list[Identity]:
        """All LINE user ids that stand for somebody."""
        with self.home.open() as session:
            return list(session.exec(select(Identity).order_by(col(Identity.id))).all())

    def work(self) -> Work:
        """What a job of the brand is given."""
        return Work(self.engine, self.keyring, self.settings, datetime.now(UTC), self.home.scope.brand_id)

    def get(self, path: str, **parameters: Any) -> Any:
        """Head office reads something."""
        answer = self.app.get(path, params=parameters, headers=self.home.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: dict[str, Any] | None = None) -> Response:
        """Head office does something."""
        answer: Response = self.app.post(path, json=body, headers=self.home.headers)
        return answer

    def add_account(self, login: Login, name: str) -> Channel:
        """A further account of a new store, under the provider of a Login channel."""
        made = self.sandbox.make_channel(
            login.provider_id, webhook_url=self.hands.url, login_channel_id=login.channel_id
        )
        with self.home.open() as session:
            session.expire_on_commit = False
            values = {one: made[one] for one in ("channel_id", "bot_user_id", "basic_id")}
            store = make.store(session, name=name)
            channel = open_channel(session, self.keyring, store, provider_id=login.provider_id, name=name, **values)
            account = session.exec(select(LineAccount).where(col(LineAccount.id) == channel.id)).one()
            account.login_channel_id = login.channel_id
            replace_login_secret(account, brand_key_of(session, self.keyring), _secret(login))
            session.commit()
        known = {"channel_id": made["channel_id"], "channel_secret": channel.secret}
        self.sandbox.call("POST", "/world", {"channels": [known]})
        self.accounts.append(channel)
        self.line_ids[channel.id] = made["channel_id"]
        return channel


def _destination(body: bytes) -> str:
    return str(orjson.loads(body)["destination"])


def _secret(login: Login) -> str:
    return login.channel_id.ljust(32, "0")


def make_login(sandbox: RunningSandbox, name: str, origin: str = ORIGIN) -> Login:
    """A new provider with a Login channel and a LIFF app, of pages at this origin."""
    channel_id = f"30{secrets.randbelow(10**8):08}"
    login = Login(f"provider-{name}-{channel_id}", channel_id, f"{channel_id}-AbcdEfgh")
    app = {"liffId": login.liff_id, "view": {"url": f"{origin}/card"}, "scope": ["openid", "profile"]}
    channel = {
        "channel_id": channel_id,
        "provider_id": login.provider_id,
        "channel_secret": _secret(login),
        "callback_urls": [f"{origin}/liff/callback"],
        "liff_apps": [app],
    }
    sandbox.call("PUT", "/login-channels", {"login_channels": [channel]})
    return login


def open_stage(
    home: BrandHome,
    keyring: Keyring,
    engine: Engine,
    settings: Settings,
    app: TestClient,
    sandbox: RunningSandbox,
    hands: Shop,
    origin: str = ORIGIN,
) -> Stage:
    """One account under each of two providers, committed."""
    app.cookies.clear()
    a, b = make_login(sandbox, "a", origin), make_login(sandbox, "b", origin)
    stage = Stage(home, app, engine, keyring, settings, sandbox, hands, a, b)
    stage.add_account(stage.a, "渋谷店")
    stage.add_account(stage.b, "新宿店")
    return stage
