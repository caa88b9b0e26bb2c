"""The one ledger: what other areas open accounts with, and move minutes, cents and places by."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from uuid import UUID

from app.db.work import Work
from app.kernel.pages import Page, PageOf, take
from app.ledger.errors import AccountDiffers, AccountNotFound
from app.ledger.repository import LedgerRepository
from app.ledger.rules import (
    Account,
    Balance,
    Difference,
    Entry,
    Line,
    Opening,
    Pending,
    Posted,
    Transfer,
    Unit,
    check_batch,
    limit_exceeded,
    post,
)


class LedgerService:
    """Accounts and transfers of the organisation that the work is for.

    Locks the accounts that an entry counts on, by id: the last in the service's lock order.
    """

    def __init__(self, work: Work) -> None:
        self._ledger = LedgerRepository(work.session, work.organisation_id)

    async def open_account(
        self,
        *,
        kind: str,
        unit: Unit,
        owner_type: str,
        owner_id: UUID,
        period_from: date,
        period_until: date | None,
        counted: bool,
        limited: bool,
    ) -> Account:
        """Return the account of this kind, owner and period, opened now if it was not yet.

        Raises:
            AccountDiffers: it was opened before, in another unit or counted otherwise.
        """
        opening = Opening(
            kind=kind,
            unit=unit,
            owner_type=owner_type,
            owner_id=owner_id,
            period_from=period_from,
            period_until=period_until,
            counted=counted,
            limited=limited,
        )
        [account] = await self.open_accounts([opening])
        return account

    async def open_accounts(self, openings: Sequence[Opening]) -> list[Account]:
        """Return the accounts of ``openings`` in their order, opening those that are not yet.

        The limit of an account that stands is left as it is: ``set_limited`` changes it.

        Raises:
            AccountDiffers: one was opened before, in another unit or counted otherwise.
        """
        if not openings:
            return []
        found = {
            (account.kind, account.owner_id, account.period_from): account
            for account in await self._ledger.open(openings)
        }
        accounts = [
            found[opening.kind, opening.owner_id, opening.period_from] for opening in openings
        ]
        for opening, account in zip(openings, accounts, strict=True):
            for name in ("unit", "owner_type", "period_until", "counted"):
                if getattr(opening, name) != getattr(account, name):
                    raise AccountDiffers(
                        account_id=account.id, account_kind=account.kind, differing=name
                    )
        return accounts

    async def apply(self, entries: Sequence[Entry]) -> list[Transfer]:
        """Record ``entries`` in one round trip, all or none, and return their transfers in order.

        An entry whose key is recorded already changes nothing and returns what was recorded,
        whatever the balance is by now. Limits are judged over the entries together. A target to
        post, void or reverse is one that was recorded by an earlier call.

        Raises:
            LimitExceeded: a limited account would have more reserved and spent than was put in.
            LedgerKeyReused: a key stands recorded with another content.
            PendingAlreadyResolved: what is to be posted or voided was so before.
            AlreadyReversed: what is to be reversed was so before.
            PostingBeyondPending: more is to be posted than is pending.
            TransferNotFound: there is no such transfer to post, void or reverse.
            TransferUnfit: it is not a pending one, or not a posted one.
            AccountNotFound: there is no such account.
            UnitsDiffer: the two accounts are of different units.
        """
        if not entries:
            return []
        check_batch(entries)
        recorded = await self._ledger.apply(entries)
        return [recorded[entry.key] for entry in entries]

    async def rehearse(self, entries: Sequence[Pending | Posted]) -> dict[UUID, Balance]:
        """Return the balances of the counted accounts as ``entries`` would leave them.

        Nothing is recorded or locked, so by the time of ``apply`` it may have changed.

        Raises:
            LimitExceeded: as ``apply`` would.
        """
        sides = {
            account_id
            for entry in entries
            for account_id in (entry.debit_account_id, entry.credit_account_id)
        }
        counted = await self._ledger.balances(sides, lock=False)
        return post({balance.account_id: balance for balance in counted}, entries)

    async def balances(
        self, account_ids: Iterable[UUID], *, lock: bool = False
    ) -> dict[UUID, Balance]:
        """Return the balances of counted accounts; ``lock`` keeps them until the work is done.

        Raises:
            AccountNotFound: one of them does not exist, or is not counted.
        """
        wanted = set(account_ids)
        found = {
            balance.account_id: balance
            for balance in await self._ledger.balances(wanted, lock=lock)
        }
        missing = sorted(wanted - found.keys())
        if missing:
            raise AccountNotFound(account_id=missing[0])
        return found

    async def find_accounts(
        self, kind: str, owner_ids: Collection[UUID], period_from: date
    ) -> dict[UUID, Account]:
        """Return the accounts of ``kind`` from that day by owner; who has none is not in it."""
        found = await self._ledger.find(kind=kind, owner_ids=owner_ids, period_from=period_from)
        return {account.owner_id: account for account in found}

    async def entries(
        self, account_id: UUID, page: PageOf, *, as_of: datetime | None = None
    ) -> Page[Line]:
        """Return lines of a counted account by number, first the oldest.

        With ``as_of`` only what was recorded up to and including that instant (peildatum): once
        the instant has passed, the answer is the same for ever, whatever is recorded later on
        earlier activity. It waits for transfers that are on their way.

        Raises:
            AccountNotFound: no such account, or not a counted one.
        """
        if as_of is not None:
            await self._ledger.await_writers(account_id)
        after = int(page.after[0]) if page.after else 0
        lines = await self._ledger.lines(account_id, after=after, count=page.limit + 1, as_of=as_of)
        return take(lines, page, key=lambda line: (str(line.sequence),))

    async def pending_of(self, cause_type: str, cause_ids: Collection[UUID]) -> list[Transfer]:
        """Return the pending transfers of these causes that are not posted or voided yet."""
        return await self._ledger.pending_of(cause_type, cause_ids)

    async def transfers_of(self, cause_type: str, cause_ids: Collection[UUID]) -> list[Transfer]:
        """Return all transfers of these causes, in the order in which they were recorded."""
        return await self._ledger.transfers_of(cause_type, cause_ids)

    async def set_limited(self, account_id: UUID, *, limited: bool) -> Account:
        """Make the limit of a counted account bind (a norm that becomes binding), or lift it.

        Raises:
            LimitExceeded: more is reserved and spent already than was put in.
            AccountNotFound: no such account, or not a counted one.
        """
        balance = (await self.balances([account_id], lock=True))[account_id]
        if limited and balance.room < 0:
            raise limit_exceeded(
                account_id=account_id,
                unit=balance.unit,
                room=balance.credits_posted,
                asked=balance.debits_pending + balance.debits_posted,
            )
        return await self._ledger.set_limited(account_id, limited=limited)

    async def verify(self) -> list[Difference]:
        """Recompute every counter and number from the transfers and return what differs.

        Each account is compared within one snapshot, so it may run while others record.
        """
        return await self._ledger.differences()
