"""Sender policies: which of the accounts that reach a person speaks to her, or that all of them do."""

from typing import Final

_HOME_FIRST: Final = "is_home DESC, last_at DESC NULLS LAST, followed_at, account_no"

ALL: Final = "all_accounts"
"""Each account that reaches her speaks, as when shops close in an emergency; only where a campaign says so itself."""
ORDERS: Final = {
    "home_store": _HOME_FIRST,
    "last_visited": "last_at DESC NULLS LAST, is_home DESC, followed_at, account_no",
    "nearest": f"closeness DESC, {_HOME_FIRST}",
    "most_quota": f"free DESC NULLS FIRST, {_HOME_FIRST}",
    "fixed_order": "rank, followed_at, account_no",
    ALL: _HOME_FIRST,
}
"""The order of a person's accounts by policy, the one that speaks first: driver SQL over the columns of `tie`.

Where the policy itself does not decide, her home store does, then where she was last, then whom she followed first.
"""
DEFAULT: Final = "home_store"


def read_policy(wanted: str | None, brands: str) -> str:
    """The policy that is asked for, or else the brand's; `all_accounts` as the brand's is no policy for one message."""
    if wanted in ORDERS:
        return wanted
    return brands if brands in ORDERS and brands != ALL else DEFAULT
