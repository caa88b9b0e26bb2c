"""Exceptions to the norm over HTTP: an individual decision of the MT, never for oneself."""

from datetime import date
from typing import Any

import httpx
import pytest

from app.kernel.actors import Role
from tests.conftest import ActAs, OpenWork, SignIn
from tests.support.clock import FrozenClock
from tests.support.hours import (
    IN_2028,
    NORM,
    Staff,
    audited,
    differences,
    excepted,
    exception,
    keyed,
    reserved,
    room_of,
    session,
    staffed,
)
from tests.support.organisations import Organisation


@pytest.fixture
async def staff(work: OpenWork) -> Staff:
    async with work() as opened:
        return await staffed(opened)


@pytest.fixture
def mt(sign_in: SignIn, staff: Staff) -> dict[str, str]:
    return sign_in(Role.MT, person=staff.elsewhere.personnel_number)


async def decide(
    client: httpx.AsyncClient, headers: dict[str, str], body: dict[str, Any]
) -> httpx.Response:
    return await client.post("/hour-exceptions", headers=keyed(headers), json=body)


@pytest.mark.rule("VIS-8.2", "VIS-10.1")
async def test_the_mt_lets_one_employee_pass_the_norm_of_one_year(
    client: httpx.AsyncClient, mt: dict[str, str], staff: Staff, work: OpenWork
) -> None:
    answer = await decide(client, mt, exception(staff.noor))
    assert answer.status_code == 201, answer.text
    decided = answer.json()
    assert {name: decided[name] for name in ("calendarYear", "minutes", "ground", "decidedBy")} == {
        "calendarYear": 2027,
        "minutes": 600,
        "ground": "function_requirement",
        "decidedBy": staff.elsewhere.personnel_number,
    }
    async with work() as opened:
        room = await room_of(opened, staff.noor, 2027)
        assert (room.exception_minutes, room.room_minutes) == (600, NORM + 600)
        assert (await room_of(opened, staff.noor, 2026)).exception_minutes == 0
        assert (await room_of(opened, staff.idris, 2027)).exception_minutes == 0
        [row] = await audited(opened, "hour_exception.granted")
        assert row.person_id == staff.elsewhere.id
        assert row.rule_ids == ["VIS-8.2", "VIS-10.1"]
        assert row.policy_version_id is not None
        assert row.after is not None
        assert row.after["exception_minutes"] == 600
    assert await differences(work) == []


@pytest.mark.rule("VIS-8.2", "VIS-8.3")
async def test_an_exception_makes_room_past_a_norm_that_binds(
    act_as: ActAs, staff: Staff, work: OpenWork
) -> None:
    days = [session(date(2027, 2, day)) for day in range(1, 12)]
    async with work(act_as(Role.MT, person_id=staff.manager.id)) as opened:
        await excepted(opened, staff.noor, 2027, 480)
    async with work() as opened:
        await reserved(opened, [staff.noor], *days)
        assert (await room_of(opened, staff.noor, 2027)).room_minutes == 0
    assert await differences(work) == []


@pytest.mark.rule("VIS-8.2", "VIS-10.1")
@pytest.mark.parametrize(
    ("changes", "problem", "status"),
    [
        ({"discussedOn": "2026-06-16"}, "exception-not-beforehand", 409),
        ({"calendarYear": 2025}, "exception-for-past-year", 409),
        ({"employeeId": "01980000-0000-7000-8000-00000000dead"}, "employee-not-found", 404),
        ({"reason": "BSN 111222333 staat in het dossier."}, "bsn-in-text", 422),
    ],
    ids=str,
)
async def test_an_exception_that_breaks_a_rule_is_refused_and_changes_nothing(
    client: httpx.AsyncClient,
    mt: dict[str, str],
    staff: Staff,
    work: OpenWork,
    *,
    changes: dict[str, Any],
    problem: str,
    status: int,
) -> None:
    answer = await decide(client, mt, exception(staff.noor, **changes))
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{problem}")
    listed = await client.get("/hour-exceptions", headers=mt)
    assert listed.json()["items"] == []
    async with work() as opened:
        assert await audited(opened, "hour_exception.granted") == []
        assert await audited(opened, "norm.set") == []


@pytest.mark.rule("VIS-10.1")
async def test_nobody_decides_on_an_exception_for_themselves(
    client: httpx.AsyncClient, sign_in: SignIn, staff: Staff
) -> None:
    noor = sign_in(Role.MT, person=staff.noor.personnel_number)
    answer = await decide(client, noor, exception(staff.noor))
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/exception-for-self")
    assert answer.json()["rule"]["id"] == "VIS-10.1"


