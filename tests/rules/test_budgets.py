from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.budgets.rules import MeansRoom, Settlement, settle, year_of_means
from app.kernel.quantities import Cents

cents = st.integers(0, 10**12)


@pytest.mark.rule("VIS-5.1")
@pytest.mark.parametrize(
    ("committed", "invoice", "final", "divided"),
    [
        pytest.param(1000, 400, False, (400, 0, 600), id="a part leaves the rest committed"),
        pytest.param(1000, 400, True, (400, 0, 0), id="the final one frees the rest"),
        pytest.param(1000, 1000, False, (1000, 0, 0), id="all of it"),
        pytest.param(1000, 1001, False, (1000, 1, 0), id="a cent beyond"),
        pytest.param(0, 250, True, (0, 250, 0), id="all of it beyond"),
        pytest.param(1000, 0, True, (0, 0, 0), id="nothing, to close it"),
    ],
)
def test_an_invoice_is_paid_by_its_commitment_first(
    committed: int, invoice: int, *, final: bool, divided: tuple[int, int, int]
) -> None:
    settlement = settle(committed_cents=Cents(committed), invoice_cents=Cents(invoice), final=final)
    assert settlement == Settlement(*(Cents(part) for part in divided))


@given(committed=cents, invoice=cents, final=st.booleans())
def test_an_invoice_is_booked_to_the_cent_and_nothing_is_held_twice(
    *, committed: int, invoice: int, final: bool
) -> None:
    parts = settle(committed_cents=Cents(committed), invoice_cents=Cents(invoice), final=final)
    assert parts.from_commitment_cents + parts.beyond_cents == invoice
    assert parts.from_commitment_cents + parts.still_committed_cents <= committed
    assert min(parts.from_commitment_cents, parts.beyond_cents, parts.still_committed_cents) >= 0
    if not final:
        assert parts.from_commitment_cents + parts.still_committed_cents == committed


@pytest.mark.rule("VIS-5.1")
def test_room_is_what_is_not_committed_or_spent() -> None:
    room = MeansRoom(2027, Cents(1000), Cents(300), Cents(200))
    assert (room.used_cents, room.room_cents) == (500, 500)


@pytest.mark.rule("VIS-6.1", "VIS-6.4")
@pytest.mark.parametrize(
    ("tranche_year", "expected"),
    [
        pytest.param(2027, 2027, id="a tranche decided in the year before takes its own year"),
        pytest.param(None, 2026, id="an interim grant takes the year of the decision"),
    ],
)
def test_a_grant_takes_the_means_of_its_tranche_or_else_of_its_decision(
    tranche_year: int | None, expected: int
) -> None:
    assert year_of_means(tranche_year, decided_on=date(2026, 12, 31)) == expected
