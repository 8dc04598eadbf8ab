"""What an HTTP request leaves in the audit log: a change in its own transaction, a read or a refusal in the buffer."""

import asyncio
import re
from collections.abc import AsyncIterator, Collection
from datetime import UTC, datetime
from time import monotonic
from typing import Final, Protocol
from urllib.parse import unquote_to_bytes
from uuid import UUID

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from app.addresses import client_address
from app.audit.gather import Gatherer
from app.audit.service import Actor, Deed, Seen, Thing, decode_customers, note
from app.audit.trail import find_trail, follow
from app.callers import CallerInfo
from tenants.ids import decode_id, encode_id, uuid7
from tenants.session import ScopedSession

READING: Final = frozenset(
    {"dry_run_campaign", "evaluate_weather_rule", "preview_segment", "resolve_card", "scan_at_till"}
)
"""Operations that are no GET and yet only read. What is neither here nor a GET is written down as a change, and so is
one of these that changed something after all: a card resolved by a store that did not see its holder before."""

WAIT_SECONDS = 2.0
"""How long an answer that names people waits for room in the buffer before it is refused."""
MOST_IDS = 5_000
"""People that one entry names; an answer that is streamed and names more leaves several."""

_LONGEST = len("cus_") + 26
_THING = re.compile(r"([a-z]{2,10})_([0-7][0-9a-hjkmnp-tv-z]{25})")
_OWN_ID = re.compile(rb'^\{"(?:id|client_id)":"([a-z]{2,10}_[0-7][0-9a-hjkmnp-tv-z]{25})"')


class Streaming(Protocol):
    """An answer that is sent as it is made."""

    body_iterator: AsyncIterator[bytes | str]


def note_caller(request: Request, caller: CallerInfo, now: datetime) -> None:
    """Remember who calls, and that its credential was used."""
    request.state.caller = caller
    gatherer_of(request).add_use(caller.scope.brand_id, caller.id, now, address_of(request))


def follow_session(request: Request, session: ScopedSession) -> None:
    """Take down what the request changes through this session; what only reads costs nothing."""
    if request.method not in ("GET", "HEAD"):
        follow(session)
        request.state.followed = [*getattr(request.state, "followed", []), session]


async def record_answer(request: Request, response: Response) -> None:
    """Write a change into its own transaction, before the commit; gather whom any other answer names, and for the
    operator's support each answer.

    Raises 503 when an answer names people and cannot be taken down.
    """
    caller: CallerInfo | None = getattr(request.state, "caller", None)
    if caller is None or response.status_code >= 400 or getattr(request.state, "is_recorded", False):
        return
    if hasattr(request.state, "followed") and await run_in_threadpool(_write_change, request, response, caller):
        return
    if hasattr(response, "body_iterator"):
        await _await_room(request)
        _follow_stream(request, caller, response)
    elif (ids := _named(request, bytes(response.body))) or caller.kind == "support":
        await _await_room(request)
        gatherer_of(request).add_read(_seen(request, caller, "read", response.status_code, ids))


def record_ahead(request: Request, session: ScopedSession, thing: Thing, status: int) -> None:
    """Write down what a request changes in a transaction of its own, before that of its answer.

    The latter then adds nothing: a change is written down once. `follow(session)` before the first change.
    """
    request.state.is_recorded = True
    caller: CallerInfo = request.state.caller
    actor = actor_of(request, caller.kind, caller.id, caller.name)
    note(session, actor, Deed(_action(request), thing, status), now=datetime.now(UTC))


async def record_shown(request: Request, status: int, customer_ids: Collection[UUID]) -> None:
    """Gather that an answer shows something of these people, whose ids it does not carry.

    Raises 503 when it cannot be taken down.
    """
    await _await_room(request)
    caller: CallerInfo = request.state.caller
    named = [encode_id("cus", one).removeprefix("cus_").encode() for one in customer_ids]
    gatherer_of(request).add_read(_seen(request, caller, "read", status, named))


async def record_replay(request: Request, response: Response) -> None:
    """Gather whom an answer names that is given a second time; what it changed was written down the first time."""
    caller: CallerInfo | None = getattr(request.state, "caller", None)
    if caller is not None and (ids := _named(request, bytes(response.body))):
        await _await_room(request)
        gatherer_of(request).add_read(_seen(request, caller, "read", response.status_code, ids))


def record_refusal(request: Request, status: int) -> None:
    """Gather a 403, a 404 or a 429 of a known caller."""
    if status not in (403, 404, 429):
        return
    caller: CallerInfo | None = getattr(request.state, "caller", None)
    if caller is not None:
        gatherer_of(request).add_refusal(_seen(request, caller, "refused", status, ()))


def record_ended(request: Request, brand_id: UUID, kind: str, credential_id: UUID) -> None:
    """Gather that somebody came with a credential which was good once."""
    # An access token is not what callers are known by, and whose it was is not asked for a refusal.
    is_token = kind == "access_token"
    actor = actor_of(request, "api_client" if is_token else kind, None if is_token else credential_id, "")
    gatherer_of(request).add_refusal(_seen_of(request, brand_id, "refused", actor, 401, ()))


