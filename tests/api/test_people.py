"""Teams, functions and employees over HTTP: hired, placed, found, and seen by whom may see them."""

import asyncio
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.kernel.actors import Role
from app.kernel.errors import Refusal
from app.people.errors import EmployeeNotFound, EmploymentOver, EndBeforeHiring, NotEmployed
from app.people.rules import EmployeeRow, LeavingInitiative, LeavingReason
from app.people.service import PeopleService
from tests.conftest import ActAs, OpenWork, SignIn
from tests.support.organisations import Organisation
from tests.support.people import function_named, hire, team_named
from tests.support.sql import connected


@dataclass(frozen=True, slots=True)
class Staff:
    """A director who leads a manager who leads two, and somebody apart under the director."""

    director: EmployeeRow
    manager: EmployeeRow
    adviser: EmployeeRow
    inspector: EmployeeRow
    controller: EmployeeRow


@pytest.fixture
async def staff(work: OpenWork) -> Staff:
    async with work() as opened:
        director = await hire(opened, number="1", family_name="Sas", team="Directie")
        manager = await hire(opened, number="2", family_name="Sloot", manager=director)
        return Staff(
            director=director,
            manager=manager,
            adviser=await hire(opened, number="3", family_name="Dirksen", manager=manager),
            inspector=await hire(
                opened,
                number="4",
                family_name="Oëll",
                manager=manager,
                team="Toezicht Industrie",
                function="Inspecteur",
            ),
            controller=await hire(
                opened, number="5", family_name="Dijkstra", manager=director, team="Financiën"
            ),
        )


@pytest.fixture
def hris(sign_in: SignIn) -> dict[str, str]:
    return sign_in(Role.HRIS, subject="hris")


async def place(
    client: httpx.AsyncClient, headers: dict[str, str], employee: EmployeeRow, **changes: object
) -> httpx.Response:
    """Place an employee as before from a day on, but for ``changes``."""
    read = await client.get(f"/employees/{employee.id}", headers=headers)
    now = read.json()["placement"]
    names = ("teamId", "functionId", "managerId", "contractMinutesPerWeek")
    body = {name: now[name] for name in names} | {"validFrom": "2026-07-01"} | changes
    return await client.post(f"/employees/{employee.id}/placements", json=body, headers=headers)


