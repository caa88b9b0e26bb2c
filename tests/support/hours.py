"""Hours for tests: people, a training with sessions, and what a grant reserves for them."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Protocol
from uuid import UUID, uuid4

from sqlalchemy import select

from app.db.models import AuditEntry
from app.db.session import Database
from app.db.work import Work
from app.hours.rules import ExceptionGround, HourRoom, Reservation
from app.hours.service import HourService
from app.kernel.actors import Actor, Role
from app.kernel.identifiers import new_id
from app.kernel.quantities import Cents, Minutes
from app.ledger.rules import Difference
from app.ledger.service import LedgerService
from app.people.rules import EmployeeRow
from app.policy.rules import Criterion, OrganisationKind
from app.policy.schemas import PolicyVersionIn
from app.policy.service import PolicyService
from app.requests.rules import (
    CostLine,
    Draft,
    Ground,
    RequestDetails,
    TrainingBasis,
    TrainingKind,
    TrainingSession,
)
from app.requests.service import RequestService
from tests.support.organisations import (
    FOUNDED_AT,
    Organisation,
    enter_in_directory,
    policy_settings,
)
from tests.support.people import hire
from tests.support.trail import write_now

NORM = 4800  # 80 hours, as ODWH has it
IN_2027 = datetime(2027, 6, 14, 8, 0, tzinfo=UTC)
IN_2028 = datetime(2028, 1, 10, 8, 0, tzinfo=UTC)


class OpenWork(Protocol):
    def __call__(
        self, actor: Actor | None = None, *, now: datetime | None = None
    ) -> AbstractAsyncContextManager[Work]: ...


@dataclass(frozen=True, slots=True)
class Staff:
    """A manager with a team of two, and someone of another team under nobody of them."""

    manager: EmployeeRow
    noor: EmployeeRow
    idris: EmployeeRow
    elsewhere: EmployeeRow


async def staffed(work: Work) -> Staff:
    """Hire the people of these tests."""
    manager = await hire(work, given_name="Renske", team="Leiding")
    return Staff(
        manager=manager,
        noor=await hire(work, given_name="Noor", manager=manager),
        idris=await hire(work, given_name="Idris", manager=manager, contract_minutes_per_week=1440),
        elsewhere=await hire(work, given_name="Jelle", team="Bedrijfsvoering"),
    )


def session(held_on: date, minutes: int = 480, *, working_time: bool = True) -> TrainingSession:
    """Return a session of eight hours, by default within working time."""
    return TrainingSession(new_id(), held_on, Minutes(minutes), working_time=working_time)


async def planned(
    work: Work, participants: Sequence[EmployeeRow], *sessions: TrainingSession
) -> RequestDetails:
    """Return a training request as a draft, with these sessions for each participant."""
    days = [one.held_on for one in sessions]
    return await RequestService(work).draft(
        Draft(
            title="Leergang omgevingsrecht",
            provider="Bestuursacademie",
            kind=TrainingKind.EDUCATION,
            starts_on=min(days),
            ends_on=max(days),
            motivation="Verdieping in het omgevingsrecht.",
            conversation_on=date(2026, 3, 2),
            basis=TrainingBasis.VOLUNTARY,
            basis_source=None,
            basis_reason=None,
            participant_ids=tuple(one.id for one in participants),
            sessions=tuple(sessions),
            cost_lines=(CostLine("cursusgeld", Cents(90_000), Cents(0), per_participant=True),),
            grounds=(Ground(Criterion.TEAM_AND_FUNCTION, "Het team heeft deze kennis nodig."),),
        )
    )


def reservations(details: RequestDetails) -> list[Reservation]:
    """Return what a grant of the whole request reserves."""
    return [
        Reservation(
            request_id=details.id,
            employee_id=participant.employee_id,
            session_id=one.id,
            held_on=one.held_on,
            minutes=one.minutes,
            working_time=one.working_time,
        )
        for participant in details.participants
        for one in details.sessions
    ]


async def reserved(
    work: Work, participants: Sequence[EmployeeRow], *sessions: TrainingSession
) -> RequestDetails:
    """Plan a training and reserve its hours, as the decision that grants it does."""
    details = await planned(work, participants, *sessions)
    await HourService(work).reserve(reservations(details), decision_id=new_id())
    return details


async def excepted(work: Work, employee: EmployeeRow, year: int, minutes: int) -> UUID:
    """Let someone pass the norm of a year; ``work`` is the MT's."""
    exception = await HourService(work).grant_exception(
        employee.id,
        calendar_year=year,
        minutes=Minutes(minutes),
        ground=ExceptionGround.LEGAL_REQUIREMENT,
        reason="Hercertificering valt in dit jaar.",
        discussed_on=work.today,
    )
    return exception.id


async def room_of(work: Work, employee: EmployeeRow, year: int) -> HourRoom:
    """Return one employee's room in a year, as anybody reads it."""
    rooms = await HourService(work).rooms([(employee.id, year)])
    return rooms[employee.id, year]


async def differences(open_work: OpenWork) -> list[Difference]:
    """Return where the ledger's counters are not what its transfers make of them."""
    async with open_work() as work:
        return await LedgerService(work).verify()


async def activate(work: Work, valid_from: date, **choices: object) -> UUID:
    """Let a further policy version go live; ``choices`` are what it lays down otherwise."""
    policies = PolicyService(work)
    drafted = await policies.draft(
        PolicyVersionIn(
            title=f"Beleid vanaf {valid_from}",
            valid_from=valid_from,
            settings=policy_settings(**choices),
        )
    )
    return (await policies.activate(drafted.id, expected=None)).id


async def founded(database: Database, **choices: object) -> Organisation:
    """Found an organisation with the policy of 2026 alone, by which the norm warns."""
    organisation = await enter_in_directory(database)
    founder = Actor(organisation.id, "founder", frozenset({Role.ADMIN, Role.MT}))
    async with database.work(founder, FOUNDED_AT, "test") as work:
        await PolicyService(work).found_organisation(
            name="Omgevingsdienst Test", kind=OrganisationKind.EMPLOYER
        )
        await activate(work, date(2026, 1, 1), **{"norm_binding": False, **choices})
    return organisation


async def audited(work: Work, action: str) -> Sequence[AuditEntry]:
    """Return the audit rows of one action, in order; those of this work too."""
    await write_now(work)
    found = await work.session.scalars(
        select(AuditEntry)
        .where(
            AuditEntry.organisation_id == work.organisation_id,
            AuditEntry.action == action,
        )
        .order_by(AuditEntry.id)
    )
    return found.all()


def keyed(headers: dict[str, str]) -> dict[str, str]:
    """Return headers with an idempotency key of their own."""
    return {**headers, "Idempotency-Key": str(uuid4())}


def exception(employee: EmployeeRow, **changes: object) -> dict[str, Any]:
    """Return an exception as the MT decides on it over HTTP: ten hours in 2027."""
    return {
        "employeeId": str(employee.id),
        "calendarYear": 2027,
        "minutes": 600,
        "ground": "function_requirement",
        "reason": "Kwaliteitscriteria vragen dit jaar twee cursussen.",
        "discussedOn": "2026-06-15",
        **changes,
    }
