from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ledger.errors import (
    AlreadyReversed,
    CentsExceeded,
    LimitExceeded,
    MinutesExceeded,
    PendingAlreadyResolved,
)
from app.ledger.rules import (
    Balance,
    Opening,
    Pending,
    Post,
    Posted,
    Transfer,
    TransferKind,
    Unit,
    check_batch,
    limit_exceeded,
    post,
)
from tests.support import ledger
from tests.support.ledger import ACTIVITY, YEAR

NORM, EXTRA, SPENT = (UUID(int=number) for number in (1, 2, 3))


def _balance(account_id: UUID = NORM, *, limited: bool = True, **counters: int) -> Balance:
    return Balance(account_id=account_id, unit=Unit.MINUTES, limited=limited, **counters)


def _movement(
    kind: TransferKind, amount: int, *, debit: UUID = NORM, credit: UUID = SPENT, released: int = 0
) -> Transfer:
    return Transfer(
        id=uuid4(),
        kind=kind,
        debit_account_id=debit,
        credit_account_id=credit,
        unit=Unit.MINUTES,
        amount=amount,
        released=released,
        pending_id=None,
        reverses_id=None,
        cause_type="test",
        cause_id=uuid4(),
        key=str(uuid4()),
        activity_on=ACTIVITY,
        recorded_at=datetime(2027, 3, 1, tzinfo=UTC),
        debit_sequence=None,
        credit_sequence=None,
    )


def _posted(amount: int, *, debit: UUID = NORM, credit: UUID = SPENT) -> Posted:
    return Posted(
        debit_account_id=debit,
        credit_account_id=credit,
        amount=amount,
        key=str(uuid4()),
        cause_type="test",
        cause_id=uuid4(),
        activity_on=ACTIVITY,
    )


def test_room_is_what_came_in_less_what_is_reserved_and_spent() -> None:
    balance = _balance(credits_posted=4800, debits_pending=600, debits_posted=1200)
    assert balance.room == 3000


@pytest.mark.parametrize(
    ("movement", "reserved", "spent"),
    [
        pytest.param(_movement(TransferKind.PENDING, 100), 400, 500, id="pending reserves"),
        pytest.param(_movement(TransferKind.POSTED, 100), 300, 600, id="posted spends"),
        pytest.param(_movement(TransferKind.POST, 300), 0, 800, id="a post spends what was held"),
        pytest.param(
            _movement(TransferKind.POST, 200, released=100),
            0,
            700,
            id="a partial post frees the rest",
        ),
        pytest.param(_movement(TransferKind.VOID, 300), 0, 500, id="a void frees all"),
        pytest.param(
            _movement(TransferKind.REVERSAL, 500, debit=SPENT, credit=NORM),
            300,
            0,
            id="a reversal takes back what was spent",
        ),
    ],
)
def test_each_kind_moves_its_counters(movement: Transfer, reserved: int, spent: int) -> None:
    before = _balance(credits_posted=1000, debits_pending=300, debits_posted=500, sequence=7)
    after = post({NORM: before}, [movement])[NORM]
    assert (after.credits_posted, after.debits_pending, after.debits_posted) == (
        1000,
        reserved,
        spent,
    )
    assert after.sequence == 8


def test_a_reversed_credit_no_longer_counts_as_put_in() -> None:
    before = _balance(credits_posted=1000, debits_posted=400)
    undo = _movement(TransferKind.REVERSAL, 600, debit=NORM, credit=SPENT)
    assert post({NORM: before}, [undo])[NORM].credits_posted == 400


@pytest.mark.invariant("L6")
def test_a_reversed_credit_may_not_leave_an_account_over_its_limit() -> None:
    before = _balance(credits_posted=1000, debits_posted=401)
    undo = _movement(TransferKind.REVERSAL, 600, debit=NORM, credit=SPENT)
    with pytest.raises(MinutesExceeded) as refused:
        post({NORM: before}, [undo])
    assert refused.value.facts == {"account_id": NORM, "room_minutes": 599, "asked_minutes": 600}


@pytest.mark.invariant("L6")
@pytest.mark.parametrize(("asked", "fits"), [(4199, True), (4200, True), (4201, False)])
def test_the_limit_itself_may_be_reached_and_not_passed(asked: int, *, fits: bool) -> None:
    before = _balance(credits_posted=4800, debits_pending=600)
    if fits:
        assert post({NORM: before}, [_posted(asked)])[NORM].room == 4200 - asked
        return
    with pytest.raises(LimitExceeded) as refused:
        post({NORM: before}, [_posted(asked)])
    assert (refused.value.account_id, refused.value.room, refused.value.asked) == (NORM, 4200, 4201)


def test_without_a_limit_room_may_fall_below_nil() -> None:
    before = _balance(limited=False, credits_posted=4800)
    assert post({NORM: before}, [_posted(5000)])[NORM].room == -200


