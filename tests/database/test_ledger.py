"""What the ledger does and refuses, one caller at a time."""

from dataclasses import replace
from datetime import date
from uuid import uuid4

import pytest
from sqlalchemy import text

from app.db.session import Database
from app.kernel.errors import Refusal
from app.kernel.pages import PageOf
from app.ledger.errors import (
    AccountDiffers,
    AccountNotFound,
    AlreadyReversed,
    CentsExceeded,
    LedgerKeyReused,
    LimitExceeded,
    MinutesExceeded,
    PendingAlreadyResolved,
    PostingBeyondPending,
    TransferNotFound,
    TransferUnfit,
    UnitsDiffer,
)
from app.ledger.rules import Account, Entry, TransferKind, Unit
from tests.support.ledger import (
    NEXT_YEAR,
    YEAR,
    Book,
    account,
    pending,
    post,
    posted,
    reverse,
    uncounted,
    void,
)
from tests.support.organisations import Organisation


@pytest.fixture
def book(database: Database, organisation: Organisation) -> Book:
    return Book(database, organisation.id)


@pytest.fixture
async def accounts(book: Book) -> tuple[Account, Account]:
    """Return a binding norm with 4,800 minutes in it, and the sink they are spent to."""
    norm, spent, source = await book.do(
        lambda ledger: ledger.open_accounts([account(), uncounted("spent"), uncounted("source")])
    )
    await book.do(lambda ledger: ledger.apply([posted(source, norm, 4800)]))
    return norm, spent


async def _figures(book: Book, one: Account) -> tuple[int, int, int, int]:
    balance = (await book.do(lambda ledger: ledger.balances([one.id])))[one.id]
    return balance.credits_posted, balance.debits_pending, balance.debits_posted, balance.sequence


async def _refused(book: Book, *entries: Entry) -> Refusal:
    with pytest.raises(Refusal) as refused:
        await book.do(lambda ledger: ledger.apply(entries))
    return refused.value


# Accounts


async def test_an_account_is_opened_once(book: Book) -> None:
    owner = uuid4()
    first = await book.do(lambda ledger: ledger.open_accounts([account(owner_id=owner)]))
    again = await book.do(
        lambda ledger: ledger.open_account(
            kind="norm",
            unit=Unit.MINUTES,
            owner_type="employee",
            owner_id=owner,
            period_from=YEAR,
            period_until=NEXT_YEAR,
            counted=True,
            limited=True,
        )
    )
    assert first == [again]


async def test_an_account_asked_for_twice_in_one_batch_is_one(book: Book) -> None:
    opening = account()
    first, second = await book.do(lambda ledger: ledger.open_accounts([opening, opening]))
    assert first == second


async def test_no_accounts_and_no_entries_are_no_work(book: Book) -> None:
    assert await book.do(lambda ledger: ledger.open_accounts([])) == []
    assert await book.do(lambda ledger: ledger.apply([])) == []


async def test_an_account_that_stands_keeps_its_limit_when_opened_again(book: Book) -> None:
    owner = uuid4()
    await book.do(lambda ledger: ledger.open_accounts([account(owner_id=owner, limited=False)]))
    [again] = await book.do(lambda ledger: ledger.open_accounts([account(owner_id=owner)]))
    assert again.limited is False


async def test_an_account_is_not_opened_again_in_another_unit(book: Book) -> None:
    owner = uuid4()
    await book.do(lambda ledger: ledger.open_accounts([account(owner_id=owner)]))
    with pytest.raises(AccountDiffers) as refused:
        await book.do(
            lambda ledger: ledger.open_accounts([account(owner_id=owner, unit=Unit.CENTS)])
        )
    assert refused.value.facts["differing"] == "unit"


async def test_accounts_are_found_by_owner_and_period(book: Book) -> None:
    owner, other = uuid4(), uuid4()
    [opened] = await book.do(lambda ledger: ledger.open_accounts([account(owner_id=owner)]))
    found = await book.do(lambda ledger: ledger.find_accounts("norm", [owner, other], YEAR))
    assert found == {owner: opened}
    assert await book.do(lambda ledger: ledger.find_accounts("norm", [owner], NEXT_YEAR)) == {}


async def test_a_balance_is_asked_of_counted_accounts_only(
    book: Book, accounts: tuple[Account, Account]
) -> None:
    norm, spent = accounts
    with pytest.raises(AccountNotFound) as refused:
        await book.do(lambda ledger: ledger.balances([norm.id, spent.id]))
    assert refused.value.facts == {"account_id": spent.id}


