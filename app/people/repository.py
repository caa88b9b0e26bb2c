"""The people as stored: who is there, who works under whom, who is where on a day."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BindParameter,
    ColumnElement,
    Date,
    Row,
    Select,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    func,
    literal,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy import true as sql_true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.db.driver import fetch
from app.kernel.actors import Person
from app.kernel.pages import PageOf
from app.people.models import Employee, Employment, Function, Placement, Team
from app.people.rules import (
    Assignment,
    EducationLevel,
    EmployeeFilter,
    EmployeeRow,
    EmployeeView,
    EmploymentKind,
    EmploymentRow,
    FunctionRow,
    LeavingInitiative,
    LeavingReason,
    PlacementRow,
    PlacementView,
    TeamRow,
)

_REPORTS = text(
    """
    WITH RECURSIVE reports (employee_id) AS (
        SELECT CAST(:manager_id AS uuid)
        UNION
        SELECT placements.employee_id
        FROM reports
        JOIN placements ON placements.organisation_id = :organisation_id
            AND placements.manager_id = reports.employee_id
            AND placements.valid_from <= :day
            AND (placements.valid_until IS NULL OR placements.valid_until > :day)
        JOIN employments ON employments.organisation_id = :organisation_id
            AND employments.id = placements.employment_id
            AND (employments.left_on IS NULL OR employments.left_on >= :day)
    )
    SELECT employee_id FROM reports
    """
)
# Walks up from a manager, each step within the days that all placements so far have in common.
_ABOVE = text(
    """
    WITH RECURSIVE above (employee_id, since, until) AS (
        SELECT CAST(:manager_id AS uuid), CAST(:since AS date),
            coalesce(CAST(:until AS date), 'infinity')
        UNION
        SELECT placements.manager_id,
            greatest(above.since, placements.valid_from),
            least(above.until, placements.valid_until, employments.left_on + 1)
        FROM above
        JOIN placements ON placements.organisation_id = :organisation_id
            AND placements.employee_id = above.employee_id
            AND placements.manager_id IS NOT NULL
        JOIN employments ON employments.organisation_id = :organisation_id
            AND employments.id = placements.employment_id
        WHERE above.employee_id <> :employee_id
            AND greatest(above.since, placements.valid_from)
                < least(above.until, placements.valid_until, employments.left_on + 1)
    )
    SELECT EXISTS (SELECT FROM above WHERE employee_id = :employee_id)
    """
)

EMPLOYEE_COLUMNS = (
    Employee.id,
    Employee.version,
    Employee.personnel_number,
    Employee.given_name,
    Employee.infix,
    Employee.family_name,
    Employee.email,
    Employee.born_on,
    Employee.education_level,
)
_EMPLOYMENT = (
    Employment.hired_on,
    Employment.left_on,
    Employment.kind,
    Employment.leaving_reason,
    Employment.leaving_initiative,
)
_PLACEMENT = (
    Placement.id.label("placement_id"),
    Placement.employment_id,
    Placement.employee_id,
    Placement.team_id,
    Placement.function_id,
    Placement.manager_id,
    Placement.contract_minutes_per_week,
    Placement.valid_from,
    Placement.valid_until,
)
_PLACED = (
    *_PLACEMENT,
    *_EMPLOYMENT,
    Team.department,
    Team.name.label("team_name"),
    Function.name.label("function_name"),
)
# Asked in every change of a request and of hours, so built once.
_THESE: BindParameter[Sequence[UUID]] = bindparam("employee_ids", type_=ARRAY(Uuid()))
_EMPLOYEES = select(*EMPLOYEE_COLUMNS).where(
    Employee.organisation_id == bindparam("organisation_id"),
    Employee.id == any_(_THESE),
)
_EMPLOYMENTS = (
    select(Employment.id, Employment.employee_id, *_EMPLOYMENT)
    .where(
        Employment.organisation_id == bindparam("organisation_id"),
        Employment.employee_id == any_(_THESE),
    )
    .order_by(Employment.hired_on)
)


class PeopleRepository:
    def __init__(self, session: AsyncSession, organisation_id: UUID) -> None:
        self._session = session
        self._organisation_id = organisation_id

    def _of(self, employee_ids: Collection[UUID]) -> dict[str, Any]:
        return {"organisation_id": self._organisation_id, "employee_ids": list(employee_ids)}

    async def add(self, *rows: Employee | Employment | Placement | Team | Function) -> None:
        """Store new rows, in the order given."""
        for row in rows:
            self._session.add(row)
            await self._session.flush()

    async def flush(self) -> None:
        """Write what changed now, so that a constraint speaks within the service."""
        await self._session.flush()

    async def lock_employee(self, employee_id: UUID) -> Employee | None:
        """Return an employee and lock the row, so that two who change the person queue."""
        locked = (
            select(Employee)
            .where(Employee.organisation_id == self._organisation_id, Employee.id == employee_id)
            .with_for_update(of=Employee, key_share=True)
            .execution_options(populate_existing=True)
        )
        return (await self._session.scalars(locked)).one_or_none()

    async def hold_employees(self, employee_ids: Collection[UUID], *, share: bool) -> None:
        """Lock employees in order of id; ``share`` lets others share, and keeps out who changes."""
        held = (
            select(Employee.id)
            .where(
                Employee.organisation_id == self._organisation_id,
                Employee.id == any_(_uuids(employee_ids)),
            )
            .order_by(Employee.id)
            .with_for_update(of=Employee, read=share, key_share=not share)
        )
        await self._session.execute(held)

    async def employees(self, employee_ids: Collection[UUID]) -> dict[UUID, EmployeeRow]:
        """Return the employees of these ids, by id; who is not here is not in it."""
        rows = await fetch(self._session, _EMPLOYEES, self._of(employee_ids))
        return {row.id: employee_row(row) for row in rows}

    async def by_personnel_numbers(self, numbers: Collection[str]) -> dict[str, EmployeeRow]:
        """Return the employees of these personnel numbers, by number."""
        found = select(*EMPLOYEE_COLUMNS).where(
            Employee.organisation_id == self._organisation_id,
            Employee.personnel_number == any_(literal(sorted(set(numbers)), ARRAY(Text()))),
        )
        return {
            row.personnel_number: employee_row(row) for row in await self._session.execute(found)
        }

    async def reports(self, manager_id: UUID, day: date) -> frozenset[UUID]:
        """Return who works under a manager on ``day``, directly or not, and the manager."""
        parameters = {
            "organisation_id": self._organisation_id,
            "manager_id": manager_id,
            "day": day,
        }
        return frozenset(
            row.employee_id for row in await fetch(self._session, _REPORTS, parameters)
        )

    async def works_under(
        self, manager_id: UUID, employee_id: UUID, *, since: date, until: date | None
    ) -> bool:
        """Tell whether ``manager_id`` works under ``employee_id`` on any day of the period."""
        parameters = {
            "organisation_id": self._organisation_id,
            "manager_id": manager_id,
            "employee_id": employee_id,
            "since": since,
            "until": until,
        }
        return bool(await self._session.scalar(_ABOVE, parameters))

    async def employments(self, employee_ids: Collection[UUID]) -> list[EmploymentRow]:
        """Return all employments of these employees, by their first day."""
        rows = await fetch(self._session, _EMPLOYMENTS, self._of(employee_ids))
        return [_employment_row(row, row.id, row.employee_id) for row in rows]

    async def employment(self, employment_id: UUID) -> Employment:
        """Return one employment to change."""
        return await self._session.get_one(Employment, (self._organisation_id, employment_id))

    async def placement(self, placement_id: UUID) -> Placement:
        """Return one placement to change."""
        return await self._session.get_one(Placement, (self._organisation_id, placement_id))

    async def history(self, employee_id: UUID) -> list[PlacementView]:
        """Return an employee's placements of all employments, by their first day."""
        placed = (
            self._placed()
            .where(Placement.employee_id == employee_id)
            .order_by(Placement.valid_from)
        )
        return [_placement_view(row) for row in await self._session.execute(placed)]

    async def placements_of(self, employment_ids: Collection[UUID]) -> list[PlacementRow]:
        """Return the placements of these employments, by their first day."""
        found = (
            select(*_PLACEMENT)
            .where(
                Placement.organisation_id == self._organisation_id,
                Placement.employment_id == any_(_uuids(employment_ids)),
            )
            .order_by(Placement.valid_from)
        )
        return [_placement_row(row) for row in await self._session.execute(found)]

    async def placed_on(
        self, employee_ids: Collection[UUID], day: date
    ) -> dict[UUID, PlacementView]:
        """Return the placement on ``day`` of these employees; who is not employed is not in it."""
        placed = self._placed().where(
            Placement.employee_id == any_(_uuids(employee_ids)), *_holds_on(day)
        )
        views = [_placement_view(row) for row in await self._session.execute(placed)]
        return {view.placement.employee_id: view for view in views}

    async def members_of_team(self, team_id: UUID, day: date) -> tuple[UUID, ...]:
        """Return who is in a team on ``day``, by personnel number."""
        members = (
            select(Placement.employee_id)
            .join(Employment, _employment_of_placement())
            .join(
                Employee,
                and_(
                    Employee.organisation_id == Placement.organisation_id,
                    Employee.id == Placement.employee_id,
                ),
            )
            .where(
                Placement.organisation_id == self._organisation_id,
                Placement.team_id == team_id,
                *_holds_on(day),
            )
            .order_by(Employee.personnel_number)
        )
        return tuple((await self._session.scalars(members)).all())

    async def listed(
        self, wanted: EmployeeFilter, page: PageOf, *, visible: frozenset[UUID] | None
    ) -> list[EmployeeView]:
        """Return a page of employees by personnel number, with one to spare.

        ``visible`` limits it to these employees; None is everybody.
        """
        listed = (
            self._shown(wanted, visible=visible)
            .order_by(Employee.personnel_number)
            .limit(page.limit + 1)
        )
        if page.after is not None:
            listed = listed.where(Employee.personnel_number > page.after[0])
        return [_employee_view(row) for row in await self._session.execute(listed)]

    async def view(
        self, employee_id: UUID, day: date, *, visible: frozenset[UUID] | None
    ) -> EmployeeView | None:
        """Return one employee with the placement of ``day``, when visible."""
        anybody = EmployeeFilter(
            day=day, employed=False, team_id=None, function_id=None, family_name_starts=None
        )
        shown = self._shown(anybody, visible=visible).where(Employee.id == employee_id)
        row = (await self._session.execute(shown)).one_or_none()
        return None if row is None else _employee_view(row)

    async def team(self, team_id: UUID) -> TeamRow | None:
        """Return a team."""
        team = await self._session.get(Team, (self._organisation_id, team_id))
        return None if team is None else _team_row(team)

    async def function(self, function_id: UUID) -> FunctionRow | None:
        """Return a function."""
        function = await self._session.get(Function, (self._organisation_id, function_id))
        return None if function is None else FunctionRow(id=function.id, name=function.name)

    async def teams(self, page: PageOf) -> list[TeamRow]:
        """Return a page of teams by department and name, with one to spare."""
        listed = (
            select(Team)
            .where(Team.organisation_id == self._organisation_id)
            .order_by(Team.department, Team.name)
            .limit(page.limit + 1)
        )
        if page.after is not None:
            listed = listed.where(
                tuple_(Team.department, Team.name) > tuple_(*map(literal, page.after))
            )
        return [_team_row(team) for team in await self._session.scalars(listed)]

    async def functions(self, page: PageOf) -> list[FunctionRow]:
        """Return a page of functions by name, with one to spare."""
        listed = (
            select(Function)
            .where(Function.organisation_id == self._organisation_id)
            .order_by(Function.name)
            .limit(page.limit + 1)
        )
        if page.after is not None:
            listed = listed.where(Function.name > page.after[0])
        return [
            FunctionRow(id=function.id, name=function.name)
            for function in await self._session.scalars(listed)
        ]

    def _placed(self) -> Select[*tuple[Any, ...]]:
        """Select placements with their employment and the names of team and function."""
        return (
            select(*_PLACED)
            .join(Employment, _employment_of_placement())
            .join(
                Team,
                and_(
                    Team.organisation_id == Placement.organisation_id,
                    Team.id == Placement.team_id,
                ),
            )
            .join(
                Function,
                and_(
                    Function.organisation_id == Placement.organisation_id,
                    Function.id == Placement.function_id,
                ),
            )
            .where(Placement.organisation_id == self._organisation_id)
        )

    def _shown(
        self, wanted: EmployeeFilter, *, visible: frozenset[UUID] | None
    ) -> Select[*tuple[Any, ...]]:
        """Select employees with the placement that counts on the day.

        That is the last one begun by then, also of an employment that is over, else the first to
        come.
        """
        day = wanted.day
        placed = (
            self._placed()
            .where(Placement.employee_id == Employee.id)
            .order_by(
                Placement.valid_from > day,
                func.abs(Placement.valid_from - literal(day, Date())),
            )
            .limit(1)
            .lateral("placed")
        )
        columns: list[ColumnElement[Any] | InstrumentedAttribute[Any]] = [
            *EMPLOYEE_COLUMNS,
            *placed.c,
        ]
        shown: Select[*tuple[Any, ...]] = (
            select(*columns)
            .join(placed, sql_true())
            .where(Employee.organisation_id == self._organisation_id)
        )
        if visible is not None:
            shown = shown.where(Employee.id == any_(_uuids(visible)))
        if wanted.family_name_starts is not None:
            shown = shown.where(Employee.family_key.op("^@")(wanted.family_name_starts))
        if wanted.team_id is not None:
            shown = shown.where(placed.c.team_id == wanted.team_id)
        if wanted.function_id is not None:
            shown = shown.where(placed.c.function_id == wanted.function_id)
        if wanted.employed:
            shown = shown.where(
                placed.c.hired_on <= day, or_(placed.c.left_on.is_(None), placed.c.left_on >= day)
            )
        return shown


