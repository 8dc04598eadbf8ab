"""The table in which people of a file arrive, and the statements that find out who they are and take them in.

Everything is set-based: some thousand people cost a dozen statements. Table names stand without a schema, so that a
dry run can put copies in their place.
"""

from collections.abc import Collection, Iterable
from typing import Any, Final

import orjson

from app.customers.imports.rows import Arrival
from tenants.ids import uuid7_text

STRONG: Final[tuple[str, ...]] = ("external_id", "member_number")
WEAK: Final[tuple[str, ...]] = ("phone", "email")
PLAIN: Final[tuple[str, ...]] = (
    "name",
    "kana",
    "phone",
    "email",
    "birthday_on",
    "gender",
    "postal_code",
    "address",
    "municipality_code",
)
_AS_THEY_ARE: Final = (
    "noren_id",
    *STRONG,
    *PLAIN,
    "found_code",
    "first_seen_at",
    "line_user_id",
    "display_name",
    "friend_status",
    "followed_at",
)

CREATE: Final = """
CREATE TEMP TABLE IF NOT EXISTS arriving (
    no int, customer_id uuid, noren_id uuid, external_id text, member_number text, name text, kana text, phone text,
    email text, birthday_on date, gender text, postal_code text, address text, municipality_code text, found_code text,
    attributes jsonb, home_store_id uuid, home_store_no int, first_seen_at timestamptz, systems text[],
    system_ids text[], tag_nos int[], store_nos int[], line_user_id text, display_name text, friend_status text,
    followed_at timestamptz, new_identity_id uuid, friend_id uuid, cleared text[], identity_id uuid,
    is_new boolean NOT NULL DEFAULT true, is_refused boolean NOT NULL DEFAULT false,
    is_changed boolean NOT NULL DEFAULT false, is_following boolean NOT NULL DEFAULT false
) ON COMMIT DROP
"""
EMPTY: Final = "TRUNCATE arriving"
_ACCEPTED: Final = "NOT a.is_refused"
_NEW: Final = "a.is_new AND NOT a.is_refused"
_KNOWN: Final = "NOT a.is_new AND NOT a.is_refused"
KNOWN_IDS: Final = "ANY(ARRAY(SELECT customer_id FROM arriving WHERE NOT is_new AND NOT is_refused))"
"""As an array, so that the people are looked up by their key, however many there are beside them."""


def list_present(arrivals: Iterable[Arrival]) -> frozenset[str]:
    """Which fields any of these rows says something of."""
    present: set[str] = set()
    for arrival in arrivals:
        present.update(arrival.values)
        present.update(arrival.cleared)
        if arrival.attributes:
            present.add("attributes")
        if arrival.external_ids:
            present.add("external_ids")
        if arrival.cleared:
            present.add("cleared")
    return frozenset(present)


def copy_columns(present: Collection[str]) -> list[str]:
    """The columns that `copy_row` fills."""
    columns = ["no", "customer_id", *(name for name in _AS_THEY_ARE if name in present)]
    if "attributes" in present:
        columns.append("attributes")
    if "home_store" in present:
        columns += ["home_store_id", "home_store_no"]
    if "external_ids" in present:
        columns += ["systems", "system_ids"]
    if "line_user_id" in present:
        columns += ["new_identity_id", "friend_id"]
    if "cleared" in present:
        columns.append("cleared")
    return [*columns, "tag_nos", "store_nos"]


def copy_row(no: int, arrival: Arrival, present: Collection[str], tag_nos: str, store_nos: str) -> list[Any]:
    """One person as the columns hold her; numbers come as array literals, which are written faster than lists."""
    values = arrival.values
    row: list[Any] = [no, uuid7_text(), *(values.get(name) for name in _AS_THEY_ARE if name in present)]
    if "attributes" in present:
        row.append(orjson.dumps(arrival.attributes).decode() if arrival.attributes else None)
    if "home_store" in present:
        home = values.get("home_store")
        row += [home.id, home.no] if home else [None, None]
    if "external_ids" in present:
        row += [[system for system, _ in arrival.external_ids], [value for _, value in arrival.external_ids]]
    if "line_user_id" in present:
        row += [uuid7_text(), uuid7_text()] if "line_user_id" in values else [None, None]
    if "cleared" in present:
        row.append(arrival.cleared or None)
    row += (tag_nos, store_nos)
    return row


FORMER: Final = "former keys"
"""Among what rows say: that there are strong keys of people who were merged into others, by which these are found."""
ASK_FORMER: Final = """
SELECT EXISTS (
    SELECT FROM public.external_id WHERE brand_id = :brand_id AND system IN ('external_id', 'member_number')
)
"""

