"""compile_where(): a rule as one condition on the customer's row, whatever the statement that uses it.

Brand-wide it reads the summary that the row carries. In a store's scope counts, amounts, dates, events, copies and
messages are those of its own stores, since a store learns nothing of what a customer does elsewhere; nor does it by
asking for them in a rule.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, not_, or_, true

from app.customers.attributes.queries import map_attributes
from app.customers.queries import is_present
from app.segments.fields.base import Asked, Reference
from app.segments.models import Segment
from app.segments.naming import Named, look_up
from app.segments.rules import Rule, list_leaves, parse_rule
from app.trees import AllOf, AnyOf, Not
from tenants.problems import Invalid
from tenants.session import ScopedSession

MAX_NESTING = 5
"""So many segments may name one another in a row."""
MAX_SEGMENTS_IN_ALL = 50
MAX_LEAVES_IN_ALL = 500
"""So many segments and comparisons a rule may have together with all segments that it names."""


@dataclass(frozen=True)
class Compiled:
    """A rule with all that it names found."""

    tree: Rule
    asked: Asked
    leaves: int
    """Its comparisons, those of the segments that it names among them."""
    segments: int
    """The segments that it names, and those that these name."""

    def where(self) -> ColumnElement[bool]:
        """The condition on `Customer`."""
        return self._condition(self.tree)

    def _condition(self, rule: Rule) -> ColumnElement[bool]:
        match rule:
            case AllOf(parts):
                return and_(true(), *(self._condition(part) for part in parts))
            case AnyOf(parts):
                return or_(false(), *(self._condition(part) for part in parts))
            case Not(part):
                return not_(self._condition(part))
            case _:
                return rule.condition(self.asked)


@dataclass(frozen=True)
class _Way:
    """How a rule is compiled, and how it was come to."""

    joined: bool
    skip_unseen: bool
    path: tuple[UUID, ...]
    """The segments whose rules led here, outermost first."""
    done: dict[UUID, Compiled] = field(default_factory=dict)
    """Segments that have been compiled on the way."""


def compile_where(
    session: ScopedSession,
    rule: object,
    now: datetime,
    *,
    at: str = "/rule",
    skip_unseen: bool = False,
    joined: bool = False,
    within: UUID | None = None,
) -> ColumnElement[bool]:
    """The condition on `Customer` that a rule's JSON makes at this moment; only who is present meets it.

    Raises Invalid, with a pointer below `at`, for a malformed rule or one that names what this scope does not see;
    with `skip_unseen` nobody has what is not seen. With `joined` the statement that uses the condition is one of
    `queries.of_scope`, which a single store's figures are read from. `within` is the segment whose rule it is, to which
    the segments that it names may not lead back.
    """
    compiled = compile_rule(session, rule, now, at=at, skip_unseen=skip_unseen, joined=joined, within=within)
    return and_(is_present(), compiled.where())


def compile_rule(
    session: ScopedSession,
    rule: object,
    now: datetime,
    *,
    at: str = "/rule",
    skip_unseen: bool = False,
    joined: bool = False,
    within: UUID | None = None,
) -> Compiled:
    """The same, before it becomes a condition."""
    return _compile(session, rule, now, at, _Way(joined, skip_unseen, () if within is None else (within,)))


def _compile(session: ScopedSession, rule: object, now: datetime, at: str, way: _Way) -> Compiled:
    tree = parse_rule(rule, at, lambda: {name: one.type for name, one in map_attributes(session).items()})
    leaves = list(list_leaves(tree))
    references = [named for leaf in leaves for named in leaf.named()]
    named = look_up(session, ((kind, reference.key) for kind, reference in references))
    if not way.skip_unseen:
        _require_found(named, references)
    if len(named.segments) > MAX_SEGMENTS_IN_ALL:
        raise Invalid.at(at, f"Must not name more than {MAX_SEGMENTS_IN_ALL} segments.")
    asked = Asked(session, named, now, way.joined)
    asking = [(segment, reference) for reference, segment in _list_segments(named, references)]
    inner = [_compile_segment(asked, segment, reference, way) for segment, reference in asking]
    asked.chosen = {segment.id: one.where() for (segment, _), one in zip(asking, inner, strict=True)}
    leaves_in_all = len(leaves) + sum(one.leaves for one in inner)
    segments = len(inner) + sum(one.segments for one in inner)
    if leaves_in_all > MAX_LEAVES_IN_ALL or segments > MAX_SEGMENTS_IN_ALL:
        most = f"{MAX_SEGMENTS_IN_ALL} segments and {MAX_LEAVES_IN_ALL} comparisons"
        raise Invalid.at(at, f"With the segments that it names it must not come to more than {most}.")
    return Compiled(tree, asked, leaves_in_all, segments)


def _require_found(named: Named, references: Sequence[tuple[str, Reference]]) -> None:
    missing = [
        reference
        for kind, reference in references
        if reference.key not in (named.segments if kind == "seg" else named.things[kind])
    ]
    if missing:
        raise Invalid([{"pointer": reference.at, "detail": "There is no such thing."} for reference in missing])


def _list_segments(named: Named, references: Sequence[tuple[str, Reference]]) -> list[tuple[Reference, Segment]]:
    """The segments that are named, each time they are."""
    keys = [(one, one.key) for kind, one in references if kind == "seg" and isinstance(one.key, UUID)]
    return [(reference, named.segments[key]) for reference, key in keys if key in named.segments]


def _compile_segment(asked: Asked, segment: Segment, reference: Reference, way: _Way) -> Compiled:
    """A segment that a rule names. Raises Invalid at its name where it cannot be used there."""
    if segment.archived_at is not None:
        raise Invalid.at(reference.at, f"The segment {segment.name} is archived.")
    if segment.id in way.path:
        raise Invalid.at(reference.at, f"The segment {segment.name} leads back to itself.")
    if len(way.path) >= MAX_NESTING:
        raise Invalid.at(reference.at, f"Segments must not name one another more than {MAX_NESTING} times in a row.")
    if segment.id not in way.done:
        # A store uses head office's segments: of what these name it has what it sees.
        inside = replace(way, skip_unseen=asked.store_nos is not None, path=(*way.path, segment.id))
        try:
            way.done[segment.id] = _compile(asked.session, segment.rule, asked.now, "/rule", inside)
        except Invalid as invalid:
            detail = f"The segment {segment.name} cannot be used: {invalid.errors[0]['detail']}"
            raise Invalid.at(reference.at, detail) from invalid
    return way.done[segment.id]
