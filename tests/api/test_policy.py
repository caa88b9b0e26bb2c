"""The organisation and its policy over HTTP: drafted, activated with consent, succeeded."""

import asyncio
from datetime import date
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from app.kernel.actors import Role
from app.policy.errors import NoPolicyInForce, PolicyVersionNotFound
from app.policy.service import PolicyService
from tests.conftest import OpenWork, SignIn
from tests.support.organisations import Organisation
from tests.support.policy import odwh_version
from tests.support.sql import connected


async def draft(
    client: httpx.AsyncClient, headers: dict[str, str], body: dict[str, Any]
) -> httpx.Response:
    return await client.post("/policy-versions", json=body, headers=headers)


async def activate(
    client: httpx.AsyncClient, headers: dict[str, str], version_id: str, *, if_match: str = "*"
) -> httpx.Response:
    return await client.post(
        f"/policy-versions/{version_id}/activation", headers=headers | {"If-Match": if_match}
    )


async def test_the_organisation_says_its_name_and_kind(
    client: httpx.AsyncClient, sign_in: SignIn, organisation: Organisation
) -> None:
    answer = await client.get("/organisation", headers=sign_in(Role.EMPLOYEE))

    assert answer.status_code == 200
    assert answer.json() == {
        "id": str(organisation.id),
        "name": "Omgevingsdienst Test",
        "kind": "employer",
        "version": 1,
    }
    assert answer.headers["ETag"] == '"1"'


@pytest.mark.rule("VIS-8.3")
@pytest.mark.rule("VIS-7.10")
@pytest.mark.parametrize(
    ("day", "binding", "until"),
    [
        pytest.param("2026-01-01", False, "2027-01-01", id="first day of the transition year"),
        pytest.param("2026-12-31", False, "2027-01-01", id="its last day"),
        pytest.param("2027-01-01", True, None, id="first day of the year that binds"),
        pytest.param("2031-06-30", True, None, id="long after, for nothing succeeded it"),
    ],
)
async def test_the_policy_in_force_is_the_last_one_that_has_begun(
    client: httpx.AsyncClient, sign_in: SignIn, *, day: str, binding: bool, until: str | None
) -> None:
    answer = await client.get(
        "/policy-versions/in-force", params={"on": day}, headers=sign_in(Role.EMPLOYEE)
    )

    assert answer.status_code == 200
    body = answer.json()
    assert body["settings"]["normBinding"] is binding
    assert body["validUntil"] == until
    assert body["status"] == "live"


async def test_without_a_day_the_policy_is_that_of_today(
    client: httpx.AsyncClient, sign_in: SignIn
) -> None:
    answer = await client.get("/policy-versions/in-force", headers=sign_in(Role.MANAGER))

    assert answer.json()["validFrom"] == "2026-01-01"


async def test_before_the_first_version_no_policy_is_in_force(
    client: httpx.AsyncClient, sign_in: SignIn
) -> None:
    answer = await client.get(
        "/policy-versions/in-force", params={"on": "2025-12-31"}, headers=sign_in(Role.HR)
    )

    assert answer.status_code == 409
    assert answer.json()["type"] == "/problems/no-policy-in-force"
    assert answer.json()["facts"] == {"dayOn": "2025-12-31"}


@pytest.mark.rule("LAW-11")
async def test_the_service_gives_the_policy_of_the_day_and_of_the_day_before(
    work: OpenWork,
) -> None:
    async with work() as opened:
        policies = PolicyService(opened)
        last = await policies.policy_on(date(2026, 12, 31))
        first = await policies.policy_on(date(2027, 1, 1))
        stored = await policies.live_version(last.id)
        with pytest.raises(NoPolicyInForce):
            await policies.policy_on(date(2025, 12, 31))

    assert (last.valid_from, first.valid_from) == (date(2026, 1, 1), date(2027, 1, 1))
    assert not last.policy.norm_binding
    assert first.policy.norm_binding
    assert stored == last


