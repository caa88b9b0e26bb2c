"""People from the HRIS over HTTP: taken over as a whole or in part, told by line and column."""

import asyncio
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.integrations.hris.service import ImportOptions, import_employees
from app.integrations.sheets.rules import ImportMode
from app.kernel.actors import Role
from app.kernel.pages import PageOf
from app.people.rules import EmployeeFilter, EmployeeView, LeavingInitiative, LeavingReason
from app.people.service import PeopleService
from tests.conftest import OpenWork, SignIn
from tests.support.agreements import EMPLOYEE, make_scene, signed
from tests.support.agreements import MANAGER as LEADER
from tests.support.clock import FrozenClock
from tests.support.organisations import Organisation
from tests.support.people import export, line, record
from tests.support.sql import connected
from tests.support.statements import counted

DATA = Path(__file__).parents[1] / "data"
EXPORT = (DATA / "hris-export.csv").read_bytes()
WITH_FAULTS = (DATA / "hris-export-met-fouten.csv").read_bytes()
NUMBER = "Personeelsnummer"
MANAGER = "Leidinggevende (persnr)"


@pytest.fixture
def hris(sign_in: SignIn) -> dict[str, str]:
    return sign_in(Role.HRIS, subject="hris")


async def send(
    client: httpx.AsyncClient, headers: dict[str, str], content: bytes, **query: str
) -> httpx.Response:
    return await client.post(
        "/employee-imports",
        content=content,
        params=query,
        headers=headers | {"Content-Type": "text/csv"},
    )


async def send_records(
    client: httpx.AsyncClient, headers: dict[str, str], *records: object, **query: str
) -> httpx.Response:
    return await client.post("/employee-imports", json=list(records), params=query, headers=headers)


def counts(answer: httpx.Response) -> dict[str, int]:
    """Return the counts of an import that are not nil."""
    assert answer.status_code == 200, answer.text
    return {
        name.removesuffix("Count"): value
        for name, value in answer.json().items()
        if name.endswith("Count") and value
    }


def places(errors: Sequence[dict[str, Any]]) -> list[tuple[int, str, str]]:
    return [(error["line"], error["column"], error["code"]) for error in errors]


async def views(work: OpenWork) -> dict[str, EmployeeView]:
    """Return the employees by personnel number, as they are placed today."""
    async with work() as opened:
        wanted = EmployeeFilter(
            day=opened.today,
            employed=False,
            team_id=None,
            function_id=None,
            family_name_starts=None,
        )
        page = await PeopleService(opened).listed(wanted, PageOf(limit=10_000))
    return {view.employee.personnel_number: view for view in page.items}


async def test_the_export_is_taken_over_as_it_is(
    client: httpx.AsyncClient, hris: dict[str, str], work: OpenWork
) -> None:
    answer = await send(client, hris, EXPORT)

    assert counts(answer) == {"row": 243, "created": 243, "ended": 15}
    assert answer.json()["errors"] == []
    people = await views(work)
    assert len(people) == 243
    leader = people["100127"]
    assert leader.employee.name == "Fiene in 't Dirksen"
    assert leader.placed.placement.assignment.contract_minutes_per_week == 24 * 60
    assert leader.placed.placement.assignment.manager_id == people["100110"].employee.id
    leaver = people["102060"].placed.employment
    assert leaver.left_on == date(2026, 11, 14)
    assert leaver.leaving_reason is LeavingReason.UNKNOWN
    assert leaver.leaving_initiative is LeavingInitiative.UNKNOWN


async def test_a_column_that_an_export_leaves_out_or_misspells_changes_nothing(
    client: httpx.AsyncClient, hris: dict[str, str], work: OpenWork
) -> None:
    await send(client, hris, EXPORT)
    before = await views(work)

    again = await send(client, hris, EXPORT.replace(b"Opleidingsniveau", b"Niveau", 1))

    assert counts(again) == {"row": 243, "unchanged": 243}
    assert again.json()["ignoredColumns"] == ["Niveau"]
    assert await views(work) == before


