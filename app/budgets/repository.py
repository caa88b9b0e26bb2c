"""Where the means are kept: settings, commitments, invoices."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import BigInteger, Row, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.budgets.models import Actual, Commitment, MeansSetting
from app.budgets.rules import CommitmentStatus
from app.kernel.pages import Page, PageOf, take
from app.kernel.quantities import Cents
from app.requests.models import TrainingRequest


class BudgetRepository:
    """The means of one organisation."""

    def __init__(self, session: AsyncSession, organisation_id: UUID) -> None:
        self._session = session
        self._organisation_id = organisation_id

    async def add(self, *rows: MeansSetting | Commitment | Actual) -> None:
        """Store rows at once, so that a constraint they break is known here."""
        self._session.add_all(rows)
        await self._session.flush()

    async def years(self) -> Sequence[int]:
        """Return the years for which means were set, the latest first; at most a hundred."""
        found = await self._session.scalars(
            select(MeansSetting.budget_year)
            .where(MeansSetting.organisation_id == self._organisation_id)
            .distinct()
            .order_by(MeansSetting.budget_year.desc())
            .limit(100)
        )
        return found.all()

    async def last_setting(self, year: int) -> MeansSetting | None:
        """Return what the MT last decided on the means of a year; None before the first time."""
        return await self._session.scalar(
            select(MeansSetting)
            .where(
                MeansSetting.organisation_id == self._organisation_id,
                MeansSetting.budget_year == year,
            )
            .order_by(MeansSetting.position.desc())
            .limit(1)
        )

    async def settings_of(self, year: int, page: PageOf) -> Page[MeansSetting]:
        """Return the decisions on the means of a year, oldest first."""
        query = select(MeansSetting).where(
            MeansSetting.organisation_id == self._organisation_id,
            MeansSetting.budget_year == year,
        )
        if page.after is not None:
            query = query.where(MeansSetting.position > int(page.after[0]))
        rows = (
            await self._session.scalars(query.order_by(MeansSetting.position).limit(page.limit + 1))
        ).all()
        return take(rows, page, key=lambda row: (str(row.position),))

    async def commitment(self, commitment_id: UUID) -> Commitment | None:
        return await self._session.get(Commitment, (self._organisation_id, commitment_id))

    async def hold_request(self, request_id: UUID) -> None:
        """Keep a request from being decided on while its means move: share its row's lock."""
        await self._session.execute(
            select(TrainingRequest.id)
            .where(
                TrainingRequest.organisation_id == self._organisation_id,
                TrainingRequest.id == request_id,
            )
            .with_for_update(read=True, of=TrainingRequest)
        )

    async def lock_commitment(self, commitment_id: UUID) -> Commitment:
        """Return a commitment, locked: invoices on it are booked one after another."""
        locked = await self._session.scalars(
            select(Commitment)
            .where(
                Commitment.organisation_id == self._organisation_id,
                Commitment.id == commitment_id,
            )
            .with_for_update(of=Commitment)
            .execution_options(populate_existing=True)
        )
        return locked.one()

    async def lock_open(self, request_ids: Collection[UUID]) -> Sequence[Commitment]:
        """Return the open commitments of these requests, locked, in order of id."""
        return (
            await self._session.scalars(
                select(Commitment)
                .where(
                    Commitment.organisation_id == self._organisation_id,
                    Commitment.request_id.in_(request_ids),
                    Commitment.status == CommitmentStatus.OPEN.value,
                )
                .order_by(Commitment.id)
                .with_for_update(of=Commitment)
                .execution_options(populate_existing=True)
            )
        ).all()

    async def open_by_year(self, request_ids: Collection[UUID]) -> Sequence[Row[int, Cents]]:
        """Return year and cents of what these requests have committed and not spent."""
        return (
            await self._session.execute(
                select(Commitment.budget_year, Commitment.open_cents).where(
                    Commitment.organisation_id == self._organisation_id,
                    Commitment.request_id.in_(request_ids),
                    Commitment.status == CommitmentStatus.OPEN.value,
                )
            )
        ).all()

    async def spent(self, request_ids: Collection[UUID]) -> dict[UUID, Cents]:
        """Return what was invoiced for each of these requests that has a commitment, in cents."""
        rows = await self._session.execute(
            select(Commitment.request_id, cast(func.sum(Commitment.spent_cents), BigInteger))
            .where(
                Commitment.organisation_id == self._organisation_id,
                Commitment.request_id.in_(request_ids),
            )
            .group_by(Commitment.request_id)
        )
        return {request_id: Cents(cents) for request_id, cents in rows}

    async def commitments(
        self, *, year: int | None, request_id: UUID | None, page: PageOf
    ) -> Page[Commitment]:
        """Return commitments by year and request, oldest first."""
        query = select(Commitment).where(Commitment.organisation_id == self._organisation_id)
        if year is not None:
            query = query.where(Commitment.budget_year == year)
        if request_id is not None:
            query = query.where(Commitment.request_id == request_id)
        if page.after is not None:
            query = query.where(Commitment.id > UUID(page.after[0]))
        rows = (
            await self._session.scalars(query.order_by(Commitment.id).limit(page.limit + 1))
        ).all()
        return take(rows, page, key=_by_id)

    async def actuals(self, commitment_id: UUID, page: PageOf) -> Page[Actual]:
        """Return the invoices on a commitment, oldest first."""
        query = select(Actual).where(
            Actual.organisation_id == self._organisation_id,
            Actual.commitment_id == commitment_id,
        )
        if page.after is not None:
            query = query.where(Actual.id > UUID(page.after[0]))
        rows = (await self._session.scalars(query.order_by(Actual.id).limit(page.limit + 1))).all()
        return take(rows, page, key=_by_id)


def _by_id(row: Commitment | Actual) -> tuple[str, ...]:
    return (str(row.id),)
