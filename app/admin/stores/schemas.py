"""What crosses the wire about stores."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from app.admin.areas.schemas import Latitude, Longitude, MunicipalityCode
from app.admin.brand.schemas import QuietHours
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
MOST_VALUES = 50
ValueName = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,39}$", examples=["phone"])]
Value = Annotated[
    str, Field(min_length=1, max_length=500, pattern=r"^[^\ue000\ue001]*[^\s\ue000\ue001][^\ue000\ue001]*$")
]
Values = Annotated[
    dict[ValueName, Value],
    Field(
        max_length=MOST_VALUES,
        description="What `{{ store.values.<name> }}` says in messages; `phone` is `{{ store.phone }}` too.",
        examples=[{"phone": "03-1234-5678"}],
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
    values: Values = Field(default_factory=dict)


class StorePatch(Body):
    """Changes to a store. `line_account_ids` and `weather_area` replace what stands; `opening_hours`, `quiet_hours` and
    `values` are merged."""

    model_config = example(name="渋谷本店", opening_hours={"tue": [["11:00", "22:00"]]})

    code: Code = Field(default_factory=absent)
    name: Name = Field(default_factory=absent)
    address: Address | None = None
    postal_code: PostalCode | None = None
    municipality_code: MunicipalityCode | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    opening_hours: OpeningHours | None = None
    quiet_hours: Annotated[
        dict[str, Any] | None,
        Field(
            description="When nothing is sent for this store, beside the brand's own quiet hours.",
            examples=[{"from": "20:00", "to": "10:00"}],
        ),
    ] = None
    line_account_ids: LineAccountIds = Field(default_factory=absent)
    weather_area: WeatherArea | None = None
    values: Annotated[
        dict[ValueName, Value | None],
        Field(max_length=100, description="By name, what is new; null takes a name out.", examples=[{"phone": None}]),
    ] = Field(default_factory=absent)


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
    quiet_hours: QuietHours | None
    line_account_ids: list[LineAccountId]
    weather_area: dict[str, str | None] | None
    values: Annotated[dict[str, str], BeforeValidator(lambda value: value or {})]
    created_at: Instant


class NearbyStore(StoreRead):
    """A store, how far it is from the point asked for, over the ground, and whether it is open just now."""

    distance_m: int
    open_now: bool | None = Field(description="null: the store has not stated its hours.")
    opens_at: Instant | None = Field(
        description="When the opening that goes on began, or the next of its business day begins; null: none is left."
    )
    closes_at: Instant | None = Field(description="When that opening ends.")
    map_url: str
