"""The demo's clock: today, unless somebody walking through the demo has set it to another day.

A tranche takes months; whoever tries the whole job on the docs page wants it in minutes. What is
kept is the difference with the real clock, in a file beside the demo's data, so that the demo's
time goes on, all workers see the same, and a restart changes nothing. Tokens and the audit trail
keep real time.
"""

import json
from datetime import datetime, timedelta
from pathlib import Path

from app.http.routing import system_clock


class DemoClock:
    """A clock that can be set, shared by all processes through one small file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at: tuple[int, int] | None = None
        self._offset = timedelta()

    def now(self) -> datetime:
        """Return the demo's now, an aware instant in UTC."""
        return system_clock() + self._current_offset()

    def set(self, now: datetime | None) -> datetime:
        """Let the demo's now be ``now`` from here on, or real time again when None; return it."""
        offset = timedelta() if now is None else now - system_clock()
        temporary = self._path.with_suffix(".new")
        # To the microsecond: who sets the first instant of a day must not be in the day before it.
        temporary.write_text(json.dumps({"offsetSeconds": offset.total_seconds()}))
        temporary.replace(self._path)
        return self.now()

    def _current_offset(self) -> timedelta:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return timedelta()
        seen = (status.st_mtime_ns, status.st_ino)
        if seen != self._read_at:
            told = json.loads(self._path.read_text())
            self._offset = timedelta(seconds=told["offsetSeconds"])
            self._read_at = seen
        return self._offset
