"""Agreements over HTTP: drawn up from the grant, read as a document, signed in order."""

import asyncio
import hashlib
import io
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from pypdf import PdfReader

from app.agreements.service import AgreementService, typeset
from app.db.session import Database
from app.db.work import Work
from app.kernel.actors import Role
from app.people.rules import LeavingInitiative, LeavingReason
from app.people.schemas import PlacementIn
from app.people.service import PeopleService
from app.requests.rules import TrainingBasis
from app.requests.service import RequestService
from tests.conftest import OpenWork, SignIn
from tests.support.agreements import (
    COLLEAGUE,
    EMPLOYEE,
    HR,
    MANAGER,
    MT,
    OTHER_MANAGER,
    STARTS_ON,
    Scene,
    actor,
    called_for,
    drawn_up,
    make_scene,
    signed,
    staffed,
    training,
)
from tests.support.clock import FrozenClock
from tests.support.organisations import Organisation, found_organisation
from tests.support.policy import odwh_version
from tests.support.sql import connected


@pytest.fixture
async def scene(organisation: Organisation, work: OpenWork) -> Scene:
    return await make_scene(organisation, work)


@pytest.fixture
def hr(sign_in: SignIn) -> dict[str, str]:
    return sign_in(Role.HR, person=HR)


@pytest.fixture
def employee(sign_in: SignIn) -> dict[str, str]:
    return sign_in(Role.EMPLOYEE, person=EMPLOYEE)


@pytest.fixture
def manager(sign_in: SignIn) -> dict[str, str]:
    return sign_in(Role.MANAGER, person=MANAGER)


def text_of(document: bytes) -> str:
    """Return the text of a PDF on one line, its no-break spaces as plain ones."""
    pages = PdfReader(io.BytesIO(document)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


async def draw_up(
    client: httpx.AsyncClient, scene: Scene, headers: dict[str, str], **choices: object
) -> httpx.Response:
    return await client.post(
        f"/agreements/{scene.agreement_id}/drawing-up",
        json=choices,
        headers=headers | {"If-Match": "*"},
    )


async def sign(
    client: httpx.AsyncClient, scene: Scene, headers: dict[str, str], sha256: str
) -> httpx.Response:
    return await client.post(
        f"/agreements/{scene.agreement_id}/signatures",
        json={"documentSha256": sha256},
        headers=headers,
    )


def refused(answer: httpx.Response, status: int, slug: str, rule: str | None) -> None:
    """Check that the answer is this refusal, and that it names this rule."""
    assert answer.status_code == status, answer.text
    problem: dict[str, Any] = answer.json()
    assert problem["type"].endswith(f"/{slug}")
    assert problem.get("rule", {"id": None})["id"] == rule


@pytest.mark.rule("VIS-7.1")
async def test_a_grant_calls_for_an_agreement_that_is_still_to_be_drawn_up(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str]
) -> None:
    answer = await client.get(f"/agreements/{scene.agreement_id}", headers=hr)
    assert answer.status_code == 200, answer.text
    agreement = answer.json()
    assert agreement["status"] == "required"
    assert agreement["costCents"] == 427_950
    assert agreement["signBeforeOn"] == "2026-09-01"
    assert agreement["terms"] is None
    assert agreement["clauseReason"]["rule"] == "VIS-7.6"
    assert answer.headers["etag"] == '"1"'


@pytest.mark.rule("VIS-7.2")
@pytest.mark.rule("VIS-7.9")
async def test_hr_draws_an_agreement_up_with_all_it_must_hold(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str]
) -> None:
    answer = await draw_up(
        client, scene, hr, subsidiesCents=50_000, furtherConditions="Boeken blijven eigendom."
    )
    assert answer.status_code == 200, answer.text
    agreement = answer.json()
    terms = agreement["terms"]
    assert agreement["status"] == "drawn_up"
    assert agreement["managerId"] == str(scene.staff[MANAGER])
    assert terms["title"] == "Leergang omgevingsrecht"
    assert (terms["kind"], terms["startsOn"], terms["endsOn"]) == (
        "education",
        "2026-09-01",
        "2027-02-28",
    )
    assert (terms["sessions"], terms["workingMinutes"], terms["ownMinutes"]) == (3, 930, 120)
    assert (terms["costCents"], terms["ownCostCents"]) == (427_950, 377_950)
    assert terms["furtherConditions"] == "Boeken blijven eigendom."
    assert all(terms[part] for part in ("participation", "execution", "completion"))
    assert terms["repaymentSchedule"] == {
        "kind": "staircase",
        "steps": [{"untilMonths": 12, "percent": 100}, {"untilMonths": 24, "percent": 50}],
    }
    assert agreement["clauseInForce"] is False
    assert answer.headers["etag"] == '"2"'


