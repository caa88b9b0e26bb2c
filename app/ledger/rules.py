"""The ledger's values, and how transfers move balances: the same arithmetic as the database's.

An account holds something scarce (minutes, cents, places); a transfer moves a positive whole
amount from its debit account, which is consumed from, to its credit account. A *pending* transfer
(reservering) holds room without spending it; it is later posted in whole or in part, the rest
released, or voided. A correction is a *reversal*: nothing recorded is ever changed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from app.ledger.errors import (
    AlreadyReversed,
    CentsExceeded,
    LimitExceeded,
    MinutesExceeded,
    PendingAlreadyResolved,
)


class Unit(StrEnum):
    MINUTES = "minutes"
    CENTS = "cents"
    PLACES = "places"


class TransferKind(StrEnum):
    PENDING = "pending"
    POSTED = "posted"
    POST = "post"
    VOID = "void"
    REVERSAL = "reversal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """An account to be there; its kind, owner and ``period_from`` are its natural key.

    The period is half-open, and open-ended without ``period_until``. A counted account carries
    counters and numbered lines; a limited one is counted and its debits may not pass its credits.
    Where no limit is guarded and no balance asked (a source, a sink), leave it uncounted: then no
    transfer waits for another there.
    """

    kind: str
    unit: Unit
    owner_type: str
    owner_id: UUID
    period_from: date
    period_until: date | None = None
    counted: bool = False
    limited: bool = False

    def __post_init__(self) -> None:
        if self.limited and not self.counted:
            message = "a limited account is counted"
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account as opened; what moves is in its Balance."""

    id: UUID
    kind: str
    unit: Unit
    owner_type: str
    owner_id: UUID
    period_from: date
    period_until: date | None
    counted: bool
    limited: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """The counters of a counted account, in its unit; what was reversed no longer counts in them.

    ``credits_posted`` is what was put in, ``debits_pending`` what is reserved from it and
    ``debits_posted`` what is spent. ``sequence`` is the number of its last line.
    """

    account_id: UUID
    unit: Unit
    limited: bool
    debits_pending: int = 0
    debits_posted: int = 0
    credits_pending: int = 0
    credits_posted: int = 0
    sequence: int = 0

    @property
    def room(self) -> int:
        """What is left: negative where a limit that only warns was passed."""
        return self.credits_posted - self.debits_pending - self.debits_posted


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why an entry is made, and its ``key``: unique in the organisation, the same on a retry.

    ``activity_on`` is the civil day (Europe/Amsterdam) of what happened; when it was recorded is
    the database's own clock.
    """

    key: str
    cause_type: str
    cause_id: UUID
    activity_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class _Movement(Cause):
    debit_account_id: UUID
    credit_account_id: UUID
    amount: int

    def __post_init__(self) -> None:
        if self.amount <= 0:
            message = "an amount is positive"
            raise ValueError(message)
        if self.debit_account_id == self.credit_account_id:
            message = "a transfer is between two accounts"
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending(_Movement):
    """Hold an amount of the debit account until it is posted or voided (reserveren)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted(_Movement):
    """Move an amount at once (boeken)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post(Cause):
    """Post a pending transfer: all of it, or ``amount`` of it, the rest being released."""

    pending_id: UUID
    amount: int | None = None

    def __post_init__(self) -> None:
        if self.amount is not None and self.amount <= 0:
            message = "an amount is positive; to post nothing is to void"
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Void(Cause):
    """Release all of a pending transfer (vrijgeven)."""

    pending_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverse(Cause):
    """Take back all of a transfer that was posted (tegenboeken)."""

    transfer_id: UUID


Entry = Pending | Posted | Post | Void | Reverse


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A line of the ledger as recorded; it never changes.

    A post or void has the accounts of its pending transfer, a post also what it ``released`` of
    it; a reversal has the sides of its target swapped. The sequences number the lines of each
    counted account from 1, without gaps. ``replayed`` tells that the key was recorded before.
    """

    id: UUID
    kind: TransferKind
    debit_account_id: UUID
    credit_account_id: UUID
    unit: Unit
    amount: int
    released: int
    pending_id: UUID | None
    reverses_id: UUID | None
    cause_type: str
    cause_id: UUID
    key: str
    activity_on: date
    recorded_at: datetime
    debit_sequence: int | None
    credit_sequence: int | None
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A transfer as one counted account has it: its number there, and on which side it stands."""

    sequence: int
    debits: bool
    transfer: Transfer


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A figure that is not what the transfers make of it; an account's or a transfer's own."""

    account_id: UUID
    counter: str
    stored: int
    computed: int


