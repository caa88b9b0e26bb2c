"""The demo as it is loaded: complete, sound, the same a second time, and open to each persona."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute

from app.agreements.models import Agreement, RepaymentClaim
from app.agreements.rules import AgreementStatus, ClaimStatus
from app.budgets.models import Commitment
from app.budgets.rules import CommitmentStatus
from app.db.chain import seal_all, verify
from app.db.models import AuditEntry
from app.db.session import Database
from app.decisions.models import Proposal, ProposalItem
from app.demo import load
from app.demo.clock import DemoClock
from app.demo.personas import EMPLOYER, OTHER_EMPLOYER, PERSONAS
from app.demo.second import LIST, TOO_LATE
from app.demo.stage import EXPORT, Stage
from app.integrations.hris import service as employees
from app.integrations.hris.service import import_employees
from app.integrations.request_imports import service as requests
from app.integrations.request_imports.service import import_requests
from app.kernel.actors import Actor, Role
from app.ledger.service import LedgerService
from app.main import create_app
from app.people.models import Employee, Team
from app.people.repository import find_person
from app.requests.models import TrainingRequest
from app.requests.repository import RequestRepository
from app.requests.rules import RequestStatus
from app.settings import Settings
from tests.support.database import fresh_database, migrated_database

pytestmark = pytest.mark.slow

# What the list of HR holds, and how many of its requests came in time (VIS-6.1).
LISTED, IN_TIME = 81, 77
SECOND_OF_2026 = "Voorstel opleidingen tweede tranche 2026"
FIRST_OF_2027 = "Voorstel opleidingen eerste tranche 2027"
NOBODY = "nobody"
# After all that the demo tells.
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo in a database of its own, with what the loading said."""

    settings: Settings
    database: Database
    lines: tuple[str, ...]
    employer_id: UUID


def settings_for(database_url: str, data_dir: Path) -> Settings:
    return Settings.model_validate(
        {"database_url": database_url, "data_dir": data_dir, "demo": True, "pool_size": 4}
    )


@pytest.fixture(scope="module")
async def demo(
    server_url: str, demo_as_told: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Demo]:
    loaded, said = demo_as_told
    with fresh_database(server_url, template=loaded) as url:
        settings = settings_for(url, tmp_path_factory.mktemp("demo"))
        database = Database(settings)
        employer_id = await database.find_tenant(EMPLOYER)
        assert employer_id is not None
        yield Demo(settings, database, tuple(said.splitlines()), employer_id)
        await database.close()


@pytest.fixture
def empty(server_url: str, tmp_path: Path) -> Iterator[Settings]:
    """Return settings with a database that nothing was loaded into."""
    with migrated_database(server_url) as url:
        yield settings_for(url, tmp_path)


@pytest.fixture(scope="module")
async def visitor(demo: Demo) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of the service in demo mode, not signed in."""
    app = create_app(demo.settings)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://demo") as client:
            yield client


async def signed_in(visitor: httpx.AsyncClient, persona: str) -> dict[str, str]:
    answer = await visitor.post("/demo/token", data={"username": persona, "password": "demo"})
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def read(visitor: httpx.AsyncClient, persona: str, path: str) -> Any:  # noqa: ANN401 - JSON
    answer = await visitor.get(f"/v1{path}", headers=await signed_in(visitor, persona))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def count(database: Database, organisation_id: UUID, model: type[Any]) -> int:
    async with database.transaction(organisation_id) as session:
        query = select(func.count()).where(model.organisation_id == organisation_id)
        return await session.scalar(query) or 0


async def values(demo: Demo, column: InstrumentedAttribute[str]) -> set[str]:
    """Return every value that a column has in the demo employer's rows."""
    model: Any = column.class_
    async with demo.database.transaction(demo.employer_id) as session:
        query = select(column).where(model.organisation_id == demo.employer_id).distinct()
        return set(await session.scalars(query))


async def test_everybody_of_the_hris_export_is_there_in_fourteen_teams(demo: Demo) -> None:
    assert await count(demo.database, demo.employer_id, Employee) == 243
    assert await count(demo.database, demo.employer_id, Team) == 14


