"""`/oauth2/v2.1/authorize`: signing in with LINE, by pages or, for tests, without one."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from app.sandbox.login import flow, pages
from app.sandbox.login.channels import linked_account
from app.sandbox.login.flow import Asked, Refused, Untrusted
from app.sandbox.login.people import add_friend, find_person, is_friend, remember, remembered
from app.sandbox.login.state import CODE_SECONDS, Code
from app.sandbox.login.tokens import give_code
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel

_PATH = "/oauth2/v2.1/authorize"


def routes(sandbox: Sandbox) -> list[Route]:
    """The request, and the forms on its pages."""
    login = sandbox.login

    async def ask(request: Request) -> Response:
        asked = flow.read_request(login, request.query_params)
        asked.check()
        if "person" in request.query_params:
            return _sign_in_at_once(sandbox, request, asked)
        person_no, prompt = remembered(sandbox, request), asked.fields.get("prompt")
        if prompt == "none":
            if person_no is None:
                raise Refused("LOGIN_REQUIRED", "nobody is signed in in this browser")
            if not login.allows(asked.channel.channel_id, person_no, asked.scopes):
                raise Refused("INTERACTION_REQUIRED", "she has not allowed this yet")
            flow.check_open(sandbox, asked.channel, person_no)
            return _finish(sandbox, request, asked, person_no, "linesso", None)
        if person_no is None or prompt == "login":
            return pages.ask_who(sandbox, request, asked.url(prompt="consent"))
        flow.check_open(sandbox, asked.channel, person_no)
        account = _offered(sandbox, asked, person_no)
        return pages.page(
            "consent.html",
            leads_to=asked.redirect_uri,
            action=_PATH,
            channel=asked.channel,
            fields={**asked.fields, "person": sandbox.world.person_ids[person_no]},
            person_name=sandbox.world.person_names[person_no],
            words=[pages.SCOPE_WORDS[scope] for scope in asked.scopes],
            account=account if asked.fields.get("bot_prompt") == "normal" else None,
            other_url=asked.url(prompt="login"),
        )

    async def decide(request: Request) -> Response:
        form = await pages.read_form(request)
        asked = flow.read_request(login, form)
        asked.check()
        person_no = find_person(sandbox, form.get("person"))
        if person_no is None:
            raise Untrusted("だれとしてログインするのかが分かりません。")
        flow.check_open(sandbox, asked.channel, person_no)
        decision, account = form.get("decision"), _offered(sandbox, asked, person_no)
        if decision not in ("allow", "add", "later"):
            raise Refused("ACCESS_DENIED", "the person does not want to sign in")
        login.allow(asked.channel.channel_id, person_no, asked.scopes)
        if decision == "allow" and account is not None and asked.fields.get("bot_prompt") == "aggressive":
            fields = {**asked.fields, "person": form["person"]}
            return pages.page(
                "add_friend.html", leads_to=asked.redirect_uri, action=_PATH, account=account, fields=fields
            )
        wants = decision == "add" or (decision == "allow" and bool(form.get("add_friend")))
        changed = None if account is None else wants and add_friend(sandbox, account, person_no)
        return _finish(sandbox, request, asked, person_no, "linesso", changed)

    return [_route(sandbox, "GET", ask), _route(sandbox, "POST", decide)]


def _offered(sandbox: Sandbox, asked: Asked, person_no: int) -> Channel | None:
    """The account that she is offered to add: the linked one, if that was asked for and she is no friend of it."""
    account = linked_account(asked.channel, sandbox.world)
    if account is None or "bot_prompt" not in asked.fields or is_friend(sandbox, account, person_no):
        return None
    return account


def _sign_in_at_once(sandbox: Sandbox, request: Request, asked: Asked) -> Response:
    """Without a page: the query says who she is, and what she decides."""
    person_no = pages.person_of(sandbox, request)
    assert person_no is not None
    flow.check_open(sandbox, asked.channel, person_no)
    if request.query_params.get("deny") == "true":
        raise Refused("ACCESS_DENIED", "the person does not want to sign in")
    sandbox.login.allow(asked.channel.channel_id, person_no, asked.scopes)
    account = _offered(sandbox, asked, person_no)
    wants = request.query_params.get("add_friend", "true") == "true"
    changed = None if account is None else wants and add_friend(sandbox, account, person_no)
    return _finish(sandbox, request, asked, person_no, "lineautologin", changed)


def _finish(
    sandbox: Sandbox, request: Request, asked: Asked, person_no: int, amr: str, friendship_changed: bool | None
) -> Response:
    """Back to the application with a code. `friendship_changed` is None if she was offered nothing to add."""
    now = sandbox.clock.now()
    code = give_code(
        sandbox,
        Code(
            channel_id=asked.channel.channel_id,
            person_no=person_no,
            redirect_uri=asked.redirect_uri,
            scope=" ".join(asked.scopes),
            issuer=flow.issuer_of(sandbox, request),
            nonce=asked.fields.get("nonce"),
            challenge=asked.fields.get("code_challenge"),
            amr="lineqr" if asked.fields.get("initial_amr_display") == "lineqr" else amr,
            auth_time=int(now) if "max_age" in asked.fields else None,
            expires_at=now + CODE_SECONDS,
        ),
    )
    sandbox.world.version += 1
    answer = {"code": code}
    if friendship_changed is not None:
        answer["friendship_status_changed"] = "true" if friendship_changed else "false"
    response = _send_back(asked, answer)
    remember(response, sandbox, person_no)
    return response


def _send_back(asked: Asked, answer: dict[str, str]) -> Response:
    if asked.fields.get("response_mode") == "form_post":
        fields = asked.with_state(answer)
        return pages.page("form_post.html", leads_to=asked.redirect_uri, action=asked.redirect_uri, fields=fields)
    return RedirectResponse(asked.back_url(answer), 303, {"Cache-Control": "no-store"})


def _route(sandbox: Sandbox, method: str, handle: Callable[[Request], Awaitable[Response]]) -> Route:
    """What is wrong is told to the application, or to the person if the application cannot be trusted."""

    async def endpoint(request: Request) -> Response:
        try:
            return await handle(request)
        except Untrusted as untrusted:
            return pages.mistake(str(untrusted))
        except Refused as refused:
            fields = request.query_params if method == "GET" else await pages.read_form(request)
            asked = flow.read_request(sandbox.login, fields)
            return _send_back(asked, {"error": refused.error, "error_description": refused.description})

    return Route(_PATH, endpoint, methods=[method])