@pytest.mark.rule("LAW-11")
async def test_hr_drafts_and_the_management_team_activates(
    client: httpx.AsyncClient, sign_in: SignIn
) -> None:
    drafted = await draft(client, sign_in(Role.HR), odwh_version(2028))
    assert drafted.status_code == 201
    assert drafted.json()["status"] == "draft"
    assert drafted.json()["activatedAt"] is None
    path = drafted.headers["Location"].removeprefix("/v1")

    activated = await activate(
        client, sign_in(Role.MT), drafted.json()["id"], if_match=drafted.headers["ETag"]
    )

    assert activated.status_code == 200
    assert activated.json()["status"] == "live"
    read = await client.get(path, headers=sign_in(Role.EMPLOYEE))
    assert read.json() == activated.json()
    assert read.headers["ETag"] == activated.headers["ETag"] == '"2"'
    in_force = await client.get(
        "/policy-versions/in-force", params={"on": "2028-01-01"}, headers=sign_in(Role.HR)
    )
    assert in_force.json()["id"] == drafted.json()["id"]


@pytest.mark.rule("LAW-11")
async def test_a_version_without_consent_or_cao_does_not_go_live(
    client: httpx.AsyncClient, sign_in: SignIn
) -> None:
    drafted = await draft(client, sign_in(Role.HR), odwh_version(2028, consent=None))

    refused = await activate(client, sign_in(Role.MT), drafted.json()["id"])

    assert refused.status_code == 409
    assert refused.json()["type"] == "/problems/consent-missing"
    assert refused.json()["rule"]["id"] == "LAW-11"
    read = await client.get(
        f"/policy-versions/{drafted.json()['id']}", headers=sign_in(Role.EMPLOYEE)
    )
    assert read.json()["status"] == "draft"


@pytest.mark.rule("LAW-11")
async def test_a_cao_stands_in_for_the_works_councils_consent(
    client: httpx.AsyncClient, sign_in: SignIn
) -> None:
    consent = {"kind": "collective_agreement", "reference": "Cao SGO 2027, artikel 8.2"}
    drafted = await draft(client, sign_in(Role.ADMIN), odwh_version(2028, consent=consent))

    activated = await activate(client, sign_in(Role.MT), drafted.json()["id"])

    assert activated.status_code == 200
    assert activated.json()["settings"]["consent"] == consent


@pytest.mark.rule("LAW-11")
@pytest.mark.parametrize(
    "valid_from",
    [
        pytest.param(date(2027, 1, 1), id="on the same day as a live one"),
        pytest.param(date(2026, 12, 31), id="before a live one"),
    ],
)
async def test_a_version_succeeds_every_live_one_or_does_not_go_live(
    client: httpx.AsyncClient, sign_in: SignIn, valid_from: date
) -> None:
    drafted = await draft(client, sign_in(Role.HR), odwh_version(2027, valid_from=valid_from))

    refused = await activate(client, sign_in(Role.MT), drafted.json()["id"])

    assert refused.status_code == 409
    assert refused.json()["type"] == "/problems/policy-not-succeeding"
    assert refused.json()["facts"] == {
        "validFromOn": valid_from.isoformat(),
        "latestLiveOn": "2027-01-01",
    }


@pytest.mark.rule("LAW-11")
async def test_a_live_version_is_never_edited_nor_activated_again(
    client: httpx.AsyncClient, sign_in: SignIn
) -> None:
    listed = await client.get("/policy-versions", headers=sign_in(Role.HR))
    live = listed.json()["items"][0]

    edited = await client.put(
        f"/policy-versions/{live['id']}",
        json=odwh_version(2026, normMinutes=6000),
        headers=sign_in(Role.HR) | {"If-Match": "*"},
    )
    again = await activate(client, sign_in(Role.MT), live["id"])

    for refused in (edited, again):
        assert refused.status_code == 409
        assert refused.json()["type"] == "/problems/policy-version-is-live"
    read = await client.get(f"/policy-versions/{live['id']}", headers=sign_in(Role.HR))
    assert read.json() == live


