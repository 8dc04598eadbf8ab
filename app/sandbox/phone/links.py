"""What LINE does with a link that she taps or scans: pages, LIFF apps, friends to add, and the app's own doings."""

import re
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit

from app.sandbox.accounts.profiles import is_deleted
from app.sandbox.login.people import find_person
from app.sandbox.phone.views import show_account
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel

_LIFF_HOSTS = ("liff.line.me", "miniapp.line.me")
_BASIC_ID = re.compile(r"@[A-Za-z0-9._-]+")
_DOINGS = {"nv/camera": "camera", "nv/cameraRoll/single": "cameraRoll", "nv/cameraRoll/multi": "cameraRoll"}


def read_link(sandbox: Sandbox, person_no: int, link: str, chat: Channel | None) -> dict[str, Any]:
    """What a link leads to, as an object with `kind`.

    page {"url", "shown"}: to be opened in a frame or tab, `shown` being the address that people see · friend
    {"account"}: an account to add · words {"account", "text"}: words for a chat with it · call {"number"} ·
    location, camera, cameraRoll: she is to send one · unknown.
    """
    link = link.strip()
    if _BASIC_ID.fullmatch(link):
        return _friend(sandbox, person_no, link)
    parts = urlsplit(link)
    if parts.scheme == "tel":
        return {"kind": "call", "number": parts.path}
    if parts.scheme == "line" or parts.hostname == "line.me":
        path = f"{parts.netloc}{parts.path}" if parts.scheme == "line" else parts.path
        return _read_own(sandbox, person_no, unquote(path.strip("/").removeprefix("R/")), unquote(parts.query))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return {"kind": "unknown"}
    query = {"url": link} | ({"chat": chat.channel_id} if chat else {})
    opener = f"/phone/{quote(sandbox.world.person_ids[person_no], safe='')}/open?{urlencode(query)}"
    return {"kind": "page", "url": opener, "shown": link}


def find_page(sandbox: Sandbox, link: str, chat: str | None) -> str | None:
    """The address that a browser is to be sent to for a link; None if no browser can open it.

    LIFF apps open at the sandbox, which asks her what it has to ask.
    """
    parts = urlsplit(link)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    if parts.hostname not in _LIFF_HOSTS:
        return link
    liff_id = parts.path.strip("/").partition("/")[0]
    found = sandbox.login.find_app(liff_id)
    account = sandbox.world.channels.get(chat or "")
    query = parts.query
    if found is not None and account is not None and account.provider_id == found[0].provider_id:
        query += ("&" if query else "") + urlencode({"chat": account.channel_id})
    return f"/liff{parts.path}" + (f"?{query}" if query else "")


def _read_own(sandbox: Sandbox, person_no: int, path: str, query: str) -> dict[str, Any]:
    """A link to something in LINE itself."""
    if path in _DOINGS:
        return {"kind": _DOINGS[path]}
    if path == "nv/location":
        return {"kind": "location"}
    if path.startswith(("ti/p/", "oaMessage/")):
        found = _friend(sandbox, person_no, path.removeprefix("ti/p/").removeprefix("oaMessage/").strip("/"))
        is_words = path.startswith("oaMessage/") and found["kind"] == "friend"
        return {**found, "kind": "words", "text": query.removeprefix("?")} if is_words else found
    return {"kind": "unknown"}


def _friend(sandbox: Sandbox, person_no: int, basic_id: str) -> dict[str, Any]:
    wanted = "@" + basic_id.lstrip("@").lower()
    for channel in sandbox.world.channels_by_no:
        known = (channel.basic_id, channel.premium_id or channel.basic_id)
        if wanted in ("@" + each.lstrip("@").lower() for each in known):
            return {"kind": "friend", "account": show_account(sandbox, channel, person_no)}
    return {"kind": "unknown"}


def find_accounts(sandbox: Sandbox, person_no: int, words: str, most: int = 20) -> list[dict[str, Any]]:
    """Accounts whose name or basic id has these words; all are found by none."""
    wanted = words.strip().lower()
    found = (
        channel
        for channel in sandbox.world.channels_by_no
        if wanted in channel.display_name.lower() or wanted in channel.basic_id.lower()
    )
    return [show_account(sandbox, channel, person_no) for channel, _ in zip(found, range(most), strict=False)]


def find_people(sandbox: Sandbox, words: str, start: int, stop: int) -> list[int]:
    """Numbers of people between two numbers whose name or id has these words."""
    wanted = words.strip().lower()
    known = sandbox.world
    return [
        no
        for no in range(start, min(stop, len(known.person_ids)))
        if (wanted in known.person_names[no].lower() or wanted in known.person_ids[no].lower())
        and not is_deleted(sandbox, no)
    ]


def find_exactly(sandbox: Sandbox, words: str) -> int | None:
    """The number of the person with this id or user id."""
    return find_person(sandbox, words.strip())
