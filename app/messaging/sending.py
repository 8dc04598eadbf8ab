"""Sending one batch: by multicast where everybody gets the same, else by one push for each person."""

import asyncio
import re

from app.links.rewriting import stamp
from app.messaging.answers import Meaning
from app.messaging.batches import Outcome, Person, TakenBatch
from app.messaging.calls import person_key
from app.messaging.channels import Channel
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
        to = [one.line_user_id for one in sendable]
        answer = await channel.send_many(batch.run_id, to, messages, batch.retry_key)
        if answer.meaning is Meaning.DONE:
            outcome.request_id = answer.request_id
        elif answer.meaning is not Meaning.INVALID:
            everybody = [one.customer_id for one in batch.people]
            outcome.hold = answer
            outcome.untried, outcome.unclear = ([], everybody) if answer.may_have_arrived else (everybody, [])
        elif answer.about_recipient and len(sendable) > 1:
            outcome.state, outcome.is_refused = None, True
        else:
            outcome.failures.extend((one.customer_id, answer.detail) for one in sendable)
    return outcome


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
            key = person_key(batch.retry_key, one.line_user_id)
            answer = await channel.send_one(batch.run_id, one.line_user_id, messages, key)
            if answer.meaning is Meaning.DONE:
                outcome.request_id = outcome.request_id or answer.request_id
            elif answer.meaning is Meaning.INVALID:
                outcome.failures.append((one.customer_id, answer.detail))
            else:
                (outcome.unclear if answer.may_have_arrived else outcome.untried).append(one.customer_id)
                if answer.meaning is Meaning.HALTED or outcome.hold is None:
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
        "coupon.line_id": batch.line_coupon_id,
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
