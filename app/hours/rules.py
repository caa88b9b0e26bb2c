"""The norm of hours (urennorm): room per employee and calendar year, and a team's capacity."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from app.hours.errors import AttendanceBeyondPlan, SessionStillToCome
from app.kernel.quantities import Minutes


class ExceptionGround(StrEnum):
    """The only two grounds for an exception to the norm (VIS-8.2)."""

    LEGAL_REQUIREMENT = "legal_requirement"
    FUNCTION_REQUIREMENT = "function_requirement"


class ReservationStatus(StrEnum):
    OPEN = "open"
    ATTENDED = "attended"
    RELEASED = "released"


class CapacityPer(StrEnum):
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class HourRoom:
    """What one employee may still learn in working time in one calendar year, in whole minutes.

    ``binding`` tells whether the norm refuses (from 2027) or only warns (2026, VIS-8.3). Room is
    negative where an advisory norm was passed.
    """

    norm_minutes: Minutes
    exception_minutes: Minutes
    reserved_minutes: Minutes
    spent_minutes: Minutes
    binding: bool

    @property
    def room_minutes(self) -> Minutes:
        """Norm and exceptions less what is reserved and spent (VIS-8.1: 80 hours are in)."""
        allowed = self.norm_minutes + self.exception_minutes
        return Minutes(allowed - self.reserved_minutes - self.spent_minutes)


@dataclass(frozen=True, slots=True)
class Reservation:
    """Hours to hold for one participant in one session; they count in the year of ``held_on``."""

    request_id: UUID
    employee_id: UUID
    session_id: UUID
    held_on: date
    minutes: Minutes
    working_time: bool


def check_attendance(
    *, held_on: date, planned_minutes: Minutes, attended_minutes: Minutes, today: date
) -> None:
    """Refuse attendance before the session's day, or for longer than was planned.

    Raises:
        SessionStillToCome: ``held_on`` is after today; the day itself is allowed.
        AttendanceBeyondPlan: more minutes than the session was planned for.
    """
    if held_on > today:
        raise SessionStillToCome(held_on=held_on, today_on=today)
    if attended_minutes > planned_minutes:
        raise AttendanceBeyondPlan(
            planned_minutes=planned_minutes, attended_minutes=attended_minutes
        )


@dataclass(frozen=True, slots=True)
class Occupation:
    """Learning time of one employee on one day, in working time, in whole minutes."""

    employee_id: UUID
    held_on: date
    requested_minutes: Minutes
    reserved_minutes: Minutes
    attended_minutes: Minutes


@dataclass(frozen=True, slots=True)
class CapacityRow:
    """One week or month of a team or one of its members, half-open, in whole minutes."""

    employee_id: UUID | None
    starts_on: date
    ends_before: date
    contract_minutes: Minutes
    requested_minutes: Minutes
    reserved_minutes: Minutes
    attended_minutes: Minutes


@dataclass(frozen=True, slots=True)
class ContractSpan:
    """Contract minutes a week of one employee over a half-open span; open-ended if None."""

    employee_id: UUID
    valid_from: date
    valid_until: date | None
    minutes_per_week: Minutes


def spans_of(*, from_on: date, until_on: date, per: CapacityPer) -> list[tuple[date, date]]:
    """Divide the days from ``from_on`` up to and including ``until_on`` in whole weeks or months.

    Weeks begin on Monday (ISO 8601), months on the first; both spans are half-open and whole, so
    the first may begin before ``from_on`` and the last end after ``until_on``.
    """
    spans: list[tuple[date, date]] = []
    start = (
        from_on - timedelta(days=from_on.weekday())
        if per is CapacityPer.WEEK
        else from_on.replace(day=1)
    )
    while start <= until_on:
        after = (
            start + timedelta(days=7)
            if per is CapacityPer.WEEK
            else (start.replace(day=28) + timedelta(days=4)).replace(day=1)
        )
        spans.append((start, after))
        start = after
    return spans


def contract_minutes_in(span: tuple[date, date], contracts: Iterable[ContractSpan]) -> Minutes:
    """Return the contract minutes that fall in a half-open span of days.

    A week's minutes are spread evenly over its five weekdays; each day's part is rounded down
    only at the end, over the whole span. Holidays are not taken off: leave is not known here.
    """
    fifths = 0
    for contract in contracts:
        day = max(span[0], contract.valid_from)
        last = span[1] if contract.valid_until is None else min(span[1], contract.valid_until)
        while day < last:
            if day.weekday() < 5:  # noqa: PLR2004 -- Monday to Friday
                fifths += contract.minutes_per_week
            day += timedelta(days=1)
    return Minutes(fifths // 5)


def capacity(
    *,
    spans: Sequence[tuple[date, date]],
    contracts: Sequence[ContractSpan],
    occupations: Sequence[Occupation],
) -> list[CapacityRow]:
    """Return a team's capacity per span: first the team as a whole, then each member (VIS-8.4)."""
    members = sorted({contract.employee_id for contract in contracts})
    rows: list[CapacityRow] = []
    for span in spans:
        in_span = [o for o in occupations if span[0] <= o.held_on < span[1]]
        rows.append(_row(None, span, contracts, in_span))
        for member in members:
            rows.append(
                _row(
                    member,
                    span,
                    [c for c in contracts if c.employee_id == member],
                    [o for o in in_span if o.employee_id == member],
                )
            )
    return rows


def _row(
    employee_id: UUID | None,
    span: tuple[date, date],
    contracts: Sequence[ContractSpan],
    occupations: Sequence[Occupation],
) -> CapacityRow:
    return CapacityRow(
        employee_id=employee_id,
        starts_on=span[0],
        ends_before=span[1],
        contract_minutes=contract_minutes_in(span, contracts),
        requested_minutes=Minutes(sum(o.requested_minutes for o in occupations)),
        reserved_minutes=Minutes(sum(o.reserved_minutes for o in occupations)),
        attended_minutes=Minutes(sum(o.attended_minutes for o in occupations)),
    )
