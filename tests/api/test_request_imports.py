"""A tranche's list of requests over HTTP: taken in as a whole or in part, told row by row."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.integrations.hris.service import ImportOptions as EmployeeImportOptions
from app.integrations.hris.service import import_employees
from app.integrations.request_imports.service import ImportOptions, import_requests
from app.kernel.actors import Role
from app.people.service import PeopleService
from app.requests.rules import RequestAction
from tests.api.test_requests import BSN, problem
from tests.conftest import OpenWork, SignIn
from tests.rules.test_request_list import RECORD
from tests.support.clock import FrozenClock
from tests.support.organisations import Organisation
from tests.support.requests import (
    Cast,
    assess,
    cast_of,
    list_line,
    moved,
    ratings_body,
    step,
    tranche_list,
)

DATA = Path(__file__).parents[1] / "data"
EMPLOYEES = (DATA / "hris-export.csv").read_bytes()
LIST = (DATA / "aanvragen-2026-tranche-2.csv").read_bytes()
REFERENCE = "A26-2-901"


@pytest.fixture
async def cast(work: OpenWork, sign_in: SignIn) -> Cast:
    return await cast_of(work(), sign_in)


async def send(
    client: httpx.AsyncClient, headers: dict[str, str], content: bytes, **query: str
) -> httpx.Response:
    return await client.post(
        "/request-imports",
        content=content,
        params=query,
        headers=headers | {"Content-Type": "text/csv"},
    )


async def requests_by_reference(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    query = {"limit": "100"}
    while True:
        page = (await client.get("/requests", headers=headers, params=query)).json()
        found |= {item["reference"]: item for item in page["items"]}
        if page["nextCursor"] is None:
            return found
        query["cursor"] = page["nextCursor"]


def line_for(cast: Cast, **cells: str) -> str:
    return list_line(**{"Personeelsnummer(s)": cast.employee.personnel_number, **cells})


@pytest.mark.rule("VIS-6.1")
@pytest.mark.rule("VIS-3.2")
async def test_the_list_of_the_second_tranche_is_taken_in_as_it_is_and_once(
    client: httpx.AsyncClient, sign_in: SignIn, work: OpenWork, clock: FrozenClock
) -> None:
    clock.set(datetime(2026, 7, 20, 9, 0, tzinfo=UTC))
    async with work() as opened:
        await import_employees(opened, EMPLOYEES, EmployeeImportOptions())
    hr = sign_in(Role.HR)

    answer = await send(client, hr | {"Accept-Language": "nl"}, LIST)
    again = await send(client, hr, LIST)

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["rowCount"], body["createdCount"], body["errors"]) == (81, 81, [])
    rows = {row["reference"]: row for row in body["requests"]}
    late = {
        reference
        for reference, row in rows.items()
        if any(remark["code"] == "later-tranche" for remark in row["remarks"])
    }
    # Submitted from 16 July on, among the others of the second tranche.
    assert late == {"A26-2-014", "A26-2-028", "A26-2-038", "A26-2-066"}
    assert rows["A26-2-014"]["tranche"] == {"year": 2027, "number": 1, "closesOn": "2026-11-15"}
    assert "15 juli 2026" in rows["A26-2-014"]["remarks"][0]["text"]
    drafts = {reference for reference, row in rows.items() if row["status"] == "draft"}
    assert len(drafts) == body["draftCount"]
    assert all(
        [remark["rule"] for remark in rows[reference]["remarks"]] == ["VIS-3.2"]
        for reference in drafts
    )
    assert "A26-2-008" in drafts

    found = await requests_by_reference(client, hr)
    assert len(found) == 81
    assert {reference for reference, item in found.items() if item["status"] == "draft"} == drafts
    # 1,190.00 and 21 % for three.
    assert found["A26-2-004"]["totalCostCents"] == 3 * 143_990
    assert found["A26-2-001"]["submittedAt"] == "2026-06-11T05:51:00Z"
    assert len((await client.get("/tranches", headers=hr)).json()["items"]) == 2
    assert (again.json()["unchangedCount"], again.json()["createdCount"]) == (81, 0)
    assert await requests_by_reference(client, hr) == found


@pytest.mark.rule("VIS-5.3")
async def test_a_request_comes_in_the_name_of_the_first_participants_manager(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    numbers = f"{cast.outsider.personnel_number}, {cast.employee.personnel_number}"

    answer = await send(
        client, cast.as_hr, tranche_list(list_line(**{"Personeelsnummer(s)": numbers}))
    )

    [row] = answer.json()["requests"]
    request = (await client.get(f"/requests/{row['requestId']}", headers=cast.as_hr)).json()
    assert request["applicantId"] == str(cast.other_manager.id)
    assert request["status"] == "submitted"
    assert [item["employeeId"] for item in request["participants"]] == [
        str(cast.outsider.id),
        str(cast.employee.id),
    ]
    assert sum(item["minutes"] for item in request["sessions"]) == 1_440
    assert all(item["estimated"] for item in request["sessions"])


async def test_one_fault_keeps_everything_out_and_each_is_named(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    content = tranche_list(
        line_for(cast),
        line_for(cast, Aanvraag="A26-2-902", Startdatum="31-04-2027"),
        line_for(cast, Aanvraag="A26-2-903", **{"Personeelsnummer(s)": "999999"}),
        line_for(cast, Aanvraag="A26-2-904", Einddatum="20-04-2027"),
        line_for(cast, Aanvraag="A26-2-905", Einddatum="21-04-2027"),
        line_for(cast, Aanvraag="A26-2-906", **{"Ingediend op": "11-06-2019 07:51"}),
        line_for(cast, Aanvraag="A26-2-907", Motivering=f"Voor {BSN}"),
        line_for(
            cast,
            Aanvraag="A26-2-908",
            **{"Personeelsnummer(s)": ", ".join([cast.employee.personnel_number] * 2)},
        ),
    )

    answer = await send(client, cast.as_hr, content)

    facts = problem(answer, 422, "import-refused")
    assert (facts["rowCount"], facts["faultyRowCount"]) == (8, 7)
    assert [(item["line"], item["column"], item["code"]) for item in facts["errors"]] == [
        (3, "Startdatum", "not-a-date"),
        (4, "Personeelsnummer(s)", "unknown-personnel-number"),
        (5, "Einddatum", "request-dates-reversed"),
        (6, "Uren werktijd", "hours-do-not-fit"),
        (7, "Personeelsnummer(s)", "not-employed"),
        (8, "Motivering", "bsn-in-text"),
        (9, "Personeelsnummer(s)", "twice-named"),
    ]
    assert BSN not in answer.text
    assert await requests_by_reference(client, cast.as_hr) == {}


async def test_in_part_the_good_rows_are_taken_in(client: httpx.AsyncClient, cast: Cast) -> None:
    content = tranche_list(line_for(cast), line_for(cast, Aanvraag="A26-2-902", Grondslag="Leuk"))

    answer = await send(client, cast.as_hr, content, mode="partial")

    body = answer.json()
    assert (body["createdCount"], body["refusedCount"]) == (1, 1)
    assert [(item["line"], item["column"]) for item in body["errors"]] == [(3, "Grondslag")]
    assert set(await requests_by_reference(client, cast.as_hr)) == {REFERENCE}


async def test_a_dry_run_tells_what_would_happen_and_changes_nothing(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    content = tranche_list(line_for(cast), line_for(cast, Aanvraag="A26-2-902", Grondslag="Leuk"))

    answer = await send(client, cast.as_hr, content, dryRun="true")

    body = answer.json()
    assert answer.status_code == 200
    assert (body["dryRun"], body["createdCount"], body["refusedCount"]) == (True, 1, 1)
    assert body["requests"][0]["requestId"] is None
    assert await requests_by_reference(client, cast.as_hr) == {}


async def test_a_changed_row_replaces_a_draft_and_submits_it_when_it_can(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    own = {"Grondslag": "Eigen ontwikkeling"}
    draft = await send(client, cast.as_hr, tranche_list(line_for(cast, **own)))

    changed = await send(
        client, cast.as_hr, tranche_list(line_for(cast, **own, **{"Gesprek op": "01-02-2026"}))
    )

    assert draft.json()["requests"][0]["status"] == "draft"
    [row] = changed.json()["requests"]
    assert (row["change"], row["status"]) == ("replaced", "submitted")
    assert row["requestId"] == draft.json()["requests"][0]["requestId"]
    request = (await client.get(f"/requests/{row['requestId']}", headers=cast.as_hr)).json()
    assert (request["conversationOn"], request["version"]) == ("2026-02-01", 2)
    history = await client.get(f"/requests/{row['requestId']}/classifications", headers=cast.as_hr)
    assert len(history.json()["items"]) == 1


async def test_a_changed_row_does_not_change_what_was_submitted(
    client: httpx.AsyncClient, cast: Cast, work: OpenWork
) -> None:
    first = await send(client, cast.as_hr, tranche_list(line_for(cast)))
    request_id = first.json()["requests"][0]["requestId"]
    await assess(client, cast.as_hr, request_id, ratings_body())
    await moved(work(), request_id, RequestAction.PROPOSE, RequestAction.GRANT)

    same = await send(client, cast.as_hr, tranche_list(line_for(cast)))
    changed = await send(client, cast.as_hr, tranche_list(line_for(cast, **{"Btw %": "0"})))

    [row] = same.json()["requests"]
    assert (row["change"], row["status"], row["tranche"]) == ("unchanged", "granted", None)
    [error] = problem(changed, 422, "import-refused")["errors"]
    assert (error["column"], error["code"]) == ("Aanvraag", "imported-request-settled")


async def test_what_a_manager_among_the_participants_asks_waits_for_an_endorsement(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    numbers = f"{cast.employee.personnel_number}, {cast.manager.personnel_number}"

    answer = await send(
        client, cast.as_hr, tranche_list(line_for(cast, **{"Personeelsnummer(s)": numbers}))
    )

    [row] = answer.json()["requests"]
    assert [remark["code"] for remark in row["remarks"]] == ["endorsement-missing"]
    endorsed = await step(
        client, cast.headers(cast.director, Role.MANAGER), row["requestId"], "endorsement"
    )
    assert endorsed.status_code == 200, endorsed.text


async def test_a_json_list_is_taken_in_like_a_file(client: httpx.AsyncClient, cast: Cast) -> None:
    good = RECORD | {"personnelNumbers": [cast.employee.personnel_number]}

    answer = await client.post("/request-imports", json=[good], headers=cast.as_hr)
    faulty = await client.post(
        "/request-imports", json=[good | {"amountCents": "1190"}], headers=cast.as_hr
    )
    no_list = await client.post("/request-imports", json={"rows": []}, headers=cast.as_hr)

    assert answer.json()["createdCount"] == 1, answer.text
    [error] = problem(faulty, 422, "import-refused")["errors"]
    assert (error["line"], error["column"]) == (1, "amountCents")
    problem(no_list, 400, "input-invalid")


@pytest.mark.parametrize(
    ("content", "slug"),
    [
        (b"\xff\xfe", "file-unreadable"),
        (b"Aanvraag;Opleiding\r\n", "request-columns-missing"),
        (tranche_list(*[list_line()] * 2_001), "too-many-request-rows"),
    ],
    ids=["no text", "columns missing", "too many rows"],
)
async def test_a_file_that_is_no_list_is_refused(
    client: httpx.AsyncClient, cast: Cast, content: bytes, slug: str
) -> None:
    problem(await send(client, cast.as_hr, content), 422, slug)


@pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.MANAGER, Role.MT, Role.HRIS, Role.ADMIN])
async def test_hr_alone_imports_requests(client: httpx.AsyncClient, cast: Cast, role: Role) -> None:
    answer = await send(client, cast.headers(cast.manager, role), tranche_list(line_for(cast)))

    problem(answer, 403, "role-refused")


@pytest.mark.invariant("T1")
async def test_numbers_of_another_organisation_are_unknown_here(
    client: httpx.AsyncClient, cast: Cast, sign_in: SignIn, other_organisation: Organisation
) -> None:
    theirs = sign_in(Role.HR, organisation=other_organisation)

    answer = await send(client, theirs, tranche_list(line_for(cast)))

    [error] = problem(answer, 422, "import-refused")["errors"]
    assert error["code"] == "unknown-personnel-number"


async def test_a_reference_of_a_file_is_not_given_out_again(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    await send(client, cast.as_hr, tranche_list(line_for(cast, Aanvraag="A26-2-0001")))

    answer = await client.post(
        "/requests",
        json=(await requests_as_body(client, cast, "A26-2-0001")),
        headers=cast.as_manager,
    )

    assert answer.json()["reference"] == "A26-2-0002", answer.text


async def requests_as_body(client: httpx.AsyncClient, cast: Cast, reference: str) -> dict[str, Any]:
    """Return what a request asks for, to ask for it once more."""
    found = (await requests_by_reference(client, cast.as_hr))[reference]
    request = (await client.get(f"/requests/{found['id']}", headers=cast.as_hr)).json()
    kept = ("title", "provider", "kind", "startsOn", "endsOn", "motivation", "basis", "grounds")
    return {name: request[name] for name in kept} | {
        "participantIds": [item["employeeId"] for item in request["participants"]],
        "sessions": [],
        "costLines": [],
    }


async def test_the_command_takes_a_list_in_by_the_same_function(cast: Cast, work: OpenWork) -> None:
    async with work() as opened:
        outcome = await import_requests(opened, tranche_list(line_for(cast)), ImportOptions())
        manager = await PeopleService(opened).manager_of([cast.employee.id], opened.today)

    assert outcome.created_count == 1
    assert manager == {cast.employee.id: cast.manager.id}