@pytest.mark.rule("VIS-10.1", "VIS-5.4")
@pytest.mark.parametrize(
    "role", [role for role in Role if role is not Role.MT], ids=lambda role: role.value
)
async def test_nobody_but_the_mt_decides_on_an_exception(
    client: httpx.AsyncClient, sign_in: SignIn, staff: Staff, role: Role
) -> None:
    answer = await decide(client, sign_in(role), exception(staff.noor))
    assert answer.status_code == 403
    told = "VIS-5.4" if role is Role.KNOWLEDGE_BROKER else "VIS-10.1"
    assert answer.json()["rule"]["id"] == told


@pytest.mark.invariant("K6")
@pytest.mark.parametrize(
    "changes",
    [
        {"minutes": 0},
        {"minutes": -60},
        {"minutes": 10**30},
        {"minutes": 1.5},
        {"minutes": "600"},
        {"minutes": True},
        {"calendarYear": 1999},
        {"ground": "because"},
        {"reason": ""},
        {"reason": "x" * 4001},
        {"reason": "a\0b"},
        {"discussedOn": "2026-02-30"},
        {"employeeId": "noor"},
        {"decidedBy": "somebody else"},
    ],
    ids=str,
)
async def test_an_exception_that_is_no_exception_is_refused(
    client: httpx.AsyncClient, mt: dict[str, str], staff: Staff, changes: dict[str, Any]
) -> None:
    assert (await decide(client, mt, exception(staff.noor, **changes))).status_code == 400
    unkeyed = await client.post("/hour-exceptions", headers=mt, json=exception(staff.noor))
    assert unkeyed.status_code == 400


async def test_a_year_without_policy_has_no_exceptions(
    client: httpx.AsyncClient, mt: dict[str, str], staff: Staff, clock: FrozenClock
) -> None:
    clock.set(IN_2028.replace(year=2024))
    body = exception(staff.noor, calendarYear=2025, discussedOn="2024-01-02")
    answer = await decide(client, mt, body)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/no-policy-in-force")


@pytest.mark.invariant("K1")
async def test_the_same_decision_sent_twice_counts_once(
    client: httpx.AsyncClient, mt: dict[str, str], staff: Staff, work: OpenWork
) -> None:
    headers = keyed(mt)
    first = await client.post("/hour-exceptions", headers=headers, json=exception(staff.noor))
    again = await client.post("/hour-exceptions", headers=headers, json=exception(staff.noor))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    async with work() as opened:
        assert (await room_of(opened, staff.noor, 2027)).exception_minutes == 600


async def test_exceptions_are_listed_by_employee_and_year_for_whom_one_sees(
    *,
    client: httpx.AsyncClient,
    sign_in: SignIn,
    act_as: ActAs,
    staff: Staff,
    work: OpenWork,
    other_organisation: Organisation,
) -> None:
    async with work(act_as(Role.MT, person_id=staff.manager.id)) as opened:
        for employee, year in (
            (staff.noor, 2026),
            (staff.noor, 2027),
            (staff.elsewhere, 2027),
        ):
            await excepted(opened, employee, year, 60)

    async def listed(headers: dict[str, str], **query: object) -> list[tuple[str, int]]:
        answer = await client.get(
            "/hour-exceptions",
            headers=headers,
            params={name: str(value) for name, value in query.items()},
        )
        assert answer.status_code == 200, answer.text
        return [(one["employeeId"], one["calendarYear"]) for one in answer.json()["items"]]

    hr = sign_in(Role.HR)
    noor, elsewhere = str(staff.noor.id), str(staff.elsewhere.id)
    assert await listed(hr) == [(noor, 2026), (noor, 2027), (elsewhere, 2027)]
    assert await listed(hr, employeeId=noor, calendarYear=2027) == [(noor, 2027)]
    manager = sign_in(Role.MANAGER, person=staff.manager.personnel_number)
    assert await listed(manager) == [(noor, 2026), (noor, 2027)]
    assert await listed(sign_in(Role.EMPLOYEE, person=staff.idris.personnel_number)) == []
    assert await listed(sign_in(Role.HR, organisation=other_organisation)) == []
    page = await client.get("/hour-exceptions", headers=hr, params={"limit": "2"})
    assert len(await listed(hr, cursor=page.json()["nextCursor"])) == 1
