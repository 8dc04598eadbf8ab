"""Imagemaps: one picture with areas to tap, and perhaps a video on it."""

from app.sandbox.messages.fields import ACTION_URI_MAX, Branch, Shape, array, integer, link, media_url, text, union, uri

ALT_TEXT_MAX, ACTIONS_MAX = 1_500, 50
_WIDTH = 1_040  # Every imagemap is laid out in this many units across.


def _width(value: object) -> str | None:
    return (
        None if value == _WIDTH and not isinstance(value, bool) else f"Must be one of the following values: [{_WIDTH}]"
    )


_AREA = Shape(required={"x": integer(0), "y": integer(0), "width": integer(1), "height": integer(1)})
_LABEL = text(100, least=0)
_ACTION = union(
    {
        "uri": Shape(filled={"linkUri": link}, optional={"label": _LABEL}, branches={"area": _AREA}, needed=("area",)),
        "message": Shape(
            filled={"text": text(400)}, optional={"label": _LABEL}, branches={"area": _AREA}, needed=("area",)
        ),
        "clipboard": Shape(
            filled={"clipboardText": text(1_000)},
            optional={"label": _LABEL},
            branches={"area": _AREA},
            needed=("area",),
        ),
    }
)
_VIDEO = Shape(
    filled={"originalContentUrl": media_url, "previewImageUrl": media_url},
    branches={
        "area": _AREA,
        "externalLink": Shape(
            filled={"linkUri": uri("http", "https", "line", "tel", most=ACTION_URI_MAX), "label": text(30)}
        ),
    },
    needed=("area",),
)
check_imagemap: Branch = Shape(
    filled={"baseUrl": media_url, "altText": text(ALT_TEXT_MAX)},
    branches={
        "baseSize": Shape(required={"width": _width, "height": integer(1)}),
        "video": _VIDEO,
        "actions": array(_ACTION, 0, ACTIONS_MAX),
    },
    needed=("baseSize", "actions"),
)
