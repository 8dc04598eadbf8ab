"""No way round the tables' walls: roles, settings, schemas, sequences and ways out of the database."""

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import ProgrammingError

from app.database import Urls, make_engine
from tenants.session import open_session
from tests import make
from tests.conftest import BrandHome
from tests.isolation import surroundings
from tests.isolation.catalogue import Rule
from tests.isolation.surroundings import RULES


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.__name__))
def test_around_the_tables(rule: Rule, admin: Connection) -> None:
    assert rule(admin) == []


BREACHES: list[tuple[Rule, str, str]] = [
    (
        surroundings.roles_have_no_power_of_their_own,
        "ALTER ROLE noren_app BYPASSRLS",
        "noren_app may bypass row-level security",
    ),
    (surroundings.roles_have_no_power_of_their_own, "ALTER ROLE noren_app REPLICATION", "noren_app may replicate"),
    (surroundings.roles_have_no_power_of_their_own, "ALTER ROLE noren_owner SUPERUSER", "noren_owner may everything"),
    (surroundings.roles_have_no_power_of_their_own, "ALTER ROLE noren_lookup LOGIN", "noren_lookup may log in"),
    (surroundings.nobody_becomes_another, "GRANT noren_lookup TO noren_app", "noren_app may become noren_lookup"),
    (surroundings.nobody_becomes_another, "GRANT noren_owner TO noren_app", "noren_app may become noren_owner"),
    (
        surroundings.nobody_becomes_another,
        "GRANT pg_read_all_data TO noren_app",
        "noren_app may become pg_read_all_data",
    ),
    (
        surroundings.nobody_becomes_another,
        "GRANT pg_execute_server_program TO noren_lookup",
        "noren_lookup may become pg_execute_server_program",
    ),
    (
        surroundings.scopes_are_never_set_for_good,
        "ALTER ROLE noren_app SET noren.stores = 'all'",
        "role noren_app starts with noren.stores=all",
    ),
    (
        surroundings.scopes_are_never_set_for_good,
        "ALTER ROLE noren_app SET row_security = off",
        "role noren_app starts with row_security=off",
    ),
    (
        surroundings.every_table_is_where_rules_look,
        "CREATE SCHEMA leak; CREATE TABLE leak.store AS SELECT * FROM store",
        "schema leak is not known",
    ),
    (
        surroundings.every_table_is_where_rules_look,
        "CREATE TABLE procrastinate.leak (brand_id uuid)",
        "procrastinate.leak carries brand_id",
    ),
    (
        surroundings.the_app_makes_nothing,
        "GRANT CREATE ON SCHEMA public TO noren_app",
        "noren_app may create in public",
    ),
    (
        surroundings.the_app_makes_nothing,
        "GRANT CREATE ON SCHEMA procrastinate TO PUBLIC",
        "everyone may create in procrastinate",
    ),
    (
        surroundings.schemas_are_the_owners,
        "ALTER SCHEMA public OWNER TO noren_app",
        "public is owned by noren_app",
    ),
    (
        surroundings.rights_are_given_by_name,
        "ALTER DEFAULT PRIVILEGES FOR ROLE noren_owner IN SCHEMA public GRANT SELECT ON TABLES TO noren_app",
        "noren_app is to get SELECT on what noren_owner makes",
    ),
    (surroundings.no_counter_runs_over_all_brands, "CREATE SEQUENCE leak", "leak counts over all brands"),
    (
        surroundings.no_counter_runs_over_all_brands,
        "CREATE TABLE leak (id bigint GENERATED ALWAYS AS IDENTITY)",
        "leak_id_seq counts over all brands",
    ),
    (surroundings.rows_leave_by_no_other_way, "CREATE PUBLICATION leak FOR TABLE customer", "publication leak"),
    (
        surroundings.rows_leave_by_no_other_way,
        "CREATE FOREIGN DATA WRAPPER away; CREATE SERVER leak FOREIGN DATA WRAPPER away",
        "foreign server leak",
    ),
    (surroundings.rows_leave_by_no_other_way, "SELECT lo_create(4711)", "large object 4711"),
    (surroundings.rows_leave_by_no_other_way, "CREATE EXTENSION vector", "extension vector"),
    (
        surroundings.nothing_of_ours_claims_to_be_leakproof,
        "CREATE FUNCTION leak(text) RETURNS bool LEAKPROOF LANGUAGE sql AS 'SELECT true'",
        "leak claims to be leakproof",
    ),
    (
        surroundings.nothing_happens_on_events,
        "CREATE FUNCTION leak() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
        " CREATE EVENT TRIGGER leak ON ddl_command_end EXECUTE FUNCTION leak()",
        "event trigger leak",
    ),
    (
        surroundings.every_exclusion_begins_with_the_brand,
        "ALTER TABLE store ADD CONSTRAINT leak EXCLUDE (code WITH =) WHERE (false)",
        "store: leak excludes over all brands",
    ),
]


@pytest.mark.parametrize(("rule", "breach", "words"), BREACHES)
def test_a_breach_is_found(rule: Rule, breach: str, words: str, admin: Connection) -> None:
    admin.exec_driver_sql(breach)
    assert words in rule(admin)


def test_row_security_cannot_be_switched_off(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("SET LOCAL row_security = off")
        with pytest.raises(ProgrammingError, match="would be affected by row-level security"):
            connection.exec_driver_sql("SELECT * FROM customer")


def test_a_scope_does_not_outlive_its_transaction(home: BrandHome, urls: Urls) -> None:
    pool_of_one = make_engine(urls.app, pool_size=1)
    with open_session(pool_of_one, home.scope) as session:
        make.customer(session)
        backend = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
        session.commit()
    with pool_of_one.connect() as connection:
        assert connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one() == backend
        assert connection.exec_driver_sql("SELECT count(*) FROM customer").scalar_one() == 0
    pool_of_one.dispose()
