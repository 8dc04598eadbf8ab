"""What weather a rule of a pack waits for: the condition, when it is decided, and how what goes out may quote JMA.

Texts say what JMA has forecast, and when it said so, and never what the sky is doing; they must be true in a dry
afternoon too. None names a warning, which only JMA may issue. Warnings are in no condition: under them the safety stop
holds everything back, and a back-test, whose archive has none, could not tell how often the rest would fire.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

Code = Literal[
    "rain-at-lunch",
    "rain-in-the-afternoon",
    "sudden-cold",
    "heat-in-the-evening",
    "first-snow",
    "after-the-storm",
    "warmer-than-forecast",
    "pollen",
]
CODES: Final[tuple[Code, ...]] = get_args(Code)


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """Weather to write about. `quote` begins each of its messages; the rest is the shop's."""

    name: str
    name_en: str
    condition: Mapping[str, Any]
    off_condition: Mapping[str, Any] | None = None
    decide_times: tuple[str, ...]
    cooldown_days: int
    priority: int = 0
    approval: Literal["none", "before_send"] = "none"
    quote: str
    note_en: str


def _rain(window: Mapping[str, str], op: str, value: int) -> dict[str, Any]:
    return {"reading": "precipitation_probability", "in": window, "op": op, "value": value}


_LUNCH: Final = {"from": "11:00", "to": "15:00"}
_AFTERNOON: Final = {"from": "12:00", "to": "18:00"}

# Of three degrees each: a single comparison cannot hold what is measured against what was forecast.
_WARMER: Final = [
    {
        "all": [
            {"reading": "temperature_max", "op": "<=", "value": high},
            {"reading": "temperature", "op": ">=", "value": high + 2},
        ]
    }
    for high in range(9, 25, 3)
]

OCCASIONS: Final[dict[Code, Occasion]] = {
    "rain-at-lunch": Occasion(
        name="雨のお昼",
        name_en="Rain at lunch",
        condition=_rain(_LUNCH, ">=", 60),
        off_condition=_rain(_LUNCH, "<", 40),
        decide_times=("10:30",),
        cooldown_days=3,
        quote="けさ発表の気象庁の予報では、きょうのお昼すぎは雨の見込みです。",
        note_en="Decided at 10:30 on JMA's issue of 05:00 or a correction. At 60 % and more it rained 1 mm in seven of"
        " ten afternoons. Raise it to 70 where it fires too often, as in Niigata.",
    ),
    "rain-in-the-afternoon": Occasion(
        name="午後の雨",
        name_en="Rain in the afternoon",
        condition=_rain(_AFTERNOON, ">=", 60),
        off_condition=_rain(_AFTERNOON, "<", 40),
        decide_times=("11:35",),
        cooldown_days=3,
        quote="気象庁の予報では、きょうの午後は雨の見込みです（11時発表）。",
        note_en="Decided at 11:35, when no issue older than that of 11:00 may be acted on, so the hour in the text is"
        " right. Change the time and you must change the text.",
    ),
    "sudden-cold": Occasion(
        name="急な冷え込み",
        name_en="Sudden cold",
        condition={
            "all": [
                {"reading": "temperature_max", "op": "drops_by", "value": 5, "versus": "yesterday"},
                {"reading": "temperature_max", "op": "<=", "value": 18},
            ]
        },
        decide_times=("10:30",),
        cooldown_days=5,
        quote="けさ発表の気象庁の予報では、きょうの最高気温はきのうより5℃以上低い見込みです。",
        note_en="Today's forecast daytime maximum against yesterday's observed one: some 15 to 30 days a year in large"
        " cities before the 18 °C are asked for. Needs observations.",
    ),
    "heat-in-the-evening": Occasion(
        name="猛暑の夕方",
        name_en="Heat, for the evening",
        condition={"reading": "temperature_max", "op": ">=", "value": 33},
        decide_times=("16:15",),
        cooldown_days=3,
        quote="気象庁の予報では、きょうの最高気温は33℃以上です。暑い時間の外出はお控えください。",
        note_en="Goes out at 16:15, after the hottest hours: nobody is asked out between 11:00 and 16:00 in the heat."
        " 33 °C are 50 days a year in Tokyo and 3 in Sapporo: take the threshold that fits your town.",
    ),
    "first-snow": Occasion(
        name="シーズン最初の雪予報",
        name_en="First snow forecast of the season",
        condition={"reading": "weather", "op": "first_time_this_season", "value": "snow"},
        decide_times=("10:30",),
        cooldown_days=30,
        priority=10,
        approval="before_send",
        quote="けさ発表の気象庁の予報では、きょうは雪の見込みです。お足もとと交通情報をお確かめください。",
        note_en="The first forecast of snow, and not the first snow observed, which is JMA's to say. A person looks at"
        " roads and trains before it goes out. Set season_confirmed_on where the history of this season is incomplete.",
    ),
    "after-the-storm": Occasion(
        name="台風・嵐のあと",
        name_en="After a typhoon or storm",
        condition={
            "all": [
                {"reading": "wind_gust", "in": {"from": "00:00", "to": "09:00"}, "op": ">=", "value": 20},
                _rain(_AFTERNOON, "<=", 20),
                {"reading": "sky", "op": "in", "value": ["clear", "cloudy"]},
            ]
        },
        decide_times=("11:35",),
        cooldown_days=7,
        priority=10,
        approval="before_send",
        quote="気象庁の予報では、きょうの午後の降水確率は20％以下です（11時発表）。",
        note_en="Gusts of 20 m/s in the night or morning and a dry afternoon. Gusts come from the second source, which"
        " must be one that may be used commercially, and steer only whether to send: the text quotes JMA alone. Before"
        " it goes out a person makes sure that it is over, and that nobody is jarred by an offer.",
    ),
    "warmer-than-forecast": Occasion(
        name="予報より暖かい日",
        name_en="Warmer than forecast",
        condition={"any": _WARMER},
        decide_times=("13:30",),
        cooldown_days=5,
        quote="気象庁のアメダスの観測では、きょうは予報の最高気温を上回る暖かさです。",
        note_en="Two degrees or more above JMA's daytime maximum at the nearest station by 13:30, between 9 and 26 °C:"
        " weather that is better than forecast is answered best. Needs observations.",
    ),
    "pollen": Occasion(
        name="花粉の多い日",
        name_en="Much pollen",
        condition={"reading": "pollen", "op": ">=", "value": "high"},
        decide_times=("09:30",),
        cooldown_days=5,
        quote="花粉の季節です。",
        note_en="Fires on the levels that you set yourself for areas and dates (/v1/weather/pollen); JMA issues none.",
    ),
}
