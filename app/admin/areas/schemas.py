"""What crosses the wire about areas."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from app.admin.patches import absent
from app.schemas import AreaId, Body, Instant, Name, Read, StoreId, example
from tenants.areas.polygons import MOST_POSITIONS, find_fault
from tenants.areas.trade_zones import is_in_japan

Latitude = Annotated[float, Field(strict=True, ge=-90, le=90)]
Longitude = Annotated[float, Field(strict=True, ge=-180, le=180)]
MunicipalityCode = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{5}$",
        description="JIS X 0402: prefecture and municipality, without the check digit.",
        examples=["13104"],
    ),
]


def _is_closed_ring(ring: list[list[float]]) -> list[list[float]]:
    if len(ring) < 4 or ring[0] != ring[-1]:
        raise ValueError("a ring has at least four positions and ends where it begins")
    for position in ring:
        if len(position) != 2 or not (-180 <= position[0] <= 180 and -90 <= position[1] <= 90):
            raise ValueError("a position is [longitude, latitude]")
        if not is_in_japan(position[1], position[0]):
            raise ValueError("a position lies outside Japan; it is [longitude, latitude]")
    return ring


Degrees = Annotated[float, Field(strict=True)]
Ring = Annotated[list[list[Degrees]], Field(max_length=5_000), AfterValidator(_is_closed_ring)]


def _is_drawn_properly(rings: list[list[list[float]]]) -> list[list[list[float]]]:
    if fault := find_fault(rings):
        raise ValueError(fault)
    return rings


class Radius(Body):
    """A circle around a point of Japan, or without one around each store of the area."""

    latitude: Latitude | None = None
    longitude: Longitude | None = None
    radius_m: Annotated[int, Field(strict=True, ge=1, le=300_000)]

    @model_validator(mode="after")
    def _lies_in_japan(self) -> "Radius":
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("latitude and longitude are given together, or neither: around each store of the area")
        if self.latitude is not None and self.longitude is not None and not is_in_japan(self.latitude, self.longitude):
            raise ValueError("the point lies outside Japan")
        return self


class Polygon(Body):
    """A GeoJSON polygon: its outline, then its holes (RFC 7946). No side crosses or touches another."""

    type: Literal["Polygon"]
    coordinates: Annotated[
        list[Ring],
        Field(min_length=1, max_length=20, description=f"At most {MOST_POSITIONS:,} positions in all."),
        AfterValidator(_is_drawn_properly),
    ]


class TradeZone(Body):
    """Where an area's customers live: municipalities, a circle, or a polygon."""

    municipality_codes: Annotated[list[MunicipalityCode], Field(min_length=1, max_length=2_000)] | None = None
    radius: Radius | None = None
    polygon: Polygon | None = None

    @model_validator(mode="after")
    def _is_one(self) -> "TradeZone":
        if sum(part is not None for part in (self.municipality_codes, self.radius, self.polygon)) != 1:
            raise ValueError("must be exactly one of municipality_codes, radius and polygon; null takes one out")
        return self


StoreIds = Annotated[list[StoreId], Field(max_length=5_000)]


class AreaCreate(Body):
    """A new area."""

    model_config = example(name="渋谷・原宿", trade_zone={"municipality_codes": ["13113"]})

    name: Name
    parent_id: AreaId | None = None
    store_ids: StoreIds = Field(default_factory=list)
    trade_zone: TradeZone | None = None


class AreaPatch(Body):
    """Changes to an area. `store_ids` replaces the list, `trade_zone` is merged into what stands."""

    model_config = example(name="渋谷")

    name: Name = Field(default_factory=absent)
    parent_id: AreaId | None = None
    store_ids: StoreIds = Field(default_factory=absent)
    trade_zone: dict[str, Any] | None = Field(default=None, examples=[{"municipality_codes": ["13104", "13113"]}])


class AreaRead(Read):
    """An area. Its stores are those that you may see."""

    id: AreaId
    name: str
    parent_id: AreaId | None
    store_ids: list[StoreId]
    trade_zone: dict[str, Any] | None
    created_at: Instant


class AreaCustomers(Read):
    """How many belong to an area's trade zone, and by what. Who does by several counts in each, and once in all."""

    area_id: AreaId
    customers: int = Field(description="Whom any of the four holds for.")
    in_trade_zone: int = Field(
        description="By address or home store: whom `in_trade_zone` of segments and `trade_zone_area_ids` of campaigns"
        " choose."
    )
    by_address: int = Field(description="Who lives in a municipality of the zone.")
    by_home_store: int = Field(description="Who is at home in a store that lies in it.")
    by_visit: int = Field(description="Who bought at or visited such a store.")
    by_friendship: int = Field(description="Who follows an account that speaks for such a store.")
    stores: int = Field(description="Stores of yours that lie in it.")
    fresh_at: Instant
