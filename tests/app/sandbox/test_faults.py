"""Misbehaviour on order, seen from the client's end of a real socket."""

import time

import httpx
import pytest

from tests.app.sandbox.stage import RETRY_KEY, TOKEN, Stage, text


def test_a_fault_before_acceptance_leaves_nothing_behind(stage: Stage) -> None:
    stage.put_faults({"endpoint": "/v2/bot/message/push", "status": 500})
    assert stage.push(x_line_retry_key=RETRY_KEY).status_code == 500
    stage.put_faults()
    assert stage.push(x_line_retry_key=RETRY_KEY).status_code == 200
    assert stage.stats() == {"calls": 2, "accepted": 1, "recipients": 1, "distinct": 1, "duplicates": 0}


def test_a_fault_after_acceptance_is_recovered_through_409(stage: Stage) -> None:
    stage.put_faults({"endpoint": "push", "status": 503, "after_accept": True})
    assert stage.push(x_line_retry_key=RETRY_KEY).status_code == 503
    assert stage.push(x_line_retry_key=RETRY_KEY).status_code == 409
    assert len(stage.inbox()) == 1


@pytest.mark.parametrize(("after_accept", "taken"), [(True, 1), (False, 0)])
def test_a_dropped_connection_breaks_without_an_answer(stage: Stage, after_accept: bool, taken: int) -> None:
    stage.put_faults({"endpoint": "push", "drop": True, "after_accept": after_accept})
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        stage.push(x_line_retry_key=RETRY_KEY)
    stage.put_faults()
    assert len(stage.inbox()) == taken
    assert stage.push(x_line_retry_key=RETRY_KEY).status_code == (409 if taken else 200)
    assert len(stage.inbox()) == 1


def test_the_body_may_be_anything(stage: Stage) -> None:
    stage.put_faults({"endpoint": "push", "status": 200, "body": "<html>maintenance</html>"})
    answer = stage.push()
    assert (answer.status_code, answer.text) == (200, "<html>maintenance</html>")
    assert answer.headers["content-type"].startswith("text/html")


def test_the_same_seed_draws_the_same_faults(stage: Stage) -> None:
    def draw(seed: int) -> list[int]:
        stage.put_faults({"endpoint": "push", "status": 500, "ratio": 0.5}, seed=seed)
        return [stage.push().status_code for _ in range(20)]

    first = draw(7)
    assert set(first) == {200, 500}
    assert draw(7) == first
    assert draw(8) != first


def test_a_delay_only_delays(stage: Stage) -> None:
    stage.put_faults({"endpoint": "push", "delay_ms": 200})
    started = time.monotonic()
    assert stage.push().status_code == 200
    assert time.monotonic() - started >= 0.2


def test_an_answer_that_comes_too_late_was_a_message_taken(stage: Stage) -> None:
    stage.put_faults({"endpoint": "push", "delay_ms": 2_000, "after_accept": True})
    with pytest.raises(httpx.ReadTimeout):
        stage.client.post(
            "/v2/bot/message/push",
            json={"to": stage.hanako, "messages": [text()]},
            headers={"authorization": f"Bearer {TOKEN}"},
            timeout=0.2,
        )
    assert len(stage.inbox()) == 1


def test_weather_can_be_cut_short_while_the_controls_stay_whole(stage: Stage) -> None:
    path = "/bosai/forecast/data/forecast/130000.json"
    whole = stage.client.get(path).text
    stage.put_faults({"endpoint": "/bosai/forecast", "status": 200, "body": whole[:500]}, {"drop": True})
    assert stage.client.get(path).text == whole[:500]
    assert stage.stats()["calls"] == 0


@pytest.mark.parametrize("fault", [{"status": 42}, {"ratio": 2}, {"delay_ms": -1}, {"when": "always"}, "drop"])
def test_a_fault_that_cannot_be_meant_is_refused(stage: Stage, fault: object) -> None:
    assert stage.client.put("/_sandbox/faults", json={"faults": [fault]}).status_code == 400


def put_outage(stage: Stage, **outage: object) -> None:
    assert stage.client.put("/_sandbox/outage", json=outage).status_code == 204


