"""The ledger against a plain model of it: whatever is done in whatever order, both say the same."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import ClassVar, TypeVar
from uuid import UUID

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.db.session import Database
from app.kernel.errors import Refusal
from app.kernel.pages import PageOf
from app.ledger.errors import (
    AlreadyReversed,
    LedgerKeyReused,
    LimitExceeded,
    PendingAlreadyResolved,
    PostingBeyondPending,
    TransferUnfit,
    UnitsDiffer,
)
from app.ledger.rules import (
    Account,
    Entry,
    Pending,
    Post,
    Posted,
    Reverse,
    Transfer,
    Unit,
    Void,
)
from app.ledger.service import LedgerService
from app.settings import Settings
from tests.support.ledger import Book, account, pending, post, posted, reverse, uncounted, void
from tests.support.organisations import enter_in_directory

Result = TypeVar("Result")


@dataclass
class Row:
    """What the model keeps of a transfer: who, how much, and whether it still stands."""

    entry: Entry
    debit: UUID
    credit: UUID
    amount: int
    held: bool
    stands: bool = True
    resolved: bool = False
    reversed: bool = False


@dataclass
class Model:
    """The ledger as one would keep it on paper: every figure is added up from the rows anew."""

    accounts: dict[UUID, Account] = field(default_factory=dict[UUID, Account])
    limited: set[UUID] = field(default_factory=set[UUID])
    rows: dict[UUID, Row] = field(default_factory=dict[UUID, Row])
    keys: dict[str, Entry] = field(default_factory=dict[str, Entry])
    lines: dict[UUID, list[str]] = field(default_factory=dict[UUID, list[str]])

    def figures(self, account_id: UUID) -> tuple[int, int, int, int]:
        """Return debits pending and posted, credits pending and posted."""
        standing = [row for row in self.rows.values() if row.stands]
        debited = [row for row in standing if row.debit == account_id]
        credited = [row for row in standing if row.credit == account_id]
        return (
            sum(row.amount for row in debited if row.held),
            sum(row.amount for row in debited if not row.held),
            sum(row.amount for row in credited if row.held),
            sum(row.amount for row in credited if not row.held),
        )

    def room(self, account_id: UUID) -> int:
        held, spent, _, put_in = self.figures(account_id)
        return put_in - held - spent

    def expected(self, entries: list[Entry]) -> type[Refusal] | None:
        """Return what the ledger refuses the batch with, in the order in which it looks."""
        fresh = [entry for entry in entries if entry.key not in self.keys]
        if any(entry.key in self.keys and self.keys[entry.key] != entry for entry in entries):
            return LedgerKeyReused
        for look in (self._fault, self._again):
            for entry in fresh:
                if refusal := look(entry):
                    return refusal
        return LimitExceeded if self.over(fresh) else None

    def over(self, fresh: list[Entry]) -> tuple[UUID, int, int] | None:
        """Return the first limited account that would be over: its id, room and what is asked."""
        after = Model(
            accounts=self.accounts,
            rows={id_: replace(row) for id_, row in self.rows.items()},
            lines={account_id: [] for account_id in self.accounts},
        )
        for number, entry in enumerate(fresh):
            after.record(UUID(int=number), entry)
        touched = sorted(account_id for account_id, lines in after.lines.items() if lines)
        for account_id in touched:
            if account_id in self.limited and after.room(account_id) < 0:
                room = self.room(account_id)
                return account_id, room, room - after.room(account_id)
        return None

    def record(self, transfer_id: UUID, entry: Entry) -> None:
        """Enter a row, and say of the one it points to that it no longer stands."""
        match entry:
            case Pending() | Posted():
                row = Row(
                    entry,
                    entry.debit_account_id,
                    entry.credit_account_id,
                    entry.amount,
                    held=isinstance(entry, Pending),
                )
            case Post() | Void():
                target = self.rows[entry.pending_id]
                target.stands, target.resolved = False, True
                part = entry.amount if isinstance(entry, Post) else None
                row = Row(
                    entry,
                    target.debit,
                    target.credit,
                    target.amount if part is None else part,
                    held=False,
                    stands=isinstance(entry, Post),
                )
            case Reverse():
                target = self.rows[entry.transfer_id]
                target.stands, target.reversed = False, True
                row = Row(
                    entry, target.credit, target.debit, target.amount, held=False, stands=False
                )
        self.rows[transfer_id] = row
        self.keys[entry.key] = entry
        for account_id in (row.debit, row.credit):
            self.lines[account_id].append(entry.key)

    def _fault(self, entry: Entry) -> type[Refusal] | None:
        match entry:
            case Pending() | Posted():
                debit = self.accounts[entry.debit_account_id]
                credit = self.accounts[entry.credit_account_id]
                return None if debit.unit is credit.unit else UnitsDiffer
            case Post() | Void():
                target = self.rows[entry.pending_id]
                if not isinstance(target.entry, Pending):
                    # More than its amount is looked at before its kind is.
                    beyond = isinstance(entry, Post) and (entry.amount or 0) > target.amount
                    return PostingBeyondPending if beyond else TransferUnfit
                beyond = isinstance(entry, Post) and (entry.amount or 0) > target.amount
                return PostingBeyondPending if beyond else None
            case Reverse():
                kinds = (Posted, Post)
                fits = isinstance(self.rows[entry.transfer_id].entry, kinds)
                return None if fits else TransferUnfit

    def _again(self, entry: Entry) -> type[Refusal] | None:
        match entry:
            case Post() | Void():
                return PendingAlreadyResolved if self.rows[entry.pending_id].resolved else None
            case Reverse():
                return AlreadyReversed if self.rows[entry.transfer_id].reversed else None
            case Pending() | Posted():
                return None


class LedgerMachine(RuleBasedStateMachine):
    """Do at random what callers do; after each step, ledger and model hold the same figures."""

    runner: ClassVar[asyncio.Runner]
    database: ClassVar[Database]

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.batches: list[tuple[list[Entry], list[Transfer]]] = []

    def do(self, step: Callable[[LedgerService], Awaitable[Result]]) -> Result:
        async def run() -> Result:
            return await self.book.do(step)

        return self.runner.run(run())

    @initialize()
    def open_accounts(self) -> None:
        organisation = self.runner.run(enter_in_directory(self.database))
        self.book = Book(self.database, organisation.id)
        opened = self.do(
            lambda ledger: ledger.open_accounts(
                [
                    account("norm"),
                    account("own time"),
                    account("advisory", limited=False),
                    account("means", unit=Unit.CENTS),
                    uncounted("source"),
                    uncounted("sink"),
                ]
            )
        )
        self.model.accounts = {one.id: one for one in opened}
        self.model.limited = {one.id for one in opened if one.limited}
        self.model.lines = {one.id: [] for one in opened}
        self.sides = opened

    @rule(data=st.data(), size=st.integers(1, 4))
    def apply(self, data: st.DataObject, size: int) -> None:
        entries: list[Entry] = []
        targets: set[UUID | None] = set()
        for _ in range(size):
            entry = self._entry(data)
            target = getattr(entry, "pending_id", None) or getattr(entry, "transfer_id", None)
            if target is not None and target in targets:
                continue  # twice in one batch: a table test has it
            targets.add(target)
            entries.append(entry)
        self._apply(entries)

    @rule(amount=st.integers(1, 60), data=st.data())
    def put_in(self, amount: int, data: st.DataObject) -> None:
        """Keep room coming, or little else than refusals would be tried."""
        norm, own_time, advisory, _, source, _ = self.sides
        self._apply(
            [posted(source, data.draw(st.sampled_from([norm, own_time, advisory])), amount)]
        )

    @precondition(lambda self: self.batches)
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        entries, first = data.draw(st.sampled_from(self.batches))
        again = self.do(lambda ledger: ledger.apply(entries))
        assert again == [replace(transfer, replayed=True) for transfer in first]

    @precondition(lambda self: self.model.keys)
    @rule(data=st.data())
    def use_a_key_again(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.model.keys)))
        self._apply([replace(self._entry(data), key=key)])

    @rule(data=st.data(), limited=st.booleans())
    def set_limited(self, data: st.DataObject, *, limited: bool) -> None:
        one = data.draw(st.sampled_from(self.sides[:4]))
        fits = self.model.room(one.id) >= 0 or not limited
        try:
            self.do(lambda ledger: ledger.set_limited(one.id, limited=limited))
        except LimitExceeded:
            assert not fits
            return
        assert fits
        change = self.model.limited.add if limited else self.model.limited.discard
        change(one.id)

    @invariant()
    def balances_are_the_models(self) -> None:
        if not self.model.accounts:
            return
        counted = [one.id for one in self.sides if one.counted]
        balances = self.do(lambda ledger: ledger.balances(counted))
        for account_id, balance in balances.items():
            assert (
                balance.debits_pending,
                balance.debits_posted,
                balance.credits_pending,
                balance.credits_posted,
            ) == self.model.figures(account_id)
            assert balance.sequence == len(self.model.lines[account_id])
            assert balance.limited == (account_id in self.model.limited)
            assert balance.room >= 0 or not balance.limited

    @invariant()
    def the_ledger_bears_itself_out(self) -> None:
        if self.model.accounts:
            assert self.do(lambda ledger: ledger.verify()) == []

    def teardown(self) -> None:
        """Compare the lines of every counted account, in their order, once at the end."""
        for one in [one for one in self.model.accounts.values() if one.counted]:
            page = self.do(lambda ledger: ledger.entries(one.id, PageOf(limit=1000)))  # noqa: B023
            assert [line.sequence for line in page.items] == list(range(1, len(page.items) + 1))
            assert [line.transfer.key for line in page.items] == self.model.lines[one.id]

    def _apply(self, entries: list[Entry]) -> None:
        expected = self.model.expected(entries)
        try:
            recorded = self.do(lambda ledger: ledger.apply(entries))
        except Refusal as refused:
            self._was_expected(refused, expected, entries)
            return
        assert expected is None, recorded
        self.batches.append((entries, recorded))
        for entry, transfer in zip(entries, recorded, strict=True):
            if entry.key not in self.model.keys:
                self.model.record(transfer.id, entry)

    def _was_expected(
        self, refused: Refusal, expected: type[Refusal] | None, entries: list[Entry]
    ) -> None:
        assert expected is not None, refused
        assert isinstance(refused, expected), (refused, refused.facts)
        if isinstance(refused, LimitExceeded):
            figures = (refused.account_id, refused.room, refused.asked)
            assert figures == self.model.over(entries)

    def _entry(self, data: st.DataObject) -> Entry:
        kinds = ["pending", "posted"] + ["post", "void", "reverse"] * bool(self.model.rows)
        kind = data.draw(st.sampled_from(kinds))
        amount = data.draw(st.integers(1, 40))
        if kind in {"pending", "posted"}:
            two = st.lists(st.sampled_from(self.sides), min_size=2, max_size=2, unique=True)
            debit, credit = data.draw(two)
            make = pending if kind == "pending" else posted
            return make(debit, credit, amount)
        target = data.draw(st.sampled_from(self._targets(data, kind)))
        if kind == "post":
            return post(target, data.draw(st.sampled_from([None, amount])))
        return void(target) if kind == "void" else reverse(target)

    def _targets(self, data: st.DataObject, kind: str) -> list[UUID]:
        """Return what fits and was not dealt with yet, most of the time; else anything."""
        held = kind != "reverse"
        open_ = [
            transfer_id
            for transfer_id, row in self.model.rows.items()
            if row.stands and row.held == held
        ]
        return open_ if open_ and data.draw(st.integers(0, 3)) else list(self.model.rows)


@pytest.fixture
def machine(settings: Settings) -> Iterator[type[LedgerMachine]]:
    """Yield the machine with a loop of its own, for Hypothesis calls it from plain functions."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        LedgerMachine.runner = runner
        LedgerMachine.database = Database(settings.model_copy(update={"pool_size": 1}))
        yield LedgerMachine
        runner.run(LedgerMachine.database.close())


@pytest.mark.slow
@pytest.mark.invariant("L1", "L2", "L4", "L6", "L9", "W1")
def test_the_ledger_does_what_the_model_does(machine: type[LedgerMachine]) -> None:
    run_state_machine_as_test(
        machine,
        settings=hypothesis.settings(
            max_examples=40,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[hypothesis.HealthCheck.too_slow],
        ),
    )
