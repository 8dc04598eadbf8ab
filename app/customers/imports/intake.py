"""Taking people in: some thousand rows in one transaction, each as if it had come over the API by itself."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Any, Final, cast

import psycopg
from sqlalchemy import text

from app.customers.imports import arriving, rehearsal
from app.customers.imports.problems import ImportFileUnreadable
from app.customers.imports.rows import Arrival, Fault
from app.customers.joining.conflicts import note_conflict
from app.customers.locks import lock_all_names
from app.customers.models import Tag
from app.customers.service import MOST_ATTRIBUTES, MOST_EXTERNAL_IDS
from app.customers.tags.service import find_or_create_tag
from tenants.ids import uuid7
from tenants.line_accounts.models import LineAccount
from tenants.session import ScopedSession
from tenants.stores.models import Store

_UNKNOWN_ID: Final = ("The brand has no customer with this Noren ID.", "このNoren IDのお客様はいません。")
_CONFLICT: Final = (
    "The values that name a person name several people; it is listed among the conflicts.",
    "お客様を見分ける値が別々の方を指しています。重複の一覧に載せました。",
)
_OTHER_KEY: Final = (
    "The person whom this row names has another {key} already.",
    "この行が指すお客様には、別の{key_ja}がすでにあります。",
)
_KEY_JA: Final = {"external_id": "顧客ID", "member_number": "会員番号"}
_NO_BASIS: Final = (
    "The brand has recorded no basis for joining, and this person is known at another account already.",
    "アカウントをまたいで一人にまとめる根拠が登録されていないため、別のアカウントのお客様とは結び付けられません。",
)
_MANY_ATTRIBUTES: Final = (
    f"A customer has at most {MOST_ATTRIBUTES} attributes.",
    f"お客様1人の属性は{MOST_ATTRIBUTES}個までです。",
)

_MANY_IDS: Final = (
    f"A customer has at most {MOST_EXTERNAL_IDS} ids in other systems.",
    f"お客様1人の他システムのIDは{MOST_EXTERNAL_IDS}個までです。",
)

_Numbered = tuple[int, Arrival]
"""A row with its number among those that are taken in together."""
MOST_TAGS: Final = 2_000


@dataclass(frozen=True)
class Destination:
    """What is true of all rows of a file: the account whose friends they are, ties and tags that all get."""

    account: LineAccount | None = None
    account_stores: tuple[Store, ...] = ()
    may_join: bool = False
    """Whether the brand has stated why it may join people over accounts."""
    store: Store | None = None
    tag: str | None = None
    id_heading: str = ""
    """How the file heads the ids that Noren gave."""


@dataclass
class Taken:
    """What came of some rows."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    conflicts: int = 0
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True)
class _Wave:
    """Rows that have no key in common, and those that wait for them."""

    rows: list[_Numbered]
    rest: list[_Numbered]


