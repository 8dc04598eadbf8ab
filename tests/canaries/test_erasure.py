"""Once a person is erased, nothing of her is found anywhere: in no table, dump, export, log or metric.

Before that the same search finds her in dozens of places, so it can find what is there.
"""

import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from app.keys import new_master_key
from tests.app.sandbox.process import wait_for
from tests.canaries import flows, known
from tests.canaries.everything import find_in_database
from tests.canaries.flows import Day
from tests.canaries.scan import Canary, find
from tests.canaries.test_canaries import PG_DUMP
from tests.running import run_sandbox
from tests.serving import Installation, json_of, open_installation

pytestmark = pytest.mark.slow(seconds=50)


@dataclass
class Erased:
    """What was found before, and what the erasure answered."""

    day: Day
    customer_id: str
    before: dict[str, set[str]]
    answer: Any


@pytest.fixture(scope="module")
def erased(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Erased]:
    """A brand that knows everything of one person, after she was erased."""
    folder = tmp_path_factory.mktemp("erasure")
    with run_sandbox() as sandbox, open_installation(f"noren_erasure_{worker_id}", folder) as place:
        place.environment |= {
            "NOREN_MASTER_KEYS": new_master_key("erasure"),
            "NOREN_LOG_LEVEL": "debug",
            "NOREN_LINE_API_URL": sandbox.url,
            "NOREN_LINE_DATA_URL": sandbox.url,
        }
        day = flows.start(place, sandbox)
        customer_id = known.know(day, known.open_brand(day))
        before = find_in_database(day.canaries, place)
        answer = json_of(day.call("DELETE", f"/v1/customers/{customer_id}"))
        wait_for(lambda: not _waits(place), 30)
        yield Erased(day, customer_id, before, answer)


def _waits(place: Installation) -> bool:
    """Whether anything is still to be done, such as telling that she went."""
    with psycopg.connect(flows.admin_url(place)) as admin:
        jobs = admin.execute("SELECT 1 FROM procrastinate.procrastinate_jobs WHERE status IN ('todo', 'doing')")
        return (
            jobs.fetchone() is not None
            or admin.execute("SELECT 1 FROM event WHERE feed_no IS NULL").fetchone() is not None
        )


def test_before_that_all_of_her_is_found(erased: Erased) -> None:
    places = {
        "customer.name", "customer.kana", "customer.phone", "customer.email", "customer.address", "customer.attributes",
        "customer.member_number", "customer.external_id", "external_id.value", "identity.line_user_id",
        "identity.display_name", "customer_note.text", "redemption.reverse_reason", "customer_merge.before",
        "event.data", "line_event.body", "delivery.line_user_id", "operation_file.content",
        "idempotency_key.answer, opened",
    }  # fmt: skip
    assert places - set(erased.before) == set()
    kept = {canary.name for canary in erased.day.canaries} - {"phone as typed", "phone as dialled"}
    assert set().union(*erased.before.values()) == kept


def test_no_column_of_any_table_holds_anything_of_her(erased: Erased) -> None:
    assert find_in_database(erased.day.canaries, erased.day.place) == {}


def test_no_backup_made_later_holds_anything_of_her(erased: Erased) -> None:
    command = [str(PG_DUMP), "--dbname", flows.admin_url(erased.day.place)]
    dump = subprocess.run(command, capture_output=True, check=True).stdout  # noqa: S603 - Postgres's own program
    assert len(dump) > 100_000
    assert find(erased.day.canaries, dump) == set()


def test_no_export_made_later_holds_anything_of_her(erased: Erased, tmp_path: Path) -> None:
    day = erased.day
    for wanted in ({"format": "csv"}, {"format": "ndjson"}):
        begun = json_of(day.call("POST", "/v1/customers/export", json=wanted))
        content = known.fetch(day, known.finish(day, begun))
        assert "別人".encode() in content
        assert find(day.canaries, content) == set()
    assert day.call("GET", f"/v1/customers/{erased.customer_id}/export").status_code == 404


def test_no_log_and_no_metric_ever_held_anything_of_her(erased: Erased) -> None:
    logs = b"\n".join(log.read_bytes() for log in erased.day.place.logs)
    assert b"request" in logs
    assert find(erased.day.canaries, logs) == set()
    urls = (f"{erased.day.served.url}/metrics", erased.day.metrics_url)
    metrics = b"\n".join(httpx.get(url, trust_env=False).content for url in urls)
    assert find(erased.day.canaries, metrics) == set()


def test_nobody_finds_her_and_a_receipt_says_how_much_there_was(erased: Erased) -> None:
    day = erased.day
    assert erased.answer["id"] == erased.customer_id
    assert day.call("GET", f"/v1/customers/{erased.customer_id}").status_code == 404
    assert day.call("GET", "/v1/customers", params={"q": known.NAME}).json()["items"] == []
    receipt = json_of(day.call("GET", f"/v1/erasures/{erased.answer['receipt_id']}"))
    assert (receipt["reason"], receipt["asked_by"], receipt["erased_at"]) == (
        "asked",
        "本部",
        erased.answer["erased_at"],
    )
    assert receipt["counts"]["customer"] == 3, "she, and the two who were merged into her"
    assert {"identity", "friend", "external_id", "customer_note", "operation_file", "idempotency_key"} <= set(
        receipt["counts"]
    )


def test_an_answer_that_named_her_is_not_given_again(erased: Erased) -> None:
    day = erased.day
    keyed = {**day.headers, "Idempotency-Key": "card"}
    again = day.call("POST", "/v1/cards/resolve", keyed, json={"code": known.MEMBER})
    assert (again.status_code, again.headers["idempotent-replayed"]) == (200, "true")
    assert find(day.canaries, again.content) == set()


LEAK = "current_setting('canary.leak')"


@pytest.mark.parametrize(
    ("column", "statement"),
    [
        ("audit_entry.caller_name", f"UPDATE audit_entry SET caller_name = {LEAK}"),
        ("procrastinate_jobs.args", "INSERT INTO procrastinate_jobs (queue_name, task_name, args)"
            f" VALUES ('x', 'x', jsonb_build_object('name', {LEAK}))"),
        ("erasure_receipt.counts", f"UPDATE erasure_receipt SET counts = counts || jsonb_build_object({LEAK}, 1)"),
    ],
)  # fmt: skip
def test_a_leak_that_is_planted_is_found(erased: Erased, column: str, statement: str) -> None:
    place = erased.day.place
    leak = Canary("leak", secrets.token_hex(16))
    assert find_in_database([leak], place) == {}
    flows.plant(place, str(leak.value), statement)
    assert column in find_in_database([leak], place)
