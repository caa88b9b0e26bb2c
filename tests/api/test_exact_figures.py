"""Figures are whole numbers all the way: summed a million times, stored, and told over HTTP."""

import json
import re
from itertools import count

import httpx
import pytest

from app.db.audit import AuditTrail
from app.db.session import Database
from app.kernel.actors import Role
from app.kernel.identifiers import new_id
from app.ledger.rules import Unit
from tests.conftest import OpenWork, SignIn
from tests.support.ledger import Book, account, posted, uncounted
from tests.support.organisations import Organisation

BEYOND_A_FLOAT = 2**53 + 1
# What ten cents are entered, and what they come to: 100,000 euros.
ENTRIES, TEN_CENTS, ALL_CENTS = 1_000_000, 10, 10_000_000
BATCH = 5_000


@pytest.mark.apart
@pytest.mark.slow
@pytest.mark.invariant("L7", "L1", "L9")
async def test_a_million_entries_of_ten_cents_are_a_hundred_thousand_euros(
    database: Database, organisation: Organisation
) -> None:
    """Added one by one in floats they are not: those come to a little more."""
    book = Book(database, organisation.id)
    means, source = await book.do(
        lambda ledger: ledger.open_accounts(
            [account("means", unit=Unit.CENTS), uncounted("source", unit=Unit.CENTS)]
        )
    )
    for _ in range(ENTRIES // BATCH):
        entries = [posted(source, means, TEN_CENTS) for _ in range(BATCH)]
        await book.do(lambda ledger: ledger.apply(entries))  # noqa: B023

    balance = (await book.do(lambda ledger: ledger.balances([means.id])))[means.id]

    assert (balance.credits_posted, balance.room, balance.sequence) == (
        ALL_CENTS,
        ALL_CENTS,
        ENTRIES,
    )
    # Added up anew by the database, from the entries.
    assert await book.do(lambda ledger: ledger.verify()) == []


@pytest.mark.invariant("L7")
async def test_a_figure_beyond_what_a_float_can_hold_is_stored_and_told_as_it_was(
    client: httpx.AsyncClient, work: OpenWork, sign_in: SignIn
) -> None:
    object_id = new_id()
    async with work() as opened:
        await AuditTrail(opened).record(
            action="probe.counted",
            object_type="probe",
            object_id=object_id,
            before={"amount_cents": -BEYOND_A_FLOAT},
            after={"amount_cents": BEYOND_A_FLOAT},
        )

    answer = await client.get(
        "/audit-entries", params={"objectId": str(object_id)}, headers=sign_in(Role.AUDITOR)
    )

    [entry] = answer.json()["items"]
    assert json.loads(json.dumps(entry)) == entry
    told = set(re.findall(r"-?9007199254740\d+", answer.text))
    assert told == {"9007199254740993", "-9007199254740993"}


KEYS = count(1)


async def set_means(client: httpx.AsyncClient, mt: dict[str, str], amount: str) -> httpx.Response:
    """Set the means of a year to a number as it is written."""
    return await client.post(
        "/budgets/2026/means",
        content=f'{{"amountCents": {amount}, "motivation": "Begroting."}}',
        headers={**mt, "Content-Type": "application/json", "Idempotency-Key": f"m-{next(KEYS)}"},
    )


@pytest.mark.invariant("L7")
@pytest.mark.parametrize(
    "amount", ["NaN", "Infinity", "1e400", "-1e400", "1_000", "01", "+1", ".5", "0.10", '"0.10"']
)
async def test_an_amount_that_is_no_whole_number_of_cents_is_refused(
    client: httpx.AsyncClient, sign_in: SignIn, amount: str
) -> None:
    refused = await set_means(client, sign_in(Role.MT), amount)

    assert refused.status_code == 400, refused.text
    means = await client.get("/budgets/2026", headers=sign_in(Role.MT))
    assert means.status_code == 404


@pytest.mark.invariant("L7")
@pytest.mark.parametrize("amount", ["-0", "-0.0", "0e0"])
async def test_a_zero_with_a_sign_is_a_zero_and_never_told_otherwise(
    client: httpx.AsyncClient, sign_in: SignIn, amount: str
) -> None:
    """JSON and the contract know one zero: it is not refused, and no sign of it is kept."""
    taken = await set_means(client, sign_in(Role.MT), amount)

    assert taken.status_code == 201, taken.text
    means = await client.get("/budgets/2026", headers=sign_in(Role.MT))
    assert '"meansCents":0,' in means.text
    assert "-0" not in re.sub(r'"[^"]*"', "", means.text)
