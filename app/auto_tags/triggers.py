"""What makes an auto-tag tag: something that people do, or a rule of segments that chooses them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from app.auto_tags import queries
from app.auto_tags.models import AutoTag
from app.customers.models import Tag
from app.events.models import Event
from app.segments.compiler import compile_rule
from app.segments.fields.events import Did
from app.segments.naming import Named, look_up
from app.segments.rules import list_leaves, parse_rule
from tenants.problems import Invalid
from tenants.session import ScopedSession, as_seen_by

NOBODYS: Final = (
    "campaign.ended", "run.finished", "sending.stopped", "sending.resumed", "weather.decided", "import.finished",
    "customer.erased",
)  # fmt: skip
"""Types of events that are of no customer, or of none who could be tagged."""
_COUNTING: Final = ("orders_delta", "visits_delta")


def read_trigger(session: ScopedSession, trigger: Mapping[str, Any], tag: Tag, now: datetime, at: str) -> None:
    """Look a trigger over, with the eyes of the store whose tag it puts on. Raises Invalid with pointers below `at`."""
    kinds = [kind for kind in ("event", "rule") if trigger.get(kind) is not None]
    if len(kinds) != 1:
        raise Invalid.at(at, "Must hold exactly one of event and rule.")
    with as_seen_by(session, tag.store_no) as inside:
        if kinds == ["event"]:
            did = read_event(trigger["event"], f"{at}/event")
            named = look_up(inside, ((kind, reference.key) for kind, reference in did.named()))
            for kind, reference in did.named():
                if reference.key not in named.things[kind]:
                    raise Invalid.at(reference.at.replace("/event/value", "/event", 1), "There is no such thing.")
        else:
            compile_rule(inside, trigger["rule"], now, at=f"{at}/rule")


def read_event(document: object, at: str) -> Did:
    """The event that a trigger waits for: a type, and perhaps members of its data, stores and accounts.

    It is written as the value of the field `event` in a rule, but for `within_days` and `at_least`: it acts at once.
    """
    if isinstance(document, dict):
        extra = sorted({"within_days", "at_least"} & document.keys())
        if extra:
            raise Invalid([{"pointer": f"{at}/{name}", "detail": "Is not known here."} for name in extra])
    try:
        leaf = parse_rule({"field": "event", "op": "did", "value": document}, at)
    except Invalid as wrong:
        errors = [{**error, "pointer": error["pointer"].replace(f"{at}/value", at, 1)} for error in wrong.errors]
        raise Invalid(errors) from wrong
    if not isinstance(leaf, Did):
        raise TypeError("The field `event` reads as something else.")
    if leaf.type in NOBODYS:
        raise Invalid.at(f"{at}/type", "Nobody is tagged by it: an event of this type is of no customer.")
    return leaf


def is_met(did: Did, event: Event, named: Named, store_no: int | None) -> bool:
    """Whether an event is the one that a trigger waits for; of a store's trigger it must have happened there.

    An order or a visit that is only taken away, or of which no more than the amount changed, is none.
    """
    if event.type != did.type or event.customer_id is None:
        return False
    if any(event.data.get(name, 1) < 1 for name in _COUNTING):
        return False
    if store_no is not None and event.store_no != store_no:
        return False
    if did.stores and event.store_no not in _nos(named, "store", did):
        return False
    if did.accounts and event.account_no not in _nos(named, "acc", did):
        return False
    wanted = json.loads(did.where) if did.where is not None else {}
    return all(name in event.data and _is_same(event.data[name], value) for name, value in wanted.items())


def _nos(named: Named, kind: str, did: Did) -> set[int]:
    found = named.things.get(kind, {})
    return {
        no
        for one, reference in did.named()
        if one == kind and reference.key in found
        for no in found[reference.key].nos
    }


def _is_same(one: Any, other: Any) -> bool:
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def refuse_circle(
    session: ScopedSession, rule: object, tag: Tag, now: datetime, at: str, within: AutoTag | None = None
) -> None:
    """Raises Invalid where a rule asks for the tag that it is to put on, itself or through segments and auto-tags."""
    others = [one for one in queries.list_rule_triggers(session) if within is None or one.id != within.id]
    tag_nos = queries.map_tag_nos(session, [one.tag_id for one in others])
    led_to: dict[int, set[int]] = {}
    for other in others:
        if other.tag_id in tag_nos:
            named = _named_nos(session, other.trigger["rule"], now, "", ())
            led_to.setdefault(tag_nos[other.tag_id], set()).update(no for _, nos in named for no in nos)
    for pointer, nos in _named_nos(session, rule, now, at, ()):
        if tag.no in _reached(nos, led_to):
            raise Invalid.at(pointer, "Leads back to the tag that this auto-tag puts on.")


def _reached(nos: set[int], led_to: Mapping[int, set[int]]) -> set[int]:
    """These tags and all that their auto-tags ask for, and so on."""
    reached: set[int] = set()
    ahead = list(nos)
    while ahead:
        no = ahead.pop()
        if no not in reached:
            reached.add(no)
            ahead += led_to.get(no, ())
    return reached


def _named_nos(
    session: ScopedSession, rule: object, now: datetime, at: str, path: Sequence[Any]
) -> Iterator[tuple[str, set[int]]]:
    """The tags that a rule asks for, itself or through segments, each with the pointer of what names them."""
    compiled = compile_rule(session, rule, now, at=at, skip_unseen=True)
    for leaf in list_leaves(compiled.tree):
        for kind, reference in leaf.named():
            if kind == "tag":
                yield reference.at, compiled.asked.nos("tag", [reference])
            segment = compiled.asked.named.segments.get(reference.key) if kind == "seg" else None  # type: ignore[arg-type]
            if segment is not None and segment.id not in path:
                for _, nos in _named_nos(session, segment.rule, now, "", (*path, segment.id)):
                    yield reference.at, nos