# Two phases


@pytest.mark.invariant("L4")
async def test_what_is_reserved_is_spent_when_posted(
    book: Book, accounts: tuple[Account, Account]
) -> None:
    norm, spent = accounts
    [held] = await book.do(lambda ledger: ledger.apply([pending(norm, spent, 600)]))
    assert await _figures(book, norm) == (4800, 600, 0, 2)
    [done] = await book.do(lambda ledger: ledger.apply([post(held.id)]))
    assert await _figures(book, norm) == (4800, 0, 600, 3)
    assert (done.kind, done.amount, done.released) == (TransferKind.POST, 600, 0)
    assert (done.debit_account_id, done.credit_account_id) == (norm.id, spent.id)


@pytest.mark.invariant("L4")
async def test_what_is_not_posted_of_a_reservation_is_released(
    book: Book, accounts: tuple[Account, Account]
) -> None:
    norm, spent = accounts
    [held] = await book.do(lambda ledger: ledger.apply([pending(norm, spent, 600)]))
    [done] = await book.do(lambda ledger: ledger.apply([post(held.id, 240)]))
    assert (done.amount, done.released) == (240, 360)
    assert await _figures(book, norm) == (4800, 0, 240, 3)


@pytest.mark.invariant("L4")
async def test_a_void_releases_all(book: Book, accounts: tuple[Account, Account]) -> None:
    norm, spent = accounts
    [held] = await book.do(lambda ledger: ledger.apply([pending(norm, spent, 600)]))
    [done] = await book.do(lambda ledger: ledger.apply([void(held.id)]))
    assert (done.kind, done.amount) == (TransferKind.VOID, 600)
    assert await _figures(book, norm) == (4800, 0, 0, 3)


@pytest.mark.invariant("L3")
async def test_a_reversal_takes_back_a_post_and_leaves_both_rows(
    book: Book, accounts: tuple[Account, Account]
) -> None:
    norm, spent = accounts
    cause = uuid4()
    [made] = await book.do(lambda ledger: ledger.apply([posted(norm, spent, 600, cause_id=cause)]))
    [undone] = await book.do(lambda ledger: ledger.apply([reverse(made.id)]))
    assert (undone.debit_account_id, undone.credit_account_id) == (spent.id, norm.id)
    assert (undone.reverses_id, undone.amount) == (made.id, 600)
    assert await _figures(book, norm) == (4800, 0, 0, 3)
    assert await book.do(lambda ledger: ledger.transfers_of("test", [cause])) == [made]


async def test_the_pending_of_a_cause_are_those_not_resolved(
    book: Book, accounts: tuple[Account, Account]
) -> None:
    norm, spent = accounts
    cause, other = uuid4(), uuid4()
    first, second, third, _ = await book.do(
        lambda ledger: ledger.apply(
            [
                pending(norm, spent, 60, cause_id=cause),
                pending(norm, spent, 60, cause_id=cause),
                pending(norm, spent, 60, cause_id=cause),
                pending(norm, spent, 60, cause_id=other),
            ]
        )
    )
    await book.do(lambda ledger: ledger.apply([post(first.id, 1), void(second.id)]))
    assert await book.do(lambda ledger: ledger.pending_of("test", [cause])) == [third]


# Keys


async def test_a_retry_of_what_emptied_the_account_finds_its_first_result(
    book: Book, accounts: tuple[Account, Account]
) -> None:
    norm, spent = accounts
    emptying = posted(norm, spent, 4800, key="all of it")
    [first] = await book.do(lambda ledger: ledger.apply([emptying]))
    [again] = await book.do(lambda ledger: ledger.apply([emptying]))
    assert again.replayed
    assert again.id == first.id
    assert await _figures(book, norm) == (4800, 0, 4800, 2)


async def test_a_batch_half_known_records_the_other_half(
    book: Book, accounts: tuple[Account, Account]
) -> None:
    norm, spent = accounts
    known, new = posted(norm, spent, 10), pending(norm, spent, 20)
    [first] = await book.do(lambda ledger: ledger.apply([known]))
    second, again = await book.do(lambda ledger: ledger.apply([new, known]))
    assert (again.id, again.replayed) == (first.id, True)
    assert (second.amount, second.replayed) == (20, False)
    assert await _figures(book, norm) == (4800, 20, 10, 3)


