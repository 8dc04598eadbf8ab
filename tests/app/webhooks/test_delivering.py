"""What happens is told to partners: signed, in order per customer, until they have it."""

import random
from collections.abc import Callable
from datetime import timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from app.customers.erasing.service import erase
from app.webhooks.outbox import FAILURES_TO_REST, WAITS_SECONDS
from tenants.ids import decode_id
from tests.app.webhooks.conftest import Post
from tests.app.webhooks.receiver import Receiver

CREATED = ["customer.created"]


def test_a_receiver_that_knows_only_the_standards_library_verifies_what_it_is_told(
    post: Post, receiver: Receiver
) -> None:
    endpoint = post.listen(receiver, event_types=CREATED)
    customer = post.customer("春")
    assert post.turn(endpoint) is None
    (told,) = receiver.events
    (read,) = post.call("GET", "/v1/events?types=customer.created")["items"]
    assert told == {"type": "customer.created", "timestamp": read["occurred_at"], "data": read}
    assert (told["data"]["customer_id"], receiver.ids) == (customer, [read["id"]])
    (delivery,) = post.deliveries(endpoint)
    assert (delivery["status"], delivery["attempts"], delivery["last_status"]) == ("delivered", 1, 204)


def test_nothing_is_told_of_before_nor_of_other_types(post: Post, receiver: Receiver) -> None:
    customer = post.customer()
    post.project()
    endpoint = post.listen(receiver, event_types=["customer.updated"])
    post.customer()
    post.rename(customer, "夏")
    post.turn(endpoint)
    assert [event["type"] for event in receiver.events] == ["customer.updated"]


def test_while_a_secret_is_replaced_both_verify_and_afterwards_only_the_new_one(post: Post, receiver: Receiver) -> None:
    endpoint = post.listen(receiver)
    old = receiver.secret
    path = f"/v1/webhook-endpoints/{endpoint}/rotate-secret"
    new = post.call("POST", path, {"overlap_seconds": 3600})["secret"]
    post.customer()
    post.turn(endpoint)
    headers, body = receiver.calls[-1]
    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in (old, new):
        Webhook(secret).verify(body, headers)
    receiver.secret = new
    post.ahead = timedelta(hours=1, seconds=1)
    post.customer()
    post.turn(endpoint)
    headers, body = receiver.calls[-1]
    assert len(headers["webhook-signature"].split(" ")) == 1