async def numbers(client: httpx.AsyncClient, headers: dict[str, str], **query: str) -> list[str]:
    answer = await client.get("/employees", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    return [item["personnelNumber"] for item in answer.json()["items"]]


async def body_of(work: OpenWork, **changes: object) -> dict[str, Any]:
    """Return what a new employee is recorded with."""
    async with work() as opened:
        team = await team_named(opened, "Nieuw team")
        function = await function_named(opened, "Nieuwe functie")
    return {
        "personnelNumber": "900",
        "givenName": "Esmée",
        "infix": "van den",
        "familyName": "Veen",
        "email": "Esmee.vandenVeen@od-voorbeeld.example",
        "bornOn": "1979-01-25",
        "educationLevel": "hbo",
        "hiredOn": "2026-03-01",
        "kind": "permanent",
        "teamId": str(team.id),
        "functionId": str(function.id),
        "managerId": None,
        "contractMinutesPerWeek": 1440,
    } | changes


async def test_the_hris_adds_an_employee_who_can_be_read_where_the_answer_says(
    client: httpx.AsyncClient, hris: dict[str, str], work: OpenWork
) -> None:
    added = await client.post("/employees", json=await body_of(work), headers=hris)

    assert added.status_code == 201
    read = await client.get(added.headers["Location"].removeprefix("/v1"), headers=hris)
    assert read.json() == added.json()
    assert read.headers["ETag"] == added.headers["ETag"] == '"1"'
    body = read.json()
    assert body["name"] == "Esmée van den Veen"
    assert body["placement"]["teamName"] == "Nieuw team"
    assert body["placement"]["contractMinutesPerWeek"] == 1440
    assert (body["hiredOn"], body["leftOn"]) == ("2026-03-01", None)


@pytest.mark.parametrize(
    ("changes", "slug"),
    [
        pytest.param({"personnelNumber": "2"}, "personnel-number-taken", id="number"),
        pytest.param({"email": "P2@OD-voorbeeld.example"}, "email-taken", id="address in capitals"),
    ],
)
async def test_a_number_and_an_address_belong_to_one_person(
    client: httpx.AsyncClient,
    hris: dict[str, str],
    work: OpenWork,
    staff: Staff,  # noqa: ARG001
    *,
    changes: dict[str, str],
    slug: str,
) -> None:
    refused = await client.post("/employees", json=await body_of(work, **changes), headers=hris)

    assert refused.status_code == 409
    assert refused.json()["type"] == f"/problems/{slug}"
    assert "900" not in await numbers(client, hris)


@pytest.mark.parametrize(
    ("member", "slug"),
    [
        pytest.param("teamId", "team-not-found", id="team"),
        pytest.param("functionId", "function-not-found", id="function"),
        pytest.param("managerId", "employee-not-found", id="manager"),
    ],
)
async def test_a_placement_names_only_what_is_there(
    client: httpx.AsyncClient, hris: dict[str, str], work: OpenWork, member: str, slug: str
) -> None:
    body = await body_of(work, **{member: str(uuid4())})

    refused = await client.post("/employees", json=body, headers=hris)

    assert refused.status_code == 404
    assert refused.json()["type"] == f"/problems/{slug}"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        pytest.param({"hiredOn": "2026-02-30"}, "/hiredOn", id="a day that is not"),
        pytest.param({"hiredOn": 0}, "/hiredOn", id="a number for a day"),
        pytest.param({"email": "nobody"}, "/email", id="no address"),
        pytest.param({"familyName": ""}, "/familyName", id="an empty name"),
        pytest.param({"familyName": "x" * 121}, "/familyName", id="a name too long"),
        pytest.param({"givenName": "a\nb"}, "/givenName", id="a name on two lines"),
        pytest.param({"contractMinutesPerWeek": -1}, "/contractMinutesPerWeek", id="negative"),
        pytest.param({"contractMinutesPerWeek": 3601}, "/contractMinutesPerWeek", id="over 60 h"),
        pytest.param({"kind": "vast"}, "/kind", id="a Dutch word"),
        pytest.param({"bsn": "123456782"}, "/bsn", id="a field that has no place here"),
    ],
)
async def test_what_can_not_be_is_refused_by_its_place(
    client: httpx.AsyncClient,
    hris: dict[str, str],
    work: OpenWork,
    changes: dict[str, Any],
    pointer: str,
) -> None:
    refused = await client.post("/employees", json=await body_of(work, **changes), headers=hris)

    assert refused.status_code == 400
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]


async def test_a_change_of_team_keeps_what_was_before_it(
    client: httpx.AsyncClient, hris: dict[str, str], staff: Staff, work: OpenWork
) -> None:
    async with work() as opened:
        other = await team_named(opened, "Toezicht Asbest")

    moved = await place(client, hris, staff.adviser, teamId=str(other.id), validFrom="2026-07-01")

    assert moved.status_code == 201
    assert moved.headers["ETag"] == '"2"'
    assert moved.json()["placement"]["teamName"] == "Toezicht Bodem", "today is before it"
    history = await client.get(f"/employees/{staff.adviser.id}/employments", headers=hris)
    (employment,) = history.json()["items"]
    assert [
        (one["teamName"], one["validFrom"], one["validUntil"]) for one in employment["placements"]
    ] == [
        ("Toezicht Bodem", "2020-01-01", "2026-07-01"),
        ("Toezicht Asbest", "2026-07-01", None),
    ]
    assert await numbers(client, hris, teamId=str(other.id)) == []
    assert await numbers(client, hris, teamId=str(other.id), employedOn="2026-07-01") == ["3"]
    assert await numbers(client, hris, teamId=str(other.id), employedOn="2026-06-30") == []


