"""Endpoints over HTTP: what may be called, what is shown of them, and who may have them."""

import pytest

from app.events.facts import TYPES
from tests import make
from tests.app.webhooks.conftest import Post
from tests.app.webhooks.receiver import Receiver

PATH = "/v1/webhook-endpoints"


@pytest.mark.parametrize(
    "url",
    [
        "http://partner.example.jp/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[fd00::1]/",
        "https://0x7f000001/",
        "https://partner.example.jp/#x",
        "https://user:pass@partner.example.jp/",
        "ftp://partner.example.jp/",
        "https:///",
        "春",
    ],
)
def test_an_address_that_may_not_be_called_is_refused_when_it_is_written(post: Post, url: str) -> None:
    answer = post.api.post(PATH, json={"url": url}, headers=post.home.headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/url")


def test_our_own_address_is_refused(post: Post) -> None:
    url = f"{post.settings.public_url}/hooks"
    answer = post.api.post(PATH, json={"url": url}, headers=post.home.headers)
    assert "address of Noren itself" in answer.text


def test_a_type_that_does_not_exist_is_refused_with_those_that_do(post: Post) -> None:
    body = {"url": "https://partner.example.jp/", "event_types": ["coupon.eaten"]}
    answer = post.api.post(PATH, json=body, headers=post.home.headers)
    assert answer.status_code == 422
    assert all(name in answer.text for name in TYPES)


def test_the_secret_is_shown_once(post: Post) -> None:
    made = post.call("POST", PATH, {"url": "https://partner.example.jp/"})
    assert made["secret"].startswith("whsec_")
    assert "secret" not in post.endpoint(made["id"])
    key = {**post.home.headers, "Idempotency-Key": "k1"}
    body = {"url": "https://partner.example.jp/2"}
    first, second = (post.api.post(PATH, json=body, headers=key) for _ in range(2))
    assert "whsec_" in first.text
    assert "whsec_" not in second.text
    assert len(post.call("GET", PATH)["items"]) == 2


def test_an_endpoint_is_changed_switched_off_and_taken_away(post: Post) -> None:
    endpoint = post.call("POST", PATH, {"url": "https://partner.example.jp/", "description": "POS"})["id"]
    changed = post.call("PATCH", f"{PATH}/{endpoint}", {"event_types": ["order.paid", "order.paid"], "enabled": False})
    assert (changed["event_types"], changed["enabled"], changed["disabled_reason"]) == (
        ["order.paid"],
        False,
        "by_hand",
    )
    for path in (f"{PATH}/{endpoint}/test", f"{PATH}/{endpoint}/replay"):
        body = {"since": "2026-11-01T00:00:00Z"} if path.endswith("replay") else None
        assert post.api.post(path, json=body, headers=post.home.headers).status_code == 409
    assert post.call("PATCH", f"{PATH}/{endpoint}", {"enabled": True})["disabled_reason"] is None
    post.call("DELETE", f"{PATH}/{endpoint}")
    assert post.api.get(f"{PATH}/{endpoint}", headers=post.home.headers).status_code == 404


def test_what_waited_for_an_endpoint_that_was_taken_away_goes_nowhere(post: Post, receiver: Receiver) -> None:
    endpoint = post.listen(receiver)
    post.customer()
    post.project()
    post.call("DELETE", f"{PATH}/{endpoint}")
    assert post.turn(endpoint) is None
    assert receiver.calls == []


def test_a_store_key_cannot_be_given_webhooks(post: Post) -> None:
    with post.home.open() as session:
        store = make.store(session)
        key = make.store_key(session, store)
        session.commit()
    assert post.api.get(PATH, headers={"Authorization": f"Bearer {key}"}).status_code == 403


@pytest.mark.parametrize("since", ["1970-01-01T00:00:00Z", "2199-12-31T23:59:59Z"])
def test_a_moment_however_far_is_taken(post: Post, since: str) -> None:
    endpoint = post.call("POST", PATH, {"url": "https://partner.example.jp/"})["id"]
    assert post.call("POST", f"{PATH}/{endpoint}/replay", {"since": since}) == {"events": 0}
