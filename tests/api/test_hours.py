"""The hour ledger over HTTP: norm, exceptions, room and entries, by calendar year."""

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy.exc import IntegrityError

from app.db.constraints import translate
from app.hours.errors import CONSTRAINTS, AlreadyReserved, NormExceeded
from app.hours.service import HourService
from app.kernel.actors import Role
from app.kernel.identifiers import new_id
from app.people.rules import EmployeeRow
from tests.conftest import OpenWork, SignIn
from tests.support.hours import (
    NORM,
    Staff,
    audited,
    differences,
    exception,
    keyed,
    planned,
    reservations,
    reserved,
    room_of,
    session,
    staffed,
)
from tests.support.organisations import Organisation

NEW_YEARS_EVE, NEW_YEARS_DAY = date(2026, 12, 31), date(2027, 1, 1)
A_2027_DAY = date(2027, 3, 1)


@pytest.fixture
async def staff(work: OpenWork) -> Staff:
    async with work() as opened:
        return await staffed(opened)


@pytest.fixture
def hr(sign_in: SignIn, staff: Staff) -> dict[str, str]:
    return sign_in(Role.HR, person=staff.elsewhere.personnel_number)


@pytest.fixture
def mt(sign_in: SignIn, staff: Staff) -> dict[str, str]:
    return sign_in(Role.MT, person=staff.elsewhere.personnel_number)


