"""GET /v1/reports/settlements: what a month leaves between stores and head office, and the lines that it comes from."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.coupons import redeeming
from app.coupons.models import Coupon, Redemption
from app.events.projector import project
from app.jobs.queue import Clockwork
from app.reports.settlements import booking, queries
from app.reports.settlements.projection import book_settlements
from app.reports.settlements.tasks import book_missing_uses
from app.settings import Settings
from tenants.ids import encode_id
from tenants.scope import Scope
from tenants.sealing import Keyring
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tests import make
from tests.conftest import BrandHome

AT = datetime(2026, 6, 10, 3, 0, tzinfo=UTC)
JAPAN = ZoneInfo("Asia/Tokyo")
PATH = "/v1/reports/settlements"


@pytest.fixture
def shops(home: BrandHome) -> list[Store]:
    with home.open() as session:
        found = [make.store(session, name=name) for name in ("渋谷店", "新宿店", "=池袋店")]
        session.commit()
    return found


def key_headers(home: BrandHome, store: Store) -> dict[str, str]:
    with home.open() as session:
        key = make.store_key(session, store)
        session.commit()
    return {"Authorization": f"Bearer {key}"}


def use(
    session: ScopedSession, coupon: Coupon, store: Store, *, issued_by: Store | None = None, at: datetime = AT
) -> Redemption:
    """A copy that a store issued, used at another."""
    copy = make.issued_coupon(
        session,
        coupon,
        store_no=issued_by.no if issued_by else None,
        starts_at=at - timedelta(days=1),
        expires_at=at + timedelta(days=1),
    )
    return redeeming.redeem(session, copy.code, store=store, now=at)


def use_each(home: BrandHome, shops: list[Store]) -> None:
    """One use for each payer, of a copy of the first shop's at the second shop's counter."""
    with home.open() as session:
        for payer in ("brand", "issuing_store", "redeeming_store", "split"):
            use(session, make.coupon(session, funding={"payer": payer}), shops[1], issued_by=shops[0])
        session.commit()


def project_all(home: BrandHome) -> None:
    while project(home.engine, home.scope.brand_id, datetime.now(UTC), [book_settlements]):
        pass


def get(api: TestClient, headers: dict[str, str], path: str = "", **query: str) -> Any:
    answer = api.get(PATH + path, headers=headers, params={"month": "2026-06", **query})
    assert answer.status_code == 200, answer.text
    return answer.json()


def store_id(store: Store) -> str:
    return encode_id("store", store.id)


def test_each_party_has_its_row_and_all_add_up_to_nothing(api: TestClient, home: BrandHome, shops: list[Store]) -> None:
    use_each(home, shops)
    project_all(home)
    found = get(api, home.headers)
    assert found["month"] == "2026-06"
    assert found["closes_at"] == "2026-07-10T15:00:00Z"
    zero = dict.fromkeys(("redemptions", "reversals", "given_yen", "own_yen"), 0)
    owed = {"owed_by_brand_yen": 0, "owed_by_stores_yen": 0}
    assert found["items"] == [
        {"store_id": None, "store_name": None, **zero, **owed, "owes_yen": 300, "net_yen": -300},
        {"store_id": store_id(shops[0]), "store_name": "渋谷店", **zero, **owed, "owes_yen": 200, "net_yen": -200},
        {
            "store_id": store_id(shops[1]),
            "store_name": "新宿店",
            "redemptions": 4,
            "reversals": 0,
            "given_yen": 800,
            "own_yen": 300,
            "owed_by_brand_yen": 300,
            "owed_by_stores_yen": 200,
            "owes_yen": 0,
            "net_yen": 500,
        },
    ]


def test_a_row_is_the_sum_of_its_lines_and_each_names_its_redemption(
    api: TestClient, home: BrandHome, shops: list[Store]
) -> None:
    use_each(home, shops)
    project_all(home)
    for row in get(api, home.headers)["items"]:
        query = {"party": "brand"} if row["store_id"] is None else {"store_id": row["store_id"]}
        lines: list[dict[str, Any]] = []
        page = get(api, home.headers, "/lines", limit="3", **query)
        lines += page["items"]
        while page["next_cursor"]:
            page = get(api, home.headers, "/lines", limit="3", cursor=page["next_cursor"], **query)
            lines += page["items"]
        for name in ("given_yen", "own_yen", "owed_by_brand_yen", "owed_by_stores_yen", "owes_yen", "net_yen"):
            assert sum(line[name] for line in lines) == row[name]
        for line in lines:
            redemption = api.get(f"/v1/redemptions/{line['redemption_id']}", headers=home.headers).json()
            assert redemption["redeemed_at"] == line["redeemed_at"]
            assert redemption["discount_yen"] == sum(share["yen"] for share in line["shares"])


def test_a_store_sees_its_own_rows_and_of_others_not_their_names(
    api: TestClient, home: BrandHome, shops: list[Store]
) -> None:
    use_each(home, shops)
    project_all(home)
    headers = key_headers(home, shops[0])
    (row,) = get(api, headers)["items"]
    assert (row["store_id"], row["net_yen"]) == (store_id(shops[0]), -200)
    (line,) = get(api, headers, "/lines")["items"]
    assert (line["issued_by_store_id"], line["redeemed_by_store_id"]) == (store_id(shops[0]), None)
    assert line["shares"] == [{"party": "store", "store_id": store_id(shops[0]), "yen": 200}]
    assert get(api, headers, "/lines", store_id=store_id(shops[1]))["items"] == []
    assert get(api, headers, "/lines", party="brand")["items"] == []
    (first, *_) = get(api, key_headers(home, shops[1]), "/lines")["items"]
    assert [(share["party"], share["store_id"]) for share in first["shares"]] == [
        ("brand", None),
        ("store", store_id(shops[1])),
    ]


def test_shares_stay_as_they_were_at_the_moment_of_use(api: TestClient, home: BrandHome, shops: list[Store]) -> None:
    with home.open() as session:
        coupon = make.coupon(session, funding={"payer": "redeeming_store"})
        use(session, coupon, shops[0])
        coupon.funding = {"payer": "brand"}
        session.add(coupon)
        session.flush()
        use(session, coupon, shops[1])
        session.commit()
    project_all(home)
    assert [row["net_yen"] for row in get(api, home.headers)["items"]] == [-200, 0, 200]


def test_a_use_from_before_shares_were_kept_is_derived_and_booked_once(
    api: TestClient, home: BrandHome, shops: list[Store], keyring: Keyring, settings: Settings
) -> None:
    with home.open() as session:
        redemption = use(session, make.coupon(session, funding={"payer": "split"}), shops[0])
        redemption.funding = None
        session.add(redemption)
        session.commit()
    project(home.engine, home.scope.brand_id, datetime.now(UTC), [])  # by a worker that knows no settlements
    assert get(api, home.headers)["items"] == []
    for _ in range(2):
        book_missing_uses(Clockwork(home.engine, keyring, settings, AT))
        assert [row["net_yen"] for row in get(api, home.headers)["items"]] == [-100, 100]


def test_a_closed_statement_never_changes(api: TestClient, home: BrandHome, shops: list[Store]) -> None:
    with home.open() as session:
        coupon = make.coupon(session)
        late, kept = use(session, coupon, shops[0]), use(session, coupon, shops[0])
        session.commit()
    project_all(home)
    closed = get(api, home.headers)
    assert closed["status"] == "closed"
    with home.open() as session:
        reversed_at = datetime(2026, 8, 1, tzinfo=UTC)
        redeeming.reverse(session, late.id, reason=None, scope=Scope(home.scope.brand_id), now=reversed_at)
        early = datetime(2026, 7, 10, tzinfo=UTC)
        redeeming.reverse(session, kept.id, reason=None, scope=Scope(home.scope.brand_id), now=early)
        session.commit()
    project_all(home)
    june, august = get(api, home.headers), get(api, home.headers, month="2026-08")
    # Only what was told while it was open: the reversal of the 10th of July.
    assert [(row["redemptions"], row["reversals"], row["net_yen"]) for row in june["items"]] == [
        (0, 0, -200),
        (2, 1, 200),
    ]
    assert [(row["redemptions"], row["reversals"], row["net_yen"]) for row in august["items"]] == [
        (0, 0, 200),
        (0, 1, -200),
    ]


def count(row: dict[str, Any]) -> tuple[int, int, int]:
    return row["redemptions"], row["reversals"], row["net_yen"]


def test_a_month_is_open_until_all_of_it_is_counted(api: TestClient, home: BrandHome, shops: list[Store]) -> None:
    assert get(api, home.headers, month=f"{datetime.now(UTC):%Y-%m}")["status"] == "open"
    assert get(api, home.headers)["status"] == "closed"
    with home.open() as session:
        created_at = booking.closes_at(AT.date().replace(day=1), JAPAN) - timedelta(minutes=1)
        make.event(session, "coupon.redeemed", store=shops[0], created_at=created_at)
        session.commit()
    assert get(api, home.headers)["status"] == "open"


def test_as_csv_excel_shows_japanese_and_takes_no_name_for_a_formula(
    api: TestClient, home: BrandHome, shops: list[Store]
) -> None:
    with home.open() as session:
        use(session, make.coupon(session), shops[2])
        session.commit()
    project_all(home)
    answer = api.get(PATH, headers={**home.headers, "Accept": "text/csv"}, params={"month": "2026-06"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbfmonth,status,store_id,store_name,")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [(row["store_name"], row["net_yen"]) for row in rows] == [("本部", "-200"), ("'=池袋店", "200")]


def test_sums_and_pages_read_no_other_month(home: BrandHome, shops: list[Store]) -> None:
    with home.open() as session:
        # Of a few rows any way is as good.
        for other in ("seqscan", "bitmapscan", "sort"):
            session.connection().execute(text(f"SET LOCAL enable_{other} = off"))
        values = {"brand_id": home.scope.brand_id, "month_on": AT.date().replace(day=1)}
        plan = "\n".join(session.connection().execute(text(f"EXPLAIN {queries.SUMS.format('')}"), values).scalars())
    assert "Index Only Scan using ix_settlement_line_brand_id_month_on_store_no" in plan