async def test_a_placement_between_two_ends_where_the_next_begins_and_one_of_that_day_is_replaced(
    client: httpx.AsyncClient, hris: dict[str, str], staff: Staff
) -> None:
    await place(client, hris, staff.adviser, validFrom="2027-01-01", contractMinutesPerWeek=1000)
    await place(client, hris, staff.adviser, validFrom="2026-09-01", contractMinutesPerWeek=1500)
    await place(client, hris, staff.adviser, validFrom="2026-09-01", contractMinutesPerWeek=1600)
    same = await place(
        client, hris, staff.adviser, validFrom="2026-10-01", contractMinutesPerWeek=1600
    )

    assert same.headers["ETag"] == '"4"', "what holds already changes nothing"
    history = await client.get(f"/employees/{staff.adviser.id}/employments", headers=hris)
    placements = history.json()["items"][0]["placements"]
    assert [(one["contractMinutesPerWeek"], one["validUntil"]) for one in placements] == [
        (2160, "2026-09-01"),
        (1600, "2027-01-01"),
        (1000, None),
    ]


async def test_nobody_is_placed_before_the_first_day(
    client: httpx.AsyncClient, hris: dict[str, str], staff: Staff
) -> None:
    first = await place(
        client, hris, staff.adviser, validFrom="2020-01-01", contractMinutesPerWeek=600
    )
    before = await place(
        client, hris, staff.adviser, validFrom="2019-12-31", contractMinutesPerWeek=700
    )

    assert first.status_code == 201
    assert before.status_code == 409
    assert before.json()["type"] == "/problems/placement-outside-employment"
    assert before.json()["facts"] == {"validFromOn": "2019-12-31"}


@pytest.mark.rule("VIS-5.3")
async def test_nobody_is_their_own_manager(
    client: httpx.AsyncClient, hris: dict[str, str], staff: Staff
) -> None:
    refused = await place(client, hris, staff.adviser, managerId=str(staff.adviser.id))

    assert refused.status_code == 409
    assert refused.json()["type"] == "/problems/own-manager"


@pytest.mark.rule("VIS-5.3")
async def test_a_circle_of_managers_is_refused_however_long(
    client: httpx.AsyncClient, hris: dict[str, str], staff: Staff
) -> None:
    for manager in (staff.manager, staff.adviser):
        refused = await place(client, hris, staff.director, managerId=str(manager.id))

        assert refused.status_code == 409
        assert refused.json()["type"] == "/problems/manager-cycle"


@pytest.mark.rule("VIS-5.3")
async def test_a_circle_that_would_only_close_later_is_refused_too(
    client: httpx.AsyncClient, hris: dict[str, str], staff: Staff
) -> None:
    leads = {"managerId": str(staff.inspector.id), "validFrom": "2027-01-01"}
    planned = await place(client, hris, staff.controller, **leads)

    open_ended = await place(
        client,
        hris,
        staff.inspector,
        managerId=str(staff.controller.id),
        validFrom="2026-08-01",
    )

    assert planned.status_code == 201
    assert open_ended.status_code == 409
    assert open_ended.json()["type"] == "/problems/manager-cycle"


@pytest.mark.invariant("W2")
async def test_two_changes_at_once_do_not_close_a_circle_together(
    client: httpx.AsyncClient, hris: dict[str, str], staff: Staff
) -> None:
    under = await asyncio.gather(
        place(client, hris, staff.controller, managerId=str(staff.manager.id)),
        place(client, hris, staff.manager, managerId=str(staff.controller.id)),
    )

    assert sorted(answer.status_code for answer in under) == [201, 409]


@pytest.mark.invariant("W3")
async def test_of_many_who_correct_what_they_all_read_one_succeeds(
    client: httpx.AsyncClient, hris: dict[str, str], staff: Staff
) -> None:
    answers = await asyncio.gather(
        *(
            client.patch(
                f"/employees/{staff.adviser.id}",
                json={"givenName": f"Naam {number}"},
                headers=hris | {"If-Match": '"1"'},
            )
            for number in range(16)
        )
    )

    assert sorted(answer.status_code for answer in answers) == [200, *[412] * 15]


