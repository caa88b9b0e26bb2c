"""The means of a year: set by the MT, committed by its grants, spent by invoices."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from uuid import UUID

from app.budgets.errors import (
    BudgetNotFound,
    CommitmentClosed,
    CommitmentNotFound,
    MeansBelowCommitted,
    MeansExceeded,
)
from app.budgets.models import Actual, Commitment, MeansSetting
from app.budgets.repository import BudgetRepository
from app.budgets.rules import CommitmentStatus, MeansRoom, Settlement, settle
from app.db.audit import AuditTrail
from app.db.work import Work
from app.kernel.errors import check_version
from app.kernel.identifiers import new_id
from app.kernel.pages import Page, PageOf
from app.kernel.quantities import Cents
from app.ledger.errors import LimitExceeded
from app.ledger.rules import (
    Account,
    Cause,
    Entry,
    Opening,
    Pending,
    Post,
    Posted,
    Reverse,
    TransferKind,
    Unit,
    Void,
)
from app.ledger.service import LedgerService
from app.requests.rules import check_free_text

MEANS = "means"
_SOURCE = "means-source"
_SPENT = "means-spent"


@dataclass(frozen=True, slots=True)
class Grant:
    """What one decision commits for one request, in whole cents."""

    request_id: UUID
    decision_id: UUID
    amount_cents: Cents


@dataclass(frozen=True, slots=True)
class _Accounts:
    means: Account
    source: Account
    spent: Account


class BudgetService:
    """The means of the actor's organisation, on the ledger.

    Locks a request, then its commitments by id, then accounts.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._budgets = BudgetRepository(work.session, work.organisation_id)
        self._ledger = LedgerService(work)
        self._audit = AuditTrail(work)

    async def room(self, year: int, *, lock: bool = False) -> MeansRoom:
        """Return the means of a year and what is left of them, locked when asked.

        Raises:
            BudgetNotFound: the MT has set no means for that year.
        """
        rooms = await self.rooms([year], lock=lock)
        if year not in rooms:
            raise BudgetNotFound(budget_year=year)
        return rooms[year]

    async def rooms(self, years: Collection[int], *, lock: bool = False) -> dict[int, MeansRoom]:
        """Return the means of each of these years for which they are set; one by one in order."""
        found: dict[int, MeansRoom] = {}
        for year in sorted(set(years)):
            accounts = await self._ledger.find_accounts(
                MEANS, [self._work.organisation_id], date(year, 1, 1)
            )
            if not accounts:
                continue
            account = accounts[self._work.organisation_id]
            balances = await self._ledger.balances([account.id], lock=lock)
            balance = balances[account.id]
            found[year] = MeansRoom(
                year=year,
                means_cents=Cents(balance.credits_posted),
                committed_cents=Cents(balance.debits_pending),
                spent_cents=Cents(balance.debits_posted),
            )
        return found

    async def budgets(self) -> list[MeansRoom]:
        """Return the means of every year for which they are set, the latest first."""
        rooms = await self.rooms(await self._budgets.years())
        return [rooms[year] for year in sorted(rooms, reverse=True)]

    async def set_means(self, year: int, *, amount_cents: Cents, motivation: str) -> MeansRoom:
        """Set the total of a year's means, and return what is left of it.

        The first setting opens the year. A later one takes the earlier back; the total may be
        lowered to what is committed and spent, not below it.

        Raises:
            MeansBelowCommitted: more is committed and spent than the new total.
            BsnInText: a citizen service number stands in the motivation (LAW-12).

        Source: VIS-5.1.
        """
        check_free_text({"motivation": motivation})
        accounts = await self._open(year)
        before = await self.room(year, lock=True)
        if amount_cents < before.used_cents:
            raise MeansBelowCommitted(
                budget_year=year, asked_cents=amount_cents, used_cents=before.used_cents
            )
        previous = await self._budgets.last_setting(year)
        setting = MeansSetting(
            organisation_id=self._work.organisation_id,
            id=new_id(),
            budget_year=year,
            position=1 if previous is None else previous.position + 1,
            amount_cents=amount_cents,
            previous_cents=before.means_cents,
            motivation=motivation,
            set_by=self._work.actor.subject,
            set_at=self._work.now,
        )
        setting.transfer_id = await self._put(accounts, setting, previous)
        await self._budgets.add(setting)
        await self._audit.record(
            action="means.set",
            object_type="budget",
            object_id=accounts.means.id,
            before={"means_cents": before.means_cents},
            after={"means_cents": amount_cents, "budget_year": year},
            reason=motivation,
        )
        return await self.room(year)

    async def settings_of(self, year: int, page: PageOf) -> Page[MeansSetting]:
        """Return what the MT decided on the means of a year, oldest first."""
        return await self._budgets.settings_of(year, page)

    async def commit(self, year: int, grants: Sequence[Grant]) -> list[Commitment]:
        """Commit what grants take from the means of a year; a grant of nothing commits nothing.

        Raises:
            BudgetNotFound: the MT has set no means for that year.
            MeansExceeded: together they take more than is left; the rest itself may be taken.

        Source: VIS-5.1.
        """
        costly = [grant for grant in grants if grant.amount_cents > 0]
        if not costly:
            return []
        room = await self.room(year, lock=True)
        asked = sum(grant.amount_cents for grant in costly)
        if asked > room.room_cents:
            raise MeansExceeded(budget_year=year, asked_cents=asked, room_cents=room.room_cents)
        accounts = await self._open(year)
        transfers = await self._ledger.apply(
            [
                Pending(
                    key=f"commitment:{grant.decision_id}",
                    cause_type="decision",
                    cause_id=grant.decision_id,
                    activity_on=self._work.today,
                    debit_account_id=accounts.means.id,
                    credit_account_id=accounts.spent.id,
                    amount=grant.amount_cents,
                )
                for grant in costly
            ]
        )
        commitments = [
            Commitment(
                organisation_id=self._work.organisation_id,
                id=new_id(),
                version=1,
                budget_year=year,
                request_id=grant.request_id,
                decision_id=grant.decision_id,
                amount_cents=grant.amount_cents,
                open_cents=grant.amount_cents,
                spent_cents=Cents(0),
                status=CommitmentStatus.OPEN.value,
                transfer_id=transfer.id,
                created_at=self._work.now,
            )
            for grant, transfer in zip(costly, transfers, strict=True)
        ]
        await self._budgets.add(*commitments)
        for commitment in commitments:
            await self._audit.record(
                action="commitment.made",
                object_type="commitment",
                object_id=commitment.id,
                after={
                    "budget_year": year,
                    "amount_cents": commitment.amount_cents,
                    "request_id": commitment.request_id,
                    "decision_id": commitment.decision_id,
                },
                rule_ids=("VIS-5.1",),
            )
        return commitments

    async def release(self, request_ids: Collection[UUID], *, cause_id: UUID) -> Cents:
        """Free what these requests still have committed, and return how much that is, in cents.

        What was invoiced stays spent.
        """
        commitments = await self._budgets.lock_open(request_ids)
        if not commitments:
            return Cents(0)
        await self._ledger.apply(
            [
                Void(
                    key=f"commitment-release:{commitment.transfer_id}",
                    cause_type="release",
                    cause_id=cause_id,
                    activity_on=self._work.today,
                    pending_id=commitment.transfer_id,
                )
                for commitment in commitments
                # Nothing is held any more where invoices took all of it.
                if commitment.open_cents
            ]
        )
        freed = sum(commitment.open_cents for commitment in commitments)
        for commitment in commitments:
            await self._audit.record(
                action="commitment.released",
                object_type="commitment",
                object_id=commitment.id,
                before={"open_cents": commitment.open_cents},
                after={"open_cents": 0},
            )
            commitment.open_cents = Cents(0)
            commitment.status = CommitmentStatus.RELEASED.value
            commitment.version += 1
        await self._work.session.flush()
        return Cents(freed)

    async def open_by_year(self, request_ids: Collection[UUID]) -> dict[int, Cents]:
        """Return what these requests have committed and not spent, in cents by budget year."""
        found: dict[int, Cents] = {}
        for year, cents in await self._budgets.open_by_year(request_ids):
            found[year] = Cents(found.get(year, 0) + cents)
        return found

    async def spent_on(self, request_ids: Collection[UUID]) -> dict[UUID, Cents]:
        """Return what was invoiced for each of these requests that has a commitment, in cents.

        Under all its decisions, of whatever year the means were.
        """
        return await self._budgets.spent(request_ids)

    async def commitment(self, commitment_id: UUID) -> Commitment:
        """Return one commitment.

        Raises:
            CommitmentNotFound: there is none with this id.
        """
        commitment = await self._budgets.commitment(commitment_id)
        if commitment is None:
            raise CommitmentNotFound
        return commitment

    async def commitments(
        self, *, year: int | None, request_id: UUID | None, page: PageOf
    ) -> Page[Commitment]:
        """Return commitments by year and request, oldest first."""
        return await self._budgets.commitments(year=year, request_id=request_id, page=page)

    async def book(
        self,
        commitment_id: UUID,
        *,
        amount_cents: Cents,
        invoice_reference: str,
        invoiced_on: date,
        final: bool,
        expected: frozenset[int] | None,
    ) -> Commitment:
        """Book an invoice on a commitment, and return the commitment as it then stands.

        The commitment pays first; what an invoice costs beyond it is taken from the room of its
        year. The final invoice frees what is left.

        Raises:
            CommitmentNotFound: there is none with this id.
            CommitmentClosed: its final invoice was booked, or it was released.
            StaleVersion: it changed since it was read.
            MeansExceeded: what goes beyond the commitment does not fit the year's room.
            InvoiceBookedTwice: the invoice's reference is already on this commitment.
        """
        await self._budgets.hold_request((await self.commitment(commitment_id)).request_id)
        commitment = await self._budgets.lock_commitment(commitment_id)
        check_version(commitment.version, expected)
        if commitment.status != CommitmentStatus.OPEN.value:
            raise CommitmentClosed(status=commitment.status)
        actual = Actual(
            organisation_id=self._work.organisation_id,
            id=new_id(),
            commitment_id=commitment.id,
            amount_cents=amount_cents,
            invoice_reference=invoice_reference,
            invoiced_on=invoiced_on,
            final=final,
            recorded_by=self._work.actor.subject,
            recorded_at=self._work.now,
        )
        await self._budgets.add(actual)
        before = {"open_cents": commitment.open_cents, "spent_cents": commitment.spent_cents}
        await self._settle(commitment, actual)
        await self._audit.record(
            action="commitment.invoiced",
            object_type="commitment",
            object_id=commitment.id,
            before=before,
            after={
                "open_cents": commitment.open_cents,
                "spent_cents": commitment.spent_cents,
                "actual_id": str(actual.id),
            },
        )
        await self._work.session.flush()
        return commitment

    async def actuals(self, commitment_id: UUID, page: PageOf) -> Page[Actual]:
        """Return the invoices on a commitment, oldest first.

        Raises:
            CommitmentNotFound: there is none with this id.
        """
        await self.commitment(commitment_id)
        return await self._budgets.actuals(commitment_id, page)

    async def _settle(self, commitment: Commitment, actual: Actual) -> None:
        parts = settle(
            committed_cents=commitment.open_cents,
            invoice_cents=actual.amount_cents,
            final=actual.final,
        )
        entries = self._entries(commitment, actual, parts, await self._open(commitment.budget_year))
        try:
            transfers = await self._ledger.apply(entries)
        except LimitExceeded as error:
            raise MeansExceeded(
                budget_year=commitment.budget_year,
                asked_cents=error.asked,
                room_cents=error.room,
            ) from error
        for transfer in transfers:
            if transfer.kind is TransferKind.PENDING:
                commitment.transfer_id = transfer.id
        commitment.open_cents = parts.still_committed_cents
        commitment.spent_cents = Cents(commitment.spent_cents + actual.amount_cents)
        commitment.version += 1
        if actual.final:
            commitment.status = CommitmentStatus.SETTLED.value

    def _entries(
        self, commitment: Commitment, actual: Actual, parts: Settlement, accounts: _Accounts
    ) -> list[Entry]:
        """Return what an invoice does in the ledger.

        A pending transfer is resolved once, so what stays committed is held anew.
        """
        cause = Cause(
            key=f"actual:{actual.id}",
            cause_type="actual",
            cause_id=actual.id,
            activity_on=actual.invoiced_on,
        )
        entries: list[Entry] = []
        if parts.from_commitment_cents:
            entries.append(
                Post(
                    **asdict(cause),
                    pending_id=commitment.transfer_id,
                    amount=parts.from_commitment_cents,
                )
            )
        elif commitment.open_cents:
            entries.append(Void(**asdict(cause), pending_id=commitment.transfer_id))
        for kind, name, amount in (
            (Pending, "rest", parts.still_committed_cents),
            (Posted, "beyond", parts.beyond_cents),
        ):
            if amount:
                entries.append(
                    kind(
                        **asdict(replace(cause, key=f"{cause.key}:{name}")),
                        debit_account_id=accounts.means.id,
                        credit_account_id=accounts.spent.id,
                        amount=amount,
                    )
                )
        return entries

    async def _put(
        self, accounts: _Accounts, setting: MeansSetting, previous: MeansSetting | None
    ) -> UUID | None:
        """Take back the total set before, put the new one, and return its transfer's id."""
        cause = Cause(
            key=f"means:{setting.id}",
            cause_type="means_setting",
            cause_id=setting.id,
            activity_on=self._work.today,
        )
        entries: list[Entry] = []
        if setting.amount_cents:
            entries.append(
                Posted(
                    **asdict(cause),
                    debit_account_id=accounts.source.id,
                    credit_account_id=accounts.means.id,
                    amount=setting.amount_cents,
                )
            )
        if previous is not None and previous.transfer_id is not None:
            entries.append(
                Reverse(
                    **asdict(replace(cause, key=f"{cause.key}:before")),
                    transfer_id=previous.transfer_id,
                )
            )
        transfers = await self._ledger.apply(entries)
        return transfers[0].id if setting.amount_cents else None

    async def _open(self, year: int) -> _Accounts:
        """Return the three accounts of a year, opened where they were not."""

        def opening(kind: str, *, limited: bool) -> Opening:
            return Opening(
                kind=kind,
                unit=Unit.CENTS,
                owner_type="organisation",
                owner_id=self._work.organisation_id,
                period_from=date(year, 1, 1),
                period_until=date(year + 1, 1, 1),
                counted=limited,
                limited=limited,
            )

        means, source, spent = await self._ledger.open_accounts(
            [
                opening(MEANS, limited=True),
                opening(_SOURCE, limited=False),
                opening(_SPENT, limited=False),
            ]
        )
        return _Accounts(means=means, source=source, spent=spent)
