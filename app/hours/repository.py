"""Where the hours are kept: norms, exceptions, reservations, attendances, a team's occupation."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BindParameter,
    ColumnElement,
    Date,
    Integer,
    Select,
    Uuid,
    and_,
    any_,
    bindparam,
    cast,
    extract,
    func,
    literal,
    or_,
    select,
    text,
    union_all,
)
from sqlalchemy import true as sql_true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.db.driver import AnyRow, as_json, fetch
from app.hours.models import Attendance, HourException, HourNorm, HourReservation
from app.hours.rules import (
    NORM,
    OWN_TIME,
    AttendanceView,
    ContractSpan,
    NormRecorded,
    Occupation,
    Pair,
    ReservationStatus,
    YearFigures,
)
from app.kernel.pages import Page, PageOf, take
from app.kernel.quantities import Minutes
from app.ledger.models import AccountRow
from app.people.models import Employment, Placement
from app.requests.models import RequestParticipant, TrainingRequest, TrainingSessionRow
from app.requests.rules import ParticipantStatus, RequestStatus

# What is asked of the MT and not decided yet.
_AWAITING = (RequestStatus.SUBMITTED, RequestStatus.UNDER_ASSESSMENT, RequestStatus.PROPOSED)
_ATTENDANCE = (
    Attendance.id,
    Attendance.reservation_id,
    Attendance.request_id,
    Attendance.session_id,
    Attendance.employee_id,
    Attendance.held_on,
    Attendance.working_time,
    Attendance.planned_minutes,
    Attendance.attended_minutes,
    Attendance.absence_reason,
    Attendance.transfer_id,
    Attendance.corrects_id,
    Attendance.correction_reason,
    Attendance.recorded_by,
    Attendance.recorded_at,
)
_ORGANISATION: BindParameter[Any] = bindparam("organisation_id")
_HOLD = (
    select(TrainingRequest.id)
    .where(
        TrainingRequest.organisation_id == _ORGANISATION,
        TrainingRequest.id == bindparam("request_id"),
    )
    .with_for_update(read=True, of=TrainingRequest)
)
# Attendance is what is recorded most: the two locks are one statement, and so are the two writes.
_HOLD_OPEN = text("""
    SELECT h.*
      FROM (
          SELECT r.id FROM training_requests r
           WHERE r.organisation_id = :organisation_id AND r.id = :request_id
             FOR SHARE OF r
      ) AS held
     CROSS JOIN LATERAL (
          SELECT * FROM reservations h
           WHERE h.organisation_id = :organisation_id
             AND h.request_id = held.id AND h.session_id = :session_id
             AND h.employee_id = ANY (CAST(:employee_ids AS uuid[])) AND h.status = 'open'
           ORDER BY h.id
             FOR UPDATE OF h
      ) AS h
""")
_RECORDED = tuple(field.name for field in fields(AttendanceView) if field.name != "holds")
# By ARRAY(SELECT ...): of a bare parameter PostgreSQL counts the values, so that a plan for these
# seems better than one for any, and it plans anew each time, for as long as the statement takes.
_RECORD = text("""
    WITH attended AS (
        UPDATE reservations h
           SET status = 'attended'
         WHERE h.organisation_id = :organisation_id
           AND h.id = ANY (ARRAY(SELECT unnest(CAST(:reservation_ids AS uuid[]))))
           AND h.status = 'open'
    )
    INSERT INTO attendances (
        organisation_id, id, reservation_id, request_id, session_id, employee_id, held_on,
        working_time, planned_minutes, attended_minutes, absence_reason, transfer_id, corrects_id,
        correction_reason, recorded_by, recorded_at
    )
    SELECT CAST(:organisation_id AS uuid), a.*
      FROM jsonb_to_recordset(CAST(:attendances AS jsonb)) AS a (
               id uuid, reservation_id uuid, request_id uuid, session_id uuid, employee_id uuid,
               held_on date, working_time boolean, planned_minutes bigint, attended_minutes bigint,
               absence_reason text, transfer_id uuid, corrects_id uuid, correction_reason text,
               recorded_by text, recorded_at timestamptz
           )
