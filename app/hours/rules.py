"""The norm of hours (urennorm): room per employee and calendar year, and a team's capacity."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from app.hours.errors import (
    AttendanceBeyondPlan,
    AttendanceUnchanged,
    ExceptionForPastYear,
    ExceptionForSelf,
    ExceptionUndiscussed,
    NormExceeded,
    OwnAttendance,
    SessionStillToCome,
    SpanReversed,
    SpanTooLong,
)
from app.kernel.errors import Text
from app.kernel.quantities import Minutes
from app.kernel.steps import Step
from app.ledger.rules import (
    Balance,
    Cause,
    Entry,
    Line,
    Post,
    Posted,
    Reverse,
    TransferKind,
    Void,
)

# The kinds of the accounts: an employee's of a year, and the organisation's they move to or from.
NORM = "norm"
OWN_TIME = "own-time"
NORM_SOURCE = "norm-source"
HOURS_SPENT = "hours-spent"
OWN_TIME_SPENT = "own-time-spent"

# What causes an entry, as the ledger keeps it and as an entry shows it.
POLICY_CAUSE = "policy"
EXCEPTION_CAUSE = "exception"
DECISION_CAUSE = "decision"
RELEASE_CAUSE = "release"
ATTENDANCE_CAUSE = "attendance"
CORRECTION_CAUSE = "correction"

_NEARLY_PASSED_PERCENT = 10
_LONGEST_SPAN_DAYS = 366
_WORKDAYS = 5
_NOTHING = Minutes(0)

Pair = tuple[UUID, int]


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


class EntryEffect(StrEnum):
    """What an entry does to the ledger it stands on."""

    NORM = "norm"
    EXCEPTION = "exception"
    RESERVED = "reserved"
    SPENT = "spent"
    RELEASED = "released"
    REVERSED = "reversed"


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
class OwnTime:
    """Hours in the employee's own time: recorded, not counted against the norm (VIS-8.1)."""

    reserved_minutes: Minutes
    spent_minutes: Minutes


@dataclass(frozen=True, slots=True)
class HourLedger:
    """The hours of one employee in one calendar year (urenstaat), at one moment."""

    employee_id: UUID
    calendar_year: int
    room: HourRoom
    own_time: OwnTime
    warning: Step | None


@dataclass(frozen=True, slots=True)
class NormRecorded:
    """The norm as it stands on an employee's year: the last one put there, and by which policy.

    A norm of nothing has no transfer: the ledger moves positive amounts.
    """

    position: int
    policy_version_id: UUID
    norm_minutes: Minutes
    transfer_id: UUID | None


@dataclass(frozen=True, slots=True)
class YearFigures:
    """What the ledger holds of one employee's year, read in one statement, in whole minutes."""

    norm: NormRecorded | None = None
    credited_minutes: Minutes = _NOTHING
    reserved_minutes: Minutes = _NOTHING
    spent_minutes: Minutes = _NOTHING
    own_reserved_minutes: Minutes = _NOTHING
    own_spent_minutes: Minutes = _NOTHING

    def room(self, *, norm_minutes: Minutes, binding: bool) -> HourRoom:
        """Return the room under the policy's norm; what was credited beside a norm is exceptions.

        The policy's norm is told, also when the account still holds that of an earlier policy
        version: the next booking puts it right.
        """
        recorded = 0 if self.norm is None else self.norm.norm_minutes
        return HourRoom(
            norm_minutes=norm_minutes,
            exception_minutes=Minutes(self.credited_minutes - recorded),
            reserved_minutes=self.reserved_minutes,
            spent_minutes=self.spent_minutes,
            binding=binding,
        )


@dataclass(frozen=True, slots=True)
class NormOfYear:
    """What the policy in force on 1 January gives one employee in that year."""

    policy_version_id: UUID
    minutes: Minutes
    binding: bool