FIND_IDENTITIES: Final = """
UPDATE arriving AS a SET identity_id = (
    SELECT i.id FROM identity AS i
    WHERE i.brand_id = :brand_id AND i.provider_id = :provider_id AND i.line_user_id = a.line_user_id
      AND (i.account_no = :account_no OR i.account_no IS NULL AND (
          :may_join OR NOT EXISTS (
              SELECT FROM friend AS f
              WHERE f.brand_id = :brand_id AND f.customer_id = i.customer_id AND f.identity_id = i.id
          ) OR EXISTS (
              SELECT FROM friend AS f WHERE f.brand_id = :brand_id AND f.identity_id = i.id
                AND f.line_account_id = :line_account_id
          )
      ))
    ORDER BY i.account_no NULLS LAST LIMIT 1
)
WHERE a.line_user_id IS NOT NULL
"""
"""An id that stands for her at this account alone goes before one that stands for her everywhere."""


_OF_ID: Final = "c.id = a.noren_id AND c.erased_at IS NULL"

REFUSE_UNKNOWN: Final = f"""
UPDATE arriving AS a SET is_refused = true
WHERE a.noren_id IS NOT NULL AND NOT EXISTS (
    SELECT FROM customer AS c WHERE c.brand_id = :brand_id AND {_OF_ID}
)
RETURNING a.no
"""
"""An id is ours to give: nobody is made who would have another."""


def named_by(present: Collection[str], schema: str = "") -> str:
    """A lateral select of whom the keys of a row `a` name: `key` and `customer_id`, some pairs more than once.

    It sorts nothing, since for most rows of most files there is nothing to be found, and that is to cost little.
    """
    of_row = f"coalesce(c.merged_into_id, c.id) AS customer_id FROM {schema}customer AS c WHERE c.brand_id = :brand_id"
    of_system = f"x.customer_id FROM {schema}external_id AS x WHERE x.brand_id = :brand_id"
    parts = []
    if "noren_id" in present:
        parts.append(f"(SELECT 'noren_id' AS key, {of_row} AND {_OF_ID})")
    for key in STRONG:
        if key in present:
            parts.append(f"(SELECT '{key}' AS key, {of_row} AND c.{key} = a.{key} AND c.erased_at IS NULL)")
            if FORMER in present:
                parts.append(f"(SELECT '{key}' AS key, {of_system} AND x.system = '{key}' AND x.value = a.{key})")
    for key in WEAK:
        if key in present:
            parts.append(f"(SELECT '{key}' AS key, {of_row} AND c.{key} = a.{key} AND c.erased_at IS NULL LIMIT 3)")
            if "noren_id" in present:
                # She is one of those who share it, also where so many do that not all are listed.
                parts.append(f"(SELECT '{key}' AS key, {of_row} AND {_OF_ID} AND c.{key} = a.{key})")
    if "external_ids" in present:
        parts.append(
            f"(SELECT 'external_ids.' || s.system AS key, x.customer_id FROM unnest(a.systems, a.system_ids)"
            f" AS s (system, value) JOIN {schema}external_id AS x"
            " ON x.brand_id = :brand_id AND x.system = s.system AND x.value = s.value)"
        )
    if "line_user_id" in present:
        parts.append(
            f"(SELECT 'line_user_id' AS key, i.customer_id FROM {schema}identity AS i"
            " WHERE i.brand_id = :brand_id AND i.id = a.identity_id)"
        )
    return " UNION ALL ".join(parts)


def match(present: Collection[str]) -> str:
    """Find out whom each row names: all keys that are known must name the same one person.

    Answers the rows that name several, with the keys and the people.
    """
    return f"""
    WITH named AS MATERIALIZED (
        SELECT a.no, found.key, found.customer_id FROM arriving AS a CROSS JOIN LATERAL ({named_by(present)}) AS found
        WHERE NOT a.is_refused
    ), known AS (
        SELECT no, count(DISTINCT key) AS keys, array_agg(DISTINCT key) AS names,
               array_agg(DISTINCT customer_id) AS people
        FROM named GROUP BY no
    ), hits AS (
        SELECT no, customer_id, count(DISTINCT key) AS hits FROM named GROUP BY no, customer_id
    ), fitting AS (
        SELECT hits.no, (array_agg(hits.customer_id))[1] AS customer_id, count(*) AS fits
        FROM hits JOIN known ON known.no = hits.no AND known.keys = hits.hits GROUP BY hits.no
    ), told AS (
        UPDATE arriving AS a
        SET is_new = false, is_refused = fitting.fits IS DISTINCT FROM 1,
            customer_id = coalesce(fitting.customer_id, a.customer_id)
        FROM known LEFT JOIN fitting ON fitting.no = known.no
        WHERE a.no = known.no
        RETURNING a.no, a.is_refused, known.names, known.people
    )
    SELECT no, names, people FROM told WHERE is_refused
    """