async def test_the_same_export_again_changes_nothing(
    client: httpx.AsyncClient,
    hris: dict[str, str],
    work: OpenWork,
    clock: FrozenClock,
    *,
    owner_url: str,
    organisation: Organisation,
) -> None:
    await send(client, hris, EXPORT)
    before = await views(work)
    clock.set(clock.now().replace(month=8))

    again = await send(client, hris, EXPORT)

    assert counts(again) == {"row": 243, "unchanged": 243}
    assert await views(work) == before
    with connected(owner_url, organisation.id) as connection:
        told = connection.execute(
            "SELECT action, count(*) FROM audit_entries WHERE organisation_id = %s"
            " AND action LIKE 'employee%%' GROUP BY action ORDER BY action",
            [organisation.id],
        ).fetchall()
    assert told == [("employee.import_created", 243), ("employees.imported", 2)]


FAULTS = {
    (14, NUMBER, "number-of-another"),
    (15, MANAGER, "unknown-manager"),
    (16, "Geboortedatum", "not-a-date"),
    (17, "E-mail werk", "missing"),
    (18, "Uren per week", "not-hours"),
    (19, "Datum in dienst", "not-a-date"),
    (20, "Achternaam", "formula"),
    (21, "Datum uit dienst", "left-before-hiring"),
    (22, MANAGER, "own-manager"),
}


async def test_nine_faults_are_named_by_line_and_column_and_keep_everything_out(
    client: httpx.AsyncClient, hris: dict[str, str], work: OpenWork
) -> None:
    await send(client, hris, EXPORT)
    before = await views(work)

    refused = await send(client, hris, WITH_FAULTS)

    assert refused.status_code == 422
    problem = refused.json()
    assert problem["type"] == "/problems/import-refused"
    assert (problem["facts"]["rowCount"], problem["facts"]["faultyRowCount"]) == (21, 9)
    errors = problem["facts"]["errors"]
    assert set(places(errors)) >= FAULTS
    assert {error["line"] for error in errors} == set(range(14, 23))
    (formula,) = [error for error in errors if error["code"] == "formula"]
    assert formula["value"] == '=HYPERLINK("http://x")'
    assert await views(work) == before


async def test_in_part_the_twelve_good_rows_pass_and_the_faulty_are_told(
    client: httpx.AsyncClient, hris: dict[str, str], work: OpenWork
) -> None:
    fresh = await send(client, hris, WITH_FAULTS, mode="partial")

    # Line 14 is only seen to have another's number once that other person is known.
    assert counts(fresh) == {"row": 21, "created": 13, "refused": 8}
    assert set(places(fresh.json()["errors"])) == FAULTS - {(14, NUMBER, "number-of-another")}
    assert {"100110", "100219"} <= set(await views(work))


async def test_in_part_over_the_export_only_the_good_rows_count(
    client: httpx.AsyncClient, hris: dict[str, str], work: OpenWork
) -> None:
    await send(client, hris, EXPORT)
    before = await views(work)

    part = await send(client, hris, WITH_FAULTS, mode="partial")

    assert counts(part) == {"row": 21, "unchanged": 12, "refused": 9}
    assert set(places(part.json()["errors"])) >= FAULTS
    assert await views(work) == before


async def test_errors_are_told_in_the_language_of_the_reader(
    client: httpx.AsyncClient, hris: dict[str, str]
) -> None:
    for language, told in (("nl", "is geen dag op de kalender"), ("en", "is no day of the")):
        refused = await send(client, hris | {"Accept-Language": language}, WITH_FAULTS)
        (error,) = [one for one in refused.json()["facts"]["errors"] if one["line"] == 16]

        assert error["message"].startswith(told)
        assert error["value"] == "31-02-1980"


async def test_a_dry_run_tells_what_would_happen_and_does_nothing(
    client: httpx.AsyncClient, hris: dict[str, str], work: OpenWork
) -> None:
    dry = await send(client, hris, EXPORT, dryRun="true")
    with_faults = await send(client, hris, WITH_FAULTS, dryRun="true")

    assert counts(dry) == {"row": 243, "created": 243, "ended": 15}
    assert dry.json()["dryRun"] is True
    assert with_faults.status_code == 200
    assert with_faults.json()["refusedCount"] == 8
    assert await views(work) == {}
    real = await send(client, hris, EXPORT)
    assert counts(real) == counts(dry)