# Asked of everybody who changes a thing.
_PERSON = (
    select(Employment.employee_id, Employment.hired_on, Employment.left_on)
    .join(
        Employee,
        and_(
            Employee.organisation_id == Employment.organisation_id,
            Employee.id == Employment.employee_id,
        ),
    )
    .where(
        Employee.organisation_id == bindparam("organisation_id"),
        Employee.personnel_number == bindparam("personnel_number"),
    )
)


async def find_person(
    session: AsyncSession, organisation_id: UUID, personnel_number: str
) -> Person | None:
    """Return the employee whom a token's personnel number names, None when there is none."""
    asked = {"organisation_id": organisation_id, "personnel_number": personnel_number}
    rows = await fetch(session, _PERSON, asked)
    if not rows:
        return None
    employments = tuple((row.hired_on, row.left_on) for row in rows)
    return Person(rows[0].employee_id, employments)


def employee_row(row: Row[*tuple[Any, ...]]) -> EmployeeRow:
    """Return the employee in a row that selects an employee's columns."""
    level = row.education_level
    return EmployeeRow(
        id=row.id,
        version=row.version,
        personnel_number=row.personnel_number,
        given_name=row.given_name,
        infix=row.infix,
        family_name=row.family_name,
        email=row.email,
        born_on=row.born_on,
        education_level=None if level is None else EducationLevel(level),
    )


