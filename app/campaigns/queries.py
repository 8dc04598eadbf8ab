"""Reads of campaigns."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.campaigns.models import Campaign
from app.messaging.models import Run
from tenants.areas.models import Area, AreaStore
from tenants.line_accounts.models import LineAccount
from tenants.problems import NotFound
from tenants.session import ScopedSession
from tenants.stores.models import Store


def list_campaigns() -> SelectOfScalar[Campaign]:
    """The campaigns of the scope that have not been put away, to be paged."""
    return select(Campaign).where(col(Campaign.archived_at).is_(None))


def get_campaign(session: ScopedSession, campaign_id: UUID) -> Campaign:
    """A campaign that the scope may see and that has not been put away. Raises NotFound."""
    campaign = session.exec(list_campaigns().where(col(Campaign.id) == campaign_id)).one_or_none()
    if campaign is None:
        raise NotFound
    return campaign


def lock_campaign(session: ScopedSession, campaign_id: UUID) -> Campaign:
    """A campaign that the scope may change, locked. Raises NotFound."""
    wanted = list_campaigns().where(col(Campaign.id) == campaign_id).with_for_update()
    campaign = session.exec(wanted).one_or_none()
    if campaign is None:
        raise NotFound
    return campaign


def list_store_nos(session: ScopedSession, store_ids: Iterable[UUID]) -> dict[UUID, int]:
    """The numbers of these stores, for those that exist in this scope."""
    stores = select(Store.id, Store.no).where(col(Store.id).in_(list(store_ids)))
    return dict(session.exec(stores).all())


def list_account_nos(session: ScopedSession, account_ids: Iterable[UUID]) -> dict[UUID, int]:
    """The numbers of these accounts, for those that exist in this scope."""
    accounts = select(LineAccount.id, LineAccount.no).where(col(LineAccount.id).in_(list(account_ids)))
    return dict(session.exec(accounts).all())


def map_campaign_names(session: ScopedSession, campaign_ids: Iterable[UUID]) -> dict[UUID, str]:
    """The names of these campaigns, also of those that were put away, for those that exist in this scope."""
    campaigns = select(Campaign.id, Campaign.name).where(col(Campaign.id).in_(list(campaign_ids)))
    return dict(session.exec(campaigns).all())


def list_run_ids(session: ScopedSession, campaign_id: UUID) -> Sequence[UUID]:
    """The runs of a campaign."""
    return session.exec(select(Run.id).where(col(Run.campaign_id) == campaign_id)).all()


def list_area_store_nos(session: ScopedSession, area_ids: Iterable[UUID]) -> tuple[set[UUID], set[int]]:
    """Those of these areas that exist, and the numbers of the stores in them and in the areas below them."""
    areas = session.exec(select(Area.id, Area.parent_id).where(col(Area.archived_at).is_(None))).all()
    known = {area_id for area_id, _ in areas} & set(area_ids)
    reached, grown = set(known), True
    while grown:
        below = {area_id for area_id, parent_id in areas if parent_id in reached}
        grown = not below <= reached
        reached |= below
    stores = session.exec(select(AreaStore.store_no).where(col(AreaStore.area_id).in_(list(reached)))).all()
    return known, set(stores)


def sum_coupons(session: ScopedSession, run_id: UUID) -> tuple[int, int, int]:
    """Copies issued by a run, how many of them stand redeemed, and the yen they gave."""
    row = (
        session.connection()
        .execute(
            text(
                """
            SELECT count(*), count(redemption.id), coalesce(sum(redemption.discount_yen), 0)
            FROM issued_coupon issued LEFT JOIN redemption ON redemption.brand_id = issued.brand_id
                AND redemption.issued_coupon_id = issued.id AND redemption.reversed_at IS NULL
            WHERE issued.brand_id = :brand_id AND issued.run_id = :run_id
            """
            ),
            {"brand_id": session.scope.brand_id, "run_id": run_id},
        )
        .one()
    )
    return int(row[0]), int(row[1]), int(row[2])
