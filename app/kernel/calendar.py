"""The civil calendar of Europe/Amsterdam: days, months, years and weeks, and their instants.

A rule speaks of days; a clock gives instants. This module is the one place that turns one into
the other. Free days are told by ``holidays``, terms by ``terms``.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from app.kernel.holidays import is_free_day

AMSTERDAM = ZoneInfo("Europe/Amsterdam")

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """A run of civil days, half-open: ``since`` belongs to it, ``until`` does not.

    Without ``until`` it has no end. It holds at least one day.
    """

    since: date
    until: date | None = None

    def __post_init__(self) -> None:
        if self.until is not None and self.until <= self.since:
            msg = f"A period ends after it starts: {self.since} to {self.until}."
            raise ValueError(msg)

    @classmethod
    def of_year(cls, year: int) -> Self:
        """Return the calendar year as a period."""
        return cls(date(year, 1, 1), date(year + 1, 1, 1))

    def __contains__(self, day: date) -> bool:
        """Tell whether ``day`` falls in the period."""
        return self.since <= day and (self.until is None or day < self.until)

    def overlaps(self, other: Self) -> bool:
        """Tell whether the two have a day in common; periods that only touch have none."""
        return (other.until is None or self.since < other.until) and (
            self.until is None or other.since < self.until
        )


def amsterdam_day(instant: datetime) -> date:
    """Return the civil day in Europe/Amsterdam on which ``instant`` falls.

    Raises:
        ValueError: ``instant`` has no time zone, so that nobody knows what moment it is.
    """
    if instant.tzinfo is None:
        msg = f"An instant needs a time zone: {instant.isoformat()}."
        raise ValueError(msg)
    return instant.astimezone(AMSTERDAM).date()


def calendar_year(instant: datetime) -> int:
    """Return the calendar year in Europe/Amsterdam in which ``instant`` falls."""
    return amsterdam_day(instant).year


def starts_at(day: date) -> datetime:
    """Return the UTC instant at which the civil day begins: midnight in Europe/Amsterdam."""
    return datetime.combine(day, time.min, tzinfo=AMSTERDAM).astimezone(UTC)


def ends_at(day: date) -> datetime:
    """Return the UTC instant at which the civil day has ended (exclusive: the next midnight).

    A submission "by 15 July" is in time when it came before ``ends_at(15 July)`` (VIS-6.1).
    """
    return starts_at(day + _ONE_DAY)


def add_months(day: date, months: int) -> date:
    """Return the same day of the month, ``months`` later, or that month's last day if it has none.

    29 February 2028 plus 12 is 28 February 2029 (VIS-7.7). A negative number counts back.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last_of_month = monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last_of_month))


def week_of(day: date) -> tuple[int, int]:
    """Return the ISO week of ``day`` as (year, week); at a year's turn that is not ``day.year``."""
    week = day.isocalendar()
    return week.year, week.week


def working_days(first: date, last: date) -> int:
    """Count the days from ``first`` to ``last``, both included, that are no free day.

    Nil when ``last`` comes before ``first``.
    """
    span = (last - first).days + 1
    return sum(not is_free_day(first + timedelta(days=n)) for n in range(span))
