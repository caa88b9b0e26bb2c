"""Loads the demo: its organisations with their history, once, all through the services.

The history has steps, each one transaction. What a step records in the audit trail bears its name,
so that a load that was broken off goes on where it stopped, two that meet take turns, and one that
is done changes nothing. No step reads the clock: all moments of the history are given.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from time import monotonic
from uuid import UUID

from sqlalchemy import func, select

from app.db import directory
from app.db.models import AuditEntry
from app.db.session import Database, DatabaseSettings
from app.db.work import Work
from app.demo import (
    changes,
    departures,
    earlier,
    neighbours,
    people,
    present,
    second,
    workbench,
)
from app.demo.personas import EMPLOYER, FUND, OTHER_EMPLOYER
from app.demo.policies import POLICY_2025
from app.demo.stage import Roster, Stage, read_roster
from app.kernel.actors import Actor
from app.people.service import PeopleService

Progress = Callable[[str], None]
Tell = Callable[[Stage], Awaitable[None]]

# Any number: loads that meet wait for each other at it.
_LOADING = 7_310_253_048
_PAUSE_SECONDS = 0.5
_PREFIX = "demo/"
# What the stage itself stands at; those who act in a step have moments of their own.
_BEFORE_ALL = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Step:
    """A part of an organisation's history, done whole or not at all."""

    name: str
    says: str
    tell: Tell


async def _found_employer(stage: Stage) -> None:
    await people.found(stage, EMPLOYER, founded_on=date(2025, 1, 6))
    await people.lay_down(
        stage, POLICY_2025, drafted_on=date(2025, 1, 6), activated_on=date(2025, 1, 9)
    )


def _people_of(exported_on: date) -> Tell:
    async def tell(stage: Stage) -> None:
        await people.take_export(stage, people.export_as_of(exported_on), taken_on=exported_on)

    return tell


def _means_of(year: int) -> Tell:
    async def tell(stage: Stage) -> None:
        await earlier.set_means(stage, year)

    return tell


def _take_part(until: date) -> Tell:
    async def tell(stage: Stage) -> None:
        await earlier.take_part(stage, until=until)

    return tell


HISTORY: Mapping[str, Sequence[Step]] = {
    EMPLOYER: (
        Step("founding", "the organisation and its policy of 2025", _found_employer),
        Step("people-2025-04", "the people, from the HRIS", _people_of(date(2025, 4, 7))),
        Step("means-2025", "the means of 2025", _means_of(2025)),
        Step("requests-2025-2", "requests of the second tranche of 2025", earlier.ask_in_2025),
        Step("decisions-2025-2", "the MT's decisions on them", earlier.decide_in_2025),
        Step("agreements-2025-2", "agreements, signed", earlier.agree_in_2025),
        Step("people-2025-09", "new people, from the HRIS", _people_of(date(2025, 9, 1))),
        Step("requests-2026-1", "requests of the first tranche of 2026", earlier.ask_in_2026),
        Step("policies", "the policies of 2026 and 2027", earlier.lay_down_policies),
        Step("decisions-2026-1", "the MT's decisions on them", earlier.decide_in_2026),
        Step("agreements-2026-1", "agreements, signed", earlier.agree_in_2026),
        Step("promises", "what was promised before the policy", changes.settle_promises),
        Step("people-2026-03", "new people, from the HRIS", _people_of(date(2026, 3, 16))),
        Step("interim", "an interim request", changes.grant_interim),
        Step("changes", "a grant revised, a training cancelled", changes.change_plans),
        Step(
            "requests-2026-2",
            "HR's list for the second tranche of 2026: 81 requests, 4 of them too late",
            second.take_list,
        ),
        Step("proposal-2026-2", "the 77 assessed, and put before the MT", second.propose),
        Step("attendance-1", "attendance, invoices, completions", _take_part(date(2026, 9, 11))),
        Step("departures", "who leaves, and what is reclaimed", departures.leave),
        Step("attendance-2", "attendance, invoices, completions", _take_part(date(2026, 11, 20))),
        Step("means-2027", "the means of 2027", _means_of(2027)),
        Step("requests-2027", "requests for the tranches of 2027", present.ask_for_2027),
        Step(
            "proposal-2027-1",
            "the first of them, with the 4 late ones, assessed and put before the MT",
            present.propose_for_2027,
        ),
        Step("open", "drafts, and interim requests", present.leave_open),
        Step("to-sign", "agreements to be signed", present.wait_for_signatures),
        Step("workbench", "something ready for each next step", workbench.lay_ready),
    ),
    OTHER_EMPLOYER: (
        Step("founding", "another employer", neighbours.found_municipality),
        Step("requests", "its requests", neighbours.ask_in_municipality),
    ),
    FUND: (Step("founding", "a fund", neighbours.found_fund),),
}


def load_demo(settings: DatabaseSettings, progress: Progress) -> None:
    """Load what the database does not hold of the demo yet, and say how it goes."""
    asyncio.run(load(settings, progress))


async def load(settings: DatabaseSettings, progress: Progress) -> None:
    """Do as ``load_demo``, within an event loop."""
    database = Database(settings)
    try:
        for slug, steps in HISTORY.items():
            organisation_id = await directory.enter(database, slug)
            done = await _done(database, organisation_id)
            missing = [step for step in steps if step.name not in done]
            if missing:
                progress(f"Loading the demo, {people.NAMES[slug][0]} ...")
            for step in missing:
                began = monotonic()
                await _take_step(database, organisation_id, step)
                progress(f"  {step.says} ({monotonic() - began:.1f} s)")
    finally:
        await database.close()


async def _done(database: Database, organisation_id: UUID) -> set[str]:
    async with database.transaction(organisation_id) as session:
        names = await session.scalars(
            select(AuditEntry.request_id)
            .where(
                AuditEntry.organisation_id == organisation_id,
                AuditEntry.request_id.startswith(_PREFIX),
            )
            .distinct()
        )
        return {name.removeprefix(_PREFIX) for name in names}


async def _take_step(database: Database, organisation_id: UUID, step: Step) -> None:
    """Do one step, unless it is done; as long as another process is loading, wait."""
    while not await _try_step(database, organisation_id, step):  # noqa: ASYNC110 - no event tells
        await asyncio.sleep(_PAUSE_SECONDS)


async def _try_step(database: Database, organisation_id: UUID, step: Step) -> bool:
    """Do one step, unless it is done; False when somebody else is loading."""
    stagehand = Actor(organisation_id, subject="leerruimte demo", roles=frozenset())
    name = f"{_PREFIX}{step.name}"
    async with database.work(stagehand, _BEFORE_ALL, name, origin="leerruimte demo") as work:
        # Given back by the end of the transaction, however it ends.
        free = await work.session.scalar(select(func.pg_try_advisory_xact_lock(_LOADING)))
        if free and not await _is_done(work):
            await step.tell(await _stage(work, read_roster()))
    return bool(free)


async def _is_done(work: Work) -> bool:
    entry = await work.session.scalar(
        select(AuditEntry.id)
        .where(
            AuditEntry.organisation_id == work.organisation_id,
            AuditEntry.request_id == work.request_id,
        )
        .limit(1)
    )
    return entry is not None


async def _stage(work: Work, roster: Roster) -> Stage:
    found = await PeopleService(work).by_personnel_numbers(roster.by_number)
    return Stage(work, roster, {number: employee.id for number, employee in found.items()})
