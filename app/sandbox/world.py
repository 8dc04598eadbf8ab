"""Who exists: providers, channels, people, and who is a friend of which channel.

People are rows in columns, not objects: a person is a number, so that a million of them fit beside a million
deliveries. A channel stands for the Messaging API channel and its LINE official account in one.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

USER_ID = re.compile(r"U[0-9a-f]{32}")
CHATTED_SECONDS = 7 * 24 * 3600
"""How long an account may push to someone who wrote to it without being a friend."""
FOLLOWS, STRANGER, BLOCKS = 1, 0, -1
"""What a person is to an account."""
DELETED = "deleted"
"""The trait of those whose LINE account is gone for good."""


class Impossible(ValueError):
    """What was asked contradicts the world; the text says how."""


@dataclass(slots=True)
class Changes:
    """What happened to what there is a million of, in order, until it is written down.

    A change says what is now, not what was added, so that one that is read twice does no harm. Each is
    a name and its values; storage.py lists them.
    """

    kept: bool = False
    """Whether there is a file to write them to."""
    pending: list[tuple[Any, ...]] = field(default_factory=list)

    def note(self, *change: Any) -> None:
        if self.kept:
            self.pending.append(change)


@dataclass(slots=True)
class Provider:
    """LINE's owner of user ids: one person has one id in it, another elsewhere."""

    id: str
    name: str
    user_ids: list[str] = field(default_factory=list)
    """By person number."""
    numbers: dict[str, int] = field(default_factory=dict)
    """By user id."""


@dataclass(slots=True)
class Channel:
    """A Messaging API channel with its official account."""

    no: int
    channel_id: str
    provider_id: str
    channel_secret: str
    channel_access_token: str
    """Long-lived: never expires."""
    bot_user_id: str
    basic_id: str
    display_name: str
    login_channel_id: str | None = None
    webhook_url: str | None = None
    webhook_active: bool = True
    webhook_redelivery: bool = False
    standby: bool = False
    """Another channel of the account has its chats: this one hears all and may answer nothing."""
    greeting: str | None = None
    """What LINE's manager says to whoever adds or unblocks the account, beside whatever the webhook's owner says."""
    auto_response: str | None = None
    """What it answers to each message, likewise."""
    premium_id: str | None = None
    picture: bool = True
    """Whether it has a profile picture."""
    chat: bool = False
    """Whether people are answered by hand in LINE's manager, beside the webhook."""
    verified: bool = True
    quota: int | None = None
    """Messages it may send in a month; None is no limit."""
    used: dict[str, int] = field(default_factory=dict)
    """Messages sent by month."""
    friends: dict[str, int] = field(default_factory=dict)
    """User id → person number, of those who follow and do not block. The hot path reads only this."""
    blocked: dict[str, int] = field(default_factory=dict)
    wrote_at: dict[str, float] = field(default_factory=dict)
    """When someone last wrote in the chat, by user id."""

    def hears(self, user_id: str, now: float) -> bool:
        """Whether a push to this person reaches her: friends, and for a week those who wrote without being one."""
        if user_id in self.friends:
            return True
        return user_id not in self.blocked and now - self.wrote_at.get(user_id, 0.0) < CHATTED_SECONDS


_NOT_IN_ROW = ("friends", "blocked", "wrote_at", "used")
ROW_FIELDS = tuple(each.name for each in fields(Channel) if each.name not in _NOT_IN_ROW)


def channel_row(channel: Channel) -> dict[str, Any]:
    """All of a channel but its ties and its use of the quota."""
    return {name: getattr(channel, name) for name in ROW_FIELDS}


CHANNEL_SETTINGS: Mapping[str, type | tuple[type, ...]] = {
    "channel_secret": str,
    "channel_access_token": str,
    "bot_user_id": str,
    "basic_id": str,
    "display_name": str,
    "login_channel_id": (str, type(None)),
    "webhook_url": (str, type(None)),
    "webhook_active": bool,
    "webhook_redelivery": bool,
    "standby": bool,
    "greeting": (str, type(None)),
    "auto_response": (str, type(None)),
    "premium_id": (str, type(None)),
    "picture": bool,
    "chat": bool,
    "verified": bool,
    "quota": (int, type(None)),
}


