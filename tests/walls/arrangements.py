"""What must have happened before an operation can be carried out, and which lists hang on a thing of which kind."""

from collections.abc import Callable

from tests.walls.calls import Calls, Request
from tests.walls.credentials import Seat
from tests.walls.vocabulary import Own, Uncovered

Arrange = Callable[[Calls, Seat, Own], None]


def _act(*verbs: str) -> Arrange:
    def arrange(calls: Calls, seat: Seat, own: Own) -> None:
        for verb in verbs:
            answer = calls.send(Request("POST", f"/v1/campaigns/{own('cmp')}/{verb}", headers=dict(seat.headers)))
            if not answer.is_done:
                raise Uncovered(f"{verb} of a campaign as {seat.name}: {answer.status} {answer.content.decode()}")

    return arrange


def _launch_experiment(calls: Calls, seat: Seat, own: Own) -> None:
    """Her campaign tries two contents on some."""
    messages = [{"type": "text", "text": "こんにちは"}]
    body = {
        "variants": [{"name": name, "messages": messages} for name in "AB"],
        "experiment": {"share": 0.5, "metric": "clicks", "decide_after_minutes": 60},
    }
    campaign = Request("PATCH", f"/v1/campaigns/{own('cmp')}", body=body, headers=dict(seat.headers))
    answer = calls.send(campaign)
    if not answer.is_done:
        raise Uncovered(f"an experiment as {seat.name}: {answer.status} {answer.content.decode()}")
    _act("launch")(calls, seat, own)


def _serve_own_store(calls: Calls, seat: Seat, own: Own) -> None:
    """Head office's account begins to serve the store that is named with it; a store's account does already."""
    if own("owner"):
        return
    body = {"store_ids": [own("store")]}
    account = Request("PATCH", f"/v1/line-accounts/{own('acc')}", body=body, headers=dict(seat.headers))
    answer = calls.send(account)
    if not answer.is_done:
        raise Uncovered(f"changing an account as {seat.name}: {answer.status} {answer.content.decode()}")


def _put_on_list(calls: Calls, seat: Seat, own: Own) -> None:
    """Her customer is on her list."""
    body = {"items": [{"customer_id": own("cus")}]}
    path = f"/v1/customer-lists/{own('list')}/members"
    answer = calls.send(Request("POST", path, body=body, headers=dict(seat.headers)))
    if not answer.is_done:
        raise Uncovered(f"putting on a list as {seat.name}: {answer.status} {answer.content.decode()}")


BEFORE: dict[str, Arrange] = {
    "POST /v1/qr-codes": _serve_own_store,
    "POST /v1/customer-lists": _act("launch"),
    "DELETE /v1/customer-lists/{list_id}/members/{customer_id}": _put_on_list,
    "POST /v1/campaigns/{campaign_id}/approve": _act("submit"),
    "POST /v1/campaigns/{campaign_id}/return": _act("submit"),
    "POST /v1/campaigns/{campaign_id}/pause": _act("launch"),
    "GET /v1/campaigns/{campaign_id}/deliveries": _act("launch"),
    "POST /v1/campaigns/{campaign_id}/resume": _act("launch", "pause"),
    "GET /v1/campaigns/{campaign_id}/experiment": _launch_experiment,
    "POST /v1/campaigns/{campaign_id}/decide": _launch_experiment,
}
"""By operation: what the caller does with her own things first."""
