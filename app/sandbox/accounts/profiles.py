"""What LINE shows of a person or an account: name, language, picture, status; and that somebody is gone.

Of a million people few differ from the rest, so what differs stands among the traits: `language` (Japanese unless it
says otherwise, "" for someone who accepted no privacy policy), `picture` (false for none), `status_message`, `deleted`.
"""

import hashlib
from html import escape
from typing import Any

import regex

from app.sandbox import world
from app.sandbox.state import Sandbox
from app.sandbox.world import DELETED, STRANGER, Channel

LANGUAGE, PICTURE, STATUS = "language", "picture", "status_message"
DEFAULT_LANGUAGE = "ja"
PICTURE_PATH = "/pictures/"


def picture_url(base_url: str, user_id: str) -> str:
    """The address of the picture of a person or an account; always the same."""
    return f"{base_url.rstrip('/')}{PICTURE_PATH}{user_id}.svg"


def describe(sandbox: Sandbox, person_no: int, user_id: str, base_url: str) -> dict[str, str]:
    """A person as LINE describes her to those who may know her. What she does not have is left out."""
    traits = sandbox.world.traits
    shown = {"displayName": sandbox.world.person_names[person_no], "userId": user_id}
    language = traits.get(LANGUAGE, {}).get(person_no, DEFAULT_LANGUAGE)
    if language:
        shown["language"] = language
    if traits.get(PICTURE, {}).get(person_no, True):
        shown["pictureUrl"] = picture_url(base_url, user_id)
    status = traits.get(STATUS, {}).get(person_no)
    if status:
        shown["statusMessage"] = status
    return shown


def describe_account(channel: Channel, base_url: str) -> dict[str, str]:
    """An account as LINE describes it to itself."""
    shown = {"userId": channel.bot_user_id, "basicId": channel.basic_id, "displayName": channel.display_name}
    if channel.premium_id is not None:
        shown["premiumId"] = channel.premium_id
    if channel.picture:
        shown["pictureUrl"] = picture_url(base_url, channel.bot_user_id)
    # Who chats by hand says by hand what was read.
    modes = ("chat", "manual") if channel.chat else ("bot", "auto")
    return {**shown, "chatMode": modes[0], "markAsReadMode": modes[1]}


def is_deleted(sandbox: Sandbox, person_no: int) -> bool:
    """Whether she has deleted her LINE account, which is for good."""
    return person_no in sandbox.world.traits.get(DELETED, {})


def delete(sandbox: Sandbox, person_no: int) -> None:
    """She deletes her LINE account: no webhook tells it, and what is sent to her is lost in silence.

    The trait keeps whose friend she had ever been, as their `followers` never fall.
    """
    tied_to = []
    for channel in sandbox.world.channels_by_no:
        user_id = world.user_id_in(sandbox.world, channel, person_no)
        if user_id in channel.friends or user_id in channel.blocked:
            tied_to.append(channel.no)
            world.set_tie(sandbox.world, channel, person_no, STRANGER)
        if user_id in channel.wrote_at:
            world.write(sandbox.world, channel, person_no, 0.0)  # So long ago that it counts no more.
    world.set_trait(sandbox.world, person_no, DELETED, tied_to)


def find_name(sandbox: Sandbox, user_id: str) -> str | None:
    """Whose picture this is: the name of the person, account or group with this id."""
    for provider in sandbox.world.providers.values():
        person_no = provider.numbers.get(user_id)
        if person_no is not None:
            shown = sandbox.world.traits.get(PICTURE, {}).get(person_no, True) and not is_deleted(sandbox, person_no)
            return sandbox.world.person_names[person_no] if shown else None
    for channel in sandbox.world.channels_by_no:
        if channel.bot_user_id == user_id:
            return channel.display_name if channel.picture else None
    group = sandbox.groups.by_id.get(user_id)
    return group.name if group is not None and group.picture else None


def draw(user_id: str, name: str) -> bytes:
    """A picture: the first letter of the name on a colour of her own, as SVG."""
    first: Any = regex.match(r"\X", name.strip())
    letter, hue = escape(first[0] if first else "?"), int(hashlib.blake2s(user_id.encode()).hexdigest()[:4], 16) % 360
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 200" width="200" height="200">'
        f'<rect width="200" height="200" fill="hsl({hue} 45% 45%)"/>'
        '<text x="100" y="104" font-family="sans-serif" font-size="104" fill="#fff" text-anchor="middle"'
        f' dominant-baseline="central">{letter}</text></svg>'
    ).encode()