async def test_a_change_is_placed_in_the_history_from_the_effective_day(
    client: httpx.AsyncClient, hris: dict[str, str]
) -> None:
    await send(client, hris, export(line()))

    changed = await send(
        client,
        hris,
        export(line(Team="Toezicht Asbest", **{"Uren per week": "24,00"})),
        effectiveOn="2026-09-01",
    )

    assert counts(changed) == {"row": 1, "changed": 1}
    listed = await client.get("/employees", headers=hris)
    (employee,) = listed.json()["items"]
    history = await client.get(f"/employees/{employee['id']}/employments", headers=hris)
    placements = history.json()["items"][0]["placements"]
    assert [
        (one["teamName"], one["contractMinutesPerWeek"], one["validFrom"], one["validUntil"])
        for one in placements
    ] == [
        ("Toezicht Bodem", 2160, "2019-03-01", "2026-09-01"),
        ("Toezicht Asbest", 1440, "2026-09-01", None),
    ]
    assert employee["version"] == 2


async def test_a_second_change_from_the_same_day_takes_the_place_of_the_first(
    client: httpx.AsyncClient, hris: dict[str, str]
) -> None:
    await send(client, hris, export(line()))
    for team in ("Toezicht Asbest", "Toezicht Industrie"):
        changed = await send(client, hris, export(line(Team=team)), effectiveOn="2026-09-01")
        assert counts(changed) == {"row": 1, "changed": 1}

    listed = await client.get("/employees", headers=hris)
    employee_id = listed.json()["items"][0]["id"]
    history = await client.get(f"/employees/{employee_id}/employments", headers=hris)
    placements = history.json()["items"][0]["placements"]
    assert [(one["teamName"], one["validFrom"]) for one in placements] == [
        ("Toezicht Bodem", "2019-03-01"),
        ("Toezicht Industrie", "2026-09-01"),
    ]


async def test_who_has_left_is_corrected_but_no_longer_placed(
    client: httpx.AsyncClient, hris: dict[str, str], work: OpenWork
) -> None:
    gone = {"Datum uit dienst": "31-03-2026"}
    await send(client, hris, export(line(**gone)))

    changed = await send(client, hris, export(line(Team="Anders", Voornaam="Sandra", **gone)))

    assert counts(changed) == {"row": 1, "changed": 1}
    view = (await views(work))["300001"]
    assert view.employee.given_name == "Sandra"
    assert view.placed.team_name == "Toezicht Bodem"


async def test_a_correction_of_a_person_leaves_the_placements_alone(
    client: httpx.AsyncClient, hris: dict[str, str], work: OpenWork
) -> None:
    await send(client, hris, export(line()))

    changed = await send(
        client, hris, export(line(Achternaam="Jansen", **{"Soort dienstverband": "inhuur"}))
    )

    assert counts(changed) == {"row": 1, "changed": 1}
    view = (await views(work))["300001"]
    assert view.employee.family_name == "Jansen"
    assert view.placed.employment.kind == "hired"
    assert view.placed.placement.valid_until is None
    assert view.placed.placement.valid_from == date(2019, 3, 1)


async def test_an_end_is_recorded_moved_and_not_withdrawn_by_a_blank(
    client: httpx.AsyncClient, hris: dict[str, str], work: OpenWork, clock: FrozenClock
) -> None:
    def leaving(on: str) -> bytes:
        return export(line(**{"Datum uit dienst": on}))

    assert counts(await send(client, hris, leaving(""))) == {"row": 1, "created": 1}
    assert counts(await send(client, hris, leaving("30-09-2026"))) == {
        "row": 1,
        "changed": 1,
        "ended": 1,
    }
    assert counts(await send(client, hris, leaving("31-10-2026")))["ended"] == 1
    assert counts(await send(client, hris, leaving(""))) == {"row": 1, "unchanged": 1}
    assert (await views(work))["300001"].placed.employment.left_on == date(2026, 10, 31)
    clock.set(clock.now().replace(month=11))
    late = await send(client, hris, leaving("30-09-2026"))
    assert places(late.json()["facts"]["errors"]) == [(2, "Datum uit dienst", "employment-over")]


