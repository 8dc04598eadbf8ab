"""Every operation × every place for an id × every credential: a foreign id is answered as one that nobody made."""

import os
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine

from tests.walls import purpose
from tests.walls.arrangements import BEFORE
from tests.walls.bodies import Writer, own_things
from tests.walls.calls import Answer, Calls, Request
from tests.walls.credentials import Credentials, Seat, Seats
from tests.walls.document import Document, Operation, Slot
from tests.walls.vocabulary import Own
from tests.walls.world import Place, World, new_id, new_key

WHOLE = "the operation itself"
"""The cell of an operation that takes no id, or of all that it takes at once."""


@dataclass
class Findings:
    """What came of an operation: which cells were tried, and what is wrong."""

    cells: set[tuple[str, str]] = field(default_factory=set)
    """(place for an id, credential)"""
    faults: list[str] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    """The status of every request by what it was, to compare two runs."""
    requests: int = 0


class Matrix:
    """Tries the operations of one application in one world."""

    def __init__(self, document: Document, calls: Calls, world: World, credentials: Credentials) -> None:
        self.document, self.calls, self.world, self.credentials = document, calls, world, credentials
        self.writer = Writer(document)
        self.engine: Engine = calls.app.state.engine
        self.ids_of_b = world.ids_of_b()
        self.their_ids = world.their_ids
        self.found = Findings()
        self.given: dict[tuple[str, str], str] = {}
        """Cursors and request keys of others, by who gave them."""

    def try_operation(self, operation: Operation, seats: Seats) -> Findings:
        """All cells of one operation."""
        self.found, self.given, before = Findings(), {}, self.calls.count
        weak = [(seat, 401) for seat in seats.ended] + [(seat, 403) for seat in seats.without]
        for seat in seats.strong:
            if seat.may(operation.permission):
                self.try_strong(operation, seat)
            else:
                weak.append((seat, 403))
        with self.nothing_changes():
            for seat, status in weak:
                self.try_weak(operation, seat, status)
        self.found.requests = self.calls.count - before
        return self.found

    @contextmanager
    def nothing_changes(self, seat: Seat | None = None) -> Iterator[None]:
        """A fault for each table whose rows of others differ afterwards: the other brand's, and for a store all that
        is not its own."""
        digests = [("the other brand's", self.world.digest_theirs)]
        if seat and seat.is_stores:
            digests.append((f"not {seat.place.name}'s", self.world.digest_not_a))
        before = [digest() for _, digest in digests]
        yield
        for (whose, digest), old in zip(digests, before, strict=True):
            new = digest()
            self.found.faults += [
                f"rows that are {whose} changed in {table}" for table in old if old[table] != new[table]
            ]

    # -- those who may

    def try_strong(self, operation: Operation, seat: Seat) -> None:
        """Ids of others, one place after another; then the same request with ids of the caller's own succeeds."""
        id_slots = [slot for slot in operation.slots if slot.is_id]
        own = self.own(operation, seat)
        self.write(operation, own)  # makes what it needs, before rows are compared
        if id_slots:
            with self.nothing_changes(seat):
                for slot in id_slots:
                    self.try_foreign(operation, seat, slot, own)
        for slot in id_slots:
            self.succeed(operation, seat, own, f"own id in {slot}", {slot: own(self.own_kind(operation, slot))})
            if operation.method != "PATCH":
                own = self.own(operation, seat)
        if not id_slots:
            self.succeed(operation, seat, self.own(operation, seat), WHOLE, {})
        self.cell(WHOLE, seat)
        for slot in operation.slots:
            if slot.is_key:
                self.try_key(operation, seat, slot)
            elif slot.kind == "cursor":
                self.try_cursor(operation, seat, slot)
            elif slot.kind == "etag":
                self.try_version(operation, seat, slot)
            elif slot.kind == "request-key":
                self.try_request_key(operation, seat, slot)

    def try_foreign(self, operation: Operation, seat: Seat, slot: Slot, own: Own) -> None:
        """A made-up id, and those of everyone else, in one place."""
        made_up = self.send(operation, seat, own, f"made-up id in {slot}", {slot: new_id(slot.kind)})
        if slot.where != "query" and not _is_refused(made_up):
            self.fault(operation, seat, f"made-up id in {slot}", made_up, "was carried out")
        places = [self.world.theirs(slot.kind)]
        if seat.is_stores:
            places += [place for place in (self.world.b, self.world.office) if place.owns(slot.kind)]
        for place in places:
            what = f"id of {place.name} in {slot}"
            answer = self.send(operation, seat, own, what, {slot: place.keep(slot.kind)})
            if place is self.world.office and slot.kind in purpose.HEAD_OFFICES:
                if (
                    operation.changes
                    and slot.where == "path"
                    and not _is_refused(answer)
                    and not _only_looks(operation)
                ):
                    self.fault(operation, seat, what, answer, "changed what is head office's")
            elif answer.exactly() != made_up.exactly():
                self.fault(operation, seat, what, answer, "is not", made_up)
        self.cell(str(slot), seat)

    def try_key(self, operation: Operation, seat: Seat, slot: Slot) -> None:
        """A phone number or a code: one that the others have is as good as one that nobody has."""
        unknown = new_key(slot.kind)
        made_up = self.send(operation, seat, self.own(operation, seat), f"unknown {slot}", {slot: unknown})
        theirs = next(one for one in (self.world.their_office, self.world.x) if one.has_keys(slot.kind))
        places = [theirs, *([self.world.b] if seat.is_stores else [])]
        known = [(place, place.make_key(slot.kind), self.own(operation, seat)) for place in places]
        for _, _, own in known:
            self.write(operation, own)  # makes what it needs, before rows are compared
        with self.nothing_changes():
            for place, key, own in known:
                what = f"{slot.kind} of {place.name} in {slot}"
                answer = self.send(operation, seat, own, what, {slot: key})
                on_purpose = place is self.world.b and (operation.name, slot.kind) in purpose.FOUND_OVER_THE_WALL
                if not on_purpose and answer.shape(key) != made_up.shape(unknown):
                    self.fault(operation, seat, what, answer, "is not shaped as", made_up)
        self.cell(str(slot), seat)

    def try_cursor(self, operation: Operation, seat: Seat, slot: Slot) -> None:
        """Cursors of others, and of other lists, are no better than invented ones."""
        own = self.own(operation, seat)
        invented = urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
        made_up = self.send(operation, seat, own, "invented cursor", {slot: invented})
        if made_up.status != 422:
            self.fault(operation, seat, "invented cursor", made_up, "was not refused")
        for giver in self.others(operation, seat):
            if not _has_one_row(operation, giver):
                if ("cursor", giver.name) not in self.given:
                    self.given["cursor", giver.name] = self.cursor_of(operation, giver)
                cursor = self.given["cursor", giver.name]
                answer = self.send(operation, seat, own, f"cursor of {giver.name}", {slot: cursor})
                if answer.exactly() != made_up.exactly():
                    self.fault(operation, seat, f"cursor of {giver.name}", answer, "is not", made_up)
        self.cell(str(slot), seat)
        if _has_one_row(operation, seat):
            return
        own = self.own(operation, seat)
        mine = self.cursor_of(operation, seat, own)
        self.succeed(operation, seat, own, "own cursor", {slot: mine}, again=True)
        other = next(one for one in LISTS if one != operation.path)
        elsewhere = self.calls.send(Request("GET", other, {"cursor": mine}), **seat.headers)
        if elsewhere.status not in (403, 422):
            self.fault(operation, seat, f"own cursor at {other}", elsewhere, "was not refused")

    def cursor_of(self, operation: Operation, seat: Seat, mine: Own | None = None) -> str:
        """The cursor that a list gives its own caller, who has two rows in it."""
        own = mine or self.own(operation, seat)
        answer = self.prepare(operation, seat, own, {}, limit="1")
        cursor = answer.json().get("next_cursor") if answer.is_done else None
        if cursor is None:
            self.fault(operation, seat, "a list of two rows", answer, "has no next_cursor: see tests/walls/things.py")
        return str(cursor)

    def try_version(self, operation: Operation, seat: Seat, slot: Slot) -> None:
        """The version of a foreign thing says nothing; neither does it fit one's own."""
        own = self.own(operation, seat)
        targets = [one for one in operation.slots_of("path") if one.is_id]
        them = self.credentials.doer(self.world.their_office)
        their_etag = self.etag_of(operation, them, self.own(operation, them, fresh=False))
        if targets:
            target = targets[0]
            theirs = self.world.theirs(target.kind).keep(target.kind)
            made_up_id, what = new_id(target.kind), f"{slot} of theirs at theirs"
            made_up = self.send(operation, seat, own, f"{slot} at a made-up id", {target: made_up_id, slot: '"x"'})
            answer = self.send(operation, seat, own, what, {target: theirs, slot: their_etag})
            if answer.exactly() != made_up.exactly():
                self.fault(operation, seat, what, answer, "is not", made_up)
        my_etag = self.etag_of(operation, seat, own)
        if their_etag == my_etag:
            their_etag = '"y"'  # what looks alike has the same version, and tells nothing
        foreign = self.send(operation, seat, own, f"{slot} of theirs at own", {slot: their_etag})
        unknown = self.send(operation, seat, own, f"{slot} of nobody at own", {slot: '"x"'})
        if foreign.exactly() != unknown.exactly():
            self.fault(operation, seat, f"{slot} of theirs at own", foreign, "is not", unknown)
        if operation.changes:
            if operation.name in BEFORE:
                BEFORE[operation.name](self.calls, self.credentials.doer(seat.place), own)
                my_etag = self.etag_of(operation, seat, own)
            self.succeed(operation, seat, own, f"own {slot}", {slot: my_etag}, again=True)
        self.cell(str(slot), seat)

    def etag_of(self, operation: Operation, seat: Seat, own: Own) -> str:
        """The version of the caller's own thing."""
        of_thing = f"GET {operation.path}" in self.document.list_names()
        path = operation.path if of_thing else operation.path.rpartition("/")[0]  # of a verb, the thing that it is of
        looking = Operation("GET", path, None, None, None, tuple(operation.slots_of("path")), ())
        answer = self.calls.send(self.write(looking, own), **seat.headers)
        return answer.headers.get("etag", '"none"')

    def try_request_key(self, operation: Operation, seat: Seat, slot: Slot) -> None:
        """A request's key belongs to its caller: the same key of another is another key."""
        for giver in self.others(operation, seat):
            if ("key", giver.name) not in self.given:
                self.given["key", giver.name] = os.urandom(8).hex()
                values = {slot: self.given["key", giver.name]}
                self.prepare(operation, giver, self.own(operation, giver), values)
            key, what = self.given["key", giver.name], f"key of {giver.name}"
            answer = self.succeed(operation, seat, self.own(operation, seat), what, {slot: key})
            if "idempotent-replayed" in answer.headers:
                self.fault(operation, seat, what, answer, "was another's answer")
        self.cell(str(slot), seat)

    def others(self, operation: Operation, seat: Seat) -> list[Seat]:
        """Who else calls an operation: the other brand, and for a store another store and head office."""
        places = [self.world.their_office, *([self.world.b, self.world.office] if seat.is_stores else [])]
        doers = [self.credentials.doer(place) for place in places]
        return [one for one in doers if one.may(operation.permission)]

    def own_kind(self, operation: Operation, slot: Slot) -> str:
        """A thing is not put into itself: where the path or the body names one of the same kind, a further one."""
        others = {one.kind for one in (*operation.slots_of("path"), *operation.slots_of("body")) if one != slot}
        return f"{slot.kind}#3" if slot.where == "body" and slot.kind in others else slot.kind

    # -- those who may not

    def try_weak(self, operation: Operation, seat: Seat, status: int) -> None:
        """Every place at once: own ids, theirs and made-up ones are refused alike, before anyone has looked at them."""
        slots = [slot for slot in operation.slots if slot.is_id or slot.is_key]
        own = self.own(operation, seat, fresh=False)
        world = self.world
        answers: list[Answer] = []
        ways: list[tuple[str, Callable[[str], str]]] = [
            ("made-up", new_id),
            ("their", lambda kind: world.theirs(kind).keep(kind)),
        ]
        if status == 403:
            ways.append(("own", own))
        for whose, find in ways:
            values = {slot: find(slot.kind) if slot.is_id else new_key(slot.kind) for slot in slots}
            answers.append(self.send(operation, seat, own, f"{whose} ids", values))
            if not slots:
                break
        for answer in answers:
            if answer.status != status:
                self.fault(operation, seat, "all ids", answer, f"is not {status}")
            elif answer.exactly() != answers[0].exactly():
                self.fault(operation, seat, "all ids", answer, "is not", answers[0])
        for slot in operation.slots:
            self.cell(str(slot), seat)
        self.cell(WHOLE, seat)

    # -- what they have in common

    def own(self, operation: Operation, seat: Seat, *, fresh: bool | None = None) -> Own:
        """The caller's own ids for one request, or for several that are refused."""
        wants_fresh = (operation.changes or operation.name in BEFORE) if fresh is None else fresh
        place: Place = seat.place
        keys: dict[str, Callable[[], str]] = {
            "owner": lambda: place.store_id if place.store else "",
            "~own_coupon_code": lambda: place.make_key("~coupon_code"),
            "~own_referral_code": lambda: place.make_key("~referral_code"),
        }

        def make(kind: str) -> str:
            if kind.startswith("~"):
                return self.world.own_key(place, kind)
            return self.world.own(place, kind, fresh=wants_fresh)

        return own_things(make, new_key, keys)

    def write(self, operation: Operation, own: Own, values: dict[Slot, str] | None = None) -> Request:
        """The request with the caller's own ids everywhere but in the places of `values`."""
        return self.writer.write(operation, own, values)

    def prepare(
        self, operation: Operation, seat: Seat, own: Own, values: dict[Slot, str], again: bool = False, **query: str
    ) -> Answer:
        """The answer to a request for which all has happened that must have; `again`: it has already."""
        if operation.name in BEFORE and not again:
            BEFORE[operation.name](self.calls, self.credentials.doer(seat.place), own)
        request = self.write(operation, own, values)
        if query:
            request = Request(request.method, request.path, {**request.query, **query}, request.body, request.headers)
        return self.calls.send(request, **seat.headers)

    def succeed(
        self, operation: Operation, seat: Seat, own: Own, what: str, values: dict[Slot, str], again: bool = False
    ) -> Answer:
        """The answer, which must be a success: so nothing but the foreign id was wrong with the other requests."""
        answer = self.prepare(operation, seat, own, values, again)
        self.inspect(operation, seat, what, self.write(operation, own, values), answer)
        if _is_refused(answer):
            self.fault(operation, seat, what, answer, "should succeed")
        return answer

    def send(self, operation: Operation, seat: Seat, own: Own, what: str, values: dict[Slot, str]) -> Answer:
        """The answer to a request, looked through for what is not the caller's."""
        request = self.write(operation, own, values)
        answer = self.calls.send(request, **seat.headers)
        self.inspect(operation, seat, what, request, answer)
        return answer

    def inspect(self, operation: Operation, seat: Seat, what: str, request: Request, answer: Answer) -> None:
        """Faults of an answer by itself: a 500, or a row of somebody else's."""
        self.found.statuses[f"{seat.name}: {what}"] = answer.status
        if answer.status >= 500:
            self.fault(operation, seat, what, answer, "is a fault of ours")
        said, text = request.text(), answer.content.decode(errors="replace")
        marks = [self.world.their_office.mark, self.world.x.mark]
        foreign = answer.ids() & self.their_ids
        if seat.is_stores:
            marks.append(self.world.b.mark)
            foreign |= answer.ids() & self.ids_of_b
        if foreign and not answer_repeats(said, foreign):
            self.fault(operation, seat, what, answer, f"shows ids of others: {sorted(map(str, foreign))}")
        if any(mark in text for mark in marks):
            self.fault(operation, seat, what, answer, "shows names of others")

    def cell(self, place: str, seat: Seat) -> None:
        """Tick off one cell."""
        self.found.cells.add((place, seat.name))

    def fault(
        self, operation: Operation, seat: Seat, what: str, answer: Answer, why: str, other: Answer | None = None
    ) -> None:
        """Note what is wrong."""

        def show(one: Answer) -> str:
            unlike = (
                ""
                if other is None
                else str(set(one.exactly()[2]) - set((other if one is answer else answer).exactly()[2]))
            )
            return f"{one.status} {unlike} {one.content.decode(errors='replace')[:200]}"

        than = f"\n      {show(other)}" if other else ""
        self.found.faults.append(f"{operation.name} as {seat.name}, {what}:\n      {show(answer)}\n      {why}{than}")


