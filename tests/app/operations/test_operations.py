"""Long work: who sees it, how it ends, and how long its files stay."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from app.operations import service, uploads
from app.operations.files import PIECE_BYTES
from app.operations.kinds import UPLOAD, register
from app.operations.models import Operation, OperationFile
from app.operations.problems import OperationCancelled
from app.operations.queries import iter_file
from app.operations.tasks import forget
from tenants.ids import encode_id
from tenants.session import ScopedSession
from tests import make
from tests.conftest import BrandHome

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
KIND = register("test_operation", permission="customers:import")


def started(session: ScopedSession, **changes: Any) -> Operation:
    return service.start(session, KIND, **{"now": NOW, **changes})


def test_a_file_is_kept_in_pieces_and_read_as_it_was_written(session: ScopedSession) -> None:
    operation = started(session)
    content = bytes(range(256)) * 10_000
    with service.FileWriter(session, operation, "result.csv") as file:
        for at in range(0, len(content), 70_001):
            file.write(content[at : at + 70_001])
    service.append_file(session, operation, "result.csv", b"the end")
    pieces = list(iter_file(session, operation.id, "result.csv"))
    assert b"".join(pieces) == content + b"the end"
    assert max(map(len, pieces)) <= PIECE_BYTES


def test_who_is_over_cannot_be_worked_on(session: ScopedSession) -> None:
    operation = started(session)
    assert service.lock_running(session, operation.id) is operation
    service.finish(session, operation, {"rows": 3}, NOW)
    assert service.lock_running(session, operation.id) is None
    assert (operation.status, operation.result, operation.finished_at) == ("done", {"rows": 3}, NOW)


def test_work_that_does_not_move_is_told_as_interrupted(session: ScopedSession) -> None:
    stuck, moving = started(session, now=NOW - timedelta(hours=3)), started(session)
    service.fail_stuck(session, NOW)
    assert stuck.problem is not None
    assert (stuck.status, stuck.problem["type"]) == ("failed", "/problems/operation-interrupted")
    assert moving.status == "running"


def test_files_go_after_a_week_and_operations_after_three_months(session: ScopedSession) -> None:
    old, older, young = (started(session, now=NOW - timedelta(days=days)) for days in (8, 100, 1))
    for operation in (old, older, young):
        service.append_file(session, operation, "errors.csv", b"x")
        service.finish(session, operation, {}, operation.created_at)
    forget(session, NOW)
    ids = [old.id, older.id, young.id]
    kept = select(OperationFile.operation_id).where(col(OperationFile.operation_id).in_(ids))
    assert session.exec(kept).all() == [young.id]
    left = select(Operation.id).where(col(Operation.id).in_(ids)).order_by(col(Operation.created_at))
    assert session.exec(left).all() == [old.id, young.id]


def test_half_a_file_of_a_process_that_died_goes_after_a_day(session: ScopedSession) -> None:
    died, coming = (uploads.begin_upload(session, NOW - timedelta(hours=hours)) for hours in (25, 1))
    for upload in (died, coming):
        uploads.add_upload_piece(session, upload.id, 0, b"x")
    forget(session, NOW)
    left = select(Operation.id).where(col(Operation.kind) == UPLOAD, col(Operation.id).in_([died.id, coming.id]))
    assert session.exec(left).all() == [coming.id]


@pytest.fixture
def operation_id(home: BrandHome) -> str:
    with home.open() as session:
        operation = started(session, arguments={"of": "test"}, total=10)
        service.report(session, operation, done=4, now=NOW)
        service.append_file(session, operation, "errors.csv", "行,理由\n".encode())
        service.append_file(session, operation, "input", b"secret")
        session.commit()
    return encode_id("op", operation.id)


def test_an_operation_tells_its_progress_and_its_files(api: TestClient, home: BrandHome, operation_id: str) -> None:
    answer = api.get(f"/v1/operations/{operation_id}", headers=home.headers)
    assert answer.json() == {
        "id": operation_id,
        "kind": "test_operation",
        "status": "running",
        "progress": {"done": 4, "total": 10},
        "result": None,
        "problem": None,
        "files": [{"name": "errors.csv", "url": f"/v1/operations/{operation_id}/files/errors.csv", "until": None}],
        "created_at": "2026-11-21T03:00:00Z",
        "finished_at": None,
    }
    listed = api.get("/v1/operations", headers=home.headers).json()["items"]
    assert listed == [answer.json()]


def test_a_file_is_fetched_under_a_name_of_its_own(api: TestClient, home: BrandHome, operation_id: str) -> None:
    answer = api.get(f"/v1/operations/{operation_id}/files/errors.csv", headers=home.headers)
    assert (answer.status_code, answer.content) == (200, "行,理由\n".encode())
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    saved_as = f"test-operation-{operation_id}-errors.csv"
    assert answer.headers["content-disposition"] == f'attachment; filename="{saved_as}"'


@pytest.mark.parametrize("name", ["input", "result.csv", "%2E%2E%2Finput", "errors.csv%00"])
def test_what_is_no_file_for_callers_is_not_found(
    api: TestClient, home: BrandHome, operation_id: str, name: str
) -> None:
    assert api.get(f"/v1/operations/{operation_id}/files/{name}", headers=home.headers).status_code == 404


def test_who_may_not_start_it_does_not_see_it(api: TestClient, home: BrandHome, operation_id: str) -> None:
    with home.open() as session:
        token = make.access_token(session, ["customers:read"])
        session.commit()
    headers = {"Authorization": f"Bearer {token}"}
    assert api.get("/v1/operations", headers=headers).json()["items"] == []
    for path in (operation_id, f"{operation_id}/files/errors.csv"):
        assert api.get(f"/v1/operations/{path}", headers=headers).status_code == 404


def test_what_is_cancelled_has_failed_and_cannot_be_cancelled_again(
    api: TestClient, home: BrandHome, operation_id: str
) -> None:
    path = f"/v1/operations/{operation_id}/cancel"
    cancelled = api.post(path, headers=home.headers)
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "failed")
    assert cancelled.json()["problem"]["type"] == f"/problems/{OperationCancelled.slug()}"
    assert api.post(path, headers=home.headers).status_code == 409


def test_a_file_that_breaks_off_leaves_nothing_behind(api: TestClient, home: BrandHome) -> None:
    """A client that hangs up: the body ends before it is whole."""
    messages = [{"type": "http.request", "body": b"member_number\nM-1\n" * 100_000, "more_body": True}]
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return messages.pop() if messages else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/v1/customers/import",
        "raw_path": b"/v1/customers/import",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"authorization", home.headers["Authorization"].encode()), (b"content-type", b"text/csv")],
        "server": ("testserver", 80),
        "client": ("127.0.0.1", 50000),
        "state": {},
        "extensions": {},
    }
    assert api.portal is not None
    api.portal.call(api.app, scope, receive, send)
    assert statuses == [400]
    with home.open() as session:
        assert session.exec(select(Operation)).all() == []
        assert session.exec(select(OperationFile.no)).all() == []


def test_only_so_many_files_are_received_at_once(api: TestClient, home: BrandHome) -> None:
    app: Any = api.app
    places = app.state.upload_places
    taken = 0
    while places.acquire(blocking=False):
        taken += 1
    try:
        headers = {**home.headers, "Content-Type": "text/csv"}
        answer = api.post("/v1/customers/import", content=b"member_number\nM-1\n", headers=headers)
    finally:
        for _ in range(taken):
            places.release()
    assert answer.status_code == 429
    assert answer.json()["type"] == "/problems/too-many-uploads"
    assert answer.headers["retry-after"] == "10"


def test_a_repeated_upload_with_one_key_begins_one_import(api: TestClient, home: BrandHome) -> None:
    headers = {**home.headers, "Content-Type": "text/csv", "Idempotency-Key": "file-1"}
    first, again = (
        api.post("/v1/customers/import", content=b"member_number\nM-1\n", headers=headers) for _ in range(2)
    )
    other = api.post("/v1/customers/import", content=b"member_number\nM-2\n", headers=headers)
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert other.status_code == 422
    with home.open() as session:
        assert [encode_id("op", one.id) for one in session.exec(select(Operation)).all()] == [first.json()["id"]]


def test_a_file_whose_options_are_wrong_is_refused_once_and_takes_no_key(api: TestClient, home: BrandHome) -> None:
    headers = {**home.headers, "Content-Type": "text/csv", "Idempotency-Key": "file-1"}
    refused = api.post("/v1/customers/import", params={"tag": ""}, content=b"member_number\nM-1\n", headers=headers)
    assert (refused.status_code, refused.json()["errors"]) == (
        422,
        [{"pointer": "/query/tag", "detail": "Must not be empty."}],
    )
    taken = api.post("/v1/customers/import", content=b"member_number\nM-1\n", headers=headers)
    assert taken.status_code == 202


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "application/json"}, 415),
        ({"Content-Type": "text/csv", "Content-Encoding": "br"}, 415),
        ({"Content-Type": "text/csv", "Content-Encoding": "gzip"}, 400),
        ({"Content-Type": "text/csv", "Content-Length": "2000000000"}, 413),
    ],
)
def test_what_is_no_file_of_ours_is_refused(
    api: TestClient, home: BrandHome, headers: dict[str, str], status: int
) -> None:
    answer = api.post("/v1/customers/import", content=b"member_number\n", headers={**home.headers, **headers})
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"mapping": "{"}, "/query/mapping"),
        ({"mapping": '{"a": "nothing"}'}, "/query/mapping"),
        ({"encoding": "latin-1"}, "/query/encoding"),
    ],
)
def test_a_wrong_query_is_told_before_the_file_is_taken(
    api: TestClient, home: BrandHome, query: dict[str, str], pointer: str
) -> None:
    headers = {**home.headers, "Content-Type": "text/csv"}
    answer = api.post("/v1/customers/import", params=query, content=b"member_number\n", headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


def test_a_store_may_take_no_file_in(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        key = make.store_key(session, make.store(session))
        session.commit()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "text/csv"}
    answer = api.post("/v1/customers/import", content=b"member_number\n", headers=headers)
    assert (answer.status_code, answer.json()["permission"]) == (403, "customers:import")
