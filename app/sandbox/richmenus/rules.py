"""What LINE takes for a rich menu, an alias, and a batch; each answers in LINE's words, or with nothing."""

import re
from typing import Any

from app.sandbox.answers import Detail
from app.sandbox.messages.actions import branches
from app.sandbox.messages.fields import Branch, Shape, array, boolean, both, clusters, integer, matching, text, union

MENU_ID = re.compile(r"richmenu-[0-9a-f]{32}")
MOST_AREAS, MOST_OPERATIONS = 20, 1_000
_LEAST_RATIO = 1.45

_FAR = 2**31 - 1
_BOUNDS = Shape(
    required={"x": integer(0, _FAR), "y": integer(0, _FAR), "width": integer(1, _FAR), "height": integer(1, _FAR)}
)
_AREA = Shape(branches={"bounds": _BOUNDS, "action": branches["rich_menu"]}, needed=("bounds", "action"))
_SIZE = Shape(required={"width": integer(800, 2500), "height": integer(250, _FAR)})


def _size(value: Any, path: str, details: list[Detail]) -> None:
    before = len(details)
    _SIZE(value, path, details)
    if len(details) == before and value["width"] / value["height"] < _LEAST_RATIO:
        details.append({"message": f"width / height must be at least {_LEAST_RATIO}", "property": path})


_MENU = Shape(
    required={"selected": boolean, "name": clusters(300), "chatBarText": clusters(14)},
    branches={"size": _size, "areas": array(_AREA, 0, MOST_AREAS)},
    needed=("size", "areas"),
)
_MENU_ID = matching(MENU_ID.pattern, "invalid richMenuId")
_ALIAS = Shape(
    required={
        "richMenuAliasId": both(text(32), matching("[a-z0-9_-]+", "invalid richMenuAliasId")),
        "richMenuId": _MENU_ID,
    }
)
_ALIAS_CHANGE = Shape(required={"richMenuId": _MENU_ID})
_OPERATION = union(
    {
        "link": Shape(required={"from": _MENU_ID, "to": _MENU_ID}),
        "unlink": Shape(required={"from": _MENU_ID}),
        "unlinkAll": Shape(),
    }
)
_BATCH = Shape(
    optional={"resumeRequestKey": both(text(100), matching(r"[0-9a-zA-Z\-_]+", "invalid resumeRequestKey"))},
    branches={"operations": array(_OPERATION, 1, MOST_OPERATIONS)},
    needed=("operations",),
)


def check_menu(body: Any) -> list[Detail]:
    """What is wrong with a rich menu object."""
    return _check(_MENU, body)


def check_alias(body: Any) -> list[Detail]:
    """What is wrong with a new alias."""
    return _check(_ALIAS, body)


def check_alias_change(body: Any) -> list[Detail]:
    """What is wrong with another menu for an alias."""
    return _check(_ALIAS_CHANGE, body)


def check_batch(body: Any) -> list[Detail]:
    """What is wrong with a batch, before anybody looks whether its menus are there."""
    details = _check(_BATCH, body)
    if details:
        return details
    operations = body["operations"]
    seen: set[str] = set()
    for position, operation in enumerate(operations):
        path = f"operations[{position}]"
        if operation["type"] == "unlinkAll":
            if len(operations) > 1:
                details.append(
                    {"message": "'unlinkAll' type can't be combined with other type", "property": f"{path}.type"}
                )
            continue
        if operation["from"] in seen:
            details.append(
                {"message": f"'from' richmenu ({operation['from']}) is duplicated", "property": f"{path}.from"}
            )
        seen.add(operation["from"])
    return details


def _check(branch: Branch, body: Any) -> list[Detail]:
    """The details of a body, whose properties have no path before them."""
    details: list[Detail] = []
    branch(body, "", details)
    return [{**each, "property": each["property"].lstrip(".")} for each in details]