@pytest.mark.parametrize(
    "differing", ["amount", "kind", "sides", "cause", "target", "beyond the limit"]
)
async def test_a_key_stands_for_one_content(
    book: Book, accounts: tuple[Account, Account], differing: str
) -> None:
    norm, spent = accounts
    others: dict[str, Entry] = {
        "amount": posted(norm, spent, 11, key="k"),
        "kind": pending(norm, spent, 10, key="k"),
        "sides": posted(spent, norm, 10, key="k"),
        "cause": posted(norm, spent, 10, key="k"),
        "target": void(uuid4(), key="k"),
        "beyond the limit": posted(norm, spent, 9999, key="k"),
    }
    await book.do(lambda ledger: ledger.apply([posted(norm, spent, 10, key="k")]))
    refused = await _refused(book, others[differing])
    assert isinstance(refused, LedgerKeyReused)
    assert refused.facts == {"key": "k"}
    assert await _figures(book, norm) == (4800, 0, 10, 2)


async def test_the_day_of_the_activity_is_part_of_the_content(
    book: Book, accounts: tuple[Account, Account]
) -> None:
    norm, spent = accounts
    cause = uuid4()
    await book.do(lambda ledger: ledger.apply([posted(norm, spent, 10, key="k", cause_id=cause)]))
    other_day = posted(norm, spent, 10, key="k", cause_id=cause, activity_on=date(2027, 3, 2))
    assert isinstance(await _refused(book, other_day), LedgerKeyReused)


# Limits


@pytest.mark.invariant("L6")
async def test_more_than_there_is_room_for_is_refused_with_its_figures(
    book: Book, accounts: tuple[Account, Account]
) -> None:
    norm, spent = accounts
    await book.do(lambda ledger: ledger.apply([pending(norm, spent, 600)]))
    refused = await _refused(book, posted(norm, spent, 4000), pending(norm, spent, 201))
    assert isinstance(refused, MinutesExceeded)
    assert refused.facts == {"account_id": norm.id, "room_minutes": 4200, "asked_minutes": 4201}
    assert (refused.account_id, refused.room, refused.asked) == (norm.id, 4200, 4201)
    assert await _figures(book, norm) == (4800, 600, 0, 2)


@pytest.mark.invariant("L6", "F1")
async def test_all_that_is_left_is_accepted_and_one_more_refused(
    book: Book, accounts: tuple[Account, Account]
) -> None:
    norm, spent = accounts
    await book.do(lambda ledger: ledger.apply([pending(norm, spent, 4799)]))
    await book.do(lambda ledger: ledger.apply([posted(norm, spent, 1)]))
    assert isinstance(await _refused(book, posted(norm, spent, 1)), LimitExceeded)


@pytest.mark.invariant("F2")
async def test_a_refusal_on_one_account_leaves_the_others_untouched(
    book: Book, accounts: tuple[Account, Account]
) -> None:
    norm, spent = accounts
    [full] = await book.do(lambda ledger: ledger.open_accounts([account("full")]))
    refused = await _refused(book, posted(norm, spent, 100), posted(full, spent, 1))
    assert isinstance(refused, LimitExceeded)
    assert (refused.account_id, refused.room, refused.asked) == (full.id, 0, 1)
    assert await _figures(book, norm) == (4800, 0, 0, 1)


async def test_the_account_that_fits_is_not_the_one_that_is_named(book: Book) -> None:
    """One takes more than half of its room, so that it reads as too little once it is taken."""
    pair = [await book.do(lambda ledger: ledger.open_accounts([account()])) for _ in range(2)]
    [low], [high] = sorted(pair, key=lambda opened: opened[0].id)
    source, spent = await book.do(
        lambda ledger: ledger.open_accounts([uncounted("source"), uncounted("spent")])
    )
    await book.do(lambda ledger: ledger.apply([posted(source, low, 10), posted(source, high, 10)]))
    refused = await _refused(book, posted(low, spent, 6), posted(high, spent, 11))
    assert isinstance(refused, LimitExceeded)
    assert (refused.account_id, refused.room, refused.asked) == (high.id, 10, 11)


async def test_a_batch_may_spend_what_it_brings_in(
    book: Book, accounts: tuple[Account, Account]
) -> None:
    norm, spent = accounts
    [other] = await book.do(lambda ledger: ledger.open_accounts([account("other")]))
    await book.do(lambda ledger: ledger.apply([posted(other, spent, 50), posted(norm, other, 50)]))
    assert await _figures(book, other) == (50, 0, 50, 2)