@pytest.mark.rule("VIS-7.2")
@pytest.mark.rule("LAW-2")
async def test_the_document_names_the_parties_the_cost_and_what_leaving_would_cost(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str]
) -> None:
    agreement = (await draw_up(client, scene, hr, subsidiesCents=50_000)).json()
    answer = await client.get(f"/agreements/{scene.agreement_id}/document", headers=hr)
    assert answer.headers["content-type"] == "application/pdf"
    named = f"opleidingsovereenkomst-{scene.agreement_id}.pdf"
    assert answer.headers["content-disposition"] == f'inline; filename="{named}"'
    assert hashlib.sha256(answer.content).hexdigest() == agreement["documentSha256"]
    text = text_of(answer.content)
    for part in (
        "Opleidingsovereenkomst",
        "Omgevingsdienst Test",
        "Noor van der Meulen",
        "Toezichthouder milieu",
        "Renske Sloot",
        "Leergang omgevingsrecht",
        "1 september 2026",
        "€ 4.279,50",
        "€ 3.779,50",
        "15 uur en 30 minuten",
        "28 februari 2028 afgerond € 3.779,50",
        "29 februari 2028 afgerond € 1.889,75",
        "28 februari 2029 afgerond € 0,00",
    ):
        assert part in text, (part, text)


async def test_the_same_terms_give_the_same_bytes(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str], clock: FrozenClock
) -> None:
    first = (await draw_up(client, scene, hr)).json()
    clock.advance(timedelta(hours=2))
    second = (await draw_up(client, scene, hr)).json()
    assert first["documentSha256"] == second["documentSha256"]


async def test_what_stands_in_a_text_is_never_read_as_markup(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str]
) -> None:
    hostile = '#read("/etc/passwd") *vet* $x$ ] } " \\'
    await draw_up(client, scene, hr, furtherConditions=hostile)
    answer = await client.get(f"/agreements/{scene.agreement_id}/document", headers=hr)
    assert '#read("/etc/passwd") *vet* $x$' in text_of(answer.content)


async def test_a_character_that_no_font_holds_does_not_stop_the_document(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str]
) -> None:
    answer = await draw_up(client, scene, hr, furtherConditions="Succes 😀 汉字")
    assert answer.status_code == 200, answer.text
    document = await client.get(f"/agreements/{scene.agreement_id}/document", headers=hr)
    assert "Succes" in text_of(document.content)


@pytest.mark.rule("LAW-1")
@pytest.mark.parametrize(
    ("basis", "reason"),
    [
        pytest.param(TrainingBasis.STATUTORY, "wettelijk verplicht", id="statutory"),
        pytest.param(TrainingBasis.NECESSARY_FOR_FUNCTION, "noodzakelijk", id="for the function"),
        pytest.param(TrainingBasis.UNKNOWN, "niet vastgesteld", id="not classified"),
    ],
)
async def test_a_training_that_is_not_voluntary_gets_an_agreement_without_a_clause(
    *,
    organisation: Organisation,
    work: OpenWork,
    client: httpx.AsyncClient,
    hr: dict[str, str],
    basis: TrainingBasis,
    reason: str,
) -> None:
    scene = await make_scene(organisation, work, basis=basis)
    agreement = (await draw_up(client, scene, hr)).json()
    assert agreement["terms"]["repaymentSchedule"] is None
    assert agreement["clauseReason"]["rule"] == "LAW-1"
    document = await client.get(f"/agreements/{scene.agreement_id}/document", headers=hr)
    text = text_of(document.content)
    assert "Er geldt geen terugbetalingsregeling" in text
    assert reason in text
    refused(
        await draw_up(client, scene, hr, repayment="with_clause"),
        409,
        "repayment-clause-not-allowed",
        "LAW-1",
    )


@pytest.mark.rule("VIS-7.6")
async def test_one_cent_under_the_threshold_there_is_no_clause(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str]
) -> None:
    agreement = (await draw_up(client, scene, hr, subsidiesCents=227_951)).json()
    assert agreement["terms"]["ownCostCents"] == 199_999
    assert agreement["terms"]["repaymentSchedule"] is None
    refused(
        await draw_up(client, scene, hr, subsidiesCents=227_951, repayment="with_clause"),
        409,
        "repayment-clause-below-threshold",
        "VIS-7.6",
    )
    at_threshold = (await draw_up(client, scene, hr, subsidiesCents=227_950)).json()
    assert at_threshold["terms"]["repaymentSchedule"] is not None


