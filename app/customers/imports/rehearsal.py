"""A dry run: the same statements on copies of the rows that they would touch, in one transaction that changes nothing.

Temporary tables of the same names stand before the real ones, so what is found out and counted is what a real run would
come to, also where one person stands twice in a file. People are copied when a row first names them. Nobody waits for
a dry run: it locks nothing that is not its own.
"""

from typing import Any, Final

from sqlalchemy import text

from app.customers.imports import arriving
from tenants.session import ScopedSession

_COPIED: Final = ("customer", "identity", "friend", "external_id", "customer_store", "customer_tag")


def cover_tables(session: ScopedSession) -> None:
    """Put empty copies before the real tables, until the transaction ends."""
    for table in _COPIED:
        like = f"(LIKE public.{table} INCLUDING DEFAULTS INCLUDING INDEXES)"
        session.connection().execute(text(f"CREATE TEMP TABLE {table} {like} ON COMMIT DROP"))


def fetch_named(session: ScopedSession, present: frozenset[str], values: dict[str, Any]) -> None:
    """Copy the people whom the rows in `arriving` name, unless they were copied before and may have changed since."""
    named = [arriving.named_by(present - {"line_user_id"}, "public.")] if present & _NAMING else []
    if "noren_id" in present:
        named.append(_OF_ID)  # the row of one who was merged, too: it leads to the survivor
    if "line_user_id" in present:
        named.append(_OF_LINE)
    session.connection().execute(text(_FETCH.format(named=" UNION ".join(named))), values)


_NAMING: Final = frozenset({"noren_id", *arriving.STRONG, *arriving.WEAK, "external_ids"})
_OF_ID: Final = """
(SELECT 'noren_id' AS key, c.id AS customer_id FROM public.customer AS c
 WHERE c.brand_id = :brand_id AND c.id = a.noren_id)
"""
_OF_LINE: Final = """
(SELECT 'line_user_id' AS key, i.customer_id FROM public.identity AS i
 WHERE i.brand_id = :brand_id AND i.provider_id = :provider_id AND i.line_user_id = a.line_user_id)
"""
_FETCH: Final = """
WITH fresh AS (
    INSERT INTO customer SELECT c.* FROM public.customer AS c
    WHERE c.brand_id = :brand_id AND c.id = ANY(ARRAY(
        SELECT found.customer_id FROM arriving AS a CROSS JOIN LATERAL ({named}) AS found
    ))
    ON CONFLICT DO NOTHING RETURNING id
), identities AS (
    INSERT INTO identity SELECT i.* FROM public.identity AS i
    WHERE i.brand_id = :brand_id AND i.customer_id = ANY(ARRAY(SELECT id FROM fresh)) ON CONFLICT DO NOTHING
), friends AS (
    INSERT INTO friend SELECT f.* FROM public.friend AS f
    WHERE f.brand_id = :brand_id AND f.customer_id = ANY(ARRAY(SELECT id FROM fresh)) ON CONFLICT DO NOTHING
)
INSERT INTO external_id SELECT x.* FROM public.external_id AS x
WHERE x.brand_id = :brand_id AND x.customer_id = ANY(ARRAY(SELECT id FROM fresh)) ON CONFLICT DO NOTHING
"""
