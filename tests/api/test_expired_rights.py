"""Rights that end: with the employment, with the team, with the token; and an own request's."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from app.kernel.actors import Person, Role
from tests.conftest import OpenWork, SignIn
from tests.support.clock import FrozenClock
from tests.support.decisions import keyed
from tests.support.organisations import Organisation
from tests.support.requests import Cast, cast_of, drafted, request_body

LAST_DAY = date(2026, 9, 30)
# 23:30 and 00:30 in Amsterdam, which is two hours ahead of UTC then.
LAST_MOMENT = datetime(2026, 9, 30, 21, 30, tzinfo=UTC)
DAY_AFTER = datetime(2026, 9, 30, 22, 30, tzinfo=UTC)


@pytest.fixture
async def cast(work: OpenWork, sign_in: SignIn) -> Cast:
    return await cast_of(work(), sign_in)


async def leave(client: httpx.AsyncClient, cast: Cast, who: str, left_on: date) -> None:
    answer = await client.post(
        f"/employees/{who}/employment-end",
        json={"leftOn": left_on.isoformat(), "reason": "resignation", "initiative": "employee"},
        headers=keyed(cast.as_hr, f"vertrek-{who}"),
    )
    assert answer.status_code == 200, answer.text


@pytest.mark.invariant("W2", "S6")
async def test_the_rights_of_a_role_end_with_the_last_day_of_the_employment(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    """A token that lives on gives no more than the own file, and the answer says so."""
    await leave(client, cast, str(cast.manager.id), LAST_DAY)
    both = cast.headers(cast.manager, Role.MANAGER, Role.MT, Role.EMPLOYEE)
    their_own, of_their_team = f"/employees/{cast.manager.id}", f"/employees/{cast.employee.id}"

    clock.set(LAST_MOMENT)
    assert (await client.get("/me", headers=both)).json()["roles"] == ["employee", "manager", "mt"]
    assert (await client.get(of_their_team, headers=both)).status_code == 200
    assert (await client.get("/proposals", headers=both)).status_code == 200

    clock.set(DAY_AFTER)
    assert (await client.get("/me", headers=both)).json()["roles"] == ["employee"]
    assert (await client.get(their_own, headers=both)).status_code == 200
    assert (await client.get(of_their_team, headers=both)).status_code == 404
    refused = await client.get("/proposals", headers=both)
    assert refused.status_code == 403
    assert refused.json()["type"] == "/problems/role-refused"
    assert refused.json()["facts"]["roles"] == ["employee"]
    manager_only = cast.headers(cast.manager, Role.MANAGER)
    assert (await client.get("/me", headers=manager_only)).status_code == 403


@pytest.mark.invariant("W2", "S6")
async def test_who_left_decides_endorses_and_repeats_nothing(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    body = {
        "employeeId": str(cast.colleague.id),
        "calendarYear": 2026,
        "minutes": 600,
        "ground": "function_requirement",
        "reason": "Nodig voor de functie.",
        "discussedOn": "2026-06-15",
    }
    await leave(client, cast, str(cast.director.id), LAST_DAY)
    headers = keyed(cast.as_mt, "uitzondering")
    assert (await client.post("/hour-exceptions", json=body, headers=headers)).status_code == 201
    clock.set(DAY_AFTER)
    # Not even the answer that was given to the same key before.
    for key in ("uitzondering", "andere"):
        refused = await client.post("/hour-exceptions", json=body, headers=keyed(cast.as_mt, key))
        assert refused.status_code == 403


@pytest.mark.invariant("W2", "S6")
async def test_who_is_told_to_have_left_yesterday_changes_nothing_from_then_on(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    """However short ago the service was asked who it is."""
    clock.set(LAST_MOMENT)
    assert (await client.get("/proposals", headers=cast.as_mt)).status_code == 200
    await leave(client, cast, str(cast.director.id), LAST_DAY - timedelta(days=1))
    body = {"meansCents": 1_000_000, "source": "Begroting", "reason": "Vastgesteld."}
    refused = await client.post(
        "/budgets/2026/means", json=body, headers=keyed(cast.as_mt, "middelen")
    )
    assert refused.status_code == 403, refused.text
    assert refused.json()["type"] == "/problems/role-refused"


@pytest.mark.invariant("W2")
async def test_a_manager_who_lost_the_team_has_no_say_in_it_from_that_day(
    client: httpx.AsyncClient, cast: Cast, clock: FrozenClock
) -> None:
    """Of a request that he drafted himself he stays the applicant; the others he no longer sees."""
    of_colleague = await drafted(client, cast.as_manager, request_body(cast.colleague))
    own_draft = await client.post(
        "/requests", json=request_body(cast.employee), headers=cast.as_employee
    )
    assert own_draft.status_code == 201, own_draft.text
    path = f"/requests/{own_draft.json()['id']}"
    for person in (cast.employee, cast.colleague):
        employee = (await client.get(f"/employees/{person.id}", headers=cast.as_hr)).json()
        moved = await client.post(
            f"/employees/{person.id}/placements",
            json={
                "teamId": employee["placement"]["teamId"],
                "functionId": employee["placement"]["functionId"],
                "managerId": str(cast.other_manager.id),
                "contractMinutesPerWeek": 2160,
                "validFrom": "2026-07-01",
            },
            headers=cast.as_hr,
        )
        assert moved.status_code == 201, moved.text

    clock.set(datetime(2026, 6, 30, 12, 0, tzinfo=UTC))
    assert (await client.get(path, headers=cast.as_manager)).status_code == 200

    clock.set(datetime(2026, 7, 1, 12, 0, tzinfo=UTC))
    for address in (path, f"/employees/{cast.employee.id}"):
        assert (await client.get(address, headers=cast.as_manager)).status_code == 404
    endorsed = await client.post(f"{path}/endorsement", headers=keyed(cast.as_manager, "akkoord"))
    assert endorsed.status_code == 404
    other = cast.headers(cast.other_manager, Role.MANAGER)
    endorsed = await client.post(f"{path}/endorsement", headers=keyed(other, "akkoord"))
    assert endorsed.status_code == 200, endorsed.text
    still = await client.get(f"/requests/{of_colleague['id']}", headers=cast.as_manager)
    assert still.status_code == 200
    changed = await client.put(
        f"/requests/{of_colleague['id']}",
        json=request_body(cast.colleague),
        headers=keyed(cast.as_manager, "wijzigen"),
    )
    assert changed.status_code == 409
    assert changed.json()["type"] == "/problems/participant-not-yours"


@pytest.mark.invariant("S3", "T7")
async def test_a_body_that_names_another_organisation_is_refused_and_nothing_of_it_is_done(
    client: httpx.AsyncClient, sign_in: SignIn, other_organisation: Organisation
) -> None:
    """The organisation is the token's: there is no member, parameter or header to name another."""
    theirs = str(other_organisation.id)
    body = {"department": "Toezicht", "name": "Nieuw"}
    for name in ("organisationId", "organisation", "tenant"):
        refused = await client.post("/teams", json={**body, name: theirs}, headers=sign_in(Role.HR))
        assert refused.status_code == 400
        refused = await client.get("/teams", params={name: theirs}, headers=sign_in(Role.HR))
        assert refused.status_code == 400
    named = {"X-Organisation-Id": theirs, "X-Tenant": other_organisation.slug}
    made = await client.post("/teams", json=body, headers={**sign_in(Role.HR), **named})
    assert made.status_code == 201
    listed = await client.get("/teams", headers=sign_in(Role.HR, organisation=other_organisation))
    assert listed.json()["items"] == []


@pytest.mark.invariant("W2")
def test_a_person_has_the_roles_of_the_token_on_the_days_of_an_employment_alone() -> None:
    began, ended, again = date(2020, 1, 1), date(2021, 6, 30), date(2023, 3, 1)
    person = Person(uuid4(), ((began, ended), (again, None)))
    told = frozenset({Role.EMPLOYEE, Role.HR})
    day = timedelta(days=1)
    for inside in (began, ended, again, date(2040, 1, 1)):
        assert person.roles_on(inside, told) == told
    for outside in (began - day, ended + day, again - day):
        assert person.roles_on(outside, told) == {Role.EMPLOYEE}
        assert person.roles_on(outside, frozenset({Role.HR})) == frozenset()
