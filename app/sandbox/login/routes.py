"""Every route of LINE Login, LIFF and account link."""

from starlette.routing import Route

from app.sandbox.login import (
    account_link,
    authorize_routes,
    control_routes,
    friend_pages,
    liff_api,
    liff_routes,
    pages,
    token_routes,
)
from app.sandbox.state import Sandbox

shared = token_routes.shared


def routes(sandbox: Sandbox) -> list[Route]:
    """All but what `shared` holds; LINE's API stands before the apps, whose ids are in the path."""
    return [
        *pages.routes(sandbox),
        *control_routes.routes(sandbox),
        *authorize_routes.routes(sandbox),
        *friend_pages.routes(sandbox),
        *token_routes.routes(sandbox),
        *liff_api.routes(sandbox),
        *liff_routes.routes(sandbox),
        *account_link.routes(sandbox),
    ]