async def test_nobody_is_born_on_the_first_day_of_work_or_later(
    client: httpx.AsyncClient, hris: dict[str, str], work: OpenWork, staff: Staff
) -> None:
    body = await body_of(work, bornOn="2026-03-01")
    hired = await client.post("/employees", json=body, headers=hris)
    corrected = await client.patch(
        f"/employees/{staff.adviser.id}",
        json={"bornOn": "2199-01-01", "familyName": "Jansen"},
        headers=hris | {"If-Match": "*"},
    )

    for refused in (hired, corrected):
        assert refused.status_code == 422
        assert refused.json()["type"] == "/problems/born-after-hiring"
    assert hired.json()["facts"] == {"bornOn": "2026-03-01", "hiredOn": "2026-03-01"}
    assert await numbers(client, hris, namePrefix="veen") == []
    assert await numbers(client, hris, namePrefix="jans") == []


async def test_a_correction_changes_what_was_sent_and_nothing_else(
    client: httpx.AsyncClient, hris: dict[str, str], staff: Staff
) -> None:
    path = f"/employees/{staff.adviser.id}"

    unread = await client.patch(path, json={"familyName": "Jansen"}, headers=hris)
    changed = await client.patch(
        path, json={"familyName": "Jansen", "infix": None}, headers=hris | {"If-Match": '"1"'}
    )
    stale = await client.patch(path, json={"familyName": "X"}, headers=hris | {"If-Match": '"1"'})
    taken = await client.patch(
        path, json={"email": "p2@od-voorbeeld.example"}, headers=hris | {"If-Match": "*"}
    )
    null = await client.patch(path, json={"email": None}, headers=hris | {"If-Match": "*"})

    assert unread.status_code == 428
    assert changed.status_code == 200
    assert changed.json()["name"] == "Noor Jansen"
    assert changed.json()["bornOn"] == "1985-05-17"
    assert changed.headers["ETag"] == '"2"'
    assert stale.status_code == 412
    assert taken.json()["type"] == "/problems/email-taken"
    assert null.status_code == 400
    assert await numbers(client, hris, namePrefix="jans") == ["3"]


@pytest.mark.parametrize(
    ("prefix", "found"),
    [
        pytest.param("di", ["3", "5"], id="whatever the capitals"),
        pytest.param("OE", ["4"], id="whatever the accents"),
        pytest.param("Dirksen", ["3"], id="the whole name"),
        pytest.param("%", [], id="no wildcard"),
        pytest.param("irk", [], id="not in the middle"),
    ],
)
async def test_employees_are_found_by_how_their_family_name_begins(
    client: httpx.AsyncClient,
    hris: dict[str, str],
    staff: Staff,  # noqa: ARG001
    prefix: str,
    found: list[str],
) -> None:
    assert await numbers(client, hris, namePrefix=prefix) == found


async def test_employees_are_found_by_function_and_listed_page_by_page(
    client: httpx.AsyncClient, hris: dict[str, str], staff: Staff
) -> None:
    read = await client.get(f"/employees/{staff.inspector.id}", headers=hris)
    function_id = read.json()["placement"]["functionId"]
    assert await numbers(client, hris, functionId=function_id) == ["4"]

    first = await client.get("/employees", params={"limit": 3}, headers=hris)
    assert [item["personnelNumber"] for item in first.json()["items"]] == ["1", "2", "3"]
    rest = await client.get(
        first.headers["Link"].partition(">")[0].removeprefix("<").removeprefix("/v1"),
        headers=hris,
    )
    assert [item["personnelNumber"] for item in rest.json()["items"]] == ["4", "5"]
    assert rest.json()["nextCursor"] is None


SEEN = {
    Role.EMPLOYEE: ["2"],
    Role.MANAGER: ["2", "3", "4"],
    Role.HR: ["1", "2", "3", "4", "5"],
    Role.MT: ["1", "2", "3", "4", "5"],
    Role.KNOWLEDGE_BROKER: ["2"],
    Role.FUND_OFFICER: ["2"],
    Role.ADVISER: ["2"],
    Role.AUDITOR: ["1", "2", "3", "4", "5"],
    Role.ADMIN: ["1", "2", "3", "4", "5"],
    Role.HRIS: ["1", "2", "3", "4", "5"],
}


