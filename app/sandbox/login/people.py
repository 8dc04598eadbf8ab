"""Who somebody is to LINE Login, and what she does there besides signing in."""

from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import Response

from app.sandbox import webhooks, world
from app.sandbox.accounts.profiles import describe, is_deleted
from app.sandbox.login.channels import LoginChannel
from app.sandbox.people_acts import ACTS
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel, derive

COOKIE = "sandbox_person"
"""Holds the id of who one was last; the pages of other parts may set it, too."""


def find_person(sandbox: Sandbox, text: str | None) -> int | None:
    """The number of the person with this id, or with this user id in any provider, unless she has left LINE."""
    if not text:
        return None
    numbers = [sandbox.world.person_numbers, *(provider.numbers for provider in sandbox.world.providers.values())]
    no = next((each[text] for each in numbers if text in each), None)
    return None if no is None or is_deleted(sandbox, no) else no


def remembered(sandbox: Sandbox, request: Request) -> int | None:
    """Who this browser was last."""
    return find_person(sandbox, unquote(request.cookies.get(COOKIE, "")))


def remember(response: Response, sandbox: Sandbox, person_no: int) -> None:
    """Have this browser know who it is."""
    response.set_cookie(COOKIE, quote(sandbox.world.person_ids[person_no], safe=""), httponly=True, samesite="lax")


def list_people(sandbox: Sandbox, first: int | None, most: int = 30) -> list[dict[str, str]]:
    """People to choose from, `first` before the others."""
    numbers = [*([] if first is None else [first]), *range(min(most, len(sandbox.world.person_ids)))]
    return [
        {"id": sandbox.world.person_ids[no], "name": sandbox.world.person_names[no]}
        for no in dict.fromkeys(numbers)
        if not is_deleted(sandbox, no)
    ]


def user_id_at(sandbox: Sandbox, channel: LoginChannel, person_no: int) -> str:
    """Her id in the provider of the Login channel: LINE's ids are pairwise."""
    return sandbox.world.providers[channel.provider_id].user_ids[person_no]


def claims_of(sandbox: Sandbox, channel: LoginChannel, person_no: int, scope: str, base_url: str) -> dict[str, str]:
    """What the scopes let a channel know of her, as an ID token says it; pictures are at `base_url`."""
    scopes = scope.split()
    claims = {"sub": user_id_at(sandbox, channel, person_no)}
    if "profile" in scopes:
        shown = describe(sandbox, person_no, claims["sub"], base_url)
        claims["name"] = shown["displayName"]
        if "pictureUrl" in shown:
            claims["picture"] = shown["pictureUrl"]
    if "email" in scopes:
        claims["email"] = f"{derive('email', sandbox.world.person_ids[person_no])[:12]}@example.jp"
    return claims


def is_friend(sandbox: Sandbox, account: Channel, person_no: int) -> bool:
    """Whether she follows the account and does not block it."""
    return world.user_id_in(sandbox.world, account, person_no) in account.friends


def add_friend(sandbox: Sandbox, account: Channel, person_no: int) -> bool:
    """She adds the account, or unblocks it, which its webhook is told. False if she was a friend already."""
    event = ACTS["follow"](sandbox, account, person_no, {})
    if event is None:
        return False
    webhooks.enqueue(sandbox, account, event)
    return True