@pytest.mark.rule("VIS-6.1", "VIS-6.3")
async def test_hrs_whole_list_is_assessed_and_before_the_mt_in_the_tranches_it_fell_in(
    demo: Demo,
) -> None:
    references = [f"A26-2-{number:03}" for number in range(1, LISTED + 1)]
    async with demo.database.transaction(demo.employer_id) as session:
        repository = RequestRepository(session, demo.employer_id)
        known = await repository.by_references(references)
        details = await repository.details([found.id for found in known.values()])
        proposals = await session.execute(
            select(ProposalItem.request_id, Proposal.title)
            .join(
                Proposal,
                (Proposal.organisation_id == ProposalItem.organisation_id)
                & (Proposal.id == ProposalItem.proposal_id),
            )
            .where(ProposalItem.organisation_id == demo.employer_id, Proposal.status == "submitted")
        )
        title_of = {row.request_id: row.title for row in proposals}
    assert len(details) == LISTED
    assert all(one.assessment_complete for one in details.values())
    in_time = [one for one in details.values() if title_of[one.id] == SECOND_OF_2026]
    late = {one.reference for one in details.values() if title_of[one.id] == FIRST_OF_2027}
    assert len(in_time) == IN_TIME
    assert late == set(TOO_LATE)
    assert len(late) == LISTED - IN_TIME


async def test_every_status_of_a_request_an_agreement_a_claim_and_a_commitment_occurs(
    demo: Demo,
) -> None:
    assert await values(demo, TrainingRequest.status) == set(RequestStatus)
    assert await values(demo, Agreement.status) == set(AgreementStatus)
    assert await values(demo, RepaymentClaim.status) == set(ClaimStatus)
    assert await values(demo, Commitment.status) == set(CommitmentStatus)


async def test_the_ledger_and_the_audit_trail_of_each_organisation_are_sound(demo: Demo) -> None:
    await seal_all(demo.database)
    organisations = await demo.database.tenants()
    assert len(organisations) == 3
    for organisation_id in organisations:
        trail = await verify(demo.database, organisation_id)
        assert trail.findings == ()
        assert trail.head.position > 0
        actor = Actor(organisation_id, subject=NOBODY, roles=frozenset())
        async with demo.database.work(actor, NOW, "test") as work:
            assert await LedgerService(work).verify() == []


async def test_loading_says_what_it_does_and_a_second_time_there_is_nothing_to_do(
    demo: Demo,
) -> None:
    before = await count(demo.database, demo.employer_id, AuditEntry)
    again: list[str] = []
    await load.load(demo.settings, again.append)
    told = [line.rpartition(" (")[0].strip() for line in demo.lines if line.endswith(" s)")]
    assert told == [step.says for steps in load.HISTORY.values() for step in steps]
    assert again == []
    assert await count(demo.database, demo.employer_id, AuditEntry) == before


async def test_hrs_own_files_hold_nothing_that_the_demo_does_not_know(demo: Demo) -> None:
    actor = Actor(demo.employer_id, subject="hr", roles=frozenset({Role.HR}))
    async with demo.database.work(actor, NOW, "test") as work:
        people = await import_employees(
            work, EXPORT.read_bytes(), employees.ImportOptions(dry_run=True)
        )
        requested = await import_requests(
            work, LIST.read_bytes(), requests.ImportOptions(dry_run=True)
        )
    assert (people.row_count, people.unchanged_count) == (243, 243)
    assert (requested.row_count, requested.unchanged_count) == (LISTED, LISTED)


