"""Policies broken on purpose, one at a time: what each breakage is, and whether a probe notices it."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, text

from tests.isolation.probes import TABLES, aside, find_breaches


@dataclass(frozen=True)
class Mutation:
    """One way in which a table's wall could be broken."""

    table: str
    policy: str
    how: str
    statement: str

    def __str__(self) -> str:
        return f"{self.table}: {self.how} {self.policy}"


def list_mutations(connection: Connection) -> list[Mutation]:
    """Every policy dropped, every condition of it opened, every role let in; and every wall taken away whole."""
    found = connection.execute(
        text(
            "SELECT tablename, policyname, qual, with_check, roles::text[] FROM pg_policies"
            " WHERE schemaname = 'public' ORDER BY tablename, policyname"
        )
    ).all()
    mutations = [one for row in found for one in _break(*row)]
    for table in sorted({row[0] for row in found}):
        mutations.append(Mutation(table, "", "take away", f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY'))
        mutations.append(Mutation(table, "", "no longer force", f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY'))
    return mutations


def _break(table: str, policy: str, sees: str | None, accepts: str | None, roles: list[str]) -> Iterator[Mutation]:
    alter = f'ALTER POLICY {policy} ON "{table}"'
    yield Mutation(table, policy, "drop", f'DROP POLICY {policy} ON "{table}"')
    if sees not in (None, "true"):
        yield Mutation(table, policy, "let see past", f"{alter} USING (true)")
    if accepts not in (None, "true"):
        yield Mutation(table, policy, "let write past", f"{alter} WITH CHECK (true)")
    if "noren_lookup" in roles:
        yield Mutation(table, policy, "let everyone use", f"{alter} TO PUBLIC")
    elif roles != ["public"]:
        yield Mutation(table, policy, "bind only the look-up role with", f"{alter} TO noren_lookup")
    if policy == "intake":
        yield Mutation(
            table,
            policy,
            "widen to all commands",
            f'DROP POLICY {policy} ON "{table}"; CREATE POLICY {policy} ON "{table}" USING (true)',
        )


def find_breach(connection: Connection, mutation: Mutation) -> str | None:
    """What the first probe that notices says; None when nobody notices. The wall stands again afterwards."""
    table = next(one for one in TABLES if one.name == mutation.table)
    with aside(connection):
        connection.exec_driver_sql(mutation.statement)
        return next(find_breaches(connection, table), None)