async def ledger_of(
    client: httpx.AsyncClient, headers: dict[str, str], employee: EmployeeRow, year: int
) -> dict[str, Any]:
    answer = await client.get(f"/employees/{employee.id}/hour-ledgers/{year}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def entries_of(
    client: httpx.AsyncClient,
    headers: dict[str, str],
    employee: EmployeeRow,
    year: int,
    **query: str | int,
) -> list[dict[str, Any]]:
    answer = await client.get(
        f"/employees/{employee.id}/hour-ledgers/{year}/entries", headers=headers, params=query
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


# --- The ledger of a year -----------------------------------------------------------------------


@pytest.mark.rule("VIS-8.1", "VIS-8.3")
async def test_a_year_without_hours_has_the_norm_of_its_policy(
    client: httpx.AsyncClient, hr: dict[str, str], staff: Staff
) -> None:
    for year, binding in ((2026, False), (2027, True)):
        assert await ledger_of(client, hr, staff.noor, year) == {
            "employeeId": str(staff.noor.id),
            "calendarYear": year,
            "binding": binding,
            "normMinutes": NORM,
            "exceptionMinutes": 0,
            "reservedMinutes": 0,
            "spentMinutes": 0,
            "roomMinutes": NORM,
            "ownTime": {"reservedMinutes": 0, "spentMinutes": 0},
            "warning": None,
        }
    assert await entries_of(client, hr, staff.noor, 2027) == []


@pytest.mark.rule("VIS-8.1")
@pytest.mark.invariant("L5")
async def test_sessions_around_new_year_count_in_two_years_and_own_time_in_none(
    client: httpx.AsyncClient, hr: dict[str, str], staff: Staff, work: OpenWork
) -> None:
    async with work() as opened:
        await reserved(
            opened,
            [staff.noor],
            session(NEW_YEARS_EVE, 480),
            session(NEW_YEARS_DAY, 300),
            session(NEW_YEARS_DAY, 120, working_time=False),
        )
    this_year = await ledger_of(client, hr, staff.noor, 2026)
    next_year = await ledger_of(client, hr, staff.noor, 2027)
    assert (this_year["reservedMinutes"], this_year["roomMinutes"]) == (480, NORM - 480)
    assert this_year["ownTime"] == {"reservedMinutes": 0, "spentMinutes": 0}
    assert (next_year["reservedMinutes"], next_year["roomMinutes"]) == (300, NORM - 300)
    assert next_year["ownTime"] == {"reservedMinutes": 120, "spentMinutes": 0}
    assert await differences(work) == []


@pytest.mark.rule("VIS-8.1")
@pytest.mark.invariant("L2", "L9")
async def test_the_entries_of_a_year_make_up_its_figures(
    client: httpx.AsyncClient, hr: dict[str, str], mt: dict[str, str], staff: Staff, work: OpenWork
) -> None:
    async with work() as opened:
        details = await reserved(
            opened, [staff.noor], session(A_2027_DAY), session(A_2027_DAY, 60, working_time=False)
        )
    granted = await client.post("/hour-exceptions", headers=keyed(mt), json=exception(staff.noor))
    assert granted.status_code == 201
    entries = await entries_of(client, hr, staff.noor, 2027)
    assert [(one["sequence"], one["effect"], one["minutes"], one["cause"]) for one in entries] == [
        (1, "norm", NORM, "policy"),
        (2, "reserved", 480, "decision"),
        (3, "exception", 600, "exception"),
    ]
    assert entries[1]["activityOn"] == "2027-03-01"
    assert entries[2]["causeId"] == granted.json()["id"]
    own = await entries_of(client, hr, staff.noor, 2027, ownTime="true")
    assert [(one["effect"], one["minutes"], one["ownTime"]) for one in own] == [
        ("reserved", 60, True)
    ]
    ledger = await ledger_of(client, hr, staff.noor, 2027)
    assert ledger["roomMinutes"] == NORM + 600 - 480
    async with work() as opened:
        assert await HourService(opened).release(details.id, cause_id=new_id()) == 480
    assert (await entries_of(client, hr, staff.noor, 2027))[-1]["effect"] == "released"
    assert (await ledger_of(client, hr, staff.noor, 2027))["reservedMinutes"] == 0


@pytest.mark.invariant("L8", "L9")
async def test_entries_come_by_page_and_as_they_stood_at_an_instant(
    client: httpx.AsyncClient, hr: dict[str, str], staff: Staff, work: OpenWork
) -> None:
    async with work() as opened:
        await reserved(opened, [staff.noor], session(A_2027_DAY))
    before = await entries_of(client, hr, staff.noor, 2027)
    async with work() as opened:
        await reserved(opened, [staff.noor], session(date(2027, 1, 4)), session(A_2027_DAY))
    as_of = before[-1]["recordedAt"]
    assert await entries_of(client, hr, staff.noor, 2027, asOf=as_of) == before

    seen: list[int] = []
    path = f"/employees/{staff.noor.id}/hour-ledgers/2027/entries"
    cursor: str | None = None
    while True:
        query = {"limit": "1"} if cursor is None else {"limit": "1", "cursor": cursor}
        page = (await client.get(path, headers=hr, params=query)).json()
        seen += [one["sequence"] for one in page["items"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert seen == [1, 2, 3, 4]


@pytest.mark.rule("VIS-8.3")
async def test_in_2026_the_norm_warns_in_the_readers_language_and_may_be_passed(
    client: httpx.AsyncClient, hr: dict[str, str], staff: Staff, work: OpenWork
) -> None:
    async with work() as opened:
        days = [date(2026, 7, 1) + timedelta(days=offset) for offset in range(11)]
        await reserved(opened, [staff.noor], *(session(day) for day in days))
    ledger = await ledger_of(client, {**hr, "Accept-Language": "nl"}, staff.noor, 2026)
    assert ledger["roomMinutes"] == -480
    assert "met 8 uur overschreden" in ledger["warning"]
    ledger = await ledger_of(client, {**hr, "Accept-Language": "en"}, staff.noor, 2026)
    assert "passed by 8 hours" in ledger["warning"]


@pytest.mark.rule("VIS-8.3")
async def test_in_2027_the_norm_refuses_what_would_pass_it_and_keeps_nothing_of_it(
    client: httpx.AsyncClient, hr: dict[str, str], staff: Staff, work: OpenWork
) -> None:
    async with work() as opened:
        await reserved(opened, [staff.noor], *(session(date(2027, 2, day)) for day in range(1, 11)))
    full = await ledger_of(client, hr, staff.noor, 2027)
    assert (full["roomMinutes"], full["warning"] is None) == (0, False)
    with pytest.raises(NormExceeded) as refused:
        async with work() as opened:
            # A year earlier there is room; the two are one grant, and it is refused as a whole.
            await reserved(opened, [staff.noor], session(NEW_YEARS_EVE), session(NEW_YEARS_DAY, 1))
    assert refused.value.facts["asked_minutes"] == 1
    assert refused.value.facts["room_minutes"] == 0
    assert (await ledger_of(client, hr, staff.noor, 2026))["reservedMinutes"] == 0
    assert await ledger_of(client, hr, staff.noor, 2027) == full


@pytest.mark.rule("VIS-8.1")
async def test_a_grant_that_is_taken_back_frees_what_it_held(staff: Staff, work: OpenWork) -> None:
    async with work() as opened:
        details = await reserved(
            opened,
            [staff.noor, staff.idris],
            session(A_2027_DAY, 1440),
            session(date(2027, 9, 1), 600),
            session(date(2027, 9, 1), 90, working_time=False),
        )
    async with work() as opened:
        hours = HourService(opened)
        held = {(one.id, 2027): 2040 for one in (staff.noor, staff.idris)}
        assert await hours.reserved_minutes([details.id]) == held
        freed = await hours.release(
            details.id, employee_ids=[staff.noor.id], held_after=A_2027_DAY, cause_id=new_id()
        )
        assert freed == 600
        assert await hours.release(details.id, cause_id=new_id()) == 1440 + 2040
        assert await hours.release(details.id, cause_id=new_id()) == 0
        assert await hours.reserved_minutes([details.id]) == {}
        assert (await room_of(opened, staff.noor, 2027)).room_minutes == NORM
        # What was released can be granted again.
        await hours.reserve(reservations(details), decision_id=new_id())
    async with work() as opened:
        [first, *_] = await audited(opened, "hours.reserved")
        assert first.after is not None
        assert (first.after["reserved_minutes"], first.after["own_time_minutes"]) == (4080, 180)
        assert len(await audited(opened, "hours.released")) == 2
    assert await differences(work) == []


@pytest.mark.rule("VIS-8.1")
async def test_hours_are_held_once_for_a_participant_and_session(
    staff: Staff, work: OpenWork
) -> None:
    async with work() as opened:
        details = await reserved(opened, [staff.noor], session(A_2027_DAY))
    with pytest.raises(IntegrityError) as refused:
        async with work() as opened:
            await HourService(opened).reserve(reservations(details), decision_id=new_id())
    assert isinstance(translate(refused.value, CONSTRAINTS), AlreadyReserved)


@pytest.mark.rule("VIS-8.1")
async def test_the_grants_of_one_decision_are_judged_together(staff: Staff, work: OpenWork) -> None:
    async with work() as opened:
        first = await planned(opened, [staff.noor], session(A_2027_DAY, 1440))
        others = [await planned(opened, [staff.noor], session(A_2027_DAY, 1440)) for _ in range(3)]
    with pytest.raises(NormExceeded):
        async with work() as opened:
            await HourService(opened).reserve_all(
                {new_id(): reservations(details) for details in (first, *others)}
            )
    async with work() as opened:
        await HourService(opened).reserve_all(
            {new_id(): reservations(details) for details in others}
        )
        await HourService(opened).reserve_all({new_id(): []})
        room = await room_of(opened, staff.noor, 2027)
    assert room.room_minutes == NORM - 3 * 1440


# --- Who sees it --------------------------------------------------------------------------------


@pytest.mark.rule("VIS-5.3")
@pytest.mark.invariant("T2")
async def test_hours_are_for_oneself_those_one_leads_and_who_see_everybody(
    client: httpx.AsyncClient, sign_in: SignIn, staff: Staff, other_organisation: Organisation
) -> None:
    noor = sign_in(Role.EMPLOYEE, person=staff.noor.personnel_number)
    manager = sign_in(Role.MANAGER, person=staff.manager.personnel_number)
    other = sign_in(Role.HR, organisation=other_organisation)
    nobody: dict[str, str] = {}
    seen = {
        "oneself": (noor, staff.noor.id, 200),
        "a colleague": (noor, staff.idris.id, 404),
        "whom one leads": (manager, staff.idris.id, 200),
        "of another team": (manager, staff.elsewhere.id, 404),
        "the auditor": (sign_in(Role.AUDITOR), staff.noor.id, 200),
        "the MT": (sign_in(Role.MT), staff.noor.id, 200),
        "nobody of this id": (sign_in(Role.HR), uuid4(), 404),
        "of another organisation": (other, staff.noor.id, 404),
        "a broker": (sign_in(Role.KNOWLEDGE_BROKER), staff.noor.id, 403),
        "not signed in": (nobody, staff.noor.id, 401),
    }
    for told, (headers, employee_id, status) in seen.items():
        for path in ("", "/entries"):
            answer = await client.get(
                f"/employees/{employee_id}/hour-ledgers/2026{path}", headers=headers
            )
            assert answer.status_code == status, told


async def test_a_year_without_policy_and_a_year_out_of_reach_are_refused(
    client: httpx.AsyncClient, hr: dict[str, str], staff: Staff
) -> None:
    path = f"/employees/{staff.noor.id}/hour-ledgers"
    answer = await client.get(f"{path}/2025", headers=hr)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/no-policy-in-force")
    for year in ("1999", "2200", "2026.5", "x"):
        assert (await client.get(f"{path}/{year}", headers=hr)).status_code == 400
    for query in ({"asOf": "yesterday"}, {"ownTime": "perhaps"}, {"limit": "0"}, {"what": "1"}):
        answer = await client.get(f"{path}/2026/entries", headers=hr, params=query)
        assert answer.status_code == 400, query


async def test_reservations_are_listed_by_request_and_employee_for_whom_one_sees(
    client: httpx.AsyncClient, hr: dict[str, str], sign_in: SignIn, staff: Staff, work: OpenWork
) -> None:
    async with work() as opened:
        details = await reserved(opened, [staff.noor, staff.elsewhere], session(A_2027_DAY))
        await reserved(opened, [staff.noor], session(A_2027_DAY, 60, working_time=False))

    async def listed(headers: dict[str, str], **query: object) -> list[dict[str, Any]]:
        answer = await client.get(
            "/hour-reservations",
            headers=headers,
            params={name: str(value) for name, value in query.items()},
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]

    assert len(await listed(hr)) == 3
    assert len(await listed(hr, requestId=details.id)) == 2
    [one] = await listed(hr, requestId=details.id, employeeId=staff.noor.id)
    assert (one["minutes"], one["workingTime"], one["status"]) == (480, True, "open")
    assert one["heldOn"] == "2027-03-01"
    manager = sign_in(Role.MANAGER, person=staff.manager.personnel_number)
    assert {one["employeeId"] for one in await listed(manager)} == {str(staff.noor.id)}
    first = await client.get("/hour-reservations", headers=hr, params={"limit": "2"})
    rest = await client.get(
        "/hour-reservations",
        headers=hr,
        params={"limit": "2", "cursor": first.json()["nextCursor"]},
    )
    assert len(rest.json()["items"]) == 1
    assert rest.json()["nextCursor"] is None
