"""The endpoints that give, check and take back channel access tokens."""

from starlette.routing import Route

from app.sandbox.routing import form
from app.sandbox.state import Sandbox
from app.sandbox.tokens import state as tokens


def routes(sandbox: Sandbox) -> list[Route]:
    """Stateless and short-lived tokens."""
    world, now = sandbox.world, sandbox.clock.now
    return [
        form(sandbox, "/oauth2/v3/token", lambda fields: tokens.issue_stateless(world, fields, now())),
        form(
            sandbox,
            "/v2/oauth/accessToken",
            lambda fields: tokens.issue_short_lived(sandbox.tokens, world, fields, now()),
        ),
        form(sandbox, "/v2/oauth/verify", lambda fields: tokens.verify_short_lived(sandbox.tokens, fields, now())),
        form(sandbox, "/v2/oauth/revoke", lambda fields: tokens.revoke_short_lived(sandbox.tokens, fields)),
    ]
