"""What must be true of every table, read from the live catalogue: each rule answers the breaches it finds, in words."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

Rule = Callable[[Connection], list[str]]

OPEN_TABLES = {
    "alembic_version", "archived_forecast", "archived_issue", "archived_map", "archived_observation",
    "archived_temperature",
    "weather_area", "weather_station", "forecast_issue", "forecast_office",
    "weather_feed", "weather_feed_body", "weather_feed_file", "weather_warning_report", "weather_station_day",
    "weather_cell_hours", "operator_key",
    "operator_request", "deletion_receipt",
}  # fmt: skip
"""Tables that hold nothing of any brand: reference data, and what is the operator's."""

ROOT = "brand"
"""The tenant itself: its wall stands on `id`."""

UNWALLED = "lane"
"""Ids of work and nothing else, keyed by (kind, brand_id, key): workers claim it over all brands."""

DEFINERS = {
    "find_account_brand", "find_client_brand", "find_coupon_brand", "find_credential", "find_link", "find_media",
    "find_login_channel", "find_qr_code", "find_staff",
    "list_brand_ids",
    "list_brands_with_due_campaigns", "list_brands_with_due_experiments", "list_brands_with_due_reminders",
    "list_brands_with_live_rules",
    "list_unprojected_brands", "list_unsealed_brands",
}  # fmt: skip
"""The functions that may look over the wall; each answers ids only."""

LOOKED_UP = {
    "api_client", "audit_pending", "brand", "campaign", "coupon", "coupon_reminder", "credential_hash", "event",
    "experiment", "line_account", "link", "media", "qr_code", "staff", "weather_rule",
}  # fmt: skip
"""Tables that these functions read."""

INTAKE = {"line_event", "line_forward_call"}
"""Tables that take rows of several brands in one statement."""

APPEND_ONLY = {
    "audit_entry", "audit_seal", "consent", "erasure_receipt", "point_entry", "point_programme", "settlement_line",
}  # fmt: skip
"""Tables whose rows the app may neither change nor delete."""

AMENDED = {"point_entry.customer_id", "point_entry.reason"}
"""Columns of these that it may change all the same: a merge says whose a row is, an erasure takes its words away."""


@dataclass(frozen=True, order=True)
class Policy:
    """A policy as Postgres writes it."""

    name: str
    permissive: str
    roles: str
    command: str
    sees: str | None
    accepts: str | None


def _list(connection: Connection, query: str, **values: Any) -> list[str]:
    return sorted(connection.execute(text(query), values).scalars())


def list_tables(connection: Connection) -> list[str]:
    """Every table and view of ours; Procrastinate's are in a schema of their own and hold ids."""
    return _list(connection, "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND " + _OURS)


_OURS = "relnamespace = 'public'::regnamespace"


def list_brand_tables(connection: Connection) -> list[str]:
    """Every table that carries `brand_id`, but the one without a wall."""
    carrying = _list(
        connection,
        "SELECT relname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid"
        f" WHERE relkind IN ('r', 'p') AND {_OURS} AND attname = 'brand_id' AND NOT attisdropped",
    )
    return [name for name in carrying if name != UNWALLED]


def every_table_is_a_brands_or_listed(connection: Connection) -> list[str]:
    known = {*list_brand_tables(connection), *OPEN_TABLES, ROOT, UNWALLED}
    return [f"{name} has no brand_id and is not listed" for name in list_tables(connection) if name not in known]


def every_brand_table_is_walled(connection: Connection) -> list[str]:
    walled = _list(connection, f"SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity AND {_OURS}")
    return [
        f"{name} is not under FORCE ROW LEVEL SECURITY"
        for name in (ROOT, *list_brand_tables(connection))
        if name not in walled
    ]


_SCOPE = "nullif(current_setting('noren.brand_id', true), '')::uuid"
_STORES = "nullif(current_setting('noren.stores', true), '')::int[]"
_ONE = f"case current_setting('noren.stores', true) when 'all' then true else {{0}} = any({_STORES}) end"
_SOME = f"case current_setting('noren.stores', true) when 'all' then true else {{0}} && {_STORES} end"


def _write_policies() -> Iterable[tuple[str, str, str]]:
    """Every policy that may exist: its kind, and how it is made on the probe. Written out again on purpose."""
    for column in ("brand_id", "id"):
        yield f"brand by {column}", "brand", f"USING ({column} = {_SCOPE}) WITH CHECK ({column} = {_SCOPE})"
    within = "TO noren_app, noren_owner"
    for form, column in ((_ONE, "store_no"), (_ONE, "no"), (_SOME, "store_nos")):
        seen = form.format(column)
        yield f"stores by {column}", "stores", f"AS RESTRICTIVE {within} USING ({seen}) WITH CHECK ({seen})"
    mine = _ONE.format("store_no")
    restrictive = "AS RESTRICTIVE FOR {0} " + within
    yield "shared", "stores_select", f"{restrictive.format('SELECT')} USING (store_no IS NULL OR ({mine}))"
    yield "shared", "stores_insert", f"{restrictive.format('INSERT')} WITH CHECK ({mine})"
    yield "shared", "stores_update", f"{restrictive.format('UPDATE')} USING ({mine}) WITH CHECK ({mine})"
    yield "shared", "stores_delete", f"{restrictive.format('DELETE')} USING ({mine})"
    yield "lookup", "lookup", "FOR SELECT TO noren_lookup USING (true)"
    yield "intake", "intake", "FOR INSERT WITH CHECK (true)"


