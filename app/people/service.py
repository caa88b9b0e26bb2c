"""The people: hired, placed, moved, leaving; and who may see whom."""

from collections.abc import Collection
from datetime import date
from uuid import UUID

from app.db.audit import AuditTrail
from app.db.work import Work
from app.kernel.actors import Role
from app.kernel.errors import check_version
from app.kernel.identifiers import new_id
from app.kernel.pages import Page, PageOf, take
from app.kernel.quantities import Minutes
from app.people.errors import (
    EmployeeNotFound,
    FunctionNotFound,
    ManagerCycle,
    NotEmployed,
    TeamNotFound,
)
from app.people.models import Employee, Employment, Function, Placement, Team
from app.people.repository import PeopleRepository
from app.people.rules import (
    Assignment,
    EmployeeFilter,
    EmployeeRow,
    EmployeeView,
    EmploymentRow,
    EndOfEmployment,
    FunctionRow,
    LeavingInitiative,
    LeavingReason,
    PlacementView,
    TeamRow,
    UnbrokenEmployment,
    change_placement,
    check_birth,
    check_end,
    check_hiring,
    check_placement,
    email_key,
    end_of,
    end_to_withdraw,
    search_key,
    unbroken_employments,
)
from app.people.schemas import (
    AssignmentIn,
    EmployeeIn,
    EmployeePatch,
    EmploymentIn,
    FunctionIn,
    PlacementIn,
    TeamIn,
)
from app.policy.service import PolicyService

# Who sees everybody in the organisation; anybody else sees themselves and whom they lead.
_SEE_EVERYBODY = (Role.HR, Role.MT, Role.AUDITOR, Role.ADMIN, Role.HRIS)


