"""Agreements for tests: a policy as a value, and a training that was granted to someone."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from app.agreements.schemas import DrawingUpIn
from app.agreements.service import AgreementDetails, AgreementService
from app.db.work import Work
from app.kernel.actors import Actor, Role
from app.kernel.identifiers import new_id
from app.kernel.quantities import Cents, Minutes
from app.people.rules import EmploymentKind
from app.people.schemas import EmployeeIn, FunctionIn, TeamIn
from app.people.service import PeopleService
from app.policy.rules import (
    Criterion,
    DeadlineRoll,
    Policy,
    ProRating,
    RepaymentSchedule,
    Staircase,
    TrancheRule,
)
from app.policy.service import PolicyService
from app.requests.rules import (
    CostLine,
    Draft,
    Ground,
    Rating,
    RequestAction,
    RequestDetails,
    TrainingBasis,
    TrainingKind,
    TrainingSession,
)
from app.requests.service import RequestService
from tests.support.organisations import Organisation

ODWH_STAIRCASE = Staircase(steps=((12, 100), (24, 50)))


def policy_with(
    *,
    cost_threshold_cents: int = 200_000,
    time_threshold_minutes: int = 2_400,
    repayment_threshold_cents: int = 200_000,
    after_subsidies: bool = True,
    schedule: RepaymentSchedule = ODWH_STAIRCASE,
) -> Policy:
    """Return ODWH's policy with other thresholds or another schedule."""
    return Policy(
        norm_minutes=Minutes(4_800),
        norm_binding=True,
        norm_pro_rating=ProRating.NONE,
        full_time_minutes_per_week=Minutes(2_160),
        tranches=(TrancheRule(1, 11, 15, 1, 31, 1), TrancheRule(2, 7, 15, 8, 31, 0)),
        deadline_roll=DeadlineRoll.NONE,
        criteria_weights=dict.fromkeys(Criterion, 1),
        rating_labels=("none", "slight", "clear", "strong", "decisive"),
        agreement_cost_threshold_cents=Cents(cost_threshold_cents),
        agreement_time_threshold_minutes=Minutes(time_threshold_minutes),
        repayment_cost_threshold_cents=Cents(repayment_threshold_cents),
        investment_after_subsidies=after_subsidies,
        repayment_schedule=schedule,
        reconsideration_offered=True,
        works_council_reference="OR 2026-01",
    )


STARTS_ON = date(2026, 9, 1)
ENDS_ON = date(2027, 2, 28)
COST_CENTS = 427_950

# Everybody in these tests, by personnel number: who leads whom, and as what.
MT, MANAGER, HR, EMPLOYEE, COLLEAGUE, OTHER_MANAGER = "100", "200", "300", "400", "500", "600"
_STAFF = {
    MT: ("Maxim", "Sas", "Directeur", None),
    MANAGER: ("Renske", "Sloot", "Teamleider", MT),
    HR: ("Fiene", "Dirksen", "HR-adviseur", MT),
    EMPLOYEE: ("Noor", "Meulen", "Toezichthouder milieu", MANAGER),
    COLLEAGUE: ("Idris", "Boer", "Toezichthouder milieu", MANAGER),
    OTHER_MANAGER: ("Jelle", "Vries", "Teamleider", MT),
}


class OpenWork(Protocol):
    def __call__(
        self, actor: Actor | None = None, *, now: datetime | None = None
    ) -> AbstractAsyncContextManager[Work]: ...


@dataclass(frozen=True, slots=True)
class Scene:
    """An organisation with its people, a granted training, and the agreement it called for."""

    organisation: Organisation
    open_work: OpenWork
    staff: Mapping[str, UUID]
    request_id: UUID
    agreement_id: UUID

    def work(self, number: str = HR, *roles: Role) -> AbstractAsyncContextManager[Work]:
        """Return the work of one of the staff, by default of HR; committed when it ends."""
        return self.open_work(actor(self.organisation, self.staff, number, *roles))


def actor(
    organisation: Organisation, staff: Mapping[str, UUID], number: str, *roles: Role
) -> Actor:
    """Return one of the staff as who acts; without roles as their number has them."""
    own = {MT: Role.MT, HR: Role.HR, MANAGER: Role.MANAGER, OTHER_MANAGER: Role.MANAGER}
    return Actor(
        organisation_id=organisation.id,
        subject=number,
        roles=frozenset(roles or (own.get(number, Role.EMPLOYEE),)),
        person_id=staff.get(number),
    )


async def staffed(work: Work) -> dict[str, UUID]:
    """Hire everybody of these tests; return their ids by personnel number."""
    people = PeopleService(work)
    team = await people.add_team(TeamIn(department="Toezicht", name="Toezicht Milieu"))
    functions: dict[str, UUID] = {}
    ids: dict[str, UUID] = {}
    for number, (given, family, function, manager) in _STAFF.items():
        if function not in functions:
            functions[function] = (await people.add_function(FunctionIn(name=function))).id
        view = await people.hire(
            EmployeeIn(
                personnel_number=number,
                given_name=given,
                infix="van der" if number == EMPLOYEE else None,
                family_name=family,
                email=f"p{number}@od-voorbeeld.example",
                born_on=None,
                education_level=None,
                hired_on=date(2020, 1, 1),
                kind=EmploymentKind.PERMANENT,
                team_id=team.id,
                function_id=functions[function],
                manager_id=None if manager is None else ids[manager],
                contract_minutes_per_week=2_160,
            )
        )
        ids[number] = view.employee.id
    return ids


