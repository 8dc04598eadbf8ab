"""Sender policies: which of the accounts that reach a person speaks to her."""

from typing import Final

_HOME_FIRST: Final = "is_home DESC, last_at DESC NULLS LAST, followed_at, account_no"

ORDERS: Final = {
    "home_store": _HOME_FIRST,
    "last_visited": "last_at DESC NULLS LAST, is_home DESC, followed_at, account_no",
    "nearest": f"closeness DESC, {_HOME_FIRST}",
    "most_quota": f"free DESC NULLS FIRST, {_HOME_FIRST}",
    "fixed_order": "rank, followed_at, account_no",
}
"""The order of a person's accounts by policy, the one that speaks first: driver SQL over the columns of `tie`.

Where the policy itself does not decide, her home store does, then where she was last, then whom she followed first.
"""
DEFAULT: Final = "home_store"


def read_policy(*wanted: str | None) -> str:
    """The first of these that is a policy of ours; `all_accounts` waits for sendings of several messages a person."""
    return next((one for one in wanted if one in ORDERS), DEFAULT)
