"""What must be true around the tables: roles, settings, schemas, sequences, and ways out of the database.

Each rule answers the breaches it finds, in words, as those of the catalogue do.
"""

from sqlalchemy import Connection, text

from tests.isolation.catalogue import Rule, list_brand_tables

OURS = ("public", "procrastinate")
"""Schemas: brand tables live in the first, the queue's ids in the second."""

ROLES = {"noren_app": "LOGIN", "noren_owner": "LOGIN", "noren_lookup": "NOLOGIN"}

MEMBERSHIPS = {("noren_owner", "noren_lookup")}
"""Who may become whom: migrations hand the look-up functions over."""

EXTENSIONS = {"plpgsql"}
"""Others reach files, other servers or other languages, none of which row-level security follows."""


def _list(connection: Connection, query: str, **values: object) -> list[str]:
    return sorted(connection.execute(text(query), values).scalars())


def roles_have_no_power_of_their_own(connection: Connection) -> list[str]:
    """Superusers, BYPASSRLS and replication see every row; whoever makes roles can make such a one."""
    powers = _list(
        connection,
        """
        SELECT rolname || ' may ' || power FROM pg_roles CROSS JOIN LATERAL (VALUES
            (rolsuper, 'everything'), (rolbypassrls, 'bypass row-level security'), (rolreplication, 'replicate'),
            (rolcreaterole, 'make roles'), (rolcreatedb, 'make databases'),
            (rolcanlogin AND rolname = 'noren_lookup', 'log in')
        ) AS powers (has, power) WHERE rolname = ANY(:roles) AND has
        """,
        roles=list(ROLES),
    )
    known = _list(connection, "SELECT rolname FROM pg_roles WHERE rolname = ANY(:roles)", roles=list(ROLES))
    return powers + [f"{name} does not exist" for name in ROLES if name not in known]


def nobody_becomes_another(connection: Connection) -> list[str]:
    """A member of a role has its rights: those of the owner, of the look-ups, or of Postgres' own such as
    pg_read_all_data, pg_read_server_files and pg_execute_server_program."""
    pairs = connection.execute(
        text(
            "SELECT pg_get_userbyid(member), pg_get_userbyid(roleid) FROM pg_auth_members"
            " WHERE pg_get_userbyid(member) = ANY(:roles) OR pg_get_userbyid(roleid) = ANY(:roles)"
        ),
        {"roles": list(ROLES)},
    )
    return sorted(
        f"{member} may become {role}"
        for member, role in pairs
        if (member, role) not in MEMBERSHIPS and not _is_superuser(connection, member)
    )


def _is_superuser(connection: Connection, role: str) -> bool:
    return bool(
        connection.execute(text("SELECT rolsuper FROM pg_roles WHERE rolname = :role"), {"role": role}).scalar()
    )


def scopes_are_never_set_for_good(connection: Connection) -> list[str]:
    """A setting of a role or a database is there before any transaction: a scope, or row_security = off."""
    return _list(
        connection,
        """
        SELECT coalesce('role ' || rolname, 'everyone') || coalesce(' in ' || datname, '') || ' starts with ' || setting
        FROM pg_db_role_setting LEFT JOIN pg_roles ON pg_roles.oid = setrole
        LEFT JOIN pg_database ON pg_database.oid = setdatabase CROSS JOIN LATERAL unnest(setconfig) AS setting
        WHERE setting ~* '^(noren[.]|row_security=|session_replication_role=|role=|search_path=)'
        """,
    )


def every_table_is_where_rules_look(connection: Connection) -> list[str]:
    """Brand tables in `public`; a schema of another name would be outside every rule."""
    strange = _list(
        connection,
        "SELECT 'schema ' || nspname || ' is not known' FROM pg_namespace"
        " WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND nspname <> ALL(:ours)",
        ours=list(OURS),
    )
    walled = _list(
        connection,
        "SELECT 'procrastinate.' || relname || ' carries brand_id' FROM pg_attribute"
        " JOIN pg_class ON pg_class.oid = attrelid"
        " WHERE relnamespace = 'procrastinate'::regnamespace AND attname = 'brand_id'",
    )
    return strange + walled


