"""The wall's construction, table by table: a new table without it turns this red."""

import pytest
from sqlalchemy import Connection

from tests.isolation import catalogue
from tests.isolation.catalogue import RULES, Rule

STORE_WALL = "current_setting('noren.stores', true) = 'all'"
BRAND_WALL = "brand_id = nullif(current_setting('noren.brand_id', true), '')::uuid"
TABLE = "CREATE TABLE leak (brand_id uuid, id uuid, store_no int, PRIMARY KEY (brand_id, id)); "


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.__name__))
def test_the_catalogue_keeps(rule: Rule, admin: Connection) -> None:
    assert rule(admin) == []


def test_the_catalogue_is_not_empty(admin: Connection) -> None:
    assert {"store", "customer", "event", "daily_metric"} <= set(catalogue.list_brand_tables(admin))


BREACHES: list[tuple[Rule, str, str]] = [
    (
        catalogue.every_table_is_a_brands_or_listed,
        "CREATE TABLE leak (id int PRIMARY KEY)",
        "leak has no brand_id and is not listed",
    ),
    (catalogue.every_brand_table_is_walled, TABLE, "leak is not under FORCE ROW LEVEL SECURITY"),
    (
        catalogue.every_brand_table_is_walled,
        TABLE + "ALTER TABLE leak ENABLE ROW LEVEL SECURITY",
        "leak is not under FORCE ROW LEVEL SECURITY",
    ),
    (
        catalogue.every_brand_table_is_walled,
        'ALTER TABLE "order" NO FORCE ROW LEVEL SECURITY',
        "order is not under FORCE ROW LEVEL SECURITY",
    ),
    (
        catalogue.every_policy_has_a_known_form,
        "CREATE POLICY brand2 ON store USING (true)",
        "store: policy brand2 has no known form",
    ),
    (
        catalogue.every_policy_has_a_known_form,
        f"ALTER POLICY brand ON coupon USING ({BRAND_WALL} OR true)",
        "coupon: policy brand has no known form",
    ),
    (
        catalogue.every_policy_has_a_known_form,
        f"ALTER POLICY stores ON event USING ({STORE_WALL})",
        "event: policy stores has no known form",
    ),
    (
        catalogue.every_policy_has_a_known_form,
        "CREATE POLICY lookup ON customer FOR SELECT TO noren_lookup USING (true)",
        "customer: policy lookup has no known form",
    ),
    (
        catalogue.every_policy_has_a_known_form,
        "CREATE POLICY intake ON event FOR INSERT WITH CHECK (true)",
        "event: policy intake has no known form",
    ),
    (catalogue.every_brand_table_has_its_policies, TABLE, "leak has no policy brand"),
    (catalogue.every_brand_table_has_its_policies, "DROP POLICY brand ON brand", "brand has no policy brand"),
    (
        catalogue.every_brand_table_has_its_policies,
        "DROP POLICY stores ON event",
        "event names stores and has no stores' wall",
    ),
    (
        catalogue.every_brand_table_has_its_policies,
        "DROP POLICY stores ON store",
        "store names stores and has no stores' wall",
    ),
    (
        catalogue.every_brand_table_has_its_policies,
        "DROP POLICY stores_update ON tag",
        "tag names stores and has no stores' wall",
    ),
    (
        catalogue.every_key_begins_with_the_brand,
        "CREATE TABLE leak (brand_id uuid, id uuid, PRIMARY KEY (id, brand_id))",
        "leak: leak_pkey does not begin with brand_id",
    ),
    (
        catalogue.every_key_begins_with_the_brand,
        "CREATE UNIQUE INDEX leak ON customer (email) WHERE false",
        "customer: leak does not begin with brand_id",
    ),
    (
        catalogue.every_key_begins_with_the_brand,
        "CREATE UNIQUE INDEX leak ON customer (lower(email), brand_id) WHERE false",
        "customer: leak does not begin with brand_id",
    ),
    (catalogue.every_key_begins_with_the_brand, "CREATE TABLE leak (brand_id uuid)", "leak has no primary key"),
    (
        catalogue.every_reference_carries_the_brand,
        "CREATE UNIQUE INDEX leak ON store (id); ALTER TABLE event ADD COLUMN leak uuid REFERENCES store (id)",
        "event: event_leak_fkey does not carry brand_id",
    ),
    (
        catalogue.every_reference_carries_the_brand,
        "ALTER TABLE event ADD COLUMN leak uuid; ALTER TABLE event"
        " ADD CONSTRAINT crossed FOREIGN KEY (leak, brand_id) REFERENCES store (brand_id, id)",
        "event: crossed does not carry brand_id",
    ),
    (
        catalogue.nobody_may_do_more_than_rows,
        "GRANT TRUNCATE ON customer TO noren_app",
        "customer: noren_app may TRUNCATE",
    ),
    (
        catalogue.nobody_may_do_more_than_rows,
        "GRANT TRIGGER, REFERENCES ON customer TO noren_app",
        "customer: noren_app may TRIGGER",
    ),
    (
        catalogue.nobody_may_do_more_than_rows,
        "GRANT SELECT ON customer TO PUBLIC",
        "customer: everyone may SELECT",
    ),
    (
        catalogue.nobody_may_do_more_than_rows,
        "GRANT SELECT ON event TO noren_lookup",
        "event: noren_lookup may SELECT",
    ),
    (
        catalogue.nobody_may_do_more_than_rows,
        "GRANT SELECT (email) ON customer TO noren_lookup",
        "customer.email: noren_lookup may SELECT",
    ),
    (
        catalogue.the_owner_owns_all_and_the_app_nothing,
        "ALTER TABLE store OWNER TO noren_app",
        "store is owned by noren_app",
    ),
    (
        catalogue.only_listed_functions_look_over_the_wall,
        "CREATE FUNCTION leak() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
        "leak is SECURITY DEFINER and not listed",
    ),
    (
        catalogue.only_listed_functions_look_over_the_wall,
        "GRANT EXECUTE ON FUNCTION list_brand_ids() TO PUBLIC",
        "list_brand_ids may be called by everyone",
    ),
    (
        catalogue.only_listed_functions_look_over_the_wall,
        "ALTER FUNCTION list_brand_ids() RESET ALL",
        "list_brand_ids sets no search_path",
    ),
    (
        catalogue.views_see_what_their_reader_sees,
        "CREATE VIEW leak AS SELECT * FROM store",
        "leak does not run as its reader",
    ),
    (
        catalogue.views_see_what_their_reader_sees,
        "CREATE MATERIALIZED VIEW leak AS SELECT * FROM store",
        "leak does not run as its reader",
    ),
    (
        catalogue.nothing_happens_by_itself,
        "CREATE FUNCTION leak() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        " CREATE TRIGGER leak BEFORE INSERT ON store FOR EACH ROW EXECUTE FUNCTION leak()",
        "store: trigger leak",
    ),
    (
        catalogue.nothing_happens_by_itself,
        "CREATE RULE leak AS ON DELETE TO store DO INSTEAD NOTHING",
        "store: rule leak",
    ),
]


@pytest.mark.parametrize(("rule", "breach", "words"), BREACHES)
def test_a_breach_is_found(rule: Rule, breach: str, words: str, admin: Connection) -> None:
    admin.exec_driver_sql(breach)
    assert words in rule(admin)


def test_a_view_that_runs_as_its_reader_is_welcome(admin: Connection) -> None:
    admin.exec_driver_sql("CREATE VIEW seen WITH (security_invoker = true) AS SELECT * FROM store")
    assert catalogue.views_see_what_their_reader_sees(admin) == []