@dataclass(frozen=True, slots=True)
class Sides:
    """The account that hours are taken from, and the one they go to."""

    debit_account_id: UUID
    credit_account_id: UUID


@dataclass(frozen=True, slots=True)
class Alignment:
    """What an employee's account needs to stand under its policy.

    ``realigned`` tells that another norm, or another policy version, takes the place of what was
    there; ``limited`` whether the account refuses by itself from now on.
    """

    pair: Pair
    norm: NormOfYear
    before: NormRecorded | None
    balance: Balance
    realigned: bool
    limited: bool

    @property
    def position(self) -> int:
        """Return the number of the norm that comes, counted from one in each year."""
        return 1 if self.before is None else self.before.position + 1

    @property
    def key(self) -> str:
        """Return the ledger's key of the norm that comes."""
        return f"norm:{self.balance.account_id}:{self.position}"

    def entries(self, source_id: UUID) -> list[Entry]:
        """Return what takes the norm that was back, and puts the one that is now."""
        cause = Cause(
            key=self.key,
            cause_type=POLICY_CAUSE,
            cause_id=self.norm.policy_version_id,
            activity_on=date(self.pair[1], 1, 1),
        )
        entries: list[Entry] = []
        if self.before is not None and self.before.transfer_id is not None:
            entries.append(_reversal(cause, self.before.transfer_id))
        if self.norm.minutes:
            entries.append(
                Posted(
                    **asdict(cause),
                    debit_account_id=source_id,
                    credit_account_id=self.balance.account_id,
                    amount=self.norm.minutes,
                )
            )
        return entries


def align(
    pair: Pair, norm: NormOfYear, *, balance: Balance, before: NormRecorded | None
) -> Alignment | None:
    """Return what an account needs, None when it stands as the policy has it.

    A norm that binds limits its account as soon as there is room. Where the norm was passed while
    it only warned, the account stays without limit, and ``check_room`` alone refuses.

    Source: VIS-8.3.
    """
    was = 0 if before is None else before.norm_minutes
    realigned = (
        before is None
        or before.policy_version_id != norm.policy_version_id
        or before.norm_minutes != norm.minutes
    )
    limited = norm.binding and balance.room - was + norm.minutes >= 0
    if not realigned and limited == balance.limited:
        return None
    return Alignment(
        pair=pair,
        norm=norm,
        before=before,
        balance=balance,
        realigned=realigned,
        limited=limited,
    )


def spending(
    attendance_id: UUID, *, pending_id: UUID, held_on: date, attended_minutes: Minutes
) -> Entry:
    """Return what an attendance does to what was reserved for it; absence frees all of it."""
    cause = Cause(
        key=f"attendance:{attendance_id}",
        cause_type=ATTENDANCE_CAUSE,
        cause_id=attendance_id,
        activity_on=held_on,
    )
    if attended_minutes == 0:
        return Void(**asdict(cause), pending_id=pending_id)
    return Post(**asdict(cause), pending_id=pending_id, amount=attended_minutes)


def exchange(
    correction_id: UUID,
    *,
    held_on: date,
    spent_by: UUID | None,
    attended_minutes: Minutes,
    sides: Sides,
) -> list[Entry]:
    """Return what a correction does: what was spent is taken back, what is right is spent.

    ``spent_by`` is the transfer that spent what stood recorded, None where that was absence.
    """
    cause = Cause(
        key=f"correction:{correction_id}",
        cause_type=CORRECTION_CAUSE,
        cause_id=correction_id,
        activity_on=held_on,
    )
    entries: list[Entry] = []
    if spent_by is not None:
        entries.append(_reversal(cause, spent_by))
    if attended_minutes:
        entries.append(Posted(**asdict(cause), **asdict(sides), amount=attended_minutes))
    return entries


def _reversal(cause: Cause, transfer_id: UUID) -> Reverse:
    """Return the reversal that comes before what takes its place, for the same cause."""
    return Reverse(**asdict(replace(cause, key=f"{cause.key}:before")), transfer_id=transfer_id)


