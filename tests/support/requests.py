"""Requests for tests: who plays a part, and a request taken to where a test begins."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Protocol
from uuid import UUID

import httpx

from app.db.work import Work
from app.kernel.actors import Role
from app.kernel.identifiers import new_id
from app.kernel.quantities import Cents, Minutes
from app.people.rules import EmployeeRow
from app.policy.rules import Criterion, Policy
from app.requests.rules import (
    CostLine,
    Draft,
    Ground,
    Participant,
    Rating,
    RequestAction,
    RequestDetails,
    RequestStatus,
    Score,
    TrainingBasis,
    TrainingKind,
    TrainingSession,
    title_key,
)
from app.requests.service import RequestService
from tests.support.organisations import policy_settings
from tests.support.people import hire

SUBMITTED_AT = datetime(2026, 6, 15, 8, 0, tzinfo=UTC)


class Signer(Protocol):
    def __call__(self, *roles: Role, person: str | None = None) -> dict[str, str]: ...


@dataclass(frozen=True, slots=True)
class Cast:
    """Who works here: a director, two managers under him, and their people."""

    sign_in: Signer
    director: EmployeeRow
    manager: EmployeeRow
    employee: EmployeeRow
    colleague: EmployeeRow
    hr: EmployeeRow
    other_manager: EmployeeRow
    outsider: EmployeeRow

    def headers(self, who: EmployeeRow, *roles: Role) -> dict[str, str]:
        """Return the headers of somebody's requests, by default as an employee."""
        return self.sign_in(*(roles or (Role.EMPLOYEE,)), person=who.personnel_number)

    @property
    def as_manager(self) -> dict[str, str]:
        return self.headers(self.manager, Role.MANAGER)

    @property
    def as_employee(self) -> dict[str, str]:
        return self.headers(self.employee)

    @property
    def as_hr(self) -> dict[str, str]:
        return self.headers(self.hr, Role.HR)

    @property
    def as_mt(self) -> dict[str, str]:
        return self.headers(self.director, Role.MT)


async def cast_of(opened: AbstractAsyncContextManager[Work], sign_in: Signer) -> Cast:
    """Hire a director, two managers, their people and an HR adviser."""
    async with opened as work:
        director = await hire(work, family_name="Sas", function="Directeur", team="Directie")
        manager = await hire(work, family_name="Sloot", manager=director, team="Bodem")
        other = await hire(work, family_name="Vries", manager=director, team="Geluid")
        return Cast(
            sign_in=sign_in,
            director=director,
            manager=manager,
            employee=await hire(work, family_name="Meulen", manager=manager, team="Bodem"),
            colleague=await hire(work, family_name="Boer", manager=manager, team="Bodem"),
            hr=await hire(work, family_name="Dirksen", manager=director, team="Directie"),
            other_manager=other,
            outsider=await hire(work, family_name="Groot", manager=other, team="Geluid"),
        )


def request_body(*participants: EmployeeRow | UUID | str, **members: object) -> dict[str, Any]:
    """Return what a request asks for, in JSON; ``members`` in camelCase take its place."""
    ids = [str(person.id if isinstance(person, EmployeeRow) else person) for person in participants]
    return {
        "title": "Geluid in de Omgevingswet, rekenmethoden",
        "provider": "Geluidsacademie",
        "kind": "course",
        "startsOn": "2026-10-05",
        "endsOn": "2027-02-01",
        "motivation": "Nodig om geluidrapporten zelf te kunnen toetsen.",
        "conversationOn": "2026-03-02",
        "basis": "necessary_for_function",
        "participantIds": ids,
        "sessions": [
            {"heldOn": "2026-10-05", "minutes": 480, "workingTime": True},
            {"heldOn": "2027-02-01", "minutes": 240, "workingTime": True},
            {"heldOn": "2027-02-01", "minutes": 120, "workingTime": False},
        ],
        "costLines": [
            {
                "what": "Cursusgeld",
                "amountCents": 149_000,
                "vatBasisPoints": 2100,
                "perParticipant": True,
            },
            {"what": "Zaalhuur", "amountCents": 50_001, "vatCents": 0, "perParticipant": False},
        ],
        "grounds": [{"criterion": "team_and_function", "motivation": "Het team mist deze kennis."}],
        **members,
    }


def ratings_body(rating: int = 3, *, leave_out: Sequence[Criterion] = ()) -> dict[str, Any]:
    """Return an assessment with the same rating on every criterion."""
    return {
        "ratings": [
            {"criterion": criterion.value, "rating": rating, "motivation": "Draagt hieraan bij."}
            for criterion in Criterion
            if criterion not in leave_out
        ]
    }