class Tie(StrEnum):
    """What changed between a person and an account."""

    FOLLOWED = "followed"
    UNBLOCKED = "unblocked"
    BLOCKED = "blocked"


@dataclass(slots=True)
class World:
    """Everything that outlives a reset. People and ties change through the functions below, which note it."""

    providers: dict[str, Provider] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    channels_by_no: list[Channel] = field(default_factory=list)
    person_ids: list[str] = field(default_factory=list)
    person_names: list[str] = field(default_factory=list)
    person_numbers: dict[str, int] = field(default_factory=dict)
    traits: dict[str, dict[int, Any]] = field(default_factory=dict)
    """What few people have: by name of the trait and person number, as JSON. Change it by `set_trait`."""
    version: int = 0
    """Grows with every change that is not in `changes`, so that saving knows whether to look for one."""
    changes: Changes = field(default_factory=Changes)
    clears: int = 0
    """How often everybody was forgotten."""

    def clear(self) -> None:
        """Nobody and nothing any more."""
        self.providers.clear()
        self.channels.clear()
        self.channels_by_no.clear()
        self.person_ids.clear()
        self.person_names.clear()
        self.person_numbers.clear()
        self.traits.clear()
        self.clears += 1
        self.version += 1
        self.changes.note("clear")


def derive(kind: str, *parts: str) -> str:
    """32 hex digits that are always the same for the same parts."""
    return hmac.new(kind.encode(), "\0".join(parts).encode(), hashlib.sha256).hexdigest()[:32]


def derive_user_id(provider_id: str, person_id: str) -> str:
    """The user id of someone to whom the caller gave none: the same in every sandbox."""
    return "U" + derive("user", provider_id, person_id)


def put_provider(world: World, provider_id: str, name: str | None = None) -> Provider:
    """The provider, made or renamed; everybody gets an id in a new one."""
    provider = world.providers.get(provider_id)
    if provider is None:
        provider = world.providers[provider_id] = Provider(provider_id, name or provider_id)
        for no, person_id in enumerate(world.person_ids):
            _give_id(provider, no, derive_user_id(provider_id, person_id))
        world.changes.note("provider", provider_id, provider.name)
    elif name is not None and name != provider.name:
        provider.name = name
        world.changes.note("provider", provider_id, name)
    return provider


def put_channel(
    world: World, channel_id: str, provider_id: str | None, settings: Mapping[str, Any], month: str
) -> Channel:
    """The channel, made or changed in the settings that are given.

    `used` is what the account had sent this month before the sandbox knew of it; it counts for a new channel only.
    Raises Impossible for a new channel without a provider, and for one that would move to another provider.
    """
    channel = world.channels.get(channel_id)
    if channel is None:
        if provider_id is None:
            raise Impossible(f"channel {channel_id} is new and needs a provider_id")
        put_provider(world, provider_id)
        channel = Channel(
            no=len(world.channels_by_no),
            channel_id=channel_id,
            provider_id=provider_id,
            channel_secret=derive("secret", channel_id),
            channel_access_token="sandbox-" + derive("token", channel_id),
            bot_user_id="U" + derive("bot", channel_id),
            basic_id="@" + derive("basic", channel_id)[:8],
            display_name=channel_id,
            used={month: int(settings.get("used") or 0)},
        )
        world.channels[channel_id] = channel
        world.channels_by_no.append(channel)
    elif provider_id not in (None, channel.provider_id):
        raise Impossible(f"channel {channel_id} belongs to provider {channel.provider_id} and can never move")
    for name, types in CHANNEL_SETTINGS.items():
        if name in settings:
            if not isinstance(settings[name], types):
                raise Impossible(f"channel {channel_id}: {name} has the wrong type")
            setattr(channel, name, settings[name])
    world.changes.note("channel", channel_row(channel))
    world.version += 1
    return channel