def leaver(**members: object) -> dict[str, Any]:
    """Return the row of the employee whose training was granted, as the scene hired them."""
    return record(
        EMPLOYEE,
        givenName="Noor",
        infix="van der",
        familyName="Meulen",
        email=f"p{EMPLOYEE}@od-voorbeeld.example",
        team="Toezicht Milieu",
        function="Toezichthouder milieu",
        managerNumber=LEADER,
        hiredOn="2020-01-01",
        **members,
    )


@pytest.mark.rule("VIS-7.8")
@pytest.mark.rule("LAW-3")
async def test_a_leaver_in_the_export_is_claimed_from_and_the_reason_waits_for_a_person(
    client: httpx.AsyncClient,
    hris: dict[str, str],
    sign_in: SignIn,
    organisation: Organisation,
    *,
    work: OpenWork,
) -> None:
    scene = await make_scene(organisation, work)
    await signed(scene)
    row = leaver(leftOn="2026-12-31")

    answer = await send_records(client, hris, row)

    assert counts(answer) == {"row": 1, "changed": 1, "ended": 1}
    listed = await client.get("/repayment-claims", headers=sign_in(Role.HR))
    assert listed.status_code == 200
    (claim,) = listed.json()["items"]
    assert claim["agreementId"] == str(scene.agreement_id)


@pytest.mark.rule("VIS-7.7")
@pytest.mark.parametrize(
    ("hired_on", "status"),
    [
        pytest.param("2027-01-01", "withdrawn", id="the day after"),
        pytest.param("2027-01-02", "awaiting_confirmation", id="with a day between"),
    ],
)
async def test_who_stands_in_a_later_export_without_a_day_between_has_not_left(
    client: httpx.AsyncClient,
    hris: dict[str, str],
    sign_in: SignIn,
    organisation: Organisation,
    *,
    work: OpenWork,
    hired_on: str,
    status: str,
) -> None:
    scene = await make_scene(organisation, work)
    await signed(scene)
    row = leaver(leftOn="2026-12-31")
    await send_records(client, hris, row)

    again = await send_records(client, hris, row | {"hiredOn": hired_on, "leftOn": "2027-06-30"})

    assert counts(again) == {"row": 1, "rehired": 1, "ended": 1}
    claims = (await client.get("/repayment-claims", headers=sign_in(Role.HR))).json()["items"]
    told = [(claim["status"], claim["leavesOn"]) for claim in claims]
    joined = [("awaiting_confirmation", "2027-06-30")] if status == "withdrawn" else []
    assert told == [(status, "2026-12-31"), *joined]
    read = await client.get(f"/repayment-claims/{claims[0]['id']}", headers=sign_in(Role.HR))
    if status == "withdrawn":
        assert read.json()["withdrawal"]["supersededById"] == claims[1]["id"]


@pytest.mark.rule("VIS-7.7")
async def test_a_new_contract_in_an_export_undoes_the_departure_before_it(
    client: httpx.AsyncClient,
    hris: dict[str, str],
    sign_in: SignIn,
    organisation: Organisation,
    *,
    work: OpenWork,
) -> None:
    scene = await make_scene(organisation, work)
    await signed(scene)
    row = leaver()
    await send_records(client, hris, row | {"leftOn": "2026-12-31"})

    await send_records(client, hris, row | {"hiredOn": "2027-01-01"})

    (claim,) = (await client.get("/repayment-claims", headers=sign_in(Role.HR))).json()["items"]
    assert claim["status"] == "withdrawn"