LOCK: Final = f"""
SELECT count(*) FROM (
    SELECT FROM customer WHERE brand_id = :brand_id AND id = {KNOWN_IDS} ORDER BY id FOR NO KEY UPDATE
) AS locked
"""


def refuse_strong(key: str) -> str:
    """Refuse rows that give a person another strong key than she has. Answers them."""
    return f"""
    UPDATE arriving AS a SET is_refused = true FROM customer AS c
    WHERE {_KNOWN} AND c.brand_id = :brand_id AND c.id = a.customer_id AND c.id = {KNOWN_IDS}
      AND c.{key} <> a.{key} AND NOT EXISTS (
          SELECT FROM external_id AS x WHERE x.brand_id = :brand_id AND x.system = '{key}' AND x.value = a.{key}
            AND x.customer_id = c.id
      )
    RETURNING a.no
    """


REFUSE_JOINING: Final = f"""
UPDATE arriving AS a SET is_refused = true
WHERE {_KNOWN} AND a.line_user_id IS NOT NULL AND a.identity_id IS NULL AND EXISTS (
    SELECT FROM friend AS f WHERE f.brand_id = :brand_id AND f.customer_id = a.customer_id
      AND f.line_account_id <> :line_account_id
)
RETURNING a.no
"""
"""Without a basis nobody who is known at another account is joined with a LINE user id of this one."""

REFUSE_ATTRIBUTES: Final = f"""
UPDATE arriving AS a SET is_refused = true FROM customer AS c
WHERE {_KNOWN} AND c.brand_id = :brand_id AND c.id = a.customer_id AND c.id = {KNOWN_IDS}
  AND (SELECT count(*) FROM jsonb_object_keys(jsonb_strip_nulls(c.attributes || a.attributes))) > :most_attributes
RETURNING a.no
"""

REFUSE_EXTERNAL_IDS: Final = f"""
UPDATE arriving AS a SET is_refused = true
WHERE {_KNOWN} AND cardinality(a.systems) > 0 AND (
    SELECT count(*) FROM (
        SELECT x.system, x.value FROM external_id AS x
        WHERE x.brand_id = :brand_id AND x.customer_id = a.customer_id
          AND x.system NOT IN ('external_id', 'member_number')
        UNION SELECT s.system, s.value FROM unnest(a.systems, a.system_ids) AS s (system, value)
    ) AS hers
) > :most_external_ids
RETURNING a.no
"""

PUT_OFF: Final = """
WITH twice AS (
    SELECT no, row_number() OVER (PARTITION BY customer_id ORDER BY no) AS nth
    FROM arriving WHERE NOT is_new AND NOT is_refused
)
DELETE FROM arriving AS a USING twice WHERE a.no = twice.no AND twice.nth > 1 RETURNING a.no
"""
"""Of several rows that turn out to be one person the first is taken now, and the others after it."""


def insert_new(present: frozenset[str]) -> str:
    """Make the people who are nobody yet."""
    names = [name for name in (*STRONG, *PLAIN) if name in present and name != "municipality_code"]
    values = [f"a.{name}" for name in names]
    if "home_store" in present:
        names += ["home_store_id", "home_store_no"]
        values += ["a.home_store_id", "a.home_store_no"]
    if not present.isdisjoint(_PLACES):
        names.append("municipality_code")
        values.append("coalesce(a.municipality_code, a.found_code)")
    has_friends = "line_user_id" in present
    attributes = "coalesce(jsonb_strip_nulls(a.attributes), '{}')" if "attributes" in present else "'{}'::jsonb"
    follows = "a.line_user_id IS NOT NULL AND coalesce(a.friend_status, 'following') = 'following'"
    reached = f"CASE WHEN {follows} THEN ARRAY[:account_no]::int[] ELSE '{{}}' END"
    return f"""
    INSERT INTO customer (brand_id, id, created_at, updated_at, profile_updated_at, written_by, attributes, tag_nos,
        store_nos, account_nos, order_count, spend_yen, visit_count, first_seen_at{_listed(names)})
    SELECT :brand_id, a.customer_id, :now, :now, :now, '{{}}', {attributes}, a.tag_nos, a.store_nos,
        {reached if has_friends else "'{}'::int[]"}, 0, 0, 0,
        CASE WHEN {_EARLIEST} < :now THEN {_EARLIEST} END{_listed(values)}
    FROM arriving AS a WHERE {_NEW}
    """


