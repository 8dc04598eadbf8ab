"""Templates: buttons, confirm, carousel and image carousel."""

from collections.abc import Sequence
from typing import Any

from app.sandbox.answers import Detail
from app.sandbox.messages import actions
from app.sandbox.messages.fields import Branch, Shape, array, clusters, matching, media_url, one_of, text, union

ALT_TEXT_MAX, COLUMNS_MAX = 1_500, 10
_TITLE_MAX, _TEXT_MAX_BELOW_A_HEADING = 40, 60

_COLOUR = matching("#[0-9A-Fa-f]{6}")
_PICTURE = {"imageAspectRatio": one_of("rectangle", "square"), "imageSize": one_of("cover", "contain")}
_ACTION, _DEFAULT_ACTION = actions.branches["template"], actions.branches["default_action"]


def _card(text_max: int, actions_max: int) -> Branch:
    """What buttons and the columns of a carousel share: their text is shorter below a title or a picture."""

    def shape(most: int) -> Shape:
        return Shape(
            filled={"text": clusters(most)},
            optional={
                "title": clusters(_TITLE_MAX, least=0),
                "thumbnailImageUrl": media_url,
                "imageBackgroundColor": _COLOUR,
                **_PICTURE,
            },
            branches={"defaultAction": _DEFAULT_ACTION, "actions": array(_ACTION, 1, actions_max)},
            needed=("actions",),
        )

    bare, headed = shape(text_max), shape(_TEXT_MAX_BELOW_A_HEADING)

    def check(card: Any, path: str, details: list[Detail]) -> None:
        (headed if isinstance(card, dict) and _heading(card) != (False, False) else bare)(card, path, details)

    return check


def _heading(card: dict[str, Any]) -> tuple[bool, bool]:
    """Whether a card has a title, and a picture."""
    return bool(card.get("title")), card.get("thumbnailImageUrl") is not None


_CAROUSEL = Shape(optional=_PICTURE, branches={"columns": array(_card(120, 3), 1, COLUMNS_MAX)}, needed=("columns",))


def _check_carousel(template: Any, path: str, details: list[Detail]) -> None:
    """Columns are alike: as many actions in each, and a title or picture in all or none."""
    _CAROUSEL(template, path, details)
    columns = template.get("columns")
    if not isinstance(columns, list) or not all(isinstance(column, dict) for column in columns):
        return
    listed = [column.get("actions") for column in columns]
    if all(isinstance(each, list) for each in listed):
        _demand_equal([len(each) for each in listed], "actions", path, details)
    headings = [_heading(column) for column in columns]
    _demand_equal([title for title, _ in headings], "title", path, details)
    _demand_equal([picture for _, picture in headings], "thumbnailImageUrl", path, details)


def _demand_equal(values: Sequence[int], name: str, path: str, details: list[Detail]) -> None:
    for position, value in enumerate(values[:COLUMNS_MAX]):
        if value != values[0]:
            wrong = f"{name} must be the same in all columns, in number or absence"
            details.append({"message": wrong, "property": f"{path}.columns[{position}].{name}"})
            return


_TEMPLATE = union(
    {
        "buttons": _card(160, 4),
        "confirm": Shape(
            filled={"text": clusters(240)}, branches={"actions": array(_ACTION, 2, 2)}, needed=("actions",)
        ),
        "carousel": _check_carousel,
        "image_carousel": Shape(
            branches={
                "columns": array(
                    Shape(
                        filled={"imageUrl": media_url},
                        branches={"action": actions.branches["image_carousel"]},
                        needed=("action",),
                    ),
                    1,
                    COLUMNS_MAX,
                )
            },
            needed=("columns",),
        ),
    }
)
check_template: Branch = Shape(
    filled={"altText": text(ALT_TEXT_MAX)}, branches={"template": _TEMPLATE}, needed=("template",)
)