@pytest.mark.rule("LAW-11")
async def test_the_database_too_refuses_to_change_a_live_version(
    owner_url: str, organisation: Organisation
) -> None:
    change = "UPDATE policy_versions SET title = 'x' WHERE organisation_id = %s"
    with (
        connected(owner_url, organisation.id) as connection,
        pytest.raises(psycopg.errors.CheckViolation) as raised,
    ):
        connection.execute(change, [organisation.id])
    assert raised.value.diag.constraint_name == "ck_policy_versions_live_is_final"


async def test_a_draft_is_replaced_by_who_has_read_it(
    client: httpx.AsyncClient, sign_in: SignIn
) -> None:
    hr = sign_in(Role.HR)
    drafted = await draft(client, hr, odwh_version(2028))
    path = f"/policy-versions/{drafted.json()['id']}"
    body = odwh_version(2028, normMinutes=6000)

    unread = await client.put(path, json=body, headers=hr)
    replaced = await client.put(path, json=body, headers=hr | {"If-Match": '"1"'})
    stale = await client.put(path, json=body, headers=hr | {"If-Match": '"1"'})

    assert unread.status_code == 428
    assert replaced.status_code == 200
    assert replaced.json()["settings"]["normMinutes"] == 6000
    assert replaced.headers["ETag"] == '"2"'
    assert stale.status_code == 412


@pytest.mark.rule("LAW-2")
async def test_a_staircase_carries_the_remark_that_a_sliding_schedule_does_not_need(
    client: httpx.AsyncClient, sign_in: SignIn
) -> None:
    hr = sign_in(Role.HR) | {"Accept-Language": "nl"}
    sliding = {"kind": "monthly_sliding", "months": 24}

    stepped = await draft(client, hr, odwh_version(2028))
    slid = await draft(client, hr, odwh_version(2028, repaymentSchedule=sliding))

    assert [remark["rule"] for remark in stepped.json()["remarks"]] == ["LAW-2"]
    assert "staffels" in stepped.json()["remarks"][0]["text"]
    assert slid.json()["remarks"] == []
    assert slid.json()["settings"]["repaymentSchedule"] == sliding


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        pytest.param({"normMinutes": -1}, "/settings/normMinutes", id="negative norm"),
        pytest.param({"normMinutes": "4800"}, "/settings/normMinutes", id="norm as text"),
        pytest.param({"normBinding": "yes"}, "/settings/normBinding", id="a yes for true"),
        pytest.param({"normProRating": "half"}, "/settings/normProRating", id="unknown choice"),
        pytest.param({"unknown": 1}, "/settings/unknown", id="a field that does not exist"),
        pytest.param({"tranches": []}, "/settings/tranches", id="no tranche"),
        pytest.param({"ratingLabels": ["one"]}, "/settings/ratingLabels", id="a scale of one"),
    ],
)
async def test_a_choice_that_can_not_be_is_refused_by_its_place(
    client: httpx.AsyncClient, sign_in: SignIn, changes: dict[str, Any], pointer: str
) -> None:
    refused = await draft(client, sign_in(Role.HR), odwh_version(2028, **changes))

    assert refused.status_code == 400
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]


@pytest.mark.parametrize(
    "role", [role for role in Role if role not in {Role.HR, Role.ADMIN}], ids=str
)
async def test_only_hr_and_an_administrator_draft(
    client: httpx.AsyncClient, sign_in: SignIn, role: Role
) -> None:
    answer = await draft(client, sign_in(role), odwh_version(2028))

    assert answer.status_code == 403


@pytest.mark.rule("VIS-5.1")
@pytest.mark.rule("VIS-5.4")
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.MT], ids=str)
async def test_only_the_management_team_activates(
    client: httpx.AsyncClient, sign_in: SignIn, role: Role
) -> None:
    drafted = await draft(client, sign_in(Role.HR), odwh_version(2028))

    answer = await activate(client, sign_in(role), drafted.json()["id"])

    assert answer.status_code == 403
    broker = role is Role.KNOWLEDGE_BROKER
    assert answer.json()["rule"]["id"] == ("VIS-5.4" if broker else "VIS-5.1")