@pytest.mark.rule("LAW-3")
@pytest.mark.rule("VIS-7.6")
async def test_subsidies_that_count_as_investment_are_not_reclaimed(
    client: httpx.AsyncClient, database: Database, work: OpenWork, sign_in: SignIn
) -> None:
    counting = await found_organisation(database, investment_after_subsidies=False)
    async with work(actor(counting, {}, HR)) as opened:
        staff = await staffed(opened)
    async with work(actor(counting, staff, HR)) as opened:
        request_id, [agreement_id] = await called_for(opened, training(staff[EMPLOYEE]))
    scene = Scene(counting, work, staff, request_id, agreement_id)
    hr = sign_in(Role.HR, person=HR, organisation=counting)

    drawn = await signed(scene, subsidiesCents=400_000)

    terms = drawn.terms
    assert terms is not None
    assert terms.repayment_schedule is not None
    assert (terms.own_cost_cents, terms.investment_cents) == (27_950, 427_950)
    text = text_of((await typeset(terms)).content)
    assert "Dat deel van ten hoogste € 279,50" in text
    assert "€ 4.279,50 terug" not in text
    would = await client.get(
        f"/agreements/{scene.agreement_id}/repayment?leavesOn=2026-12-31", headers=hr
    )
    assert (would.json()["principalCents"], would.json()["amountCents"]) == (27_950, 27_950)
    ended = await client.post(
        f"/employees/{scene.staff[EMPLOYEE]}/employment-end",
        json={"leftOn": "2026-12-31", "reason": "resignation", "initiative": "employee"},
        headers=hr | {"Idempotency-Key": f'"{uuid4()}"'},
    )
    [claim] = ended.json()["claims"]
    assert (claim["principalCents"], claim["amountCents"]) == (27_950, 27_950)
    exported = await client.post(
        f"/repayment-claims/{claim['id']}/export",
        json={"costMadeCents": 20_000, "payrollReference": "SAL-1"},
        headers=hr | {"Idempotency-Key": f'"{uuid4()}"', "If-Match": "*"},
    )
    assert exported.json()["amountCents"] == 20_000


@pytest.mark.rule("LAW-3")
async def test_what_was_agreed_on_before_subsidies_is_claimed_less_them(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str], owner_url: str
) -> None:
    """Terms of before the own cost and the investment were told apart."""
    await drawn_up(scene, subsidiesCents=100_000)
    with connected(owner_url, scene.organisation.id) as connection:
        connection.execute(
            "UPDATE agreements SET terms = (terms - 'investmentCents')"
            " || '{\"ownCostCents\": 427950}' WHERE id = %s",
            (scene.agreement_id,),
        )

    agreement = (await client.get(f"/agreements/{scene.agreement_id}", headers=hr)).json()
    would = await client.get(
        f"/agreements/{scene.agreement_id}/repayment?leavesOn=2026-12-31", headers=hr
    )

    terms = agreement["terms"]
    assert (terms["ownCostCents"], terms["investmentCents"]) == (427_950, 427_950)
    assert would.json()["principalCents"] == 327_950


@pytest.mark.rule("VIS-5.3")
async def test_nobody_draws_up_their_own_agreement(
    client: httpx.AsyncClient, scene: Scene, sign_in: SignIn, hr: dict[str, str]
) -> None:
    colleague = actor(scene.organisation, scene.staff, COLLEAGUE, Role.HR)
    async with scene.open_work(colleague) as work:
        _, [agreement_id] = await called_for(work, training(scene.staff[HR]))
    path = f"/agreements/{agreement_id}/drawing-up"

    own = await client.post(path, json={"subsidiesCents": 227_951}, headers=hr | {"If-Match": "*"})
    nameless = await client.post(path, json={}, headers=sign_in(Role.HR) | {"If-Match": "*"})
    another = await client.post(
        path, json={}, headers=sign_in(Role.HR, person=COLLEAGUE) | {"If-Match": "*"}
    )

    refused(own, 403, "own-request-step", "VIS-5.3")
    refused(nameless, 403, "named-person-needed", "VIS-5.3")
    assert another.status_code == 200, another.text


