"""Groups and rooms: people who chat together, perhaps with one account among them, and the events that tell of it."""

from typing import Any

from app.sandbox import events
from app.sandbox.accounts.state import Group
from app.sandbox.events import Event
from app.sandbox.ids import quote_token
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel, derive, user_id_in


class NotPossible(Exception):
    """What cannot happen in a group; the text says why."""


def create(sandbox: Sandbox, name: str | None, people: list[int], *, picture: bool = True) -> Group:
    """A new group, or a room if it has no name."""
    letter = "R" if name is None else "C"
    group_id = letter + derive("group", str(len(sandbox.groups.by_id)), name or "")
    group = sandbox.groups.by_id[group_id] = Group(group_id, name, picture, people)
    sandbox.world.version += 1
    return group


def invite(sandbox: Sandbox, group: Group, channel: Channel) -> list[Event]:
    """Somebody takes the account in. Raises NotPossible."""
    if group.channel_no is not None:
        raise NotPossible("an account is in it already, and LINE lets in one at a time")
    group.channel_no, group.told = channel.no, not group.is_room
    sandbox.world.version += 1
    return [] if group.is_room else [_happened(sandbox, channel, group, "join")]


def leave(sandbox: Sandbox, group: Group, channel: Channel) -> list[Event]:
    """The account leaves, or is put out."""
    group.channel_no = None
    sandbox.world.version += 1
    return [_happened(sandbox, channel, group, "leave", answerable=False)]


def add(sandbox: Sandbox, group: Group, people: list[int]) -> list[Event]:
    """People come; those who are there already do not come again."""
    fresh = [no for no in dict.fromkeys(people) if no not in group.people]
    group.people += fresh
    sandbox.world.version += 1
    return _told(sandbox, group, "memberJoined", "joined", fresh)


def drop(sandbox: Sandbox, group: Group, people: list[int]) -> list[Event]:
    """People go."""
    gone = [no for no in group.people if no in people]
    group.people = [no for no in group.people if no not in people]
    sandbox.world.version += 1
    return _told(sandbox, group, "memberLeft", "left", gone)


def write(sandbox: Sandbox, group: Group, person_no: int, text: str) -> list[Event]:
    """Somebody in it writes. Raises NotPossible."""
    if person_no not in group.people:
        raise NotPossible("she is not in the group")
    if group.channel_no is None:
        return []
    channel = sandbox.world.channels_by_no[group.channel_no]
    number = sandbox.take_message_nos(1)
    message = {"id": str(number), "type": "text", "quoteToken": quote_token(number), "text": text}
    return _with_joining(
        sandbox, channel, group, _happened(sandbox, channel, group, "message", person_no=person_no, message=message)
    )


def forget(sandbox: Sandbox, person_no: int) -> None:
    """Take somebody whose LINE account is gone out of all groups; nobody is told."""
    for group in sandbox.groups.by_id.values():
        if person_no in group.people:
            group.people.remove(person_no)
            sandbox.world.version += 1


def _told(sandbox: Sandbox, group: Group, kind: str, name: str, people: list[int]) -> list[Event]:
    if group.channel_no is None or not people:
        return []
    channel = sandbox.world.channels_by_no[group.channel_no]
    members = [{"type": "user", "userId": user_id_in(sandbox.world, channel, no)} for no in people]
    changed: dict[str, Any] = {name: {"members": members}}
    event = _happened(sandbox, channel, group, kind, answerable=name == "joined", **changed)
    return _with_joining(sandbox, channel, group, event)


def _with_joining(sandbox: Sandbox, channel: Channel, group: Group, event: Event) -> list[Event]:
    if group.told:
        return [event]
    group.told = True
    return [_happened(sandbox, channel, group, "join"), event]


def _happened(
    sandbox: Sandbox,
    channel: Channel,
    group: Group,
    kind: str,
    *,
    person_no: int | None = None,
    answerable: bool = True,
    **members: Any,
) -> Event:
    user_id = None if person_no is None else user_id_in(sandbox.world, channel, person_no)
    return events.happened_in(
        sandbox, channel, group.source(user_id), kind, group_id=group.id if answerable else None, **members
    )
