"""Logs: one JSON object a line, with references and never names, whatever a message holds."""

import json
import logging
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

_FRAMES = 12

# The request that is served, for the lines that are written on its way.
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON: a line break within it is escaped, so it stays one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line: when, how grave, by whom, what, and its own members."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        served = request_id.get()
        if served is not None:
            line["request_id"] = served
        members = getattr(record, "line", None)
        if isinstance(members, dict):
            line |= members
        reason = getattr(record, "reason", None)
        if reason is not None:
            line["reason"] = str(reason)
        if record.exc_info and record.exc_info[1] is not None:
            line["fault"] = describe(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, default=str)


def _message(record: logging.LogRecord) -> str:
    """Return what a record says; of a library's the first line, for more of it quotes values."""
    said = record.getMessage()
    return said if record.name.partition(".")[0] == "app" else said.partition("\n")[0]


def describe(fault: BaseException) -> dict[str, Any]:
    """Return what a fault is and where it arose, without its message: that may quote a person."""
    cause = getattr(fault, "orig", None)
    frames = traceback.extract_tb(fault.__traceback__)[-_FRAMES:]
    told: dict[str, Any] = {
        "type": f"{type(fault).__module__}.{type(fault).__qualname__}",
        "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
    if cause is not None:
        told["sqlstate"] = getattr(cause, "sqlstate", None)
        told["constraint"] = getattr(getattr(cause, "diag", None), "constraint_name", None)
    return told


def configure_logging(level: str) -> None:
    """Send the log to standard error as JSON lines, once: ours, and what libraries warn of."""
    logging.getLogger("app").setLevel(level.upper())
    root = logging.getLogger()
    if not any(isinstance(handler.formatter, JsonLines) for handler in root.handlers):
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonLines())
        root.addHandler(handler)
