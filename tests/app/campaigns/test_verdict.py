"""Which variant won, by counts alone."""

import pytest

from app.campaigns.experiments.verdict import Arm, Verdict, find_p_value, judge


@pytest.mark.parametrize(
    ("arms", "verdict"),
    [
        ([Arm(1000, 50), Arm(1000, 100)], Verdict(1, "metric")),
        ([Arm(1000, 100), Arm(1000, 50)], Verdict(0, "metric")),
        ([Arm(1000, 95), Arm(1000, 100)], Verdict(1, "no_difference")),
        ([Arm(1000, 100), Arm(1000, 100)], Verdict(0, "no_difference")),
        ([Arm(0, 0), Arm(0, 0)], Verdict(0, "no_difference")),
        ([Arm(20, 0), Arm(20, 12)], Verdict(1, "no_difference")),
        ([Arm(1000, 0), Arm(1000, 9)], Verdict(1, "no_difference")),
        ([Arm(1000, 0), Arm(1000, 10)], Verdict(1, "metric")),
        ([Arm(100, 0), Arm(100, 500)], Verdict(1, "metric")),
        ([Arm(1000, 50), Arm(1000, 100), Arm(1000, 98)], Verdict(1, "no_difference")),
        ([Arm(1000, 50), Arm(1000, 100), Arm(1000, 60)], Verdict(1, "metric")),
    ],
)
def test_the_clearly_better_variant_wins_and_otherwise_the_leader_without_a_difference(
    arms: list[Arm], verdict: Verdict
) -> None:
    assert judge(arms) == verdict


def test_the_test_is_the_two_proportion_z_test_of_the_textbook() -> None:
    # 50 of 1000 against 80 of 1000: pooled 0.065, z = 2.7213.
    assert find_p_value(Arm(1000, 50), Arm(1000, 80)) == pytest.approx(0.0065, abs=0.0001)


def test_more_variants_need_a_clearer_lead() -> None:
    pair = [Arm(1000, 60), Arm(1000, 83)]
    assert judge(pair).decided_by == "metric"
    assert judge([*pair, Arm(1000, 60), Arm(1000, 60)]).decided_by == "no_difference"
