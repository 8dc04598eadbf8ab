"""Somebody is merged into another customer while a batch with her is on its way: what became of it is still hers."""

import asyncio
from uuid import UUID

import psycopg
import pytest

from app.customers.joining import service as joining
from app.messaging import batches, queries
from app.messaging.answers import Answer, Meaning
from app.messaging.batches import Outcome, TakenBatch
from app.messaging.models import Run
from app.messaging.parting import part
from tenants.line_accounts.models import LineAccount
from tenants.scope import Scope
from tenants.session import scope_statement
from tenants.tables import utc_now
from tests import make
from tests.app.messaging.conftest import Stage

HALTED = Answer(Meaning.HALTED)
UNCLEAR = Answer(Meaning.UNCLEAR)


async def send(stage: Stage, account: LineAccount, run: Run, into_id: UUID, kind: str) -> None:
    """Take the run's only batch, merge its second person while it is in hand, and settle it: she had this outcome."""
    brand_id = stage.home.scope.brand_id
    async with await psycopg.AsyncConnection.connect(stage.urls.app.replace("+psycopg", "")) as connection:
        cursor = connection.cursor()
        await cursor.execute(scope_statement(Scope(brand_id)))
        taken = await batches.take(cursor, brand_id, account.id, 4, None)
        await batches.load_people(cursor, brand_id, taken, with_values=False)
        await connection.commit()
        [batch] = [one for one in taken if one.run_id == run.id]
        customer_id = batch.people[1].customer_id
        merge(stage, customer_id, into_id)
        await cursor.execute(scope_statement(Scope(brand_id)))
        outcome = tell(batch, customer_id, kind)
        await part(cursor, brand_id, batch, outcome)
        await batches.settle(cursor, brand_id, [(batch, outcome)], utc_now())
        await connection.commit()


def merge(stage: Stage, from_id: UUID, into_id: UUID) -> None:
    with stage.home.open() as session:
        joining.merge(session, from_id, into_id, source="manual", proof={}, merged_by=None, now=utc_now())
        session.commit()


def tell(batch: TakenBatch, customer_id: UUID, kind: str) -> Outcome:
    if kind == "failed":
        return Outcome(failures=[(customer_id, "status 400")])
    if kind == "untried":
        return Outcome(hold=HALTED, untried=[customer_id])
    return Outcome(hold=UNCLEAR, unclear=[customer_id])


@pytest.mark.parametrize(
    ("kind", "status"), [("untried", "waiting"), ("unclear", "waiting"), ("failed", "failed")], ids=str
)
def test_who_was_merged_while_her_batch_was_in_hand_is_not_told_to_have_been_sent_to(
    stage: Stage, kind: str, status: str
) -> None:
    with stage.home.open() as session:
        account = stage.account(session, 3)
        run = stage.start(session)
        survivor = make.customer(session)
        session.commit()
        survivor_id = survivor.id
    asyncio.run(send(stage, account, run, survivor_id, kind))
    with stage.home.open() as session:
        rows = queries.list_deliveries(session, run.id, status=None, after=None, after_slot=0, limit=9)
    assert {row["customer_id"]: row["status"] for row in rows}[survivor_id] == status
    assert sorted(row["status"] for row in rows) == sorted(["sent", "sent", status])
