"""What crosses the wire about stores."""

from typing import Annotated, Any

from pydantic import Field

from app.admin.areas.schemas import Latitude, Longitude, MunicipalityCode
from app.admin.patches import absent
from app.schemas import Body, Instant, LineAccountId, Name, OneLine, Read, StoreId, example

Code = Annotated[Name, Field(max_length=64, description="Your own code of the store, unique in the brand.")]
Address = Annotated[OneLine, Field(max_length=500)]
PostalCode = Annotated[str, Field(pattern=r"^[0-9]{3}-?[0-9]{4}$", examples=["160-0022"])]
LineAccountIds = Annotated[list[LineAccountId], Field(max_length=100)]
OpeningHours = Annotated[
    dict[str, Any],
    Field(
        description="Openings by weekday, and exceptions by date; 26:00 is two in the morning after.",
        examples=[{"mon": [["11:00", "26:00"]], "exceptions": [{"on": "2026-12-31", "hours": []}]}],
    ),
]


class WeatherArea(Body):
    """Where the forecast for a store is found, in codes of JMA. `class20` suffices where JMA knows it."""

    model_config = example(class20="1311300")

    class20: Annotated[str, Field(pattern=r"^[0-9]{7}$", examples=["1310400"])] | None = None
    class10: Annotated[str, Field(pattern=r"^[0-9]{6}$", examples=["130010"])] | None = None
    office: Annotated[str, Field(pattern=r"^[0-9]{6}$", examples=["130000"])] | None = None


class StoreCreate(Body):
    """A new store. Without `weather_area` its municipality says where its forecast is found."""

    model_config = example(
        code="S001",
        name="渋谷店",
        address="東京都渋谷区渋谷1-1-1",
        postal_code="150-0002",
        municipality_code="13113",
        latitude=35.6598,
        longitude=139.7006,
        opening_hours={"mon": [["11:00", "26:00"]], "exceptions": [{"on": "2026-12-31", "hours": []}]},
    )

    code: Code
    name: Name
    address: Address | None = None
    postal_code: PostalCode | None = None
    municipality_code: MunicipalityCode | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    opening_hours: OpeningHours | None = None
    line_account_ids: LineAccountIds = Field(default_factory=list)
    weather_area: WeatherArea | None = None


class StorePatch(Body):
    """Changes to a store. `line_account_ids` and `weather_area` replace what stands; `opening_hours` is merged."""

    model_config = example(name="渋谷本店", opening_hours={"tue": [["11:00", "22:00"]]})

    code: Code = Field(default_factory=absent)
    name: Name = Field(default_factory=absent)
    address: Address | None = None
    postal_code: PostalCode | None = None
    municipality_code: MunicipalityCode | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    opening_hours: OpeningHours | None = None
    line_account_ids: LineAccountIds = Field(default_factory=absent)
    weather_area: WeatherArea | None = None


class StoreRead(Read):
    """A store. `weather_area.source` says who located it: its `municipality`, or an `operator`."""

    id: StoreId
    code: str
    name: str
    address: str | None
    postal_code: str | None
    municipality_code: str | None
    latitude: float | None
    longitude: float | None
    opening_hours: dict[str, Any] | None
    line_account_ids: list[LineAccountId]
    weather_area: dict[str, str | None] | None
    created_at: Instant


class NearbyStore(StoreRead):
    """A store, and how far it is from the point asked for, over the ground."""

    distance_m: int
