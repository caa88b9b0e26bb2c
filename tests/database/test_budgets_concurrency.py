"""Means under fire: real commits, many at once, never past what the MT has set."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from uuid import UUID

import httpx
import pytest

from app.budgets.errors import MeansBelowCommitted, MeansExceeded
from app.budgets.service import BudgetService
from app.db.session import retryable
from app.kernel.actors import Role
from app.kernel.identifiers import new_id
from tests.conftest import ActAs, OpenWork, SignIn
from tests.support.budgets import YEAR, committed, means_of, set_means
from tests.support.hours import differences, keyed, planned, session, staffed


@pytest.fixture
async def request_ids(work: OpenWork) -> list[UUID]:
    async with work() as opened:
        staff = await staffed(opened)
        return [
            (await planned(opened, [staff.noor], session(date(2026, 9, 1)))).id for _ in range(4)
        ]


async def until_done(step: Callable[[], Awaitable[object]]) -> bool:
    """Do a step, again where the database asks for that; tell whether the means let it pass."""
    while True:
        try:
            await step()
        except (MeansExceeded, MeansBelowCommitted):
            return False
        except Exception as error:
            if not retryable(error):
                raise
        else:
            return True


@pytest.mark.rule("VIS-5.1")
@pytest.mark.invariant("F1", "L6")
async def test_the_last_cent_goes_to_one_of_64_grants(
    act_as: ActAs, request_ids: list[UUID], work: OpenWork
) -> None:
    mt = act_as(Role.MT)
    async with work(mt) as opened:
        await set_means(opened, 1_001)
        await committed(opened, request_ids[0], 1_000)

    async def commit() -> None:
        async with work(mt) as opened:
            await committed(opened, request_ids[0], 1)

    passed = await asyncio.gather(*(until_done(commit) for _ in range(64)))
    assert passed.count(True) == 1
    async with work() as opened:
        assert await means_of(opened) == (1_001, 1_001, 0, 0)
    assert await differences(work) == []


@pytest.mark.rule("VIS-5.1")
@pytest.mark.invariant("F3")
async def test_means_lowered_while_grants_commit_are_never_below_what_is_committed(
    act_as: ActAs, request_ids: list[UUID], work: OpenWork
) -> None:
    mt = act_as(Role.MT)
    async with work(mt) as opened:
        await set_means(opened, 100_000)

    async def commit() -> None:
        async with work(mt) as opened:
            await committed(opened, request_ids[0], 10_000)

    def lower(amount: int) -> Callable[[], Awaitable[None]]:
        async def step() -> None:
            async with work(mt) as opened:
                await set_means(opened, amount)

        return step

    steps = [step for n in range(10) for step in (commit, lower(90_000 - n * 5_000))]
    await asyncio.gather(*(until_done(step) for step in steps))
    async with work() as opened:
        means, held, spent, room = await means_of(opened)
        settings = await BudgetService(opened).budgets()
    assert spent == 0
    assert held + room == means
    assert room >= 0
    assert [one.means_cents for one in settings] == [means]
    assert await differences(work) == []


@pytest.mark.invariant("W4", "D5")
async def test_invoices_and_releases_at_once_book_each_cent_once(
    client: httpx.AsyncClient,
    *,
    sign_in: SignIn,
    act_as: ActAs,
    request_ids: list[UUID],
    work: OpenWork,
) -> None:
    mt = act_as(Role.MT)
    async with work(mt) as opened:
        await set_means(opened, 1_000_000)
        commitments = [await committed(opened, one, 10_000) for one in request_ids]
    hr = sign_in(Role.HR)

    async def invoice(commitment_id: UUID, number: int) -> int:
        answer = await client.post(
            f"/commitments/{commitment_id}/actuals",
            headers={**keyed(hr), "If-Match": "*"},
            json={
                "amountCents": 1_500,
                "invoiceReference": f"F-{number}",
                "invoicedOn": "2026-09-14",
                "final": False,
            },
        )
        assert answer.status_code in {201, 409}, answer.text
        return 1_500 if answer.status_code == 201 else 0

    async def release(request_id: UUID) -> int:
        async with work(mt) as opened:
            await BudgetService(opened).release([request_id], cause_id=new_id())
        return 0

    booked = await asyncio.gather(
        *(invoice(one, number) for number in range(4) for one in commitments),
        *(release(one) for one in request_ids),
    )
    async with work() as opened:
        assert await means_of(opened) == (1_000_000, 0, sum(booked), 1_000_000 - sum(booked))
        assert await BudgetService(opened).open_by_year(request_ids) == {}
    assert await differences(work) == []


async def test_the_same_invoice_sent_by_two_at_once_is_booked_once(
    client: httpx.AsyncClient,
    sign_in: SignIn,
    act_as: ActAs,
    request_ids: list[UUID],
    work: OpenWork,
) -> None:
    async with work(act_as(Role.MT)) as opened:
        await set_means(opened, 10_000)
        commitment_id = await committed(opened, request_ids[0], 10_000)
    answers = await asyncio.gather(
        *(
            client.post(
                f"/commitments/{commitment_id}/actuals",
                headers={**keyed(sign_in(Role.HR)), "If-Match": "*"},
                json={
                    "amountCents": 5_000,
                    "invoiceReference": "F-1",
                    "invoicedOn": "2026-09-14",
                    "final": False,
                },
            )
            for _ in range(4)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    async with work() as opened:
        assert await means_of(opened, YEAR) == (10_000, 5_000, 5_000, 0)
    assert await differences(work) == []
