"""What to call each operation with, so that it works as it stands on the demo at this moment.

A table: of each operation as whom, and how to find what it is called with. Operations that would
use the same thing up each get one of their own, as far as the demo reaches; what was used is gone
when the examples are made again. A body is told as far as it differs from the contract's own
example of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, TypeVar

from fastapi import FastAPI

from app.agreements.rules import AgreementStatus, ClaimStatus
from app.decisions.rules import Outcome, ProposalStatus
from app.decisions.service import ProposalView
from app.demo.personas import EMPLOYER, PERSONAS
from app.demo.scene import Scene, look
from app.http.examples import Example, Examples, FindExamples
from app.http.routing import Edge
from app.kernel.actors import Actor
from app.kernel.calendar import add_months
from app.kernel.identifiers import new_id
from app.people.rules import EmployeeView
from app.policy.rules import PolicyStatus
from app.requests.rules import RequestDetails, RequestStatus

Item = TypeVar("Item")
Json = dict[str, Any]

_GRANTED = (RequestStatus.GRANTED, RequestStatus.PARTLY_GRANTED)
_MONTHS_OF_CAPACITY = 3


@dataclass(frozen=True, slots=True)
class Found:
    """What an operation is called with; ``persona`` when it is another than usual."""

    parameters: Mapping[str, object]
    body: Mapping[str, object] | Sequence[Json] | None = None
    table: str | None = None
    persona: str | None = None


Find = Callable[[Scene], Found | None]


def live_examples(api: FastAPI) -> FindExamples:
    """Return what makes the examples of the demo employer, by the clock and on the data of now."""

    async def find() -> Examples:
        edge: Edge = api.state.edge
        organisation_id = await edge.database.find_tenant(EMPLOYER)
        if organisation_id is None:
            return {}
        hr = PERSONAS["hr"]
        actor = Actor(organisation_id, subject=hr.username, roles=hr.roles)
        async with edge.database.work(actor, edge.clock(), "examples") as work:
            scene = await look(work)
        return examples_of(scene) if scene.is_set else {}

    return find


def examples_of(scene: Scene) -> Examples:
    """Return the example of each operation; None where the scene has nothing ready for it."""
    found: dict[str, Example | None] = {}
    for operation, (persona, find) in _TABLE.items():
        one = find(scene)
        found[operation] = (
            None
            if one is None
            else Example(
                persona=one.persona or persona,
                parameters={
                    name: value if isinstance(value, int) else str(value)
                    for name, value in one.parameters.items()
                },
                body=one.body,
                table=one.table,
            )
        )
    return found


def _with(**parameters: object) -> Find:
    """Return the finder of an operation that is always called with the same."""
    found = Found(parameters)
    return lambda _scene: found


def _pick(candidates: Sequence[Item], turn: int = 0) -> Item | None:
    """Return a candidate; each turn has one of its own as long as there are enough."""
    return candidates[turn % len(candidates)] if candidates else None


def _fresh() -> str:
    """Return six digits that were not given before, for what must be new."""
    return f"{new_id().int % 1_000_000:06}"


def _next_month(scene: Scene) -> date:
    return add_months(scene.today.replace(day=1), 1)


# --- Requests -----------------------------------------------------------------------------------


def _takes_no_part(details: RequestDetails, scene: Scene, *personas: str) -> bool:
    return not {scene.person(persona) for persona in personas} & set(details.participant_ids)


def _new_request(scene: Scene) -> Found:
    person = scene.led_by("manager")[0]
    starts_on = add_months(_next_month(scene), 10) + timedelta(days=5)
    ends_on = starts_on + timedelta(days=28)
    return Found(
        {},
        {
            "participantIds": [str(person.employee.id)],
            "startsOn": starts_on.isoformat(),
            "endsOn": ends_on.isoformat(),
            "conversationOn": (scene.today - timedelta(days=14)).isoformat(),
            "sessions": [
                {"heldOn": day.isoformat(), "minutes": 480, "workingTime": True}
                for day in (starts_on, ends_on)
            ],
        },
    )


def _managers_draft(turn: int, body: Mapping[str, object] | None = None) -> Find:
    """Return the finder of a draft that the manager can still do everything with."""

    def find(scene: Scene) -> Found | None:
        manager = scene.person("manager")
        drafts = [
            details
            for details in scene.in_status(RequestStatus.DRAFT)
            if details.applicant_id == manager and manager not in details.participant_ids
        ]
        details = _pick(drafts, turn)
        return None if details is None else Found({"requestId": details.id}, body)

    return find


def _changed_draft(scene: Scene) -> Found | None:
    found = _managers_draft(1)(scene)
    return found and replace(found, body=_new_request(scene).body)


def _to_endorse(scene: Scene) -> Found | None:
    led = {view.employee.id for view in scene.led_by("manager")} | {scene.person("employee")}
    drafts = [
        details
        for details in scene.in_status(RequestStatus.DRAFT)
        if details.endorsed_at is None
        and details.applicant_id in details.participant_ids
        and led.issuperset(details.participant_ids)
    ]
    details = _pick(drafts, -1)
    return None if details is None else Found({"requestId": details.id})


def _interim(turn: int) -> Find:
    """Return the finder of an interim request that awaits the MT's answer."""

    def find(scene: Scene) -> Found | None:
        waiting = [
            details
            for details in scene.in_status(RequestStatus.SUBMITTED)
            if details.interim
            and details.consented_at is None
            and _takes_no_part(details, scene, "mt")
        ]
        details = _pick(waiting, turn)
        return None if details is None else Found({"requestId": details.id})

    return find