@pytest.mark.rule("LAW-11", "VIS-7.6")
async def test_an_agreement_keeps_to_the_policy_of_its_decision(
    client: httpx.AsyncClient,
    organisation: Organisation,
    work: OpenWork,
    sign_in: SignIn,
    clock: FrozenClock,
) -> None:
    scene = await make_scene(
        organisation, work, starts_on=date(2027, 9, 1), ends_on=date(2027, 12, 1)
    )
    hr = sign_in(Role.HR, person=HR)
    stricter = odwh_version(2027, valid_from=date(2027, 3, 1), repaymentCostThresholdCents=900_000)
    drafted = await client.post("/policy-versions", json=stricter, headers=hr)
    activated = await client.post(
        f"/policy-versions/{drafted.json()['id']}/activation",
        headers=sign_in(Role.MT) | {"If-Match": "*"},
    )
    assert activated.status_code == 200, activated.text
    clock.set(datetime(2027, 3, 2, 8, tzinfo=UTC))
    agreement = (await draw_up(client, scene, hr)).json()
    assert agreement["terms"]["ownCostCents"] == 427_950
    assert agreement["terms"]["repaymentSchedule"] is not None


@pytest.mark.rule("VIS-7.9")
async def test_a_clause_that_the_policy_asks_for_can_not_be_left_out(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str]
) -> None:
    refused(
        await draw_up(client, scene, hr, repayment="without_clause"),
        409,
        "repayment-clause-required",
        "VIS-7.9",
    )


@pytest.mark.rule("LAW-3")
async def test_subsidies_are_no_more_than_the_cost(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str]
) -> None:
    answer = await draw_up(client, scene, hr, subsidiesCents=427_951)
    refused(answer, 409, "subsidies-beyond-cost", "LAW-3")


@pytest.mark.rule("LAW-12")
async def test_a_citizen_service_number_has_no_place_in_an_agreement(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str]
) -> None:
    answer = await draw_up(client, scene, hr, furtherConditions="BSN 111222333 is bekend.")
    assert answer.json()["rule"]["id"] == "LAW-12"


async def test_an_old_etag_is_refused_and_none_is_asked_for(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str]
) -> None:
    path = f"/agreements/{scene.agreement_id}/drawing-up"
    assert (await client.post(path, json={}, headers=hr)).status_code == 428
    first = await client.post(path, json={}, headers=hr | {"If-Match": '"1"'})
    assert first.status_code == 200
    stale = await client.post(path, json={}, headers=hr | {"If-Match": '"1"'})
    refused(stale, 412, "stale-version", None)


@pytest.mark.rule("VIS-7.3")
@pytest.mark.rule("LAW-14")
async def test_the_employee_signs_first_and_the_manager_second(
    client: httpx.AsyncClient,
    scene: Scene,
    hr: dict[str, str],
    employee: dict[str, str],
    manager: dict[str, str],
) -> None:
    sha256 = (await draw_up(client, scene, hr)).json()["documentSha256"]
    refused(await sign(client, scene, manager, sha256), 409, "signature-out-of-order", "VIS-7.3")
    first = await sign(client, scene, employee, sha256)
    assert first.status_code == 201, first.text
    assert first.json()["status"] == "signed_by_employee"
    refused(await sign(client, scene, employee, sha256), 409, "same-person-signs", "LAW-14")
    second = await sign(client, scene, manager, sha256)
    assert second.status_code == 201, second.text
    agreement = second.json()
    assert agreement["status"] == "signed"
    assert agreement["clauseInForce"] is True
    assert [
        (each["role"], each["employeeId"], each["documentSha256"])
        for each in agreement["signatures"]
    ] == [
        ("employee", str(scene.staff[EMPLOYEE]), sha256),
        ("manager", str(scene.staff[MANAGER]), sha256),
    ]
    refused(await sign(client, scene, manager, sha256), 409, "agreement-action-refused", "VIS-7.3")


@pytest.mark.rule("VIS-7.3")
async def test_two_signatures_of_one_person_at_once_leave_one(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str], employee: dict[str, str]
) -> None:
    sha256 = (await draw_up(client, scene, hr)).json()["documentSha256"]
    answers = await asyncio.gather(
        *(sign(client, scene, employee, sha256) for _ in range(4)),
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    agreement = (await client.get(f"/agreements/{scene.agreement_id}", headers=hr)).json()
    assert len(agreement["signatures"]) == 1


@pytest.mark.rule("VIS-7.3")
async def test_who_has_no_manager_has_nobody_to_sign_second(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str]
) -> None:
    async with scene.work() as work:
        _, [agreement_id] = await called_for(work, training(scene.staff[MT]))
    answer = await client.post(
        f"/agreements/{agreement_id}/drawing-up", json={}, headers=hr | {"If-Match": "*"}
    )
    refused(answer, 409, "no-manager-to-sign", "VIS-7.3")