def limit_exceeded(*, account_id: UUID, unit: Unit, room: int, asked: int) -> LimitExceeded:
    """Return the refusal that tells the figures in the account's unit."""
    if unit is Unit.MINUTES:
        return MinutesExceeded(account_id=account_id, room=room, asked=asked)
    if unit is Unit.CENTS:
        return CentsExceeded(account_id=account_id, room=room, asked=asked)
    return LimitExceeded(account_id=account_id, room=room, asked=asked)


def check_batch(entries: Sequence[Entry]) -> None:
    """Refuse a batch that contradicts itself, whatever the ledger holds.

    Raises:
        PendingAlreadyResolved: it posts or voids one pending transfer twice.
        AlreadyReversed: it reverses one transfer twice.
        ValueError: two of its entries have one key.
    """
    keys: set[str] = set()
    targets: set[UUID] = set()
    for entry in entries:
        if entry.key in keys:
            message = f"two entries of one batch have the key {entry.key}"
            raise ValueError(message)
        keys.add(entry.key)
        match entry:
            case Post() | Void():
                if entry.pending_id in targets:
                    raise PendingAlreadyResolved(pending_id=entry.pending_id)
                targets.add(entry.pending_id)
            case Reverse():
                if entry.transfer_id in targets:
                    raise AlreadyReversed(transfer_id=entry.transfer_id)
                targets.add(entry.transfer_id)
            case Pending() | Posted():
                pass


def post(
    balances: Mapping[UUID, Balance], movements: Iterable[Pending | Posted | Transfer]
) -> dict[UUID, Balance]:
    """Return the balances after ``movements``, judged once, when all of them are made.

    An account without a balance is not counted, and passed over. A batch may so spend what it
    brings in itself, in whatever order its entries stand.

    Raises:
        LimitExceeded: a limited account would have more reserved and spent than was put in; the
            first by id, with its room before and what all of the movements ask of it.
    """
    after = dict(balances)
    for movement in movements:
        for account_id, change in _changes(movement):
            if account_id in after:
                after[account_id] = _moved(after[account_id], change)
    for account_id in sorted(after):
        before = balances[account_id]
        if after[account_id].room < 0 and before.limited and after[account_id] != before:
            raise limit_exceeded(
                account_id=account_id,
                unit=before.unit,
                room=before.room,
                asked=before.room - after[account_id].room,
            )
    return after


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    debits_pending: int = 0
    debits_posted: int = 0
    credits_pending: int = 0
    credits_posted: int = 0


def _changes(movement: Pending | Posted | Transfer) -> tuple[tuple[UUID, _Change], ...]:
    """Return what a movement changes on its debit account and on its credit account."""
    held, posted, undone = _amounts(movement)
    return (
        (
            movement.debit_account_id,
            _Change(debits_pending=held, debits_posted=posted, credits_posted=undone),
        ),
        (
            movement.credit_account_id,
            _Change(credits_pending=held, credits_posted=posted, debits_posted=undone),
        ),
    )


def _amounts(movement: Pending | Posted | Transfer) -> tuple[int, int, int]:
    """Return what is held or let go, what is posted, and what is undone (negative)."""
    match movement:
        case Pending() | Transfer(kind=TransferKind.PENDING):
            return movement.amount, 0, 0
        case Posted() | Transfer(kind=TransferKind.POSTED):
            return 0, movement.amount, 0
        case Transfer(kind=TransferKind.POST):
            return -movement.amount - movement.released, movement.amount, 0
        case Transfer(kind=TransferKind.VOID):
            return -movement.amount, 0, 0
        case Transfer():
            return 0, 0, -movement.amount


def _moved(balance: Balance, change: _Change) -> Balance:
    return replace(
        balance,
        debits_pending=balance.debits_pending + change.debits_pending,
        debits_posted=balance.debits_posted + change.debits_posted,
        credits_pending=balance.credits_pending + change.credits_pending,
        credits_posted=balance.credits_posted + change.credits_posted,
        sequence=balance.sequence + 1,
    )