""")


@cache
def _lock_open(given: frozenset[str]) -> Select[HourReservation]:
    """Return the lock of a request's open reservations for one set of conditions; built once."""
    conditions: Mapping[str, ColumnElement[bool]] = {
        "employee_ids": HourReservation.employee_id
        == any_(bindparam("employee_ids", type_=ARRAY(Uuid()))),
        "held_after": HourReservation.held_on > bindparam("held_after"),
    }
    return (
        select(HourReservation)
        .where(
            HourReservation.organisation_id == _ORGANISATION,
            HourReservation.request_id == bindparam("request_id"),
            HourReservation.status == ReservationStatus.OPEN.value,
            *(condition for name, condition in conditions.items() if name in given),
        )
        .order_by(HourReservation.id)
        .with_for_update(of=HourReservation)
        .execution_options(populate_existing=True)
    )


class HourRepository:
    """The hours of one organisation."""

    def __init__(self, session: AsyncSession, organisation_id: UUID) -> None:
        self._session = session
        self._organisation_id = organisation_id
        self._tenant: dict[str, Any] = {"organisation_id": organisation_id}

    async def add(self, rows: Iterable[HourNorm | HourException | HourReservation]) -> None:
        """Store rows at once, so that a constraint they break is known here."""
        self._session.add_all(rows)
        await self._session.flush()

    async def flush(self) -> None:
        """Write what changed."""
        await self._session.flush()

    async def figures(
        self, employee_ids: Collection[UUID], years: Collection[int]
    ) -> dict[Pair, YearFigures]:
        """Return what the ledger holds of these employees' years; without accounts, left out.

        Both accounts of a year and the last norm come from one statement: one moment (L2).
        """
        norm = (
            select(
                HourNorm.position,
                HourNorm.policy_version_id,
                HourNorm.norm_minutes,
                HourNorm.transfer_id,
            )
            .where(
                HourNorm.organisation_id == self._organisation_id,
                HourNorm.employee_id == AccountRow.owner_id,
                HourNorm.calendar_year == cast(extract("year", AccountRow.period_from), Integer),
            )
            .order_by(HourNorm.position.desc())
            .limit(1)
            .lateral("norm")
        )
        rows = await self._session.execute(
            select(
                AccountRow.kind,
                AccountRow.owner_id,
                AccountRow.period_from,
                AccountRow.credits_posted,
                AccountRow.debits_pending,
                AccountRow.debits_posted,
                norm,
            )
            .outerjoin(norm, sql_true())
            .where(
                AccountRow.organisation_id == self._organisation_id,
                AccountRow.kind.in_((NORM, OWN_TIME)),
                AccountRow.owner_id == any_(_uuids(employee_ids)),
                AccountRow.period_from == any_(_days(date(year, 1, 1) for year in years)),
            )
        )
        accounts: dict[Pair, dict[str, AnyRow]] = {}
        for row in rows:
            accounts.setdefault((row.owner_id, row.period_from.year), {})[row.kind] = row
        return {pair: _figures(by_kind) for pair, by_kind in accounts.items()}

    async def contracts(
        self,
        *,
        from_on: date,
        before_on: date,
        employee_ids: Collection[UUID] | None = None,
        team_id: UUID | None = None,
    ) -> list[ContractSpan]:
        """Return the contracts that hold on some day of the half-open span, cut to that span.

        Of these employees, or of whoever is placed in the team then; by the first day.
        """
        query = (
            select(
                Placement.employee_id,
                func.greatest(Placement.valid_from, from_on).label("valid_from"),
                func.least(Placement.valid_until, Employment.left_on + 1, before_on).label(
                    "valid_until"
                ),
                Placement.contract_minutes_per_week,
            )
            .join(
                Employment,
                and_(
                    Employment.organisation_id == Placement.organisation_id,
                    Employment.id == Placement.employment_id,
                ),
            )
            .where(
                Placement.organisation_id == self._organisation_id,
                Placement.valid_from < before_on,
                or_(Placement.valid_until.is_(None), Placement.valid_until > from_on),
                or_(
                    Employment.left_on.is_(None),
                    and_(Employment.left_on >= from_on, Employment.left_on >= Placement.valid_from),
                ),
            )
            .order_by(Placement.valid_from, Placement.id)
        )
        if employee_ids is not None:
            query = query.where(Placement.employee_id == any_(_uuids(employee_ids)))
        if team_id is not None:
            query = query.where(Placement.team_id == team_id)
        return [
            ContractSpan(
                employee_id=row.employee_id,
                valid_from=row.valid_from,
                valid_until=row.valid_until,
                minutes_per_week=row.contract_minutes_per_week,
            )
            for row in await self._session.execute(query)
        ]

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
            query = query.where(HourException.employee_id == any_(_uuids(visible)))
        if employee_id is not None:
            query = query.where(HourException.employee_id == employee_id)
        if year is not None:
            query = query.where(HourException.calendar_year == year)
        if page.after is not None:
            query = query.where(HourException.id > UUID(page.after[0]))
        rows = await self._session.scalars(query.order_by(HourException.id).limit(page.limit + 1))
        return take(rows.all(), page, key=lambda row: (str(row.id),))

    async def hold_request(self, request_id: UUID) -> None:
        """Keep a request from being decided on while its hours move: share its row's lock."""
        await fetch(self._session, _HOLD, self._tenant | {"request_id": request_id})

    async def hold_open(
        self, request_id: UUID, *, session_id: UUID, employee_ids: Collection[UUID]
    ) -> dict[UUID, AnyRow]:
        """Hold the request as ``hold_request`` does, then lock the session's open reservations.

        Return those of these employees, by employee. One that the decision waited for makes only
        now is not among them: it is as if the attendance had come before it.
        """
        rows = await fetch(
            self._session,
            _HOLD_OPEN,
            self._tenant
            | {
                "request_id": request_id,
                "session_id": session_id,
                "employee_ids": list(employee_ids),
            },
        )
        return {row.employee_id: row for row in rows}

    async def record(self, attendances: Sequence[AttendanceView]) -> None:
        """Store attendances; what was held for them is held no longer."""
        await fetch(
            self._session,
            _RECORD,
            self._tenant
            | {
                "reservation_ids": [one.reservation_id for one in attendances],
                "attendances": as_json(
                    [{name: getattr(one, name) for name in _RECORDED} for one in attendances]
                ),
            },
        )

    async def lock_open(
        self,
        request_id: UUID,
        *,
        employee_ids: Collection[UUID] | None = None,
        held_after: date | None = None,
    ) -> Sequence[HourReservation]:
        """Return the open reservations of a request, locked, in order of id."""
        asked = {
            "employee_ids": None if employee_ids is None else list(employee_ids),
            "held_after": held_after,
        }
        given = {name: value for name, value in asked.items() if value is not None}
        locked = await self._session.scalars(
            _lock_open(frozenset(given)), self._tenant | {"request_id": request_id} | given
        )
        return locked.all()

    async def lock_reservation(self, reservation_id: UUID) -> HourReservation:
        """Return the reservation of an attendance, locked: corrections come one after another."""
        locked = await self._session.scalars(
            select(HourReservation)
            .where(
                HourReservation.organisation_id == self._organisation_id,
                HourReservation.id == reservation_id,
            )
            .with_for_update(of=HourReservation)
            .execution_options(populate_existing=True)
        )
        return locked.one()

    async def reserved_minutes(self, request_ids: Collection[UUID]) -> dict[Pair, Minutes]:
        """Return the working time these requests hold still, by employee and calendar year."""
        rows = await self._session.execute(
            select(
                HourReservation.employee_id, HourReservation.held_on, HourReservation.minutes
            ).where(
                HourReservation.organisation_id == self._organisation_id,
                HourReservation.request_id == any_(_uuids(request_ids)),
                HourReservation.status == ReservationStatus.OPEN.value,
                HourReservation.working_time,
            )
        )
        held: dict[Pair, Minutes] = {}
        for employee_id, held_on, minutes in rows:
            pair = employee_id, held_on.year
            held[pair] = Minutes(held.get(pair, 0) + minutes)
        return held

    async def attended(self, request_ids: Collection[UUID]) -> set[tuple[UUID, UUID]]:
        """Return session and employee of each attendance that these requests have on record."""
        rows = await self._session.execute(
            select(HourReservation.session_id, HourReservation.employee_id).where(
                HourReservation.organisation_id == self._organisation_id,
                HourReservation.request_id == any_(_uuids(request_ids)),
                HourReservation.status == ReservationStatus.ATTENDED.value,
            )
        )
        return {(session_id, employee_id) for session_id, employee_id in rows}

    async def has_reservations(
        self, request_id: UUID, session_id: UUID, *, visible: frozenset[UUID] | None
    ) -> bool:
        """Tell whether hours were ever reserved for the session, of someone who may be seen."""
        query = select(HourReservation.id).where(
            HourReservation.organisation_id == self._organisation_id,
            HourReservation.request_id == request_id,
            HourReservation.session_id == session_id,
        )
        if visible is not None:
            query = query.where(HourReservation.employee_id == any_(_uuids(visible)))
        return await self._session.scalar(query.limit(1)) is not None

    async def reservations(
        self,
        *,
        request_id: UUID | None,
        employee_id: UUID | None,
        visible: frozenset[UUID] | None,
        page: PageOf,
    ) -> Page[HourReservation]:
        """Return reservations that may be seen, in the order in which they were made."""
        query = select(HourReservation).where(
            HourReservation.organisation_id == self._organisation_id
        )
        if visible is not None:
            query = query.where(HourReservation.employee_id == any_(_uuids(visible)))
        if request_id is not None:
            query = query.where(HourReservation.request_id == request_id)
        if employee_id is not None:
            query = query.where(HourReservation.employee_id == employee_id)
        if page.after is not None:
            query = query.where(HourReservation.id > UUID(page.after[0]))
        rows = await self._session.scalars(query.order_by(HourReservation.id).limit(page.limit + 1))
        return take(rows.all(), page, key=lambda row: (str(row.id),))

    async def attendances(
        self, *, request_id: UUID, session_id: UUID, visible: frozenset[UUID] | None
    ) -> list[AttendanceView]:
        """Return the attendances of a session that may be seen, in order of recording."""
        query = self._attendances().where(
            Attendance.request_id == request_id, Attendance.session_id == session_id
        )
        if visible is not None:
            query = query.where(Attendance.employee_id == any_(_uuids(visible)))
        rows = await self._session.execute(query.order_by(Attendance.id))
        return [AttendanceView(**row) for row in rows.mappings()]

    async def attendance(self, attendance_id: UUID) -> AttendanceView | None:
        """Return one attendance; None when there is none of this id here."""
        rows = await self._session.execute(
            self._attendances().where(Attendance.id == attendance_id)
        )
        row = rows.mappings().one_or_none()
        return None if row is None else AttendanceView(**row)

    async def occupations(
        self, employee_ids: Collection[UUID], *, from_on: date, before_on: date
    ) -> list[Occupation]:
        """Return the working time asked, reserved and attended per employee and day, half-open."""
        people = _uuids(employee_ids)
        rows = await self._session.execute(
            union_all(
                self._requested(people, from_on, before_on),
                self._reserved(people, from_on, before_on),
                self._attended(people, from_on, before_on),
            )
        )
        return [
            Occupation(
                employee_id=row.employee_id,
                held_on=row.held_on,
                requested_minutes=Minutes(int(row.requested)),
                reserved_minutes=Minutes(int(row.reserved)),
                attended_minutes=Minutes(int(row.attended)),
            )
            for row in rows
        ]

    def _requested(
        self, people: BindParameter[Sequence[UUID]], from_on: date, before_on: date
    ) -> Select[*tuple[Any, ...]]:
        return (
            select(
                RequestParticipant.employee_id,
                TrainingSessionRow.held_on,
                func.sum(TrainingSessionRow.minutes).label("requested"),
                literal(0).label("reserved"),
                literal(0).label("attended"),
            )
            .join(
                TrainingRequest,
                and_(
                    TrainingRequest.organisation_id == RequestParticipant.organisation_id,
                    TrainingRequest.id == RequestParticipant.request_id,
                ),
            )
            .join(
                TrainingSessionRow,
                and_(
                    TrainingSessionRow.organisation_id == RequestParticipant.organisation_id,
                    TrainingSessionRow.request_id == RequestParticipant.request_id,
                ),
            )
            .where(
                RequestParticipant.organisation_id == self._organisation_id,
                RequestParticipant.employee_id == any_(people),
                RequestParticipant.status == ParticipantStatus.ENROLLED.value,
                TrainingRequest.status.in_([status.value for status in _AWAITING]),
                TrainingSessionRow.held_on >= from_on,
                TrainingSessionRow.held_on < before_on,
                TrainingSessionRow.working_time,
            )
            .group_by(RequestParticipant.employee_id, TrainingSessionRow.held_on)
        )

    def _reserved(
        self, people: BindParameter[Sequence[UUID]], from_on: date, before_on: date
    ) -> Select[*tuple[Any, ...]]:
        return (
            select(
                HourReservation.employee_id,
                HourReservation.held_on,
                literal(0),
                func.sum(HourReservation.minutes),
                literal(0),
            )
            .where(
                HourReservation.organisation_id == self._organisation_id,
                HourReservation.employee_id == any_(people),
                HourReservation.held_on >= from_on,
                HourReservation.held_on < before_on,
                HourReservation.status == ReservationStatus.OPEN.value,
                HourReservation.working_time,
            )
            .group_by(HourReservation.employee_id, HourReservation.held_on)
        )

    def _attended(
        self, people: BindParameter[Sequence[UUID]], from_on: date, before_on: date
    ) -> Select[*tuple[Any, ...]]:
        return (
            select(
                Attendance.employee_id,
                Attendance.held_on,
                literal(0),
                literal(0),
                func.sum(Attendance.attended_minutes),
            )
            .where(
                Attendance.organisation_id == self._organisation_id,
                Attendance.employee_id == any_(people),
                Attendance.held_on >= from_on,
                Attendance.held_on < before_on,
                Attendance.working_time,
                self._holds(),
            )
            .group_by(Attendance.employee_id, Attendance.held_on)
        )

    def _attendances(self) -> Select[*tuple[Any, ...]]:
        return select(*_ATTENDANCE, self._holds().label("holds")).where(
            Attendance.organisation_id == self._organisation_id
        )

    def _holds(self) -> ColumnElement[bool]:
        """Return the condition that no correction came after an attendance."""
        later = aliased(Attendance)
        return ~(
            select(later.id)
            .where(
                later.organisation_id == self._organisation_id, later.corrects_id == Attendance.id
            )
            .exists()
        )


def _uuids(ids: Collection[UUID]) -> BindParameter[Sequence[UUID]]:
    """Return ids as one array parameter, however many there are."""
    return literal(list(ids), ARRAY(Uuid()))


def _days(days: Iterable[date]) -> BindParameter[Sequence[date]]:
    return literal(list(days), ARRAY(Date()))


def _figures(by_kind: dict[str, AnyRow]) -> YearFigures:
    counted, own = by_kind.get(NORM), by_kind.get(OWN_TIME)
    return YearFigures(
        norm=None if counted is None or counted.position is None else _norm(counted),
        credited_minutes=Minutes(0 if counted is None else counted.credits_posted),
        reserved_minutes=Minutes(0 if counted is None else counted.debits_pending),
        spent_minutes=Minutes(0 if counted is None else counted.debits_posted),
        own_reserved_minutes=Minutes(0 if own is None else own.debits_pending),
        own_spent_minutes=Minutes(0 if own is None else own.debits_posted),
    )


def _norm(row: AnyRow) -> NormRecorded:
    return NormRecorded(
        position=row.position,
        policy_version_id=row.policy_version_id,
        norm_minutes=row.norm_minutes,
        transfer_id=row.transfer_id,
    )
