"""What a request about a campaign asks LINE first, while no transaction is open."""

from threading import BoundedSemaphore

from fastapi import Request

from app.auth import Caller, Now
from app.messaging.syncing import sync_stale


def ask_quotas(request: Request, caller: Caller, now: Now) -> None:
    """Have the quotas that a run is planned by told by LINE anew where they are old; without it they stand as they are.

    Nobody waits for a turn: where many requests are waiting for LINE, the figures of the last hour must do.
    """
    state = request.app.state
    turns: BoundedSemaphore = state.line_turns
    if not turns.acquire(blocking=False):
        return
    try:
        sync_stale(state.engine, state.keyring, state.settings, caller.scope.brand_id, now)
    finally:
        turns.release()
