"""Hours under fire: real commits, many at once, never past a norm that binds."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.db.session import retryable
from app.hours.errors import NormExceeded
from app.hours.rules import Reservation
from app.hours.service import HourService
from app.kernel.actors import Role
from app.kernel.identifiers import new_id
from app.kernel.quantities import Minutes
from app.requests.rules import RequestDetails
from tests.conftest import ActAs, OpenWork, SignIn
from tests.support.hours import (
    NORM,
    Staff,
    audited,
    differences,
    excepted,
    keyed,
    planned,
    reservations,
    reserved,
    room_of,
    session,
    staffed,
)

CLIENTS = 64
FIRST_DAY = date(2027, 2, 1)


@pytest.fixture
async def staff(work: OpenWork) -> Staff:
    async with work() as opened:
        return await staffed(opened)


@pytest.fixture
def hr(sign_in: SignIn, staff: Staff) -> dict[str, str]:
    return sign_in(Role.HR, person=staff.elsewhere.personnel_number)


async def until_done(step: Callable[[], Awaitable[None]]) -> bool:
    """Do a step, again where the database asks for that; tell whether the norm let it pass."""
    while True:
        try:
            await step()
        except NormExceeded:
            return False
        except Exception as error:
            if not retryable(error):
                raise
        else:
            return True


def statuses(answers: Sequence[httpx.Response]) -> list[int]:
    return sorted(answer.status_code for answer in answers)


@pytest.mark.rule("VIS-8.3")
@pytest.mark.invariant("L6", "L9", "F1")
@pytest.mark.parametrize("opened_before", [True, False], ids=["opened", "not opened yet"])
async def test_64_grants_at_once_never_pass_the_norm_and_use_all_of_it(
    staff: Staff, work: OpenWork, *, opened_before: bool
) -> None:
    async with work() as opened:
        if opened_before:
            await HourService(opened).rooms([(staff.noor.id, 2027)], lock=True)
        trainings = [
            await planned(
                opened, [staff.noor, staff.idris], session(FIRST_DAY + timedelta(days=n), 240)
            )
            for n in range(CLIENTS)
        ]

    def granting(details: RequestDetails) -> Callable[[], Awaitable[None]]:
        async def grant() -> None:
            async with work() as opened:
                await HourService(opened).reserve(reservations(details), decision_id=new_id())

        return grant

    passed = await asyncio.gather(*(until_done(granting(details)) for details in trainings))
    assert passed.count(True) == NORM // 240
    async with work() as opened:
        for one in (staff.noor, staff.idris):
            room = await room_of(opened, one, 2027)
            assert (room.reserved_minutes, room.room_minutes) == (NORM, 0)
        assert len(await audited(opened, "norm.set")) == 2
    assert await differences(work) == []


@pytest.mark.rule("VIS-8.2", "VIS-8.3")
@pytest.mark.invariant("L2", "L6")
async def test_grants_releases_and_exceptions_at_once_leave_every_figure_whole(
    client: httpx.AsyncClient,
    hr: dict[str, str],
    act_as: ActAs,
    staff: Staff,
    work: OpenWork,
) -> None:
    mt = act_as(Role.MT, person_id=staff.elsewhere.id)
    async with work() as opened:
        details = await planned(opened, [staff.noor], session(FIRST_DAY))
    torn: list[dict[str, Any]] = []

    async def grant_and_take_back() -> None:
        one = Reservation(
            details.id, staff.noor.id, new_id(), FIRST_DAY, Minutes(480), working_time=True
        )
        async with work() as opened:
            await HourService(opened).reserve([one], decision_id=new_id())
        async with work() as opened:
            await HourService(opened).release(details.id, cause_id=new_id())

    async def let_pass() -> None:
        async with work(mt) as opened:
            await excepted(opened, staff.noor, 2027, 60)

    async def look() -> None:
        answer = await client.get(f"/employees/{staff.noor.id}/hour-ledgers/2027", headers=hr)
        shown = answer.json()
        allowed = shown["normMinutes"] + shown["exceptionMinutes"]
        used = shown["reservedMinutes"] + shown["spentMinutes"]
        whole = shown["exceptionMinutes"] % 60 == 0 and shown["reservedMinutes"] % 480 == 0
        if allowed - used != shown["roomMinutes"] or shown["roomMinutes"] < 0 or not whole:
            torn.append(shown)

    steps = [grant_and_take_back, let_pass, look, grant_and_take_back] * 8
    await asyncio.gather(*(until_done(step) for step in steps))
    assert torn == []
    async with work() as opened:
        room = await room_of(opened, staff.noor, 2027)
    assert (room.exception_minutes, room.reserved_minutes) == (480, 0)
    assert await differences(work) == []


@pytest.mark.invariant("L2")
async def test_what_came_together_is_read_together(
    client: httpx.AsyncClient, hr: dict[str, str], act_as: ActAs, staff: Staff, work: OpenWork
) -> None:
    mt = act_as(Role.MT, person_id=staff.elsewhere.id)
    async with work() as opened:
        details = await planned(opened, [staff.noor], session(FIRST_DAY))
    seen: list[tuple[int, int]] = []

    async def let_pass_and_reserve() -> None:
        one = Reservation(
            details.id, staff.noor.id, new_id(), FIRST_DAY, Minutes(60), working_time=True
        )
        async with work(mt) as opened:
            await excepted(opened, staff.noor, 2027, 60)
            await HourService(opened).reserve([one], decision_id=new_id())

    async def look() -> None:
        answer = await client.get(f"/employees/{staff.noor.id}/hour-ledgers/2027", headers=hr)
        shown = answer.json()
        seen.append((shown["exceptionMinutes"], shown["reservedMinutes"]))

    async def look_on(writing: asyncio.Task[None]) -> None:
        while not writing.done():
            await look()

    async def write() -> None:
        for _ in range(40):
            await let_pass_and_reserve()

    writing = asyncio.create_task(write())
    await asyncio.gather(writing, *(look_on(writing) for _ in range(4)))
    await look()
    assert seen[-1] == (2400, 2400)
    assert len(set(seen)) > 5
    assert [pair for pair in seen if pair[0] != pair[1]] == []


@pytest.mark.rule("VIS-6.6")
@pytest.mark.invariant("L4")
async def test_attendance_recorded_by_many_at_once_is_recorded_once(
    client: httpx.AsyncClient, hr: dict[str, str], staff: Staff, work: OpenWork
) -> None:
    async with work() as opened:
        details = await reserved(opened, [staff.noor, staff.idris], session(date(2026, 6, 15)))
    path = f"/requests/{details.id}/sessions/{details.sessions[0].id}/attendances"

    async def record(*who: object) -> httpx.Response:
        attended = [{"employeeId": str(one), "attendedMinutes": 450} for one in who]
        return await client.post(path, headers=keyed(hr), json={"attended": attended})

    answers = await asyncio.gather(
        *(record(staff.noor.id, staff.idris.id) for _ in range(8)),
        *(record(staff.idris.id, staff.noor.id) for _ in range(8)),
    )
    assert statuses(answers) == [201] + [409] * 15
    async with work() as opened:
        for one in (staff.noor, staff.idris):
            room = await room_of(opened, one, 2026)
            assert (room.reserved_minutes, room.spent_minutes) == (0, 450)
        assert len(await audited(opened, "attendance.recorded")) == 2
    assert await differences(work) == []


@pytest.mark.rule("VIS-6.6")
@pytest.mark.invariant("L3")
async def test_an_attendance_corrected_by_many_at_once_is_corrected_once(
    client: httpx.AsyncClient, hr: dict[str, str], staff: Staff, work: OpenWork
) -> None:
    async with work() as opened:
        details = await reserved(opened, [staff.noor], session(date(2026, 6, 15)))
    path = f"/requests/{details.id}/sessions/{details.sessions[0].id}/attendances"
    attended = [{"employeeId": str(staff.noor.id), "attendedMinutes": 480}]
    recorded = await client.post(path, headers=keyed(hr), json={"attended": attended})
    target = f"/attendances/{recorded.json()['items'][0]['id']}/corrections"
    answers = await asyncio.gather(
        *(
            client.post(
                target,
                headers=keyed(hr),
                json={"attendedMinutes": minutes, "reason": "Presentielijst."},
            )
            for minutes in range(400, 416)
        )
    )
    assert statuses(answers) == [201] + [409] * 15
    [won] = [answer.json() for answer in answers if answer.status_code == 201]
    async with work() as opened:
        room = await room_of(opened, staff.noor, 2026)
    assert room.spent_minutes == won["attendedMinutes"]
    assert await differences(work) == []


@pytest.mark.invariant("L4")
async def test_attendance_and_a_decision_that_takes_the_grant_back_do_not_both_win(
    client: httpx.AsyncClient, hr: dict[str, str], staff: Staff, work: OpenWork
) -> None:
    for _ in range(8):
        async with work() as opened:
            details = await reserved(opened, [staff.noor], session(date(2026, 6, 15)))
            before = await room_of(opened, staff.noor, 2026)
        path = f"/requests/{details.id}/sessions/{details.sessions[0].id}/attendances"
        attended = [{"employeeId": str(staff.noor.id), "attendedMinutes": 480}]

        async def take_back(request_id: UUID = details.id) -> int:
            async with work() as opened:
                return await HourService(opened).release(request_id, cause_id=new_id())

        answer, freed = await asyncio.gather(
            client.post(path, headers=keyed(hr), json={"attended": attended}), take_back()
        )
        assert (answer.status_code, freed) in {(201, 0), (409, 480)}
        async with work() as opened:
            after = await room_of(opened, staff.noor, 2026)
        assert after.room_minutes == before.room_minutes + freed
    assert await differences(work) == []
