"""Reads of QR codes and of what came of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Engine, func, text
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.qr_codes.models import QrCode, QrScan, QrScanDay
from tenants.brands.models import Brand
from tenants.line_accounts.models import LineAccount
from tenants.problems import NotFound
from tenants.stores.models import Store


def live_codes() -> SelectOfScalar[QrCode]:
    """Codes that are not archived."""
    return select(QrCode).where(col(QrCode.archived_at).is_(None))


def list_codes(*, archived: bool, line_account_id: UUID | None, store_id: UUID | None) -> SelectOfScalar[QrCode]:
    """The live codes, or else the archived ones, to be paged."""
    wanted = select(QrCode).where(col(QrCode.archived_at).is_not(None)) if archived else live_codes()
    if line_account_id is not None:
        wanted = wanted.where(col(QrCode.line_account_id) == line_account_id)
    return wanted if store_id is None else wanted.where(col(QrCode.store_id) == store_id)


def get_code(session: Session, qr_code_id: UUID) -> QrCode:
    """A code, archived or not. Raises NotFound."""
    code = session.exec(select(QrCode).where(col(QrCode.id) == qr_code_id)).one_or_none()
    if code is None:
        raise NotFound
    return code


def lock_code(session: Session, qr_code_id: UUID) -> QrCode:
    """A live code, for changing it. Raises NotFound."""
    wanted = live_codes().where(col(QrCode.id) == qr_code_id).with_for_update(key_share=True)
    code = session.exec(wanted.execution_options(populate_existing=True)).one_or_none()
    if code is None:
        raise NotFound
    return code


@dataclass(frozen=True)
class Counted:
    """What came of one code."""

    scans: int
    friends: int
    is_tied: bool


def count_of(session: Session, codes: Sequence[QrCode]) -> dict[UUID, Counted]:
    """What came of each of these codes."""
    ids = [code.id for code in codes]
    accounts = {code.line_account_id for code in codes}
    days = select(QrScanDay.qr_code_id, func.sum(QrScanDay.scans)).where(col(QrScanDay.qr_code_id).in_(ids))
    scans = dict(session.exec(days.group_by(col(QrScanDay.qr_code_id))).all())
    ties = select(QrScan.qr_code_id, func.count()).where(
        col(QrScan.qr_code_id).in_(ids), col(QrScan.tied_at).is_not(None)
    )
    friends = dict(session.exec(ties.group_by(col(QrScan.qr_code_id))).all())
    signing_in = select(LineAccount.id).where(
        col(LineAccount.id).in_(accounts),
        col(LineAccount.login_channel_id).is_not(None),
        col(LineAccount.sealed_login_secret).is_not(None),
    )
    tied = set(session.exec(signing_in).all())
    return {
        code.id: Counted(int(scans.get(code.id, 0)), friends.get(code.id, 0), code.line_account_id in tied)
        for code in codes
    }


@dataclass(frozen=True)
class Shown:
    """What people read beside a code."""

    brand: str
    place: str
    basic_id: str | None


def find_shown(session: Session, code: QrCode) -> Shown:
    """Whose code it is: the brand's name, and its store's or else its account's."""
    account = session.exec(select(LineAccount).where(col(LineAccount.id) == code.line_account_id)).one()
    store = session.exec(select(Store.name).where(col(Store.id) == code.store_id)).one_or_none()
    return Shown(session.exec(select(Brand.name)).one(), store or account.name, account.basic_id)


def find_scanned(engine: Engine, code: str) -> tuple[UUID, UUID] | None:
    """The brand and the id of the code that stands in a link."""
    with engine.connect() as connection:
        found = connection.execute(text("SELECT brand_id, qr_code_id FROM find_qr_code(:code)"), {"code": code})
        row = found.one_or_none()
        connection.rollback()
    return None if row is None else (row.brand_id, row.qr_code_id)


def is_only_one_signing_in(session: Session, account: LineAccount) -> bool:
    """Whether no other account names the same LINE Login channel.

    LINE offers to add the one account that is linked to the channel; of several, we cannot know which that is.
    """
    same = select(func.count()).where(
        col(LineAccount.login_channel_id) == account.login_channel_id, col(LineAccount.archived_at).is_(None)
    )
    return session.exec(same).one() <= 1
