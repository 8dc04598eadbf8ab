"""A minute as one process counts it."""

from app.limits.windows import Window

NOON = 1_800_000_000.0


def test_a_share_is_a_twentieth_of_the_quota_and_at_least_one() -> None:
    assert [Window("default", quota).share for quota in (1, 19, 20, 100, 6000)] == [1, 1, 1, 5, 300]


def test_nothing_goes_through_before_somebody_was_asked() -> None:
    window = Window("default", 100)
    assert (window.take(NOON), window.is_spent(NOON)) == (False, False)


def test_a_granted_share_goes_through_and_no_more() -> None:
    window = Window("default", 100)
    window.grant(NOON + 60, taken=5, share=5)
    assert window.remaining == 100
    assert [window.take(NOON) for _ in range(6)] == [True] * 5 + [False]
    assert (window.remaining, window.is_spent(NOON)) == (95, False)


def test_the_last_share_is_cut_to_the_quota() -> None:
    window = Window("default", 100)
    window.grant(NOON + 60, taken=103, share=5)
    assert (window.left, window.remaining, window.is_spent(NOON)) == (2, 2, False)


def test_beyond_the_quota_the_window_is_spent_until_it_ends() -> None:
    window = Window("default", 100)
    window.grant(NOON + 60, taken=105, share=5)
    assert (window.left, window.is_spent(NOON), window.is_spent(NOON + 60)) == (0, True, False)
    window.grant(NOON + 120, taken=5, share=5)
    assert (window.left, window.is_spent(NOON + 60)) == (5, False)


def test_what_was_left_of_a_window_ends_with_it() -> None:
    window = Window("default", 100)
    window.grant(NOON + 60, taken=5, share=5)
    assert not window.take(NOON + 60)
    window.grant(NOON + 120, taken=5, share=5)
    assert window.left == 5


def test_seconds_are_rounded_up_to_at_least_one() -> None:
    window = Window("default", 100, ends_at=NOON + 60)
    assert [window.seconds_left(NOON + passed) for passed in (0, 0.5, 59.9, 61)] == [60, 60, 1, 1]


def test_more_than_the_quota_is_never_given_back() -> None:
    window = Window("anonymous", 2)
    window.begin(NOON + 60, 2)
    window.take(NOON)
    for _ in range(3):
        window.give_back()
    assert window.left == 2
