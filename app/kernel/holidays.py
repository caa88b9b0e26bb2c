"""Recognised holidays (algemeen erkende feestdagen): the table of LAW-4 as data.

A change of the law or a new royal decree is a change of this table, and moves ``TABLE_VERSION``.
The table is meant for days from 2014, the first year with a King's Day.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from types import MappingProxyType

from app.kernel.errors import Text

TABLE_VERSION = "2026-01"

_ONE_DAY = timedelta(days=1)
_SATURDAY = 5
_SUNDAY = 6

_BY_LAW = "Algemene termijnenwet, art. 3(1)"
_EQUATED = "Algemene termijnenwet, art. 3(2)"
_BY_DECREE = "Algemene termijnenwet, art. 3(3), royal decree"


@dataclass(frozen=True, slots=True)
class Holiday:
    """A recognised day: what it is called, and the source that recognises it."""

    name: Text
    source: str


@dataclass(frozen=True, slots=True)
class FixedHoliday:
    """A holiday on one day of the year; with ``not_on_sunday`` it is kept a day earlier then."""

    month: int
    day: int
    holiday: Holiday
    not_on_sunday: bool = False

    def on(self, year: int) -> date:
        """Return the day on which it is kept in ``year``."""
        nominal = date(year, self.month, self.day)
        moves = self.not_on_sunday and nominal.weekday() == _SUNDAY
        return nominal - _ONE_DAY if moves else nominal


@dataclass(frozen=True, slots=True)
class EasterHoliday:
    """A holiday a number of days from Easter Sunday."""

    offset_days: int
    holiday: Holiday

    def on(self, year: int) -> date:
        """Return the day on which it is kept in ``year``."""
        return easter_sunday(year) + timedelta(days=self.offset_days)


YEARLY: tuple[FixedHoliday | EasterHoliday, ...] = (
    FixedHoliday(1, 1, Holiday(Text(en="New Year's Day", nl="Nieuwjaarsdag"), _BY_LAW)),
    EasterHoliday(-2, Holiday(Text(en="Good Friday", nl="Goede Vrijdag"), _EQUATED)),
    EasterHoliday(1, Holiday(Text(en="Easter Monday", nl="tweede paasdag"), _BY_LAW)),
    EasterHoliday(39, Holiday(Text(en="Ascension Day", nl="Hemelvaartsdag"), _BY_LAW)),
    EasterHoliday(50, Holiday(Text(en="Whit Monday", nl="tweede pinksterdag"), _BY_LAW)),
    FixedHoliday(
        4, 27, Holiday(Text(en="King's Day", nl="Koningsdag"), _BY_LAW), not_on_sunday=True
    ),
    FixedHoliday(5, 5, Holiday(Text(en="Liberation Day", nl="Bevrijdingsdag"), _BY_LAW)),
    FixedHoliday(12, 25, Holiday(Text(en="Christmas Day", nl="eerste kerstdag"), _BY_LAW)),
    FixedHoliday(12, 26, Holiday(Text(en="Boxing Day", nl="tweede kerstdag"), _BY_LAW)),
)

DECREED: Mapping[date, Holiday] = MappingProxyType(
    {
        date(2026, 1, 2): Holiday(
            Text(en="day after New Year's Day (equated)", nl="dag na Nieuwjaar (gelijkgesteld)"),
            _BY_DECREE,
        ),
        date(2026, 5, 15): Holiday(
            Text(en="day after Ascension (equated)", nl="dag na Hemelvaart (gelijkgesteld)"),
            _BY_DECREE,
        ),
        date(2027, 5, 7): Holiday(
            Text(en="day after Ascension (equated)", nl="dag na Hemelvaart (gelijkgesteld)"),
            _BY_DECREE,
        ),
        date(2028, 4, 28): Holiday(
            Text(en="day after King's Day (equated)", nl="dag na Koningsdag (gelijkgesteld)"),
            _BY_DECREE,
        ),
        date(2028, 5, 26): Holiday(
            Text(en="day after Ascension (equated)", nl="dag na Hemelvaart (gelijkgesteld)"),
            _BY_DECREE,
        ),
    }
)


def easter_sunday(year: int) -> date:
    """Return Easter Sunday of a Gregorian year (the anonymous computus of Meeus and Jones)."""
    golden = year % 19
    century, in_century = divmod(year, 100)
    leap_centuries, century_rest = divmod(century, 4)
    lunar_shift = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leap_centuries - lunar_shift + 15) % 30
    leap_years, year_rest = divmod(in_century, 4)
    to_sunday = (32 + 2 * century_rest + 2 * leap_years - epact - year_rest) % 7
    correction = (golden + 11 * epact + 22 * to_sunday) // 451
    month, day = divmod(epact + to_sunday - 7 * correction + 114, 31)
    return date(year, month, day + 1)


@cache
def holidays_of(year: int) -> Mapping[date, Holiday]:
    """Return the recognised days of a calendar year; where two coincide, the law's own day is told.

    Source: LAW-4.
    """
    found = {day: holiday for day, holiday in DECREED.items() if day.year == year}
    found |= {entry.on(year): entry.holiday for entry in YEARLY}
    return MappingProxyType(dict(sorted(found.items())))


def holiday_on(day: date) -> Holiday | None:
    """Return the holiday that falls on ``day``, with its source, or None."""
    return holidays_of(day.year).get(day)


def holiday_name(day: date) -> Text | None:
    """Return the name of the holiday that falls on ``day``, or None."""
    holiday = holiday_on(day)
    return None if holiday is None else holiday.name


def is_holiday(day: date) -> bool:
    """Tell whether ``day`` is a recognised or equated holiday; a plain Sunday is not (LAW-4)."""
    return holiday_on(day) is not None


def is_free_day(day: date) -> bool:
    """Tell whether ``day`` is a Saturday, a Sunday or a recognised holiday (LAW-4)."""
    return day.weekday() >= _SATURDAY or is_holiday(day)


def next_working_day(day: date) -> date:
    """Return ``day`` itself when it is no free day, else the first day after it that is none.

    Source: LAW-4.
    """
    while is_free_day(day):
        day += _ONE_DAY
    return day
