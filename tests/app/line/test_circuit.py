"""Circuit breakers, by a clock of the test's own."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from app.line.circuit import (
    CHANNELS_TO_OPEN,
    FAILURES_TO_OPEN,
    FIRST_REST_SECONDS,
    LONGEST_REST_SECONDS,
    PROBE_SECONDS,
    SECONDS_TO_OPEN,
    Circuits,
)
from app.line.errors import LineCircuitOpen

HOST = "https://line.example"


def _fail(circuits: Circuits, channel_id: str, now: float, times: int = FAILURES_TO_OPEN) -> float:
    """Let so many calls go without an answer, over long enough to count; the time after them."""
    for number in range(times):
        circuits.leave(HOST, channel_id, now + number * SECONDS_TO_OPEN, answered=False)
    return now + (times - 1) * SECONDS_TO_OPEN


def test_a_channel_without_answers_is_left_in_peace_and_others_are_not() -> None:
    circuits = Circuits()
    now = _fail(circuits, "a", 0.0)
    with pytest.raises(LineCircuitOpen) as refused:
        circuits.enter(HOST, "a", now)
    assert refused.value.retry_after_seconds == FIRST_REST_SECONDS
    circuits.enter(HOST, "b", now)


def test_one_blink_opens_nothing() -> None:
    circuits = Circuits()
    for _ in range(64):
        circuits.leave(HOST, "a", 1.0, answered=False)
    assert circuits.wait_seconds(HOST, "a", 1.0) == 0


def test_an_answer_between_failures_starts_the_count_anew() -> None:
    circuits = Circuits()
    now = _fail(circuits, "a", 0.0, FAILURES_TO_OPEN - 1)
    circuits.leave(HOST, "a", now, answered=True)
    _fail(circuits, "a", now, FAILURES_TO_OPEN - 1)
    assert circuits.wait_seconds(HOST, "a", now) == 0


def test_after_its_rest_one_call_finds_out_and_the_others_wait_for_it() -> None:
    circuits = Circuits()
    now = _fail(circuits, "a", 0.0) + FIRST_REST_SECONDS
    circuits.enter(HOST, "a", now)
    with pytest.raises(LineCircuitOpen):
        circuits.enter(HOST, "a", now)
    circuits.leave(HOST, "a", now, answered=True)
    circuits.enter(HOST, "a", now)
    circuits.enter(HOST, "a", now)


def test_each_rest_is_twice_as_long_as_the_one_before_up_to_a_minute() -> None:
    circuits = Circuits()
    now = _fail(circuits, "a", 0.0)
    rests = []
    for _ in range(6):
        rests.append(circuits.wait_seconds(HOST, "a", now))
        now += rests[-1]
        circuits.enter(HOST, "a", now)
        circuits.leave(HOST, "a", now, answered=False)
    assert rests == [5, 10, 20, 40, 60, 60]


def test_a_call_that_never_reports_is_not_waited_for_for_ever() -> None:
    circuits = Circuits()
    now = _fail(circuits, "a", 0.0) + FIRST_REST_SECONDS
    circuits.enter(HOST, "a", now)
    assert circuits.wait_seconds(HOST, "a", now + 1) == PROBE_SECONDS - 1
    circuits.enter(HOST, "a", now + PROBE_SECONDS)


def test_when_several_channels_have_no_answer_every_channel_waits_for_one_to_find_out() -> None:
    circuits = Circuits()
    now = 0.0
    for number in range(CHANNELS_TO_OPEN):
        now = _fail(circuits, f"channel-{number}", 0.0)
    with pytest.raises(LineCircuitOpen):
        circuits.enter(HOST, "untroubled", now)
    circuits.enter("https://other.example", "untroubled", now)
    now += FIRST_REST_SECONDS
    circuits.enter(HOST, "untroubled", now)
    with pytest.raises(LineCircuitOpen):
        circuits.enter(HOST, "another", now)
    circuits.leave(HOST, "untroubled", now, answered=False)
    assert circuits.wait_seconds(HOST, "another", now) == 2 * FIRST_REST_SECONDS
    now += 2 * FIRST_REST_SECONDS
    circuits.enter(HOST, "another", now)
    circuits.leave(HOST, "another", now, answered=True)
    circuits.enter(HOST, "untroubled", now)


def test_one_channel_alone_however_often_it_fails_does_not_speak_for_the_host() -> None:
    circuits = Circuits()
    now = _fail(circuits, "a", 0.0)
    for _ in range(10):
        now += circuits.wait_seconds(HOST, "a", now)
        circuits.enter(HOST, "a", now)
        circuits.leave(HOST, "a", now, answered=False)
    assert circuits.wait_seconds(HOST, "b", now) == 0


class Breaking(RuleBasedStateMachine):
    """Calls of three channels that set out, and come back in any order with or without an answer."""

    def __init__(self) -> None:
        super().__init__()
        self.circuits = Circuits()
        self.now = 0.0
        self.in_the_air: list[str] = []
        self.silent_since: dict[str, int] = {}

    @rule(channel=st.sampled_from("abc"))
    def set_out(self, channel: str) -> None:
        waits = self.circuits.wait_seconds(HOST, channel, self.now)
        if waits > 0:
            with pytest.raises(LineCircuitOpen) as refused:
                self.circuits.enter(HOST, channel, self.now)
            assert refused.value.retry_after_seconds == waits
            assert sum(self.silent_since.values()) >= FAILURES_TO_OPEN
        else:
            self.circuits.enter(HOST, channel, self.now)
            self.in_the_air.append(channel)

    @precondition(lambda self: self.in_the_air)
    @rule(which=st.integers(0, 10**6), answered=st.booleans())
    def come_back(self, which: int, answered: bool) -> None:
        channel = self.in_the_air.pop(which % len(self.in_the_air))
        self.circuits.leave(HOST, channel, self.now, answered=answered)
        self.silent_since[channel] = 0 if answered else self.silent_since.get(channel, 0) + 1
        if answered:
            assert self.circuits.wait_seconds(HOST, channel, self.now) == 0

    @rule(seconds=st.floats(0, 90))
    def let_time_pass(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def nobody_waits_longer_than_the_longest_rest(self) -> None:
        longest = max(LONGEST_REST_SECONDS, PROBE_SECONDS)
        assert all(0 <= self.circuits.wait_seconds(HOST, one, self.now) <= longest + 1e-6 for one in "abcd")


TestBreaking = Breaking.TestCase
TestBreaking.settings = settings(max_examples=40, deadline=None)