async def test_who_returns_has_a_second_employment(
    client: httpx.AsyncClient, hris: dict[str, str]
) -> None:
    await send(client, hris, export(line(**{"Datum uit dienst": "31-03-2026"})))

    again = await send(client, hris, export(line(**{"Datum in dienst": "01-05-2026"})))
    stale = await send(client, hris, export(line()))
    overlapping = await send(client, hris, export(line(**{"Datum in dienst": "01-06-2026"})))

    assert counts(again) == {"row": 1, "rehired": 1}
    assert places(stale.json()["facts"]["errors"]) == [(2, "Datum in dienst", "earlier-employment")]
    assert places(overlapping.json()["facts"]["errors"]) == [
        (2, "Datum in dienst", "employment-running")
    ]
    listed = await client.get("/employees", headers=hris)
    (employee,) = listed.json()["items"]
    history = await client.get(f"/employees/{employee['id']}/employments", headers=hris)
    assert [(one["hiredOn"], one["leftOn"]) for one in history.json()["items"]] == [
        ("2019-03-01", "2026-03-31"),
        ("2026-05-01", None),
    ]


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        pytest.param(
            [line(), line(Voornaam="Ander", **{"E-mail werk": "x@y.nl"})],
            [(3, NUMBER, "duplicate-number")],
            id="a number twice",
        ),
        pytest.param(
            [line(), line(**{NUMBER: "300002", "E-mail werk": "S300001@OD-voorbeeld.example"})],
            [(3, "E-mail werk", "duplicate-email")],
            id="an address twice, in capitals",
        ),
        pytest.param(
            [
                line(**{MANAGER: "300002"}),
                line(**{NUMBER: "300002", MANAGER: "300003"}),
                line(**{NUMBER: "300003", MANAGER: "300001"}),
                line(**{NUMBER: "300004", MANAGER: "300001"}),
            ],
            [
                (2, MANAGER, "manager-cycle"),
                (3, MANAGER, "manager-cycle"),
                (4, MANAGER, "manager-cycle"),
                (5, MANAGER, "manager-refused"),
            ],
            id="three in a circle and one who works under it",
        ),
        pytest.param(
            [
                line(Geboortedatum="x"),
                line(**{NUMBER: "300002", MANAGER: "300001"}),
                line(**{NUMBER: "300003", MANAGER: "300002"}),
            ],
            [
                (2, "Geboortedatum", "not-a-date"),
                (3, MANAGER, "manager-refused"),
                (4, MANAGER, "manager-refused"),
            ],
            id="a manager whose own line is wrong, and who works under them",
        ),
        pytest.param(
            [line(Geboortedatum="01-03-2019")],
            [(2, "Geboortedatum", "born-after-hiring")],
            id="born on the first working day",
        ),
    ],
)
async def test_lines_are_judged_together(
    client: httpx.AsyncClient,
    hris: dict[str, str],
    *,
    lines: list[str],
    found: list[tuple[int, str, str]],
) -> None:
    refused = await send(client, hris, export(*lines))

    assert refused.status_code == 422
    assert places(refused.json()["facts"]["errors"]) == found


async def test_a_circle_with_people_who_are_there_already_is_refused(
    client: httpx.AsyncClient, hris: dict[str, str]
) -> None:
    await send(client, hris, export(line(), line(**{NUMBER: "300002", MANAGER: "300001"})))

    refused = await send(client, hris, export(line(**{MANAGER: "300002"})))

    assert places(refused.json()["facts"]["errors"]) == [(2, MANAGER, "manager-cycle")]


async def test_a_circle_with_a_placement_planned_for_later_is_refused(
    client: httpx.AsyncClient, hris: dict[str, str]
) -> None:
    second = line(**{NUMBER: "300002"})
    await send(client, hris, export(line(), second))
    planned = line(**{NUMBER: "300002", MANAGER: "300001"})
    await send(client, hris, export(planned), effectiveOn="2027-01-01")

    refused = await send(client, hris, export(line(**{MANAGER: "300002"})))

    assert refused.status_code == 409
    assert refused.json()["type"] == "/problems/manager-cycle"