async def test_another_organisations_version_is_not_there(
    client: httpx.AsyncClient, sign_in: SignIn, other_organisation: Organisation
) -> None:
    listed = await client.get("/policy-versions", headers=sign_in(Role.HR))
    path = f"/policy-versions/{listed.json()['items'][0]['id']}"
    theirs = sign_in(Role.HR, Role.MT, organisation=other_organisation)

    for answer in (
        await client.get(path, headers=theirs),
        await client.get(f"/policy-versions/{uuid4()}", headers=theirs),
        await client.put(path, json=odwh_version(2028), headers=theirs | {"If-Match": "*"}),
        await client.post(f"{path}/activation", headers=theirs | {"If-Match": "*"}),
    ):
        assert answer.status_code == 404
        assert answer.json()["type"] == "/problems/policy-version-not-found"


async def test_versions_are_listed_by_their_first_day_page_by_page(
    client: httpx.AsyncClient, sign_in: SignIn
) -> None:
    hr = sign_in(Role.HR)
    for year in (2030, 2029, 2029):
        await draft(client, hr, odwh_version(year))

    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await client.get("/policy-versions", params={"limit": "2"} | cursor, headers=hr)
        found += [item["validFrom"] for item in page.json()["items"]]
        if page.json()["nextCursor"] is None:
            break
        cursor = {"cursor": page.json()["nextCursor"]}

    assert found == ["2026-01-01", "2027-01-01", "2029-01-01", "2029-01-01", "2030-01-01"]


async def test_what_happens_to_a_version_is_in_the_audit_trail(
    client: httpx.AsyncClient, sign_in: SignIn, owner_url: str, organisation: Organisation
) -> None:
    hr = sign_in(Role.HR)
    drafted = await draft(client, hr, odwh_version(2028))
    version_id = drafted.json()["id"]
    await client.put(
        f"/policy-versions/{version_id}", json=odwh_version(2028), headers=hr | {"If-Match": "*"}
    )
    await activate(client, sign_in(Role.MT), version_id)

    with connected(owner_url, organisation.id) as connection:
        rows = connection.execute(
            "SELECT action, subject, rule_ids FROM audit_entries"
            " WHERE organisation_id = %s AND object_id = %s ORDER BY id",
            [organisation.id, version_id],
        ).fetchall()

    assert rows == [
        ("policy_version.drafted", "hr", []),
        ("policy_version.redrafted", "hr", []),
        ("policy_version.activated", "mt", ["LAW-11"]),
    ]


async def test_a_draft_is_no_version_to_rest_a_decision_on(
    client: httpx.AsyncClient, sign_in: SignIn, work: OpenWork
) -> None:
    drafted = await draft(client, sign_in(Role.HR), odwh_version(2028))

    async with work() as opened:
        with pytest.raises(PolicyVersionNotFound):
            await PolicyService(opened).live_version(drafted.json()["id"])


@pytest.mark.invariant("W2")
async def test_of_two_versions_activated_at_once_for_one_day_one_goes_live(
    client: httpx.AsyncClient, sign_in: SignIn
) -> None:
    drafts = [await draft(client, sign_in(Role.HR), odwh_version(2028)) for _ in range(4)]

    answers = await asyncio.gather(
        *(activate(client, sign_in(Role.MT), drafted.json()["id"]) for drafted in drafts)
    )

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    refused = {answer.json()["type"] for answer in answers if answer.status_code != 200}
    assert refused == {"/problems/policy-not-succeeding"}


@pytest.mark.invariant("W3")
async def test_of_many_who_replace_a_draft_they_all_read_one_succeeds(
    client: httpx.AsyncClient, sign_in: SignIn
) -> None:
    hr = sign_in(Role.HR)
    drafted = await draft(client, hr, odwh_version(2028))

    answers = await asyncio.gather(
        *(
            client.put(
                f"/policy-versions/{drafted.json()['id']}",
                json=odwh_version(2028, normMinutes=minutes),
                headers=hr | {"If-Match": drafted.headers["ETag"]},
            )
            for minutes in range(4000, 4016)
        )
    )

    assert sorted(answer.status_code for answer in answers) == [200, *[412] * 15]
