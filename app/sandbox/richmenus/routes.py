"""All of LINE's paths about rich menus."""

from starlette.routing import Route

from app.sandbox.richmenus import alias_routes, batch_routes, insight_routes, menu_routes, person_routes
from app.sandbox.state import Sandbox


def routes(sandbox: Sandbox) -> list[Route]:
    """Fixed words stand before placeholders: /v2/bot/richmenu/list is no menu's id, nor is `all` a user's."""
    return [
        *alias_routes.routes(sandbox),
        *batch_routes.routes(sandbox),
        *person_routes.routes(sandbox),
        *insight_routes.routes(sandbox),
        *menu_routes.routes(sandbox),
    ]