def test_a_wrong_secret_an_altered_body_and_an_old_message_are_refused(post: Post, receiver: Receiver) -> None:
    endpoint = post.listen(receiver)
    post.customer()
    post.turn(endpoint)
    headers, body = receiver.calls[-1]
    Webhook(receiver.secret).verify(body, headers)
    for secret, changed, altered in (
        ("whsec_" + "A" * 43 + "=", body, {}),
        (receiver.secret, body.replace(b"customer.", b"customer_"), {}),
        (receiver.secret, body, {"webhook-id": "evt_other"}),
        (receiver.secret, body, {"webhook-timestamp": str(int(headers["webhook-timestamp"]) - 301)}),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(changed, {**headers, **altered})


def test_one_customers_events_wait_for_each_other_and_for_nobody_else(post: Post, receiver: Receiver) -> None:
    endpoint = post.listen(receiver)
    held, other = post.customer("春"), post.customer("夏")
    post.rename(held, "春二")
    receiver.answer = lambda event: 500 if event["data"]["customer_id"] == held else 204
    post.turn(endpoint)
    post.rename(other, "夏二")
    post.turn(endpoint)
    told = [(event["type"], event["data"]["customer_id"]) for event in receiver.events]
    assert told == [("customer.created", other), ("customer.updated", other)]
    receiver.answer = lambda event: 204
    post.wait_out(endpoint, timedelta(minutes=2))
    hers = [event["type"] for event in receiver.events if event["data"]["customer_id"] == held]
    assert hers == ["customer.created", "customer.updated"]


def test_an_event_that_is_not_taken_is_tried_over_three_days_and_then_given_up(
    post: Post, receiver: Receiver, new_receiver: Callable[[], Receiver]
) -> None:
    endpoint = post.listen(receiver, event_types=CREATED)
    bad = post.customer()
    receiver.answer = lambda event: 500 if event["data"]["customer_id"] == bad else 204
    for _ in range(len(WAITS_SECONDS) + 2):
        post.customer()  # the endpoint itself does well
        wait = post.turn(endpoint)
        post.ahead += timedelta(seconds=wait or 0.0, milliseconds=1)
    post.wait_out(endpoint, timedelta(days=2))
    (failed,) = [one for one in post.deliveries(endpoint) if one["status"] != "delivered"]
    assert (failed["status"], failed["last_status"]) == ("failed", 500)
    assert failed["last_error"] == "The endpoint answered 500."
    shown = post.call("GET", f"/v1/webhook-deliveries/{failed['id']}")
    assert (shown["request"]["data"]["customer_id"], shown["answer"]) == (bad, "知りません\ufffd")
    receiver.answer = lambda event: 204
    assert post.call("POST", f"/v1/webhook-endpoints/{endpoint}/replay", {
        "since": "2020-01-01T00:00:00Z", "only_failed": True,
    }) == {"events": 1}  # fmt: skip
    post.turn(endpoint)
    assert bad in [event["data"]["customer_id"] for event in receiver.events]


def test_an_endpoint_that_fails_is_asked_with_one_event_at_a_time_until_it_takes_one(
    post: Post, receiver: Receiver
) -> None:
    endpoint = post.listen(receiver, event_types=CREATED)
    receiver.answer = lambda event: 0
    for _ in range(20):
        post.customer()
    wait = post.turn(endpoint)
    tried = len(receiver.calls)
    assert FAILURES_TO_REST <= tried <= 16
    assert wait is not None
    assert wait > 5
    post.ahead += timedelta(seconds=wait + 1)
    post.turn(endpoint)
    assert len(receiver.calls) == tried + 1
    assert post.endpoint(endpoint)["failing_since"] is not None
    receiver.answer = lambda event: 204
    post.wait_out(endpoint, timedelta(minutes=10))
    assert len(set(receiver.ids)) == len(receiver.ids) == 20
    assert post.endpoint(endpoint)["failing_since"] is None


def test_an_endpoint_that_says_it_is_gone_is_switched_off_and_goes_on_where_it_stopped(
    post: Post, receiver: Receiver
) -> None:
    endpoint = post.listen(receiver, event_types=CREATED)
    receiver.answer = lambda event: 410
    post.customer()
    assert post.turn(endpoint) is None
    read = post.endpoint(endpoint)
    assert (read["enabled"], read["disabled_reason"]) == (False, "gone")
    post.customer()
    assert post.turn(endpoint) is None
    receiver.answer = lambda event: 204
    post.call("PATCH", f"/v1/webhook-endpoints/{endpoint}", {"enabled": True})
    post.wait_out(endpoint, timedelta(minutes=1))
    assert len(receiver.events) == 2


def test_an_endpoint_that_takes_nothing_for_five_days_is_switched_off(post: Post, receiver: Receiver) -> None:
    endpoint = post.listen(receiver, event_types=CREATED)
    receiver.answer = lambda event: 503
    for _ in range(FAILURES_TO_REST + 1):
        post.customer()
    post.turn(endpoint)
    post.ahead = timedelta(days=5, minutes=1)
    post.turn(endpoint)
    read = post.endpoint(endpoint)
    assert (read["enabled"], read["disabled_reason"]) == (False, "failing")


def test_a_redirect_is_not_followed_and_counts_as_not_taken(post: Post, receiver: Receiver) -> None:
    endpoint = post.listen(receiver, event_types=CREATED)
    receiver.answer = lambda event: 302
    post.customer()
    post.turn(endpoint)
    (delivery,) = post.deliveries(endpoint)
    assert (delivery["status"], delivery["last_status"]) == ("waiting", 302)
    assert "redirects are not followed" in delivery["last_error"]


def test_who_asks_to_be_left_alone_is(post: Post, receiver: Receiver) -> None:
    endpoint = post.listen(receiver, event_types=CREATED)
    receiver.answer, receiver.answer_headers = (lambda event: 429), {"Retry-After": "900"}
    post.customer()
    wait = post.turn(endpoint)
    assert wait is not None
    assert wait > 890


def test_all_since_a_moment_is_told_again_with_the_ids_that_it_had(post: Post, receiver: Receiver) -> None:
    before = post.customer()
    post.project()
    endpoint = post.listen(receiver, event_types=CREATED)
    after = post.customer()
    post.turn(endpoint)
    (first,) = receiver.ids
    post.call("POST", f"/v1/webhook-endpoints/{endpoint}/replay", {"since": "2020-01-01T00:00:00Z"})
    post.turn(endpoint)
    again = {event["data"]["customer_id"]: told for event, told in zip(receiver.events, receiver.ids, strict=True)}
    assert (len(receiver.ids), set(again), again[after]) == (3, {before, after}, first)


def test_one_event_is_told_again(post: Post, receiver: Receiver) -> None:
    endpoint = post.listen(receiver, event_types=CREATED)
    post.customer()
    post.turn(endpoint)
    (delivery,) = post.deliveries(endpoint)
    post.call("POST", f"/v1/webhook-deliveries/{delivery['id']}/replay")
    post.turn(endpoint)
    assert receiver.ids == [delivery["event_id"]] * 2


def test_a_test_is_a_signed_message_that_tells_of_nothing(post: Post, receiver: Receiver) -> None:
    endpoint = post.listen(receiver, event_types=CREATED)
    delivery = post.call("POST", f"/v1/webhook-endpoints/{endpoint}/test")
    post.turn(endpoint)
    (event,) = receiver.events
    assert (event["type"], event["data"], receiver.ids) == ("webhook.test", {}, [delivery["id"]])


def test_of_who_was_erased_nothing_is_told_or_kept(post: Post, receiver: Receiver) -> None:
    endpoint = post.listen(receiver)
    customer = post.customer("鈴木春")
    receiver.answer = lambda event: 500
    post.turn(endpoint)
    with post.home.open() as session:
        erase(session, decode_id("cus", customer), post.now())
        session.commit()
    (delivery, *_) = post.deliveries(endpoint)
    shown = post.call("GET", f"/v1/webhook-deliveries/{delivery['id']}")
    assert shown["answer"] is None
    assert "鈴木" not in str(shown)


def test_a_consumer_of_the_feed_that_crashes_sees_every_event_at_least_once(post: Post) -> None:
    """And its own dedupe by id leaves each exactly once."""
    chance = random.Random(post.home.scope.brand_id.int)
    made, seen, position = [], [], 0
    for _ in range(12):
        made.append(post.customer())
        if chance.random() < 0.5:
            post.project()
        feed = post.call("GET", f"/v1/events?types=customer.created&limit=3&after={position}")
        for item in feed["items"]:
            seen.append((item["id"], item["customer_id"]))
            if chance.random() < 0.3:
                break  # it dies before it has written down how far it came
        else:
            position = feed["next_after"]
    post.project()
    while (feed := post.call("GET", f"/v1/events?types=customer.created&after={position}"))["items"]:
        seen += [(item["id"], item["customer_id"]) for item in feed["items"]]
        position = feed["next_after"]
    assert len(seen) > len(made)
    assert sorted(customer for _, customer in dict.fromkeys(seen)) == sorted(made)