def _uuids(ids: Collection[UUID]) -> BindParameter[Sequence[UUID]]:
    """Return ids as one array parameter, however many there are."""
    return literal(list(ids), ARRAY(Uuid()))


def _employment_of_placement() -> ColumnElement[bool]:
    return and_(
        Employment.organisation_id == Placement.organisation_id,
        Employment.id == Placement.employment_id,
    )


def _holds_on(day: date) -> tuple[ColumnElement[bool], ...]:
    return (
        Placement.valid_from <= day,
        or_(Placement.valid_until.is_(None), Placement.valid_until > day),
        or_(Employment.left_on.is_(None), Employment.left_on >= day),
    )


def _team_row(team: Team) -> TeamRow:
    return TeamRow(id=team.id, department=team.department, name=team.name)


def _employment_row(
    row: Row[*tuple[Any, ...]], employment_id: UUID, employee_id: UUID
) -> EmploymentRow:
    reason, initiative = row.leaving_reason, row.leaving_initiative
    return EmploymentRow(
        id=employment_id,
        employee_id=employee_id,
        hired_on=row.hired_on,
        left_on=row.left_on,
        kind=EmploymentKind(row.kind),
        leaving_reason=None if reason is None else LeavingReason(reason),
        leaving_initiative=None if initiative is None else LeavingInitiative(initiative),
    )


def _placement_row(row: Row[*tuple[Any, ...]]) -> PlacementRow:
    return PlacementRow(
        id=row.placement_id,
        employment_id=row.employment_id,
        employee_id=row.employee_id,
        assignment=Assignment(
            team_id=row.team_id,
            function_id=row.function_id,
            manager_id=row.manager_id,
            contract_minutes_per_week=row.contract_minutes_per_week,
        ),
        valid_from=row.valid_from,
        valid_until=row.valid_until,
    )


def _placement_view(row: Row[*tuple[Any, ...]]) -> PlacementView:
    return PlacementView(
        placement=_placement_row(row),
        employment=_employment_row(row, row.employment_id, row.employee_id),
        department=row.department,
        team_name=row.team_name,
        function_name=row.function_name,
    )


def _employee_view(row: Row[*tuple[Any, ...]]) -> EmployeeView:
    return EmployeeView(employee=employee_row(row), placed=_placement_view(row))