def read_policies(connection: Connection) -> dict[str, set[Policy]]:
    """The policies of every table of ours."""
    found: dict[str, set[Policy]] = {}
    query = (
        "SELECT tablename, policyname, permissive, array_to_string(ARRAY(SELECT unnest(roles) ORDER BY 1), ','),"
        " cmd, qual, with_check FROM pg_policies WHERE schemaname = 'public'"
    )
    for table, *rest in connection.execute(text(query)):
        found.setdefault(table, set()).add(Policy(*rest))
    return found


def read_known_policies(connection: Connection) -> dict[str, set[Policy]]:
    """The policies that may exist, by kind, as this Postgres writes them: made on a probe and read back."""
    known: dict[str, set[Policy]] = {}
    for kind, name, rest in _write_policies():
        probe = connection.begin_nested()
        connection.exec_driver_sql("CREATE TABLE probe (brand_id uuid, id uuid, no int, store_no int, store_nos int[])")
        connection.exec_driver_sql(f"CREATE POLICY {name} ON probe {rest}")
        known.setdefault(kind, set()).update(read_policies(connection)["probe"])
        probe.rollback()
    return known


def every_policy_has_a_known_form(connection: Connection) -> list[str]:
    known = read_known_policies(connection)
    shared_of = {"lookup": LOOKED_UP, "intake": INTAKE, "brand by id": {ROOT}, "stores by no": {"store"}}
    breaches = []
    for table, policies in read_policies(connection).items():
        allowed = {policy for kind, forms in known.items() if table in shared_of.get(kind, {table}) for policy in forms}
        breaches += [
            f"{table}: policy {policy.name} has no known form" for policy in sorted(policies - allowed, key=str)
        ]
    return breaches


def every_brand_table_has_its_policies(connection: Connection) -> list[str]:
    """The brand's wall on all, and the stores' wall wherever a row says whose store it is."""
    known, found = read_known_policies(connection), read_policies(connection)
    breaches = []
    for table in (ROOT, *list_brand_tables(connection)):
        policies = found.get(table, set())
        if not known["brand by id" if table == ROOT else "brand by brand_id"] <= policies:
            breaches.append(f"{table} has no policy brand")
        walls = [known[kind] for kind in ("stores by store_no", "stores by no", "stores by store_nos", "shared")]
        if _says_its_store(connection, table) and not any(wall <= policies for wall in walls):
            breaches.append(f"{table} names stores and has no stores' wall")
    return breaches


def _says_its_store(connection: Connection, table: str) -> bool:
    columns = _list(
        connection,
        "SELECT attname FROM pg_attribute WHERE attrelid = CAST(quote_ident(:table) AS regclass) AND NOT attisdropped",
        table=table,
    )
    return table == "store" or bool({"store_no", "store_nos"} & set(columns))


def every_key_begins_with_the_brand(connection: Connection) -> list[str]:
    """Primary keys, unique constraints and unique indexes: a key over all brands would tell one of another."""
    return _list(
        connection,
        f"""
        SELECT relname || ': ' || CAST(indexrelid AS regclass) || ' does not begin with brand_id'
        FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
        LEFT JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
        WHERE indisunique AND {_OURS} AND relname = ANY(:tables) AND attname IS DISTINCT FROM 'brand_id'
        """,
        tables=list_brand_tables(connection),
    ) + _list(
        connection,
        f"""
        SELECT relname || ' has no primary key' FROM pg_class
        WHERE {_OURS} AND relname = ANY(:tables)
        AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = pg_class.oid AND indisprimary)
        """,
        tables=list_brand_tables(connection),
    )


def every_reference_carries_the_brand(connection: Connection) -> list[str]:
    """Foreign keys look over the wall, so the brand must be a part of them."""
    return _list(
        connection,
        """
        SELECT CAST(conrelid AS regclass) || ': ' || conname || ' does not carry brand_id'
        FROM pg_constraint
        JOIN pg_class AS source ON source.oid = conrelid
        JOIN pg_class AS target ON target.oid = confrelid
        WHERE contype = 'f' AND target.relname = ANY(:tables) AND NOT EXISTS (
            SELECT FROM unnest(conkey, confkey) AS pair (here, there)
            JOIN pg_attribute AS mine ON mine.attrelid = conrelid AND mine.attnum = pair.here
            JOIN pg_attribute AS theirs ON theirs.attrelid = confrelid AND theirs.attnum = pair.there
            WHERE mine.attname = 'brand_id'
            AND theirs.attname = CASE target.relname WHEN 'brand' THEN 'id' ELSE 'brand_id' END
        )
        """,
        tables=[ROOT, *list_brand_tables(connection)],
    )


