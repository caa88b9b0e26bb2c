"""Takes the roster of an HRIS in: judged as a whole, then written set by set."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

from app.db.audit import AuditTrail
from app.db.work import Work
from app.kernel.identifiers import new_id
from app.people.errors import ManagerCycle
from app.people.roster.repository import RosterRepository
from app.people.roster.rules import Outcome, Plan, RosterField, RosterRow, plan_roster
from app.people.rules import email_key
from app.policy.service import PolicyService


class RosterService:
    """Plans what rows of people change, and carries it out."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._roster = RosterRepository(work.session, work.organisation_id)
        self._policy = PolicyService(work)
        self._audit = AuditTrail(work)

    async def plan(
        self,
        rows: Sequence[RosterRow],
        *,
        effective_on: date,
        broken: Collection[str] = (),
        absent: Collection[RosterField] = (),
        lock: bool,
    ) -> Plan:
        """Return what the rows would change from ``effective_on`` on, and every row's faults.

        ``broken`` are the personnel numbers of rows that could not be read, ``absent`` the fields
        that the rows do not speak of: what is stored of them stays. With ``lock`` what the
        plan rests on is held until the transaction ends: the organisation first, then the
        employees by id, so that two imports queue. A plan without it is only to be looked at.
        """
        if lock:
            await self._policy.lock_organisation()
        numbers = {row.personnel_number for row in rows}
        numbers.update(row.manager_number for row in rows if row.manager_number is not None)
        known = await self._roster.known(
            numbers, {email_key(row.email) for row in rows}, day=effective_on, lock=lock
        )
        # Thousands of rows take seconds: the others who are being served go on meanwhile.
        return await asyncio.to_thread(
            plan_roster,
            rows,
            known,
            effective_on=effective_on,
            today=self._work.today,
            broken=broken,
            absent=absent,
            new_id=new_id,
        )

    async def carry_out(self, plan: Plan) -> None:
        """Write a plan that was made with ``lock``, with an audit line for everybody it changes.

        What follows from the ends of employment in ``plan.ended`` is for the areas above.

        Raises:
            ManagerCycle: together with a placement that was planned for later, someone would
                become their own manager.
            EmailTaken: an address was given to somebody else in the meantime.
        """
        await self._roster.write(plan)
        written = [*plan.new_placements, *plan.changed_placements]
        if await self._roster.has_circle(written):
            raise ManagerCycle
        placed = {placement.employee_id: placement for placement in plan.new_placements}
        ended = {end.employee_id: end for end in plan.ended}
        for line, outcome in plan.outcomes.items():
            if outcome is Outcome.UNCHANGED:
                continue
            employee_id = plan.employee_ids[line]
            after: dict[str, object] = {}
            if employee_id in placed:
                placement = placed[employee_id]
                after["placed_from"] = placement.valid_from
                after["team_id"] = placement.assignment.team_id
                after["manager_id"] = placement.assignment.manager_id
            if employee_id in ended:
                after["left_on"] = ended[employee_id].left_on
                after["previous_left_on"] = ended[employee_id].previous_left_on
            await self._record(employee_id, outcome, after)

    async def _record(self, employee_id: UUID, outcome: Outcome, after: dict[str, object]) -> None:
        await self._audit.record(
            action=f"employee.import_{outcome}",
            object_type="employee",
            object_id=employee_id,
            after=after,
        )
