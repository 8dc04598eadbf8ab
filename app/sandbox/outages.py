"""Outages as LINE has them, by name: each is one fault over a group of endpoints (faults.py says which groups)."""

from collections.abc import Mapping
from typing import Any

from app.sandbox.faults import GROUPS, MalformedFault

_MAINTENANCE = "<!DOCTYPE html><html><head><title>503</title></head><body><h1>Service Unavailable</h1></body></html>"

MODES: dict[str, Mapping[str, Any]] = {
    "errors": {"status": 500},
    "unavailable": {"status": 503, "body": _MAINTENANCE},
    "slow": {"delay_ms": 5_000},
    "spurious-400": {"status": 400, "body": {"message": "Bad Request"}},
    "html-200": {"status": 200, "body": _MAINTENANCE},
    "garbage": {"garbage": True},
    "huge": {"endless_body": True},
    "trickle": {"slow_body": 1.0},
    "endless-trickle": {"slow_body": 1.0, "endless_body": True},
    "hanging": {"hang": True},
    "dropped": {"drop": True},
    "accepted-then-error": {"status": 500, "after_accept": True},
    "accepted-then-dropped": {"drop": True, "after_accept": True},
    "accepted-then-slow": {"delay_ms": 30_000, "after_accept": True},
}


def plan(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The faults of `PUT /_sandbox/outage {"mode", "group", "ratio"}`; no mode is no outage. Raises MalformedFault."""
    if unknown := set(body) - {"mode", "group", "ratio", "seed"}:
        raise MalformedFault(f"unknown: {', '.join(sorted(unknown))}")
    mode = body.get("mode")
    if mode is None:
        return []
    if mode not in MODES:
        raise MalformedFault(f"mode is one of {', '.join(MODES)}; group one of {', '.join(GROUPS)}, or all if left out")
    return [{**MODES[mode], "group": body.get("group"), "ratio": body.get("ratio", 1.0)}]