async def test_two_people_may_swap_addresses_and_nobody_takes_one_that_is_kept(
    client: httpx.AsyncClient, hris: dict[str, str]
) -> None:
    first, second = "a@od-voorbeeld.example", "b@od-voorbeeld.example"

    def mails(one: str, other: str) -> bytes:
        return export(
            line(**{"E-mail werk": one}), line(**{NUMBER: "300002", "E-mail werk": other})
        )

    await send(client, hris, mails(first, second))
    swapped = await send(client, hris, mails(second, first))
    taken = await send(client, hris, export(line(**{"E-mail werk": first})))

    assert counts(swapped) == {"row": 2, "changed": 2}
    assert places(taken.json()["facts"]["errors"]) == [(2, "E-mail werk", "email-taken")]


async def test_a_number_does_not_pass_to_somebody_else_but_a_name_may_change(
    client: httpx.AsyncClient, hris: dict[str, str]
) -> None:
    await send(client, hris, export(line()))

    married = await send(client, hris, export(line(Achternaam="Anders")))
    other = await send(client, hris, export(line(Achternaam="Iemand", Geboortedatum="01-01-1990")))

    assert counts(married) == {"row": 1, "changed": 1}
    assert places(other.json()["facts"]["errors"]) == [(2, NUMBER, "number-of-another")]


async def test_rows_in_json_are_taken_over_like_lines(
    client: httpx.AsyncClient, hris: dict[str, str], work: OpenWork
) -> None:
    answer = await send_records(
        client, hris, record("1"), record("2", managerNumber="1", leftOn="2027-01-31")
    )
    refused = await send_records(client, hris, record("3", hiredOn="2019-02-30"), record("4"))

    assert counts(answer) == {"row": 2, "created": 2, "ended": 1}
    people = await views(work)
    assert people["2"].placed.placement.assignment.manager_id == people["1"].employee.id
    assert refused.status_code == 422
    (error,) = refused.json()["facts"]["errors"]
    assert (error["line"], error["column"], error["value"]) == (1, "hiredOn", "2019-02-30")
    odd = await send_records(client, hris, record("3", familyName=[True, None]))
    (error,) = odd.json()["facts"]["errors"]
    assert (error["column"], error["value"]) == ("familyName", "[true, null]")
    assert set(await views(work)) == {"1", "2"}


@pytest.mark.parametrize(
    ("content", "slug"),
    [
        pytest.param(b"\x81\x8d", "file-unreadable", id="no text"),
        pytest.param(b"", "columns-missing", id="nothing"),
        pytest.param(b"a;b\r\n1;2\r\n", "columns-missing", id="another file"),
        pytest.param(
            export(*[line()] * 20_001), "too-many-rows", id="more rows than one import takes"
        ),
    ],
)
async def test_a_file_that_is_no_export_is_refused_as_a_whole(
    client: httpx.AsyncClient, hris: dict[str, str], content: bytes, slug: str
) -> None:
    refused = await send(client, hris, content)

    assert refused.status_code == 422
    assert refused.json()["type"] == f"/problems/{slug}"


@pytest.mark.parametrize("charset", ["windows-1252", "iso-8859-1", "UTF-8", "cp1252"])
async def test_a_file_may_say_the_character_set_it_is_in(
    client: httpx.AsyncClient, hris: dict[str, str], charset: str
) -> None:
    content = export(line()).decode("utf-8-sig").encode(charset)
    kind = {"Content-Type": f'text/csv; charset="{charset}"'}

    taken = await client.post("/employee-imports", content=content, headers=hris | kind)

    assert counts(taken)["created"] == 1


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        pytest.param(b"{}", "application/json", 400, id="an object for a list"),
        pytest.param(b"[", "application/json", 400, id="no JSON"),
        pytest.param(rb'[{"x": "\u0000"}]', "application/json", 422, id="a text with NUL"),
        pytest.param(b'[{"x": 1e999}]', "application/json", 422, id="a number without end"),
        pytest.param(b"x", "application/xml", 415, id="another kind of content"),
        pytest.param(b"x", "text/csv; charset=utf-16", 415, id="another character set"),
    ],
)
async def test_other_bodies_are_refused(
    client: httpx.AsyncClient, hris: dict[str, str], body: bytes, kind: str, status: int
) -> None:
    answer = await client.post(
        "/employee-imports", content=body, headers=hris | {"Content-Type": kind}
    )

    assert answer.status_code == status