@pytest.mark.rule("VIS-5.3")
@pytest.mark.parametrize("role", list(Role), ids=str)
async def test_each_role_sees_whom_it_is_for_and_the_others_are_not_there(
    client: httpx.AsyncClient, sign_in: SignIn, staff: Staff, role: Role
) -> None:
    headers = sign_in(role, person="2")

    assert await numbers(client, headers) == SEEN[role]
    for employee in (staff.director, staff.adviser, staff.controller):
        for path in (f"/employees/{employee.id}", f"/employees/{employee.id}/employments"):
            answer = await client.get(path, headers=headers)
            visible = employee.personnel_number in SEEN[role]
            assert answer.status_code == (200 if visible else 404)


async def test_a_manager_sees_who_works_under_those_they_lead_too(
    client: httpx.AsyncClient,
    sign_in: SignIn,
    staff: Staff,  # noqa: ARG001
) -> None:
    headers = sign_in(Role.MANAGER, person="1")

    assert await numbers(client, headers) == ["1", "2", "3", "4", "5"]


async def test_who_has_moved_away_or_left_is_no_longer_seen_by_the_manager(
    client: httpx.AsyncClient,
    sign_in: SignIn,
    hris: dict[str, str],
    staff: Staff,
    work: OpenWork,
) -> None:
    await place(
        client,
        hris,
        staff.inspector,
        managerId=str(staff.director.id),
        validFrom="2026-06-15",
    )
    async with work() as opened:
        await PeopleService(opened).end_employment(
            staff.adviser.id,
            left_on=date(2026, 6, 14),
            reason=LeavingReason.RESIGNATION,
            initiative=LeavingInitiative.EMPLOYEE,
        )

    assert await numbers(client, sign_in(Role.MANAGER, person="2")) == ["2"]


async def test_a_token_without_a_person_sees_nobody(
    client: httpx.AsyncClient,
    sign_in: SignIn,
    staff: Staff,  # noqa: ARG001
) -> None:
    assert await numbers(client, sign_in(Role.MANAGER)) == []


async def test_a_manager_is_not_told_a_date_of_birth_nor_why_somebody_left(
    client: httpx.AsyncClient, sign_in: SignIn, staff: Staff, work: OpenWork
) -> None:
    async with work() as opened:
        await PeopleService(opened).end_employment(
            staff.adviser.id,
            left_on=date(2026, 12, 31),
            reason=LeavingReason.LONG_ILLNESS,
            initiative=LeavingInitiative.EMPLOYER,
        )
    path = f"/employees/{staff.adviser.id}"
    for headers, is_told in (
        (sign_in(Role.MANAGER, person="2"), False),
        (sign_in(Role.EMPLOYEE, person="3"), True),
        (sign_in(Role.HR), True),
    ):
        read = await client.get(path, headers=headers)
        employments = await client.get(f"{path}/employments", headers=headers)
        employment = employments.json()["items"][0]

        assert read.json()["bornOn"] == ("1985-05-17" if is_told else None)
        assert employment["leftOn"] == "2026-12-31"
        assert employment["leavingReason"] == ("long_illness" if is_told else None)
        assert employment["leavingInitiative"] == ("employer" if is_told else None)


WRITES = [
    pytest.param("POST", "/teams", id="add a team"),
    pytest.param("POST", "/functions", id="add a function"),
    pytest.param("POST", "/employees", id="add an employee"),
    pytest.param("PATCH", f"/employees/{uuid4()}", id="correct"),
    pytest.param("POST", f"/employees/{uuid4()}/placements", id="place"),
    pytest.param("POST", f"/employees/{uuid4()}/employments", id="take on again"),
    pytest.param("POST", "/employee-imports", id="import"),
]
KEEPERS = {Role.HRIS, Role.HR, Role.ADMIN}