@pytest.mark.rule("VIS-7.3")
async def test_the_manager_it_names_signs_also_after_the_employee_moved_to_another(
    client: httpx.AsyncClient,
    scene: Scene,
    employee: dict[str, str],
    manager: dict[str, str],
) -> None:
    sha256 = (await drawn_up(scene)).row.document_sha256 or ""
    await lead_by(scene, OTHER_MANAGER)
    assert (await sign(client, scene, employee, sha256)).status_code == 201
    assert (await sign(client, scene, manager, sha256)).status_code == 201


@pytest.mark.rule("VIS-7.3")
@pytest.mark.parametrize("leaves", [False, True], ids=["leads another team", "has left"])
async def test_what_waits_for_a_manager_who_no_longer_leads_the_employee_is_drawn_up_anew(
    client: httpx.AsyncClient,
    scene: Scene,
    sign_in: SignIn,
    hr: dict[str, str],
    clock: FrozenClock,
    *,
    leaves: bool,
) -> None:
    sha256 = (await drawn_up(scene)).row.document_sha256 or ""
    employee = sign_in(Role.EMPLOYEE, person=EMPLOYEE)
    await sign(client, scene, employee, sha256)
    refused(await draw_up(client, scene, hr), 409, "agreement-frozen", "VIS-7.3")
    if leaves:
        async with scene.work() as work:
            await PeopleService(work).end_employment(
                scene.staff[MANAGER],
                left_on=work.today,
                reason=LeavingReason.RESIGNATION,
                initiative=LeavingInitiative.EMPLOYEE,
            )
        clock.set(clock.now() + timedelta(days=1))
        refused(await draw_up(client, scene, hr), 409, "no-manager-to-sign", "VIS-7.3")
    await lead_by(scene, OTHER_MANAGER)

    drawn = await draw_up(client, scene, hr)

    assert drawn.status_code == 200, drawn.text
    anew = drawn.json()
    assert anew["id"] != str(scene.agreement_id)
    assert (anew["status"], anew["managerId"]) == ("drawn_up", str(scene.staff[OTHER_MANAGER]))
    before = (await client.get(f"/agreements/{scene.agreement_id}", headers=hr)).json()
    assert (before["status"], before["decisionId"]) == ("superseded", anew["decisionId"])
    assert before["closedReason"] == "The manager it names no longer leads the employee."
    for signer in (employee, sign_in(Role.MANAGER, person=OTHER_MANAGER)):
        answer = await client.post(
            f"/agreements/{anew['id']}/signatures",
            json={"documentSha256": anew["documentSha256"]},
            headers=signer,
        )
        assert answer.status_code == 201, answer.text


async def lead_by(scene: Scene, manager: str) -> None:
    """Place the employee under another manager, from today on."""
    async with scene.work() as work:
        people = PeopleService(work)
        placed = (await people.view(scene.staff[EMPLOYEE])).placed.placement.assignment
        await people.place(
            scene.staff[EMPLOYEE],
            PlacementIn(
                team_id=placed.team_id,
                function_id=placed.function_id,
                manager_id=scene.staff[manager],
                contract_minutes_per_week=placed.contract_minutes_per_week,
                valid_from=work.today,
            ),
        )


@pytest.mark.rule("VIS-7.3")
async def test_another_manager_or_hr_can_not_sign(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str], sign_in: SignIn
) -> None:
    sha256 = (await draw_up(client, scene, hr)).json()["documentSha256"]
    refused(await sign(client, scene, hr, sha256), 403, "wrong-signer", "VIS-7.3")
    # The manager's own manager sees the agreement, but is not the one it names.
    above = sign_in(Role.MANAGER, person=MT)
    refused(await sign(client, scene, above, sha256), 403, "wrong-signer", "VIS-7.3")
    elsewhere = sign_in(Role.MANAGER, person=OTHER_MANAGER)
    refused(await sign(client, scene, elsewhere, sha256), 404, "agreement-not-found", None)