def the_app_makes_nothing(connection: Connection) -> list[str]:
    """Whoever creates in a schema of ours can put a function or a table before the true one."""
    return _list(
        connection,
        """
        SELECT coalesce(rolname, 'everyone') || ' may create in ' || nspname
        FROM pg_namespace CROSS JOIN LATERAL aclexplode(nspacl) LEFT JOIN pg_roles ON pg_roles.oid = grantee
        WHERE nspname = ANY(:ours) AND privilege_type = 'CREATE' AND grantee <> nspowner
        """,
        ours=list(OURS),
    ) + _list(
        connection,
        """
        SELECT coalesce(rolname, 'everyone') || ' may create schemas'
        FROM pg_database CROSS JOIN LATERAL aclexplode(datacl) LEFT JOIN pg_roles ON pg_roles.oid = grantee
        WHERE datname = current_database() AND privilege_type = 'CREATE' AND grantee <> datdba
        """,
    )


def schemas_are_the_owners(connection: Connection) -> list[str]:
    """Whoever owns a schema can drop what is in it."""
    return _list(
        connection,
        "SELECT nspname || ' is owned by ' || pg_get_userbyid(nspowner) FROM pg_namespace"
        " WHERE nspname = ANY(:ours) AND pg_get_userbyid(nspowner) <> 'noren_owner'",
        ours=list(OURS),
    )


def rights_are_given_by_name(connection: Connection) -> list[str]:
    """Default privileges would hand out tables that nobody has protected yet."""
    return _list(
        connection,
        """
        SELECT coalesce(rolname, 'everyone') || ' is to get ' || privilege_type || ' on what '
            || pg_get_userbyid(defaclrole) || ' makes'
        FROM pg_default_acl CROSS JOIN LATERAL aclexplode(defaclacl) LEFT JOIN pg_roles ON pg_roles.oid = grantee
        WHERE grantee <> defaclrole
        """,
    )


def no_counter_runs_over_all_brands(connection: Connection) -> list[str]:
    """A sequence's last value tells every brand how much all of them do; numbers of ours are kept per brand."""
    return _list(
        connection,
        "SELECT relname || ' counts over all brands' FROM pg_class"
        " WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace",
    )


def rows_leave_by_no_other_way(connection: Connection) -> list[str]:
    """Logical replication, foreign servers and large objects know nothing of row-level security."""
    return (
        _list(connection, "SELECT 'publication ' || pubname FROM pg_publication")
        + _list(
            connection,
            "SELECT 'subscription ' || subname FROM pg_subscription"
            " WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())",
        )
        + _list(connection, "SELECT 'foreign server ' || srvname FROM pg_foreign_server")
        + _list(connection, "SELECT 'large object ' || oid FROM pg_largeobject_metadata")
        + _list(
            connection,
            "SELECT 'extension ' || extname FROM pg_extension WHERE extname <> ALL(:known)",
            known=list(EXTENSIONS),
        )
    )


def nothing_of_ours_claims_to_be_leakproof(connection: Connection) -> list[str]:
    """Postgres runs leakproof functions on rows before it has asked the policy."""
    return _list(
        connection,
        "SELECT proname || ' claims to be leakproof' FROM pg_proc WHERE proleakproof AND pronamespace NOT IN"
        " ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)",
    )


def nothing_happens_on_events(connection: Connection) -> list[str]:
    """Event triggers run as whoever made them."""
    return _list(connection, "SELECT 'event trigger ' || evtname FROM pg_event_trigger")


def every_exclusion_begins_with_the_brand(connection: Connection) -> list[str]:
    """An exclusion over all brands would tell one of another, as a unique key would."""
    return _list(
        connection,
        """
        SELECT relname || ': ' || CAST(indexrelid AS regclass) || ' excludes over all brands'
        FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
        LEFT JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
        WHERE indisexclusion AND relname = ANY(:tables) AND attname IS DISTINCT FROM 'brand_id'
        """,
        tables=list_brand_tables(connection),
    )


RULES: tuple[Rule, ...] = (
    roles_have_no_power_of_their_own,
    nobody_becomes_another,
    scopes_are_never_set_for_good,
    every_table_is_where_rules_look,
    the_app_makes_nothing,
    schemas_are_the_owners,
    rights_are_given_by_name,
    no_counter_runs_over_all_brands,
    rows_leave_by_no_other_way,
    nothing_of_ours_claims_to_be_leakproof,
    nothing_happens_on_events,
    every_exclusion_begins_with_the_brand,
)
