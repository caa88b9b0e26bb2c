"""The demo employer at this moment, as far as examples of the API need it: read, never written."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from app.agreements.rules import AgreementStatus, ClaimStatus
from app.agreements.service import AgreementDetails, AgreementService
from app.budgets.models import Commitment
from app.budgets.rules import CommitmentStatus, MeansRoom
from app.budgets.service import BudgetService
from app.db.work import Work
from app.decisions.models import Decision
from app.decisions.rules import ProposalStatus
from app.decisions.service import DecisionService, ProposalView
from app.demo.personas import EMPLOYER, PERSONAS
from app.hours.rules import AttendanceView
from app.hours.service import HourService
from app.kernel.pages import PageOf
from app.people.rules import EmployeeFilter, EmployeeView, EndOfEmployment
from app.people.service import PeopleService
from app.policy.service import PolicyService, PolicyVersionRow
from app.requests.rules import (
    RequestDetails,
    RequestFilter,
    RequestStatus,
    TrainingSession,
    Tranche,
)
from app.requests.service import RequestService

# How much of each kind is looked at: the demo grows when it is used.
_FEW = PageOf(limit=6)
_SOME = PageOf(limit=40)
_MANY = PageOf(limit=400)
_LOOKED_AT = (
    RequestStatus.DRAFT,
    RequestStatus.SUBMITTED,
    RequestStatus.UNDER_ASSESSMENT,
    RequestStatus.GRANTED,
    RequestStatus.PARTLY_GRANTED,
    RequestStatus.DEFERRED,
    RequestStatus.REJECTED,
    RequestStatus.COMPLETED,
)
_GRANTED = frozenset({RequestStatus.GRANTED, RequestStatus.PARTLY_GRANTED, RequestStatus.COMPLETED})
_TURNED_DOWN = frozenset({RequestStatus.REJECTED, RequestStatus.DEFERRED})
_TO_SIGN = (AgreementStatus.DRAWN_UP, AgreementStatus.SIGNED_BY_EMPLOYEE)
_PROPOSALS = 3

# A row of a list, by the names of its columns.
Listed = Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Sitting:
    """A session that was held, and somebody who takes part in it."""

    request: RequestDetails
    session: TrainingSession
    employee_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What there is to act on; requests by reference, the rest oldest first."""

    now: datetime
    today: date
    people: Mapping[UUID, EmployeeView]
    ends: Mapping[UUID, EndOfEmployment]
    requests: Sequence[RequestDetails]
    tranches: Sequence[Tranche]
    agreements: Sequence[Listed]
    to_sign: Sequence[AgreementDetails]
    claims: Sequence[Listed]
    proposals: Sequence[ProposalView]
    to_revise: Decision | None
    decisions: Sequence[Decision]
    budgets: Sequence[MeansRoom]
    commitments: Sequence[Commitment]
    policies: Sequence[PolicyVersionRow]
    unrecorded: Sitting | None
    attended: AttendanceView | None

    @property
    def is_set(self) -> bool:
        """Whether the personas are there, and the manager leads somebody who stays."""
        known = {view.employee.personnel_number for view in self.people.values()}
        wanted = {
            persona.personnel_number
            for persona in PERSONAS.values()
            if persona.organisation_slug == EMPLOYER and persona.personnel_number is not None
        }
        return known >= wanted and len(self.led_by("manager")) > 0

    def person(self, persona: str) -> UUID:
        """Return the employee that a persona is."""
        number = PERSONAS[persona].personnel_number
        return next(
            view.employee.id
            for view in self.people.values()
            if view.employee.personnel_number == number
        )

    def led_by(self, persona: str) -> list[EmployeeView]:
        """Return who works under a persona, and stays."""
        manager = self.person(persona)
        return [
            view for view in self.staying if view.placed.placement.assignment.manager_id == manager
        ]

    @property
    def staying(self) -> list[EmployeeView]:
        """Everybody who is employed today, with no last day known, the personas apart."""
        personas = {persona.personnel_number for persona in PERSONAS.values()}
        return [
            view
            for view in self.people.values()
            if view.placed.employment.covers(self.today)
            and view.employee.id not in self.ends
            and view.employee.personnel_number not in personas
        ]

    def in_status(self, *statuses: RequestStatus) -> list[RequestDetails]:
        return [details for details in self.requests if details.status in statuses]


