"""The audit trail over HTTP: who may read it, what it says, how it is paged and narrowed."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.db.audit import AuditTrail
from app.db.chain import seal, verify
from app.db.session import Database
from app.kernel.actors import Role
from app.kernel.identifiers import new_id
from app.main import create_app
from app.settings import Settings
from tests.conftest import OpenWork, SignIn
from tests.support import tokens
from tests.support.clock import FrozenClock
from tests.support.organisations import Organisation, enter_in_directory


@pytest.fixture
async def organisation(database: Database) -> Organisation:
    """Return an organisation of the directory alone: its audit trail is empty."""
    return await enter_in_directory(database)


@pytest.fixture
def auditor(sign_in: SignIn) -> dict[str, str]:
    return sign_in(Role.AUDITOR)


async def _record(
    work: OpenWork,
    action: str = "request.submitted",
    **fields: Any,  # noqa: ANN401 - any field
) -> UUID:
    changed = fields.pop("object_id", None) or new_id()
    async with work() as unit:
        await AuditTrail(unit).record(
            action=action, object_type="training_request", object_id=changed, **fields
        )
    return changed


async def _read(
    client: httpx.AsyncClient, headers: dict[str, str], **query: str | int
) -> dict[str, Any]:
    answer = await client.get("/audit-entries", headers=headers, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.invariant("A5")
async def test_an_entry_says_who_changed_what_when_from_where_and_why(
    client: httpx.AsyncClient, auditor: dict[str, str], work: OpenWork
) -> None:
    policy = new_id()
    changed = await _record(
        work,
        before={"status": "draft", "title": "same", "cents": 100},
        after={"status": "submitted", "title": "same", "note": None, "cents": 100},
        reason="Tijdig ingediend.",
        rule_ids=["VIS-6.1"],
        policy_version_id=policy,
    )
    (entry,) = (await _read(client, auditor))["items"]
    assert entry.pop("recordedAt").endswith("Z")
    assert entry.pop("id")
    assert entry == {
        "position": None,
        "subject": "hr",
        "personId": None,
        "roles": ["hr"],
        "origin": None,
        "action": "request.submitted",
        "objectType": "training_request",
        "objectId": str(changed),
        "changes": [
            {"field": "note", "before": None, "after": None},
            {"field": "status", "before": '"draft"', "after": '"submitted"'},
        ],
        "reason": "Tijdig ingediend.",
        "ruleIds": ["VIS-6.1"],
        "policyVersionId": str(policy),
        "correlationId": "test",
    }


async def test_pages_run_from_the_newest_to_the_oldest_and_miss_nothing(
    client: httpx.AsyncClient, auditor: dict[str, str], work: OpenWork
) -> None:
    recorded = [await _record(work) for _ in range(5)]
    seen: list[str] = []
    page = await _read(client, auditor, limit=2)
    seen += [entry["objectId"] for entry in page["items"]]
    await _record(work, "later")  # what comes meanwhile shifts no page
    while page["nextCursor"]:
        page = await _read(client, auditor, limit=2, cursor=page["nextCursor"])
        seen += [entry["objectId"] for entry in page["items"]]
    assert seen == [str(changed) for changed in reversed(recorded)]


async def test_the_trail_is_narrowed_by_object_action_person_and_period(
    client: httpx.AsyncClient,
    auditor: dict[str, str],
    work: OpenWork,
) -> None:
    first = await _record(work, "request.drafted")
    await _record(work, "request.submitted", object_id=first)
    await _record(work, "request.drafted")

    async def actions(**query: str) -> list[str]:
        return [entry["action"] for entry in (await _read(client, auditor, **query))["items"]]

    assert await actions(objectId=str(first)) == ["request.submitted", "request.drafted"]
    assert (
        await actions(objectType="training_request", action="request.drafted")
        == ["request.drafted"] * 2
    )
    assert await actions(objectType="agreement") == []
    assert await actions(personId=str(new_id())) == []

    newest, middle, oldest = (await _read(client, auditor))["items"]
    assert await actions(since=middle["recordedAt"]) == [newest["action"], middle["action"]]
    assert await actions(until=middle["recordedAt"]) == [oldest["action"]]


async def test_an_entry_shows_its_place_once_it_is_sealed(
    client: httpx.AsyncClient,
    auditor: dict[str, str],
    work: OpenWork,
    database: Database,
    organisation: Organisation,
) -> None:
    for _ in range(3):
        await _record(work)
    await seal(database, organisation.id)
    places = [entry["position"] for entry in (await _read(client, auditor))["items"]]
    assert places == [3, 2, 1]


@pytest.mark.invariant("A3")
async def test_a_service_seals_by_itself_unless_that_is_left_to_a_worker(
    settings: Settings,
    database: Database,
    organisation: Organisation,
    work: OpenWork,
    tmp_path: Path,
) -> None:
    """As it comes: nothing has to be set for it."""
    assert Settings.model_fields["upkeep"].default is True
    own = settings.model_copy(update={"upkeep": True, "data_dir": tmp_path})
    app = create_app(own, clock=FrozenClock().now, keys=tokens.IssuerKeys())
    await _record(work)
    async with app.router.lifespan_context(app), asyncio.timeout(60):
        while (await verify(database, organisation.id)).unsealed:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)
    verification = await verify(database, organisation.id)
    assert (verification.head.position, verification.findings) == (1, ())


@pytest.mark.invariant("A3")
async def test_the_head_moves_with_every_entry_that_is_sealed(
    client: httpx.AsyncClient,
    auditor: dict[str, str],
    work: OpenWork,
    database: Database,
    organisation: Organisation,
) -> None:
    async def head() -> dict[str, Any]:
        answer = await client.get("/audit-entries/head", headers=auditor)
        assert answer.status_code == 200
        return answer.json()

    genesis = hashlib.sha256(b"leerruimte audit chain " + organisation.id.bytes).hexdigest()
    assert await head() == {"position": 0, "digest": genesis}
    await _record(work)
    await seal(database, organisation.id)
    first = await head()
    await _record(work)
    await seal(database, organisation.id)
    second = await head()
    assert (first["position"], second["position"]) == (1, 2)
    assert len({genesis, first["digest"], second["digest"]}) == 3


@pytest.mark.parametrize("path", ["/audit-entries", "/audit-entries/head"])
@pytest.mark.parametrize("role", list(Role), ids=str)
async def test_only_an_auditor_and_an_administrator_read_the_trail(
    client: httpx.AsyncClient, sign_in: SignIn, path: str, role: Role
) -> None:
    answer = await client.get(path, headers=sign_in(role))
    assert answer.status_code == (200 if role in {Role.AUDITOR, Role.ADMIN} else 403)


@pytest.mark.invariant("T1")
async def test_another_organisations_auditor_sees_nothing_of_it(
    client: httpx.AsyncClient,
    sign_in: SignIn,
    work: OpenWork,
    other_organisation: Organisation,
) -> None:
    changed = await _record(work)
    stranger = sign_in(Role.AUDITOR, organisation=other_organisation)
    page = await _read(client, stranger, objectId=str(changed))
    assert page == {"items": [], "nextCursor": None}


@pytest.mark.parametrize(
    "query",
    [
        {"objectId": "7"},
        {"since": "2026-06-15"},
        {"since": "2026-06-15T10:00:00"},
        {"objectType": "a b"},
        {"action": ""},
        {"cursor": "not sense"},
        {"limit": "0"},
        {"object_type": "training_request"},
    ],
    ids=str,
)
async def test_a_question_that_can_not_be_read_is_refused(
    client: httpx.AsyncClient, auditor: dict[str, str], query: dict[str, str]
) -> None:
    answer = await client.get("/audit-entries", headers=auditor, params=query)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_cursor_of_a_narrowed_list_goes_on_narrowed(
    client: httpx.AsyncClient, auditor: dict[str, str], work: OpenWork
) -> None:
    for _ in range(2):
        await _record(work, "wanted")
        await _record(work, "other")
    answer = await client.get(
        "/audit-entries", headers=auditor, params={"action": "wanted", "limit": 1}
    )
    link = answer.headers["link"]
    following = await client.get(link[1 : link.index(">")].removeprefix("/v1"), headers=auditor)
    assert [entry["action"] for entry in following.json()["items"]] == ["wanted"]
