"""The means of a year over HTTP: set by the MT, committed by grants, spent by invoices."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.budgets.errors import BudgetNotFound, MeansExceeded
from app.budgets.service import BudgetService, Grant
from app.kernel.actors import Role
from app.kernel.identifiers import new_id
from app.kernel.quantities import Cents
from tests.conftest import ActAs, OpenWork, SignIn
from tests.support.budgets import YEAR, committed, means_of, set_means
from tests.support.hours import audited, differences, keyed, planned, session, staffed
from tests.support.organisations import Organisation

MEANS = 1_000_000


@pytest.fixture
async def request_id(work: OpenWork) -> UUID:
    async with work() as opened:
        staff = await staffed(opened)
        return (await planned(opened, [staff.noor], session(date(2026, 9, 1)))).id


@pytest.fixture
async def commitment_id(request_id: UUID, work: OpenWork, act_as: ActAs) -> UUID:
    """Return a commitment of € 4,000.00 on means of € 10,000.00."""
    async with work(act_as(Role.MT)) as opened:
        await set_means(opened, MEANS)
        return await committed(opened, request_id, 400_000)


@pytest.fixture
def mt(sign_in: SignIn) -> dict[str, str]:
    return sign_in(Role.MT)


@pytest.fixture
def hr(sign_in: SignIn) -> dict[str, str]:
    return sign_in(Role.HR)


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


async def put(
    client: httpx.AsyncClient, headers: dict[str, str], amount: object, *, year: int = YEAR
) -> httpx.Response:
    return await client.post(
        f"/budgets/{year}/means",
        headers=keyed(headers),
        json={"amountCents": amount, "motivation": "Begroting leren en ontwikkelen."},
    )


def invoice(amount: object, reference: str = "F2026-01", **changes: object) -> dict[str, Any]:
    return {
        "amountCents": amount,
        "invoiceReference": reference,
        "invoicedOn": "2026-09-14",
        "final": False,
        **changes,
    }


async def book(
    client: httpx.AsyncClient,
    headers: dict[str, str],
    commitment_id: object,
    body: dict[str, Any],
    *,
    etag: str = "*",
) -> httpx.Response:
    return await client.post(
        f"/commitments/{commitment_id}/actuals",
        headers={**keyed(headers), "If-Match": etag},
        json=body,
    )


# --- Means --------------------------------------------------------------------------------------


@pytest.mark.rule("VIS-5.1")
async def test_the_mt_sets_the_means_of_a_year_and_may_set_them_anew(
    client: httpx.AsyncClient, mt: dict[str, str], hr: dict[str, str], work: OpenWork
) -> None:
    first = await put(client, mt, MEANS)
    assert first.status_code == 201
    assert first.json() == {
        "budgetYear": YEAR,
        "meansCents": MEANS,
        "committedCents": 0,
        "spentCents": 0,
        "roomCents": MEANS,
    }
    for amount in (MEANS + 1, 0, 250_000):
        assert (await put(client, mt, amount)).json()["meansCents"] == amount
    await put(client, mt, 5_000, year=YEAR + 1)
    listed = await client.get("/budgets", headers=hr)
    assert [(one["budgetYear"], one["roomCents"]) for one in listed.json()["items"]] == [
        (YEAR + 1, 5_000),
        (YEAR, 250_000),
    ]
    settings = await client.get(f"/budgets/{YEAR}/means", headers=hr, params={"limit": "3"})
    shown = settings.json()
    assert [(one["amountCents"], one["previousCents"]) for one in shown["items"]] == [
        (MEANS, 0),
        (MEANS + 1, MEANS),
        (0, MEANS + 1),
    ]
    rest = await client.get(
        f"/budgets/{YEAR}/means", headers=hr, params={"cursor": shown["nextCursor"]}
    )
    assert [one["amountCents"] for one in rest.json()["items"]] == [250_000]
    async with work() as opened:
        rows = await audited(opened, "means.set")
        assert rows[0].before == {"means_cents": 0}
        assert rows[0].after == {"means_cents": MEANS, "budget_year": YEAR}
        assert len(rows) == 5
    assert await differences(work) == []


@pytest.mark.rule("VIS-5.1")
@pytest.mark.invariant("F3")
async def test_the_means_may_be_lowered_to_what_is_used_and_not_below_it(
    client: httpx.AsyncClient,
    mt: dict[str, str],
    hr: dict[str, str],
    commitment_id: UUID,
    work: OpenWork,
) -> None:
    assert (await book(client, hr, commitment_id, invoice(100_000))).status_code == 201
    answer = await put(client, mt, 399_999)
    assert told(answer) == (409, "means-below-committed")
    assert answer.json()["facts"] == {
        "budgetYear": YEAR,
        "askedCents": 399_999,
        "usedCents": 400_000,
    }
    assert (await put(client, mt, 400_000)).status_code == 201
    async with work() as opened:
        assert await means_of(opened) == (400_000, 300_000, 100_000, 0)
    assert await differences(work) == []


@pytest.mark.rule("VIS-5.1", "VIS-5.4")
@pytest.mark.parametrize(
    "role", [role for role in Role if role is not Role.MT], ids=lambda role: role.value
)
async def test_nobody_but_the_mt_sets_the_means(
    client: httpx.AsyncClient, sign_in: SignIn, role: Role
) -> None:
    answer = await put(client, sign_in(role), MEANS)
    assert told(answer) == (403, "role-refused")
    rule = "VIS-5.4" if role is Role.KNOWLEDGE_BROKER else "VIS-5.1"
    assert answer.json()["rule"]["id"] == rule


@pytest.mark.rule("VIS-5.4")
async def test_means_are_read_by_hr_the_mt_the_auditor_and_the_admin(
    client: httpx.AsyncClient,
    sign_in: SignIn,
    commitment_id: UUID,
    other_organisation: Organisation,
) -> None:
    readers = {Role.HR, Role.MT, Role.AUDITOR, Role.ADMIN}
    paths = (
        "/budgets",
        f"/budgets/{YEAR}",
        f"/budgets/{YEAR}/means",
        "/commitments",
        f"/commitments/{commitment_id}",
        f"/commitments/{commitment_id}/actuals",
    )
    for path in paths:
        for role in Role:
            answer = await client.get(path, headers=sign_in(role))
            assert answer.status_code == (200 if role in readers else 403), (path, role)
    stranger = sign_in(Role.HR, organisation=other_organisation)
    assert (await client.get("/budgets", headers=stranger)).json()["items"] == []
    assert (await client.get("/commitments", headers=stranger)).json()["items"] == []
    for path, problem in (
        (f"/budgets/{YEAR}", "budget-not-found"),
        (f"/commitments/{commitment_id}", "commitment-not-found"),
        (f"/commitments/{commitment_id}/actuals", "commitment-not-found"),
        (f"/commitments/{uuid4()}", "commitment-not-found"),
    ):
        assert told(await client.get(path, headers=stranger)) == (404, problem)


@pytest.mark.invariant("L7", "K6")
@pytest.mark.parametrize(
    "amount", [-1, 10**12 + 1, 10**30, 1.5, "100", True, None], ids=lambda amount: str(amount)[:16]
)
async def test_means_that_are_no_whole_cents_are_refused(
    client: httpx.AsyncClient, mt: dict[str, str], amount: object
) -> None:
    assert (await put(client, mt, amount)).status_code == 400
    body = {"amountCents": 1, "motivation": "x"}
    unkeyed = await client.post(f"/budgets/{YEAR}/means", headers=mt, json=body)
    assert told(unkeyed) == (400, "idempotency-key-missing")
    for year in (1999, 2200):
        assert (await put(client, mt, 1, year=year)).status_code == 400
    numbered = await client.post(
        f"/budgets/{YEAR}/means",
        headers=keyed(mt),
        json={"amountCents": 1, "motivation": "Zie BSN 111222333."},
    )
    assert told(numbered) == (422, "bsn-in-text")


# --- Commitments --------------------------------------------------------------------------------


@pytest.mark.rule("VIS-5.1")
@pytest.mark.invariant("F1")
async def test_grants_commit_up_to_the_last_cent_and_not_one_more(
    commitment_id: UUID, request_id: UUID, act_as: ActAs, work: OpenWork
) -> None:
    grants = [Grant(request_id, new_id(), Cents(amount)) for amount in (300_000, 300_001, 0)]
    with pytest.raises(MeansExceeded) as refused:
        async with work(act_as(Role.MT)) as opened:
            await BudgetService(opened).commit(YEAR, grants)
    assert refused.value.facts == {
        "budget_year": YEAR,
        "asked_cents": 600_001,
        "room_cents": 600_000,
    }
    async with work(act_as(Role.MT)) as opened:
        budgets = BudgetService(opened)
        await committed(opened, request_id, 600_000)
        assert await means_of(opened) == (MEANS, MEANS, 0, 0)
        assert await budgets.open_by_year([request_id]) == {YEAR: MEANS}
        assert await budgets.commit(YEAR, [Grant(request_id, new_id(), Cents(0))]) == []
        first = await budgets.commitment(commitment_id)
        assert (first.amount_cents, first.open_cents, first.status) == (400_000, 400_000, "open")
        assert len(await audited(opened, "commitment.made")) == 2
    assert await differences(work) == []


@pytest.mark.rule("VIS-5.1")
async def test_a_year_without_means_commits_nothing(
    request_id: UUID, act_as: ActAs, work: OpenWork
) -> None:
    with pytest.raises(BudgetNotFound):
        async with work(act_as(Role.MT)) as opened:
            await committed(opened, request_id, 1)


@pytest.mark.rule("VIS-5.1")
async def test_what_is_released_is_room_again_and_what_was_invoiced_stays_spent(
    client: httpx.AsyncClient,
    *,
    hr: dict[str, str],
    commitment_id: UUID,
    request_id: UUID,
    act_as: ActAs,
    work: OpenWork,
) -> None:
    assert (await book(client, hr, commitment_id, invoice(150_000))).status_code == 201
    async with work(act_as(Role.MT)) as opened:
        # Invoiced to the last cent and not closed: there is nothing left to free of this one.
        used_up = await committed(opened, request_id, 1_000)
    assert (await book(client, hr, used_up, invoice(1_000))).status_code == 201
    async with work(act_as(Role.MT)) as opened:
        budgets = BudgetService(opened)
        assert await budgets.release([request_id], cause_id=new_id()) == 250_000
        assert await budgets.release([request_id], cause_id=new_id()) == 0
        assert await means_of(opened) == (MEANS, 0, 151_000, MEANS - 151_000)
        assert {row.object_id for row in await audited(opened, "commitment.released")} == {
            commitment_id,
            used_up,
        }
    late = await book(client, hr, commitment_id, invoice(1, "F2026-02"))
    assert told(late) == (409, "commitment-closed")
    assert await differences(work) == []


async def test_commitments_are_listed_by_year_and_request(
    client: httpx.AsyncClient,
    *,
    hr: dict[str, str],
    commitment_id: UUID,
    request_id: UUID,
    act_as: ActAs,
    work: OpenWork,
) -> None:
    async with work(act_as(Role.MT)) as opened:
        await set_means(opened, MEANS, year=YEAR + 1)
        other = await committed(opened, request_id, 1, year=YEAR + 1)

    async def listed(**query: object) -> list[str]:
        answer = await client.get(
            "/commitments",
            headers=hr,
            params={name: str(value) for name, value in query.items()},
        )
        assert answer.status_code == 200
        return [one["id"] for one in answer.json()["items"]]

    first, second = str(commitment_id), str(other)
    assert await listed() == [first, second]
    assert await listed(budgetYear=YEAR + 1) == [second]
    assert await listed(requestId=request_id) == [first, second]
    assert await listed(requestId=uuid4()) == []
    page = await client.get("/commitments", headers=hr, params={"limit": "1"})
    assert await listed(cursor=page.json()["nextCursor"]) == [second]


# --- Invoices -----------------------------------------------------------------------------------


@pytest.mark.rule("VIS-5.1", "VIS-5.2")
async def test_invoices_are_paid_by_the_commitment_in_parts_then_beyond_it_until_the_final_one(
    client: httpx.AsyncClient, hr: dict[str, str], commitment_id: UUID, work: OpenWork
) -> None:
    etag = (await client.get(f"/commitments/{commitment_id}", headers=hr)).headers["etag"]
    figures: list[tuple[int, int, str, int]] = []
    for amount, reference, final in (
        (150_000, "F-1", False),
        (250_000, "F-2", False),
        (30_000, "F-3", False),
        (0, "F-4", True),
    ):
        answer = await book(
            client, hr, commitment_id, invoice(amount, reference, final=final), etag=etag
        )
        assert answer.status_code == 201, answer.text
        etag = answer.headers["etag"]
        shown = answer.json()
        async with work() as opened:
            room = (await means_of(opened))[3]
        figures.append((shown["openCents"], shown["spentCents"], shown["status"], room))
    assert figures == [
        (250_000, 150_000, "open", 600_000),
        (0, 400_000, "open", 600_000),
        (0, 430_000, "open", 570_000),
        (0, 430_000, "settled", 570_000),
    ]
    closed = await book(client, hr, commitment_id, invoice(1, "F-5"), etag=etag)
    assert told(closed) == (409, "commitment-closed")
    actuals = await client.get(
        f"/commitments/{commitment_id}/actuals", headers=hr, params={"limit": "3"}
    )
    assert [one["amountCents"] for one in actuals.json()["items"]] == [150_000, 250_000, 30_000]
    rest = await client.get(
        f"/commitments/{commitment_id}/actuals",
        headers=hr,
        params={"cursor": actuals.json()["nextCursor"]},
    )
    assert [one["final"] for one in rest.json()["items"]] == [True]
    async with work() as opened:
        assert len(await audited(opened, "commitment.invoiced")) == 4
    assert await differences(work) == []


@pytest.mark.rule("VIS-5.1")
@pytest.mark.parametrize(
    ("amount", "spent", "room"),
    [
        pytest.param(100_000, 100_000, 900_000, id="less frees the rest"),
        pytest.param(0, 0, MEANS, id="nothing frees all"),
        pytest.param(MEANS, MEANS, 0, id="more takes what is left of the year"),
    ],
)
async def test_the_final_invoice_closes_the_commitment(
    client: httpx.AsyncClient,
    *,
    hr: dict[str, str],
    commitment_id: UUID,
    work: OpenWork,
    amount: int,
    spent: int,
    room: int,
) -> None:
    answer = await book(client, hr, commitment_id, invoice(amount, final=True))
    assert (answer.status_code, answer.json()["status"]) == (201, "settled")
    async with work() as opened:
        assert await means_of(opened) == (MEANS, 0, spent, room)
    assert await differences(work) == []


@pytest.mark.rule("VIS-5.1")
async def test_an_invoice_beyond_the_means_of_the_year_is_refused_and_keeps_nothing(
    client: httpx.AsyncClient, hr: dict[str, str], commitment_id: UUID, work: OpenWork
) -> None:
    answer = await book(client, hr, commitment_id, invoice(MEANS + 1))
    assert told(answer) == (409, "means-exceeded")
    actuals = await client.get(f"/commitments/{commitment_id}/actuals", headers=hr)
    assert actuals.json()["items"] == []
    async with work() as opened:
        assert await means_of(opened) == (MEANS, 400_000, 0, 600_000)


@pytest.mark.invariant("W3")
async def test_an_invoice_is_booked_once_and_by_who_has_read_the_commitment(
    client: httpx.AsyncClient, hr: dict[str, str], commitment_id: UUID, work: OpenWork
) -> None:
    first = await book(client, hr, commitment_id, invoice(1_000), etag='"1"')
    assert (first.status_code, first.headers["etag"]) == (201, '"2"')
    stale = await book(client, hr, commitment_id, invoice(1_000, "F-2"), etag='"1"')
    assert told(stale) == (412, "stale-version")
    twice = await book(client, hr, commitment_id, invoice(2_000), etag='"2"')
    assert told(twice) == (409, "invoice-booked-twice")
    unread = await client.post(
        f"/commitments/{commitment_id}/actuals", headers=keyed(hr), json=invoice(1_000)
    )
    assert told(unread) == (428, "precondition-missing")
    unknown = await book(client, hr, uuid4(), invoice(1_000))
    assert told(unknown) == (404, "commitment-not-found")
    async with work() as opened:
        assert (await means_of(opened))[2] == 1_000


@pytest.mark.rule("VIS-5.2", "VIS-5.4")
async def test_nobody_but_hr_books_an_invoice(
    client: httpx.AsyncClient, sign_in: SignIn, commitment_id: UUID
) -> None:
    for role in Role:
        if role is not Role.HR:
            answer = await book(client, sign_in(role), commitment_id, invoice(1))
            assert told(answer) == (403, "role-refused")


@pytest.mark.parametrize(
    "changes",
    [
        {"amountCents": -1},
        {"amountCents": 10**12 + 1},
        {"invoiceReference": ""},
        {"invoiceReference": "a\nb"},
        {"invoiceReference": "x" * 201},
        {"invoicedOn": "14-09-2026"},
        {"final": "yes, please"},
        {"status": "settled"},
    ],
    ids=lambda changes: str(changes)[:40],
)
async def test_an_invoice_that_is_no_invoice_is_refused(
    client: httpx.AsyncClient, hr: dict[str, str], commitment_id: UUID, changes: dict[str, Any]
) -> None:
    answer = await book(client, hr, commitment_id, {**invoice(1_000), **changes})
    assert answer.status_code == 400


async def test_an_invoice_of_nothing_can_only_close_a_commitment(
    client: httpx.AsyncClient, hr: dict[str, str], commitment_id: UUID
) -> None:
    answer = await book(client, hr, commitment_id, {**invoice(1_000), "amountCents": 0})
    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/input-impossible"