def training(
    *participants: UUID,
    cost_cents: int = COST_CENTS,
    basis: TrainingBasis = TrainingBasis.VOLUNTARY,
    starts_on: date = STARTS_ON,
    ends_on: date = ENDS_ON,
    title: str = "Leergang omgevingsrecht",
) -> Draft:
    """Return a training as it is asked for."""
    return Draft(
        title=title,
        provider="Bestuursacademie",
        kind=TrainingKind.EDUCATION,
        starts_on=starts_on,
        ends_on=ends_on,
        motivation="Verdieping in het omgevingsrecht.",
        conversation_on=date(2026, 3, 2),
        basis=basis,
        basis_source=None,
        basis_reason=None,
        participant_ids=participants,
        sessions=(
            TrainingSession(new_id(), starts_on, Minutes(480), working_time=True),
            TrainingSession(new_id(), ends_on, Minutes(450), working_time=True),
            TrainingSession(new_id(), ends_on, Minutes(120), working_time=False),
        ),
        cost_lines=(CostLine("cursusgeld", Cents(cost_cents), Cents(0), per_participant=True),),
        grounds=(Ground(Criterion.TEAM_AND_FUNCTION, "Het team heeft deze kennis nodig."),),
    )


async def make_scene(
    organisation: Organisation,
    open_work: OpenWork,
    *,
    cost_cents: int = COST_CENTS,
    basis: TrainingBasis = TrainingBasis.VOLUNTARY,
    starts_on: date = STARTS_ON,
    ends_on: date = ENDS_ON,
) -> Scene:
    """Return an organisation in which one training was granted to one employee."""
    async with open_work() as work:
        staff = await staffed(work)
    async with open_work(actor(organisation, staff, HR)) as work:
        draft = training(
            staff[EMPLOYEE],
            cost_cents=cost_cents,
            basis=basis,
            starts_on=starts_on,
            ends_on=ends_on,
        )
        request_id, [agreement_id] = await called_for(work, draft)
    return Scene(organisation, open_work, staff, request_id, agreement_id)


async def granted(work: Work, draft: Draft) -> RequestDetails:
    """Take a training from draft to grant, as far as its own life cycle goes."""
    requests = RequestService(work)
    request_id = (await requests.draft(draft)).id
    await requests.submit(request_id, expected=None, necessity=None)
    ratings = [Rating(criterion, 3, "Draagt duidelijk bij.") for criterion in Criterion]
    await requests.assess(request_id, ratings, expected=None)
    await requests.apply(request_id, RequestAction.PROPOSE)
    return await requests.apply(request_id, RequestAction.GRANT)


async def called_for(work: Work, draft: Draft, *employee_ids: UUID) -> tuple[UUID, list[UUID]]:
    """Grant a training and call for its agreements; return the request's and their ids."""
    details = await granted(work, draft)
    policy = await PolicyService(work).policy_on(work.today)
    ids = await AgreementService(work).call_for(
        details,
        employee_ids=employee_ids or details.participant_ids,
        decision_id=new_id(),
        policy_version_id=policy.id,
    )
    return details.id, ids


async def drawn_up(scene: Scene, **choices: Any) -> AgreementDetails:  # noqa: ANN401
    """Draw the scene's agreement up as HR."""
    async with scene.work() as work:
        return await AgreementService(work).draw_up(
            scene.agreement_id, DrawingUpIn.model_validate(choices), expected=None
        )


async def signed(scene: Scene, **choices: Any) -> AgreementDetails:  # noqa: ANN401
    """Draw the scene's agreement up and have both sign it."""
    sha256 = (await drawn_up(scene, **choices)).row.document_sha256 or ""
    async with scene.work(EMPLOYEE) as work:
        await AgreementService(work).sign(scene.agreement_id, document_sha256=sha256)
    async with scene.work(MANAGER) as work:
        return await AgreementService(work).sign(scene.agreement_id, document_sha256=sha256)


async def completed(scene: Scene, *, completed_on: date = ENDS_ON) -> None:
    """Record that the scene's training was completed by everyone."""
    async with scene.work() as work:
        requests = RequestService(work)
        details = (await requests.details((scene.request_id,)))[scene.request_id]
        await requests.complete(
            scene.request_id,
            expected=None,
            completed_on=completed_on,
            outcome=None,
            completed=dict.fromkeys(details.participant_ids, True),
        )


async def reclassify(scene: Scene, basis: TrainingBasis) -> None:
    """Classify the basis of the scene's training anew, as HR."""
    async with scene.work() as work:
        await RequestService(work).classify(
            scene.request_id, basis, expected=None, source=None, reason="Nader onderzoek."
        )
