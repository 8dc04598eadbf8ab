"""Sending one batch: by multicast where everybody gets the same, else by one push for each person."""

import asyncio
import re
from collections.abc import Sequence
from uuid import UUID

from app.messaging.answers import Meaning
from app.messaging.batches import Outcome, Person, TakenBatch
from app.messaging.calls import Channel, half_keys, person_key
from app.messaging.render import Template

PUSHES_AT_ONCE = 64
"""In one batch."""
_LINE_USER_ID = re.compile(r"U[0-9a-f]{32}")


async def multicast_all(channel: Channel, batch: TakenBatch, template: Template) -> Outcome:
    """Send one content to all people of a batch."""
    outcome = Outcome()
    sendable = [one for one in batch.people if _is_sendable(one, outcome)]
    if sendable:
        messages = template.render(_values(batch, sendable[0]))
        await _multicast(channel, sendable, messages, batch.retry_key, outcome)
    return outcome


async def _multicast(
    channel: Channel,
    people: Sequence[Person],
    messages: bytes,
    retry_key: UUID,
    outcome: Outcome,
) -> None:
    """Send to all of these; one malformed id fails all, so on 400 halve until the bad one stands alone."""
    answer = await channel.multicast([one.line_user_id for one in people], messages, retry_key)
    if answer.meaning is Meaning.DONE:
        outcome.request_id = outcome.request_id or answer.request_id
    elif answer.meaning is Meaning.INVALID and (len(people) == 1 or not answer.about_recipient):
        outcome.failures.extend((one.customer_id, answer.detail) for one in people)
    elif answer.meaning is Meaning.INVALID:
        middle = len(people) // 2
        first_key, second_key = half_keys(retry_key)
        await _multicast(channel, people[:middle], messages, first_key, outcome)
        await _multicast(channel, people[middle:], messages, second_key, outcome)
    else:
        outcome.hold = answer


async def push_all(channel: Channel, batch: TakenBatch, template: Template) -> Outcome:
    """Send each person of a batch her own content; her push has a key of its own, so a batch may be begun again."""
    outcome = Outcome()
    needs_code = "coupon.code" in template.variables
    waiting = iter(batch.people)

    async def push_in_turn() -> None:
        for one in waiting:
            if outcome.hold is not None:
                return
            if not _is_sendable(one, outcome):
                continue
            if needs_code and not one.code:
                outcome.failures.append((one.customer_id, "She holds no copy of the coupon."))
                continue
            messages = template.render(_values(batch, one))
            key = person_key(batch.retry_key, one.customer_id)
            answer = await channel.push(one.line_user_id, messages, key)
            if answer.meaning is Meaning.DONE:
                outcome.request_id = outcome.request_id or answer.request_id
            elif answer.meaning is Meaning.INVALID:
                outcome.failures.append((one.customer_id, answer.detail))
            else:
                outcome.hold = answer

    await asyncio.gather(*(push_in_turn() for _ in range(min(PUSHES_AT_ONCE, len(batch.people)))))
    return outcome


def _is_sendable(person: Person, outcome: Outcome) -> bool:
    """Whether she has a LINE id of LINE's form; else she is written down as failed."""
    if _LINE_USER_ID.fullmatch(person.line_user_id):
        return True
    outcome.failures.append((person.customer_id, "The LINE user id is malformed or erased."))
    return False


def _values(batch: TakenBatch, person: Person) -> dict[str, str | None]:
    """What stands behind each variable for one person of a batch."""
    return {
        "brand.name": batch.brand_name,
        "coupon.name": batch.coupon_name,
        "customer.name": person.name,
        "store.name": person.store_name,
        "coupon.code": person.code,
        "coupon.expires_at": person.expires_at,
    }
