"""Where agreements, signatures and claims are kept."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.agreements.models import Agreement, RepaymentClaim, Signature
from app.agreements.rules import AgreementStatus, ClaimStatus
from app.hours.models import HourReservation
from app.hours.rules import ReservationStatus
from app.kernel.pages import Page, PageOf, take

_ENDED = (AgreementStatus.VOID.value, AgreementStatus.SUPERSEDED.value)

_ITEM = select(
    Agreement.id,
    Agreement.version,
    Agreement.request_id,
    Agreement.employee_id,
    Agreement.decision_id,
    Agreement.status,
    Agreement.cost_cents,
    Agreement.created_at,
).order_by(Agreement.id)
_CLAIM_ITEM = select(
    RepaymentClaim.id,
    RepaymentClaim.version,
    RepaymentClaim.agreement_id,
    RepaymentClaim.employee_id,
    RepaymentClaim.leaves_on,
    RepaymentClaim.status,
    RepaymentClaim.amount_cents,
    RepaymentClaim.created_at,
).order_by(RepaymentClaim.id)


class AgreementRepository:
    """The agreements of one organisation."""

    def __init__(self, session: AsyncSession, organisation_id: UUID) -> None:
        self._session = session
        self._organisation_id = organisation_id

    async def add(self, *rows: Agreement | Signature | RepaymentClaim) -> None:
        """Store rows at once, so that a constraint they break is known here."""
        self._session.add_all(rows)
        await self._session.flush()

    async def flush(self) -> None:
        """Write what was changed, so that a constraint it breaks is known here."""
        await self._session.flush()

    async def agreement(
        self, agreement_id: UUID, *, visible: frozenset[UUID] | None, person_id: UUID | None
    ) -> Agreement | None:
        """Return an agreement that may be seen: of someone visible, or the actor's own to sign."""
        return await self._session.scalar(
            select(Agreement).where(
                Agreement.organisation_id == self._organisation_id,
                Agreement.id == agreement_id,
                *_seen(visible, person_id),
            )
        )

    async def lock_agreement(
        self, agreement_id: UUID, *, visible: frozenset[UUID] | None, person_id: UUID | None
    ) -> Agreement | None:
        """Return an agreement that may be seen, locked: its changes come one after another."""
        return await self._session.scalar(
            select(Agreement)
            .where(
                Agreement.organisation_id == self._organisation_id,
                Agreement.id == agreement_id,
                *_seen(visible, person_id),
            )
            .with_for_update(of=Agreement)
            .execution_options(populate_existing=True)
        )

    async def lock_live_of_request(
        self, request_id: UUID, *, employee_ids: Collection[UUID] | None = None
    ) -> Sequence[Agreement]:
        """Return the agreements of a request that are neither void nor superseded, locked."""
        query = select(Agreement).where(
            Agreement.organisation_id == self._organisation_id,
            Agreement.request_id == request_id,
            Agreement.status.not_in(_ENDED),
        )
        if employee_ids is not None:
            query = query.where(Agreement.employee_id.in_(employee_ids))
        return (
            await self._session.scalars(
                query.order_by(Agreement.id)
                .with_for_update(of=Agreement)
                .execution_options(populate_existing=True)
            )
        ).all()

    async def lock_live_of_employees(self, employee_ids: Collection[UUID]) -> Sequence[Agreement]:
        """Return the employees' agreements that are neither void nor superseded, locked."""
        return (
            await self._session.scalars(
                select(Agreement)
                .where(
                    Agreement.organisation_id == self._organisation_id,
                    Agreement.employee_id.in_(employee_ids),
                    Agreement.status.not_in(_ENDED),
                )
                .order_by(Agreement.id)
                .with_for_update(of=Agreement)
                .execution_options(populate_existing=True)
            )
        ).all()

    async def listed(
        self,
        page: PageOf,
        *,
        status: AgreementStatus | None,
        request_id: UUID | None,
        employee_id: UUID | None,
        visible: frozenset[UUID] | None,
        person_id: UUID | None,
    ) -> Page[Row[*tuple[Any, ...]]]:
        """Return a page of agreements that may be seen, oldest first."""
        query = _ITEM.where(
            Agreement.organisation_id == self._organisation_id, *_seen(visible, person_id)
        )
        if status is not None:
            query = query.where(Agreement.status == status.value)
        if request_id is not None:
            query = query.where(Agreement.request_id == request_id)
        if employee_id is not None:
            query = query.where(Agreement.employee_id == employee_id)
        if page.after is not None:
            query = query.where(Agreement.id > UUID(page.after[0]))
        rows = (await self._session.execute(query.limit(page.limit + 1))).all()
        return take(rows, page, key=_by_id)

    async def document(self, agreement_id: UUID) -> bytes | None:
        """Return the bytes of an agreement's document."""
        return await self._session.scalar(
            select(Agreement.document).where(
                Agreement.organisation_id == self._organisation_id,
                Agreement.id == agreement_id,
            )
        )

    async def signatures(self, agreement_id: UUID) -> Sequence[Signature]:
        """Return the signatures under an agreement, in the order they were set."""
        return (
            await self._session.scalars(
                select(Signature)
                .where(
                    Signature.organisation_id == self._organisation_id,
                    Signature.agreement_id == agreement_id,
                )
                .order_by(Signature.signed_at, Signature.id)
            )
        ).all()

    async def hours_held(self, employee_ids: Collection[UUID]) -> Sequence[Row[UUID, UUID, date]]:
        """Return employee, request and day of each session that hours are still reserved for."""
        return (
            await self._session.execute(
                select(
                    HourReservation.employee_id, HourReservation.request_id, HourReservation.held_on
                ).where(
                    HourReservation.organisation_id == self._organisation_id,
                    HourReservation.employee_id.in_(employee_ids),
                    HourReservation.status == ReservationStatus.OPEN.value,
                )
            )
        ).all()

    async def live_claims(self, agreement_ids: Collection[UUID]) -> Mapping[UUID, RepaymentClaim]:
        """Return the claims that are not withdrawn, locked, by agreement: at most one of each."""
        found = await self._session.scalars(
            select(RepaymentClaim)
            .where(
                RepaymentClaim.organisation_id == self._organisation_id,
                RepaymentClaim.agreement_id.in_(agreement_ids),
                RepaymentClaim.status != ClaimStatus.WITHDRAWN.value,
            )
            .order_by(RepaymentClaim.id)
            .with_for_update(of=RepaymentClaim)
            .execution_options(populate_existing=True)
        )
        return {claim.agreement_id: claim for claim in found}

    async def claim(
        self, claim_id: UUID, *, visible: frozenset[UUID] | None
    ) -> RepaymentClaim | None:
        """Return a claim on someone who is visible."""
        return await self._session.scalar(
            select(RepaymentClaim).where(
                RepaymentClaim.organisation_id == self._organisation_id,
                RepaymentClaim.id == claim_id,
                *_claims_seen(visible),
            )
        )

    async def lock_claim(self, claim_id: UUID) -> RepaymentClaim | None:
        """Return a claim, locked: what is decided on it comes one after another."""
        return await self._session.scalar(
            select(RepaymentClaim)
            .where(
                RepaymentClaim.organisation_id == self._organisation_id,
                RepaymentClaim.id == claim_id,
            )
            .with_for_update(of=RepaymentClaim)
            .execution_options(populate_existing=True)
        )

    async def listed_claims(
        self,
        page: PageOf,
        *,
        status: ClaimStatus | None,
        employee_id: UUID | None,
        agreement_id: UUID | None,
        visible: frozenset[UUID] | None,
    ) -> Page[Row[*tuple[Any, ...]]]:
        """Return a page of claims on people who are visible, oldest first."""
        query = _CLAIM_ITEM.where(
            RepaymentClaim.organisation_id == self._organisation_id, *_claims_seen(visible)
        )
        if status is not None:
            query = query.where(RepaymentClaim.status == status.value)
        if employee_id is not None:
            query = query.where(RepaymentClaim.employee_id == employee_id)
        if agreement_id is not None:
            query = query.where(RepaymentClaim.agreement_id == agreement_id)
        if page.after is not None:
            query = query.where(RepaymentClaim.id > UUID(page.after[0]))
        rows = (await self._session.execute(query.limit(page.limit + 1))).all()
        return take(rows, page, key=_by_id)


def _seen(
    visible: frozenset[UUID] | None, person_id: UUID | None
) -> tuple[ColumnElement[bool], ...]:
    """Return the condition on what may be seen; the manager that is named sees it too."""
    if visible is None:
        return ()
    return (or_(Agreement.employee_id.in_(visible), Agreement.manager_id == person_id),)


def _claims_seen(visible: frozenset[UUID] | None) -> tuple[ColumnElement[bool], ...]:
    return () if visible is None else (RepaymentClaim.employee_id.in_(visible),)


def _by_id(row: Row[*tuple[Any, ...]]) -> tuple[str, ...]:
    return (str(row.id),)