def _waiting(turn: int) -> Find:
    """Return the finder of a request of a tranche that HR can assess."""

    def find(scene: Scene) -> Found | None:
        waiting = [
            details
            for details in scene.in_status(RequestStatus.SUBMITTED, RequestStatus.UNDER_ASSESSMENT)
            if not details.interim and _takes_no_part(details, scene, "hr")
        ]
        details = _pick(waiting, turn)
        return None if details is None else Found({"requestId": details.id})

    return find


def _own_request(scene: Scene) -> Found | None:
    employee = scene.person("employee")
    own = [details for details in scene.requests if employee in details.participant_ids]
    details = _pick(own)
    return None if details is None else Found({"requestId": details.id})


def _ended(scene: Scene) -> Found | None:
    ended = [
        details
        for details in scene.in_status(*_GRANTED)
        if details.ends_on <= scene.today
        and _takes_no_part(details, scene, "hr")
        and (scene.unrecorded is None or details.id != scene.unrecorded.request.id)
    ]
    details = _pick(ended)
    if details is None:
        return None
    return Found(
        {"requestId": details.id},
        {
            "completedOn": details.ends_on.isoformat(),
            "participants": [
                {"employeeId": str(person), "completed": True} for person in details.enrolled_ids
            ],
        },
    )


def _to_cancel(scene: Scene) -> Found | None:
    agreed = {row.request_id for row in scene.agreements}
    ahead = [details for details in scene.in_status(*_GRANTED) if details.ends_on > scene.today]
    details = _pick([one for one in ahead if one.id not in agreed] or ahead, -1)
    return None if details is None else Found({"requestId": details.id})


def _latest_tranche(scene: Scene) -> Found | None:
    tranche = _pick(scene.tranches)
    return None if tranche is None else Found({"trancheId": tranche.id})


# --- Proposals and decisions --------------------------------------------------------------------


def _proposals(scene: Scene, status: ProposalStatus) -> list[ProposalView]:
    return [view for view in scene.proposals if view.proposal.status == status]


def _new_proposal(scene: Scene) -> Found | None:
    taken = {view.proposal.tranche_id for view in scene.proposals}
    waiting = scene.in_status(RequestStatus.SUBMITTED, RequestStatus.UNDER_ASSESSMENT)
    asked = {details.tranche_id for details in waiting}
    for tranche in scene.tranches:
        if tranche.id in asked and tranche.id not in taken:
            return Found({}, {"trancheId": str(tranche.id), "requestIds": []})
    interim = [details for details in waiting if details.consented_at is not None]
    details = _pick(interim)
    if details is None:
        return None
    return Found(
        {},
        {
            "trancheId": None,
            "requestIds": [str(details.id)],
            "title": f"Voorstel tussentijdse aanvraag {details.reference}",
        },
    )


