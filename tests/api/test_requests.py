"""Training requests over HTTP: drafted, seen, changed, endorsed, submitted, and ended."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.kernel.actors import Role
from app.kernel.identifiers import new_id
from app.requests.rules import RequestAction
from tests.conftest import OpenWork, SignIn
from tests.support.clock import FrozenClock
from tests.support.requests import (
    Cast,
    assess,
    cast_of,
    drafted,
    moved,
    ratings_body,
    request_body,
    step,
    submitted,
)

GRANTED = (RequestAction.PROPOSE, RequestAction.GRANT)
BSN = "111222333"


@pytest.fixture
async def cast(work: OpenWork, sign_in: SignIn) -> Cast:
    return await cast_of(work(), sign_in)


def problem(answer: httpx.Response, status: int, slug: str, rule: str | None = None) -> Any:  # noqa: ANN401
    """Check which problem an answer is, and return its facts."""
    body = answer.json()
    assert (answer.status_code, body["type"]) == (status, f"/problems/{slug}"), answer.text
    assert rule is None or body["rule"]["id"] == rule
    return body.get("facts")


async def read(
    client: httpx.AsyncClient, headers: dict[str, str], request_id: str
) -> httpx.Response:
    return await client.get(f"/requests/{request_id}", headers=headers)


# --- Drafting -----------------------------------------------------------------------------------


@pytest.mark.rule("VIS-5.3")
async def test_a_manager_drafts_for_the_people_managed(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    answer = await client.post(
        "/requests", json=request_body(cast.employee, cast.colleague), headers=cast.as_manager
    )

    assert answer.status_code == 201
    body = answer.json()
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers["Location"] == f"/v1/requests/{body['id']}"
    assert body["reference"] == "A26-2-0001"
    assert body["status"] == "draft"
    assert body["applicantId"] == str(cast.manager.id)
    assert body["collective"] is True
    # 149,000 and 21 % of it for each of two, and 50,001 once.
    assert body["totalCostCents"] == 2 * 180_290 + 50_001
    assert body["costPerParticipantCents"] == 180_290 + 25_000
    assert body["hours"] == [
        {"year": 2026, "workingMinutes": 480, "ownMinutes": 0},
        {"year": 2027, "workingMinutes": 240, "ownMinutes": 120},
    ]
    assert (await read(client, cast.as_manager, body["id"])).json() == body


async def test_each_draft_has_the_next_reference_of_the_tranche_being_collected(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    first = await drafted(client, cast.as_manager, request_body(cast.employee))
    second = await drafted(client, cast.as_manager, request_body(cast.employee))
    clock.set(datetime(2026, 7, 16, 9, 0, tzinfo=UTC))
    third = await drafted(client, cast.as_manager, request_body(cast.employee))

    assert [item["reference"] for item in (first, second, third)] == [
        "A26-2-0001",
        "A26-2-0002",
        "A27-1-0001",
    ]


@pytest.mark.rule("VIS-5.5")
async def test_an_employee_drafts_for_oneself_alone(client: httpx.AsyncClient, cast: Cast) -> None:
    own = await drafted(client, cast.as_employee, request_body(cast.employee))
    answer = await client.post(
        "/requests", json=request_body(cast.employee, cast.colleague), headers=cast.as_employee
    )

    assert own["applicantId"] == str(cast.employee.id)
    facts = problem(answer, 409, "participant-not-yours", "VIS-5.3")
    assert facts == {"employeeIds": [str(cast.colleague.id)]}


@pytest.mark.rule("VIS-5.3")
@pytest.mark.invariant("T2")
async def test_a_manager_can_not_tell_who_exists_from_who_is_managed_by_another(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    for stranger in (cast.outsider, new_id()):
        answer = await client.post(
            "/requests", json=request_body(stranger), headers=cast.as_manager
        )
        problem(answer, 409, "participant-not-yours")


async def test_hr_drafts_for_anybody_in_the_name_of_the_manager(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    body = await drafted(client, cast.as_hr, request_body(cast.outsider))

    assert body["applicantId"] == str(cast.other_manager.id)


async def test_hr_drafts_for_nobody_who_is_not_there(client: httpx.AsyncClient, cast: Cast) -> None:
    answer = await client.post("/requests", json=request_body(new_id()), headers=cast.as_hr)

    problem(answer, 409, "participant-not-yours")


async def test_an_hr_adviser_needs_the_managers_endorsement_like_anybody(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    body = await drafted(client, cast.as_hr, request_body(cast.hr))

    answer = await step(client, cast.as_hr, body["id"], "submission")

    assert body["applicantId"] == str(cast.hr.id)
    problem(answer, 409, "endorsement-missing", "VIS-5.3")


@pytest.mark.rule("LAW-12")
async def test_a_citizen_service_number_is_refused_and_not_repeated(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    answer = await client.post(
        "/requests",
        json=request_body(cast.employee, motivation=f"Voor {BSN}"),
        headers=cast.as_manager,
    )

    assert problem(answer, 422, "bsn-in-text", "LAW-12") == {"field": "motivation"}
    assert BSN not in answer.text


@pytest.mark.parametrize(
    ("members", "slug"),
    [
        ({"startsOn": "2027-02-02"}, "request-dates-reversed"),
        (
            {"sessions": [{"heldOn": "2027-02-02", "minutes": 60, "workingTime": True}]},
            "session-outside-training",
        ),
        (
            {
                "grounds": [
                    {"criterion": "team_and_function", "motivation": "Een."},
                    {"criterion": "team_and_function", "motivation": "Twee."},
                ]
            },
            "twice-named",
        ),
        (
            {
                "costLines": [
                    {
                        "what": "Lesgeld",
                        "amountCents": 100,
                        "vatCents": 21,
                        "vatBasisPoints": 2100,
                        "perParticipant": True,
                    }
                ]
            },
            "vat-twice",
        ),
    ],
)
async def test_a_draft_that_does_not_hold_together_is_refused(
    client: httpx.AsyncClient, cast: Cast, members: dict[str, Any], slug: str
) -> None:
    answer = await client.post(
        "/requests", json=request_body(cast.employee, **members), headers=cast.as_manager
    )

    problem(answer, 422, slug)


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"participantIds": []}, id="nobody"),
        pytest.param({"grounds": []}, id="no ground"),
        pytest.param({"startsOn": "05-10-2026"}, id="a Dutch date"),
        pytest.param(
            {"sessions": [{"heldOn": "2026-10-05", "minutes": 0, "workingTime": True}]},
            id="a session of no time",
        ),
        pytest.param(
            {"sessions": [{"heldOn": "2026-10-05", "minutes": True, "workingTime": True}]},
            id="minutes that are true",
        ),
        pytest.param(
            {"costLines": [{"what": "x", "amountCents": -1, "perParticipant": True}]},
            id="a negative amount",
        ),
        pytest.param({"title": "x\u0000y"}, id="a NUL"),
        pytest.param({"title": "x" * 201}, id="a title too long"),
        pytest.param({"kind": "holiday"}, id="an unknown kind"),
        pytest.param({"status": "granted"}, id="a status"),
        pytest.param({"approvedBy": "mij"}, id="an unknown field"),
    ],
)
async def test_input_that_is_not_in_the_contract_is_refused(
    client: httpx.AsyncClient, cast: Cast, members: dict[str, Any]
) -> None:
    answer = await client.post(
        "/requests", json=request_body(cast.employee) | members, headers=cast.as_manager
    )

    problem(answer, 400, "input-invalid")


@pytest.mark.rule("SER-24")
async def test_work_experience_can_be_requested_without_cost(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    body = await drafted(
        client,
        cast.as_manager,
        request_body(cast.employee, kind="work_experience", provider="intern", costLines=[]),
    )

    assert body["informal"] is True
    assert body["totalCostCents"] == 0


# --- Seeing -------------------------------------------------------------------------------------


async def test_a_request_is_seen_by_whom_it_concerns_and_by_who_governs(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    body = await drafted(client, cast.as_manager, request_body(cast.employee))
    seeing = [
        cast.as_manager,
        cast.as_employee,
        cast.as_hr,
        cast.as_mt,
        cast.headers(cast.director, Role.MANAGER),
        cast.headers(cast.hr, Role.AUDITOR),
    ]
    not_seeing = [
        cast.headers(cast.colleague),
        cast.headers(cast.outsider),
        cast.headers(cast.other_manager, Role.MANAGER),
    ]

    for headers in seeing:
        assert (await read(client, headers, body["id"])).status_code == 200
        assert await references(client, headers) == [body["reference"]]
    for headers in not_seeing:
        problem(await read(client, headers, body["id"]), 404, "request-not-found")
        assert await references(client, headers) == []


async def references(client: httpx.AsyncClient, headers: dict[str, str], **query: str) -> list[str]:
    answer = await client.get("/requests", headers=headers, params=query)
    assert answer.status_code == 200, answer.text
    return [item["reference"] for item in answer.json()["items"]]


@pytest.mark.invariant("T2")
async def test_another_organisation_sees_nothing_and_can_not_tell(
    client: httpx.AsyncClient, cast: Cast, elsewhere: dict[str, str]
) -> None:
    body = await drafted(client, cast.as_manager, request_body(cast.employee))

    answers = [
        await read(client, elsewhere, body["id"]),
        await read(client, elsewhere, str(uuid4())),
        await step(client, elsewhere, body["id"], "withdrawal", {"reason": "Weg."}),
        await client.put(
            f"/requests/{body['id']}",
            json=request_body(cast.employee),
            headers=elsewhere | {"If-Match": "*"},
        ),
        await assess(client, elsewhere, body["id"], ratings_body()),
    ]

    for answer in answers:
        problem(answer, 404, "request-not-found")
    assert await references(client, elsewhere) == []


async def test_requests_are_listed_newest_first_by_page_and_filter(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    first = await drafted(client, cast.as_manager, request_body(cast.employee))
    second = await submitted(client, cast.as_manager, request_body(cast.colleague))
    third = await drafted(client, cast.as_employee, request_body(cast.employee))
    order = [item["reference"] for item in (third, second, first)]

    page = await client.get("/requests", headers=cast.as_hr, params={"limit": "2"})
    cursor = page.json()["nextCursor"]
    rest = await client.get("/requests", headers=cast.as_hr, params={"cursor": cursor})

    assert [item["reference"] for item in page.json()["items"]] == order[:2]
    assert [item["reference"] for item in rest.json()["items"]] == order[2:]
    assert rest.json()["nextCursor"] is None
    for query, expected in (
        ({"status": "submitted"}, order[1:2]),
        ({"trancheId": second["trancheId"]}, order[1:2]),
        ({"participantId": str(cast.employee.id)}, [order[0], order[2]]),
        ({"applicantId": str(cast.manager.id)}, order[1:]),
        ({"applicantId": str(cast.manager.id), "status": "draft"}, order[2:]),
    ):
        assert await references(client, cast.as_hr, **query) == expected


async def test_a_summary_counts_participants_and_cost_as_the_request_itself_does(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    body = await drafted(
        client, cast.as_manager, request_body(cast.employee, cast.colleague, cast.manager.id)
    )

    [item] = (await client.get("/requests", headers=cast.as_hr)).json()["items"]

    assert item["participantCount"] == 3
    assert item["totalCostCents"] == body["totalCostCents"]


@pytest.mark.rule("VIS-5.4")
async def test_the_knowledge_broker_sees_demand_but_not_by_or_for_whom(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    body = await drafted(client, cast.as_manager, request_body(cast.employee, cast.colleague))
    broker = cast.headers(cast.outsider, Role.KNOWLEDGE_BROKER)

    [item] = (await client.get("/requests", headers=broker)).json()["items"]

    assert (item["title"], item["participantCount"]) == (body["title"], 2)
    assert item["applicantId"] is None
    assert str(cast.employee.id) not in str(item)
    assert await references(client, broker, participantId=str(cast.employee.id)) == []
    assert await references(client, broker, applicantId=str(cast.manager.id)) == []
    problem(await read(client, broker, body["id"]), 403, "role-refused")


@pytest.mark.rule("VIS-5.4")
async def test_the_knowledge_broker_has_no_part_in_deciding(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    body = await submitted(client, cast.as_manager, request_body(cast.employee))
    broker = cast.headers(cast.outsider, Role.KNOWLEDGE_BROKER)

    answers = [
        await assess(client, broker, body["id"], ratings_body()),
        await client.get(f"/requests/{body['id']}/assessment", headers=broker),
        await step(client, broker, body["id"], "mt-consent", {"reason": "Goed."}),
        await step(
            client, broker, body["id"], "classifications", {"basis": "cao", "reason": "Zo."}
        ),
    ]

    for answer in answers:
        problem(answer, 403, "role-refused", "VIS-5.4")


@pytest.mark.parametrize("role", [Role.ADMIN, Role.HRIS, Role.FUND_OFFICER, Role.ADVISER])
async def test_who_has_no_part_in_requests_sees_none(
    client: httpx.AsyncClient, cast: Cast, role: Role
) -> None:
    body = await drafted(client, cast.as_manager, request_body(cast.employee))

    problem(await read(client, cast.sign_in(role), body["id"]), 403, "role-refused")


async def test_keeping_the_register_of_people_is_no_reason_to_see_their_requests(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    await drafted(client, cast.as_manager, request_body(cast.employee))

    assert await references(client, cast.headers(cast.outsider, Role.EMPLOYEE, Role.ADMIN)) == []
    assert await references(client, cast.sign_in(Role.EMPLOYEE, Role.ADMIN)) == []


# --- Changing -----------------------------------------------------------------------------------


@pytest.mark.invariant("W3")
async def test_a_draft_is_replaced_by_who_read_its_last_version(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    body = await drafted(client, cast.as_manager, request_body(cast.employee))
    path = f"/requests/{body['id']}"
    change = request_body(
        cast.colleague, title="Bodemonderzoek", basis="statutory", costLines=[], sessions=[]
    )

    without = await client.put(path, json=change, headers=cast.as_manager)
    changed = await client.put(path, json=change, headers=cast.as_manager | {"If-Match": '"1"'})
    stale = await client.put(path, json=change, headers=cast.as_manager | {"If-Match": '"1"'})

    problem(without, 428, "precondition-missing")
    assert changed.status_code == 200, changed.text
    assert changed.headers["ETag"] == '"2"'
    found = changed.json()
    assert found["title"] == "Bodemonderzoek"
    assert [item["employeeId"] for item in found["participants"]] == [str(cast.colleague.id)]
    assert (found["costLines"], found["sessions"], found["basis"]) == ([], [], "statutory")
    problem(stale, 412, "stale-version")


async def test_a_submitted_request_does_not_change(client: httpx.AsyncClient, cast: Cast) -> None:
    body = await submitted(client, cast.as_manager, request_body(cast.employee))

    answer = await client.put(
        f"/requests/{body['id']}",
        json=request_body(cast.employee),
        headers=cast.as_manager | {"If-Match": "*"},
    )

    facts = problem(answer, 409, "action-not-allowed", "VIS-6.6")
    assert facts == {"status": "submitted", "action": "change"}


async def test_who_only_takes_part_does_not_change_the_managers_draft(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    body = await drafted(client, cast.as_manager, request_body(cast.employee))

    answer = await client.put(
        f"/requests/{body['id']}",
        json=request_body(cast.employee),
        headers=cast.as_employee | {"If-Match": "*"},
    )

    problem(answer, 403, "not-your-step", "VIS-5.3")


# --- Endorsing ----------------------------------------------------------------------------------


@pytest.mark.rule("VIS-5.3")
@pytest.mark.rule("VIS-5.5")
async def test_an_employees_draft_is_submitted_after_the_managers_endorsement(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    body = await drafted(client, cast.as_employee, request_body(cast.employee))

    early = await step(client, cast.as_employee, body["id"], "submission")
    endorsed = await step(client, cast.as_manager, body["id"], "endorsement", if_match='"1"')
    again = await step(client, cast.as_manager, body["id"], "endorsement")
    late = await step(client, cast.as_employee, body["id"], "submission", if_match='"2"')

    problem(early, 409, "endorsement-missing", "VIS-5.3")
    assert endorsed.json()["endorsedById"] == str(cast.manager.id)
    problem(again, 409, "endorsement-not-needed")
    assert late.status_code == 200


async def test_an_endorsement_falls_away_when_the_draft_changes(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    body = await drafted(client, cast.as_employee, request_body(cast.employee))
    await step(client, cast.as_manager, body["id"], "endorsement")

    changed = await client.put(
        f"/requests/{body['id']}",
        json=request_body(cast.employee, costLines=[]),
        headers=cast.as_employee | {"If-Match": "*"},
    )

    assert changed.json()["endorsedAt"] is None


async def test_nobody_endorses_what_is_for_oneself(client: httpx.AsyncClient, cast: Cast) -> None:
    body = await drafted(client, cast.as_manager, request_body(cast.employee, cast.manager))

    own = await step(client, cast.as_manager, body["id"], "endorsement")
    above = await step(client, cast.headers(cast.director, Role.MANAGER), body["id"], "endorsement")

    problem(own, 403, "own-request-step", "VIS-5.3")
    assert above.status_code == 200, above.text


async def test_who_manages_not_all_participants_does_not_endorse(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    body = await drafted(client, cast.as_employee, request_body(cast.employee))

    unseen = await step(
        client, cast.headers(cast.other_manager, Role.MANAGER), body["id"], "endorsement"
    )
    seen = await step(client, cast.headers(cast.hr, Role.MT), body["id"], "endorsement")

    problem(unseen, 404, "request-not-found")
    problem(seen, 403, "not-your-step", "VIS-5.3")


async def test_for_who_has_no_manager_the_mt_endorses(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    body = await drafted(client, cast.headers(cast.director), request_body(cast.director))

    own = await step(client, cast.as_mt, body["id"], "endorsement")
    another = await step(client, cast.headers(cast.hr, Role.MT), body["id"], "endorsement")

    problem(own, 403, "own-request-step")
    assert another.status_code == 200, another.text


async def test_a_managers_own_draft_for_others_needs_no_endorsement(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    body = await drafted(client, cast.as_manager, request_body(cast.employee))

    answer = await step(
        client, cast.headers(cast.director, Role.MANAGER), body["id"], "endorsement"
    )

    problem(answer, 409, "endorsement-not-needed")


async def test_what_was_submitted_is_not_endorsed(client: httpx.AsyncClient, cast: Cast) -> None:
    body = await submitted(client, cast.as_manager, request_body(cast.employee))

    answer = await step(client, cast.as_manager, body["id"], "endorsement")

    problem(answer, 409, "action-not-allowed")


# --- Submitting ---------------------------------------------------------------------------------


@pytest.mark.rule("VIS-3.2")
async def test_own_development_alone_is_not_submitted_without_a_conversation(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    body = await drafted(
        client,
        cast.as_manager,
        request_body(
            cast.employee,
            conversationOn=None,
            grounds=[{"criterion": "individual_development", "motivation": "Ik wil groeien."}],
        ),
    )

    answer = await step(client, cast.as_manager, body["id"], "submission")

    problem(answer, 409, "conversation-missing", "VIS-3.2")
    assert (await read(client, cast.as_manager, body["id"])).json() == body


@pytest.mark.rule("VIS-8.1")
async def test_without_sessions_nothing_is_submitted(client: httpx.AsyncClient, cast: Cast) -> None:
    body = await drafted(client, cast.as_manager, request_body(cast.employee, sessions=[]))

    answer = await step(client, cast.as_manager, body["id"], "submission")

    problem(answer, 409, "sessions-missing", "VIS-8.1")


@pytest.mark.invariant("S7")
async def test_a_request_is_submitted_once(client: httpx.AsyncClient, cast: Cast) -> None:
    body = await submitted(client, cast.as_manager, request_body(cast.employee))

    answer = await step(client, cast.as_manager, body["id"], "submission")

    problem(answer, 409, "action-not-allowed")


async def test_who_only_takes_part_does_not_submit_the_managers_draft(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    body = await drafted(client, cast.as_manager, request_body(cast.employee))

    answer = await step(client, cast.as_employee, body["id"], "submission")

    problem(answer, 403, "not-your-step")


async def test_a_submission_repeated_under_its_key_is_answered_alike(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    body = await drafted(client, cast.as_manager, request_body(cast.employee))
    headers = cast.as_manager | {"Idempotency-Key": f'"{uuid4()}"'}

    first = await step(client, headers, body["id"], "submission")
    again = await step(client, headers, body["id"], "submission")

    assert first.status_code == again.status_code == 200
    assert first.content == again.content


# --- Interim ------------------------------------------------------------------------------------


@pytest.mark.rule("VIS-6.4")
async def test_an_interim_request_waits_for_the_consent_of_the_mt(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    body = await drafted(client, cast.as_manager, request_body(cast.employee, basis="statutory"))
    necessity = {"necessity": "Het certificaat verloopt op 1 oktober."}

    answer = await step(client, cast.as_manager, body["id"], "submission", necessity)
    early = await assess(client, cast.as_hr, body["id"], ratings_body())
    reason = {"reason": "Zonder certificaat valt het toezicht stil."}
    consented = await step(client, cast.as_mt, body["id"], "mt-consent", reason)
    again = await step(client, cast.as_mt, body["id"], "mt-consent", reason)
    late = await assess(client, cast.as_hr, body["id"], ratings_body())

    submission = answer.json()
    assert submission["tranche"] is None
    assert submission["request"]["interim"] is True
    assert {item["rule"] for item in submission["steps"]} == {"VIS-6.4"}
    problem(early, 409, "interim-consent-missing", "VIS-6.4")
    assert consented.json()["consentedAt"] is not None
    problem(again, 409, "interim-consent-not-needed")
    assert late.status_code == 200, late.text


@pytest.mark.rule("VIS-6.4")
async def test_without_a_legal_or_function_bound_necessity_nothing_is_taken_up_interim(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    body = await drafted(client, cast.as_manager, request_body(cast.employee, basis="voluntary"))

    answer = await step(
        client, cast.as_manager, body["id"], "submission", {"necessity": "Het komt nu goed uit."}
    )

    facts = problem(answer, 409, "necessity-missing", "VIS-6.4")
    assert facts["basis"] == "voluntary"


async def test_the_mt_consents_to_nothing_that_is_its_own_or_in_a_tranche(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    in_tranche = await submitted(client, cast.as_manager, request_body(cast.employee))
    own = await drafted(
        client,
        cast.headers(cast.director, Role.MANAGER),
        request_body(cast.manager, basis="statutory"),
    )
    await step(
        client,
        cast.headers(cast.director, Role.MANAGER),
        own["id"],
        "submission",
        {"necessity": "Wettelijk nodig."},
    )

    needless = await step(client, cast.as_mt, in_tranche["id"], "mt-consent", {"reason": "Goed."})
    own_consent = await step(client, cast.as_mt, own["id"], "mt-consent", {"reason": "Goed."})

    problem(needless, 409, "interim-consent-not-needed")
    problem(own_consent, 403, "own-request-step")


# --- Basis --------------------------------------------------------------------------------------


@pytest.mark.rule("LAW-1")
async def test_a_later_classification_is_appended_with_who_when_and_why(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    body = await submitted(
        client, cast.as_manager, request_body(cast.employee, basisReason="Volgens het team.")
    )
    classification = {
        "basis": "statutory",
        "source": "Besluit buitengewoon opsporingsambtenaar",
        "reason": "Voorwaarde voor de bevoegdheid.",
    }

    answer = await step(client, cast.as_hr, body["id"], "classifications", classification)
    history = await client.get(f"/requests/{body['id']}/classifications", headers=cast.as_employee)

    assert answer.status_code == 201
    assert answer.json()["request"]["basis"] == "statutory"
    assert answer.json()["request"]["version"] == body["version"] + 1
    entries = history.json()["items"]
    assert [
        (entry["sequence"], entry["basis"], entry["reason"], entry["classifiedById"])
        for entry in entries
    ] == [
        (1, "necessary_for_function", "Volgens het team.", str(cast.manager.id)),
        (2, "statutory", "Voorwaarde voor de bevoegdheid.", str(cast.hr.id)),
    ]
    assert entries[1]["source"] == classification["source"]


@pytest.mark.rule("LAW-1")
async def test_a_change_of_the_draft_classifies_when_it_says_something_else_of_the_basis(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    body = await drafted(client, cast.as_manager, request_body(cast.employee))
    for said in (
        {"basis": "necessary_for_function"},
        {"basis": "cao"},
        {"basis": "cao", "basisSource": "Cao artikel 3"},
        {"basis": "cao", "basisSource": "Cao artikel 3", "basisReason": "Verplicht."},
        {"basis": "cao", "basisSource": "Cao artikel 3", "basisReason": "Verplicht."},
    ):
        await client.put(
            f"/requests/{body['id']}",
            json=request_body(cast.employee, **said),
            headers=cast.as_manager | {"If-Match": "*"},
        )

    history = await client.get(f"/requests/{body['id']}/classifications", headers=cast.as_hr)

    assert [
        (entry["sequence"], entry["basis"], entry["source"], entry["reason"] == "Verplicht.")
        for entry in history.json()["items"]
    ] == [
        (1, "necessary_for_function", None, False),
        (2, "cao", None, False),
        (3, "cao", "Cao artikel 3", False),
        (4, "cao", "Cao artikel 3", True),
    ]


async def test_hr_does_not_classify_its_own(client: httpx.AsyncClient, cast: Cast) -> None:
    body = await drafted(client, cast.as_hr, request_body(cast.hr))

    answer = await step(
        client, cast.as_hr, body["id"], "classifications", {"basis": "cao", "reason": "Zo."}
    )

    problem(answer, 403, "own-request-step")


async def test_the_reason_of_a_classification_holds_no_citizen_service_number(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    body = await drafted(client, cast.as_manager, request_body(cast.employee))

    answer = await step(
        client, cast.as_hr, body["id"], "classifications", {"basis": "cao", "reason": BSN}
    )

    problem(answer, 422, "bsn-in-text", "LAW-12")


# --- Ending -------------------------------------------------------------------------------------


async def test_a_request_is_withdrawn_with_its_reason_until_it_lies_before_the_mt(
    client: httpx.AsyncClient, cast: Cast, work: OpenWork
) -> None:
    first = await submitted(client, cast.as_manager, request_body(cast.employee))
    second = await submitted(client, cast.as_manager, request_body(cast.employee))
    await assess(client, cast.as_hr, second["id"], ratings_body())
    await moved(work(), second["id"], RequestAction.PROPOSE)

    withdrawn = await step(
        client, cast.as_manager, first["id"], "withdrawal", {"reason": "Gaat niet door."}
    )
    too_late = await step(
        client, cast.as_manager, second["id"], "withdrawal", {"reason": "Gaat niet door."}
    )

    assert withdrawn.json()["status"] == "withdrawn"
    assert withdrawn.json()["closingReason"] == "Gaat niet door."
    problem(too_late, 409, "action-not-allowed")


async def test_who_only_takes_part_does_not_withdraw(client: httpx.AsyncClient, cast: Cast) -> None:
    body = await submitted(client, cast.as_manager, request_body(cast.employee))

    answer = await step(client, cast.as_employee, body["id"], "withdrawal", {"reason": "Nee."})

    problem(answer, 403, "not-your-step")


@pytest.fixture
async def granted(client: httpx.AsyncClient, cast: Cast, work: OpenWork) -> dict[str, Any]:
    body = await submitted(client, cast.as_manager, request_body(cast.employee, cast.colleague))
    await assess(client, cast.as_hr, body["id"], ratings_body())
    await moved(work(), body["id"], *GRANTED)
    return (await read(client, cast.as_hr, body["id"])).json()


def completion(cast: Cast, **members: object) -> dict[str, Any]:
    return {
        "completedOn": "2027-02-01",
        "outcome": {"kind": "branch_certificate", "nlqfLevel": 5},
        "participants": [
            {"employeeId": str(cast.employee.id), "completed": True},
            {"employeeId": str(cast.colleague.id), "completed": False},
        ],
        **members,
    }


@pytest.mark.rule("KB-14")
@pytest.mark.rule("VIS-6.6")
async def test_a_completion_says_of_each_participant_how_it_ended(
    client: httpx.AsyncClient, cast: Cast, granted: dict[str, Any], clock: FrozenClock
) -> None:
    clock.set(datetime(2027, 2, 2, 9, 0, tzinfo=UTC))

    answer = await step(client, cast.as_manager, granted["id"], "completion", completion(cast))

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["status"], body["completedOn"]) == ("completed", "2027-02-01")
    assert body["outcome"] == {"kind": "branch_certificate", "nlqfLevel": 5, "credits": None}
    assert body["participants"] == [
        {"employeeId": str(cast.employee.id), "status": "completed"},
        {"employeeId": str(cast.colleague.id), "status": "not_completed"},
    ]


@pytest.mark.parametrize(
    ("members", "status", "slug"),
    [
        ({"completedOn": "2027-02-03"}, 409, "completion-mistimed"),
        ({"outcome": {"kind": "diploma", "credits": 3}}, 422, "outcome-inconsistent"),
        ({"participants": [{"employeeId": str(new_id()), "completed": True}]}, 409, None),
    ],
)
async def test_a_completion_that_can_not_be_is_refused(
    *,
    client: httpx.AsyncClient,
    cast: Cast,
    granted: dict[str, Any],
    clock: FrozenClock,
    members: dict[str, Any],
    status: int,
    slug: str | None,
) -> None:
    clock.set(datetime(2027, 2, 2, 9, 0, tzinfo=UTC))

    answer = await step(
        client, cast.as_hr, granted["id"], "completion", completion(cast, **members)
    )

    problem(answer, status, slug or "participants-differ")
    assert (await read(client, cast.as_hr, granted["id"])).json() == granted


async def test_a_participant_stands_in_a_completion_once(
    client: httpx.AsyncClient, cast: Cast, granted: dict[str, Any], clock: FrozenClock
) -> None:
    clock.set(datetime(2027, 2, 2, 9, 0, tzinfo=UTC))
    twice = [{"employeeId": str(cast.employee.id), "completed": done} for done in (True, False)]

    answer = await step(
        client, cast.as_hr, granted["id"], "completion", completion(cast, participants=twice)
    )

    problem(answer, 422, "twice-named")


async def test_nobody_records_ones_own_completion(
    client: httpx.AsyncClient, cast: Cast, granted: dict[str, Any], clock: FrozenClock
) -> None:
    clock.set(datetime(2027, 2, 2, 9, 0, tzinfo=UTC))

    answer = await step(
        client,
        cast.headers(cast.colleague, Role.HR),
        granted["id"],
        "completion",
        completion(cast),
    )

    problem(answer, 403, "own-request-step")


async def test_another_manager_of_the_house_does_not_complete(
    client: httpx.AsyncClient, cast: Cast, granted: dict[str, Any], clock: FrozenClock
) -> None:
    clock.set(datetime(2027, 2, 2, 9, 0, tzinfo=UTC))

    answer = await step(
        client,
        cast.headers(cast.other_manager, Role.MANAGER, Role.MT),
        granted["id"],
        "completion",
        completion(cast),
    )

    problem(answer, 403, "not-your-step")


async def test_what_was_not_granted_is_not_completed(client: httpx.AsyncClient, cast: Cast) -> None:
    body = await submitted(client, cast.as_manager, request_body(cast.employee))

    answer = await step(client, cast.as_manager, body["id"], "completion", completion(cast))

    problem(answer, 409, "action-not-allowed")


# --- The trail ------------------------------------------------------------------------------------


@pytest.mark.rule("VIS-6.6")
@pytest.mark.invariant("A1")
async def test_each_step_leaves_one_line_in_the_audit_trail(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    body = await drafted(client, cast.as_employee, request_body(cast.employee))
    await step(client, cast.as_manager, body["id"], "endorsement")
    await step(client, cast.as_employee, body["id"], "submission")
    await assess(client, cast.as_hr, body["id"], ratings_body())
    await step(client, cast.as_employee, body["id"], "withdrawal", {"reason": "Toch niet."})

    answer = await client.get(
        "/audit-entries",
        headers=cast.sign_in(Role.AUDITOR),
        params={"objectType": "training_request", "objectId": body["id"]},
    )

    assert answer.status_code == 200, answer.text
    assert sorted(item["action"] for item in answer.json()["items"]) == sorted(
        [
            "request.drafted",
            "request.endorsed",
            "request.submitted",
            "request.assessment_started",
            "request.assessed",
            "request.withdrawn",
        ]
    )
    assert "Meulen" not in answer.text
