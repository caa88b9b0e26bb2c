"""Where it happens: three small organisations that know nothing of each other.

Every text of the third carries a mark; nobody of the others may ever read a byte of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from app.budgets.service import BudgetService
from app.db.session import Database
from app.db.work import Work
from app.decisions.service import DecisionService, Promise
from app.http.demo_issuer import ORGANISATION_CLAIM, PERSON_CLAIM, ROLES_CLAIM, SigningIssuer
from app.kernel.actors import Actor, Role
from app.kernel.pages import PageOf
from app.kernel.quantities import Cents, Minutes
from app.requests.rules import TrainingBasis
from app.requests.service import RequestService
from tests.support.organisations import found_organisation
from tests.support.people import hire

# After the second tranche of 2027 has closed; the norm binds in that year.
NOW = datetime(2027, 7, 20, 9, 0, tzinfo=UTC)
YEAR = NOW.year
MARK = "KANARIE7Q"
# Whoever did what was there before the service ran.
FOUNDER = "founder"
_HELD_ON = date(YEAR, 1, 11)
_GRANTED = 100
_MINUTES = Minutes(45)
_TOKEN_SECONDS = 6 * 3600
_TEAM = 4


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    number: str


@dataclass(frozen=True, slots=True)
class Scene:
    """An organisation: who works there, and a token for each who does something.

    Tokens go by what they are for: ``hr-1``, ``mt-2``, ``manager-1``, ``employee-3``. The same
    names sign in everywhere, so that only the organisation tells their keys apart.
    """

    slug: str
    id: str
    mark: str
    staff: Mapping[str, Person]
    tokens: Mapping[str, str]
    # What was granted before it begins: (request, session, employee, minutes), and commitments.
    sessions: Sequence[tuple[str, str, str, int]]
    commitments: Sequence[str]

    @property
    def employees(self) -> list[str]:
        return [person.id for name, person in self.staff.items() if name.startswith("employee")]

    def led_by(self, manager: str) -> list[str]:
        """Return the ids of a manager's people: the first team is the first one's, and so on."""
        team = int(manager.rpartition("-")[2]) - 1
        return self.employees[team * _TEAM : (team + 1) * _TEAM]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> "Scene":
        return cls(
            slug=told["slug"],
            id=told["id"],
            mark=told["mark"],
            staff={name: Person(**person) for name, person in told["staff"].items()},
            tokens=told["tokens"],
            sessions=[tuple(one) for one in told["sessions"]],
            commitments=told["commitments"],
        )


async def set_up(database: Database, issuer: SigningIssuer) -> Sequence[Scene]:
    """Found the organisations and sign everybody in."""
    return [
        await _organisation(database, issuer, slug, mark)
        for slug, mark in (("noord", ""), ("zuid", ""), ("kanarie7q", MARK))
    ]


async def _organisation(database: Database, issuer: SigningIssuer, slug: str, mark: str) -> Scene:
    organisation = await found_organisation(database, slug=slug, name=f"Dienst {slug} {mark}")
    hr = Actor(organisation.id, FOUNDER, frozenset({Role.HR}))
    staff: dict[str, Person] = {}
    async with database.work(hr, NOW, "fire") as work:
        number = 0

        async def join(name: str, manager: Any, team: str) -> Any:  # noqa: ANN401 - a row
            nonlocal number
            number += 1
            row = await hire(
                work,
                number=f"{number:06d}{mark}",
                given_name=f"Noor {mark}".strip(),
                family_name=f"Meulen{mark}{number}",
                manager=manager,
                team=f"{team} {mark}".strip(),
                function=f"Adviseur {mark}".strip(),
            )
            staff[name] = Person(str(row.id), row.personnel_number)
            return row

        director = await join("mt-1", None, "Directie")
        await join("mt-2", director, "Directie")
        await join("hr-1", director, "Directie")
        await join("hr-2", director, "Directie")
        for lead in (1, 2):
            manager = await join(f"manager-{lead}", director, f"Team {lead}")
            for member in range(1, _TEAM + 1):
                await join(f"employee-{(lead - 1) * _TEAM + member}", manager, f"Team {lead}")
    employees = [staff[name] for name in staff if name.startswith("employee")]
    mt = Actor(organisation.id, FOUNDER, frozenset({Role.MT}), UUID(staff["mt-1"].id))
    async with database.work(mt, NOW, "fire") as work:
        sessions, commitments = await _granted(work, employees, mark)
    return Scene(
        slug=slug,
        id=str(organisation.id),
        mark=mark,
        staff=staff,
        tokens={
            **{name: _token(issuer, slug, name, person) for name, person in staff.items()},
            "auditor-1": _token(issuer, slug, "auditor-1", None),
        },
        sessions=sessions,
        commitments=commitments,
    )


async def _granted(
    work: Work, employees: Sequence[Person], mark: str
) -> tuple[list[tuple[str, str, str, int]], list[str]]:
    """Grant many short trainings that are over, so that there is attendance to record at once."""
    await BudgetService(work).set_means(
        YEAR, amount_cents=Cents(6_000_000), motivation=f"Begroting {mark}."
    )
    decisions = await DecisionService(work).settle_existing(
        [
            Promise(
                reference=f"F{number}",
                title=f"Toezegging {number} {mark}".strip(),
                provider=f"Opleider {mark}".strip(),
                personnel_numbers=tuple(
                    employees[(number + step) % len(employees)].number for step in (0, 1, 3)
                ),
                starts_on=_HELD_ON + timedelta(days=number),
                ends_on=_HELD_ON + timedelta(days=number),
                amount_cents=Cents(6_000),
                minutes_per_participant=_MINUTES,
                basis=TrainingBasis.NECESSARY_FOR_FUNCTION,
                source=f"Brief van oktober {mark}.",
            )
            for number in range(_GRANTED)
        ]
    )
    found = await RequestService(work).details([one.request_id for one in decisions])
    sessions = [
        (str(details.id), str(session.id), str(employee), int(session.minutes))
        for details in found.values()
        for session in details.sessions
        for employee in details.participant_ids
    ]
    page = await BudgetService(work).commitments(
        year=YEAR, request_id=None, page=PageOf(limit=_GRANTED)
    )
    return sessions, [str(one.id) for one in page.items]


_ROLES = {"mt": Role.MT, "hr": Role.HR, "manager": Role.MANAGER, "auditor": Role.AUDITOR}


def _token(issuer: SigningIssuer, slug: str, name: str, person: Person | None) -> str:
    role = _ROLES.get(name.partition("-")[0], Role.EMPLOYEE)
    claims: dict[str, object] = {ORGANISATION_CLAIM: slug, ROLES_CLAIM: [role.value]}
    if person is not None:
        claims[PERSON_CLAIM] = person.number
    return issuer.token(name, claims, seconds=_TOKEN_SECONDS)