async def test_a_load_that_was_broken_off_goes_on_where_it_stopped(
    empty: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    founding, asking = load.HISTORY[OTHER_EMPLOYER]

    async def break_off(stage: Stage) -> None:
        await asking.tell(stage)
        raise KeyboardInterrupt

    broken = load.Step(asking.name, asking.says, break_off)
    monkeypatch.setattr(load, "HISTORY", {OTHER_EMPLOYER: (founding, broken)})
    with pytest.raises(KeyboardInterrupt):
        await load.load(empty, lambda _line: None)
    monkeypatch.setattr(load, "HISTORY", {OTHER_EMPLOYER: (founding, asking)})
    lines: list[str] = []
    await load.load(empty, lines.append)
    assert len(lines) == 2
    assert await _requests_of_the_other_employer(empty) == 2


async def test_two_that_load_at_once_load_it_once(
    empty: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "HISTORY", {OTHER_EMPLOYER: load.HISTORY[OTHER_EMPLOYER]})
    await asyncio.gather(*(load.load(empty, lambda _line: None) for _ in range(2)))
    assert await _requests_of_the_other_employer(empty) == 2


async def _requests_of_the_other_employer(settings: Settings) -> int:
    database = Database(settings)
    try:
        [organisation_id] = await database.tenants()
        return await count(database, organisation_id, TrainingRequest)
    finally:
        await database.close()


async def test_each_persona_of_an_employee_is_one(demo: Demo) -> None:
    numbers = {name: persona.personnel_number for name, persona in PERSONAS.items()}
    async with demo.database.transaction(demo.employer_id) as session:
        found = {
            name: await find_person(session, demo.employer_id, number)
            for name, number in numbers.items()
            if number is not None
        }
    assert set(found) == {"employee", "manager", "hr", "mt", "knowledge-broker"}
    assert None not in found.values()


@pytest.mark.parametrize("name", PERSONAS)
async def test_each_persona_signs_in_and_sees_the_own_organisation(
    visitor: httpx.AsyncClient, name: str
) -> None:
    me = await read(visitor, name, "/me")
    assert me["roles"] == sorted(role.value for role in PERSONAS[name].roles)
    assert (me["employee"] is None) == (PERSONAS[name].personnel_number is None)


async def test_the_employee_has_hours_an_agreement_to_sign_and_requests(
    visitor: httpx.AsyncClient,
) -> None:
    me = (await read(visitor, "employee", "/me"))["employee"]["id"]
    ledger = await read(visitor, "employee", f"/employees/{me}/hour-ledgers/2026")
    assert ledger["spentMinutes"] > 0
    agreements = await read(visitor, "employee", "/agreements")
    assert "drawn_up" in {item["status"] for item in agreements["items"]}
    asked = await read(visitor, "employee", "/requests?limit=100")
    assert {"draft", "submitted", "granted", "completed"} <= {
        item["status"] for item in asked["items"]
    }


async def adopted(visitor: httpx.AsyncClient, title: str) -> Any:  # noqa: ANN401 - JSON
    """Return what the MT would run into if it took this proposal over as it stands."""
    proposals = (await read(visitor, "mt", "/proposals?limit=100"))["items"]
    [waiting] = [proposal for proposal in proposals if proposal["title"] == title]
    assert waiting["status"] == "submitted"
    answer = await visitor.post(
        f"/v1/proposals/{waiting['id']}/decision-trials",
        json={"adoptRest": True, "items": []},
        headers=await signed_in(visitor, "mt"),
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.rule("VIS-8.3", "VIS-5.1")
async def test_adopting_the_proposal_as_it_stands_runs_into_the_norm_and_the_means(
    visitor: httpx.AsyncClient,
) -> None:
    trial = await adopted(visitor, SECOND_OF_2026)
    stopping = [
        breach["kind"]
        for item in trial["items"]
        for breach in item["breaches"]
        if breach["blocking"]
    ]
    assert trial["blocked"]
    assert stopping.count("norm_exceeded") == 4
    assert stopping.count("means_exceeded") == 1
    assert set(stopping) == {"norm_exceeded", "means_exceeded"}


async def test_the_first_proposal_for_2027_can_be_taken_over_as_it_stands(
    visitor: httpx.AsyncClient,
) -> None:
    trial = await adopted(visitor, FIRST_OF_2027)
    assert not trial["blocked"], [item["breaches"] for item in trial["items"]]
    assert trial["committedCents"] > 0
    assert len(trial["items"]) == len(TOO_LATE) + 3


async def test_the_other_employer_sees_its_own_requests_alone(visitor: httpx.AsyncClient) -> None:
    theirs = (await read(visitor, "other-hr", "/requests?limit=100"))["items"]
    assert {item["status"] for item in theirs} == {"draft", "submitted"}
    assert len(theirs) == 2


async def test_whoever_tries_the_demo_sets_its_clock_and_back(
    visitor: httpx.AsyncClient, demo: Demo
) -> None:
    headers = await signed_in(visitor, "employee")
    asked = datetime(2027, 9, 1, 7, 0, tzinfo=UTC)
    set_to = await visitor.put("/v1/demo-clock", json={"nowAt": asked.isoformat()}, headers=headers)
    assert set_to.status_code == 200, set_to.text
    shown = await visitor.get("/v1/demo-clock", headers=headers)
    told = datetime.fromisoformat(shown.json()["nowAt"])
    assert timedelta() <= told - asked < timedelta(minutes=1)
    other_worker = DemoClock(demo.settings.data_dir / "demo-clock.json")
    assert timedelta() <= other_worker.now() - asked < timedelta(minutes=1)
    beyond = {"nowAt": "2151-01-01T00:00:00Z"}
    refused = await visitor.put("/v1/demo-clock", json=beyond, headers=headers)
    assert refused.status_code == 422
    back = await visitor.put("/v1/demo-clock", json={"nowAt": None}, headers=headers)
    real = datetime.fromisoformat(back.json()["realNowAt"])
    assert abs(datetime.fromisoformat(back.json()["nowAt"]) - real) < timedelta(seconds=2)


async def test_outside_demo_mode_there_is_no_clock_to_set(client: httpx.AsyncClient) -> None:
    assert (await client.get("/demo-clock")).status_code == 404