def _draft_proposal(turn: int) -> Find:
    """Return the finder of HR's draft on interim requests, which wait for no closing day."""

    def find(scene: Scene) -> Found | None:
        drafts = [
            view
            for view in _proposals(scene, ProposalStatus.DRAFT)
            if view.proposal.tranche_id is None
            and view.items
            and all(details.assessment_complete for details in view.requests.values())
        ]
        view = _pick(drafts, turn)
        return None if view is None else Found({"proposalId": view.proposal.id})

    return find


def _items_anew(scene: Scene) -> Found | None:
    found = _draft_proposal(1)(scene)
    if found is None:
        return None
    view = next(one for one in scene.proposals if one.proposal.id == found.parameters["proposalId"])
    items = [
        {
            "requestId": str(item.request_id),
            "advice": Outcome.GRANTED.value,
            "motivation": "Wettelijk verplicht; past in de norm.",
        }
        for item in view.items
    ]
    return replace(found, body={"items": items})


def _before_the_mt(scene: Scene) -> Found | None:
    view = _pick(_proposals(scene, ProposalStatus.SUBMITTED))
    return None if view is None else Found({"proposalId": view.proposal.id})


def _to_decide(scene: Scene) -> Found | None:
    """Return what HR advises to grant without a condition: that fits the norm and the means."""
    fitting = [
        (item.working_minutes, view, item)
        for view in _proposals(scene, ProposalStatus.SUBMITTED)
        for item in view.items
        if item.id not in view.decided
        and item.advice == Outcome.GRANTED
        and item.conditions is None
        and _takes_no_part(view.requests[item.request_id], scene, "mt")
    ]
    if not fitting:
        return None
    _minutes, view, item = min(fitting, key=lambda one: (one[0], one[2].rank))
    return Found(
        {"proposalId": view.proposal.id},
        {
            "adoptRest": False,
            "items": [{"requestId": str(item.request_id), "outcome": Outcome.GRANTED.value}],
            "motivation": "Conform het advies van HR.",
        },
    )


def _to_revise(scene: Scene) -> Found | None:
    decision = scene.to_revise
    if decision is None:
        return None
    rejected = decision.outcome == Outcome.REJECTED
    return Found(
        {"decisionId": decision.id},
        {
            "outcome": (Outcome.DEFERRED if rejected else Outcome.REJECTED).value,
            "motivation": "Op verzoek van de leidinggevende opnieuw gewogen.",
        },
    )


def _a_decision(scene: Scene) -> Found | None:
    decision = _pick(scene.decisions)
    return None if decision is None else Found({"decisionId": decision.id})


def _promise(scene: Scene) -> Found:
    person = scene.led_by("manager")[-1]
    starts_on = add_months(_next_month(scene), 2)
    return Found(
        {},
        {
            "items": [
                {
                    "reference": f"TOEZEGGING-{_fresh()}",
                    "title": "Werken met het nieuwe zaaksysteem",
                    "provider": "Leverancier van het zaaksysteem",
                    "personnelNumbers": [person.employee.personnel_number],
                    "startsOn": starts_on.isoformat(),
                    "endsOn": (starts_on + timedelta(days=27)).isoformat(),
                    "amountCents": 24_500,
                    "minutesPerParticipant": 240,
                    "basis": "necessary_for_function",
                    "source": "Toezegging van het afdelingshoofd, brief van 3 oktober 2025.",
                }
            ]
        },
    )


# --- Hours --------------------------------------------------------------------------------------


def _own_hours(scene: Scene) -> Found:
    return Found({"employeeId": scene.person("employee"), "calendarYear": scene.today.year})


def _exception(scene: Scene) -> Found:
    return Found(
        {},
        {
            "employeeId": str(scene.led_by("manager")[0].employee.id),
            "calendarYear": scene.today.year + 1,
            "minutes": 240,
            "discussedOn": scene.today.isoformat(),
        },
    )


def _reserved_request(scene: Scene) -> Found | None:
    details = _pick(scene.in_status(*_GRANTED))
    return None if details is None else Found({"requestId": details.id})


def _recorded_sitting(scene: Scene) -> Found | None:
    if scene.attended is None:
        return None
    return Found({"requestId": scene.attended.request_id, "sessionId": scene.attended.session_id})


def _unrecorded_sitting(scene: Scene) -> Found | None:
    sitting = scene.unrecorded
    if sitting is None:
        return None
    return Found(
        {"requestId": sitting.request.id, "sessionId": sitting.session.id},
        {
            "attended": [
                {
                    "employeeId": str(sitting.employee_id),
                    "attendedMinutes": sitting.session.minutes,
                }
            ]
        },
    )