def nobody_may_do_more_than_rows(connection: Connection) -> list[str]:
    """The app reads and writes rows; the look-up role reads columns; nobody else has any right."""
    rights = _list(
        connection,
        f"""
        SELECT relname || ': ' || coalesce(rolname, 'everyone') || ' may ' || privilege_type
        FROM pg_class CROSS JOIN LATERAL aclexplode(relacl) LEFT JOIN pg_roles ON pg_roles.oid = grantee
        WHERE {_OURS} AND grantee <> relowner
        AND (rolname = 'noren_app' AND privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')) IS NOT TRUE
        """,
    )
    columns = _list(
        connection,
        f"""
        SELECT relname || '.' || attname || ': ' || coalesce(rolname, 'everyone') || ' may ' || privilege_type
        FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
        CROSS JOIN LATERAL aclexplode(attacl) LEFT JOIN pg_roles ON pg_roles.oid = grantee
        WHERE {_OURS}
        AND (rolname = 'noren_lookup' AND privilege_type = 'SELECT' AND relname = ANY(:looked_up)) IS NOT TRUE
        AND (rolname = 'noren_app' AND privilege_type = 'UPDATE' AND relname || '.' || attname = ANY(:amended))
            IS NOT TRUE
        """,
        looked_up=sorted(LOOKED_UP),
        amended=sorted(AMENDED),
    )
    partitions = _list(
        connection,
        "SELECT relname || ': rights on a partition' FROM pg_class"
        f" WHERE relispartition AND relacl IS NOT NULL AND {_OURS}",
    )
    return rights + columns + partitions


def the_owner_owns_all_and_the_app_nothing(connection: Connection) -> list[str]:
    return _list(
        connection,
        f"SELECT relname || ' is owned by ' || pg_get_userbyid(relowner) FROM pg_class"
        f" WHERE {_OURS} AND pg_get_userbyid(relowner) <> 'noren_owner'",
    ) + _list(
        connection,
        "SELECT rolname || ' is too powerful' FROM pg_roles"
        " WHERE rolname IN ('noren_app', 'noren_owner', 'noren_lookup')"
        " AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb)",
    )


def only_listed_functions_look_over_the_wall(connection: Connection) -> list[str]:
    outside = "pronamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)"
    return _list(
        connection,
        f"""
        SELECT proname || CASE
            WHEN proname <> ALL(:listed) THEN ' is SECURITY DEFINER and not listed'
            WHEN pg_get_userbyid(proowner) <> 'noren_lookup' THEN ' is owned by ' || pg_get_userbyid(proowner)
            WHEN NOT coalesce(proconfig @> ARRAY['search_path=public, pg_temp'], false) THEN ' sets no search_path'
            ELSE ' may be called by everyone' END
        FROM pg_proc
        WHERE prosecdef AND {outside} AND (
            proname <> ALL(:listed) OR pg_get_userbyid(proowner) <> 'noren_lookup'
            OR NOT coalesce(proconfig @> ARRAY['search_path=public, pg_temp'], false)
            OR has_function_privilege('public', oid, 'EXECUTE')
        )
        """,
        listed=sorted(DEFINERS),
    )


def views_see_what_their_reader_sees(connection: Connection) -> list[str]:
    """Views run as their reader; materialised ones hold rows outside every wall."""
    return _list(
        connection,
        f"""
        SELECT relname || ' does not run as its reader' FROM pg_class WHERE {_OURS} AND (
            relkind = 'm'
            OR (relkind = 'v' AND (reloptions && ARRAY['security_invoker=true', 'security_invoker=on']) IS NOT TRUE)
        )
        """,
    )


def nothing_happens_by_itself(connection: Connection) -> list[str]:
    """No triggers and no rules, but those by which Postgres keeps references and makes views."""
    return _list(
        connection,
        f"SELECT relname || ': trigger ' || tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
        f" WHERE NOT tgisinternal AND {_OURS}",
    ) + _list(
        connection,
        f"SELECT relname || ': rule ' || rulename FROM pg_rewrite JOIN pg_class ON pg_class.oid = ev_class"
        f" WHERE rulename <> '_RETURN' AND {_OURS}",
    )


RULES: tuple[Rule, ...] = (
    every_table_is_a_brands_or_listed,
    every_brand_table_is_walled,
    every_policy_has_a_known_form,
    every_brand_table_has_its_policies,
    every_key_begins_with_the_brand,
    every_reference_carries_the_brand,
    nobody_may_do_more_than_rows,
    the_owner_owns_all_and_the_app_nothing,
    only_listed_functions_look_over_the_wall,
    views_see_what_their_reader_sees,
    nothing_happens_by_itself,
)
