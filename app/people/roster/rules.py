"""The roster as an HRIS sends it, against the people as they are: what changes, and what is wrong.

Everything is judged before anything is written, so that a dry run and the real one say the same.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from app.kernel.errors import Fact, Text
from app.kernel.faults import Fault, RowFault
from app.people.rules import (
    Assignment,
    EducationLevel,
    EmployeeRow,
    EmploymentKind,
    EmploymentRow,
    EndOfEmployment,
    FunctionRow,
    LeavingInitiative,
    LeavingReason,
    PlacementRow,
    TeamRow,
    change_placement,
    email_key,
    in_cycle,
    search_key,
)


class RosterField(StrEnum):
    """The fields of a row; a file and a JSON body each have their own names for them."""

    PERSONNEL_NUMBER = "personnel_number"
    GIVEN_NAME = "given_name"
    INFIX = "infix"
    FAMILY_NAME = "family_name"
    EMAIL = "email"
    BORN_ON = "born_on"
    DEPARTMENT = "department"
    TEAM = "team"
    FUNCTION = "function"
    MANAGER_NUMBER = "manager_number"
    HIRED_ON = "hired_on"
    LEFT_ON = "left_on"
    CONTRACT_MINUTES_PER_WEEK = "contract_minutes_per_week"
    KIND = "kind"
    EDUCATION_LEVEL = "education_level"


_ORDER = {at: place for place, at in enumerate(RosterField)}


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterRow:
    """One person as the HRIS has them; ``line`` is where the row stands in what was sent."""

    line: int
    personnel_number: str
    given_name: str
    infix: str | None
    family_name: str
    email: str
    born_on: date | None
    education_level: EducationLevel | None
    department: str
    team: str
    function: str
    manager_number: str | None
    hired_on: date
    left_on: date | None
    kind: EmploymentKind
    contract_minutes_per_week: int


RosterFault: TypeAlias = RowFault[RosterField]


class Outcome(StrEnum):
    """What a row does to the person it is about."""

    CREATED = "created"
    REHIRED = "rehired"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person as stored: all employments, the last one's placements, each by their first day."""

    employee: EmployeeRow
    employments: tuple[EmploymentRow, ...]
    placements: tuple[PlacementRow, ...]

    @property
    def latest(self) -> EmploymentRow:
        return self.employments[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is stored of all that the rows touch.

    ``people`` by personnel number, also those whom rows name as manager; ``email_owners`` are
    personnel numbers by address key; ``managers`` is who leads whom on the effective day.
    """

    people: Mapping[str, KnownPerson]
    email_owners: Mapping[str, str]
    managers: Mapping[UUID, UUID | None]
    teams: Mapping[tuple[str, str], UUID]
    functions: Mapping[str, UUID]


@dataclass(slots=True)
class Plan:
    """What to write, set by set, and what each row comes to."""

    faults: list[RosterFault] = field(default_factory=list[RosterFault])
    outcomes: dict[int, Outcome] = field(default_factory=dict[int, Outcome])
    employee_ids: dict[int, UUID] = field(default_factory=dict[int, UUID])
    new_teams: list[TeamRow] = field(default_factory=list[TeamRow])
    new_functions: list[FunctionRow] = field(default_factory=list[FunctionRow])
    new_employees: list[EmployeeRow] = field(default_factory=list[EmployeeRow])
    changed_employees: list[EmployeeRow] = field(default_factory=list[EmployeeRow])
    new_employments: list[EmploymentRow] = field(default_factory=list[EmploymentRow])
    changed_employments: list[EmploymentRow] = field(default_factory=list[EmploymentRow])
    new_placements: list[PlacementRow] = field(default_factory=list[PlacementRow])
    changed_placements: list[PlacementRow] = field(default_factory=list[PlacementRow])
    ended: list[EndOfEmployment] = field(default_factory=list[EndOfEmployment])

    @property
    def returned(self) -> frozenset[UUID]:
        """Return who is taken on again."""
        return frozenset(
            self.employee_ids[line]
            for line, outcome in self.outcomes.items()
            if outcome is Outcome.REHIRED
        )


DUPLICATE_NUMBER = Fault(
    "duplicate-number",
    Text(
        en="the number stands on line {first_line} already",
        nl="het nummer staat al op regel {first_line}",
    ),
)
NUMBER_OF_ANOTHER = Fault(
    "number-of-another",
    Text(
        en="the number belongs to somebody else, with another name and date of birth",
        nl="het nummer is van iemand anders, met een andere naam en geboortedatum",
    ),
)
DUPLICATE_EMAIL = Fault(
    "duplicate-email",
    Text(
        en="the address stands on line {first_line} already",
        nl="het adres staat al op regel {first_line}",
    ),
)
EMAIL_TAKEN = Fault(
    "email-taken",
    Text(
        en="the address is that of another employee",
        nl="het adres is van een andere medewerker",
    ),
)
UNKNOWN_MANAGER = Fault(
    "unknown-manager",
    Text(
        en="nobody has this personnel number",
        nl="niemand heeft dit personeelsnummer",
    ),
)
OWN_MANAGER = Fault(
    "own-manager",
    Text(en="nobody is their own manager", nl="niemand is de eigen leidinggevende"),
)
MANAGER_CYCLE = Fault(
    "manager-cycle",
    Text(
        en="this manager works, directly or through others, under the employee",
        nl="deze leidinggevende valt, direct of via anderen, onder de medewerker",
    ),
)
MANAGER_REFUSED = Fault(
    "manager-refused",
    Text(
        en="the manager's own row has a fault, and the manager is not known yet",
        nl="de regel van de leidinggevende zelf is fout, en die is nog niet bekend",
    ),
)
BORN_AFTER_HIRING = Fault(
    "born-after-hiring",
    Text(
        en="the date of birth is not before the first day of employment, {hired_on}",
        nl="de geboortedatum ligt niet voor de eerste werkdag, {hired_on}",
    ),
)
LEFT_BEFORE_HIRING = Fault(
    "left-before-hiring",
    Text(
        en="the last day lies before the first, {hired_on}",
        nl="de laatste dag ligt voor de eerste, {hired_on}",
    ),
)
EMPLOYMENT_RUNNING = Fault(
    "employment-running",
    Text(
        en="an employment since {running_since_on} has not ended before this one begins",
        nl="een dienstverband vanaf {running_since_on} is niet geëindigd voor dit begint",
    ),
)
EARLIER_EMPLOYMENT = Fault(
    "earlier-employment",
    Text(
        en="this employment is an earlier one: there is one since {running_since_on}",
        nl="dit is een eerder dienstverband: er is er een vanaf {running_since_on}",
    ),
)
EMPLOYMENT_OVER = Fault(
    "employment-over",
    Text(
        en="the employment ended on {recorded_on}; an end that has passed does not change",
        nl="het dienstverband eindigde op {recorded_on}; een voorbij einde wijzigt niet",
    ),
)

_PERSON = ("given_name", "infix", "family_name", "email", "born_on", "education_level")


def plan_roster(
    rows: Sequence[RosterRow],
    known: Known,
    *,
    effective_on: date,
    today: date,
    broken: Collection[str],
    absent: Collection[RosterField] = (),
    new_id: Callable[[], UUID],
) -> Plan:
    """Return what the rows change from ``effective_on`` on, and the faults of those that can not.

    Rows with a fault change nothing. A blank last day withdraws no end that was recorded, and a
    placement that was planned for later stays. ``broken`` are the personnel numbers of rows that
    could not be read at all: who has such a manager, not known otherwise, has to wait as well.
    What is stored of a person in ``absent`` fields, which the rows do not speak of, stays.
    """
    rows = [_completed(row, known, absent) for row in rows]
    plan = Plan(faults=judge(rows, known, today=today, broken=broken))
    faulty = {fault.line for fault in plan.faults}
    writer = _Writer(plan, known, effective_on=effective_on, new_id=new_id)
    good = [row for row in rows if row.line not in faulty]
    writer.number(good)
    for row in good:
        writer.take(row)
    return plan


def _completed(row: RosterRow, known: Known, absent: Collection[RosterField]) -> RosterRow:
    """Return the row with what is stored of the person in fields that it does not speak of."""
    person = known.people.get(row.personnel_number)
    kept = [at.value for at in absent if at.value in _PERSON]
    if person is None or not kept:
        return row
    return replace(row, **{name: getattr(person.employee, name) for name in kept})


def judge(
    rows: Sequence[RosterRow], known: Known, *, today: date, broken: Collection[str]
) -> list[RosterFault]:
    """Return every fault of every row, in the order of the lines.

    What hangs on other rows (a circle of managers, a manager whose own row is faulty, an address
    that another row gives up) is judged over the rows that are good so far.
    """
    by_number = rows_by_number(rows)
    faults = [
        fault
        for row in rows
        for fault in (
            *_days(row),
            *_identity(row, known),
            *_employment(row, known, today=today),
            *_manager(row, by_number, known, broken),
        )
    ]
    faults += _repeated(rows)
    while more := _hanging(rows, known, faults, broken):
        faults += more
    return sorted(faults, key=lambda fault: (fault.line, _ORDER[fault.at]))


def rows_by_number(rows: Iterable[RosterRow]) -> dict[str, RosterRow]:
    """Return the rows by personnel number; of a number that stands twice, the first."""
    found: dict[str, RosterRow] = {}
    for row in rows:
        found.setdefault(row.personnel_number, row)
    return found


def _days(row: RosterRow) -> Iterator[RosterFault]:
    hired: dict[str, Fact] = {"hired_on": row.hired_on}
    if row.born_on is not None and row.born_on >= row.hired_on:
        yield RowFault(row.line, RosterField.BORN_ON, BORN_AFTER_HIRING, hired)
    if row.left_on is not None and row.left_on < row.hired_on:
        yield RowFault(row.line, RosterField.LEFT_ON, LEFT_BEFORE_HIRING, hired)


def _identity(row: RosterRow, known: Known) -> Iterator[RosterFault]:
    """Find a number that has come to another person: name or birth may be corrected, not both."""
    person = known.people.get(row.personnel_number)
    if person is None:
        return
    employee = person.employee
    renamed = search_key(employee.family_name) != search_key(row.family_name)
    reborn = None not in (employee.born_on, row.born_on) and employee.born_on != row.born_on
    if renamed and reborn:
        yield RowFault(row.line, RosterField.PERSONNEL_NUMBER, NUMBER_OF_ANOTHER)


def _employment(row: RosterRow, known: Known, *, today: date) -> Iterator[RosterFault]:
    person = known.people.get(row.personnel_number)
    if person is None:
        return
    latest = person.latest
    if row.hired_on == latest.hired_on:
        moved = row.left_on is not None and row.left_on != latest.left_on
        if moved and latest.left_on is not None and latest.left_on < today:
            yield RowFault(
                row.line,
                RosterField.LEFT_ON,
                EMPLOYMENT_OVER,
                {"recorded_on": latest.left_on},
            )
        return
    if latest.left_on is not None and latest.left_on < row.hired_on:
        return
    earlier = any(row.hired_on == employment.hired_on for employment in person.employments)
    yield RowFault(
        row.line,
        RosterField.HIRED_ON,
        EARLIER_EMPLOYMENT if earlier else EMPLOYMENT_RUNNING,
        {"running_since_on": latest.hired_on},
    )


def _manager(
    row: RosterRow, by_number: Mapping[str, RosterRow], known: Known, broken: Collection[str]
) -> Iterator[RosterFault]:
    number = row.manager_number
    if number is None:
        return
    if number == row.personnel_number:
        yield RowFault(row.line, RosterField.MANAGER_NUMBER, OWN_MANAGER)
    elif number not in by_number and number not in known.people and number not in broken:
        yield RowFault(row.line, RosterField.MANAGER_NUMBER, UNKNOWN_MANAGER)


def _repeated(rows: Sequence[RosterRow]) -> Iterator[RosterFault]:
    """Find numbers and addresses that stand twice; the first one counts, the others are faulty."""
    numbers: dict[str, int] = {}
    addresses: dict[str, int] = {}
    for row in rows:
        first = numbers.setdefault(row.personnel_number, row.line)
        if first != row.line:
            yield RowFault(
                row.line,
                RosterField.PERSONNEL_NUMBER,
                DUPLICATE_NUMBER,
                {"first_line": first},
            )
        first = addresses.setdefault(email_key(row.email), row.line)
        if first != row.line:
            yield RowFault(row.line, RosterField.EMAIL, DUPLICATE_EMAIL, {"first_line": first})


def _hanging(
    rows: Sequence[RosterRow],
    known: Known,
    faults: Sequence[RosterFault],
    broken: Collection[str],
) -> list[RosterFault]:
    """Return the faults that follow for good rows from what the other rows come to."""
    faulty = {fault.line for fault in faults}
    good = rows_by_number(row for row in rows if row.line not in faulty)
    refused = {row.personnel_number for row in rows if row.line in faulty} | set(broken)
    told = {(fault.line, fault.fault.code) for fault in faults}
    found = [
        *_refused_managers(good, refused, known),
        *_taken_addresses(rows, good, known),
        *_circles(good, known),
    ]
    return [fault for fault in found if (fault.line, fault.fault.code) not in told]


def _refused_managers(
    good: Mapping[str, RosterRow], refused: Collection[str], known: Known
) -> Iterator[RosterFault]:
    for row in good.values():
        number = row.manager_number
        if number in refused and number not in known.people and number not in good:
            yield RowFault(row.line, RosterField.MANAGER_NUMBER, MANAGER_REFUSED)


def _taken_addresses(
    rows: Sequence[RosterRow], good: Mapping[str, RosterRow], known: Known
) -> Iterator[RosterFault]:
    """Find addresses of others, unless a good row gives its owner another address."""
    for row in rows:
        key = email_key(row.email)
        owner = known.email_owners.get(key)
        if owner is None or owner == row.personnel_number:
            continue
        if owner not in good or email_key(good[owner].email) == key:
            yield RowFault(row.line, RosterField.EMAIL, EMAIL_TAKEN)


def _circles(good: Mapping[str, RosterRow], known: Known) -> Iterator[RosterFault]:
    """Find who would become their own manager, directly or not, over the rows and who is known."""
    ids = {number: str(person.employee.id) for number, person in known.people.items()}
    numbers = {employee_id: number for number, employee_id in ids.items()}
    graph = {
        str(employee_id): None if manager_id is None else str(manager_id)
        for employee_id, manager_id in known.managers.items()
    }
    for number, row in good.items():
        manager = row.manager_number
        graph[ids.get(number, number)] = None if manager is None else ids.get(manager, manager)
    for member in in_cycle(graph):
        row = good.get(numbers.get(member, member))
        if row is not None:
            yield RowFault(row.line, RosterField.MANAGER_NUMBER, MANAGER_CYCLE)


class _Writer:
    """Turns good rows into what to write."""

    def __init__(
        self, plan: Plan, known: Known, *, effective_on: date, new_id: Callable[[], UUID]
    ) -> None:
        self._plan = plan
        self._known = known
        self._effective_on = effective_on
        self._new_id = new_id
        self._teams = dict(known.teams)
        self._functions = dict(known.functions)
        self._ids = {number: person.employee.id for number, person in known.people.items()}

    def number(self, rows: Iterable[RosterRow]) -> None:
        """Give everybody new an id, so that a manager may stand below who works under them."""
        for row in rows:
            self._ids.setdefault(row.personnel_number, self._new_id())
            self._plan.employee_ids[row.line] = self._ids[row.personnel_number]

    def take(self, row: RosterRow) -> None:
        """Add what one row changes."""
        person = self._known.people.get(row.personnel_number)
        if person is None:
            self._plan.new_employees.append(self._employee(row, version=1))
            self._begin(row)
            outcome = Outcome.CREATED
        elif row.hired_on != person.latest.hired_on:
            self._begin(row)
            self._plan.changed_employees.append(
                self._employee(row, version=person.employee.version + 1)
            )
            outcome = Outcome.REHIRED
        else:
            outcome = self._update(row, person)
        self._plan.outcomes[row.line] = outcome

    def _update(self, row: RosterRow, person: KnownPerson) -> Outcome:
        changes = (
            self._change_employment(row, person.latest),
            self._change_placement(row, person),
            any(getattr(row, name) != getattr(person.employee, name) for name in _PERSON),
        )
        if not any(changes):
            return Outcome.UNCHANGED
        self._plan.changed_employees.append(
            self._employee(row, version=person.employee.version + 1)
        )
        return Outcome.CHANGED

    def _change_employment(self, row: RosterRow, latest: EmploymentRow) -> bool:
        changed = replace(latest, kind=row.kind)
        if row.left_on is not None and row.left_on != latest.left_on:
            changed = _ending(changed, row.left_on)
            self._plan.ended.append(_end(changed, row.left_on, previous=latest.left_on))
        if changed == latest:
            return False
        self._plan.changed_employments.append(changed)
        return True

    def _change_placement(self, row: RosterRow, person: KnownPerson) -> bool:
        """Place from the effective day on, or from the first day of who is yet to begin."""
        since = max(self._effective_on, row.hired_on)
        left_on = row.left_on or person.latest.left_on
        if left_on is not None and left_on < since:
            return False
        assignment = self._assignment(row)
        change = change_placement(person.placements, assignment, valid_from=since)
        if change is None:
            return False
        if change.replaced is not None:
            self._plan.changed_placements.append(replace(change.replaced, assignment=assignment))
            return True
        if change.closed is not None:
            self._plan.changed_placements.append(replace(change.closed, valid_until=since))
        self._place(person.latest, assignment, since, change.valid_until)
        return True

    def _begin(self, row: RosterRow) -> None:
        employment = EmploymentRow(
            id=self._new_id(),
            employee_id=self._ids[row.personnel_number],
            hired_on=row.hired_on,
            left_on=None,
            kind=row.kind,
            leaving_reason=None,
            leaving_initiative=None,
        )
        if row.left_on is not None:
            employment = _ending(employment, row.left_on)
            self._plan.ended.append(_end(employment, row.left_on, previous=None))
        self._plan.new_employments.append(employment)
        self._place(employment, self._assignment(row), row.hired_on, None)

    def _place(
        self, employment: EmploymentRow, assignment: Assignment, since: date, until: date | None
    ) -> None:
        self._plan.new_placements.append(
            PlacementRow(
                id=self._new_id(),
                employment_id=employment.id,
                employee_id=employment.employee_id,
                assignment=assignment,
                valid_from=since,
                valid_until=until,
            )
        )

    def _employee(self, row: RosterRow, *, version: int) -> EmployeeRow:
        return EmployeeRow(
            id=self._ids[row.personnel_number],
            version=version,
            personnel_number=row.personnel_number,
            given_name=row.given_name,
            infix=row.infix,
            family_name=row.family_name,
            email=row.email,
            born_on=row.born_on,
            education_level=row.education_level,
        )

    def _assignment(self, row: RosterRow) -> Assignment:
        number = row.manager_number
        return Assignment(
            team_id=self._team(row.department, row.team),
            function_id=self._function(row.function),
            manager_id=None if number is None else self._ids[number],
            contract_minutes_per_week=row.contract_minutes_per_week,
        )

    def _team(self, department: str, name: str) -> UUID:
        known_as = department, name
        if known_as not in self._teams:
            team = TeamRow(id=self._new_id(), department=department, name=name)
            self._plan.new_teams.append(team)
            self._teams[known_as] = team.id
        return self._teams[known_as]

    def _function(self, name: str) -> UUID:
        if name not in self._functions:
            function = FunctionRow(id=self._new_id(), name=name)
            self._plan.new_functions.append(function)
            self._functions[name] = function.id
        return self._functions[name]


def _ending(employment: EmploymentRow, left_on: date) -> EmploymentRow:
    """Return the employment with its end: an HRIS export tells the day, not the reason (LAW-3)."""
    return replace(
        employment,
        left_on=left_on,
        leaving_reason=LeavingReason.UNKNOWN,
        leaving_initiative=LeavingInitiative.UNKNOWN,
    )


def _end(employment: EmploymentRow, left_on: date, *, previous: date | None) -> EndOfEmployment:
    return EndOfEmployment(
        employee_id=employment.employee_id,
        employment_id=employment.id,
        hired_on=employment.hired_on,
        left_on=left_on,
        reason=LeavingReason.UNKNOWN,
        initiative=LeavingInitiative.UNKNOWN,
        previous_left_on=previous,
    )
