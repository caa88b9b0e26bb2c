"""The norm on the ledger follows the policy in force on 1 January, also when that comes later."""

from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

import pytest

from app.db.session import Database
from app.db.work import Work
from app.hours.errors import NormExceeded
from app.hours.service import HourService
from app.kernel.actors import Actor, Role
from app.kernel.identifiers import new_id
from app.kernel.quantities import Minutes
from app.ledger.service import LedgerService
from app.people.rules import EmployeeRow
from app.policy.schemas import PolicyVersionIn
from app.policy.service import PolicyService
from tests.conftest import OpenWork
from tests.support.clock import MONDAY
from tests.support.hours import (
    NORM,
    activate,
    audited,
    differences,
    excepted,
    founded,
    planned,
    reservations,
    reserved,
    room_of,
    session,
    staffed,
)
from tests.support.hours import (
    OpenWork as AnyWork,
)
from tests.support.people import hire
from tests.support.policy import odwh_policy
from tests.support.statements import counted

NEW_YEARS_DAY = date(2027, 1, 1)


async def working_in(database: Database, **choices: object) -> AnyWork:
    """Return a way to work for an organisation that has the policy of 2026 alone."""
    organisation = await founded(database, **choices)
    mt = Actor(organisation.id, "mt", frozenset({Role.MT, Role.HR, Role.ADMIN}))
    async with database.work(mt, MONDAY, "test") as opened:
        mt = replace(mt, person_id=(await hire(opened, family_name="Sas")).id)

    def work(
        actor: Actor | None = None, *, now: datetime | None = None
    ) -> AbstractAsyncContextManager[Work]:
        return database.work(actor or mt, now or MONDAY, "test")

    return work


async def align(work: AnyWork, employee: EmployeeRow, year: int = 2027) -> None:
    async with work() as opened:
        await HourService(opened).rooms([(employee.id, year)], lock=True)


async def is_limited(work: AnyWork, employee: EmployeeRow, year: int = 2027) -> bool:
    async with work() as opened:
        found = await LedgerService(opened).find_accounts("norm", [employee.id], date(year, 1, 1))
    return found[employee.id].limited


@pytest.mark.rule("VIS-8.3")
async def test_a_year_opened_under_an_advisory_policy_binds_once_its_own_goes_live(
    database: Database,
) -> None:
    work = await working_in(database)
    async with work() as opened:
        noor = await hire(opened)
        await reserved(opened, [noor], session(date(2027, 3, 1)))
    assert not await is_limited(work, noor)
    async with work() as opened:
        version_id = await activate(opened, NEW_YEARS_DAY, norm_minutes=3600)
        room = await room_of(opened, noor, 2027)
        # Told at once, before anything is booked on it.
        assert (room.norm_minutes, room.room_minutes, room.binding) == (3600, 3120, True)
        assert room.exception_minutes == 0
    await align(work, noor)
    await align(work, noor)
    assert await is_limited(work, noor)
    async with work() as opened:
        assert (await room_of(opened, noor, 2027)).room_minutes == 3120
        first, second = await audited(opened, "norm.set")
        assert second.policy_version_id == version_id
        assert (first.before, second.before) == (None, {"norm_minutes": NORM})
    assert await differences(work) == []


@pytest.mark.rule("VIS-8.3")
async def test_a_norm_passed_while_it_warned_refuses_more_until_there_is_room(
    database: Database,
) -> None:
    work = await working_in(database)
    async with work() as opened:
        noor = await hire(opened)
        details = await reserved(
            opened, [noor], *(session(date(2027, 3, day)) for day in range(1, 12))
        )
        await activate(opened, NEW_YEARS_DAY)
    await align(work, noor)
    assert not await is_limited(work, noor)
    with pytest.raises(NormExceeded) as refused:
        async with work() as opened:
            await reserved(opened, [noor], session(date(2027, 5, 1), 1))
    assert refused.value.facts["room_minutes"] == 0
    async with work() as opened:
        await excepted(opened, noor, 2027, 480)
    await align(work, noor)
    assert await is_limited(work, noor)
    async with work() as opened:
        await HourService(opened).release(details.id, cause_id=new_id())
        await reserved(opened, [noor], session(date(2027, 5, 1), 1))
    assert await differences(work) == []