def _to_correct(scene: Scene) -> Found | None:
    attended = scene.attended
    if attended is None:
        return None
    half = attended.planned_minutes // 2
    minutes = half if attended.attended_minutes != half else half - 1
    return Found({"attendanceId": attended.id}, {"attendedMinutes": minutes})


def _capacity(scene: Scene) -> Found:
    first = scene.today.replace(day=1)
    return Found(
        {
            "teamId": _a_colleague(scene).placed.placement.assignment.team_id,
            "from": first,
            "until": add_months(first, _MONTHS_OF_CAPACITY) - timedelta(days=1),
            "per": "month",
        }
    )


# --- People -------------------------------------------------------------------------------------


def _a_colleague(scene: Scene) -> EmployeeView:
    return scene.led_by("manager")[0]


def _team(scene: Scene) -> Found:
    return Found({"teamId": _a_colleague(scene).placed.placement.assignment.team_id})


def _function(scene: Scene) -> Found:
    return Found({"functionId": _a_colleague(scene).placed.placement.assignment.function_id})


def _colleague(scene: Scene) -> Found:
    return Found({"employeeId": _a_colleague(scene).employee.id})


def _work_of(view: EmployeeView) -> Json:
    """Return where somebody works, as the body of a placement has it."""
    assignment = view.placed.placement.assignment
    return {
        "teamId": str(assignment.team_id),
        "functionId": str(assignment.function_id),
        "managerId": None if assignment.manager_id is None else str(assignment.manager_id),
    }


def _newcomer(scene: Scene) -> Found:
    fresh = _fresh()
    return Found(
        {},
        {
            **_work_of(_a_colleague(scene)),
            "personnelNumber": f"3{fresh}",
            "email": f"noor.vandermeulen{fresh}@od-voorbeeld.example",
            "hiredOn": _next_month(scene).isoformat(),
        },
    )


def _corrected(scene: Scene) -> Found:
    employee = _a_colleague(scene).employee
    return Found({"employeeId": employee.id}, {"email": f"collega{_fresh()}@od-voorbeeld.example"})


def _returning(scene: Scene) -> Found | None:
    owing = {row.employee_id for row in scene.claims}
    gone = [
        end
        for end in scene.ends.values()
        if end.left_on < scene.today and end.employee_id not in owing
    ]
    end = _pick(gone)
    if end is None:
        return None
    return Found(
        {"employeeId": end.employee_id},
        {**_work_of(_a_colleague(scene)), "hiredOn": _next_month(scene).isoformat()},
    )


def _placed_anew(scene: Scene) -> Found:
    view = scene.led_by("manager")[-1]
    return Found(
        {"employeeId": view.employee.id},
        {
            **_work_of(view),
            "contractMinutesPerWeek": 1920,
            "validFrom": _next_month(scene).isoformat(),
        },
    )


def _leaving(scene: Scene) -> Found | None:
    """Return somebody who can leave without much ado: leads nobody, and takes part in nothing."""
    leading = {view.placed.placement.assignment.manager_id for view in scene.people.values()}
    busy = {person for details in scene.requests for person in details.participant_ids}
    able = [view for view in scene.staying if view.employee.id not in leading | busy]
    view = _pick(able, -1)
    if view is None:
        return None
    last_day = add_months(_next_month(scene), 2) - timedelta(days=1)
    return Found({"employeeId": view.employee.id}, {"leftOn": last_day.isoformat()})


def _staying_after_all(scene: Scene) -> Found | None:
    owing = {row.employee_id for row in scene.claims}
    announced = [
        end
        for end in scene.ends.values()
        if end.left_on > scene.today and end.employee_id not in owing
    ]
    end = _pick(announced, -1)
    return None if end is None else Found({"employeeId": end.employee_id})