class Intake:
    """Takes rows in, in the transaction of a session that sees the whole brand."""

    def __init__(
        self,
        session: ScopedSession,
        destination: Destination,
        now: datetime,
        *,
        tags: dict[str, Tag] | None = None,
        is_rehearsal: bool = False,
    ) -> None:
        self._session = session
        self._to = destination
        self._now = now
        self._tags = {} if tags is None else tags
        self._is_rehearsal = is_rehearsal
        self._nos_of_all = (destination.store.no,) if destination.store else ()
        self._also: frozenset[str] = frozenset()
        self._copied: _Wave | None = None
        self._written: dict[tuple[str, ...], str] = {}
        """Combinations of tags, which many people share, as they are copied."""
        self.taken = Taken()
        account = destination.account
        self._common: dict[str, Any] = {
            "brand_id": session.scope.brand_id,
            "now": now,
            "most_attributes": MOST_ATTRIBUTES,
            "most_external_ids": MOST_EXTERNAL_IDS,
            "may_join": destination.may_join,
            "account_no": account.no if account else None,
            "line_account_id": account.id if account else None,
            "provider_id": account.provider_id if account else None,
            # Any webhook of this account is newer, also one that came just now and is not worked off yet.
            "since": account.created_at if account else None,
            "account_store_nos": sorted(store.no for store in destination.account_stores),
        }

    def copy_ahead(self, arrivals: Sequence[Arrival]) -> None:
        """Copy the rows that `take` would begin with, while another transaction takes others in.

        It reads nothing and locks nothing that others see. Rows with tags that are not known yet are left to `take`:
        making a tag may wait for others.
        """
        names = {name for arrival in arrivals for name in arrival.values.get("tags", ())}
        if self._to.tag:
            names.add(self._to.tag)
        if names.issubset(self._tags):
            self._execute(arriving.CREATE)
            self._copied = _part(list(enumerate(arrivals)), ())
            self._copy(self._copied.rows, arriving.list_present(arrival for _, arrival in self._copied.rows))

    def take(self, arrivals: Sequence[Arrival]) -> Taken:
        """Take these rows in, in their order. Whoever is named by several rows is changed by one after the other."""
        if not self._is_rehearsal:
            lock_all_names(self._session)  # before any row, as everyone does
        self._find_tags(arrivals)
        if self._copied is None:
            self._execute(arriving.CREATE)
        if self._execute(arriving.ASK_FORMER).scalar_one():
            self._also = frozenset({arriving.FORMER})
        waiting = list(enumerate(arrivals))
        settled: set[str] = set()
        while waiting:
            wave = self._copied or _part(waiting, settled)
            refused: set[int] = set()
            put_off = self._take_wave(wave.rows, refused)
            rest = sorted([*wave.rest, *((no, one) for no, one in wave.rows if no in put_off)], key=itemgetter(0))
            if rest:
                left = put_off | refused
                for no, arrival in wave.rows:
                    if no not in left:
                        settled.update(arrival.keys())
            if rest or self._is_rehearsal:  # else the table goes with the transaction
                self._execute(arriving.EMPTY)
            waiting = rest
        return self.taken

    def _take_wave(self, wave: Sequence[_Numbered], refused: set[int]) -> set[int]:
        """Take rows in that have no key in common, but for those that are refused.

        Answers the numbers of those that turn out to be one person with another, and are left for later.
        """
        lines = {no: arrival.line for no, arrival in wave}
        present = arriving.list_present(arrival for _, arrival in wave) | self._also
        if self._copied is None:
            self._copy(wave, present)
        self._copied = None
        if self._is_rehearsal:
            rehearsal.fetch_named(self._session, present, self._common)
        if "line_user_id" in present:
            self._execute(arriving.FIND_IDENTITIES)
        self._match(present, lines, refused)
        created = self._execute(arriving.insert_new(present)).rowcount
        are_new = {True: created > 0, False: len(wave) > len(refused) + created}
        put_off: set[int] = set()
        if are_new[False]:
            self._execute(arriving.LOCK)
            self._refuse(present, lines, refused)
            put_off = {row.no for row in self._execute(arriving.PUT_OFF).all()}
        self._add_names(present)
        changed = self._execute(arriving.update_known(present)).rowcount if are_new[False] else 0
        for which in (one for one, is_any in are_new.items() if is_any):
            self._add_ties(present, are_new=which)
        self.taken.created += created
        self.taken.changed += changed
        self.taken.unchanged += len(wave) - len(put_off) - len(refused) - created - changed
        return put_off

    def _match(self, present: frozenset[str], lines: Mapping[int, int], refused: set[int]) -> None:
        """Find out who the rows are; those that name several people are refused, and listed as conflicts."""
        if "noren_id" in present:
            unknown = [row.no for row in self._execute(arriving.REFUSE_UNKNOWN).all()]
            refused.update(unknown)
            self.taken.faults += [Fault(lines[no], self._to.id_heading, *_UNKNOWN_ID) for no in unknown]
        for row in self._execute(arriving.match(present)).all():
            refused.add(row.no)
            self.taken.conflicts += 1
            self.taken.faults.append(Fault(lines[row.no], "", *_CONFLICT))
            if not self._is_rehearsal:
                note_conflict(self._session, row.people, row.names, source="import", now=self._now)

    def _refuse(self, present: frozenset[str], lines: Mapping[int, int], refused: set[int]) -> None:
        """Refuse what may not be done to the people who were found."""

        def refuse(statement: str, en: str, ja: str) -> int:
            nos = [row.no for row in self._execute(statement).all()]
            refused.update(nos)
            self.taken.faults += [Fault(lines[no], "", en, ja) for no in nos]
            return len(nos)

        for key in arriving.STRONG:
            if key in present:
                told = _OTHER_KEY[0].format(key=key), _OTHER_KEY[1].format(key_ja=_KEY_JA[key])
                self.taken.conflicts += refuse(arriving.refuse_strong(key), *told)
        if "line_user_id" in present and not self._to.may_join:
            refuse(arriving.REFUSE_JOINING, *_NO_BASIS)
        if "attributes" in present:
            refuse(arriving.REFUSE_ATTRIBUTES, *_MANY_ATTRIBUTES)
        if "external_ids" in present:
            refuse(arriving.REFUSE_EXTERNAL_IDS, *_MANY_IDS)

    def _add_names(self, present: frozenset[str]) -> None:
        """What else names them: ids of other systems, LINE user ids with their friends."""
        if "external_ids" in present:
            self._execute(arriving.ADD_EXTERNAL_IDS)
        if "line_user_id" in present:
            self._execute(arriving.ADD_IDENTITIES)
            if "display_name" in present:
                self._execute(arriving.NAME_IDENTITIES)
            self._execute(arriving.ADD_FRIENDS)

    def _add_ties(self, present: frozenset[str], *, are_new: bool) -> None:
        if self._nos_of_all or self._to.account_stores or not present.isdisjoint(("store", "home_store")):
            self._execute(arriving.add_ties(are_new=are_new))
        if self._tags:
            tags = {tag.id: tag.no for tag in self._tags.values()}
            self._execute(arriving.add_tags(are_new=are_new), tag_ids=list(tags), tag_nos=list(tags.values()))

    def _copy(self, wave: Sequence[_Numbered], present: frozenset[str]) -> None:
        connection = cast(psycopg.Connection[Any], self._session.connection().connection.driver_connection)
        columns = ", ".join(arriving.copy_columns(present))
        with (
            connection.cursor() as cursor,
            cursor.copy(f"COPY arriving ({columns}) FROM STDIN") as copy,
        ):
            for no, arrival in wave:
                tags, stores = self._tags_of(arrival), self._stores_of(arrival)
                copy.write_row(arriving.copy_row(no, arrival, present, tags, stores))

    def _find_tags(self, arrivals: Sequence[Arrival]) -> None:
        """Have every tag that these rows name; a rehearsal makes up those that are missing."""
        names = {name: None for arrival in arrivals for name in arrival.values.get("tags", ())}
        if self._to.tag:
            names[self._to.tag] = None
        for name in names:
            if name in self._tags:
                continue
            if len(self._tags) >= MOST_TAGS:
                raise ImportFileUnreadable(
                    f"The file names more than {MOST_TAGS:,} tags: is it the right column?",
                    f"タグの種類が{MOST_TAGS:,}を超えています。タグの列が正しいか確かめてください。",
                )
            if self._is_rehearsal:
                self._tags[name] = Tag(id=uuid7(), no=-1 - len(self._tags), name=name)
            else:
                self._tags[name] = find_or_create_tag(self._session, name, None, self._now)

    def _tags_of(self, arrival: Arrival) -> str:
        names = tuple(arrival.values.get("tags", ()))
        if self._to.tag:
            names = (*names, self._to.tag)
        if (written := self._written.get(names)) is None:
            written = self._written[names] = _literal({self._tags[name].no for name in names})
        return written

    def _stores_of(self, arrival: Arrival) -> str:
        values = arrival.values
        nos = set(self._nos_of_all)
        for name in ("store", "home_store"):
            if name in values:
                nos.add(values[name].no)
        if "line_user_id" in values:
            nos.update(store.no for store in self._to.account_stores)
        return _literal(nos)

    def _execute(self, statement: str, **values: Any) -> Any:
        return self._session.connection().execute(text(statement), {**self._common, **values})


def _literal(nos: Collection[int]) -> str:
    """Numbers as the text of an array."""
    return "{" + ",".join(map(str, sorted(nos))) + "}" if nos else "{}"


def _part(waiting: Sequence[_Numbered], settled: Collection[str]) -> _Wave:
    """Those of some rows that can be taken in at once, and those who have a key in common with one before.

    A key that is settled is somebody's by now: whoever else has it is told by the database.
    """
    seen: set[str] = set()
    wave: list[_Numbered] = []
    rest: list[_Numbered] = []
    for pair in waiting:
        keys = pair[1].keys()
        if settled:
            keys = [key for key in keys if key not in settled]
        (rest if not seen.isdisjoint(keys) else wave).append(pair)
        seen.update(keys)
    return _Wave(wave, rest)