@dataclass(frozen=True, slots=True)
class Reservation:
    """Hours to hold for one participant in one session; they count in the year of ``held_on``."""

    request_id: UUID
    employee_id: UUID
    session_id: UUID
    held_on: date
    minutes: Minutes
    working_time: bool


@dataclass(frozen=True, slots=True)
class Attended:
    """What one participant attended of a session; nothing is absence, with its reason."""

    employee_id: UUID
    attended_minutes: Minutes
    absence_reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttendanceView:
    """An attendance as recorded; ``holds`` tells that no correction came after it."""

    id: UUID
    reservation_id: UUID
    request_id: UUID
    session_id: UUID
    employee_id: UUID
    held_on: date
    working_time: bool
    planned_minutes: Minutes
    attended_minutes: Minutes
    absence_reason: str | None
    transfer_id: UUID
    corrects_id: UUID | None
    correction_reason: str | None
    holds: bool
    recorded_by: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HourEntry:
    """One entry of an hour ledger, in whole minutes.

    ``resolves_id`` is the entry that this one books, releases or reverses; a reservation that is
    booked in part frees ``released_minutes``.
    """

    id: UUID
    sequence: int
    effect: EntryEffect
    minutes: Minutes
    released_minutes: Minutes
    resolves_id: UUID | None
    own_time: bool
    activity_on: date
    recorded_at: datetime
    cause: str
    cause_id: UUID


def working_minutes_by_pair(reservations: Iterable[Reservation]) -> dict[Pair, Minutes]:
    """Return the working time asked per employee and calendar year, in whole minutes.

    The year is that of the civil day on which a session is held; own time does not count.

    Source: VIS-8.1.
    """
    asked: dict[Pair, Minutes] = {}
    for one in reservations:
        if one.working_time:
            pair = one.employee_id, one.held_on.year
            asked[pair] = Minutes(asked.get(pair, 0) + one.minutes)
    return asked


def check_room(pair: Pair, room: HourRoom, *, asked_minutes: int) -> None:
    """Refuse hours that pass a norm that binds; the norm itself may be reached.

    Less than nothing more is never refused: a correction downwards helps, also past the norm.

    Raises:
        NormExceeded: the norm binds, and more is asked than is left of it and of the exceptions.

    Source: VIS-8.1, VIS-8.3.
    """
    if not room.binding or asked_minutes <= max(room.room_minutes, 0):
        return
    employee_id, year = pair
    raise NormExceeded(
        employee_id=employee_id,
        calendar_year=year,
        asked_minutes=asked_minutes,
        room_minutes=max(room.room_minutes, 0),
        norm_minutes=room.norm_minutes,
        exception_minutes=room.exception_minutes,
    )


def warning_of(room: HourRoom) -> Step | None:
    """Return what to warn of: a norm that is passed, or of which less than a tenth is left.

    Exactly a tenth does not warn.

    Source: VIS-8.3.
    """
    facts = {
        "room_minutes": abs(room.room_minutes),
        "norm_minutes": room.norm_minutes,
        "exception_minutes": room.exception_minutes,
    }
    if room.room_minutes < 0:
        return Step(text=_PASSED_BINDING if room.binding else _PASSED, facts=facts, rule="VIS-8.3")
    if room.room_minutes * 100 < room.norm_minutes * _NEARLY_PASSED_PERCENT:
        return Step(text=_NEARLY_PASSED, facts=facts, rule="VIS-8.3")
    return None


