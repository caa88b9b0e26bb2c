"""Accounts and entries to test the ledger with: plain functions with sensible defaults."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import date
from typing import TypeVar
from uuid import UUID, uuid4

from app.db.session import Database, retryable
from app.db.work import Work
from app.kernel.actors import Actor, Role
from app.ledger.rules import Account, Opening, Pending, Post, Posted, Reverse, Unit, Void
from app.ledger.service import LedgerService
from tests.support.clock import MONDAY

Result = TypeVar("Result")

YEAR = date(2027, 1, 1)
NEXT_YEAR = date(2028, 1, 1)
ACTIVITY = date(2027, 3, 1)
_ATTEMPTS = 100


def account(
    kind: str = "norm",
    *,
    unit: Unit = Unit.MINUTES,
    owner_id: UUID | None = None,
    counted: bool = True,
    limited: bool = True,
) -> Opening:
    """Return an account to open: by default an employee's binding norm of 2027."""
    return Opening(
        kind=kind,
        unit=unit,
        owner_type="employee",
        owner_id=owner_id or uuid4(),
        period_from=YEAR,
        period_until=NEXT_YEAR,
        counted=counted,
        limited=limited,
    )


def uncounted(kind: str = "source", *, unit: Unit = Unit.MINUTES) -> Opening:
    """Return a source or sink: an account without counters."""
    return account(kind, unit=unit, counted=False, limited=False)


def posted(
    debit: Account,
    credit: Account,
    amount: int,
    *,
    key: str | None = None,
    cause_id: UUID | None = None,
    activity_on: date = ACTIVITY,
) -> Posted:
    return Posted(
        debit_account_id=debit.id,
        credit_account_id=credit.id,
        amount=amount,
        key=key or str(uuid4()),
        cause_type="test",
        cause_id=cause_id or uuid4(),
        activity_on=activity_on,
    )


def pending(
    debit: Account,
    credit: Account,
    amount: int,
    *,
    key: str | None = None,
    cause_id: UUID | None = None,
    activity_on: date = ACTIVITY,
) -> Pending:
    return Pending(
        debit_account_id=debit.id,
        credit_account_id=credit.id,
        amount=amount,
        key=key or str(uuid4()),
        cause_type="test",
        cause_id=cause_id or uuid4(),
        activity_on=activity_on,
    )


def post(pending_id: UUID, amount: int | None = None, *, key: str | None = None) -> Post:
    return Post(
        pending_id=pending_id,
        amount=amount,
        key=key or str(uuid4()),
        cause_type="test",
        cause_id=uuid4(),
        activity_on=ACTIVITY,
    )


def void(pending_id: UUID, *, key: str | None = None) -> Void:
    return Void(
        pending_id=pending_id,
        key=key or str(uuid4()),
        cause_type="test",
        cause_id=uuid4(),
        activity_on=ACTIVITY,
    )


def reverse(transfer_id: UUID, *, key: str | None = None) -> Reverse:
    return Reverse(
        transfer_id=transfer_id,
        key=key or str(uuid4()),
        cause_type="test",
        cause_id=uuid4(),
        activity_on=ACTIVITY,
    )


class Book:
    """The ledger of one organisation, each call a transaction of its own, repeated when asked."""

    def __init__(self, database: Database, organisation_id: UUID) -> None:
        self._database = database
        self._actor = Actor(
            organisation_id=organisation_id, subject="test", roles=frozenset({Role.HR})
        )
        self.repeated = 0

    async def do(self, step: Callable[[LedgerService], Awaitable[Result]]) -> Result:
        """Do ``step`` and commit; do the whole of it again where the database asks for that."""
        for attempt in range(_ATTEMPTS):
            try:
                async with self._database.work(self._actor, MONDAY, "test") as work:
                    return await step(LedgerService(work))
            except Exception as error:
                if not retryable(error) or attempt == _ATTEMPTS - 1:
                    raise
                self.repeated += 1
        raise AssertionError  # the last attempt returns or raises

    def work(self) -> AbstractAsyncContextManager[Work]:
        """Open a unit of work, for tests that hold a transaction open."""
        return self._database.work(self._actor, MONDAY, "test")