@pytest.mark.rule("VIS-8.3")
async def test_a_policy_that_warns_again_lifts_the_limit(database: Database) -> None:
    work = await working_in(database, norm_binding=True)
    async with work() as opened:
        noor = await hire(opened)
        await reserved(opened, [noor], session(date(2027, 3, 1)))
    assert await is_limited(work, noor)
    async with work() as opened:
        await activate(opened, NEW_YEARS_DAY, norm_binding=False, norm_minutes=60)
        await reserved(opened, [noor], session(date(2027, 3, 2)))
        assert (await room_of(opened, noor, 2027)).room_minutes == 60 - 960
    assert not await is_limited(work, noor)
    assert await differences(work) == []


@pytest.mark.rule("VIS-8.1")
async def test_a_policy_that_pro_rates_goes_by_the_contract_on_1_january_or_the_first(
    database: Database,
) -> None:
    work = await working_in(database, norm_pro_rating="contract_hours")
    async with work() as opened:
        full = await hire(opened)
        half = await hire(opened, contract_minutes_per_week=1080)
        joins = await hire(opened, contract_minutes_per_week=720, hired_on=date(2026, 9, 1))
        on_call = await hire(opened, contract_minutes_per_week=0)
        later = await hire(opened, hired_on=date(2027, 2, 1))
        everybody = (full, half, joins, on_call, later)
        norms = [(await room_of(opened, one, 2026)).norm_minutes for one in everybody]
        assert norms == [4800, 2400, 1600, 0, 0]
    for one in everybody:
        await align(work, one, 2026)
        await align(work, one, 2026)
    async with work() as opened:
        norms = [(await room_of(opened, one, 2026)).room_minutes for one in everybody]
        assert norms == [4800, 2400, 1600, 0, 0]
        assert len(await audited(opened, "norm.set")) == len(everybody)
    assert await differences(work) == []


@pytest.mark.rule("VIS-8.1")
async def test_exceptions_are_those_that_were_decided_and_no_more(
    database: Database,
) -> None:
    work = await working_in(database)
    async with work() as opened:
        noor = await hire(opened)
        await excepted(opened, noor, 2027, 600)
        await excepted(opened, noor, 2027, 60)
        await activate(opened, NEW_YEARS_DAY, norm_minutes=2400)
        assert (await room_of(opened, noor, 2027)).exception_minutes == 660
    await align(work, noor)
    async with work() as opened:
        room = await room_of(opened, noor, 2027)
    assert (room.norm_minutes, room.exception_minutes) == (2400, 660)


async def test_many_employees_and_years_are_answered_in_a_few_statements(work: OpenWork) -> None:
    async with work() as opened:
        staff = await staffed(opened)
        people = (staff.manager, staff.noor, staff.idris, staff.elsewhere)
        pairs = [(one.id, year) for one in people for year in (2026, 2027)]
        # What a policy says is read once, and is known from then on.
        await HourService(opened).rooms(pairs)
        hours = HourService(opened)
        with counted() as unlocked:
            await hours.rooms(pairs)
        with counted() as opening:
            await hours.rooms(pairs, lock=True)
        with counted() as locked:
            rooms = await hours.rooms(pairs, lock=True)
        details = await planned(
            opened, people, session(date(2026, 12, 31)), session(date(2027, 1, 1), 60)
        )
        with counted() as reserving:
            await hours.reserve(reservations(details), decision_id=new_id())
    assert set(rooms) == set(pairs)
    assert len(unlocked) == 3  # the policy of each year, and the figures
    assert len(opening) <= 8
    assert len(locked) <= 6
    assert len(reserving) <= 11


@pytest.mark.rule("LAW-11")
async def test_a_policy_that_never_went_live_is_not_remembered(database: Database) -> None:
    work = await working_in(database)

    def drafted(norm_minutes: int) -> PolicyVersionIn:
        settings = odwh_policy(2027, norm_minutes=norm_minutes)
        return PolicyVersionIn(title="Beleid", valid_from=NEW_YEARS_DAY, settings=settings)

    async def norm_if_live(opened: Work, version_id: UUID) -> int:
        policies = PolicyService(opened)
        await policies.activate(version_id, expected=None)
        return (await policies.policy_on(NEW_YEARS_DAY)).policy.norm_for(Minutes(2160))

    async with work() as opened:
        version_id = (await PolicyService(opened).draft(drafted(2400))).id
    with suppress(LookupError):
        async with work() as opened:
            assert await norm_if_live(opened, version_id) == 2400
            raise LookupError
    async with work() as opened:
        await PolicyService(opened).redraft(version_id, drafted(3600), expected=None)
    async with work() as opened:
        assert await norm_if_live(opened, version_id) == 3600