@pytest.mark.rule("LAW-14")
async def test_only_the_document_that_was_read_can_be_signed(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str], employee: dict[str, str]
) -> None:
    refused(await sign(client, scene, employee, "0" * 64), 409, "document-not-drawn-up", "VIS-7.2")
    read = (await draw_up(client, scene, hr)).json()["documentSha256"]
    redrawn = (await draw_up(client, scene, hr, subsidiesCents=1)).json()["documentSha256"]
    assert read != redrawn
    answer = await sign(client, scene, employee, read)
    refused(answer, 409, "document-changed", "LAW-14")
    assert answer.json()["facts"] == {"sentSha256": read, "documentSha256": redrawn}


@pytest.mark.rule("VIS-7.1")
async def test_the_day_of_the_start_is_too_late_and_the_day_before_is_not(
    *,
    client: httpx.AsyncClient,
    scene: Scene,
    clock: FrozenClock,
    hr: dict[str, str],
    employee: dict[str, str],
    manager: dict[str, str],
) -> None:
    sha256 = (await draw_up(client, scene, hr)).json()["documentSha256"]
    # 23:30 in Amsterdam on the day before the start, which is 21:30 in UTC.
    clock.set(datetime(2026, 8, 31, 21, 30, tzinfo=UTC))
    assert (await sign(client, scene, employee, sha256)).status_code == 201
    clock.set(datetime(2026, 8, 31, 22, 0, tzinfo=UTC))
    refused(await sign(client, scene, manager, sha256), 409, "too-late-to-sign", "VIS-7.1")


@pytest.mark.rule("VIS-7.1")
async def test_nothing_is_drawn_up_once_the_training_has_started(
    client: httpx.AsyncClient, scene: Scene, clock: FrozenClock, hr: dict[str, str]
) -> None:
    clock.set(datetime(2026, 9, 1, 7, 0, tzinfo=UTC))
    refused(await draw_up(client, scene, hr), 409, "too-late-to-sign", "VIS-7.1")


@pytest.mark.rule("VIS-7.3")
@pytest.mark.invariant("F6")
async def test_after_the_first_signature_the_text_is_fixed_for_ever(
    client: httpx.AsyncClient,
    scene: Scene,
    clock: FrozenClock,
    hr: dict[str, str],
    employee: dict[str, str],
) -> None:
    sha256 = (await draw_up(client, scene, hr)).json()["documentSha256"]
    await sign(client, scene, employee, sha256)
    refused(await draw_up(client, scene, hr), 409, "agreement-frozen", "VIS-7.3")
    clock.set(datetime(2031, 1, 1, 12, 0, tzinfo=UTC))
    answer = await client.get(f"/agreements/{scene.agreement_id}/document", headers=employee)
    assert hashlib.sha256(answer.content).hexdigest() == sha256


@pytest.mark.invariant("F6")
@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("UPDATE agreements SET terms = '{}' WHERE id = %s", id="the terms"),
        pytest.param(
            "UPDATE agreements SET document = 'x', document_sha256 = encode(sha256('x'), 'hex')"
            " WHERE id = %s",
            id="the bytes",
        ),
        pytest.param("UPDATE agreements SET frozen_at = now() WHERE id = %s", id="the moment"),
        pytest.param(
            "UPDATE signatures SET signed_at = now() WHERE agreement_id = %s", id="a signature"
        ),
        pytest.param("DELETE FROM signatures WHERE agreement_id = %s", id="a signature away"),
    ],
)
async def test_the_database_refuses_to_change_what_was_signed(
    scene: Scene, owner_url: str, statement: str
) -> None:
    await signed(scene)
    async with await psycopg.AsyncConnection.connect(owner_url) as connection:
        await as_tenant(connection, scene.organisation.id)
        with pytest.raises((psycopg.errors.CheckViolation, psycopg.errors.InsufficientPrivilege)):
            await connection.execute(
                f"{statement} AND organisation_id = %s".encode(),
                (scene.agreement_id, scene.organisation.id),
            )


@pytest.mark.rule("LAW-14")
async def test_a_document_that_was_tampered_with_is_not_served(
    client: httpx.AsyncClient, scene: Scene, owner_url: str, employee: dict[str, str]
) -> None:
    await signed(scene)
    async with await psycopg.AsyncConnection.connect(owner_url) as connection:
        await as_tenant(connection, scene.organisation.id)
        await connection.execute("ALTER TABLE agreements DISABLE TRIGGER agreements_text_is_frozen")
        await connection.execute(
            "UPDATE agreements SET document = 'x', document_sha256 = encode(sha256('x'), 'hex')"
            " WHERE id = %s AND organisation_id = %s",
            (scene.agreement_id, scene.organisation.id),
        )
        await connection.execute("ALTER TABLE agreements ENABLE TRIGGER agreements_text_is_frozen")
    answer = await client.get(f"/agreements/{scene.agreement_id}/document", headers=employee)
    refused(answer, 409, "document-altered", "LAW-14")