@pytest.mark.parametrize(("method", "path"), WRITES)
async def test_only_the_hris_hr_and_an_administrator_keep_the_people(
    client: httpx.AsyncClient, sign_in: SignIn, method: str, path: str
) -> None:
    for role in Role:
        answer = await client.request(
            method, path, json={}, headers=sign_in(role) | {"If-Match": "*"}
        )

        assert (answer.status_code == 403) is (role not in KEEPERS), role


async def test_another_organisations_people_are_not_there(
    client: httpx.AsyncClient,
    sign_in: SignIn,
    staff: Staff,
    other_organisation: Organisation,
    work: OpenWork,
) -> None:
    theirs = sign_in(Role.HR, organisation=other_organisation)
    async with work() as opened:
        team = await team_named(opened, "Directie")
        function = await function_named(opened, "Adviseur bodem")
    body = {
        "teamId": str(team.id),
        "functionId": str(function.id),
        "managerId": None,
        "contractMinutesPerWeek": 600,
    }
    path = f"/employees/{staff.adviser.id}"

    for answer in (
        await client.get(path, headers=theirs),
        await client.get(f"{path}/employments", headers=theirs),
        await client.patch(path, json={}, headers=theirs | {"If-Match": "*"}),
        await client.post(
            f"{path}/placements", json=body | {"validFrom": "2026-07-01"}, headers=theirs
        ),
        await client.post(
            f"{path}/employments",
            json=body | {"hiredOn": "2027-01-01", "kind": "hired"},
            headers=theirs,
        ),
        await client.get(f"/teams/{team.id}", headers=theirs),
        await client.get(f"/functions/{function.id}", headers=theirs),
    ):
        assert answer.status_code == 404
    assert await numbers(client, theirs) == []


async def test_someone_who_returns_has_a_second_employment_under_the_same_number(
    client: httpx.AsyncClient, hris: dict[str, str], staff: Staff, work: OpenWork
) -> None:
    async with work() as opened:
        await PeopleService(opened).end_employment(
            staff.adviser.id,
            left_on=date(2026, 6, 30),
            reason=LeavingReason.END_OF_TERM,
            initiative=LeavingInitiative.UNKNOWN,
        )
    read = await client.get(f"/employees/{staff.adviser.id}", headers=hris)
    names = ("teamId", "functionId", "managerId", "contractMinutesPerWeek")
    body = {name: read.json()["placement"][name] for name in names} | {"kind": "temporary"}
    path = f"/employees/{staff.adviser.id}/employments"

    same_day = await client.post(path, json=body | {"hiredOn": "2026-06-30"}, headers=hris)
    day_after = await client.post(path, json=body | {"hiredOn": "2026-07-01"}, headers=hris)
    still_open = await client.post(path, json=body | {"hiredOn": "2028-01-01"}, headers=hris)
    own = await client.post(
        path,
        json=body | {"hiredOn": "2028-01-01", "managerId": str(staff.adviser.id)},
        headers=hris,
    )

    assert same_day.json()["type"] == "/problems/employment-running"
    assert day_after.status_code == 201
    assert still_open.json()["type"] == "/problems/employment-running"
    assert own.status_code == 409
    history = await client.get(path, headers=hris)
    assert [(one["hiredOn"], one["leftOn"]) for one in history.json()["items"]] == [
        ("2020-01-01", "2026-06-30"),
        ("2026-07-01", None),
    ]
    first, second = history.json()["items"]
    assert first["placements"][0]["validUntil"] == "2026-07-01"
    assert second["placements"][0]["validFrom"] == "2026-07-01"


