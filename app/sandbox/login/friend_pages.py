"""`/R/ti/p/{basicId}`: the page behind an account's add-friend link, in place of the one that LINE's app opens.

Who one was last in this browser adds the account, or is asked who one is; `person=hanako` in the query says so. The
app's own screens are the phone's.
"""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox.login import pages
from app.sandbox.login.flow import Untrusted
from app.sandbox.login.people import add_friend, find_person, is_friend, remember
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel

_PATH = "/R/ti/p/{basic_id}"


def routes(sandbox: Sandbox) -> list[Route]:
    """The page, and its button."""

    async def show(request: Request) -> Response:
        account = _find(sandbox, request)
        if account is None:
            return pages.mistake("このIDのアカウントはありません。", 404)
        try:
            person_no = pages.person_of(sandbox, request)
        except Untrusted as untrusted:
            return pages.mistake(str(untrusted))
        if person_no is None:
            return pages.ask_who(sandbox, request, request.url.path)
        return _page(sandbox, request, account, person_no)

    async def add(request: Request) -> Response:
        account = _find(sandbox, request)
        person_no = find_person(sandbox, (await pages.read_form(request)).get("person"))
        if account is None or person_no is None:
            return pages.mistake("だれがどのアカウントを追加するのかが分かりません。")
        if add_friend(sandbox, account, person_no):
            sandbox.world.version += 1
        return _page(sandbox, request, account, person_no)

    return [Route(_PATH, show, methods=["GET"]), Route(_PATH, add, methods=["POST"])]


def _find(sandbox: Sandbox, request: Request) -> Channel | None:
    wanted = "@" + request.path_params["basic_id"].lstrip("@").lower()
    return next((one for one in sandbox.world.channels_by_no if one.basic_id.lower() == wanted), None)


def _page(sandbox: Sandbox, request: Request, account: Channel, person_no: int) -> Response:
    person_id = sandbox.world.person_ids[person_no]
    response = pages.page(
        "friend.html",
        leads_to=None,
        action=request.url.path,
        account=account,
        person_id=person_id,
        person_name=sandbox.world.person_names[person_no],
        is_friend=is_friend(sandbox, account, person_no),
        chat_url=f"/phone/{person_id}#{urlencode({'chat': account.channel_id})}",
    )
    remember(response, sandbox, person_no)
    return response