class PeopleService:
    """Employees with their employments and placements."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._people = PeopleRepository(work.session, work.organisation_id)
        self._policy = PolicyService(work)
        self._audit = AuditTrail(work)

    async def visible_ids(self) -> frozenset[UUID] | None:
        """Return whom the actor may see: None is everybody.

        HR, the MT, an auditor, an administrator and the HRIS see everybody; a manager sees those
        who work under them today, directly or not, and themselves; anybody else themselves.

        Source: VIS-5.1, VIS-5.2, VIS-5.3.
        """
        actor = self._work.actor
        if actor.has(*_SEE_EVERYBODY):
            return None
        if actor.person_id is None:
            return frozenset()
        if actor.has(Role.MANAGER):
            return await self._people.reports(actor.person_id, self._work.today)
        return frozenset((actor.person_id,))

    async def check_visible(self, employee_ids: Collection[UUID]) -> None:
        """Refuse employees whom the actor may not see, and who are not there, alike.

        Raises:
            EmployeeNotFound: one of them is not there, or not visible.
        """
        visible = await self.visible_ids()
        if visible is not None and not visible.issuperset(employee_ids):
            raise EmployeeNotFound
        if len(await self._people.employees(employee_ids)) < len(set(employee_ids)):
            raise EmployeeNotFound

    async def employee(self, employee_id: UUID) -> EmployeeRow:
        """Return one employee, whoever asks; ``view`` is for a reader.

        Raises:
            EmployeeNotFound: there is none of this id here.
        """
        found = await self._people.employees((employee_id,))
        if employee_id not in found:
            raise EmployeeNotFound
        return found[employee_id]

    async def employees(self, employee_ids: Collection[UUID]) -> dict[UUID, EmployeeRow]:
        """Return the employees of these ids, by id; who is not here is not in it."""
        return await self._people.employees(employee_ids)

    async def by_personnel_numbers(self, numbers: Collection[str]) -> dict[str, EmployeeRow]:
        """Return the employees of these personnel numbers, by number; unknown ones are left out."""
        return await self._people.by_personnel_numbers(numbers)

    async def view(self, employee_id: UUID) -> EmployeeView:
        """Return one employee with today's placement, when the actor may see the person.

        Raises:
            EmployeeNotFound: there is none of this id here, or not for the actor to see.
        """
        visible = await self.visible_ids()
        found = await self._people.view(employee_id, self._work.today, visible=visible)
        if found is None:
            raise EmployeeNotFound
        return found

    async def listed(self, wanted: EmployeeFilter, page: PageOf) -> Page[EmployeeView]:
        """Return a page of the employees whom the actor may see, by personnel number."""
        visible = await self.visible_ids()
        return take(
            await self._people.listed(wanted, page, visible=visible),
            page,
            key=lambda view: (view.employee.personnel_number,),
        )

    async def placements_on(
        self, employee_ids: Collection[UUID], day: date
    ) -> dict[UUID, PlacementView]:
        """Return where these employees are placed on ``day``; who is not employed is left out."""
        return await self._people.placed_on(employee_ids, day)

    async def manager_of(
        self, employee_ids: Collection[UUID], day: date
    ) -> dict[UUID, UUID | None]:
        """Return each employee's manager on ``day``, None for who has none or is not employed."""
        placed = await self._people.placed_on(employee_ids, day)
        return {
            employee_id: placed[employee_id].placement.assignment.manager_id
            if employee_id in placed
            else None
            for employee_id in employee_ids
        }

    async def members_of_team(self, team_id: UUID, day: date) -> tuple[UUID, ...]:
        """Return who is in a team on ``day``, by personnel number."""
        return await self._people.members_of_team(team_id, day)

    async def require_employed(self, employee_ids: Collection[UUID], day: date) -> None:
        """Refuse employees who are not employed on ``day``; the last day belongs to an employment.

        Raises:
            EmployeeNotFound: one of them is not there.
            NotEmployed: one of them is there, but not employed on that day.
        """
        employed = {
            employment.employee_id
            for employment in await self._people.employments(employee_ids)
            if employment.covers(day)
        }
        if employed.issuperset(employee_ids):
            return
        found = await self._people.employees(employee_ids)
        if len(found) < len(set(employee_ids)):
            raise EmployeeNotFound
        absent = sorted(
            employee.personnel_number for employee in found.values() if employee.id not in employed
        )
        raise NotEmployed(day_on=day, personnel_numbers=absent)

    async def ends(self, employee_ids: Collection[UUID]) -> dict[UUID, EndOfEmployment]:
        """Return the end of those whose latest employment has ended or is announced to end."""
        latest: dict[UUID, EmploymentRow] = {}
        for employment in await self._people.employments(employee_ids):
            known = latest.get(employment.employee_id)
            if known is None or employment.hired_on > known.hired_on:
                latest[employment.employee_id] = employment
        ends = {employee_id: end_of(employment) for employee_id, employment in latest.items()}
        return {employee_id: end for employee_id, end in ends.items() if end is not None}

    async def unbroken(
        self, employee_ids: Collection[UUID]
    ) -> dict[UUID, tuple[UnbrokenEmployment, ...]]:
        """Return these employees' employments by first day, joined where one follows on another."""
        found: dict[UUID, list[EmploymentRow]] = {}
        for employment in await self._people.employments(employee_ids):
            found.setdefault(employment.employee_id, []).append(employment)
        return {employee_id: unbroken_employments(each) for employee_id, each in found.items()}

    async def last_days(self, employee_ids: Collection[UUID]) -> dict[UUID, date]:
        """Return the last day of those whose latest employment has ended or is announced to end."""
        ends = await self.ends(employee_ids)
        return {employee_id: end.left_on for employee_id, end in ends.items()}

    async def hold_stay(self, employee_ids: Collection[UUID]) -> None:
        """Keep who these employees are and whether they leave as it is, until the work is done.

        For who grants something on it; others may hold them too. Locks them by id.
        """
        await self._people.hold_employees(employee_ids, share=True)

    async def hold_departure(self, employee_ids: Collection[UUID]) -> None:
        """Let nobody grant these employees anything until their departure is settled."""
        await self._people.hold_employees(employee_ids, share=False)

    async def employments(
        self, employee_id: UUID
    ) -> list[tuple[EmploymentRow, list[PlacementView]]]:
        """Return an employee's employments by their first day, each with its placements.

        Raises:
            EmployeeNotFound: there is none of this id here, or not for the actor to see.
        """
        await self.check_visible((employee_id,))
        history = await self._people.history(employee_id)
        return [
            (
                employment,
                [view for view in history if view.placement.employment_id == employment.id],
            )
            for employment in await self._people.employments((employee_id,))
        ]

    async def hire(self, body: EmployeeIn) -> EmployeeView:
        """Record a new employee with a first employment and placement.

        Raises:
            BornAfterHiring: the date of birth is not before the first day.
            PersonnelNumberTaken: another employee has the number.
            EmailTaken: another employee has the address.
            TeamNotFound, FunctionNotFound, EmployeeNotFound: what the placement names is not here.
        """
        check_birth(body.born_on, hired_on=body.hired_on)
        await self._policy.lock_organisation()
        employee = Employee(
            organisation_id=self._work.organisation_id,
            id=new_id(),
            version=1,
            personnel_number=body.personnel_number,
            given_name=body.given_name,
            infix=body.infix,
            family_name=body.family_name,
            family_key=search_key(body.family_name),
            email=body.email,
            email_key=email_key(body.email),
            born_on=body.born_on,
            education_level=body.education_level,
        )
        await self._people.add(employee)
        await self._begin_employment(employee.id, body)
        await self._record("employee.hired", employee.id, after={"hired_on": body.hired_on})
        return await self.view(employee.id)

    async def rehire(self, employee_id: UUID, body: EmploymentIn) -> EmployeeView:
        """Record a further employment of someone whose earlier ones have ended before it.

        What becomes of a departure that it undoes is for the areas above to settle.

        Raises:
            EmployeeNotFound: there is none of this id here.
            EmploymentRunning: an earlier employment is open, or ends on the first day or later.
        """
        await self._policy.lock_organisation()
        employee = await self._lock(employee_id)
        employments = await self._people.employments((employee_id,))
        check_hiring(employments, hired_on=body.hired_on)
        await self._begin_employment(employee_id, body)
        employee.version += 1
        await self._people.flush()
        await self._record("employee.rehired", employee_id, after={"hired_on": body.hired_on})
        return await self.view(employee_id)

    async def correct(
        self, employee_id: UUID, body: EmployeePatch, *, expected: frozenset[int] | None
    ) -> EmployeeView:
        """Change what is known of a person: only the fields that were sent.

        Raises:
            EmployeeNotFound: there is none of this id here.
            StaleVersion: the employee changed since it was read.
            BornAfterHiring: the date of birth is not before the first day of employment.
            EmailTaken: another employee has the address.
        """
        employee = await self._lock(employee_id)
        check_version(employee.version, expected)
        sent = body.model_dump(exclude_unset=True)
        changed = sorted(name for name, value in sent.items() if getattr(employee, name) != value)
        if not changed:
            return await self.view(employee_id)
        if "born_on" in changed:
            employments = await self._people.employments((employee_id,))
            check_birth(body.born_on, hired_on=min(one.hired_on for one in employments))
        for name in changed:
            setattr(employee, name, sent[name])
        employee.family_key = search_key(employee.family_name)
        employee.email_key = email_key(employee.email)
        employee.version += 1
        await self._people.flush()
        # Which fields, not what they held: the trail keeps no names and addresses.
        await self._record("employee.corrected", employee_id, after={"fields": changed})
        return await self.view(employee_id)

    async def place(self, employee_id: UUID, body: PlacementIn) -> EmployeeView:
        """Place an employee from a day on; what held before it stays in the history.

        A placement that began on that very day is replaced; one planned for later stays. Locks the
        organisation, so that two changes can not close a circle of managers together, then the
        employee.

        Raises:
            EmployeeNotFound: the employee or the manager is not here.
            TeamNotFound, FunctionNotFound: what the placement names is not here.
            PlacementOutsideEmployment: the employee is not employed on that day.
            OwnManager, ManagerCycle: the manager works, directly or not, under the employee.
        """
        await self._policy.lock_organisation()
        employee = await self._lock(employee_id)
        assignment = await self._assignment(body)
        employments = await self._people.employments((employee_id,))
        employment = next((one for one in employments if one.covers(body.valid_from)), None)
        check_placement(assignment, employment, employee_id=employee_id, valid_from=body.valid_from)
        history = [
            view.placement
            for view in await self._people.history(employee_id)
            if employment is not None and view.placement.employment_id == employment.id
        ]
        change = change_placement(history, assignment, valid_from=body.valid_from)
        if change is None or employment is None:
            return await self.view(employee_id)
        await self._check_manager(
            employee_id, assignment, since=body.valid_from, until=change.valid_until
        )
        if change.replaced is not None:
            placement = await self._people.placement(change.replaced.id)
            _assign(placement, assignment)
        else:
            if change.closed is not None:
                closed = await self._people.placement(change.closed.id)
                closed.valid_until = body.valid_from
                await self._people.flush()
            await self._people.add(
                self._placement(
                    employment.id, employee_id, assignment, body.valid_from, change.valid_until
                )
            )
        employee.version += 1
        await self._people.flush()
        before = change.replaced or change.closed
        await self._record(
            "employee.placed",
            employee_id,
            before=None if before is None else _recorded(before.assignment, before.valid_from),
            after=_recorded(assignment, body.valid_from),
        )
        return await self.view(employee_id)

    async def end_employment(
        self,
        employee_id: UUID,
        *,
        left_on: date,
        reason: LeavingReason,
        initiative: LeavingInitiative,
    ) -> EndOfEmployment:
        """Record the last day of the employee's latest employment, with reason and initiative.

        An end that was announced may move as long as its day has not passed; what is unknown of
        one that has passed can be told. What follows from it (hours, means, repayment) is for the
        areas above to settle.

        Raises:
            EmployeeNotFound: there is none of this id here.
            EmploymentOver: see ``check_end``.
            EndBeforeHiring: the last day lies before the first.

        Source: VIS-7.8, LAW-3.
        """
        employee = await self._lock(employee_id)
        latest = (await self._people.employments((employee_id,)))[-1]
        check_end(
            latest,
            left_on=left_on,
            reason=reason,
            initiative=initiative,
            today=self._work.today,
        )
        employment = await self._people.employment(latest.id)
        employment.left_on = left_on
        employment.leaving_reason = reason.value
        employment.leaving_initiative = initiative.value
        employee.version += 1
        await self._people.flush()
        await self._record(
            "employment.end_recorded",
            employee_id,
            before={
                "left_on": latest.left_on,
                "reason": latest.leaving_reason,
                "initiative": latest.leaving_initiative,
            },
            after={"left_on": left_on, "reason": reason, "initiative": initiative},
        )
        return EndOfEmployment(
            employee_id=employee_id,
            employment_id=latest.id,
            hired_on=latest.hired_on,
            left_on=left_on,
            reason=reason,
            initiative=initiative,
            previous_left_on=latest.left_on,
        )

    async def withdraw_end(self, employee_id: UUID) -> EndOfEmployment:
        """Take back an announced end: the employee stays. Return the end that was.

        Raises:
            EmployeeNotFound: there is none of this id here.
            NoEndAnnounced: the latest employment has no last day.
            EmploymentOver: the recorded last day has passed.
        """
        employee = await self._lock(employee_id)
        latest = (await self._people.employments((employee_id,)))[-1]
        end = end_to_withdraw(latest, today=self._work.today)
        employment = await self._people.employment(latest.id)
        employment.left_on = None
        employment.leaving_reason = None
        employment.leaving_initiative = None
        employee.version += 1
        await self._people.flush()
        await self._record(
            "employment.end_withdrawn",
            employee_id,
            before={"left_on": end.left_on, "reason": end.reason, "initiative": end.initiative},
            after={"left_on": None},
        )
        return end

    async def team(self, team_id: UUID) -> TeamRow:
        """Return a team.

        Raises:
            TeamNotFound: there is none of this id here.
        """
        team = await self._people.team(team_id)
        if team is None:
            raise TeamNotFound
        return team

    async def teams(self, page: PageOf) -> Page[TeamRow]:
        """Return a page of teams by department and name."""
        return take(
            await self._people.teams(page), page, key=lambda team: (team.department, team.name)
        )

    async def add_team(self, body: TeamIn) -> TeamRow:
        """Record a team of a department.

        Raises:
            TeamExists: the department has a team of that name.
        """
        team = Team(
            organisation_id=self._work.organisation_id,
            id=new_id(),
            department=body.department,
            name=body.name,
        )
        await self._people.add(team)
        await self._audit.record(action="team.added", object_type="team", object_id=team.id)
        return TeamRow(id=team.id, department=team.department, name=team.name)

    async def function(self, function_id: UUID) -> FunctionRow:
        """Return a function.

        Raises:
            FunctionNotFound: there is none of this id here.
        """
        function = await self._people.function(function_id)
        if function is None:
            raise FunctionNotFound
        return function

    async def functions(self, page: PageOf) -> Page[FunctionRow]:
        """Return a page of functions by name."""
        return take(await self._people.functions(page), page, key=lambda function: (function.name,))

    async def add_function(self, body: FunctionIn) -> FunctionRow:
        """Record a function.

        Raises:
            FunctionExists: there is one of that name.
        """
        function = Function(organisation_id=self._work.organisation_id, id=new_id(), name=body.name)
        await self._people.add(function)
        await self._audit.record(
            action="function.added", object_type="function", object_id=function.id
        )
        return FunctionRow(id=function.id, name=function.name)

    async def _begin_employment(self, employee_id: UUID, body: EmploymentIn) -> None:
        """Store an employment with its first placement, under nobody who works under it."""
        assignment = await self._assignment(body)
        employment = EmploymentRow(
            id=new_id(),
            employee_id=employee_id,
            hired_on=body.hired_on,
            left_on=None,
            kind=body.kind,
            leaving_reason=None,
            leaving_initiative=None,
        )
        check_placement(assignment, employment, employee_id=employee_id, valid_from=body.hired_on)
        await self._check_manager(employee_id, assignment, since=body.hired_on, until=None)
        await self._people.add(
            Employment(
                organisation_id=self._work.organisation_id,
                id=employment.id,
                employee_id=employee_id,
                hired_on=body.hired_on,
                kind=body.kind.value,
            ),
            self._placement(employment.id, employee_id, assignment, body.hired_on, None),
        )

    async def _assignment(self, body: AssignmentIn) -> Assignment:
        """Return what a placement says, once all it names is found here."""
        await self.team(body.team_id)
        await self.function(body.function_id)
        if body.manager_id is not None:
            await self.employee(body.manager_id)
        return Assignment(
            team_id=body.team_id,
            function_id=body.function_id,
            manager_id=body.manager_id,
            contract_minutes_per_week=body.contract_minutes_per_week,
        )

    async def _check_manager(
        self, employee_id: UUID, assignment: Assignment, *, since: date, until: date | None
    ) -> None:
        manager_id = assignment.manager_id
        if manager_id is not None and await self._people.works_under(
            manager_id, employee_id, since=since, until=until
        ):
            raise ManagerCycle

    def _placement(
        self,
        employment_id: UUID,
        employee_id: UUID,
        assignment: Assignment,
        valid_from: date,
        valid_until: date | None,
    ) -> Placement:
        placement = Placement(
            organisation_id=self._work.organisation_id,
            id=new_id(),
            employment_id=employment_id,
            employee_id=employee_id,
            valid_from=valid_from,
            valid_until=valid_until,
        )
        _assign(placement, assignment)
        return placement

    async def _lock(self, employee_id: UUID) -> Employee:
        employee = await self._people.lock_employee(employee_id)
        if employee is None:
            raise EmployeeNotFound
        return employee

    async def _record(
        self,
        action: str,
        employee_id: UUID,
        *,
        before: dict[str, object] | None = None,
        after: dict[str, object] | None = None,
    ) -> None:
        await self._audit.record(
            action=action,
            object_type="employee",
            object_id=employee_id,
            before=before,
            after=after,
        )


def _assign(placement: Placement, assignment: Assignment) -> None:
    placement.team_id = assignment.team_id
    placement.function_id = assignment.function_id
    placement.manager_id = assignment.manager_id
    placement.contract_minutes_per_week = Minutes(assignment.contract_minutes_per_week)


def _recorded(assignment: Assignment, valid_from: date) -> dict[str, object]:
    return {
        "valid_from": valid_from,
        "team_id": assignment.team_id,
        "function_id": assignment.function_id,
        "manager_id": assignment.manager_id,
        "contract_minutes_per_week": assignment.contract_minutes_per_week,
    }
