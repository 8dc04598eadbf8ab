"""Trees of comparisons: `all`, `any` and `not` over leaves, read from JSON with a pointer at everything wrong."""

from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar

from tenants.problems import Invalid

MAX_DEPTH = 8
MAX_LEAVES = 100

Leaf = TypeVar("Leaf")


@dataclass(frozen=True, slots=True)
class AllOf(Generic[Leaf]):
    """Holds when each part holds."""

    parts: "tuple[Tree[Leaf], ...]"


@dataclass(frozen=True, slots=True)
class AnyOf(Generic[Leaf]):
    """Holds when some part holds."""

    parts: "tuple[Tree[Leaf], ...]"


@dataclass(frozen=True, slots=True)
class Not(Generic[Leaf]):
    """Holds when its part does not."""

    part: "Tree[Leaf]"


Tree: TypeAlias = Leaf | AllOf[Leaf] | AnyOf[Leaf] | Not[Leaf]


class TreeReader(Generic[Leaf]):
    """Walks a document once and gathers what is wrong with it. A subclass reads the leaves."""

    leaf_key: ClassVar[str]
    """The member that tells a leaf from a branch, such as `field`."""
    nouns: ClassVar[str]
    """What the parts of a branch are called in errors."""
    may_be_empty: ClassVar[bool]
    """Whether a branch may have no parts."""

    def __init__(self) -> None:
        self.errors: list[dict[str, str]] = []
        self.leaves = 0

    def read(self, document: object, at: str) -> Tree[Leaf]:
        """The tree that stands at a JSON pointer. Raises Invalid with every error in it."""
        tree = self.tree(document, at, 1)
        if self.leaves > MAX_LEAVES:
            self.refuse(at, f"Must not hold more than {MAX_LEAVES} comparisons.")
        if self.errors or tree is None:
            raise Invalid(self.errors)
        return tree

    def leaf(self, node: dict[str, Any], at: str) -> Leaf | None:
        """A comparison; None once it has been refused."""
        raise NotImplementedError

    def refuse(self, pointer: str, detail: str) -> None:
        """Note an error, unless there are already more than anybody would read."""
        if len(self.errors) < MAX_LEAVES:
            self.errors.append({"pointer": pointer, "detail": detail})

    def refuse_others(self, node: dict[str, Any], known: tuple[str, ...], at: str) -> None:
        """Refuse every member of an object but the known ones."""
        for key in node:
            if key not in known:
                name = ascii(key)[1:-1][:40].replace("~", "~0").replace("/", "~1")
                self.refuse(f"{at}/{name}", "Is not known here.")

    def tree(self, node: object, at: str, depth: int) -> Tree[Leaf] | None:
        """A node of the tree; None once it has been refused."""
        if not isinstance(node, dict):
            self.refuse(at, "Must be an object.")
            return None
        kinds = [kind for kind in ("all", "any", "not", self.leaf_key) if kind in node]
        if len(kinds) != 1:
            self.refuse(at, f"Must hold exactly one of all, any, not and {self.leaf_key}.")
            return None
        kind = kinds[0]
        if kind == self.leaf_key:
            self.leaves += 1
            return self.leaf(node, at)
        if depth > MAX_DEPTH:
            self.refuse(at, f"Must not nest deeper than {MAX_DEPTH} levels.")
            return None
        self.refuse_others(node, (kind,), at)
        if kind == "not":
            part = self.tree(node["not"], f"{at}/not", depth + 1)
            return Not(part) if part is not None else None
        parts = self._parts(node[kind], f"{at}/{kind}", depth)
        return AllOf(parts) if kind == "all" else AnyOf(parts)

    def _parts(self, nodes: object, at: str, depth: int) -> tuple[Tree[Leaf], ...]:
        if not isinstance(nodes, list) or not (nodes or self.may_be_empty):
            self.refuse(at, f"Must be a list of {self.nouns}" + ("." if self.may_be_empty else ", at least one."))
            return ()
        # An empty list counts as a leaf, or a document could hold empty lists without end.
        self.leaves += not nodes
        if len(nodes) > MAX_LEAVES:
            self.leaves += len(nodes)
            return ()
        parts = [self.tree(node, f"{at}/{index}", depth + 1) for index, node in enumerate(nodes)]
        return tuple(part for part in parts if part is not None)