def _people_to_import(scene: Scene) -> Found:
    fresh, first_day = _fresh(), _next_month(scene)
    colleague = _a_colleague(scene)
    placed = colleague.placed
    manager = scene.people[scene.person("manager")].employee.personnel_number
    row = {
        "personnelNumber": f"4{fresh}",
        "givenName": "Sanne",
        "infix": "van der",
        "familyName": "Berg",
        "email": f"sanne.vanderberg{fresh}@od-voorbeeld.example",
        "bornOn": "1991-04-12",
        "educationLevel": "hbo",
        "department": placed.department,
        "team": placed.team_name,
        "function": placed.function_name,
        "managerNumber": manager,
        "hiredOn": first_day.isoformat(),
        "kind": "permanent",
        "contractMinutesPerWeek": 2160,
    }
    line = (
        f"5{fresh};Daan;;Bakker;daan.bakker{fresh}@od-voorbeeld.example;30-11-1987;"
        f"{placed.department};{placed.team_name};{placed.function_name};{manager};"
        f"{first_day:%d-%m-%Y};;36,00;vast;hbo"
    )
    return Found({}, [row], f"{_PEOPLE_HEAD}\r\n{line}\r\n")


def _requests_to_import(scene: Scene) -> Found:
    fresh, number = _fresh(), _a_colleague(scene).employee.personnel_number
    starts_on = add_months(_next_month(scene), 10)
    ends_on, talked_on = starts_on + timedelta(days=27), scene.today - timedelta(days=20)
    title, provider = "Ecologie: soortenbescherming basis", "Natuuracademie"
    row = {
        "reference": f"LIJST-{fresh}-1",
        "personnelNumbers": [number],
        "title": title,
        "provider": provider,
        "startsOn": starts_on.isoformat(),
        "endsOn": ends_on.isoformat(),
        "amountCents": 119_000,
        "vatBasisPoints": 2100,
        "workingMinutes": 1440,
        "basis": "necessary_for_function",
        "motivation": "Nodig voor behoud bevoegdheid",
        "conversationOn": talked_on.isoformat(),
        "submittedAt": (scene.now - timedelta(days=1)).isoformat(timespec="seconds"),
    }
    line = (
        f"LIJST-{fresh}-2;{number};{title};{provider};{starts_on:%d-%m-%Y};{ends_on:%d-%m-%Y};"
        f"1.190,00;21;24;0;Functiegebonden;Nodig voor behoud bevoegdheid;{talked_on:%d-%m-%Y};"
        f"{scene.today - timedelta(days=1):%d-%m-%Y} 09:30"
    )
    return Found({}, [row], f"{_REQUESTS_HEAD}\r\n{line}\r\n")


_PEOPLE_HEAD = (
    "Personeelsnummer;Voornaam;Tussenvoegsel;Achternaam;E-mail werk;Geboortedatum;Afdeling;Team;"
    "Functie;Leidinggevende (persnr);Datum in dienst;Datum uit dienst;Uren per week;"
    "Soort dienstverband;Opleidingsniveau"
)
_REQUESTS_HEAD = (
    "Aanvraag;Personeelsnummer(s);Opleiding;Opleider;Startdatum;Einddatum;"
    "Kosten (excl. btw, p.p.);Btw %;Uren werktijd;Uren eigen tijd;Grondslag;Motivering;"
    "Gesprek op;Ingediend op"
)


# --- Agreements and repayment -------------------------------------------------------------------


def _own_agreement(scene: Scene) -> Found | None:
    employee = scene.person("employee")
    own = [
        row
        for row in scene.agreements
        if row.employee_id == employee and row.status != AgreementStatus.REQUIRED
    ]
    row = _pick(own, -1)
    return None if row is None else Found({"agreementId": row.id})


def _repaid(scene: Scene) -> Found | None:
    found = _own_agreement(scene)
    leaves_on = add_months(scene.today, 3)
    return found and replace(found, parameters={**found.parameters, "leavesOn": leaves_on})


def _to_draw_up(scene: Scene) -> Found | None:
    ahead = {details.id for details in scene.requests if details.starts_on > scene.today}
    required = [
        row
        for row in scene.agreements
        if row.status == AgreementStatus.REQUIRED and row.request_id in ahead
    ]
    row = _pick(required)
    return None if row is None else Found({"agreementId": row.id}, {"subsidiesCents": 0})


def _to_sign(scene: Scene) -> Found | None:
    """Return what a persona signs next: the employee first, then the manager."""
    for details in scene.to_sign:
        row = details.row
        if details.starts_on <= scene.today:
            continue
        signer = row.employee_id if row.status == AgreementStatus.DRAWN_UP else row.manager_id
        for persona in ("employee", "manager"):
            if scene.person(persona) == signer:
                return Found(
                    {"agreementId": row.id},
                    {"documentSha256": row.document_sha256},
                    persona=persona,
                )
    return None


