"""protect("coupon"): the walls around a table. Every brand table is protected in the revision that makes it.

Forms, and there are no others but the two exceptions named here:
- brand: the row's brand is the scope's brand;
- store: the row is of one store, and the scope sees that store;
- stores: the row is of several stores, and the scope sees one of them;
- shared: head office or a store owns the row: a store selects head office's rows and its own, and changes its own only.

Policies hold no sub-selects, since a database sharded with Citus refuses them.
"""

from alembic import op

BRAND = "{column} = nullif(current_setting('noren.brand_id', true), '')::uuid"
_MINE = "nullif(current_setting('noren.stores', true), '')::int[]"
STORE = f"case current_setting('noren.stores', true) when 'all' then true else {{column}} = any({_MINE}) end"
STORES = f"case current_setting('noren.stores', true) when 'all' then true else {{column}} && {_MINE} end"

_WITHIN = "noren_app, noren_owner"
"""Whom the stores' wall stops: everyone but `noren_lookup`, whose functions run before there is a scope."""


def protect(
    table: str,
    *,
    brand: str = "brand_id",
    store: str | None = None,
    stores: str | None = None,
    shared: str | None = None,
    append_only: bool = False,
) -> None:
    """Put the brand's wall around a table, and where a column is named the stores' wall inside it."""
    name = f'"{table}"'
    narrow = f"ON {name} AS RESTRICTIVE"
    wall = BRAND.format(column=brand)
    op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY brand ON {name} AS PERMISSIVE FOR ALL USING ({wall}) WITH CHECK ({wall})")
    if store is not None:
        inner = STORE.format(column=store)
        op.execute(f"CREATE POLICY stores {narrow} FOR ALL TO {_WITHIN} USING ({inner}) WITH CHECK ({inner})")
    if stores is not None:
        inner = STORES.format(column=stores)
        op.execute(f"CREATE POLICY stores {narrow} FOR ALL TO {_WITHIN} USING ({inner}) WITH CHECK ({inner})")
    if shared is not None:
        mine = STORE.format(column=shared)
        op.execute(f"CREATE POLICY stores_select {narrow} FOR SELECT TO {_WITHIN} USING ({shared} IS NULL OR ({mine}))")
        op.execute(f"CREATE POLICY stores_insert {narrow} FOR INSERT TO {_WITHIN} WITH CHECK ({mine})")
        op.execute(f"CREATE POLICY stores_update {narrow} FOR UPDATE TO {_WITHIN} USING ({mine}) WITH CHECK ({mine})")
        op.execute(f"CREATE POLICY stores_delete {narrow} FOR DELETE TO {_WITHIN} USING ({mine})")
    op.execute(f"GRANT SELECT, INSERT{'' if append_only else ', UPDATE, DELETE'} ON {name} TO noren_app")


def accept_any_brand(table: str) -> None:
    """Exception 1: intake inserts the events of several brands in one statement, so inserting needs no scope."""
    op.execute(f'CREATE POLICY intake ON "{table}" AS PERMISSIVE FOR INSERT WITH CHECK (true)')


def let_lookup_read(table: str, columns: str) -> None:
    """Exception 2: the look-up functions find these columns before the brand is known."""
    op.execute(f'CREATE POLICY lookup ON "{table}" AS PERMISSIVE FOR SELECT TO noren_lookup USING (true)')
    op.execute(f'GRANT SELECT ({columns}) ON "{table}" TO noren_lookup')


def lookup(signature: str, returns: str, body: str) -> None:
    """A look-up function: it runs as `noren_lookup`, answers ids only, and the app may call it."""
    op.execute("GRANT CREATE ON SCHEMA public TO noren_lookup")
    op.execute(
        f"CREATE FUNCTION {signature} RETURNS {returns} LANGUAGE sql STABLE SECURITY DEFINER"
        f" SET search_path = public, pg_temp AS $look${body}$look$"
    )
    # Rights first: once it is another's, taking them away is a warning and not an error.
    op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO noren_app")
    op.execute(f"ALTER FUNCTION {signature} OWNER TO noren_lookup")
    op.execute("REVOKE CREATE ON SCHEMA public FROM noren_lookup")


def open_to_app(table: str, privileges: str = "SELECT, INSERT, UPDATE, DELETE") -> None:
    """A table that belongs to no brand: reference data, or ids only."""
    op.execute(f'GRANT {privileges} ON "{table}" TO noren_app')
