"""The nightly recount publishes how many rows differ."""

from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from app.events.projector import project
from app.jobs.queue import Clockwork
from app.reports.projection import move_daily_metrics
from app.reports.tasks import RECOUNTED_DAYS, reconcile
from app.settings import Settings
from tenants.sealing import Keyring
from tests import make
from tests.conftest import BrandHome
from tests.make.events import NOON

pytestmark = pytest.mark.every_brand


def count_differences(home: BrandHome, keyring: Keyring, settings: Settings, days_later: int) -> float:
    """What the gauge says after a night's recount."""
    reconcile(Clockwork(home.engine, keyring, settings, NOON + timedelta(days=days_later)))
    return REGISTRY.get_sample_value("noren_report_differences") or 0.0


def test_the_gauge_tells_rows_that_events_do_not_confirm(home: BrandHome, keyring: Keyring, settings: Settings) -> None:
    before = count_differences(home, keyring, settings, 1)
    with home.open() as session:
        make.event(session)
        session.commit()
    project(home.engine, home.scope.brand_id, NOON, [])
    assert count_differences(home, keyring, settings, 1) == before + 1
    assert count_differences(home, keyring, settings, RECOUNTED_DAYS - 1) >= 1


def test_rollups_that_were_moved_make_no_difference(home: BrandHome, keyring: Keyring, settings: Settings) -> None:
    before = count_differences(home, keyring, settings, 1)
    with home.open() as session:
        make.event(session)
        session.commit()
    project(home.engine, home.scope.brand_id, NOON, [move_daily_metrics])
    assert count_differences(home, keyring, settings, 1) == before
