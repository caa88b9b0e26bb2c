"""People as values, and the rules of their employments and placements."""

import unicodedata
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from app.kernel.actors import Role
from app.people.errors import (
    BornAfterHiring,
    EmploymentOver,
    EmploymentRunning,
    EndBeforeHiring,
    NoEndAnnounced,
    OwnManager,
    PlacementOutsideEmployment,
)

# Who keeps the register of people, and reads all that stands in it.
KEEPERS = (Role.HRIS, Role.HR, Role.ADMIN)

_ONE_DAY = timedelta(days=1)

Person = TypeVar("Person", bound=Hashable)


class EmploymentKind(StrEnum):
    """What binds someone to the organisation (soort dienstverband): vast, tijdelijk, inhuur."""

    PERMANENT = "permanent"
    TEMPORARY = "temporary"
    HIRED = "hired"


class LeavingReason(StrEnum):
    """Why an employment ends (LAW-3)."""

    RESIGNATION = "resignation"
    END_OF_TERM = "end_of_term"
    DISMISSAL = "dismissal"
    URGENT_CAUSE = "urgent_cause"
    MUTUAL_CONSENT = "mutual_consent"
    RETIREMENT = "retirement"
    DEATH = "death"
    LONG_ILLNESS = "long_illness"
    UNKNOWN = "unknown"


class LeavingInitiative(StrEnum):
    """Who took the initiative to end an employment (LAW-3)."""

    EMPLOYEE = "employee"
    EMPLOYER = "employer"
    MUTUAL = "mutual"
    UNKNOWN = "unknown"