@pytest.mark.parametrize(
    ("employed_on", "is_listed"),
    [
        pytest.param("2019-12-31", False, id="the day before the first"),
        pytest.param("2020-01-01", True, id="the first day"),
        pytest.param("2026-06-30", True, id="the last day"),
        pytest.param("2026-07-01", False, id="the day after the last"),
    ],
)
async def test_an_employment_holds_from_its_first_day_through_its_last(
    client: httpx.AsyncClient,
    hris: dict[str, str],
    staff: Staff,
    work: OpenWork,
    *,
    employed_on: str,
    is_listed: bool,
) -> None:
    async with work() as opened:
        people = PeopleService(opened)
        await people.end_employment(
            staff.adviser.id,
            left_on=date(2026, 6, 30),
            reason=LeavingReason.RETIREMENT,
            initiative=LeavingInitiative.MUTUAL,
        )
        day = date.fromisoformat(employed_on)
        if is_listed:
            await people.require_employed([staff.adviser.id], day)
        else:
            with pytest.raises(NotEmployed) as refused:
                await people.require_employed([staff.adviser.id], day)
            assert refused.value.facts["personnel_numbers"] == ["3"]
        managers = await people.manager_of([staff.adviser.id], day)

    assert ("3" in await numbers(client, hris, employedOn=employed_on)) is is_listed
    assert managers == {staff.adviser.id: staff.manager.id if is_listed else None}


@pytest.mark.rule("LAW-3")
async def test_an_announced_end_moves_until_it_has_passed_and_each_move_is_on_record(
    staff: Staff, work: OpenWork, owner_url: str, organisation: Organisation
) -> None:
    async def end(left_on: date, reason: LeavingReason) -> Refusal | date | None:
        async with work() as opened:
            try:
                ended = await PeopleService(opened).end_employment(
                    staff.adviser.id,
                    left_on=left_on,
                    reason=reason,
                    initiative=LeavingInitiative.EMPLOYEE,
                )
            except Refusal as refused:
                return refused
        return ended.previous_left_on

    assert isinstance(await end(date(2019, 12, 31), LeavingReason.RESIGNATION), EndBeforeHiring)
    assert await end(date(2026, 9, 30), LeavingReason.RESIGNATION) is None
    assert await end(date(2026, 6, 15), LeavingReason.RESIGNATION) == date(2026, 9, 30)
    # Today is its last day: it can still move.
    assert await end(date(2026, 6, 14), LeavingReason.MUTUAL_CONSENT) == date(2026, 6, 15)
    assert isinstance(await end(date(2026, 9, 30), LeavingReason.RESIGNATION), EmploymentOver)

    with connected(owner_url, organisation.id) as connection:
        told = connection.execute(
            "SELECT before ->> 'left_on', after ->> 'left_on', after ->> 'reason'"
            " FROM audit_entries WHERE organisation_id = %s AND object_id = %s AND action = %s"
            " ORDER BY id",
            [organisation.id, staff.adviser.id, "employment.end_recorded"],
        ).fetchall()
    assert told == [
        (None, "2026-09-30", "resignation"),
        ("2026-09-30", "2026-06-15", "resignation"),
        ("2026-06-15", "2026-06-14", "mutual_consent"),
    ]


async def test_the_audit_trail_tells_what_changed_without_names(
    client: httpx.AsyncClient,
    hris: dict[str, str],
    staff: Staff,
    owner_url: str,
    organisation: Organisation,
) -> None:
    await client.patch(
        f"/employees/{staff.adviser.id}",
        json={"familyName": "Geheim"},
        headers=hris | {"If-Match": "*"},
    )
    await place(client, hris, staff.adviser, contractMinutesPerWeek=600)

    with connected(owner_url, organisation.id) as connection:
        told = connection.execute(
            "SELECT action, before::text, after::text FROM audit_entries"
            " WHERE organisation_id = %s AND object_id = %s ORDER BY id",
            [organisation.id, staff.adviser.id],
        ).fetchall()

    assert [action for action, *_ in told] == [
        "employee.hired",
        "employee.corrected",
        "employee.placed",
    ]
    assert "Geheim" not in str(told)
    assert "Dirksen" not in str(told)


async def test_a_correction_that_says_what_is_there_changes_nothing(
    client: httpx.AsyncClient, hris: dict[str, str], staff: Staff
) -> None:
    same = await client.patch(
        f"/employees/{staff.adviser.id}",
        json={"familyName": "Dirksen"},
        headers=hris | {"If-Match": "*"},
    )

    assert same.headers["ETag"] == '"1"'


