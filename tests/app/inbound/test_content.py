"""Content of messages, passed on from LINE."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from anyio import CapacityLimiter
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text
from sqlmodel import col, select

from app.audit.models import AuditEntry
from app.customers.models import Customer
from app.inbound.content import answer
from app.inbound.models import LineContent
from app.main import create_app
from app.settings import Settings
from tenants.ids import encode_id
from tenants.sealing import Keyring
from tenants.stores.models import Store
from tests import make
from tests.app.inbound.calls import Channel, commit_channel, open_channel, tell, told, work_off_all
from tests.app.line.answering import Answering, run_answering
from tests.conftest import BrandHome

PICTURE = b"\xff\xd8\xff\xe0" * 50_000
SOMEBODY = "U" + "a" * 32
MESSAGE = "642012345678901235"
AT_LINE = f"/v2/bot/message/{MESSAGE}/content"


@pytest.fixture(scope="module")
def line() -> Iterator[Answering]:
    """A server in LINE's place for this module's application."""
    with run_answering() as answering:
        yield answering


@pytest.fixture(scope="module")
def api(settings: Settings, line: Answering) -> Iterator[TestClient]:
    """An application that asks that server."""
    there = settings.model_copy(
        update={"line_api_url": line.url, "line_data_url": line.url, "max_content_bytes": 1_000_000}
    )
    with TestClient(create_app(there), raise_server_exceptions=False) as client:
        yield client


@dataclass
class Chat:
    """An account of one store, to which somebody sent something."""

    home: BrandHome
    api: TestClient
    channel: Channel
    line: Answering

    def get(self, message_id: str = MESSAGE, headers: dict[str, str] | None = None, **query: Any) -> httpx.Response:
        """The content, as head office unless other credentials are given."""
        path = f"/v1/line-accounts/{encode_id('acc', self.channel.id)}/messages/{message_id}/content"
        answered: httpx.Response = self.api.get(path, headers=headers or self.home.headers, params=query)
        return answered


@pytest.fixture
def chat(
    home: BrandHome, api: TestClient, line: Answering, engine: Engine, keyring: Keyring, settings: Settings
) -> Chat:
    """Somebody sent a picture."""
    line.answers.pop(AT_LINE, None)
    line.answers.pop(AT_LINE + "/preview", None)
    line.media_type, line.watch = "image/jpeg", lambda path: None
    channel = commit_channel(home, keyring)
    picture = {"type": "image", "id": MESSAGE, "contentProvider": {"type": "line"}}
    tell(api, channel, told("message", SOMEBODY, message=picture), told("message", SOMEBODY))
    work_off_all(engine, keyring, settings, channel)
    return Chat(home, api, channel, line)


def _problem(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["type"].removeprefix("/problems/")


def test_a_picture_is_passed_on_as_a_file_that_no_browser_runs(chat: Chat) -> None:
    chat.line.answers[AT_LINE] = (200, PICTURE)
    response = chat.get()
    assert (response.status_code, response.content) == (200, PICTURE)
    assert response.headers["content-type"] == "image/jpeg"
    assert response.headers["content-length"] == str(len(PICTURE))
    assert response.headers["content-disposition"] == f'attachment; filename="line-{MESSAGE}.jpg"'
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("media_type", ["text/html", "image/svg+xml", "application/javascript", "", "image/jpeg evil"])
def test_what_a_browser_might_run_is_passed_on_as_mere_bytes(chat: Chat, media_type: str) -> None:
    chat.line.media_type = media_type
    chat.line.answers[AT_LINE] = (200, b"<script>alert(1)</script>")
    response = chat.get()
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["content-disposition"].endswith('.bin"')


def test_a_preview_is_asked_for_by_its_own_address(chat: Chat) -> None:
    chat.line.answers[AT_LINE + "/preview"] = (200, b"small")
    assert chat.get(preview="true").content == b"small"
    chat.line.answers[AT_LINE + "/preview"] = (400, b'{"message":"The content can not be previewed"}')
    response = chat.get(preview="true")
    assert _problem(response) == (422, "invalid")
    assert response.json()["errors"][0]["pointer"] == "/query/preview"


@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [
        (202, b"", (409, "content-preparing")),
        (404, b'{"message":"not found"}', (410, "content-gone")),
        (410, b'{"message":"The content is gone"}', (410, "content-gone")),
        (403, b"{}", (409, "conflict")),
        (200, b" " * 1_000_001, (409, "conflict")),
        (400, b"{}", (503, "unavailable")),
        (429, b"{}", (503, "unavailable")),
        (500, b"", (503, "unavailable")),
        (302, b"", (503, "unavailable")),
    ],
)
def test_each_refusal_of_line_has_a_problem_that_says_what_to_do(
    chat: Chat, status: int, body: bytes, problem: tuple[int, str]
) -> None:
    chat.line.answers[AT_LINE] = (status, body)
    response = chat.get()
    assert _problem(response) == problem
    assert ("retry-after" in response.headers) == (problem[1] in ("content-preparing", "unavailable"))


@pytest.mark.parametrize("change", ["mode = 'test'", r"sealed_secret = '\x00'"])
def test_an_account_for_which_line_cannot_be_asked_is_a_conflict(chat: Chat, change: str) -> None:
    with chat.home.open() as session:
        session.execute(text(f"UPDATE line_account SET {change}"))
        session.commit()
    assert _problem(chat.get()) == (409, "conflict")


@pytest.mark.parametrize("message_id", ["1", "999", "abc", "..", "%2e%2e", "1" * 33, MESSAGE + "%2Fpreview"])
def test_only_content_that_the_account_received_is_asked_for(chat: Chat, message_id: str) -> None:
    before = len(chat.line.calls)
    assert chat.get(message_id).status_code == 404
    assert len(chat.line.calls) == before


def test_a_file_at_an_address_of_the_senders_is_not_fetched(
    chat: Chat, engine: Engine, keyring: Keyring, settings: Settings
) -> None:
    away = {"type": "external", "originalContentUrl": "http://169.254.169.254/"}
    message = {"type": "image", "id": "77", "contentProvider": away}
    tell(chat.api, chat.channel, told("message", SOMEBODY, message=message))
    work_off_all(engine, keyring, settings, chat.channel)
    assert chat.get("77").status_code == 404


def test_a_message_that_was_taken_back_is_gone_though_line_should_still_have_it(
    chat: Chat, engine: Engine, keyring: Keyring, settings: Settings
) -> None:
    chat.line.answers[AT_LINE] = (200, PICTURE)
    tell(chat.api, chat.channel, told("unsend", SOMEBODY, unsend={"messageId": MESSAGE}))
    work_off_all(engine, keyring, settings, chat.channel)
    assert _problem(chat.get()) == (410, "content-gone")


def test_a_store_sees_what_came_to_its_own_accounts(chat: Chat, keyring: Keyring) -> None:
    chat.line.answers[AT_LINE] = (200, PICTURE)
    with chat.home.open() as session:
        own = session.exec(select(Store)).one()
        other = make.store(session)
        open_channel(session, keyring, other)
        keys = [make.store_key(session, store, permissions=["customers:read"]) for store in (own, other)]
        blind = make.store_key(session, own, permissions=["brand:read"])
        session.commit()
    answers = [chat.get(headers={"Authorization": f"Bearer {key}"}).status_code for key in [*keys, blind]]
    assert answers == [200, 404, 403]


def test_another_brand_finds_nothing(chat: Chat, other_home: BrandHome) -> None:
    chat.line.answers[AT_LINE] = (200, PICTURE)
    assert chat.get(headers=other_home.headers).status_code == 404


def test_while_line_is_waited_for_no_connection_and_no_place_is_held(chat: Chat) -> None:
    chat.line.answers[AT_LINE] = (200, PICTURE)
    state: Any = chat.api.app.state  # type: ignore[attr-defined]
    held: list[tuple[int, float]] = []

    def watch(path: str) -> None:
        if path == AT_LINE:
            held.append((state.engine.pool.checkedout(), state.slots.borrowed_tokens))

    chat.line.watch = watch
    assert chat.get().status_code == 200
    assert held == [(0, 0)]


def test_whose_picture_was_looked_at_is_written_down(chat: Chat) -> None:
    chat.line.answers[AT_LINE] = (200, PICTURE)
    chat.get()
    chat.api.app.state.audit.flush(everything=True)  # type: ignore[attr-defined]
    with chat.home.open() as session:
        of_content = select(AuditEntry).where(col(AuditEntry.action) == "read_message_content")
        entry = session.exec(of_content).one()
        assert entry.customer_ids == [session.exec(select(Customer.id)).one()]


def test_what_is_one_too_many_at_once_is_put_off(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer, "_places", CapacityLimiter(1))
    chat.line.answers[AT_LINE] = (200, PICTURE)
    put_off: list[httpx.Response] = []

    def watch(path: str) -> None:
        if path == AT_LINE:
            put_off.append(chat.get())

    chat.line.watch = watch
    assert chat.get().status_code == 200
    assert _problem(put_off[0]) == (503, "unavailable")
    chat.line.watch = lambda path: None
    assert chat.get().status_code == 200


def test_nothing_of_it_is_kept_of_a_person_who_is_erased(chat: Chat) -> None:
    with chat.home.open() as session:
        customer_id = session.exec(select(Customer.id)).one()
        assert len(session.exec(select(LineContent)).all()) == 1
    chat.api.delete(f"/v1/customers/{encode_id('cus', customer_id)}", headers=chat.home.headers)
    assert chat.get().status_code == 404
    with chat.home.open() as session:
        assert session.exec(select(LineContent)).all() == []
        assert session.execute(text("SELECT count(*) FROM line_content")).scalar_one() == 0


def test_the_event_tells_the_id_of_the_message(chat: Chat) -> None:
    customers = chat.api.get("/v1/customers", headers=chat.home.headers).json()["items"]
    timeline = chat.api.get(f"/v1/customers/{customers[0]['id']}/timeline", headers=chat.home.headers).json()
    told_ids = {one["data"].get("message_id") for one in timeline["items"] if one["type"] == "message.received"}
    assert told_ids == {MESSAGE, "1"}
