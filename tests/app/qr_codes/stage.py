"""An account with a QR code and a Login channel, at the sandbox and here, and people who scan."""

import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit
from uuid import UUID

from fastapi.testclient import TestClient
from httpx import Response
from sqlalchemy import Engine
from sqlmodel import col, select

from app.auth import brand_key_of
from app.customers.models import Friend, Identity
from app.events.models import Event
from app.qr_codes import queries
from app.qr_codes.models import QrCode
from app.settings import Settings
from tenants.line_accounts.models import LineAccount
from tenants.line_accounts.service import replace_login_secret
from tenants.sealing import Keyring
from tests import make
from tests.app.inbound.calls import Channel, open_channel, work_off_all
from tests.app.sandbox.process import Shop, wait_for
from tests.conftest import BrandHome
from tests.running import RunningSandbox

PROVIDER = "provider-of-scans"
ORIGIN = "http://127.0.0.1:8000"


@dataclass
class Stage:
    """One account, its code, and all that a test does with them."""

    home: BrandHome
    app: TestClient
    engine: Engine
    keyring: Keyring
    settings: Settings
    line_api: RunningSandbox
    hands: Shop
    channel: Channel
    channel_id: str
    basic_id: str
    code: QrCode
    passed_on: int = 0

    @property
    def friend_url(self) -> str:
        """The page on which the account is added."""
        return f"{self.line_api.url}/R/ti/p/{self.basic_id.replace('@', '%40')}"

    def person(self, name: str = "花子") -> tuple[str, str]:
        """Somebody new: her id in the sandbox, and in the provider."""
        person = self.line_api.call("POST", "/people", {"name": name})
        return person["id"], person["line_user_ids"][PROVIDER]

    def scan(self, code: QrCode | None = None) -> str:
        """She opens the link; where she is sent."""
        answer = self.app.get(f"/r/{(code or self.code).code}")
        assert answer.status_code == 302, answer.text
        return str(answer.headers["location"])

    def sign_in(self, address: str, person: str, **decisions: str) -> dict[str, str]:
        """At LINE Login; what comes back to the callback."""
        query = dict(parse_qsl(urlsplit(address).query))
        answer = self.line_api.client.get(
            address.partition("?")[0], params={**query, "person": person, **decisions}, follow_redirects=False
        )
        location = answer.headers["location"]
        assert location.startswith(f"{ORIGIN}/r/callback?"), location
        return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}

    def come_back(self, answer: dict[str, str]) -> Response:
        """The browser, back here."""
        back: Response = self.app.get("/r/callback", params=answer)
        return back

    def act(self, person: str, act: str) -> None:
        """She follows, blocks… the account in LINE."""
        self.line_api.call("POST", f"/people/{person}/{act}", {"channel": self.channel_id})

    def hear(self, calls: int = 1) -> None:
        """Wait for further webhook calls, take them in and work them off."""
        wait_for(lambda: len(self.hands.calls) >= self.passed_on + calls)
        for received in self.hands.calls[self.passed_on : self.passed_on + calls]:
            headers = {"x-line-signature": received.headers["x-line-signature"]}
            assert self.app.post(self.channel.path, content=received.body, headers=headers).status_code == 200
        self.passed_on += calls
        self.work_off()

    def work_off(self) -> None:
        """Work off what webhooks brought."""
        work_off_all(self.engine, self.keyring, self.settings, self.channel)

    def friend(self, user_id: str) -> Friend | None:
        """Her tie to the account."""
        with self.home.open() as session:
            hers = select(Friend).join(Identity, col(Identity.id) == col(Friend.identity_id))
            return session.exec(
                hers.where(col(Identity.line_user_id) == user_id, col(Friend.line_account_id) == self.channel.id)
            ).one_or_none()

    def source_of(self, user_id: str) -> tuple[str | None, UUID | None]:
        """What is known of where she comes from."""
        friend = self.friend(user_id)
        assert friend is not None
        return friend.source, friend.qr_code_id

    def counted(self, code: QrCode | None = None) -> tuple[int, int]:
        """Scans and friends of a code."""
        with self.home.open() as session:
            one = queries.get_code(session, (code or self.code).id)
            found = queries.count_of(session, [one])[one.id]
            return found.scans, found.friends

    def facts(self) -> list[dict[str, Any]]:
        """The data of all `friend.sourced` of the brand."""
        with self.home.open() as session:
            found = session.exec(select(Event).where(col(Event.type) == "friend.sourced")).all()
            return [event.data for event in found]

    def further_code(self, name: str) -> QrCode:
        """Another code of the account."""
        with self.home.open() as session:
            session.expire_on_commit = False
            account = session.exec(select(LineAccount).where(col(LineAccount.id) == self.channel.id)).one()
            code: QrCode = make.qr_code(session, account, name=name)
            session.commit()
            return code


def open_stage(
    home: BrandHome,
    keyring: Keyring,
    engine: Engine,
    settings: Settings,
    app: TestClient,
    line_api: RunningSandbox,
    hands: Shop,
    *,
    with_login: bool = True,
) -> Stage:
    """An account of one store and its code, committed; with a Login channel unless the test says otherwise."""
    app.cookies.clear()
    login_id, login_secret = f"30{secrets.randbelow(10**8):08}", secrets.token_hex(16)
    made = line_api.make_channel(PROVIDER, webhook_url=hands.url, login_channel_id=login_id)
    login_channel = {
        "channel_id": login_id,
        "provider_id": PROVIDER,
        "channel_secret": login_secret,
        "linked_channel_id": made["channel_id"],
        "callback_urls": [f"{ORIGIN}/r/callback"],
    }
    line_api.call("PUT", "/login-channels", {"login_channels": [login_channel]})
    with home.open() as session:
        session.expire_on_commit = False
        values = {name: made[name] for name in ("channel_id", "bot_user_id", "basic_id")}
        store = make.store(session, name="渋谷店")
        channel = open_channel(session, keyring, store, provider_id=PROVIDER, **values)
        account = session.exec(select(LineAccount).where(col(LineAccount.id) == channel.id)).one()
        if with_login:
            account.login_channel_id = login_id
            replace_login_secret(account, brand_key_of(session, keyring), login_secret)
        code = make.qr_code(session, account, store, name="レジ横")
        session.commit()
    line_api.call(
        "POST", "/world", {"channels": [{"channel_id": made["channel_id"], "channel_secret": channel.secret}]}
    )
    return Stage(
        home, app, engine, keyring, settings, line_api, hands, channel, made["channel_id"], made["basic_id"], code
    )
