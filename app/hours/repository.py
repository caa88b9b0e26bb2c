"""Where the hours are kept: exceptions, reservations, attendances, and a team's occupation."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import cast
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, func, not_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.hours.models import Attendance, HourException, HourReservation
from app.hours.rules import ReservationStatus
from app.kernel.pages import Page, PageOf, take



class HourRepository:
    """The hours of one organisation."""

    def __init__(self, session: AsyncSession, organisation_id: UUID) -> None:
        self._session = session
        self._organisation_id = organisation_id

    async def add(self, *rows: HourException | HourReservation | Attendance) -> None:
        """Store rows at once, so that a constraint they break is known here."""
        self._session.add_all(rows)
        await self._session.flush()

    async def exception_minutes(
        self, employee_ids: Collection[UUID], years: Collection[int]
    ) -> dict[tuple[UUID, int], int]:
        """Return the minutes of exceptions per employee and year; a pair without any is left out."""
        rows = await self._session.execute(
            select(
                HourException.employee_id,
                HourException.calendar_year,
                func.sum(HourException.minutes),
            )
            .where(
                HourException.organisation_id == self._organisation_id,
                HourException.employee_id.in_(employee_ids),
                HourException.calendar_year.in_(years),
            )
            .group_by(HourException.employee_id, HourException.calendar_year)
        )
        return {(employee, year): int(minutes) for employee, year, minutes in rows}

    async def exceptions(
        self,
        *,
        employee_id: UUID | None,
        year: int | None,
        visible: frozenset[UUID] | None,
        page: PageOf,
    ) -> Page[HourException]:
        """Return exceptions that may be seen, oldest first."""
        query = select(HourException).where(HourException.organisation_id == self._organisation_id)
        if visible is not None:
            query = query.where(HourException.employee_id.in_(visible))
        if employee_id is not None:
            query = query.where(HourException.employee_id == employee_id)
        if year is not None:
            query = query.where(HourException.calendar_year == year)
        if page.after is not None:
            query = query.where(HourException.id > UUID(page.after[0]))
        rows = (
            await self._session.scalars(query.order_by(HourException.id).limit(page.limit + 1))
        ).all()
        return take(rows, page, key=lambda row: (str(row.id),))

    async def lock_open(
        self,
        *,
        request_id: UUID | None = None,
        session_id: UUID | None = None,
        employee_ids: Collection[UUID] | None = None,
        held_after: date | None = None,
    ) -> Sequence[HourReservation]:
        """Return open reservations, locked, in order of id."""
        query = select(HourReservation).where(
            HourReservation.organisation_id == self._organisation_id,
            HourReservation.status == ReservationStatus.OPEN.value,
        )
        if request_id is not None:
            query = query.where(HourReservation.request_id == request_id)
        if session_id is not None:
            query = query.where(HourReservation.session_id == session_id)
        if employee_ids is not None:
            query = query.where(HourReservation.employee_id.in_(employee_ids))
        if held_after is not None:
            query = query.where(HourReservation.held_on > held_after)
        return (
            await self._session.scalars(
                query.order_by(HourReservation.id)
                .with_for_update(of=HourReservation)
                .execution_options(populate_existing=True)
            )
        ).all()

    async def open_minutes(
        self, request_ids: Collection[UUID]
    ) -> Sequence[Row[tuple[UUID, date, int]]]:
        """Return employee, day and working minutes of what these requests hold open."""
        return (
            await self._session.execute(
                select(HourReservation.employee_id, HourReservation.held_on, HourReservation.minutes)
                .where(
                    HourReservation.organisation_id == self._organisation_id,
                    HourReservation.request_id.in_(request_ids),
                    HourReservation.status == ReservationStatus.OPEN.value,
                    HourReservation.working_time,
                )
            )
        ).all()

    async def reservations(
        self,
        *,
        request_id: UUID | None,
        employee_id: UUID | None,
        visible: frozenset[UUID] | None,
        page: PageOf,
    ) -> Page[HourReservation]:
        """Return reservations that may be seen, in order of id."""
        query = select(HourReservation).where(
            HourReservation.organisation_id == self._organisation_id
        )
        if visible is not None:
            query = query.where(HourReservation.employee_id.in_(visible))
        if request_id is not None:
            query = query.where(HourReservation.request_id == request_id)
        if employee_id is not None:
            query = query.where(HourReservation.employee_id == employee_id)
        if page.after is not None:
            query = query.where(HourReservation.id > UUID(page.after[0]))
        rows = (
            await self._session.scalars(query.order_by(HourReservation.id).limit(page.limit + 1))
        ).all()
        return take(rows, page, key=lambda row: (str(row.id),))

    async def attendances(
        self, *, request_id: UUID, session_id: UUID, visible: frozenset[UUID] | None
    ) -> Sequence[Row[tuple[Attendance, bool]]]:
        """Return the attendances of a session in order of recording, and whether each holds."""
        later = aliased(Attendance)
        query = (
            select(Attendance, later.id.is_(None))
            .outerjoin(
                later,
                and_(
                    later.organisation_id == Attendance.organisation_id,
                    later.corrects_id == Attendance.id,
                ),
            )
            .where(
                Attendance.organisation_id == self._organisation_id,
                Attendance.request_id == request_id,
                Attendance.session_id == session_id,
            )
        )
        if visible is not None:
            query = query.where(Attendance.employee_id.in_(visible))
        return (await self._session.execute(query.order_by(Attendance.id))).tuples().all()

    async def attendance(self, attendance_id: UUID) -> Attendance | None:
        return await self._session.get(Attendance, (self._organisation_id, attendance_id))

    async def lock_reservation(self, reservation_id: UUID) -> HourReservation:
        """Return the reservation of an attendance, locked: corrections come one after another."""
        return cast(
            "HourReservation",
            (
                await self._session.scalars(
                    select(HourReservation)
                    .where(
                        HourReservation.organisation_id == self._organisation_id,
                        HourReservation.id == reservation_id,
                    )
                    .with_for_update(of=HourReservation)
                )
            ).one(),
        )

    async def occupied(
        self, employee_ids: Collection[UUID], *, from_on: date, before_on: date
    ) -> Sequence[Row[tuple[UUID, date, int, int]]]:
        """Return employee, day, reserved and attended working minutes, half-open in days."""
        holds = not_(_corrected())
        reserved = (
            select(
                HourReservation.employee_id,
                HourReservation.held_on,
                func.sum(HourReservation.minutes).label("reserved"),
                func.sum(0).label("attended"),
            )
            .where(
                HourReservation.organisation_id == self._organisation_id,
                HourReservation.employee_id.in_(employee_ids),
                HourReservation.held_on >= from_on,
                HourReservation.held_on < before_on,
                HourReservation.status == ReservationStatus.OPEN.value,
                HourReservation.working_time,
            )
            .group_by(HourReservation.employee_id, HourReservation.held_on)
        )
        attended = (
            select(
                Attendance.employee_id,
                Attendance.held_on,
                func.sum(0),
                func.sum(Attendance.attended_minutes),
            )
            .where(
                Attendance.organisation_id == self._organisation_id,
                Attendance.employee_id.in_(employee_ids),
                Attendance.held_on >= from_on,
                Attendance.held_on < before_on,
                Attendance.working_time,
                holds,
            )
            .group_by(Attendance.employee_id, Attendance.held_on)
        )
        return (await self._session.execute(reserved.union_all(attended))).all()


def _corrected() -> ColumnElement[bool]:
    later = aliased(Attendance)
    return (
        select(later.id)
        .where(
            later.organisation_id == Attendance.organisation_id,
            later.corrects_id == Attendance.id,
        )
        .exists()
    )