def test_a_batch_may_spend_what_it_brings_in_whatever_the_order() -> None:
    batch = [_posted(100, debit=NORM, credit=SPENT), _posted(100, debit=SPENT, credit=NORM)]
    assert post({NORM: _balance()}, batch)[NORM].room == 0


def test_the_first_account_by_id_that_does_not_fit_is_named() -> None:
    balances = {EXTRA: _balance(EXTRA), NORM: _balance(NORM, credits_posted=5)}
    batch = [_posted(1, debit=EXTRA), _posted(3, debit=NORM), _posted(4, debit=NORM)]
    with pytest.raises(LimitExceeded) as refused:
        post(balances, batch)
    assert (refused.value.account_id, refused.value.room, refused.value.asked) == (NORM, 5, 7)


def test_an_account_that_is_not_counted_is_passed_over() -> None:
    assert post({}, [_posted(10)]) == {}


movements = st.lists(
    st.builds(
        _movement,
        st.sampled_from([TransferKind.PENDING, TransferKind.POSTED]),
        st.integers(1, 2**60),
        debit=st.sampled_from([NORM, EXTRA]),
        credit=st.just(SPENT),
    ),
    max_size=30,
)


@pytest.mark.invariant("L1", "L7")
@given(movements)
def test_debits_and_credits_of_all_accounts_are_equal(made: list[Transfer]) -> None:
    accounts = {account: _balance(account, limited=False) for account in (NORM, EXTRA, SPENT)}
    after = post(accounts, made).values()
    assert sum(b.debits_posted for b in after) == sum(b.credits_posted for b in after)
    assert sum(b.debits_pending for b in after) == sum(b.credits_pending for b in after)
    total = sum(m.amount for m in made)
    assert sum(b.debits_posted + b.debits_pending for b in after) == total


@given(movements, st.randoms())
def test_the_order_within_a_batch_makes_no_difference(made: list[Transfer], random: object) -> None:
    accounts = {account: _balance(account, limited=False) for account in (NORM, EXTRA, SPENT)}
    shuffled = list(made)
    random.shuffle(shuffled)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    assert post(accounts, made) == post(accounts, shuffled)


@pytest.mark.parametrize(
    ("unit", "refusal"),
    [
        (Unit.MINUTES, MinutesExceeded),
        (Unit.CENTS, CentsExceeded),
        (Unit.PLACES, LimitExceeded),
    ],
)
def test_a_refusal_names_its_figures_in_the_unit_of_the_account(
    unit: Unit, refusal: type[LimitExceeded]
) -> None:
    refused = limit_exceeded(account_id=NORM, unit=unit, room=1, asked=2)
    assert type(refused) is refusal
    assert refused.facts == {"account_id": NORM, f"room_{unit}": 1, f"asked_{unit}": 2}
    for sentence in (refused.detail.en, refused.detail.nl):
        assert f"{{room_{unit}}}" in sentence
        assert f"{{asked_{unit}}}" in sentence


def test_a_pending_transfer_is_resolved_once_in_a_batch() -> None:
    held = uuid4()
    with pytest.raises(PendingAlreadyResolved):
        check_batch([ledger.post(held), ledger.void(held)])


def test_a_transfer_is_reversed_once_in_a_batch() -> None:
    made = uuid4()
    with pytest.raises(AlreadyReversed):
        check_batch([ledger.reverse(made), ledger.reverse(made)])


def test_two_entries_of_a_batch_do_not_share_a_key() -> None:
    with pytest.raises(ValueError, match="two entries of one batch have the key twice"):
        check_batch([ledger.void(uuid4(), key="twice"), ledger.void(uuid4(), key="twice")])


def test_a_batch_of_different_things_holds() -> None:
    check_batch([ledger.post(uuid4()), ledger.void(uuid4()), ledger.reverse(uuid4()), _posted(1)])


@pytest.mark.parametrize("amount", [0, -1])
def test_an_amount_is_positive(amount: int) -> None:
    with pytest.raises(ValueError, match="an amount is positive"):
        _posted(amount)
    with pytest.raises(ValueError, match="an amount is positive"):
        ledger.post(uuid4(), amount)


def test_a_transfer_is_between_two_accounts() -> None:
    with pytest.raises(ValueError, match="between two accounts"):
        Pending(
            debit_account_id=NORM,
            credit_account_id=NORM,
            amount=1,
            key="k",
            cause_type="test",
            cause_id=uuid4(),
            activity_on=ACTIVITY,
        )


def test_a_limited_account_is_counted() -> None:
    with pytest.raises(ValueError, match="a limited account is counted"):
        Opening(
            kind="norm",
            unit=Unit.MINUTES,
            owner_type="employee",
            owner_id=uuid4(),
            period_from=YEAR,
            limited=True,
        )


def test_a_post_without_an_amount_posts_all() -> None:
    assert isinstance(ledger.post(uuid4()), Post)
    assert ledger.post(uuid4()).amount is None
