"""Units: the names of a run's sends at each account, as many as LINE takes in a month."""

from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from tenants.session import ScopedSession

MOST_NAMES: Final = 1000
"""Names an account may use in a calendar month. LINE passes over one more without a word.

Source: Messaging API documentation, unit-based statistics, 2026-08.
"""
_LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def name_units(session: ScopedSession, run_id: UUID, month_on: date, now: datetime) -> int:
    """Give the batches of a run the names under which LINE shall count them; answers how many names there are.

    An account that has used its names of the month gets none, and its batches go without. Needs the brand's lock.
    """
    values = {
        "brand_id": session.scope.brand_id,
        "run_id": run_id,
        "stem": write_stem(run_id),
        "month_on": month_on,
        "now": now,
        "most": MOST_NAMES,
    }
    return int(session.execute(_NAME, values).scalar_one())


def write_stem(run_id: UUID) -> str:
    """A run's part of its names, 24 of the 30 letters that LINE takes: letters, digits and underscores."""
    number, letters = run_id.int, ""
    while number:
        number, place = divmod(number, 62)
        letters = _LETTERS[place] + letters
    return f"n_{letters.rjust(22, '0')}"


_NAME: Final = text(
    """
    WITH wanted AS (
        SELECT DISTINCT line_account_id, variant,
               :stem || CASE WHEN variant IS NULL THEN '' ELSE '_v' || (variant + 1) END AS name
        FROM batch WHERE brand_id = :brand_id AND run_id = :run_id
    ), used AS (
        SELECT line_account_id, count(*) AS names FROM insight_unit
        WHERE brand_id = :brand_id AND month_on = :month_on
          AND line_account_id IN (SELECT line_account_id FROM wanted)
        GROUP BY 1
    ), fitting AS (
        SELECT wanted.*, coalesce(used.names, 0)
               + row_number() OVER (PARTITION BY line_account_id ORDER BY wanted.variant) AS place
        FROM wanted LEFT JOIN used USING (line_account_id)
    ), named AS (
        INSERT INTO insight_unit (brand_id, line_account_id, name, run_id, variant, month_on, created_at)
        SELECT :brand_id, line_account_id, name, :run_id, variant, :month_on, :now FROM fitting WHERE place <= :most
        RETURNING line_account_id, name, variant
    ), given AS (
        UPDATE batch SET unit = named.name FROM named
        WHERE batch.brand_id = :brand_id AND batch.run_id = :run_id
          AND batch.line_account_id = named.line_account_id AND batch.variant IS NOT DISTINCT FROM named.variant
    )
    SELECT count(*) FROM named
    """
)