def _claim(status: ClaimStatus, turn: int, body: Mapping[str, object] | None = None) -> Find:
    def find(scene: Scene) -> Found | None:
        claims = [row for row in scene.claims if row.status == status]
        row = _pick(claims, turn)
        return None if row is None else Found({"claimId": row.id}, body)

    return find


def _to_payroll(scene: Scene) -> Found | None:
    claims = [row for row in scene.claims if row.status == ClaimStatus.DUE]
    row = _pick(claims, -1)
    if row is None:
        return None
    body = {"costMadeCents": row.amount_cents, "payrollReference": f"SAL-{_fresh()}"}
    return Found({"claimId": row.id}, body)


# --- Means --------------------------------------------------------------------------------------


def _a_year_of_means(scene: Scene) -> Found | None:
    room = _pick(scene.budgets)
    return None if room is None else Found({"budgetYear": room.year})


def _more_means(scene: Scene) -> Found:
    year, means = scene.today.year + 1, 0
    if scene.budgets:
        year, means = scene.budgets[0].year, scene.budgets[0].means_cents
    return Found({"budgetYear": year}, {"amountCents": means + 1_000_000})


def _open_commitment(scene: Scene) -> Found | None:
    commitment = max(scene.commitments, key=lambda one: one.open_cents, default=None)
    return None if commitment is None else Found({"commitmentId": commitment.id})