async def as_tenant(
    connection: psycopg.AsyncConnection[tuple[object, ...]], organisation_id: UUID
) -> None:
    """Let the owner see the organisation's rows: row-level security is forced on the owner too."""
    await connection.execute(
        "SELECT set_config('app.organisation_id', %s, true)", (str(organisation_id),)
    )


async def test_each_sees_the_agreements_that_concern_them(
    *,
    client: httpx.AsyncClient,
    scene: Scene,
    sign_in: SignIn,
    hr: dict[str, str],
    employee: dict[str, str],
    manager: dict[str, str],
) -> None:
    seen_by = {
        "hr": hr,
        "employee": employee,
        "manager": manager,
        "mt": sign_in(Role.MT, person=MT),
        "auditor": sign_in(Role.AUDITOR),
    }
    for headers in seen_by.values():
        page = (await client.get("/agreements", headers=headers)).json()
        assert [each["id"] for each in page["items"]] == [str(scene.agreement_id)]
    for stranger in (
        sign_in(Role.EMPLOYEE, person=COLLEAGUE),
        sign_in(Role.MANAGER, person=OTHER_MANAGER),
    ):
        assert (await client.get("/agreements", headers=stranger)).json()["items"] == []
        answer = await client.get(f"/agreements/{scene.agreement_id}", headers=stranger)
        refused(answer, 404, "agreement-not-found", None)


async def test_another_organisation_sees_and_changes_nothing(
    client: httpx.AsyncClient,
    scene: Scene,
    sign_in: SignIn,
    other_organisation: Organisation,
    work: OpenWork,
) -> None:
    await drawn_up(scene)
    async with work(actor(other_organisation, {}, HR)) as opened:
        await staffed(opened)
    elsewhere = sign_in(Role.HR, Role.EMPLOYEE, person=HR, organisation=other_organisation)
    at = f"/agreements/{scene.agreement_id}"
    nowhere = f"/agreements/{uuid4()}"
    for path in ("", "/document", "/repayment?leavesOn=2027-01-01"):
        theirs = await client.get(at + path, headers=elsewhere)
        random = await client.get(nowhere + path, headers=elsewhere)
        assert theirs.status_code == random.status_code == 404
        assert theirs.json()["type"] == random.json()["type"]
    answer = await client.post(f"{at}/drawing-up", json={}, headers=elsewhere | {"If-Match": "*"})
    assert answer.status_code == 404
    answer = await client.post(
        f"{at}/signatures", json={"documentSha256": "0" * 64}, headers=elsewhere
    )
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "roles"),
    [
        ("GET", "", {Role.EMPLOYEE, Role.MANAGER, Role.HR, Role.MT, Role.AUDITOR}),
        ("POST", "/{id}/drawing-up", {Role.HR}),
        ("POST", "/{id}/signatures", {Role.EMPLOYEE, Role.MANAGER, Role.HR, Role.MT}),
        ("GET", "/{id}/document", {Role.EMPLOYEE, Role.MANAGER, Role.HR, Role.MT, Role.AUDITOR}),
    ],
    ids=["list", "draw up", "sign", "document"],
)
async def test_other_roles_are_refused(
    *,
    client: httpx.AsyncClient,
    organisation: Organisation,  # noqa: ARG001 - the tokens name it
    sign_in: SignIn,
    method: str,
    path: str,
    roles: set[Role],
) -> None:
    for role in set(Role) - roles:
        answer = await client.request(
            method, f"/agreements{path.format(id=uuid4())}", headers=sign_in(role), json={}
        )
        refused(answer, 403, "role-refused", None)


