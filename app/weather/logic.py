"""Kleene's logic: true, false and unknown, where unknown is never taken for either."""

from collections.abc import Sequence
from enum import StrEnum


class Truth(StrEnum):
    """What is known of a condition."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


def truth_of(holds: bool) -> Truth:
    """What is known of something that is known."""
    return Truth.TRUE if holds else Truth.FALSE


def negate(truth: Truth) -> Truth:
    """Not: unknown stays unknown."""
    return {Truth.TRUE: Truth.FALSE, Truth.FALSE: Truth.TRUE, Truth.UNKNOWN: Truth.UNKNOWN}[truth]


def all_of(truths: Sequence[Truth]) -> Truth:
    """And: false if any is false, else unknown if any is unknown."""
    if Truth.FALSE in truths:
        return Truth.FALSE
    return Truth.UNKNOWN if Truth.UNKNOWN in truths else Truth.TRUE


def any_of(truths: Sequence[Truth]) -> Truth:
    """Or: true if any is true, else unknown if any is unknown."""
    if Truth.TRUE in truths:
        return Truth.TRUE
    return Truth.UNKNOWN if Truth.UNKNOWN in truths else Truth.FALSE