@pytest.mark.invariant("L6")
async def test_a_credit_is_not_reversed_from_under_what_is_spent_of_it(
    book: Book, accounts: tuple[Account, Account]
) -> None:
    norm, spent = accounts
    [extra] = await book.do(lambda ledger: ledger.apply([posted(spent, norm, 100)]))
    await book.do(lambda ledger: ledger.apply([posted(norm, spent, 4801)]))
    refused = await _refused(book, reverse(extra.id))
    assert isinstance(refused, LimitExceeded)
    assert (refused.room, refused.asked) == (99, 100)


async def test_money_is_refused_in_cents(book: Book) -> None:
    means, spent = await book.do(
        lambda ledger: ledger.open_accounts(
            [account("means", unit=Unit.CENTS), uncounted("invoiced", unit=Unit.CENTS)]
        )
    )
    refused = await _refused(book, posted(means, spent, 1))
    assert isinstance(refused, CentsExceeded)
    assert refused.facts == {"account_id": means.id, "room_cents": 0, "asked_cents": 1}


async def test_an_account_without_a_limit_may_pass_what_was_put_in(book: Book) -> None:
    advisory, spent = await book.do(
        lambda ledger: ledger.open_accounts([account(limited=False), uncounted("spent")])
    )
    await book.do(lambda ledger: ledger.apply([posted(advisory, spent, 5000)]))
    balance = (await book.do(lambda ledger: ledger.balances([advisory.id])))[advisory.id]
    assert balance.room == -5000


async def test_a_norm_becomes_binding_when_it_is_not_passed(book: Book) -> None:
    norm, source, spent = await book.do(
        lambda ledger: ledger.open_accounts(
            [account(limited=False), uncounted("source"), uncounted("spent")]
        )
    )
    await book.do(
        lambda ledger: ledger.apply([posted(source, norm, 100), posted(norm, spent, 101)])
    )
    with pytest.raises(LimitExceeded) as refused:
        await book.do(lambda ledger: ledger.set_limited(norm.id, limited=True))
    assert (refused.value.room, refused.value.asked) == (100, 101)
    await book.do(lambda ledger: ledger.apply([posted(source, norm, 1)]))
    bound = await book.do(lambda ledger: ledger.set_limited(norm.id, limited=True))
    assert bound.limited
    assert isinstance(await _refused(book, posted(norm, spent, 1)), LimitExceeded)
    await book.do(lambda ledger: ledger.set_limited(norm.id, limited=False))
    await book.do(lambda ledger: ledger.apply([posted(norm, spent, 1)]))


async def test_a_rehearsal_answers_as_the_ledger_would_and_changes_nothing(
    book: Book, accounts: tuple[Account, Account]
) -> None:
    norm, spent = accounts
    after = await book.do(lambda ledger: ledger.rehearse([pending(norm, spent, 4800)]))
    assert after[norm.id].room == 0
    assert spent.id not in after
    with pytest.raises(MinutesExceeded) as refused:
        await book.do(lambda ledger: ledger.rehearse([pending(norm, spent, 4801)]))
    assert (refused.value.room, refused.value.asked) == (4800, 4801)
    assert await _figures(book, norm) == (4800, 0, 0, 1)


# Targets


@pytest.mark.invariant("L4")
async def test_a_reservation_is_settled_once(book: Book, accounts: tuple[Account, Account]) -> None:
    norm, spent = accounts
    [held] = await book.do(lambda ledger: ledger.apply([pending(norm, spent, 600)]))
    [done] = await book.do(lambda ledger: ledger.apply([post(held.id, 1)]))
    for entry in (post(held.id, 1), void(held.id)):
        refused = await _refused(book, entry)
        assert isinstance(refused, PendingAlreadyResolved)
        assert refused.facts == {"pending_id": str(held.id), "resolved_by": str(done.id)}


@pytest.mark.invariant("L3")
async def test_a_transfer_is_reversed_once(book: Book, accounts: tuple[Account, Account]) -> None:
    norm, spent = accounts
    [made] = await book.do(lambda ledger: ledger.apply([posted(norm, spent, 600)]))
    [undone] = await book.do(lambda ledger: ledger.apply([reverse(made.id)]))
    refused = await _refused(book, reverse(made.id))
    assert isinstance(refused, AlreadyReversed)
    assert refused.facts == {"transfer_id": str(made.id), "reversed_by": str(undone.id)}


