"""Those who followed before the account was connected: read page by page, never over what webhooks told."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, text
from sqlmodel import col, select

from app.auth import brand_key_of
from app.customers import backfill
from app.customers.backfill import backfill_friends, import_followers, is_stuck, start_backfill
from app.customers.identity import Place, Sign, follow, unfollow
from app.customers.models import Customer, CustomerStore, Friend, Identity
from app.events.models import Event
from app.jobs.queue import Work
from app.line.errors import LineUnavailable
from app.settings import Settings
from tenants.brands.queries import get_brand
from tenants.line_accounts.models import LineAccount
from tenants.line_accounts.service import replace_secret
from tenants.sealing import Keyring
from tenants.session import ScopedSession
from tests import make
from tests.app.line.answering import Answering, run_answering
from tests.conftest import BrandHome
from tests.running import RunningSandbox

NOON = datetime(2026, 11, 22, 3, tzinfo=UTC)
Doctor = Callable[[str], Work]


@pytest.fixture
def works_at(engine: Engine, keyring: Keyring, settings: Settings, home: BrandHome) -> Doctor:
    def make_work(url: str, now: datetime = NOON) -> Work:
        there = settings.model_copy(update={"line_api_url": url})
        return Work(engine, keyring, there, now, home.scope.brand_id)

    return make_work


def new_account(
    home: BrandHome, keyring: Keyring, channel: dict[str, Any] | None = None, **changes: Any
) -> LineAccount:
    """An account of two stores whose back-fill waits."""
    channel = channel or {"channel_id": secrets.token_hex(5), "channel_secret": "f" * 32, "provider_id": "provider-1"}
    with home.open() as session:
        values = {name: channel[name] for name in ("channel_id", "provider_id")}
        created = {"created_at": NOON - timedelta(days=1)}
        account = make.line_account(
            session, make.store(session), make.store(session), **{**values, **created, **changes}
        )
        replace_secret(account, brand_key_of(session, keyring), channel["channel_secret"])
        start_backfill(session, account, NOON)
        session.commit()
        return account


def progress_of(home: BrandHome, account: LineAccount) -> dict[str, Any]:
    with home.open() as session:
        kept = session.exec(select(LineAccount.backfill).where(col(LineAccount.id) == account.id)).one()
    return dict(kept or {})


def pages(line: Answering, *user_ids: list[str]) -> None:
    """Have LINE list these, a page each."""
    for number, some in enumerate(user_ids):
        start = f"&start=p{number}" if number else ""
        following = {"next": f"p{number + 1}"} if number + 1 < len(user_ids) else {}
        path = f"/v2/bot/followers/ids?{start.removeprefix('&') + '&' if start else ''}limit=1000"
        body = orjson.dumps({"userIds": some, **following})
        line.answers[path] = (200, body)


def test_friends_so_far_are_read_from_line_with_all_their_ties(
    home: BrandHome, keyring: Keyring, works_at: Doctor, sandbox: RunningSandbox
) -> None:
    provider = f"p-{secrets.token_hex(4)}"
    channel = sandbox.make_channel(provider)
    ids = [make.line_user_id() for _ in range(30)]
    people = [{"name": "x", "line_user_ids": {provider: one}, "follows": [channel["channel_id"]]} for one in ids]
    sandbox.call("POST", "/world", {"people": people})
    account = new_account(home, keyring, channel)
    backfill_friends(works_at(sandbox.url), account.id)
    progress = progress_of(home, account)
    assert (progress["status"], progress["imported"], progress["known"]) == ("done", 30, 0)
    with home.open() as session:
        identities = session.exec(select(Identity)).all()
        friends = session.exec(select(Friend)).all()
        customers = session.exec(select(Customer)).all()
        ties = session.exec(select(CustomerStore)).all()
        events = session.exec(select(Event)).all()
    assert {one.line_user_id for one in identities} == set(ids)
    assert {(one.status, one.source, one.followed_at) for one in friends} == {("following", "backfill", None)}
    assert {(tuple(one.account_nos), tuple(one.store_nos)) for one in customers} == {((account.no,), (1, 2))}
    assert {(one.customer_id, one.store_no) for one in ties} == {(one.id, no) for one in customers for no in (1, 2)}
    assert [one.type for one in events] == ["customer.created"] * 30


def test_what_webhooks_told_stays(session: ScopedSession) -> None:
    account = make.line_account(session, make.store(session))
    place = Place(account, (), may_join=True)
    gone, here, wrote = (make.line_user_id() for _ in range(3))
    follow(session, place, Sign(gone, "e1", NOON), is_unblocked=False)
    unfollow(session, place, Sign(gone, "e2", NOON + timedelta(hours=1)))
    follow(session, place, Sign(here, "e3", NOON), is_unblocked=False)
    stranger = make.friend(session, account, line_user_id=wrote, status="unknown", source="message", followed_at=None)
    done = import_followers(session, account.id, [gone, here, wrote], NOON + timedelta(hours=2))
    assert (done.imported, done.known) == (0, 3)
    session.expire_all()
    friends = {one.identity_id: one for one in session.exec(select(Friend)).all()}
    by_user = {one.line_user_id: friends[one.id] for one in session.exec(select(Identity)).all()}
    assert (by_user[gone].status, by_user[gone].source) == ("blocked", "follow")
    assert (by_user[here].status, by_user[here].followed_at) == ("following", NOON)
    assert (by_user[wrote].status, by_user[wrote].source) == ("following", "message")
    assert account.no in session.get_one(Customer, (session.scope.brand_id, stranger.customer_id)).account_nos


def test_a_block_that_is_worked_off_after_the_list_was_read_counts(session: ScopedSession) -> None:
    account = make.line_account(session, make.store(session), created_at=NOON - timedelta(hours=2))
    user_id = make.line_user_id()
    import_followers(session, account.id, [user_id], NOON)
    unfollow(session, Place(account, (), may_join=True), Sign(user_id, "e1", NOON - timedelta(hours=1)))
    session.flush()
    assert session.exec(select(Friend.status)).one() == "blocked"


@pytest.mark.parametrize(("basis", "people"), [("provider_page", 1), (None, 2)])
def test_people_of_another_account_are_joined_only_with_a_basis(
    session: ScopedSession, basis: str | None, people: int
) -> None:
    get_brand(session, session.scope.brand_id).joining_basis = basis
    first, second = (make.line_account(session, make.store(session)) for _ in range(2))
    user_id = make.line_user_id()
    person = make.friend(session, first, line_user_id=user_id)
    assert import_followers(session, second.id, [user_id], NOON).imported == 1
    session.expire_all()
    customers = session.exec(select(Customer).order_by(col(Customer.created_at))).all()
    reached = {frozenset(customer.account_nos) for customer in customers}
    assert reached == ({frozenset({1, 2})} if people == 1 else {frozenset({1}), frozenset({2})})
    assert person.customer_id in {customer.id for customer in customers}
    assert len(customers) == people


def test_whom_no_basis_keeps_apart_is_known_when_the_list_is_read_again(session: ScopedSession) -> None:
    get_brand(session, session.scope.brand_id).joining_basis = None
    first, second = (make.line_account(session, make.store(session)) for _ in range(2))
    user_id = make.line_user_id()
    make.friend(session, first, line_user_id=user_id)
    done = [import_followers(session, second.id, [user_id], NOON) for _ in range(2)]
    assert [(one.imported, one.known) for one in done] == [(1, 0), (0, 1)]
    assert set(session.exec(select(Identity.account_no)).all()) == {None, second.no}


def test_a_second_reading_finds_everybody_known(session: ScopedSession) -> None:
    account = make.line_account(session, make.store(session))
    ids = [make.line_user_id() for _ in range(3)]
    assert import_followers(session, account.id, [*ids, ids[0]], NOON).imported == 3
    assert import_followers(session, account.id, ids, NOON).known == 3


def test_it_goes_on_where_it_was_when_line_fell_silent(
    home: BrandHome, keyring: Keyring, works_at: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "AT_ONCE", 4)
    account = new_account(home, keyring)
    first, second = ([make.line_user_id() for _ in range(10)] for _ in range(2))
    with run_answering() as line:
        pages(line, first, second)
        answered = {path: answer for path, answer in line.answers.items() if "start=" in path}
        for path in answered:
            line.answers[path] = (500, b"{}")
        with pytest.raises(LineUnavailable):
            backfill_friends(works_at(line.url), account.id)
        halfway = progress_of(home, account)
        assert (halfway["status"], halfway["imported"], halfway["start"]) == ("running", 10, "p1")
        assert not is_stuck(halfway, NOON + timedelta(minutes=59))
        assert is_stuck(halfway, NOON + timedelta(minutes=61))
        line.answers.update(answered)
        backfill_friends(works_at(line.url), account.id)
        listed = [path for _, path, _ in line.calls if "followers" in path]
    assert len([path for path in listed if "start=" not in path]) == 1, "what was read is not read again"
    progress = progress_of(home, account)
    assert (progress["status"], progress["imported"], progress["known"]) == ("done", 20, 0)


def test_after_a_day_the_list_is_read_from_its_beginning(home: BrandHome, keyring: Keyring, works_at: Any) -> None:
    account = new_account(home, keyring)
    with home.open() as session:
        row = session.exec(select(LineAccount)).one()
        began = {"start": "p7", "start_at": "2026-11-21T03:00:00Z", "status": "running", "imported": 5}
        row.backfill = {**(row.backfill or {}), **began}
        session.commit()
    with run_answering() as line:
        pages(line, [make.line_user_id()])
        backfill_friends(works_at(line.url), account.id)
        assert all("p7" not in path for _, path, _ in line.calls)
    progress = progress_of(home, account)
    assert (progress["status"], progress["imported"]) == ("done", 6)


def test_an_account_that_may_not_is_refused_in_words(
    home: BrandHome, keyring: Keyring, works_at: Doctor, sandbox: RunningSandbox
) -> None:
    account = new_account(home, keyring, sandbox.make_channel(verified=False))
    backfill_friends(works_at(sandbox.url), account.id)
    progress = progress_of(home, account)
    assert progress["status"] == "refused"
    assert "verified" in progress["detail"]
    assert "認証" in progress["detail_ja"]
    with home.open() as session:
        row = session.exec(select(LineAccount)).one()
        start_backfill(session, row, NOON)
        session.commit()
    assert progress_of(home, account)["status"] == "waiting"


def test_ids_that_line_would_refuse_are_passed_over(home: BrandHome, keyring: Keyring, works_at: Doctor) -> None:
    account = new_account(home, keyring)
    with run_answering() as line:
        pages(line, ["U" + "z" * 32, "", make.line_user_id()])
        backfill_friends(works_at(line.url), account.id)
    assert progress_of(home, account)["imported"] == 1


def test_thousands_are_read_page_by_page(home: BrandHome, keyring: Keyring, works_at: Doctor) -> None:
    account = new_account(home, keyring)
    with run_answering() as line:
        pages(line, *([make.line_user_id() for _ in range(700)] for _ in range(2)))
        backfill_friends(works_at(line.url), account.id)
    with home.open() as session:
        counted = session.execute(text("SELECT count(*), count(DISTINCT customer_id) FROM friend")).one()
    assert tuple(counted) == (1400, 1400)


def test_a_list_that_leads_back_to_itself_ends(home: BrandHome, keyring: Keyring, works_at: Doctor) -> None:
    account = new_account(home, keyring)
    circle = orjson.dumps({"userIds": [make.line_user_id()], "next": "p1"})
    with run_answering() as line:
        for start in ("", "start=p1&"):
            line.answers[f"/v2/bot/followers/ids?{start}limit=1000"] = (200, circle)
        backfill_friends(works_at(line.url), account.id)
        asked = [path for _, path, _ in line.calls if "followers" in path]
    progress = progress_of(home, account)
    assert (progress["status"], progress["imported"], len(asked)) == ("failed", 1, 2)


def test_without_a_test_host_it_ends_in_words(home: BrandHome, keyring: Keyring, works_at: Doctor) -> None:
    account = new_account(home, keyring, mode="test")
    backfill_friends(works_at("http://127.0.0.1:9"), account.id)
    progress = progress_of(home, account)
    assert (progress["status"], "test host" in progress["detail"]) == ("failed", True)
