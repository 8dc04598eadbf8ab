"""Which rows that carry a LINE user id, and no customer, are of a person."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import text

from tenants.session import ScopedSession


def list_line_user_ids(session: ScopedSession, customer_ids: Collection[UUID]) -> list[str]:
    """The LINE user ids of these people, at whatever providers, sorted."""
    values = {"brand_id": session.scope.brand_id, "ids": list(customer_ids)}
    return list(session.execute(_LINE_USER_IDS, values).scalars())


def is_hers(line_user_id: str, line_account_id: str) -> str:
    """SQL: whether a LINE user id, at an account, is of the people `:ids`; both are columns of a row in question.

    `:line_user_ids` is what `list_line_user_ids` says of them, by which the rows are found. An id that stands for her
    at one account only is somebody else's at the others, and one that stands for her everywhere is not hers where
    another has it as her own.
    """
    return f"""{line_user_id} = ANY(CAST(:line_user_ids AS text[])) AND EXISTS (
        SELECT FROM identity AS hers
        JOIN line_account AS place ON place.brand_id = :brand_id AND place.id = {line_account_id}
        WHERE hers.brand_id = :brand_id AND hers.customer_id = ANY(CAST(:ids AS uuid[]))
          AND hers.line_user_id = {line_user_id}
          AND (hers.account_no = place.no OR hers.account_no IS NULL AND NOT EXISTS (
              SELECT FROM identity AS others
              WHERE others.brand_id = :brand_id AND others.provider_id = hers.provider_id
                AND others.line_user_id = hers.line_user_id AND others.account_no = place.no
                AND NOT others.customer_id = ANY(CAST(:ids AS uuid[]))
          ))
    )"""


def values_of(session: ScopedSession, customer_ids: Collection[UUID]) -> dict[str, Any]:
    """What `is_hers` refers to."""
    return {
        "brand_id": session.scope.brand_id,
        "ids": list(customer_ids),
        "line_user_ids": list_line_user_ids(session, customer_ids),
    }


_LINE_USER_IDS = text(
    "SELECT DISTINCT line_user_id FROM identity WHERE brand_id = :brand_id AND customer_id = ANY(CAST(:ids AS uuid[]))"
    " ORDER BY line_user_id"
)