def _invoice(scene: Scene) -> Found | None:
    commitment = max(scene.commitments, key=lambda one: one.open_cents, default=None)
    if commitment is None:
        return None
    return Found(
        {"commitmentId": commitment.id},
        {
            "amountCents": max(commitment.open_cents // 10, 1),
            "invoiceReference": f"F{scene.today.year}-{_fresh()}",
            "invoicedOn": scene.today.isoformat(),
            "final": False,
        },
    )


# --- Policy -------------------------------------------------------------------------------------


def _a_policy(scene: Scene) -> Found | None:
    version = _pick(scene.policies)
    return None if version is None else Found({"policyVersionId": version.id})


def _policy_text(scene: Scene) -> Json:
    year = max((version.valid_from.year for version in scene.policies), default=0) + 1
    return {
        "title": f"Beleid leren en ontwikkelen {year}",
        "validFrom": date(year, 1, 1).isoformat(),
    }


def _new_policy(scene: Scene) -> Found:
    return Found({}, _policy_text(scene))


def _drafted_policies(scene: Scene) -> list[Found]:
    """Return the drafts that can go live, by their first day."""
    live_until = max(
        (one.valid_from for one in scene.policies if one.status is PolicyStatus.LIVE),
        default=date.min,
    )
    return [
        Found({"policyVersionId": one.id})
        for one in scene.policies
        if one.status is PolicyStatus.DRAFT
        and one.valid_from > live_until
        and one.settings.consent_reference is not None
    ]


def _policy_anew(scene: Scene) -> Found | None:
    found = _pick(_drafted_policies(scene), -1)
    return found and replace(found, body=_policy_text(scene))


def _policy_to_activate(scene: Scene) -> Found | None:
    return _pick(_drafted_policies(scene))


# --- The table ----------------------------------------------------------------------------------


def _soon(scene: Scene) -> Found:
    # A minute on, for a clock that is set back has decisions that overtake each other.
    soon = scene.now + timedelta(minutes=1)
    return Found({}, {"nowAt": soon.isoformat(timespec="seconds").replace("+00:00", "Z")})


def _on_today(scene: Scene) -> Found:
    return Found({"on": scene.today})


def _new_name(body: Mapping[str, object]) -> Find:
    return lambda _scene: Found({}, {**body, "name": f"{body['name']} {_fresh()}"})


_TABLE: Mapping[str, tuple[str, Find]] = {
    "getMe": ("employee", _with()),
    "listTeams": ("employee", _with()),
    "addTeam": ("admin", _new_name({"department": "Toezicht", "name": "Projectteam"})),
    "getTeam": ("employee", _team),
    "listFunctions": ("employee", _with()),
    "addFunction": ("admin", _new_name({"name": "Adviseur bodem"})),
    "getFunction": ("employee", _function),
    "listEmployees": ("hr", _with()),
    "hireEmployee": ("hr", _newcomer),
    "getEmployee": ("manager", _colleague),
    "correctEmployee": ("hr", _corrected),
    "listEmployments": ("manager", _colleague),
    "rehireEmployee": ("hr", _returning),
    "placeEmployee": ("hr", _placed_anew),
    "importEmployees": ("hris", _people_to_import),
    "importRequests": ("hr", _requests_to_import),
    "getOrganisation": ("employee", _with()),
    "listPolicyVersions": ("employee", _with()),
    "draftPolicyVersion": ("admin", _new_policy),
    "getPolicyInForce": ("employee", _on_today),
    "getPolicyVersion": ("employee", _a_policy),
    "replacePolicyVersion": ("admin", _policy_anew),
    "activatePolicyVersion": ("mt", _policy_to_activate),
    "listTranches": ("manager", _with()),
    "getTranche": ("manager", _latest_tranche),
    "getTrancheOverview": ("hr", _latest_tranche),
    "listRequests": ("manager", _with()),
    "draftRequest": ("manager", _new_request),
    "getRequest": ("employee", _own_request),
    "changeRequest": ("manager", _changed_draft),
    "endorseRequest": ("manager", _to_endorse),
    "submitRequest": ("manager", _managers_draft(0)),
    "withdrawRequest": ("manager", _managers_draft(2)),
    "consentToRequest": ("mt", _interim(0)),
    "refuseRequest": ("mt", _interim(-1)),
    "listClassifications": ("employee", _own_request),
    "classifyRequest": ("hr", _waiting(-1)),
    "getAssessment": ("hr", _waiting(0)),
    "assessRequest": ("hr", _waiting(0)),
    "completeRequest": ("hr", _ended),
    "cancelRequest": ("hr", _to_cancel),
    "draftProposal": ("hr", _new_proposal),
    "listProposals": ("mt", _with()),
    "getProposal": ("mt", _before_the_mt),
    "replaceProposalItems": ("hr", _items_anew),
    "submitProposal": ("hr", _draft_proposal(0)),
    "tryDecisions": ("mt", _before_the_mt),
    "decide": ("mt", _to_decide),
    "listDecisions": ("mt", _with()),
    "getDecision": ("mt", _a_decision),
    "reviseDecision": ("mt", _to_revise),
    "settleExistingCommitments": ("mt", _promise),
    "listBudgets": ("mt", _with()),
    "getBudget": ("mt", _a_year_of_means),
    "setMeans": ("mt", _more_means),
    "listMeans": ("mt", _a_year_of_means),
    "listCommitments": ("hr", _a_year_of_means),
    "getCommitment": ("hr", _open_commitment),
    "bookActual": ("hr", _invoice),
    "listActuals": ("hr", _open_commitment),
    "getHourLedger": ("employee", _own_hours),
    "listHourEntries": ("employee", _own_hours),
    "listHourExceptions": ("hr", _with()),
    "grantHourException": ("mt", _exception),
    "listHourReservations": ("hr", _reserved_request),
    "listAttendances": ("hr", _recorded_sitting),
    "recordAttendances": ("hr", _unrecorded_sitting),
    "correctAttendance": ("hr", _to_correct),
    "getCapacity": ("manager", _capacity),
    "listAgreements": ("employee", _with()),
    "getAgreement": ("employee", _own_agreement),
    "drawUpAgreement": ("hr", _to_draw_up),
    "getAgreementDocument": ("employee", _own_agreement),
    "signAgreement": ("employee", _to_sign),
    "getAgreementRepayment": ("employee", _repaid),
    "endEmployment": ("hr", _leaving),
    "withdrawEmploymentEnd": ("hr", _staying_after_all),
    "listRepaymentClaims": ("hr", _with()),
    "getRepaymentClaim": ("hr", _claim(ClaimStatus.DUE, 0)),
    "confirmRepaymentClaim": ("hr", _claim(ClaimStatus.AWAITING_CONFIRMATION, 0)),
    "waiveRepaymentClaim": ("mt", _claim(ClaimStatus.DUE, 0)),
    "exportRepaymentClaim": ("hr", _to_payroll),
    "listAuditEntries": ("auditor", _with()),
    "getAuditHead": ("auditor", _with()),
    "getDemoClock": ("employee", _with()),
    "setDemoClock": ("hr", _soon),
}