def _listed(names: Iterable[str]) -> str:
    return "".join(f", {name}" for name in names)


_PLACES: Final = frozenset({"address", "municipality_code"})
_MUNICIPALITY: Final = (
    "coalesce(a.municipality_code, CASE WHEN a.address IS NULL"
    " OR (a.address = c.address AND c.municipality_code IS NOT NULL) THEN c.municipality_code ELSE a.found_code END)"
)
"""As it is stated, or as it is found of an address that is new."""
_EARLIEST: Final = "least(a.first_seen_at, a.followed_at)"

ADD_EXTERNAL_IDS: Final = f"""
WITH added AS (
    INSERT INTO external_id (brand_id, system, value, created_at, customer_id)
    SELECT :brand_id, s.system, s.value, :now, a.customer_id
    FROM arriving AS a CROSS JOIN LATERAL unnest(a.systems, a.system_ids) AS s (system, value) WHERE {_ACCEPTED}
    ON CONFLICT DO NOTHING RETURNING customer_id
)
UPDATE arriving AS a SET is_changed = true FROM added WHERE a.customer_id = added.customer_id
"""

ADD_IDENTITIES: Final = f"""
WITH added AS (
    INSERT INTO identity (brand_id, id, created_at, customer_id, provider_id, line_user_id, account_no, display_name,
        profile_at)
    SELECT :brand_id, a.new_identity_id, :now, a.customer_id, :provider_id, a.line_user_id,
        CASE WHEN NOT :may_join AND EXISTS (
            SELECT FROM identity AS i WHERE i.brand_id = :brand_id AND i.provider_id = :provider_id
              AND i.line_user_id = a.line_user_id AND i.account_no IS NULL
        ) THEN :account_no END,
        a.display_name, CASE WHEN a.display_name IS NOT NULL THEN CAST(:now AS timestamptz) END
    FROM arriving AS a WHERE {_ACCEPTED} AND a.line_user_id IS NOT NULL AND a.identity_id IS NULL
    RETURNING id
)
UPDATE arriving AS a SET is_changed = true, identity_id = a.new_identity_id
FROM added WHERE a.new_identity_id = added.id
"""

NAME_IDENTITIES: Final = f"""
WITH named AS (
    UPDATE identity AS i SET display_name = a.display_name, profile_at = :now FROM arriving AS a
    WHERE {_ACCEPTED} AND i.brand_id = :brand_id AND i.id = a.identity_id AND i.id = ANY(ARRAY(
        SELECT identity_id FROM arriving WHERE identity_id IS NOT NULL AND display_name IS NOT NULL AND NOT is_refused
    )) AND i.display_name IS NULL AND a.display_name IS NOT NULL
    RETURNING i.id
)
UPDATE arriving AS a SET is_changed = true FROM named WHERE a.identity_id = named.id
"""
"""Only where LINE has not told her name yet: what LINE tells is newer than any file."""

ADD_FRIENDS: Final = f"""
WITH added AS (
    INSERT INTO friend AS kept (brand_id, id, created_at, line_account_id, account_no, identity_id, customer_id,
        store_nos, status, source, followed_at, changed_at)
    SELECT :brand_id, a.friend_id, :now, :line_account_id, :account_no, a.identity_id, a.customer_id,
        CAST(:account_store_nos AS int[]), coalesce(a.friend_status, 'following'), 'import', a.followed_at, :since
    FROM arriving AS a WHERE {_ACCEPTED} AND a.line_user_id IS NOT NULL
    ON CONFLICT (brand_id, line_account_id, identity_id) DO UPDATE
    SET status = CASE WHEN kept.status = 'unknown' THEN excluded.status ELSE kept.status END,
        followed_at = coalesce(kept.followed_at, excluded.followed_at)
    WHERE kept.status = 'unknown' AND excluded.status <> 'unknown'
       OR kept.followed_at IS NULL AND excluded.followed_at IS NOT NULL
    RETURNING identity_id, status
)
UPDATE arriving AS a SET is_changed = true, is_following = added.status = 'following'
FROM added WHERE a.identity_id = added.identity_id
"""
"""What a webhook told of a friend is newer than any file, and stays."""


