"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta

# A Monday morning in Amsterdam, between the two tranches of the transition year.
MONDAY = datetime(2026, 6, 15, 8, 0, tzinfo=UTC)


class FrozenClock:
    """Says what a test set; every test starts at ``MONDAY``."""

    def __init__(self) -> None:
        self._now = MONDAY

    def now(self) -> datetime:
        return self._now

    def set(self, instant: datetime) -> None:
        """Set the clock to an aware instant."""
        self._now = instant.astimezone(UTC)

    def advance(self, step: timedelta) -> None:
        self._now += step


class Seconds:
    """A count of seconds, as a monotonic clock tells them, that passes only when a test says so."""

    def __init__(self) -> None:
        self._passed = 1000.0

    def __call__(self) -> float:
        return self._passed

    def pass_(self, seconds: float) -> None:
        self._passed += seconds