async def drafted(
    client: httpx.AsyncClient, headers: Mapping[str, str], body: Mapping[str, Any]
) -> dict[str, Any]:
    """Draft a request over HTTP and return it."""
    answer = await client.post("/requests", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def step(
    client: httpx.AsyncClient,
    headers: Mapping[str, str],
    request_id: str,
    name: str,
    body: Mapping[str, Any] | None = None,
    *,
    if_match: str = "*",
) -> httpx.Response:
    """Take a step with a request over HTTP and return the answer, whatever it is."""
    return await client.post(
        f"/requests/{request_id}/{name}",
        json={} if body is None else body,
        headers={**headers, "If-Match": if_match},
    )


async def submitted(
    client: httpx.AsyncClient, headers: Mapping[str, str], body: Mapping[str, Any]
) -> dict[str, Any]:
    """Draft and submit a request over HTTP, and return it."""
    request = await drafted(client, headers, body)
    answer = await step(client, headers, request["id"], "submission")
    assert answer.status_code == 200, answer.text
    return answer.json()["request"]


async def assess(
    client: httpx.AsyncClient,
    headers: Mapping[str, str],
    request_id: str,
    body: Mapping[str, Any],
    *,
    if_match: str = "*",
) -> httpx.Response:
    """Assess a request over HTTP and return the answer, whatever it is."""
    return await client.put(
        f"/requests/{request_id}/assessment",
        json=body,
        headers={**headers, "If-Match": if_match},
    )


async def moved(
    opened: AbstractAsyncContextManager[Work], request_id: str, *actions: RequestAction
) -> RequestDetails:
    """Take steps that belong to proposals and decisions, without those; return the request."""
    async with opened as work:
        service = RequestService(work)
        for action in actions:
            await service.apply(UUID(request_id), action)
        return (await service.details([UUID(request_id)]))[UUID(request_id)]


def odwh_policy(**changes: object) -> Policy:
    """Return ODWH's policy as a value, with other choices where ``changes`` names them."""
    return policy_settings(**changes).as_policy()


def session(
    held_on: date, minutes: int = 480, *, working_time: bool = True, estimated: bool = False
) -> TrainingSession:
    """Return one session of a training."""
    return TrainingSession(new_id(), held_on, Minutes(minutes), working_time, estimated)


def cost(cents: int, vat: int = 0, *, per_participant: bool = True) -> CostLine:
    """Return one cost line, in cents."""
    return CostLine("Cursusgeld", Cents(cents), Cents(vat), per_participant)


def draft(*participants: UUID, **changes: Any) -> Draft:  # noqa: ANN401
    """Return what a request asks for, as a value."""
    values: dict[str, Any] = {
        "title": "Geluid in de Omgevingswet",
        "provider": "Geluidsacademie",
        "kind": TrainingKind.COURSE,
        "starts_on": date(2026, 10, 5),
        "ends_on": date(2027, 2, 1),
        "motivation": "Nodig voor het werk.",
        "conversation_on": None,
        "basis": TrainingBasis.NECESSARY_FOR_FUNCTION,
        "basis_source": None,
        "basis_reason": None,
        "participant_ids": participants or (new_id(),),
        "sessions": (session(date(2026, 10, 5)),),
        "cost_lines": (cost(149_000, 31_290),),
        "grounds": (Ground(Criterion.TEAM_AND_FUNCTION, "Het team mist deze kennis."),),
        **changes,
    }
    return Draft(**values)


def details(**changes: Any) -> RequestDetails:  # noqa: ANN401
    """Return a request as a value, by default one that was just submitted."""
    asked = draft()
    values: dict[str, Any] = {
        "id": new_id(),
        "reference": "A26-2-0001",
        "version": 2,
        "status": RequestStatus.SUBMITTED,
        "tranche_id": new_id(),
        "interim": False,
        "necessity": None,
        "consented_at": None,
        "title": asked.title,
        "title_key": title_key(asked.title),
        "provider": asked.provider,
        "kind": asked.kind,
        "starts_on": asked.starts_on,
        "ends_on": asked.ends_on,
        "motivation": asked.motivation,
        "conversation_on": asked.conversation_on,
        "applicant_id": new_id(),
        "endorsed_by_id": None,
        "endorsed_at": None,
        "submitted_at": SUBMITTED_AT,
        "policy_version_id": new_id(),
        "basis": asked.basis,
        "participants": tuple(Participant(person) for person in asked.participant_ids),
        "sessions": asked.sessions,
        "cost_lines": asked.cost_lines,
        "grounds": asked.grounds,
        "ratings": (),
        "score": None,
        "completed_on": None,
        "cancelled_on": None,
        "outcome": None,
        "closing_reason": None,
        "created_at": SUBMITTED_AT,
        **changes,
    }
    return RequestDetails(**values)


def rated(rating: int = 3, *, leave_out: Sequence[Criterion] = ()) -> tuple[Rating, ...]:
    """Return the same rating on every criterion."""
    return tuple(
        Rating(criterion, rating, "Draagt hieraan bij.")
        for criterion in Criterion
        if criterion not in leave_out
    )


def score(points: int, most_points: int = 64) -> Score:
    """Return a score."""
    return Score(points, most_points)


LIST_HEADER = (
    "Aanvraag;Personeelsnummer(s);Opleiding;Opleider;Startdatum;Einddatum;"
    "Kosten (excl. btw, p.p.);Btw %;Uren werktijd;Uren eigen tijd;Grondslag;Motivering;Gesprek op;"
    "Ingediend op"
)


def list_line(**cells: str) -> str:
    """Return one line of a tranche's list; ``cells`` by Dutch header."""
    values = {
        "Aanvraag": "A26-2-901",
        "Personeelsnummer(s)": "101853",
        "Opleiding": "Ecologie: soortenbescherming basis",
        "Opleider": "Natuuracademie",
        "Startdatum": "21-04-2027",
        "Einddatum": "21-05-2027",
        "Kosten (excl. btw, p.p.)": "1.190,00",
        "Btw %": "21",
        "Uren werktijd": "24",
        "Uren eigen tijd": "0",
        "Grondslag": "Functiegebonden",
        "Motivering": "Nodig voor behoud bevoegdheid",
        "Gesprek op": "",
        "Ingediend op": "11-06-2026 07:51",
        **cells,
    }
    return ";".join(values.values())


def tranche_list(*lines: str, header: str = LIST_HEADER) -> bytes:
    """Return a list of these lines as HR keeps it: byte order mark, CRLF."""
    return ("\ufeff" + "\r\n".join((header, *lines)) + "\r\n").encode()
