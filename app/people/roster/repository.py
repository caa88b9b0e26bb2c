"""The roster as stored: read and written set by set, whatever the number of rows.

Each write is one statement that takes its rows as one JSON parameter.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, TextClause, any_, literal, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.people.models import Employee, Function, Team
from app.people.repository import EMPLOYEE_COLUMNS, PeopleRepository, employee_row
from app.people.roster.rules import Known, KnownPerson, Plan
from app.people.rules import (
    Assignment,
    EmployeeRow,
    EmploymentRow,
    FunctionRow,
    PlacementRow,
    TeamRow,
    email_key,
    search_key,
)

_INSERT_TEAMS = text(
    """
    INSERT INTO teams (organisation_id, id, department, name)
    SELECT :organisation_id, sent.id, sent.department, sent.name
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS sent (id uuid, department text, name text)
    """
)
_INSERT_FUNCTIONS = text(
    """
    INSERT INTO functions (organisation_id, id, name)
    SELECT :organisation_id, sent.id, sent.name
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS sent (id uuid, name text)
    """
)
_INSERT_EMPLOYEES = text(
    """
    INSERT INTO employees (organisation_id, id, version, personnel_number, given_name, infix,
        family_name, family_key, email, email_key, born_on, education_level)
    SELECT :organisation_id, sent.id, sent.version, sent.personnel_number, sent.given_name,
        sent.infix, sent.family_name, sent.family_key, sent.email, sent.email_key, sent.born_on,
        sent.education_level
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS sent (id uuid, version integer,
        personnel_number text, given_name text, infix text, family_name text, family_key text,
        email text, email_key text, born_on date, education_level text)
    """
)
_UPDATE_EMPLOYEES = text(
    """
    UPDATE employees
    SET version = sent.version, given_name = sent.given_name, infix = sent.infix,
        family_name = sent.family_name, family_key = sent.family_key, email = sent.email,
        email_key = sent.email_key, born_on = sent.born_on,
        education_level = sent.education_level
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS sent (id uuid, version integer,
        given_name text, infix text, family_name text, family_key text, email text,
        email_key text, born_on date, education_level text)
    WHERE employees.organisation_id = :organisation_id AND employees.id = sent.id
    """
)
_INSERT_EMPLOYMENTS = text(
    """
    INSERT INTO employments (organisation_id, id, employee_id, hired_on, left_on, kind,
        leaving_reason, leaving_initiative)
    SELECT :organisation_id, sent.id, sent.employee_id, sent.hired_on, sent.left_on, sent.kind,
        sent.leaving_reason, sent.leaving_initiative
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS sent (id uuid, employee_id uuid,
        hired_on date, left_on date, kind text, leaving_reason text, leaving_initiative text)
    """
)
_UPDATE_EMPLOYMENTS = text(
    """
    UPDATE employments
    SET left_on = sent.left_on, kind = sent.kind, leaving_reason = sent.leaving_reason,
        leaving_initiative = sent.leaving_initiative
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS sent (id uuid, left_on date, kind text,
        leaving_reason text, leaving_initiative text)
    WHERE employments.organisation_id = :organisation_id AND employments.id = sent.id
    """
)
_INSERT_PLACEMENTS = text(
    """
    INSERT INTO placements (organisation_id, id, employment_id, employee_id, team_id, function_id,
        manager_id, contract_minutes_per_week, valid_from, valid_until)
    SELECT :organisation_id, sent.id, sent.employment_id, sent.employee_id, sent.team_id,
        sent.function_id, sent.manager_id, sent.contract_minutes_per_week, sent.valid_from,
        sent.valid_until
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS sent (id uuid, employment_id uuid,
        employee_id uuid, team_id uuid, function_id uuid, manager_id uuid,
        contract_minutes_per_week bigint, valid_from date, valid_until date)
    """
)
_UPDATE_PLACEMENTS = text(
    """
    UPDATE placements
    SET team_id = sent.team_id, function_id = sent.function_id, manager_id = sent.manager_id,
        contract_minutes_per_week = sent.contract_minutes_per_week,
        valid_until = sent.valid_until
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS sent (id uuid, team_id uuid,
        function_id uuid, manager_id uuid, contract_minutes_per_week bigint, valid_until date)
    WHERE placements.organisation_id = :organisation_id AND placements.id = sent.id
    """
)
_MANAGERS = text(
    """
    SELECT placements.employee_id, placements.manager_id
    FROM placements
    JOIN employments ON employments.organisation_id = :organisation_id
        AND employments.id = placements.employment_id
    WHERE placements.organisation_id = :organisation_id
        AND placements.valid_from <= :day
        AND (placements.valid_until IS NULL OR placements.valid_until > :day)
        AND (employments.left_on IS NULL OR employments.left_on >= :day)
        AND placements.manager_id IS NOT NULL
    """
)
# Walks up from each placement that was written, within the days its steps have in common.
_CIRCLE = text(
    """
    WITH RECURSIVE above (origin, employee_id, since, until) AS (
        SELECT written.employee_id, written.manager_id, written.valid_from,
            coalesce(written.valid_until, 'infinity')
        FROM placements AS written
        WHERE written.organisation_id = :organisation_id
            AND written.manager_id IS NOT NULL
            AND written.id = ANY (:written)
        UNION
        SELECT above.origin, placements.manager_id,
            greatest(above.since, placements.valid_from),
            least(above.until, placements.valid_until, employments.left_on + 1)
        FROM above
        JOIN placements ON placements.organisation_id = :organisation_id
            AND placements.employee_id = above.employee_id
            AND placements.manager_id IS NOT NULL
        JOIN employments ON employments.organisation_id = :organisation_id
            AND employments.id = placements.employment_id
        WHERE above.employee_id <> above.origin
            AND greatest(above.since, placements.valid_from)
                < least(above.until, placements.valid_until, employments.left_on + 1)
    )
    SELECT EXISTS (SELECT FROM above WHERE employee_id = origin)
    """
)


class RosterRepository:
    def __init__(self, session: AsyncSession, organisation_id: UUID) -> None:
        self._session = session
        self._organisation_id = organisation_id
        self._people = PeopleRepository(session, organisation_id)

    async def known(
        self, numbers: Collection[str], addresses: Collection[str], *, day: date, lock: bool
    ) -> Known:
        """Return what is stored of the people of these numbers and addresses.

        With ``lock`` the employees are locked by id, so that nobody else changes them meanwhile.
        """
        employees = await self._employees(numbers, lock=lock)
        employee_ids = [employee.id for employee in employees.values()]
        employments: dict[UUID, list[EmploymentRow]] = {}
        for employment in await self._people.employments(employee_ids):
            employments.setdefault(employment.employee_id, []).append(employment)
        latest = [of_one[-1].id for of_one in employments.values()]
        placements: dict[UUID, list[PlacementRow]] = {}
        for placement in await self._people.placements_of(latest):
            placements.setdefault(placement.employee_id, []).append(placement)
        return Known(
            people={
                number: KnownPerson(
                    employee,
                    tuple(employments[employee.id]),
                    tuple(placements[employee.id]),
                )
                for number, employee in employees.items()
            },
            email_owners=await self._email_owners(addresses),
            managers=await self._managers(day),
            teams=await self._teams(),
            functions=await self._functions(),
        )

    async def write(self, plan: Plan) -> None:
        """Write a plan, a statement for each set; what gives way goes first."""
        await self._write(_INSERT_TEAMS, [_columns(row, _TEAM) for row in plan.new_teams])
        await self._write(
            _INSERT_FUNCTIONS, [_columns(row, _FUNCTION) for row in plan.new_functions]
        )
        await self._write(_UPDATE_EMPLOYEES, [_employee(row) for row in plan.changed_employees])
        await self._write(_INSERT_EMPLOYEES, [_employee(row) for row in plan.new_employees])
        await self._write(
            _UPDATE_EMPLOYMENTS, [_columns(row, _EMPLOYMENT) for row in plan.changed_employments]
        )
        await self._write(
            _INSERT_EMPLOYMENTS, [_columns(row, _EMPLOYMENT) for row in plan.new_employments]
        )
        await self._write(_UPDATE_PLACEMENTS, [_placement(row) for row in plan.changed_placements])
        await self._write(_INSERT_PLACEMENTS, [_placement(row) for row in plan.new_placements])

    async def has_circle(self, placements: Sequence[PlacementRow]) -> bool:
        """Tell whether anybody in these placements becomes, through others, their own manager."""
        parameters = {
            "organisation_id": self._organisation_id,
            "written": [placement.id for placement in placements],
        }
        return bool(await self._session.scalar(_CIRCLE, parameters))

    async def _write(self, statement: TextClause, rows: Sequence[Mapping[str, object]]) -> None:
        if rows:
            parameters = {
                "organisation_id": self._organisation_id,
                "rows": json.dumps(rows, default=str, ensure_ascii=False),
            }
            await self._session.execute(statement, parameters)

    async def _employees(self, numbers: Collection[str], *, lock: bool) -> dict[str, EmployeeRow]:
        found = (
            select(*EMPLOYEE_COLUMNS)
            .where(
                Employee.organisation_id == self._organisation_id,
                Employee.personnel_number == any_(literal(list(numbers), ARRAY(Text()))),
            )
            .order_by(Employee.id)
        )
        if lock:
            found = found.with_for_update(of=Employee, key_share=True)
        return {
            row.personnel_number: employee_row(row) for row in await self._session.execute(found)
        }

    async def _email_owners(self, addresses: Collection[str]) -> dict[str, str]:
        found = select(Employee.email_key, Employee.personnel_number).where(
            Employee.organisation_id == self._organisation_id,
            Employee.email_key == any_(literal(list(addresses), ARRAY(Text()))),
        )
        return {row.email_key: row.personnel_number for row in await self._session.execute(found)}

    async def _managers(self, day: date) -> dict[UUID, UUID | None]:
        parameters = {"organisation_id": self._organisation_id, "day": day}
        found = await self._session.execute(_MANAGERS, parameters)
        return {row.employee_id: row.manager_id for row in found}

    async def _teams(self) -> dict[tuple[str, str], UUID]:
        found = select(Team.id, Team.department, Team.name).where(
            Team.organisation_id == self._organisation_id
        )
        return {(row.department, row.name): row.id for row in await self._session.execute(found)}

    async def _functions(self) -> dict[str, UUID]:
        found = select(Function.id, Function.name).where(
            Function.organisation_id == self._organisation_id
        )
        return {row.name: row.id for row in await self._session.execute(found)}


def _names(row_type: Any) -> tuple[str, ...]:  # noqa: ANN401 - any dataclass
    return tuple(column.name for column in fields(row_type))


_TEAM = _names(TeamRow)
_FUNCTION = _names(FunctionRow)
_EMPLOYEE = _names(EmployeeRow)
_EMPLOYMENT = _names(EmploymentRow)
_ASSIGNMENT = _names(Assignment)
_PLACEMENT = tuple(name for name in _names(PlacementRow) if name != "assignment")


def _columns(row: object, names: tuple[str, ...]) -> dict[str, object]:
    """Return a row's columns; ``asdict`` copies deeply, which costs seconds over an import."""
    return {name: getattr(row, name) for name in names}


def _employee(row: EmployeeRow) -> dict[str, object]:
    return {
        **_columns(row, _EMPLOYEE),
        "family_key": search_key(row.family_name),
        "email_key": email_key(row.email),
    }


def _placement(row: PlacementRow) -> dict[str, object]:
    return {**_columns(row, _PLACEMENT), **_columns(row.assignment, _ASSIGNMENT)}