async def test_who_is_not_there_can_not_be_told_from_who_is_not_visible(
    staff: Staff, work: OpenWork, act_as: ActAs
) -> None:
    nobody = UUID(int=1)
    async with work(act_as(Role.MANAGER, person_id=staff.manager.id)) as opened:
        people = PeopleService(opened)
        await people.check_visible([staff.adviser.id, staff.manager.id])
        for hidden in (staff.director.id, nobody):
            with pytest.raises(EmployeeNotFound):
                await people.check_visible([staff.adviser.id, hidden])
    async with work() as opened:
        people = PeopleService(opened)
        with pytest.raises(EmployeeNotFound):
            await people.check_visible([nobody])
        with pytest.raises(EmployeeNotFound):
            await people.require_employed([nobody], date(2026, 6, 15))


async def test_teams_and_functions_are_added_once_and_listed_in_order(
    client: httpx.AsyncClient, hris: dict[str, str]
) -> None:
    for department, name in (("B", "Twee"), ("A", "Een"), ("B", "Een")):
        added = await client.post(
            "/teams", json={"department": department, "name": name}, headers=hris
        )
        assert added.status_code == 201
        read = await client.get(added.headers["Location"].removeprefix("/v1"), headers=hris)
        assert read.json() == added.json()
    again = await client.post("/teams", json={"department": "A", "name": "Een"}, headers=hris)
    function = await client.post("/functions", json={"name": "Adviseur"}, headers=hris)
    twice = await client.post("/functions", json={"name": "Adviseur"}, headers=hris)

    assert again.json()["type"] == "/problems/team-exists"
    assert twice.json()["type"] == "/problems/function-exists"
    first = await client.get("/teams", params={"limit": 2}, headers=hris)
    second = await client.get(
        "/teams", params={"limit": 2, "cursor": first.json()["nextCursor"]}, headers=hris
    )
    found = [*first.json()["items"], *second.json()["items"]]
    assert [(team["department"], team["name"]) for team in found] == [
        ("A", "Een"),
        ("B", "Een"),
        ("B", "Twee"),
    ]
    listed = await client.get("/functions", headers=hris)
    assert listed.json()["items"] == [function.json()]
    read = await client.get(f"/functions/{function.json()['id']}", headers=hris)
    assert read.json() == function.json()


async def test_who_am_i_tells_organisation_roles_and_person(
    client: httpx.AsyncClient,
    sign_in: SignIn,
    staff: Staff,
    organisation: Organisation,
) -> None:
    person = await client.get("/me", headers=sign_in(Role.MANAGER, Role.EMPLOYEE, person="2"))
    service = await client.get("/me", headers=sign_in(Role.HRIS))

    assert person.status_code == 200
    assert person.json()["organisation"]["id"] == str(organisation.id)
    assert person.json()["roles"] == ["employee", "manager"]
    assert person.json()["employee"]["id"] == str(staff.manager.id)
    assert person.json()["employee"]["bornOn"] == "1985-05-17"
    assert service.json()["employee"] is None


async def test_members_and_placements_of_a_day_are_there_for_other_areas(
    staff: Staff, work: OpenWork, act_as: ActAs
) -> None:
    async with work(act_as(Role.MANAGER, person_id=staff.manager.id)) as opened:
        people = PeopleService(opened)
        team = await team_named(opened, "Toezicht Bodem")
        members = await people.members_of_team(team.id, date(2026, 1, 1))
        placed = await people.placements_on([staff.adviser.id], date(2026, 1, 1))
        visible = await people.visible_ids()
        by_number = await people.by_personnel_numbers(["3", "unknown"])

    assert members == (staff.manager.id, staff.adviser.id)
    assert placed[staff.adviser.id].placement.assignment.manager_id == staff.manager.id
    assert visible == {staff.manager.id, staff.adviser.id, staff.inspector.id}
    assert by_number == {"3": staff.adviser}
    assert isinstance(staff.adviser.id, UUID)
