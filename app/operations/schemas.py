"""Long work as it crosses the wire."""

from typing import Annotated, Any, Literal

from pydantic import Field

from app.schemas import Instant, OperationId, Read


class ProgressRead(Read):
    """How far long work is, in its own units: rows, people."""

    done: int
    total: Annotated[int | None, Field(description="Null while it is not known.")]


class OperationFileRead(Read):
    """A file that came of long work."""

    name: Annotated[str, Field(examples=["errors.csv"])]
    url: Annotated[
        str,
        Field(
            description="Where it is fetched, on this host.",
            examples=["/v1/operations/op_01h459nb4pez5wsktk68anc03q/files/errors.csv"],
        ),
    ]
    until: Annotated[Instant | None, Field(description="When it goes; null while the work goes on.")]


class OperationRead(Read):
    """Long work: how far it is, and what came of it."""

    id: OperationId
    kind: Annotated[str, Field(examples=["customer_import"])]
    status: Literal["running", "done", "failed"]
    progress: ProgressRead
    result: Annotated[dict[str, Any] | None, Field(description="What came of it, once it is done.")]
    problem: Annotated[dict[str, Any] | None, Field(description="Why it failed, as an RFC 9457 document.")]
    files: list[OperationFileRead]
    created_at: Instant
    finished_at: Instant | None
