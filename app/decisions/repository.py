"""Where proposals and decisions are kept."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import Row, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.decisions.models import Decision, Proposal, ProposalItem
from app.decisions.rules import Outcome
from app.kernel.pages import Page, PageOf, take

_GRANTS = tuple(outcome.value for outcome in Outcome if outcome.grants)


class DecisionRepository:
    """The proposals and decisions of one organisation."""

    def __init__(self, session: AsyncSession, organisation_id: UUID) -> None:
        self._session = session
        self._organisation_id = organisation_id

    async def add(self, *rows: Proposal | ProposalItem | Decision) -> None:
        """Store rows at once, so that a constraint they break is known here."""
        self._session.add_all(rows)
        await self._session.flush()

    async def proposal(self, proposal_id: UUID) -> Proposal | None:
        return await self._session.get(Proposal, (self._organisation_id, proposal_id))

    async def lock_proposal(self, proposal_id: UUID) -> Proposal | None:
        """Return a proposal, locked: the first lock of whoever changes or decides it."""
        return await self._session.scalar(
            select(Proposal)
            .where(
                Proposal.organisation_id == self._organisation_id,
                Proposal.id == proposal_id,
            )
            .with_for_update(of=Proposal)
            .execution_options(populate_existing=True)
        )

    async def proposals(self, *, tranche_id: UUID | None, page: PageOf) -> Page[Proposal]:
        """Return proposals, oldest first."""
        query = select(Proposal).where(Proposal.organisation_id == self._organisation_id)
        if tranche_id is not None:
            query = query.where(Proposal.tranche_id == tranche_id)
        if page.after is not None:
            query = query.where(Proposal.id > UUID(page.after[0]))
        rows = (
            await self._session.scalars(query.order_by(Proposal.id).limit(page.limit + 1))
        ).all()
        return take(rows, page, key=lambda row: (str(row.id),))

    async def items(self, proposal_id: UUID) -> Sequence[ProposalItem]:
        """Return a proposal's items in order of rank."""
        return (
            await self._session.scalars(
                select(ProposalItem)
                .where(
                    ProposalItem.organisation_id == self._organisation_id,
                    ProposalItem.proposal_id == proposal_id,
                )
                .order_by(ProposalItem.rank)
            )
        ).all()

    async def drop_items(self, proposal_id: UUID) -> None:
        """Take all items out of a proposal, to be put in anew."""
        await self._session.execute(
            delete(ProposalItem).where(
                ProposalItem.organisation_id == self._organisation_id,
                ProposalItem.proposal_id == proposal_id,
            )
        )

    async def counts(self, proposal_ids: Collection[UUID]) -> dict[UUID, tuple[int, int, int]]:
        """Return for each proposal how many items, how many decided, and the cents advised."""
        rows = await self._session.execute(
            select(
                ProposalItem.proposal_id,
                func.count(),
                func.count(Decision.id),
                func.coalesce(
                    func.sum(ProposalItem.amount_cents).filter(ProposalItem.advice.in_(_GRANTS)), 0
                ),
            )
            .outerjoin(
                Decision,
                (Decision.organisation_id == ProposalItem.organisation_id)
                & (Decision.proposal_item_id == ProposalItem.id),
            )
            .where(
                ProposalItem.organisation_id == self._organisation_id,
                ProposalItem.proposal_id.in_(proposal_ids),
            )
            .group_by(ProposalItem.proposal_id)
        )
        return {
            proposal_id: (items, decided, int(cents)) for proposal_id, items, decided, cents in rows
        }

    async def of_items(self, proposal_id: UUID) -> dict[UUID, Decision]:
        """Return the first decision on each item of a proposal that has one, by item."""
        rows = await self._session.scalars(
            select(Decision).where(
                Decision.organisation_id == self._organisation_id,
                Decision.proposal_id == proposal_id,
                Decision.proposal_item_id.is_not(None),
            )
        )
        return {row.proposal_item_id: row for row in rows if row.proposal_item_id is not None}

    async def decision(self, decision_id: UUID) -> Decision | None:
        return await self._session.get(Decision, (self._organisation_id, decision_id))

    async def decisions(
        self,
        *,
        proposal_id: UUID | None = None,
        request_id: UUID | None = None,
        page: PageOf,
    ) -> Page[Row[Decision, bool]]:
        """Return decisions, oldest first, each with whether it is in force."""
        query = self._with_force()
        if proposal_id is not None:
            query = query.where(Decision.proposal_id == proposal_id)
        if request_id is not None:
            query = query.where(Decision.request_id == request_id)
        if page.after is not None:
            query = query.where(Decision.id > UUID(page.after[0]))
        rows = (
            await self._session.execute(query.order_by(Decision.id).limit(page.limit + 1))
        ).all()
        return take(rows, page, key=lambda row: (str(row[0].id),))

    async def with_force(self, decision_ids: Collection[UUID]) -> Sequence[Row[Decision, bool]]:
        """Return these decisions in order of id, each with whether it is in force."""
        query = self._with_force().where(Decision.id.in_(decision_ids))
        return (await self._session.execute(query.order_by(Decision.id))).all()

    async def in_force(self, request_ids: Collection[UUID]) -> dict[UUID, Decision]:
        """Return the decision in force on each of these requests that has one.

        That is the last one taken: a request that was deferred and taken up again has a decision
        of each round. The last by its id, which is given under the request's lock by the machine's
        clock; the service's own, which the demo sets, does not change what came last.
        """
        rows = await self._session.scalars(
            select(Decision)
            .where(
                Decision.organisation_id == self._organisation_id,
                Decision.request_id.in_(request_ids),
            )
            .order_by(Decision.id)
        )
        return {row.request_id: row for row in rows}

    def _with_force(self):  # noqa: ANN202 -- a Select of two columns; its type is long and inferred
        later = aliased(Decision)
        overtaken = (
            select(later.id)
            .where(
                later.organisation_id == Decision.organisation_id,
                later.request_id == Decision.request_id,
                later.id > Decision.id,
            )
            .exists()
        )
        return select(Decision, ~overtaken).where(Decision.organisation_id == self._organisation_id)
