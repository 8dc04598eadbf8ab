"""Structured logs: one JSON object a line, with the request's id, without secrets and without personal data.

What an exception says is left out: databases, parsers and validators repeat the values that they refuse. Its type, the
lines of code, and for the database the SQLSTATE and the constraint say where to look. What other libraries write goes
the same way. And whatever looks like a secret, or like a person, is masked in the finished line.
"""

import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import structlog
from structlog.typing import EventDict, ExcInfo, WrappedLogger

MASK = "[masked]"
_TELLING = re.compile(
    r"nrn_[a-z]+_[0-9A-Za-z]{8,}"  # our own secrets
    r"|\b(?:Bearer|Basic)\s+[\w+/=.~-]{8,}"
    r"|\beyJ[\w-]{10,}(?:\.[\w-]*)*"  # JWTs, LINE's tokens among them
    r"|(?<=://)[^\s/:@\"]*:[^\s/@\"]+(?=@)"  # user and password of an address
    r"|\bU[0-9a-f]{32}\b"  # LINE user ids
    r"|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|(?<![\w.+-])(?:\+81|0)[\d-]{9,13}(?![\w.-])"  # telephone numbers
)


def configure_logs(level: str) -> None:
    """Write JSON lines to stderr from this level up, whoever logs."""
    number = getattr(logging, level.upper(), logging.INFO)
    shared: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render: list[structlog.typing.Processor] = [
        structlog.processors.ExceptionRenderer(_write_exception),
        _write_line,
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _first_line, *render],
        )
    )
    root = logging.getLogger()
    root.setLevel(max(number, logging.WARNING))
    # The server has put one up already, which would write what it is given.
    root.handlers = [other for other in root.handlers if type(other) is not logging.StreamHandler] + [handler]
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, *shared, *render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def note_crashes() -> None:
    """Let what ends this process or one of its threads be a line of the log too."""
    sys.excepthook = _note_crash
    threading.excepthook = lambda crash: _note_crash(crash.exc_type, crash.exc_value, crash.exc_traceback)


def mask(line: str) -> str:
    """A finished line without what looks like a secret or a person."""
    return _TELLING.sub(MASK, line)


def _write_line(logger: WrappedLogger, method: str, event: EventDict) -> str:
    return mask(str(_AS_JSON(logger, method, event)))


_AS_JSON = structlog.processors.JSONRenderer(ensure_ascii=False)


def _first_line(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Other libraries' sentences end with the line: asyncio shows lost exceptions, words and all, on the second."""
    return {**event, "event": str(event.get("event", "")).partition("\n")[0]}


def _write_exception(exc_info: ExcInfo) -> str:
    return "\n".join(_lines(exc_info[1], set()))


def _lines(error: BaseException | None, seen: set[int]) -> Iterator[str]:
    """An exception and those before it, the first one first, without what they say."""
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _lines(before, seen)
    for frame in traceback.extract_tb(error.__traceback__):
        yield f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}: {frame.line or ""}'
    yield describe_error(error)
    for one in getattr(error, "exceptions", ()):
        yield from _lines(one, seen)


def describe_error(error: BaseException) -> str:
    """The error's type, with what of the database's errors holds no values, and with words only where they are ours."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    if getattr(error, "is_readable", False):
        return f"{name}: {error}"
    facts: Any = getattr(getattr(error, "orig", error), "diag", None)
    found = {key: getattr(facts, key, None) for key in ("sqlstate", "table_name", "constraint_name")}
    return " ".join([name, *(f"{key}={value}" for key, value in found.items() if value)])


def _note_crash(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if error is not None and not issubclass(kind, KeyboardInterrupt | SystemExit):
        structlog.get_logger("process").critical("crashed", exc_info=(kind, error, trace))