async def test_a_list_is_narrowed_and_paged(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str]
) -> None:
    async with scene.work() as work:
        await called_for(work, training(scene.staff[EMPLOYEE], scene.staff[COLLEAGUE]))
    first = (await client.get("/agreements?limit=2", headers=hr)).json()
    rest = (
        await client.get(f"/agreements?limit=2&cursor={first['nextCursor']}", headers=hr)
    ).json()
    ids = [each["id"] for each in (*first["items"], *rest["items"])]
    assert len(ids) == len(set(ids)) == 3
    assert rest["nextCursor"] is None
    employee_id = scene.staff[COLLEAGUE]
    page = (await client.get(f"/agreements?employeeId={employee_id}", headers=hr)).json()
    assert len(page["items"]) == 1
    page = (await client.get(f"/agreements?requestId={scene.request_id}", headers=hr)).json()
    assert [each["id"] for each in page["items"]] == [str(scene.agreement_id)]
    assert (await client.get("/agreements?status=signed", headers=hr)).json()["items"] == []


async def test_every_change_is_in_the_audit_trail(scene: Scene, owner_url: str) -> None:
    await signed(scene)
    async with await psycopg.AsyncConnection.connect(owner_url) as connection:
        await as_tenant(connection, scene.organisation.id)
        rows = await connection.execute(
            "SELECT action, person_id, rule_ids FROM audit_entries"
            " WHERE organisation_id = %s AND object_id = %s ORDER BY recorded_at, id",
            (scene.organisation.id, scene.agreement_id),
        )
        assert await rows.fetchall() == [
            ("agreement.called_for", scene.staff[HR], ["VIS-7.1", "VIS-7.9"]),
            ("agreement.drawn_up", scene.staff[HR], ["VIS-7.2"]),
            ("agreement.signed_by_employee", scene.staff[EMPLOYEE], ["VIS-7.3", "LAW-14"]),
            ("agreement.signed_by_manager", scene.staff[MANAGER], ["VIS-7.3", "LAW-14"]),
        ]


async def test_a_later_decision_supersedes_the_agreement_of_the_earlier_one(scene: Scene) -> None:
    async def call(work: Work, decision_id: UUID) -> list[UUID]:
        service = AgreementService(work)
        before = await service.agreement(scene.agreement_id)
        details = (await RequestService(work).details((scene.request_id,)))[scene.request_id]
        return await service.call_for(
            details,
            employee_ids=[scene.staff[EMPLOYEE]],
            decision_id=decision_id,
            policy_version_id=before.row.policy_version_id,
        )

    decision_id = uuid4()
    async with scene.work() as work:
        [later] = await call(work, decision_id)
        # The same decision calls once, however often it is asked.
        assert await call(work, decision_id) == [later]
    async with scene.work() as work:
        earlier = await AgreementService(work).agreement(scene.agreement_id)
    assert later != scene.agreement_id
    assert earlier.row.status == "superseded"


async def test_the_agreements_of_a_training_that_does_not_go_on_are_void(
    client: httpx.AsyncClient, scene: Scene, hr: dict[str, str], employee: dict[str, str]
) -> None:
    sha256 = (await drawn_up(scene)).row.document_sha256 or ""
    async with scene.work() as work:
        voided = await AgreementService(work).void_for(scene.request_id, reason="Afgelast.")
    assert voided == [scene.agreement_id]
    agreement = (await client.get(f"/agreements/{scene.agreement_id}", headers=hr)).json()
    assert (agreement["status"], agreement["closedReason"]) == ("void", "Afgelast.")
    refused(await sign(client, scene, employee, sha256), 409, "agreement-action-refused", "VIS-7.3")


async def test_a_training_that_starts_tomorrow_can_still_be_agreed_on(
    organisation: Organisation, work: OpenWork, clock: FrozenClock
) -> None:
    tomorrow = date(2026, 6, 16)
    assert clock.now().date() + timedelta(days=1) == tomorrow < STARTS_ON
    scene = await make_scene(organisation, work, starts_on=tomorrow)
    assert (await signed(scene)).row.status == "signed"


async def test_a_document_is_set_quickly_and_beside_everything_else(
    scene: Scene,
) -> None:
    """The bound is loose, in processor time, for any machine; ``make bench`` holds the real one."""
    terms = (await drawn_up(scene)).terms
    assert terms is not None
    await typeset(terms)
    pauses: list[float] = []

    async def go_on() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            pauses.append(time.perf_counter() - began)

    meanwhile = asyncio.create_task(go_on())
    began = time.process_time()
    for number in range(5):
        await typeset(terms.model_copy(update={"reference": f"A26-2-{number:04}"}))
    used = time.process_time() - began
    meanwhile.cancel()
    assert used / 5 < 0.25
    # The loop turned on while the documents were set: more than once for each.
    assert len(pauses) > 10