_PASSED = Text(
    en=(
        "The norm of {norm_minutes} (and {exception_minutes} of exceptions) is passed by"
        " {room_minutes}. In this year the norm warns; it does not refuse."
    ),
    nl=(
        "De norm van {norm_minutes} (en {exception_minutes} aan uitzonderingen) is met"
        " {room_minutes} overschreden. In dit jaar waarschuwt de norm; zij weigert niet."
    ),
)
_PASSED_BINDING = Text(
    en=(
        "The norm of {norm_minutes} (and {exception_minutes} of exceptions) is passed by"
        " {room_minutes}: nothing more can be granted in this year without an exception."
    ),
    nl=(
        "De norm van {norm_minutes} (en {exception_minutes} aan uitzonderingen) is met"
        " {room_minutes} overschreden: zonder uitzondering kan in dit jaar niets meer worden"
        " toegekend."
    ),
)
_NEARLY_PASSED = Text(
    en=(
        "Of the norm of {norm_minutes} (and {exception_minutes} of exceptions) {room_minutes} is"
        " left."
    ),
    nl=(
        "Van de norm van {norm_minutes} (en {exception_minutes} aan uitzonderingen) resteert nog"
        " {room_minutes}."
    ),
)


def check_exception(
    *,
    employee_id: UUID,
    decided_by_person_id: UUID,
    calendar_year: int,
    discussed_on: date,
    today: date,
) -> None:
    """Refuse an exception for oneself, one that was not discussed yet, or for a year gone by.

    Raises:
        ExceptionForSelf: who decides is whom it concerns.
        ExceptionUndiscussed: it was discussed after today; today itself is allowed.
        ExceptionForPastYear: the year is over, so it is not decided beforehand.

    Source: VIS-8.2, VIS-10.1.
    """
    if decided_by_person_id == employee_id:
        raise ExceptionForSelf
    if discussed_on > today:
        raise ExceptionUndiscussed(discussed_on=discussed_on, today_on=today)
    if calendar_year < today.year:
        raise ExceptionForPastYear(calendar_year=calendar_year, today_on=today)


def check_recorder(employee_ids: Collection[UUID], *, recorder_id: UUID) -> None:
    """Refuse that a participant records the own attendance.

    Raises:
        OwnAttendance: who records is among the participants.

    Source: VIS-5.3, VIS-6.6.
    """
    if recorder_id in employee_ids:
        raise OwnAttendance


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


def check_correction(*, recorded_minutes: Minutes, attended_minutes: Minutes) -> None:
    """Refuse a correction that changes nothing.

    Raises:
        AttendanceUnchanged: the minutes are those that stand recorded.
    """
    if attended_minutes == recorded_minutes:
        raise AttendanceUnchanged(attended_minutes=attended_minutes)


def entry_of(line: Line, *, own_time: bool) -> HourEntry:
    """Return a line of an employee's account in the words of the hour ledger."""
    transfer = line.transfer
    return HourEntry(
        id=transfer.id,
        sequence=line.sequence,
        effect=_effect(line),
        minutes=Minutes(transfer.amount),
        released_minutes=Minutes(transfer.released),
        resolves_id=transfer.pending_id or transfer.reverses_id,
        own_time=own_time,
        activity_on=transfer.activity_on,
        recorded_at=transfer.recorded_at,
        cause=transfer.cause_type,
        cause_id=transfer.cause_id,
    )


_EFFECTS: Mapping[TransferKind, EntryEffect] = {
    TransferKind.PENDING: EntryEffect.RESERVED,
    TransferKind.POST: EntryEffect.SPENT,
    TransferKind.VOID: EntryEffect.RELEASED,
    TransferKind.REVERSAL: EntryEffect.REVERSED,
}


def _effect(line: Line) -> EntryEffect:
    """Return what a line does; what is posted at once is a norm, an exception or a correction."""
    if line.transfer.kind is not TransferKind.POSTED:
        return _EFFECTS[line.transfer.kind]
    if line.debits:
        return EntryEffect.SPENT
    by_exception = line.transfer.cause_type == EXCEPTION_CAUSE
    return EntryEffect.EXCEPTION if by_exception else EntryEffect.NORM


