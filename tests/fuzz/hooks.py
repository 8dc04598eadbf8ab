"""What Schemathesis is told of our API: credentials, formats, and which refusals no schema can announce."""

import os
import re
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from typing import Any
from uuid import UUID

import hypothesis
import schemathesis
from hypothesis import strategies as st
from schemathesis.core.failures import Failure
from sqlalchemy import create_engine

from app.schemas import write_instant
from tenants.scope import Scope
from tenants.session import open_session
from tests import make
from tests.fuzz.beyond import BEYOND_SCHEMA, BULKS, DETAILS


class Tokens:
    """A token of head office; a new one of a new client once a test has ended the client."""

    def __init__(self) -> None:
        self.engine = create_engine(os.environ["NOREN_FUZZ_DATABASE_URL"])
        self.brand_id = UUID(os.environ["NOREN_FUZZ_BRAND"])
        self.current = self.mint()

    def mint(self) -> str:
        with open_session(self.engine, Scope(self.brand_id)) as session:
            token = make.access_token(session)
            session.commit()
        return token


tokens = Tokens()


@schemathesis.auth(refresh_interval=None)
class Bearer:
    """The token in every request."""

    def get(self, case: Any, context: Any) -> str:
        return tokens.current

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    """A client may revoke itself. The next requests come from another."""
    sent = response.request.headers.get("Authorization")
    if response.status_code == 401 and sent == f"Bearer {tokens.current}":
        tokens.current = tokens.mint()


@schemathesis.hook
def before_load_schema(context: Any, raw_schema: dict[str, Any]) -> None:
    """Say where an OAuth token is sent, which Schemathesis knows of bearers only: it takes it away, to be refused."""
    raw_schema["components"]["securitySchemes"]["OAuth"] = {"type": "http", "scheme": "bearer"}


class UnannouncedRefusal(Failure):
    """A request that follows its schema was refused at a place where nothing says so."""

    __slots__ = ()


@schemathesis.check
def refusal_is_announced(context: Any, response: Any, case: Any) -> None:
    """A 422 to what follows the schema points only at places of which we say why no schema tells it."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code != 422:
        return
    name = case.operation.definition.raw["operationId"]
    problem = response.json()
    if problem["type"] != "/problems/invalid":
        return
    known = [pattern for key, table in BEYOND_SCHEMA.items() if fnmatchcase(name, key) for pattern in table]
    for error in problem["errors"]:
        said = any(fnmatchcase(error["detail"], pattern) for pattern in DETAILS)
        if not said and not any(fnmatchcase(error["pointer"], pattern) for pattern in known):
            raise UnannouncedRefusal(
                operation=case.operation.label,
                title=f"Refused though it follows the schema, at {re.sub(r'[0-9]+', '0', error['pointer'])}",
                message=error["detail"],
            )


class AcceptedItem(Failure):
    """A bulk took everything in a request that does not follow its schema."""

    __slots__ = ()


@schemathesis.check
def bulk_items_are_refused(context: Any, response: Any, case: Any) -> None:
    """What does not follow the schema of a bulk is refused as a whole, or has an item that is."""
    if case.operation.definition.raw["operationId"] not in BULKS:
        return
    if case.meta is None or not case.meta.generation.mode.is_negative or response.status_code >= 400:
        return
    items = response.json().get("items", [])
    if not any(item["status"] >= 400 for item in items):
        raise AcceptedItem(
            operation=case.operation.label,
            title="Took what does not follow the schema",
            message=f"{response.status_code} with {len(items)} items, none refused",
        )


schemathesis.serializer.alias("application/x-ndjson", "text/plain")
schemathesis.serializer.alias(["image/jpeg", "image/png"], "application/octet-stream")

# Schemathesis steers towards what is accepted. With a thousand examples Hypothesis spends nine tenths of its time on
# comparing those it has, so nothing is steered, and all of them are drawn.
hypothesis.target = lambda observation, *, label="": observation

schemathesis.openapi.format(
    "date-time",
    st.integers(0, 7_289_000_000).map(lambda second: write_instant(datetime.fromtimestamp(second, UTC))),
)
schemathesis.openapi.format("date", st.dates(date(1970, 1, 1), date(2200, 12, 31)).map(date.isoformat))
