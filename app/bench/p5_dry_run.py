"""P5: a dry run, which asks all that a launch asks and keeps whom it would choose, beside the freeze itself."""

from datetime import UTC, datetime
from statistics import median
from time import perf_counter
from uuid import UUID

from app.bench import campaigns
from app.bench.brand import BenchBrand, seed_brand, seed_people
from app.bench.p3_campaign import ACCOUNTS, MESSAGES
from app.bench.place import Place, open_place
from app.bench.results import Bar, Failed, Line, Result, Size
from app.campaigns import queries, rehearsal
from app.campaigns.audience import read_audience
from app.campaigns.schemas import DryRunRead
from app.messaging.freeze import Tally, freeze, lock_brand
from app.messaging.models import Run
from app.messaging.planning import limit
from tenants.session import open_session

PEOPLE = {Size.CI: 50_000, Size.FULL: 100_000}
ROUNDS = {Size.CI: 5, Size.FULL: 9}
WARM_UP = 2


def run(size: Size) -> Result:
    """Rehearse and freeze by turns, so that a busy moment of the machine is no one's disadvantage."""
    people, rounds = PEOPLE[size], ROUNDS[size]
    with open_place() as place:
        brand = seed_brand(place, accounts=ACCOUNTS)
        seed_people(place, brand, people)
        campaign_id = campaigns.draft(place, brand, MESSAGES)
        for _ in range(WARM_UP):
            _rehearse(place, brand, campaign_id, people)
            _freeze(place, brand, campaign_id, people)
        cpu = place.postgres_cpu_seconds()
        rehearsed, frozen = [], []
        for _ in range(rounds):
            rehearsed.append(_rehearse(place, brand, campaign_id, people))
            frozen.append(_freeze(place, brand, campaign_id, people))
        cpu = place.postgres_cpu_seconds() - cpu
        alone, compared = [], []
        for _ in range(rounds):
            alone.append(_launch(place, brand, people, is_rehearsed=False))
            compared.append(_launch(place, brand, people, is_rehearsed=True))
    return Result(
        id="P5",
        title=f"Dry run of a campaign to {people:,} people",
        lines=(
            Line(
                work=f"dry run of {people:,} people, kept by person, with samples",
                figure=median(rehearsed),
                unit="s",
                reference=median(frozen),
                bar=Bar(at_most=1.2),
            ),
            Line(
                work="launch that is compared with it, beside one that is not",
                figure=median(compared),
                unit="s",
                reference=median(alone),
            ),
        ),
        cpu_seconds={"Postgres": cpu},
        notes=(
            f"Reference: the freeze of the same audience, deliveries and batches, with its commit. Median of {rounds}.",
        ),
    )


def _rehearse(place: Place, brand: BenchBrand, campaign_id: UUID, people: int) -> float:
    began = perf_counter()
    with open_session(place.engine, brand.scope) as session:
        campaign = queries.get_campaign(session, campaign_id)
        told = rehearsal.dry_run(session, campaign, datetime.now(UTC))
        session.commit()
    _require_all(told, people)
    return perf_counter() - began


def _freeze(place: Place, brand: BenchBrand, campaign_id: UUID, people: int) -> float:
    """Seconds of a freeze into a run that nobody sends."""
    began = perf_counter()
    with open_session(place.engine, brand.scope) as session:
        campaign, now = queries.get_campaign(session, campaign_id), datetime.now(UTC)
        lock_brand(session)
        limited = limit(session, read_audience(session, campaign, now), campaign.quota_policy, now)
        run = Run(
            kind="campaign",
            status="paused",
            messages=campaign.messages,
            personal=False,
            holdout_salt="",
            brand_name="",
            frozen_at=now,
        )
        session.add(run)
        session.flush()
        tally = freeze(session, run.id, limited)
        session.commit()
    _require_all(tally, people)
    return perf_counter() - began


def _launch(place: Place, brand: BenchBrand, people: int, *, is_rehearsed: bool) -> float:
    campaign_id = campaigns.draft(place, brand, MESSAGES)
    if is_rehearsed:
        _rehearse(place, brand, campaign_id, people)
    began = perf_counter()
    campaigns.launch(place, brand, campaign_id, paused=True)
    return perf_counter() - began


def _require_all(told: Tally | DryRunRead, people: int) -> None:
    if told.chosen != people:
        raise Failed(f"{told.chosen:,} people were chosen instead of {people:,}.")