async def look(work: Work) -> Scene:
    """Return the organisation of ``work`` as it is now; HR looks, who sees everybody."""
    people = await _people(work)
    requests = await _requests(work)
    agreements = await _agreements(work)
    decisions = DecisionService(work)
    latest = await decisions.decisions(proposal_id=None, request_id=None, page=_FEW)
    open_and_settled = await BudgetService(work).commitments(year=None, request_id=None, page=_MANY)
    ends = await PeopleService(work).ends(people.keys())
    hr = PERSONAS["hr"].personnel_number
    absent = ends.keys() | {
        view.employee.id for view in people.values() if view.employee.personnel_number == hr
    }
    unrecorded, attended = await _sittings(work, requests, absent)
    return Scene(
        now=work.now,
        today=work.today,
        people=people,
        ends=ends,
        requests=requests,
        tranches=(await RequestService(work).tranches(_SOME)).items,
        agreements=agreements,
        to_sign=[
            await AgreementService(work).agreement(row.id)
            for row in agreements
            if row.status in _TO_SIGN
        ],
        claims=await _claims(work),
        proposals=await _proposals(decisions),
        to_revise=await _to_revise(decisions, requests),
        decisions=[decision for decision, _in_force in latest.items],
        budgets=await BudgetService(work).budgets(),
        commitments=[one for one in open_and_settled.items if one.status == CommitmentStatus.OPEN],
        policies=(await PolicyService(work).versions(_SOME)).items,
        unrecorded=unrecorded,
        attended=attended,
    )


async def _people(work: Work) -> dict[UUID, EmployeeView]:
    everybody = EmployeeFilter(
        day=work.today, employed=False, team_id=None, function_id=None, family_name_starts=None
    )
    found = await PeopleService(work).listed(everybody, _MANY)
    return {view.employee.id: view for view in found.items}


async def _requests(work: Work) -> list[RequestDetails]:
    service = RequestService(work)
    ids: list[UUID] = []
    for status in _LOOKED_AT:
        page = await service.requests(RequestFilter(status=status), _SOME)
        ids += [summary["id"] for summary in page.items]
    found = await service.details(ids)
    return sorted(found.values(), key=lambda details: details.reference)


async def _agreements(work: Work) -> list[Listed]:
    service = AgreementService(work)
    found: list[Listed] = []
    for status in (AgreementStatus.REQUIRED, *_TO_SIGN, AgreementStatus.SIGNED):
        page = await service.agreements(_SOME, status=status, request_id=None, employee_id=None)
        found += page.items
    return found


async def _claims(work: Work) -> list[Listed]:
    service = AgreementService(work)
    found: list[Listed] = []
    for status in (ClaimStatus.AWAITING_CONFIRMATION, ClaimStatus.DUE):
        page = await service.claims(_SOME, status=status, employee_id=None, agreement_id=None)
        found += page.items
    return found


async def _proposals(decisions: DecisionService) -> list[ProposalView]:
    """Return some drafts, and some that are before the MT, whole."""
    page, _counts = await decisions.proposals(tranche_id=None, page=_MANY)
    return [
        await decisions.proposal(proposal.id)
        for status in (ProposalStatus.DRAFT, ProposalStatus.SUBMITTED)
        for proposal in [one for one in page.items if one.status == status][:_PROPOSALS]
    ]


async def _to_revise(
    decisions: DecisionService, requests: Sequence[RequestDetails]
) -> Decision | None:
    """Return the decision in force on a request that was turned down or deferred."""
    for details in requests:
        if details.status not in _TURNED_DOWN or details.applicant_id is None:
            continue
        page = await decisions.decisions(proposal_id=None, request_id=details.id, page=_SOME)
        in_force = [decision for decision, holds in page.items if holds]
        if in_force:
            return in_force[-1]
    return None


async def _sittings(
    work: Work, requests: Sequence[RequestDetails], absent: Collection[UUID]
) -> tuple[Sitting | None, AttendanceView | None]:
    """Return a sitting of which nobody recorded who attended, and an attendance on record.

    Of nobody who is ``absent``: who left, and HR, who records no attendance of its own.
    """
    hours = HourService(work)
    held = [
        Sitting(details, session, employee_id)
        for details in requests
        if details.status in _GRANTED
        for session in details.sessions
        if session.held_on <= work.today and session.working_time
        for employee_id in details.enrolled_ids
        if employee_id not in absent
    ]
    done = await hours.attended({sitting.request.id for sitting in held})
    unrecorded = next((one for one in held if (one.session.id, one.employee_id) not in done), None)
    for one in held:
        if (one.session.id, one.employee_id) in done:
            views = await hours.attendances(one.request.id, one.session.id)
            standing = [view for view in views if view.holds and view.planned_minutes > 1]
            if standing:
                return unrecorded, standing[0]
    return unrecorded, None
