"""Sending one batch: by multicast where everybody gets the same, else by one push for each person."""

import asyncio
import re
from collections.abc import Sequence
from uuid import UUID

from app.links.rewriting import stamp
from app.messaging.answers import Meaning
from app.messaging.batches import Outcome, Person, TakenBatch
from app.messaging.calls import Channel, half_keys, person_key
from app.messaging.render import ATTRIBUTES, Template, Unfillable, write_attribute

PUSHES_AT_ONCE = 64
"""In one batch."""
_LINE_USER_ID = re.compile(r"U[0-9a-f]{32}")


async def multicast_all(channel: Channel, batch: TakenBatch, template: Template) -> Outcome:
    """Send one content to all people of a batch."""
    outcome = Outcome()
    sendable = [one for one in batch.people if _is_sendable(one, outcome)]
    if sendable:
        try:
            messages = template.render(_shared_values(batch) | _values(batch, sendable[0]))
        except Unfillable as error:
            outcome.failures.extend((one.customer_id, str(error)) for one in sendable)
            return outcome
        messages = _complete(batch, messages, batch.tagger.of_account(batch.account_no) if batch.tagger else None)
        await _multicast(channel, batch, sendable, messages, batch.retry_key, outcome)
    if outcome.hold is not None:
        # The keys of halves come from that of the whole, so a batch that was begun is not parted any more.
        everybody = [one.customer_id for one in batch.people]
        is_untouched = not outcome.hold.may_have_arrived and not outcome.is_halved
        outcome.untried, outcome.unclear = (everybody, []) if is_untouched else ([], everybody)
    return outcome


async def _multicast(
    channel: Channel,
    batch: TakenBatch,
    people: Sequence[Person],
    messages: bytes,
    retry_key: UUID,
    outcome: Outcome,
) -> None:
    """Send to all of these; one malformed id fails all, so on 400 halve until the bad one stands alone."""
    if outcome.hold is not None:
        return
    answer = await channel.multicast(batch.run_id, [one.line_user_id for one in people], messages, retry_key)
    if answer.meaning is Meaning.DONE:
        outcome.request_id = outcome.request_id or answer.request_id
    elif answer.meaning is Meaning.INVALID and (len(people) == 1 or not answer.about_recipient):
        outcome.failures.extend((one.customer_id, answer.detail) for one in people)
    elif answer.meaning is Meaning.INVALID:
        outcome.is_halved = True
        middle = len(people) // 2
        first_key, second_key = half_keys(retry_key)
        await _multicast(channel, batch, people[:middle], messages, first_key, outcome)
        await _multicast(channel, batch, people[middle:], messages, second_key, outcome)
    else:
        outcome.hold = answer


async def push_all(channel: Channel, batch: TakenBatch, template: Template) -> Outcome:
    """Send each person of a batch her own content; her push has a key of its own, so a batch may be begun again."""
    outcome = Outcome()
    shared = _shared_values(batch)
    waiting = iter(batch.people)

    async def push_in_turn() -> None:
        for one in waiting:
            if outcome.hold is not None:
                outcome.untried.append(one.customer_id)
                continue
            if not _is_sendable(one, outcome):
                continue
            try:
                messages = template.render(shared | _values(batch, one))
            except Unfillable as error:
                outcome.failures.append((one.customer_id, str(error)))
                continue
            messages = _complete(batch, messages, batch.tagger.of_person(one.customer_id) if batch.tagger else None)
            key = person_key(batch.retry_key, one.customer_id)
            answer = await channel.push(batch.run_id, one.line_user_id, messages, key)
            if answer.meaning is Meaning.DONE:
                outcome.request_id = outcome.request_id or answer.request_id
            elif answer.meaning is Meaning.INVALID:
                outcome.failures.append((one.customer_id, answer.detail))
            else:
                (outcome.unclear if answer.may_have_arrived else outcome.untried).append(one.customer_id)
                if outcome.hold is None or answer.meaning is Meaning.HALTED:
                    outcome.hold = answer

    await asyncio.gather(*(push_in_turn() for _ in range(min(PUSHES_AT_ONCE, len(batch.people)))))
    return outcome


def _is_sendable(person: Person, outcome: Outcome) -> bool:
    """Whether she has a LINE id of LINE's form; else she is written down as failed."""
    if _LINE_USER_ID.fullmatch(person.line_user_id):
        return True
    outcome.failures.append((person.customer_id, "The LINE user id is malformed or erased."))
    return False


def _complete(batch: TakenBatch, messages: bytes, tag: bytes | None) -> bytes:
    """Rendered messages with their reader's tag in their addresses, and behind them the name LINE counts under."""
    if tag is not None:
        messages = stamp(messages, tag)
    return messages if batch.unit is None else messages + b',"customAggregationUnits":["' + batch.unit.encode() + b'"]'


def _shared_values(batch: TakenBatch) -> dict[str, str | None]:
    """What stands behind the variables that are the same for all people of a batch."""
    return {
        "brand.name": batch.brand_name,
        "coupon.name": batch.coupon_name,
        "coupon.url": batch.coupon_url,
        **(batch.store_values or {}),
    }


def _values(batch: TakenBatch, person: Person) -> dict[str, str | None]:
    """What stands behind those that are a person's own."""
    values = {
        "customer.name": person.name,
        "customer.member_number": person.member_number,
        "coupon.code": person.code,
        "coupon.expires_at": person.expires_at,
    }
    if batch.store_values is None:  # of runs frozen before the values of stores were kept with them
        values["store.name"] = person.store_name
    for name, value in (person.attributes or {}).items():
        if written := write_attribute(value):
            values[f"{ATTRIBUTES}{name}"] = written
    return values
