"""A team's capacity over HTTP, per week and month, for who leads it."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.kernel.actors import Role
from app.people.rules import LeavingInitiative, LeavingReason
from app.people.service import PeopleService
from app.requests.service import RequestService
from tests.conftest import OpenWork, SignIn
from tests.support.hours import Staff, keyed, planned, reserved, session, staffed
from tests.support.organisations import Organisation
from tests.support.people import hire, team_named

MONDAY = date(2026, 6, 1)


@pytest.fixture
async def staff(work: OpenWork) -> Staff:
    async with work() as opened:
        return await staffed(opened)


@pytest.fixture
async def team_id(staff: Staff, work: OpenWork) -> UUID:  # noqa: ARG001 - the team is theirs
    async with work() as opened:
        return (await team_named(opened, "Toezicht Bodem")).id


@pytest.fixture
def manager(sign_in: SignIn, staff: Staff) -> dict[str, str]:
    return sign_in(Role.MANAGER, person=staff.manager.personnel_number)


def asked(from_on: date, until_on: date, per: str = "week") -> dict[str, str]:
    return {"from": from_on.isoformat(), "until": until_on.isoformat(), "per": per}


async def capacity_of(
    client: httpx.AsyncClient, headers: dict[str, str], team_id: UUID, query: dict[str, str]
) -> list[dict[str, Any]]:
    answer = await client.get(f"/teams/{team_id}/capacity", headers=headers, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


@pytest.mark.rule("VIS-8.4")
async def test_a_manager_sees_what_is_asked_reserved_and_attended_beside_the_contracts(
    client: httpx.AsyncClient,
    manager: dict[str, str],
    staff: Staff,
    team_id: UUID,
    work: OpenWork,
) -> None:
    async with work() as opened:
        granted = await reserved(
            opened,
            [staff.noor, staff.idris, staff.elsewhere],
            session(MONDAY),
            session(MONDAY, 60, working_time=False),
        )
        awaiting = await planned(opened, [staff.idris], session(date(2026, 6, 30), 240))
        await planned(opened, [staff.idris], session(date(2026, 6, 30), 999))
        await RequestService(opened).submit(awaiting.id, expected=None, necessity=None)
    attendance = await client.post(
        f"/requests/{granted.id}/sessions/{granted.sessions[0].id}/attendances",
        headers=keyed(manager),
        json={"attended": [{"employeeId": str(staff.noor.id), "attendedMinutes": 400}]},
    )
    correction = await client.post(
        f"/attendances/{attendance.json()['items'][0]['id']}/corrections",
        headers=keyed(manager),
        json={"attendedMinutes": 450, "reason": "Toch langer gebleven."},
    )
    assert correction.status_code == 201
    rows = await capacity_of(client, manager, team_id, asked(MONDAY, date(2026, 6, 2)))
    figures = ("contractMinutes", "requestedMinutes", "reservedMinutes", "attendedMinutes")
    assert [(row["employeeId"], *(row[name] for name in figures)) for row in rows] == [
        (None, 3600, 0, 480, 450),
        (str(staff.noor.id), 2160, 0, 0, 450),
        (str(staff.idris.id), 1440, 0, 480, 0),
    ]
    [team, *_] = await capacity_of(
        client, manager, team_id, asked(MONDAY, date(2026, 6, 30), "month")
    )
    assert (team["startsOn"], team["endsBefore"]) == ("2026-06-01", "2026-07-01")
    assert tuple(team[name] for name in figures) == (15_840, 240, 480, 450)


@pytest.mark.rule("VIS-8.4")
async def test_who_left_counts_until_the_last_day(
    client: httpx.AsyncClient,
    manager: dict[str, str],
    staff: Staff,
    team_id: UUID,
    work: OpenWork,
) -> None:
    async with work() as opened:
        await PeopleService(opened).end_employment(
            staff.idris.id,
            left_on=date(2026, 6, 30),
            reason=LeavingReason.RESIGNATION,
            initiative=LeavingInitiative.EMPLOYEE,
        )
    rows = await capacity_of(client, manager, team_id, asked(date(2026, 6, 29), date(2026, 7, 12)))
    own = [row["contractMinutes"] for row in rows if row["employeeId"] == str(staff.idris.id)]
    assert own == [576, 0]


@pytest.mark.rule("VIS-8.4", "VIS-5.3")
@pytest.mark.invariant("T2")
async def test_a_team_is_for_who_leads_somebody_in_it_hr_and_the_mt(
    client: httpx.AsyncClient,
    *,
    sign_in: SignIn,
    staff: Staff,
    team_id: UUID,
    other_organisation: Organisation,
) -> None:
    query = asked(MONDAY, MONDAY)
    member_only = sign_in(Role.MANAGER, person=staff.noor.personnel_number)
    stranger = sign_in(Role.HR, organisation=other_organisation)
    for headers, team, status in (
        (sign_in(Role.HR), team_id, 200),
        (sign_in(Role.MT), team_id, 200),
        (member_only, team_id, 404),
        (sign_in(Role.MANAGER), team_id, 404),
        (sign_in(Role.HR), uuid4(), 404),
        (stranger, team_id, 404),
        (sign_in(Role.EMPLOYEE, person=staff.noor.personnel_number), team_id, 403),
        (sign_in(Role.KNOWLEDGE_BROKER), team_id, 403),
    ):
        answer = await client.get(f"/teams/{team}/capacity", headers=headers, params=query)
        assert answer.status_code == status


@pytest.mark.rule("VIS-8.4", "VIS-5.3")
async def test_a_manager_sees_apart_only_whom_they_lead_and_the_team_as_a_whole(
    client: httpx.AsyncClient,
    manager: dict[str, str],
    staff: Staff,
    team_id: UUID,
    work: OpenWork,
) -> None:
    async with work() as opened:
        await hire(opened, given_name="Tess", manager=staff.elsewhere)
    team, *members = await capacity_of(client, manager, team_id, asked(MONDAY, MONDAY))
    assert team["contractMinutes"] == 2160 + 1440 + 2160
    assert [row["employeeId"] for row in members] == [str(staff.noor.id), str(staff.idris.id)]


async def test_a_span_reversed_too_long_or_unreadable_is_refused(
    client: httpx.AsyncClient, manager: dict[str, str], team_id: UUID
) -> None:
    path = f"/teams/{team_id}/capacity"
    for query, status, problem in (
        (asked(date(2026, 6, 2), MONDAY), 422, "span-reversed"),
        (asked(date(2028, 1, 1), date(2029, 1, 1)), 422, "span-too-long"),
        ({**asked(MONDAY, MONDAY), "from": "1-6-2026"}, 400, "input-invalid"),
        ({**asked(MONDAY, MONDAY), "per": "day"}, 400, "input-invalid"),
        ({"from": "2026-06-01", "per": "week"}, 400, "input-invalid"),
    ):
        answer = await client.get(path, headers=manager, params=query)
        assert answer.status_code == status
        assert answer.json()["type"] == f"/problems/{problem}"
    year = await capacity_of(client, manager, team_id, asked(date(2028, 1, 1), date(2028, 12, 31)))
    assert len(year) == 53 * 3