@pytest.mark.invariant("L4")
async def test_no_more_is_posted_than_was_reserved(
    book: Book, accounts: tuple[Account, Account]
) -> None:
    norm, spent = accounts
    [held] = await book.do(lambda ledger: ledger.apply([pending(norm, spent, 600)]))
    refused = await _refused(book, post(held.id, 601))
    assert isinstance(refused, PostingBeyondPending)
    assert refused.facts == {
        "pending_id": str(held.id),
        "unit": "minutes",
        "asked": 601,
        "pending": 600,
    }


async def test_a_target_must_be_there(book: Book) -> None:
    for entry in (post(uuid4()), void(uuid4()), reverse(uuid4())):
        assert isinstance(await _refused(book, entry), TransferNotFound)


async def test_only_what_is_pending_is_settled_and_only_what_is_posted_is_reversed(
    book: Book, accounts: tuple[Account, Account]
) -> None:
    norm, spent = accounts
    held, made = await book.do(
        lambda ledger: ledger.apply([pending(norm, spent, 600), posted(norm, spent, 60)])
    )
    [undone] = await book.do(lambda ledger: ledger.apply([reverse(made.id)]))
    for entry in (post(made.id), void(made.id), reverse(held.id), reverse(undone.id)):
        assert isinstance(await _refused(book, entry), TransferUnfit)


async def test_both_accounts_must_be_there(book: Book, accounts: tuple[Account, Account]) -> None:
    norm, _ = accounts
    [elsewhere] = await book.do(lambda ledger: ledger.open_accounts([account()]))
    missing = replace(elsewhere, id=uuid4())
    for entry in (posted(missing, norm, 1), posted(norm, missing, 1)):
        refused = await _refused(book, entry)
        assert isinstance(refused, AccountNotFound)
        assert refused.facts == {"account_id": str(missing.id)}


@pytest.mark.invariant("T6")
async def test_another_organisations_account_is_not_there(
    book: Book,
    accounts: tuple[Account, Account],
    database: Database,
    other_organisation: Organisation,
) -> None:
    other = Book(database, other_organisation.id)
    [theirs] = await other.do(lambda ledger: ledger.open_accounts([uncounted("spent")]))
    norm, _ = accounts
    assert isinstance(await _refused(book, posted(norm, theirs, 1)), AccountNotFound)
    with pytest.raises(AccountNotFound):
        await other.do(lambda ledger: ledger.balances([norm.id]))


async def test_minutes_do_not_become_cents(book: Book, accounts: tuple[Account, Account]) -> None:
    norm, _ = accounts
    [money] = await book.do(
        lambda ledger: ledger.open_accounts([uncounted("invoiced", unit=Unit.CENTS)])
    )
    refused = await _refused(book, posted(norm, money, 1))
    assert isinstance(refused, UnitsDiffer)
    assert (refused.facts["debit_unit"], refused.facts["credit_unit"]) == ("minutes", "cents")


# Figures and reads


@pytest.mark.invariant("L7")
async def test_an_amount_beyond_what_a_float_can_hold_is_exact(book: Book) -> None:
    means, source = await book.do(
        lambda ledger: ledger.open_accounts(
            [account("means", unit=Unit.CENTS), uncounted("source", unit=Unit.CENTS)]
        )
    )
    [made] = await book.do(lambda ledger: ledger.apply([posted(source, means, 2**53 + 1)]))
    assert made.amount == 9_007_199_254_740_993
    assert (await _figures(book, means))[0] == 9_007_199_254_740_993


@pytest.mark.invariant("L9")
async def test_lines_are_numbered_from_one_without_gaps(
    book: Book, accounts: tuple[Account, Account]
) -> None:
    norm, spent = accounts
    for _ in range(3):
        await book.do(lambda ledger: ledger.apply([posted(norm, spent, 1), posted(spent, norm, 1)]))
        await _refused(book, posted(norm, spent, 4801))
    numbers: list[int] = []
    after = None
    while True:
        page = await book.do(lambda ledger: ledger.entries(norm.id, PageOf(limit=2, after=after)))  # noqa: B023
        numbers += [line.sequence for line in page.items]
        if page.next_key is None:
            break
        after = page.next_key
    assert numbers == [1, 2, 3, 4, 5, 6, 7]


async def test_a_line_tells_the_side_on_which_the_account_stands(
    book: Book, accounts: tuple[Account, Account]
) -> None:
    norm, spent = accounts
    made = await book.do(lambda ledger: ledger.apply([posted(norm, spent, 5)]))
    page = await book.do(lambda ledger: ledger.entries(norm.id, PageOf(limit=10)))
    assert [line.debits for line in page.items] == [False, True]
    assert page.items[1].transfer == made[0]