def update_known(present: frozenset[str]) -> str:
    """Change the people who are known, where a row says something else than is known of them."""
    new: dict[str, str] = {name: f"coalesce(a.{name}, c.{name})" for name in PLAIN if name in present}
    new |= {name: f"coalesce(c.{name}, a.{name})" for name in STRONG if name in present}
    if "home_store" in present:
        new["home_store_id"] = "coalesce(a.home_store_id, c.home_store_id)"
        new["home_store_no"] = "coalesce(a.home_store_no, c.home_store_no)"
    if not present.isdisjoint(_PLACES):
        new["municipality_code"] = _MUNICIPALITY
    if "cleared" in present:
        for name, value in new.items():
            said = name.replace("home_store_id", "home_store").replace("home_store_no", "home_store")
            new[name] = f"CASE WHEN '{said}' = ANY(a.cleared) THEN NULL ELSE {value} END"
    differing = {name: f"c.{name} IS DISTINCT FROM {value}" for name, value in new.items() if name != "home_store_no"}
    signed = [f"CASE WHEN {test} THEN '{name}' END" for name, test in differing.items()]
    unsigned = f"c.written_by - array_remove(ARRAY[{', '.join(signed)}]::text[], NULL)"
    if "attributes" in present:
        new["attributes"] = "jsonb_strip_nulls(c.attributes || coalesce(a.attributes, '{}'))"
        differing["attributes"] = f"c.attributes <> {new['attributes']}"
        unsigned += (
            " - ARRAY(SELECT 'attributes.' || said.key FROM jsonb_each(a.attributes) AS said"
            " WHERE c.attributes -> said.key IS DISTINCT FROM nullif(said.value, 'null'))"
        )
    new["tag_nos"] = "c.tag_nos || ARRAY(SELECT no FROM unnest(a.tag_nos) AS no WHERE no <> ALL (c.tag_nos))"
    differing["tag_nos"] = "NOT a.tag_nos <@ c.tag_nos"
    new["first_seen_at"] = f"least(c.first_seen_at, CASE WHEN {_EARLIEST} < c.created_at THEN {_EARLIEST} END)"
    differing["first_seen_at"] = f"{_EARLIEST} < coalesce(c.first_seen_at, c.created_at)"
    is_profile = f"coalesce({' OR '.join(differing.values())}, false)"
    new["store_nos"] = "c.store_nos || ARRAY(SELECT no FROM unnest(a.store_nos) AS no WHERE no <> ALL (c.store_nos))"
    is_other = "a.is_changed OR NOT a.store_nos <@ c.store_nos"
    if "line_user_id" in present:
        joined = "ARRAY(SELECT no FROM unnest(c.account_nos || CAST(:account_no AS int)) AS no GROUP BY no ORDER BY no)"
        new["account_nos"] = f"CASE WHEN a.is_following THEN {joined} ELSE c.account_nos END"
    sets = ", ".join(f"{name} = {value}" for name, value in new.items())
    return f"""
    UPDATE customer AS c SET {sets}, updated_at = :now,
        profile_updated_at = CASE WHEN {is_profile} THEN :now ELSE c.profile_updated_at END,
        written_by = CASE WHEN c.written_by = '{{}}' THEN c.written_by ELSE {unsigned} END
    FROM arriving AS a
    WHERE {_KNOWN} AND c.brand_id = :brand_id AND c.id = a.customer_id AND c.id = {KNOWN_IDS}
      AND ({is_profile} OR {is_other})
    """


def add_ties(*, are_new: bool) -> str:
    """Tie people to the stores of their rows: those who are new, or those who are known and may be tied there."""
    return f"""
    INSERT INTO customer_store
        (brand_id, customer_id, store_id, store_no, order_count, spend_yen, visit_count, updated_at)
    SELECT :brand_id, a.customer_id, store.id, store.no, 0, 0, 0, :now
    FROM arriving AS a CROSS JOIN LATERAL unnest(a.store_nos) AS tie (no)
    JOIN store ON store.brand_id = :brand_id AND store.no = tie.no
    {_those(are_new)}
    """


def add_tags(*, are_new: bool) -> str:
    """Give people the tags of their rows: those who are new, or those who are known and may have them."""
    return f"""
    INSERT INTO customer_tag (brand_id, customer_id, tag_id, tag_no, store_no, source, tagged_at)
    SELECT :brand_id, a.customer_id, given.id, given.no, NULL, 'import', :now
    FROM arriving AS a CROSS JOIN LATERAL unnest(a.tag_nos) AS hers (no)
    JOIN unnest(CAST(:tag_ids AS uuid[]), CAST(:tag_nos AS int[])) AS given (id, no) ON given.no = hers.no
    {_those(are_new)}
    """


def _those(are_new: bool) -> str:
    """Who is new has nothing yet that could conflict: to be ready for it costs a third of the insertion."""
    return f"WHERE {_NEW}" if are_new else f"WHERE {_KNOWN} ON CONFLICT DO NOTHING"
