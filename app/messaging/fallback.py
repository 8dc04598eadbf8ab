"""Messages for those for whom no copy of a coupon is left."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.messaging.render import check_messages
from tenants.problems import Invalid

POINTER: Final = "/fallback_messages"


def check_fallback(messages: Sequence[Mapping[str, Any]]) -> None:
    """Raises Invalid, with pointers, for messages that LINE would not take, or that promise who has no copy one."""
    try:
        variables = check_messages(messages).variables
    except Invalid as invalid:
        errors = [{**one, "pointer": POINTER + one["pointer"].removeprefix("/messages")} for one in invalid.errors]
        raise Invalid(errors) from invalid
    hers = sorted(name for name in variables if name.startswith("coupon.") and name != "coupon.name")
    if hers:
        raise Invalid.at(POINTER, f"Who gets these has no copy, so they cannot name {hers[0]}.")