@pytest.mark.parametrize(
    ("query", "name"),
    [
        pytest.param({"mode": "some"}, "mode", id="no such mode"),
        pytest.param({"effectiveOn": "01-09-2026"}, "effectiveOn", id="a day in Dutch"),
        pytest.param({"dryrun": "true"}, "dryrun", id="no such parameter"),
        pytest.param({"dryRun": "yes"}, "dryRun", id="yes for true"),
        pytest.param({"dryRun": "1"}, "dryRun", id="1 for true"),
    ],
)
async def test_other_options_are_refused(
    client: httpx.AsyncClient, hris: dict[str, str], query: dict[str, str], name: str
) -> None:
    answer = await send(client, hris, EXPORT, **query)

    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{name}"]


async def test_a_repeated_import_with_its_key_gives_the_first_answer(
    client: httpx.AsyncClient, hris: dict[str, str]
) -> None:
    keyed = hris | {"Idempotency-Key": "one-import"}

    first = await send(client, keyed, export(line()))
    again = await send(client, keyed, export(line()))
    other = await send(client, keyed, export(line(Voornaam="Ander")))

    assert again.content == first.content
    assert counts(again) == {"row": 1, "created": 1}
    assert other.status_code == 422


async def test_two_imports_of_one_export_at_once_add_everybody_once(
    client: httpx.AsyncClient, hris: dict[str, str]
) -> None:
    answers = await asyncio.gather(*(send(client, hris, EXPORT) for _ in range(3)))

    assert sorted(answer.json()["createdCount"] for answer in answers) == [0, 0, 243]
    assert sorted(answer.json()["unchangedCount"] for answer in answers) == [0, 243, 243]


async def test_another_organisation_is_not_touched_by_an_import(
    client: httpx.AsyncClient,
    hris: dict[str, str],
    sign_in: SignIn,
    other_organisation: Organisation,
) -> None:
    theirs = sign_in(Role.HRIS, organisation=other_organisation)
    await send(client, hris, export(line()))

    same = await send(client, theirs, export(line()))

    assert counts(same) == {"row": 1, "created": 1}


def crowd(size: int, *, team: str) -> bytes:
    """Return an export of this many people: ten managers and who works under them."""
    return export(
        *(
            line(
                Team=team,
                **{NUMBER: str(number), MANAGER: str(1000 + number % 10) if number > 1009 else ""},
            )
            for number in range(1000, 1000 + size)
        )
    )


@pytest.mark.slow
async def test_thousands_of_rows_are_taken_over_in_seconds(
    client: httpx.AsyncClient, hris: dict[str, str]
) -> None:
    for team, done in (("Toezicht Bodem", "created"), ("Toezicht Asbest", "changed")):
        # Processor time: the machine may be busy with other tests.
        started = time.process_time()
        answer = await send(client, hris, crowd(5000, team=team))

        assert counts(answer) == {"row": 5000, done: 5000}
        assert time.process_time() - started < 10


async def test_more_rows_take_no_more_statements(
    client: httpx.AsyncClient, hris: dict[str, str], clock: FrozenClock
) -> None:
    needed: list[int] = []
    for size, month in ((20, 7), (600, 8)):
        clock.set(clock.now().replace(month=month))
        with counted() as statements:
            answer = await send(client, hris, crowd(size, team=f"Team {size}"))
        assert answer.status_code == 200
        needed.append(len(statements))
    # The second import also changes the twenty who came with the first: three more sets.
    assert needed[0] > 5
    assert needed[1] <= needed[0] + 10


async def test_the_command_line_takes_an_export_over_within_its_own_work(
    work: OpenWork,
) -> None:
    async with work() as opened:
        outcome = await import_employees(
            opened, WITH_FAULTS, ImportOptions(mode=ImportMode.PARTIAL)
        )

    assert (outcome.created_count, outcome.refused_count) == (13, 8)
    assert outcome.errors[1].column == "Geboortedatum"
    assert "kalender" in outcome.errors[1].message