async def test_between_counted_accounts_each_has_a_number_of_its_own(book: Book) -> None:
    first, second, source = await book.do(
        lambda ledger: ledger.open_accounts([account("one"), account("two"), uncounted()])
    )
    await book.do(
        lambda ledger: ledger.apply([posted(source, first, 10), posted(source, first, 10)])
    )
    [moved] = await book.do(lambda ledger: ledger.apply([posted(first, second, 5)]))
    assert (moved.debit_sequence, moved.credit_sequence) == (3, 1)


@pytest.mark.invariant("L8")
async def test_what_stood_at_an_instant_stays_what_it_was(
    book: Book, accounts: tuple[Account, Account]
) -> None:
    norm, spent = accounts
    [last] = await book.do(lambda ledger: ledger.apply([posted(norm, spent, 5)]))
    then = last.recorded_at
    everything = PageOf(limit=100)
    before = await book.do(lambda ledger: ledger.entries(norm.id, everything, as_of=then))
    assert before.items[-1].transfer == last
    back_dated = posted(norm, spent, 5, activity_on=date(2027, 1, 1))
    await book.do(lambda ledger: ledger.apply([back_dated, reverse(last.id)]))
    after = await book.do(lambda ledger: ledger.entries(norm.id, everything, as_of=then))
    assert after == before


async def test_an_as_of_read_is_of_a_counted_account(
    book: Book, accounts: tuple[Account, Account]
) -> None:
    norm, spent = accounts
    [last] = await book.do(lambda ledger: ledger.apply([posted(norm, spent, 5)]))
    with pytest.raises(AccountNotFound):
        await book.do(
            lambda ledger: ledger.entries(spent.id, PageOf(limit=1), as_of=last.recorded_at)
        )


async def test_a_large_batch_is_recorded_in_its_order(book: Book) -> None:
    source, *norms = await book.do(
        lambda ledger: ledger.open_accounts(
            [uncounted(), *(account(f"norm {number}") for number in range(400))]
        )
    )
    made = await book.do(
        lambda ledger: ledger.apply(
            [posted(source, norm, 1 + number) for norm in norms for number in range(5)]
        )
    )
    assert [line.credit_sequence for line in made] == [1, 2, 3, 4, 5] * 400
    assert await book.do(lambda ledger: ledger.verify()) == []


# Verification


@pytest.mark.invariant("L1")
async def test_verify_finds_nothing_on_a_ledger_that_was_used(
    book: Book, accounts: tuple[Account, Account]
) -> None:
    norm, spent = accounts
    first, second, made = await book.do(
        lambda ledger: ledger.apply(
            [pending(norm, spent, 10), pending(norm, spent, 20), posted(norm, spent, 30)]
        )
    )
    await book.do(
        lambda ledger: ledger.apply([post(first.id, 4), void(second.id), reverse(made.id)])
    )
    assert await book.do(lambda ledger: ledger.verify()) == []


@pytest.mark.parametrize(
    ("tampering", "found"),
    [
        pytest.param(
            "UPDATE accounts SET debits_posted = debits_posted + 1", "debits_posted", id="spent"
        ),
        pytest.param(
            "UPDATE accounts SET debits_pending = debits_pending + 1", "debits_pending", id="held"
        ),
        pytest.param(
            "UPDATE accounts SET credits_posted = credits_posted + 1", "credits_posted", id="put in"
        ),
        pytest.param(
            "UPDATE accounts SET credits_pending = credits_pending + 1",
            "credits_pending",
            id="to come",
        ),
        pytest.param("UPDATE accounts SET sequence = sequence + 1", "sequence: lines", id="number"),
    ],
)
async def test_verify_names_the_counter_that_was_tampered_with(
    book: Book, accounts: tuple[Account, Account], tampering: str, found: str
) -> None:
    norm, spent = accounts
    await book.do(lambda ledger: ledger.apply([pending(norm, spent, 10), posted(norm, spent, 1)]))
    async with book.work() as work:
        await work.session.execute(
            text(f"{tampering} WHERE organisation_id = :organisation_id AND id = :id"),
            {"organisation_id": work.organisation_id, "id": norm.id},
        )
    differences = await book.do(lambda ledger: ledger.verify())
    assert {difference.account_id for difference in differences} == {norm.id}
    assert found in [difference.counter for difference in differences]
    assert differences[0].stored == differences[0].computed + 1