def gatherer_of(request: Request) -> Gatherer:
    """The buffer of this process."""
    gatherer: Gatherer = request.app.state.audit
    return gatherer


def address_of(request: Request) -> str | None:
    """The network address that called us."""
    if not hasattr(request.state, "address"):
        request.state.address = client_address(request.scope, request.app.state.settings)
    address: str | None = request.state.address
    return address


def _changing_session(request: Request) -> ScopedSession | None:
    """The transaction that carries this request's change; None for what only reads."""
    sessions: list[ScopedSession] = request.state.followed
    for session in sessions:
        session.flush()
    writing = [session for session in sessions if (trail := find_trail(session)) is not None and trail.steps]
    if not writing and _action(request) in READING:
        return None
    return (writing or sessions)[-1]


def _write_change(request: Request, response: Response, caller: CallerInfo) -> bool:
    """Whether the request changed anything; if so it is written down in the transaction that did."""
    session = _changing_session(request)
    if session is None:
        return False
    body = bytes(getattr(response, "body", b""))
    thing = _thing_in_path(request) or _thing_in_answer(body)
    people = decode_customers(_named(request, body))
    deed = Deed(_action(request), thing, response.status_code, people)
    actor = actor_of(request, caller.kind, caller.id, caller.name)
    note(session, actor, deed, now=datetime.now(UTC))
    return True


def _seen(request: Request, caller: CallerInfo, kind: str, status: int, named: Collection[bytes]) -> Seen:
    actor = actor_of(request, caller.kind, caller.id, caller.name)
    return _seen_of(request, caller.scope.brand_id, kind, actor, status, named)


def _seen_of(request: Request, brand_id: UUID, kind: str, actor: Actor, status: int, named: Collection[bytes]) -> Seen:
    now, thing = datetime.now(UTC), _thing_in_path(request)
    return Seen(brand_id, uuid7(), now, kind, actor, _action(request), thing, status, named)


def actor_of(request: Request, kind: str, credential_id: UUID | None, name: str) -> Actor:
    """Who makes this request, as the log names them."""
    return Actor(kind, credential_id, name, str(request.scope.get("request_id", "")) or None, address_of(request))


def _action(request: Request) -> str:
    """The operation's name, as the OpenAPI document has it."""
    return str(getattr(request.scope.get("route"), "name", "") or "unknown")


def _thing_in_path(request: Request) -> Thing | None:
    """The first thing that the path names: the customer of a tag, the campaign of a launch."""
    for value in request.path_params.values():
        if isinstance(value, str) and (thing := _read_thing(value)):
            return thing
    return None


def _thing_in_answer(body: bytes) -> Thing | None:
    found = _OWN_ID.match(body)
    return _read_thing(found[1].decode()) if found else None


def _read_thing(text: str) -> Thing | None:
    found = _THING.fullmatch(text)
    return Thing(found[1], decode_id(found[1], text)) if found else None


def customers_in(request: Request, body: bytes) -> list[UUID]:
    """The persons whom a request and its answer name."""
    return sorted(decode_customers(_named(request, body) | _find(request._body)))


def _named(request: Request, body: bytes) -> set[bytes]:
    """What stands behind each `cus_` in an answer, and in the path or the query that it answers."""
    found = _find(body)
    if request.scope.get("query_string") and not body.startswith(b'{"items":[]'):
        # An empty list says nothing of whom the query names.
        found |= _find(unquote_to_bytes(request.scope["query_string"]))
    return found | _find(request.scope["path"].encode())


def _find(text: bytes) -> set[bytes]:
    """A tenth of the time that a regular expression takes; what is no id is sorted out when it is written."""
    return {part[:26] for part in text.split(b"cus_")[1:]}


async def _await_room(request: Request) -> None:
    gatherer = gatherer_of(request)
    deadline = monotonic() + WAIT_SECONDS
    while not gatherer.has_room():
        if monotonic() >= deadline:
            raise HTTPException(503)
        await asyncio.sleep(0.05)


def _follow_stream(request: Request, caller: CallerInfo, response: Response) -> None:
    """Scan a streamed answer as it leaves, and gather whom it named as far as it came."""
    streaming: Streaming = response  # type: ignore[assignment]
    chunks = streaming.body_iterator
    gatherer = gatherer_of(request)

    async def scan() -> AsyncIterator[bytes | str]:
        found: set[bytes] = set()
        rest = b""
        try:
            async for chunk in chunks:
                seen = rest + (chunk.encode() if isinstance(chunk, str) else bytes(chunk))
                found |= {one for one in _find(seen) if len(one) == 26}
                rest = seen[1 - _LONGEST :]
                if len(found) >= MOST_IDS:
                    gather(found)
                    found = set()
                yield chunk
        finally:
            gather(found)

    def gather(found: set[bytes]) -> None:
        if found or caller.kind == "support":
            gatherer.add_read(_seen(request, caller, "read", response.status_code, found))

    streaming.body_iterator = scan()