@dataclass(frozen=True, slots=True)
class Occupation:
    """Learning time of one employee on one day, in working time, in whole minutes."""

    employee_id: UUID
    held_on: date
    requested_minutes: Minutes = _NOTHING
    reserved_minutes: Minutes = _NOTHING
    attended_minutes: Minutes = _NOTHING


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

    def covers(self, day: date) -> bool:
        """Tell whether the contract holds on ``day``."""
        return self.valid_from <= day and (self.valid_until is None or day < self.valid_until)


def first_contracts(contracts: Iterable[ContractSpan]) -> dict[UUID, Minutes]:
    """Return each employee's contract minutes a week at the start of a year.

    ``contracts`` are those of the year: the one that holds on 1 January, or else the first to
    begin. Who has none in the year is not in the answer.
    """
    first: dict[UUID, Minutes] = {}
    for contract in sorted(contracts, key=lambda one: one.valid_from):
        first.setdefault(contract.employee_id, contract.minutes_per_week)
    return first


def check_span(*, from_on: date, until_on: date) -> None:
    """Refuse a span of days that ends before it begins, or is longer than a leap year.

    Both days belong to it.

    Raises:
        SpanReversed: ``until_on`` lies before ``from_on``.
        SpanTooLong: it has more than 366 days.
    """
    if until_on < from_on:
        raise SpanReversed(from_on=from_on, until_on=until_on)
    days = (until_on - from_on).days + 1
    if days > _LONGEST_SPAN_DAYS:
        raise SpanTooLong(days=days, most_days=_LONGEST_SPAN_DAYS)


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

    A week's minutes are spread evenly over its five weekdays; what is left of a minute is dropped
    once, over the whole span. Holidays are not taken off: leave is not known here.
    """
    fifths = 0
    for contract in contracts:
        first = max(span[0], contract.valid_from)
        last = span[1] if contract.valid_until is None else min(span[1], contract.valid_until)
        fifths += contract.minutes_per_week * _weekdays(first, last)
    return Minutes(fifths // _WORKDAYS)


def _weekdays(first: date, last: date) -> int:
    """Return how many of the days from ``first`` until ``last`` are Monday to Friday."""
    weeks, rest = divmod(max((last - first).days, 0), 7)
    odd = sum((first.weekday() + offset) % 7 < _WORKDAYS for offset in range(rest))
    return weeks * _WORKDAYS + odd


def capacity(
    *,
    spans: Sequence[tuple[date, date]],
    contracts: Sequence[ContractSpan],
    occupations: Iterable[Occupation],
    shown: Collection[UUID] | None = None,
) -> list[CapacityRow]:
    """Return a team's capacity per span: first the team as a whole, then each member.

    ``contracts`` are the spans in which someone is in the team: what a member learns before or
    after is not the team's. ``shown`` are the members with rows of their own, None is all.

    Source: VIS-8.4.
    """
    of_member: dict[UUID, list[ContractSpan]] = {}
    for contract in contracts:
        of_member.setdefault(contract.employee_id, []).append(contract)
    counted = [
        one
        for one in occupations
        if any(contract.covers(one.held_on) for contract in of_member.get(one.employee_id, ()))
    ]
    members = sorted(of_member if shown is None else of_member.keys() & set(shown))
    rows: list[CapacityRow] = []
    for span in spans:
        in_span = [one for one in counted if span[0] <= one.held_on < span[1]]
        rows.append(_row(None, span, contracts, in_span))
        rows += [_member_row(member, span, of_member, in_span) for member in members]
    return rows


def _member_row(
    member: UUID,
    span: tuple[date, date],
    of_member: Mapping[UUID, Sequence[ContractSpan]],
    in_span: Iterable[Occupation],
) -> CapacityRow:
    own = [one for one in in_span if one.employee_id == member]
    return _row(member, span, of_member[member], own)


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
        requested_minutes=Minutes(sum(one.requested_minutes for one in occupations)),
        reserved_minutes=Minutes(sum(one.reserved_minutes for one in occupations)),
        attended_minutes=Minutes(sum(one.attended_minutes for one in occupations)),
    )