def test_an_outage_is_of_one_group_of_endpoints(stage: Stage) -> None:
    put_outage(stage, mode="spurious-400", group="content")
    headers = {"authorization": f"Bearer {TOKEN}"}
    assert stage.client.get("/v2/bot/message/1/content", headers=headers).json() == {"message": "Bad Request"}
    assert stage.push().status_code == 200
    put_outage(stage, mode="errors", group="sends")
    assert stage.push().status_code == 500
    assert stage.client.get("/v2/bot/info", headers=headers).status_code == 200
    put_outage(stage)
    assert stage.push().status_code == 200


@pytest.mark.parametrize(
    ("group", "path"),
    [
        ("richmenus", "/v2/bot/richmenu/list"),
        ("richmenus", "/v2/bot/user/all/richmenu"),
        ("coupons", "/v2/bot/coupon"),
        ("profiles", "/v2/bot/info"),
        ("profiles", "/v2/bot/followers/ids"),
        ("quota", "/v2/bot/message/quota/consumption"),
        ("insight", "/v2/bot/insight/followers"),
        ("webhook-settings", "/v2/bot/channel/webhook/endpoint"),
        ("tokens", "/oauth2/v2.1/verify"),
        ("login", "/friendship/v1/status"),
        ("weather", "/bosai/forecast/data/forecast/130000.json"),
    ],
)
def test_each_group_has_its_endpoints(stage: Stage, group: str, path: str) -> None:
    put_outage(stage, mode="unavailable", group=group)
    answer = stage.client.get(path)
    assert (answer.status_code, answer.text[:9]) == (503, "<!DOCTYPE")


def test_an_endless_answer_goes_on_until_the_caller_has_enough(stage: Stage) -> None:
    put_outage(stage, mode="huge", group="weather")
    read = 0
    with stage.client.stream("GET", "/bosai/forecast/x.json") as answer:
        for piece in answer.iter_raw():
            read += len(piece)
            if read > 5_000_000:
                break
    put_outage(stage)
    assert read > 5_000_000
    assert stage.push().status_code == 200


def test_a_slow_answer_trickles_and_is_whole(stage: Stage) -> None:
    stage.put_faults({"endpoint": "/v2/bot/info", "slow_body": 400})
    started = time.monotonic()
    answer = stage.client.get("/v2/bot/info", headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.json()["chatMode"] == "bot"
    assert time.monotonic() - started > 0.7 * len(answer.content) / 400


@pytest.mark.parametrize("mode", ["hanging", "trickle", "endless-trickle"])
def test_an_answer_that_does_not_come_is_given_up_by_the_caller(stage: Stage, mode: str) -> None:
    put_outage(stage, mode=mode, group="profiles")
    with pytest.raises(httpx.ReadTimeout):
        stage.client.get("/v2/bot/info", headers={"authorization": f"Bearer {TOKEN}"}, timeout=0.3)
    put_outage(stage)
    assert stage.push().status_code == 200


def test_garbage_is_no_json(stage: Stage) -> None:
    put_outage(stage, mode="garbage")
    answer = stage.push()
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r".+"):
        answer.json()


@pytest.mark.parametrize("mode", ["accepted-then-dropped", "accepted-then-error"])
def test_what_was_accepted_before_the_outage_is_recovered_through_409(stage: Stage, mode: str) -> None:
    put_outage(stage, mode=mode, group="sends")
    if mode == "accepted-then-dropped":
        with pytest.raises(httpx.RemoteProtocolError):
            stage.push(x_line_retry_key=RETRY_KEY)
    else:
        assert stage.push(x_line_retry_key=RETRY_KEY).status_code == 500
    assert stage.push(x_line_retry_key=RETRY_KEY).status_code == 409
    assert len(stage.inbox()) == 1


@pytest.mark.parametrize("outage", [{"mode": "sulking"}, {"mode": "errors", "group": "all"}, {"moods": 1}])
def test_an_outage_that_cannot_be_meant_is_refused(stage: Stage, outage: dict[str, object]) -> None:
    assert stage.client.put("/_sandbox/outage", json=outage).status_code == 400