def put_person(world: World, person_id: str, name: str | None, line_user_ids: Mapping[str, str]) -> int:
    """The number of this person, new or known; providers for which no id is given get a derived one.

    Raises Impossible if an id is malformed, belongs to someone else, or differs from the one she has.
    """
    for provider_id, user_id in line_user_ids.items():
        if not isinstance(user_id, str) or not USER_ID.fullmatch(user_id):
            raise Impossible(f"person {person_id}: {user_id!r} is not a LINE user id")
        put_provider(world, provider_id)
        owner = world.providers[provider_id].numbers.get(user_id)
        if owner is not None and owner != world.person_numbers.get(person_id):
            raise Impossible(f"{user_id} in provider {provider_id} is {world.person_ids[owner]}, not {person_id}")
    no = world.person_numbers.get(person_id)
    if no is not None:
        for provider_id, user_id in line_user_ids.items():
            if world.providers[provider_id].user_ids[no] != user_id:
                raise Impossible(f"person {person_id} has another id in provider {provider_id}, for ever")
        if name is not None and name != world.person_names[no]:
            world.person_names[no] = name
            world.changes.note("name", no, name)
        return no
    no = len(world.person_ids)
    world.person_ids.append(person_id)
    world.person_names.append(name if name is not None else person_id)
    world.person_numbers[person_id] = no
    for provider in world.providers.values():
        _give_id(provider, no, line_user_ids.get(provider.id) or derive_user_id(provider.id, person_id))
    if world.changes.kept:
        user_ids = {provider.id: provider.user_ids[no] for provider in world.providers.values()}
        world.changes.note("person", no, person_id, world.person_names[no], user_ids)
    return no


def set_trait(world: World, no: int, name: str, value: Any) -> None:
    """Give a person something that few have, such as a language that is not Japanese; None takes it away."""
    if value is None:
        world.traits.get(name, {}).pop(no, None)
    else:
        world.traits.setdefault(name, {})[no] = value
    world.changes.note("trait", name, no, value)


def _give_id(provider: Provider, no: int, user_id: str) -> None:
    provider.user_ids.append(user_id)
    provider.numbers[user_id] = no


def seed_ties(world: World, no: int, follows: Sequence[str], blocks: Sequence[str]) -> None:
    """Friends and blockers as they are found at the start: no event goes out, and a tie that exists is kept.

    Whoever has deleted her LINE account gets none.
    """
    if no in world.traits.get(DELETED, {}):
        return
    for channel_ids, blocking in ((follows, False), (blocks, True)):
        for channel_id in channel_ids:
            channel = world.channels.get(channel_id)
            if channel is None:
                raise Impossible(f"person {world.person_ids[no]}: there is no channel {channel_id}")
            user_id = user_id_in(world, channel, no)
            if user_id not in channel.friends and user_id not in channel.blocked:
                set_tie(world, channel, no, BLOCKS if blocking else FOLLOWS)


def set_tie(world: World, channel: Channel, no: int, tie: int) -> None:
    """Make this person a friend of the channel, one who blocks it, or neither."""
    user_id = user_id_in(world, channel, no)
    channel.friends.pop(user_id, None)
    channel.blocked.pop(user_id, None)
    if tie != STRANGER:
        (channel.friends if tie == FOLLOWS else channel.blocked)[user_id] = no
    world.changes.note("tie", channel.no, no, tie)


def write(world: World, channel: Channel, no: int, at: float) -> None:
    """She writes in the chat: for a week she can be pushed to, friend or not."""
    channel.wrote_at[user_id_in(world, channel, no)] = at
    world.changes.note("wrote", channel.no, no, at)


def user_id_in(world: World, channel: Channel, no: int) -> str:
    """The user id that this channel knows the person by."""
    return world.providers[channel.provider_id].user_ids[no]


def follow(world: World, channel: Channel, no: int) -> Tie | None:
    """She adds the account as a friend. None if she had already; adding a blocked account unblocks it."""
    user_id = user_id_in(world, channel, no)
    if user_id in channel.friends:
        return None
    was_blocked = user_id in channel.blocked
    set_tie(world, channel, no, FOLLOWS)
    return Tie.UNBLOCKED if was_blocked else Tie.FOLLOWED


def block(world: World, channel: Channel, no: int) -> Tie | None:
    """She blocks the account. None if she is no friend of it."""
    if user_id_in(world, channel, no) not in channel.friends:
        return None
    set_tie(world, channel, no, BLOCKS)
    return Tie.BLOCKED


def unblock(world: World, channel: Channel, no: int) -> Tie | None:
    """She lifts her block. None if there was none."""
    if user_id_in(world, channel, no) not in channel.blocked:
        return None
    return follow(world, channel, no)
