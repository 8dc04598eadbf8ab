"""JMA's warnings by code, as they are since May 2026: what each is about, and how grave it is.

Codes are text of two digits: "03" is heavy rain, and "3" nothing. Rivers have a feed of their own now; the old codes of
floods stay readable.
"""

from typing import Final

from app.weather.outlook import Tier

WARNING_CODES: Final[dict[str, tuple[str, Tier]]] = {
    "10": ("rain", "advisory"),
    "03": ("rain", "warning"),
    "43": ("rain", "danger"),
    "33": ("rain", "emergency"),
    "29": ("landslide", "advisory"),
    "09": ("landslide", "warning"),
    "49": ("landslide", "danger"),
    "39": ("landslide", "emergency"),
    "19": ("surge", "advisory"),
    "08": ("surge", "warning"),
    "48": ("surge", "danger"),
    "38": ("surge", "emergency"),
    "15": ("storm", "advisory"),
    "05": ("storm", "warning"),
    "35": ("storm", "emergency"),
    "13": ("snowstorm", "advisory"),
    "02": ("snowstorm", "warning"),
    "32": ("snowstorm", "emergency"),
    "12": ("snow", "advisory"),
    "06": ("snow", "warning"),
    "36": ("snow", "emergency"),
    "16": ("wave", "advisory"),
    "07": ("wave", "warning"),
    "37": ("wave", "emergency"),
    "18": ("flood", "advisory"),
    "04": ("flood", "warning"),
    "14": ("thunder", "advisory"),
    "17": ("snowmelt", "advisory"),
    "20": ("fog", "advisory"),
    "21": ("dry_air", "advisory"),
    "22": ("avalanche", "advisory"),
    "23": ("cold", "advisory"),
    "24": ("frost", "advisory"),
    "25": ("icing", "advisory"),
    "26": ("snow_accretion", "advisory"),
    "27": ("other", "advisory"),
}

FLOOD_TIERS: Final[dict[str, Tier]] = {"2": "advisory", "3": "warning", "4": "danger", "5": "emergency"}
"""Of a river's forecast, by the level that its name begins with."""

NONE_STATUS: Final = "発表警報・注意報はなし"
LIFTED_STATUS: Final = "解除"
ACTIVE_STATUSES: Final = frozenset(
    {
        "発表",
        "継続",
        # Lowered: the code is already that of what is left, and it is in force.
        *(
            f"{before}から{after}"
            for before in ("特別警報", "危険警報", "警報")
            for after in ("特別警報", "危険警報", "警報", "注意報")
        ),
        # Raised, written the same way round by some offices.
        *(f"注意報から{after}" for after in ("警報", "危険警報", "特別警報")),
    }
)

PRODUCTS: Final = {
    "VPWW55": "heavy rain",
    "VPWW56": "landslides",
    "VPWW57": "storm surge",
    "VPWW58": "storm",
    "VPWW59": "waves",
    "VPWW60": "heavy snow",
    "VPWW61": "other advisories",
}
COASTAL_PRODUCTS: Final = frozenset({"VPWW57", "VPWW59"})
"""Reports that leave out the municipalities without a coast."""