class EducationLevel(StrEnum):
    """Highest diploma (opleidingsniveau), in rising order; the Dutch levels keep their names."""

    PRIMARY = "primary"
    VMBO = "vmbo"
    HAVO = "havo"
    VWO = "vwo"
    MBO_1 = "mbo_1"
    MBO_2 = "mbo_2"
    MBO_3 = "mbo_3"
    MBO_4 = "mbo_4"
    ASSOCIATE_DEGREE = "associate_degree"
    HBO = "hbo"
    WO = "wo"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmployeeRow:
    """A person as the other areas see them."""

    id: UUID
    version: int
    personnel_number: str
    given_name: str
    infix: str | None
    family_name: str
    email: str
    born_on: date | None
    education_level: EducationLevel | None

    @property
    def name(self) -> str:
        """Return the name as it is written: "Renske de Sloot"."""
        return full_name(self.given_name, self.infix, self.family_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmploymentRow:
    """One employment; ``left_on`` is its last day, None as long as no end is known."""

    id: UUID
    employee_id: UUID
    hired_on: date
    left_on: date | None
    kind: EmploymentKind
    leaving_reason: LeavingReason | None
    leaving_initiative: LeavingInitiative | None

    def covers(self, day: date) -> bool:
        """Tell whether the employment holds on ``day``; the first and the last day belong to it."""
        return self.hired_on <= day and (self.left_on is None or day <= self.left_on)


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a placement says: where someone works, as what, under whom, how many minutes a week."""

    team_id: UUID
    function_id: UUID
    manager_id: UUID | None
    contract_minutes_per_week: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacementRow:
    """An assignment from ``valid_from`` until ``valid_until`` (exclusive; None is open)."""

    id: UUID
    employment_id: UUID
    employee_id: UUID
    assignment: Assignment
    valid_from: date
    valid_until: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacementView:
    """A placement with the names of its team and its function, as a reader sees it."""

    placement: PlacementRow
    employment: EmploymentRow
    department: str
    team_name: str
    function_name: str

    @property
    def valid_until(self) -> date | None:
        """Return the first day on which the placement no longer holds, None when it is open."""
        return placement_until(self.placement, self.employment)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmployeeView:
    """A person with the placement of a day: the last one begun by then, else the first to come."""

    employee: EmployeeRow
    placed: PlacementView


@dataclass(frozen=True, slots=True, kw_only=True)
class EmployeeFilter:
    """Which employees a list is about; their team, function and employment are those of ``day``."""

    day: date
    employed: bool
    team_id: UUID | None
    function_id: UUID | None
    family_name_starts: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamRow:
    id: UUID
    department: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionRow:
    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class PlacementChange:
    """How a history takes a new assignment: what it closes or replaces, and until when it holds.

    ``replaced`` began on the very same day and takes the new assignment in its place; otherwise
    ``closed``, if there is one, ends on the day the new placement begins.
    """

    replaced: PlacementRow | None
    closed: PlacementRow | None
    valid_until: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndOfEmployment:
    """The end of an employment as recorded; ``previous_left_on`` when an announced end moved."""

    employee_id: UUID
    employment_id: UUID
    hired_on: date
    left_on: date
    reason: LeavingReason
    initiative: LeavingInitiative
    previous_left_on: date | None


@dataclass(frozen=True, slots=True)
class UnbrokenEmployment:
    """Employments of one person, by first day, that follow on one another without a day between.

    To who works there it is one employment: only the end of the last of them is a departure.
    """

    employments: tuple[EmploymentRow, ...]

    @property
    def left_on(self) -> date | None:
        """Return the last day, None as long as no end is known."""
        return self.employments[-1].left_on

    @property
    def end(self) -> EndOfEmployment | None:
        """Return the departure as it stands, None as long as there is none."""
        return end_of(self.employments[-1])


def full_name(given_name: str, infix: str | None, family_name: str) -> str:
    """Return a name in the order it is spoken, the infix (tussenvoegsel) before the family name."""
    return " ".join(part for part in (given_name, infix, family_name) if part)


def search_key(text: str) -> str:
    """Return what names are compared by: no accents, no capitals ("Esmée" is "esmee")."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(char for char in decomposed if not unicodedata.combining(char)).casefold()


def email_key(email: str) -> str:
    """Return what an e-mail address is unique by: the address without capitals."""
    return email.casefold()


def placement_until(placement: PlacementRow, employment: EmploymentRow) -> date | None:
    """Return the first day on which the placement, or its employment, no longer holds."""
    ends = [placement.valid_until] if placement.valid_until else []
    if employment.left_on is not None:
        ends.append(employment.left_on + _ONE_DAY)
    return min(ends, default=None)


def change_placement(
    history: Sequence[PlacementRow], assignment: Assignment, *, valid_from: date
) -> PlacementChange | None:
    """Return how a history takes ``assignment`` from a day on; None when it says so already.

    What was planned for a later day stays: the new placement then holds until that day.
    """
    ordered = sorted(history, key=lambda placement: placement.valid_from)
    earlier = [placement for placement in ordered if placement.valid_from <= valid_from]
    later = [placement for placement in ordered if placement.valid_from > valid_from]
    current = earlier[-1] if earlier else None
    if current is not None and current.assignment == assignment:
        return None
    until = later[0].valid_from if later else None
    if current is not None and current.valid_from == valid_from:
        return PlacementChange(replaced=current, closed=None, valid_until=until)
    return PlacementChange(replaced=None, closed=current, valid_until=until)


def check_placement(
    assignment: Assignment,
    employment: EmploymentRow | None,
    *,
    employee_id: UUID,
    valid_from: date,
) -> None:
    """Refuse a placement outside every employment, or under oneself.

    Raises:
        PlacementOutsideEmployment: no employment holds on ``valid_from``.
        OwnManager: the manager is the employee.
    """
    if employment is None:
        raise PlacementOutsideEmployment(valid_from_on=valid_from)
    if assignment.manager_id == employee_id:
        raise OwnManager


def check_birth(born_on: date | None, *, hired_on: date) -> None:
    """Refuse a date of birth that is not before the first day of the first employment.

    Raises:
        BornAfterHiring: it is that day, or later.
    """
    if born_on is not None and born_on >= hired_on:
        raise BornAfterHiring(born_on=born_on, hired_on=hired_on)


def check_hiring(employments: Sequence[EmploymentRow], *, hired_on: date) -> None:
    """Refuse an employment that begins before an earlier one has ended.

    Raises:
        EmploymentRunning: an employment is open, or its last day is ``hired_on`` or later.
    """
    for employment in employments:
        if employment.left_on is None or employment.left_on >= hired_on:
            raise EmploymentRunning(hired_on=hired_on)


def unbroken_employments(employments: Sequence[EmploymentRow]) -> tuple[UnbrokenEmployment, ...]:
    """Join one person's employments, by first day, where one begins the day after another ends."""
    joined: list[tuple[EmploymentRow, ...]] = []
    for employment in employments:
        before = joined[-1][-1].left_on if joined else None
        if before is not None and employment.hired_on == before + _ONE_DAY:
            joined[-1] = (*joined[-1], employment)
        else:
            joined.append((employment,))
    return tuple(UnbrokenEmployment(each) for each in joined)


def check_end(
    employment: EmploymentRow,
    *,
    left_on: date,
    reason: LeavingReason,
    initiative: LeavingInitiative,
    today: date,
) -> None:
    """Refuse an end before the first day, or another end of an employment that is over.

    An announced end may move, to either side, as long as it has not passed: through its last day
    itself. The first day is the earliest last day. Of an end that has passed, what nobody recorded
    of reason and initiative can still be told.

    Raises:
        EmploymentOver: the recorded last day lies before ``today``, and the day, or what is known
            of reason and initiative, would change; or all of it is known.
        EndBeforeHiring: ``left_on`` lies before the first day.

    Source: VIS-7.8, LAW-3.
    """
    recorded = end_of(employment)
    if recorded is not None and recorded.left_on < today:
        open_reason = recorded.reason is LeavingReason.UNKNOWN
        open_initiative = recorded.initiative is LeavingInitiative.UNKNOWN
        completes = (
            left_on == recorded.left_on
            and (open_reason or open_initiative)
            and (open_reason or reason is recorded.reason)
            and (open_initiative or initiative is recorded.initiative)
        )
        if not completes:
            raise EmploymentOver(left_on=recorded.left_on)
    if left_on < employment.hired_on:
        raise EndBeforeHiring(hired_on=employment.hired_on, asked_on=left_on)


def end_of(employment: EmploymentRow) -> EndOfEmployment | None:
    """Return an employment's end as it stands, None as long as none is recorded."""
    if employment.left_on is None:
        return None
    return EndOfEmployment(
        employee_id=employment.employee_id,
        employment_id=employment.id,
        hired_on=employment.hired_on,
        left_on=employment.left_on,
        reason=employment.leaving_reason or LeavingReason.UNKNOWN,
        initiative=employment.leaving_initiative or LeavingInitiative.UNKNOWN,
        previous_left_on=None,
    )


def end_to_withdraw(employment: EmploymentRow, *, today: date) -> EndOfEmployment:
    """Return the announced end of an employment, which may be withdrawn through its last day.

    Raises:
        NoEndAnnounced: there is none.
        EmploymentOver: the recorded last day lies before ``today``.
    """
    end = end_of(employment)
    if end is None:
        raise NoEndAnnounced
    if end.left_on < today:
        raise EmploymentOver(left_on=end.left_on)
    return end


def in_cycle(managers: Mapping[Person, Person | None]) -> frozenset[Person]:
    """Return who is, directly or through others, their own manager.

    ``managers`` gives each employee's manager; who is not in it has none. Someone who works under
    a cycle without being part of it is not returned.
    """
    settled: set[Person] = set()
    cyclic: set[Person] = set()
    for start in managers:
        path: list[Person] = []
        seen: set[Person] = set()
        here: Person | None = start
        while here is not None and here not in seen and here not in settled:
            path.append(here)
            seen.add(here)
            here = managers.get(here)
        if here is not None and here in seen:
            cyclic.update(path[path.index(here) :])
        settled.update(path)
    return frozenset(cyclic)
