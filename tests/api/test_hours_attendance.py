"""Attendance over HTTP: it spends what was attended and frees the rest; corrections reverse."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.hours.service import HourService
from app.kernel.actors import Role
from app.kernel.identifiers import new_id
from app.people.rules import EmployeeRow
from app.requests.rules import RequestDetails
from tests.conftest import OpenWork, SignIn
from tests.support.clock import FrozenClock
from tests.support.hours import (
    IN_2027,
    NORM,
    Staff,
    audited,
    differences,
    keyed,
    reserved,
    room_of,
    session,
    staffed,
)

HELD_ON = date(2026, 6, 15)  # the day on which every test begins


@pytest.fixture
async def staff(work: OpenWork) -> Staff:
    async with work() as opened:
        return await staffed(opened)


@pytest.fixture
async def training(staff: Staff, work: OpenWork) -> RequestDetails:
    """Return a training of one day for Noor and Idris, and one session still to come."""
    async with work() as opened:
        return await reserved(
            opened, [staff.noor, staff.idris], session(HELD_ON), session(date(2026, 6, 16))
        )


@pytest.fixture
def hr(sign_in: SignIn, staff: Staff) -> dict[str, str]:
    return sign_in(Role.HR, person=staff.manager.personnel_number)


@pytest.fixture
def manager(sign_in: SignIn, staff: Staff) -> dict[str, str]:
    return sign_in(Role.MANAGER, person=staff.manager.personnel_number)


def attended(employee: EmployeeRow, minutes: int, **changes: object) -> dict[str, Any]:
    return {"employeeId": str(employee.id), "attendedMinutes": minutes, **changes}


def path_of(details: RequestDetails, position: int = 0) -> str:
    return f"/requests/{details.id}/sessions/{details.sessions[position].id}/attendances"


async def record(
    client: httpx.AsyncClient, headers: dict[str, str], path: str, *who: dict[str, Any]
) -> httpx.Response:
    return await client.post(path, headers=keyed(headers), json={"attended": list(who)})


async def correct(
    client: httpx.AsyncClient, headers: dict[str, str], attendance_id: object, minutes: int
) -> httpx.Response:
    return await client.post(
        f"/attendances/{attendance_id}/corrections",
        headers=keyed(headers),
        json={"attendedMinutes": minutes, "reason": "Presentielijst nagekeken."},
    )


async def recorded(
    client: httpx.AsyncClient,
    headers: dict[str, str],
    details: RequestDetails,
    employee: EmployeeRow,
    minutes: int,
) -> str:
    answer = await record(client, headers, path_of(details), attended(employee, minutes))
    assert answer.status_code == 201, answer.text
    return answer.json()["items"][0]["id"]


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


# --- Recording ----------------------------------------------------------------------------------


@pytest.mark.rule("VIS-6.6", "VIS-8.1")
@pytest.mark.invariant("L4")
async def test_attendance_spends_what_was_attended_and_frees_the_rest(
    client: httpx.AsyncClient,
    manager: dict[str, str],
    staff: Staff,
    training: RequestDetails,
    work: OpenWork,
) -> None:
    answer = await record(
        client,
        manager,
        path_of(training),
        attended(staff.noor, 450),
        attended(staff.idris, 0, absenceReason="Spoedinzet bij een calamiteit."),
    )
    assert answer.status_code == 201, answer.text
    noor, idris = answer.json()["items"]
    assert noor == {
        "id": noor["id"],
        "requestId": str(training.id),
        "sessionId": str(training.sessions[0].id),
        "employeeId": str(staff.noor.id),
        "heldOn": "2026-06-15",
        "workingTime": True,
        "plannedMinutes": 480,
        "attendedMinutes": 450,
        "absenceReason": None,
        "correctsId": None,
        "correctionReason": None,
        "holds": True,
        "recordedBy": staff.manager.personnel_number,
        "recordedAt": "2026-06-15T08:00:00Z",
    }
    assert idris["absenceReason"] == "Spoedinzet bij een calamiteit."
    async with work() as opened:
        room = await room_of(opened, staff.noor, 2026)
        assert (room.reserved_minutes, room.spent_minutes) == (480, 450)
        room = await room_of(opened, staff.idris, 2026)
        assert (room.reserved_minutes, room.spent_minutes) == (480, 0)
        assert len(await audited(opened, "attendance.recorded")) == 2
    listed = await client.get(path_of(training), headers=manager)
    assert listed.json()["items"] == [noor, idris]
    assert await differences(work) == []


@pytest.mark.rule("VIS-8.1")
async def test_attendance_in_own_time_leaves_the_norm_alone(
    client: httpx.AsyncClient, hr: dict[str, str], staff: Staff, work: OpenWork
) -> None:
    async with work() as opened:
        details = await reserved(opened, [staff.noor], session(HELD_ON, 120, working_time=False))
    attendance = await recorded(client, hr, details, staff.noor, 90)
    assert (await correct(client, hr, attendance, 120)).status_code == 201
    ledger = await client.get(f"/employees/{staff.noor.id}/hour-ledgers/2026", headers=hr)
    assert ledger.json()["ownTime"] == {"reservedMinutes": 0, "spentMinutes": 120}
    assert ledger.json()["roomMinutes"] == NORM
    entries = await client.get(
        f"/employees/{staff.noor.id}/hour-ledgers/2026/entries?ownTime=true", headers=hr
    )
    assert [one["effect"] for one in entries.json()["items"]] == [
        "reserved",
        "spent",
        "reversed",
        "spent",
    ]
    assert await differences(work) == []


@pytest.mark.rule("VIS-6.6", "VIS-8.1")
async def test_attendance_is_refused_as_a_whole_when_one_of_it_is_wrong(
    client: httpx.AsyncClient,
    hr: dict[str, str],
    staff: Staff,
    training: RequestDetails,
    work: OpenWork,
) -> None:
    noor = attended(staff.noor, 480)
    for other, problem in (
        (attended(staff.idris, 481), (409, "attendance-beyond-plan")),
        (attended(staff.elsewhere, 60), (409, "reservation-missing")),
        ({"employeeId": str(uuid4()), "attendedMinutes": 1}, (404, "employee-not-found")),
        (
            attended(staff.idris, 0, absenceReason="BSN 111222333"),
            (422, "bsn-in-text"),
        ),
    ):
        answer = await record(client, hr, path_of(training), noor, other)
        assert told(answer) == problem
        if problem == (422, "bsn-in-text"):
            assert answer.json()["facts"] == {"field": "absenceReason"}
    tomorrow = await record(client, hr, path_of(training, 1), noor)
    assert told(tomorrow) == (409, "session-still-to-come")
    async with work() as opened:
        room = await room_of(opened, staff.noor, 2026)
        assert (room.reserved_minutes, room.spent_minutes) == (960, 0)
        assert await audited(opened, "attendance.recorded") == []


async def test_attendance_can_be_recorded_once_and_not_of_what_was_released(
    client: httpx.AsyncClient,
    hr: dict[str, str],
    staff: Staff,
    training: RequestDetails,
    work: OpenWork,
) -> None:
    await recorded(client, hr, training, staff.noor, 480)
    again = await record(client, hr, path_of(training), attended(staff.noor, 480))
    assert told(again) == (409, "reservation-missing")
    async with work() as opened:
        await HourService(opened).release(training.id, cause_id=new_id())
    late = await record(client, hr, path_of(training), attended(staff.idris, 480))
    assert told(late) == (409, "reservation-missing")
    async with work() as opened:
        assert (await room_of(opened, staff.noor, 2026)).spent_minutes == 480


@pytest.mark.rule("VIS-5.3", "VIS-6.6")
@pytest.mark.invariant("T2")
async def test_attendance_is_recorded_by_hr_or_by_who_leads_and_never_by_oneself(
    client: httpx.AsyncClient,
    sign_in: SignIn,
    staff: Staff,
    work: OpenWork,
    elsewhere: dict[str, str],
) -> None:
    async with work() as opened:
        everybody = [staff.manager, staff.noor, staff.elsewhere]
        details = await reserved(opened, everybody, session(HELD_ON))
    path = path_of(details)
    manager = sign_in(Role.MANAGER, person=staff.manager.personnel_number)
    hr = sign_in(Role.HR, person=staff.elsewhere.personnel_number)
    noor_of_hr = sign_in(Role.HR, person=staff.noor.personnel_number)
    for headers, employee, expected in (
        (manager, staff.manager, (403, "own-attendance")),
        (noor_of_hr, staff.noor, (403, "own-attendance")),
        (manager, staff.elsewhere, (404, "employee-not-found")),
        (elsewhere, staff.noor, (404, "employee-not-found")),
    ):
        assert told(await record(client, headers, path, attended(employee, 480))) == expected
    for role in Role:
        if role not in {Role.HR, Role.MANAGER}:
            answer = await record(client, sign_in(role), path, attended(staff.noor, 480))
            assert answer.status_code == 403
            refused = await correct(client, sign_in(role), uuid4(), 1)
            assert refused.status_code == 403
    attendance = await recorded(client, hr, details, staff.noor, 480)
    own = await recorded(client, hr, details, staff.manager, 480)
    assert told(await correct(client, noor_of_hr, attendance, 1)) == (403, "own-attendance")
    assert told(await correct(client, manager, own, 1)) == (403, "own-attendance")
    assert told(await correct(client, elsewhere, own, 1)) == (404, "attendance-not-found")


async def test_a_session_nobody_reserved_for_is_not_found_and_others_see_their_own(
    client: httpx.AsyncClient,
    hr: dict[str, str],
    sign_in: SignIn,
    staff: Staff,
    training: RequestDetails,
) -> None:
    await recorded(client, hr, training, staff.noor, 480)
    noor = sign_in(Role.EMPLOYEE, person=staff.noor.personnel_number)
    idris = sign_in(Role.EMPLOYEE, person=staff.idris.personnel_number)
    elsewhere = sign_in(Role.EMPLOYEE, person=staff.elsewhere.personnel_number)
    assert len((await client.get(path_of(training), headers=noor)).json()["items"]) == 1
    assert len((await client.get(path_of(training), headers=hr)).json()["items"]) == 1
    assert (await client.get(path_of(training), headers=idris)).json()["items"] == []
    assert told(await client.get(path_of(training), headers=elsewhere)) == (
        404,
        "session-not-found",
    )
    unknown = f"/requests/{training.id}/sessions/{uuid4()}/attendances"
    assert told(await client.get(unknown, headers=hr)) == (404, "session-not-found")
    answer = await record(client, hr, unknown, attended(staff.noor, 1))
    assert told(answer) == (404, "session-not-found")


@pytest.mark.parametrize(
    "body",
    [
        {"attended": []},
        {"attended": [{"employeeId": str(UUID(int=1)), "attendedMinutes": -1}]},
        {"attended": [{"employeeId": str(UUID(int=1)), "attendedMinutes": 10**12}]},
        {"attended": [{"employeeId": "x", "attendedMinutes": 1}]},
        {"attended": [{"employeeId": str(UUID(int=1)), "attendedMinutes": 1, "holds": True}]},
        {"attended": "all"},
        {},
    ],
    ids=str,
)
async def test_attendance_that_is_no_attendance_is_refused(
    client: httpx.AsyncClient, hr: dict[str, str], training: RequestDetails, body: dict[str, Any]
) -> None:
    answer = await client.post(path_of(training), headers=keyed(hr), json=body)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        pytest.param([{"employeeId": str(UUID(int=1)), "attendedMinutes": 0}], id="unexplained"),
        pytest.param([{"employeeId": str(UUID(int=1)), "attendedMinutes": 1}] * 2, id="twice"),
    ],
)
async def test_attendance_that_contradicts_itself_is_refused(
    client: httpx.AsyncClient, hr: dict[str, str], training: RequestDetails, body: list[Any]
) -> None:
    answer = await client.post(path_of(training), headers=keyed(hr), json={"attended": body})
    assert told(answer) == (422, "input-impossible")


@pytest.mark.invariant("K6", "L3")
async def test_hours_need_a_key_and_entries_are_never_changed(
    client: httpx.AsyncClient, hr: dict[str, str], staff: Staff, training: RequestDetails
) -> None:
    unkeyed = await client.post(
        path_of(training), headers=hr, json={"attended": [attended(staff.noor, 1)]}
    )
    assert told(unkeyed) == (400, "idempotency-key-missing")
    attendance = await recorded(client, hr, training, staff.noor, 480)
    path = f"/attendances/{attendance}/corrections"
    body = {"attendedMinutes": 1, "reason": "x"}
    assert (await client.post(path, headers=hr, json=body)).status_code == 400
    for method in ("PUT", "PATCH", "DELETE"):
        for target in (f"/employees/{staff.noor.id}/hour-ledgers/2026/entries", path):
            answer = await client.request(method, target, headers=hr, json=body)
            assert answer.status_code == 405


# --- Correcting ---------------------------------------------------------------------------------


@pytest.mark.rule("VIS-6.6")
@pytest.mark.invariant("L3")
async def test_a_correction_reverses_and_books_anew_and_only_the_last_can_be_corrected(
    client: httpx.AsyncClient,
    manager: dict[str, str],
    staff: Staff,
    training: RequestDetails,
    work: OpenWork,
) -> None:
    first = await recorded(client, manager, training, staff.noor, 480)
    answer = await correct(client, manager, first, 240)
    assert answer.status_code == 201, answer.text
    second = answer.json()
    assert (second["correctsId"], second["attendedMinutes"], second["holds"]) == (first, 240, True)
    assert second["correctionReason"] == "Presentielijst nagekeken."
    assert told(await correct(client, manager, first, 120)) == (409, "attendance-corrected")
    absent = (await correct(client, manager, second["id"], 0)).json()
    assert absent["absenceReason"] == "Presentielijst nagekeken."
    present = await correct(client, manager, absent["id"], 480)
    assert present.status_code == 201

    entries = await client.get(
        f"/employees/{staff.noor.id}/hour-ledgers/2026/entries", headers=manager
    )
    items = entries.json()["items"]
    assert [(one["effect"], one["minutes"]) for one in items[3:]] == [
        ("spent", 480),
        ("reversed", 480),
        ("spent", 240),
        ("reversed", 240),
        ("spent", 480),
    ]
    assert items[4]["resolvesId"] == items[3]["id"]
    listed = await client.get(path_of(training), headers=manager)
    assert [one["holds"] for one in listed.json()["items"]] == [False, False, False, True]
    async with work() as opened:
        assert (await room_of(opened, staff.noor, 2026)).spent_minutes == 480
        rows = await audited(opened, "attendance.corrected")
        assert [row.reason for row in rows] == ["Presentielijst nagekeken."] * 3
    assert await differences(work) == []


async def test_a_correction_that_breaks_a_rule_is_refused(
    client: httpx.AsyncClient, hr: dict[str, str], staff: Staff, training: RequestDetails
) -> None:
    attendance = await recorded(client, hr, training, staff.noor, 450)
    assert told(await correct(client, hr, attendance, 481)) == (409, "attendance-beyond-plan")
    assert told(await correct(client, hr, attendance, 450)) == (409, "attendance-unchanged")
    assert told(await correct(client, hr, uuid4(), 1)) == (404, "attendance-not-found")
    answer = await client.post(
        f"/attendances/{attendance}/corrections",
        headers=keyed(hr),
        json={"attendedMinutes": 1, "reason": "BSN 111222333"},
    )
    assert told(answer) == (422, "bsn-in-text")
    for body in ({"attendedMinutes": 1}, {"attendedMinutes": -1, "reason": "x"}, {"reason": "x"}):
        answer = await client.post(
            f"/attendances/{attendance}/corrections", headers=keyed(hr), json=body
        )
        assert answer.status_code == 400


@pytest.mark.rule("VIS-8.3")
async def test_a_correction_upwards_does_not_pass_a_norm_that_binds(
    client: httpx.AsyncClient,
    hr: dict[str, str],
    staff: Staff,
    work: OpenWork,
    clock: FrozenClock,
) -> None:
    clock.set(IN_2027)
    async with work() as opened:
        details = await reserved(opened, [staff.noor], session(date(2027, 6, 14)))
    attendance = await recorded(client, hr, details, staff.noor, 240)
    async with work() as opened:
        # All of what is left, but a minute.
        lengths = [480] * 9 + [239]
        days = [session(date(2027, 9, 1), length) for length in lengths]
        await reserved(opened, [staff.noor], *days)
    answer = await correct(client, hr, attendance, 242)
    assert told(answer) == (409, "norm-exceeded")
    assert answer.json()["rule"]["id"] == "VIS-8.3"
    assert answer.json()["facts"]["roomMinutes"] == 1
    corrected = await correct(client, hr, attendance, 241)
    assert corrected.status_code == 201
    down = await correct(client, hr, corrected.json()["id"], 60)
    assert down.status_code == 201
    assert await differences(work) == []


@pytest.mark.rule("VIS-8.1")
@pytest.mark.invariant("L5")
async def test_attendance_of_the_old_year_recorded_in_the_new_counts_in_the_old(
    client: httpx.AsyncClient,
    hr: dict[str, str],
    staff: Staff,
    work: OpenWork,
    clock: FrozenClock,
) -> None:
    async with work() as opened:
        details = await reserved(opened, [staff.noor], session(date(2026, 12, 31)))
    # Half past midnight in Amsterdam, still 2026 in UTC.
    clock.set(datetime(2026, 12, 31, 23, 30, tzinfo=UTC))
    attendance = await recorded(client, hr, details, staff.noor, 480)
    clock.set(IN_2027)
    assert (await correct(client, hr, attendance, 300)).status_code == 201
    async with work() as opened:
        assert (await room_of(opened, staff.noor, 2026)).spent_minutes == 300
        assert (await room_of(opened, staff.noor, 2027)).spent_minutes == 0
    assert await differences(work) == []
