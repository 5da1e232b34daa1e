"""Logs: JSON lines, pretty on a terminal, and never a word of what people write.

Exceptions are logged as type and stack. Their message is left out, since messages of database and validation errors
repeat the row or the input that they are about.
"""

import logging
import sys
import traceback
from types import TracebackType

import structlog
from structlog.typing import EventDict, WrappedLogger

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def _type_and_stack(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replace ``exc_info`` by the exception's type, its SQLSTATE if it has one, and its stack."""
    info: object = event.pop("exc_info", None)
    if not info:
        return event
    error = info if isinstance(info, BaseException) else sys.exc_info()[1]
    if error is None:
        return event
    event["error"] = type(error).__qualname__
    if sqlstate := getattr(error, "sqlstate", None):
        event["sqlstate"] = sqlstate
    if isinstance(error, BaseExceptionGroup):
        event["errors"] = [type(inner).__qualname__ for inner in error.exceptions]
    event["stack"] = [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)][-12:]
    return event


class _LibraryHandler(logging.Handler):
    """Passes on that a library complained and where, not what it said: its arguments may hold content."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger("library")
        error = record.exc_info[1] if record.exc_info else None
        log.warning("library_log", logger=record.name, level_name=record.levelname, line=record.lineno, exc_info=error)


def setup(service: str, instance: str, level: str) -> None:
    """Configure logging for the process, once."""
    pretty = sys.stdout.isatty()
    renderer = structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _type_and_stack,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service, instance=instance)
    logging.basicConfig(handlers=[_LibraryHandler()], level=logging.WARNING, force=True)