LISTS = ("/v1/stores", "/v1/coupons")
"""Two lists that every strong credential reads, to take a cursor from one to another."""

ONLY_LOOK = {
    "POST /v1/weather-rules/{rule_id}/evaluate",
    "POST /v1/campaigns/{campaign_id}/dry-run",
    "POST /v1/segments/preview",
    "POST /v1/message-templates/{message_template_id}/preview",
}
"""Operations that change nothing, though they are not GET."""

OWN_WORDS = {
    "PUT /v1/message-templates/{message_template_id}/blocks/{block_name}",
    "DELETE /v1/message-templates/{message_template_id}/blocks/{block_name}",
}
"""Operations by which a store says something of its own within what is head office's; that stays as it is."""

OWN_THINGS = {"POST /v1/coupons/{coupon_id}/copy", "POST /v1/weather-rules/{rule_id}/backtest"}
"""Operations that make a thing of the caller's own after one of head office's, which stays as it is."""


def _has_one_row(operation: Operation, seat: Seat) -> bool:
    return seat.is_stores and operation.name in purpose.ONE_ROW


def _only_looks(operation: Operation) -> bool:
    return operation.name in ONLY_LOOK | OWN_WORDS | OWN_THINGS


def answer_repeats(said: str, ids: Any) -> bool:
    """Whether every one of these ids stood in the request itself."""
    from tests.walls.calls import Answer as Said

    return set(ids) <= Said(0, {}, said.encode()).ids()


def _is_refused(answer: Answer) -> bool:
    """Whether nothing was done: an error, or a list of which every entry is one."""
    if answer.status >= 400:
        return True
    if not answer.content.startswith(b'{"items"'):
        return False
    items = answer.json()["items"]
    return bool(items) and all("index" in item and item["status"] in range(400, 500) for item in items)


def expected_cells(operation: Operation, seats: Seats) -> set[tuple[str, str]]:
    """Every place × every credential, counted apart from the trying."""
    callers = [*seats.strong, *seats.ended, *seats.without]
    return {(place, seat.name) for place in (WHOLE, *map(str, operation.slots)) for seat in callers}
