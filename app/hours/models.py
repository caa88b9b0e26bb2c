"""Tables of the hours: what is reserved, what was attended, which exceptions were decided."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, TenantRow, refers
from app.kernel.quantities import Minutes


class HourNorm(TenantRow, Base):
    """The norm put on an employee's year by a policy version; append-only, the last one holds."""

    __tablename__ = "hour_norms"
    __table_args__ = (
        UniqueConstraint(
            "organisation_id",
            "employee_id",
            "calendar_year",
            "position",
            name="uq_hour_norms_employee_year_position",
        ),
        refers("employee_id", "employees"),
        refers("policy_version_id", "policy_versions"),
        refers("transfer_id", "transfers"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    employee_id: Mapped[UUID]
    calendar_year: Mapped[int]
    position: Mapped[int]
    policy_version_id: Mapped[UUID]
    norm_minutes: Mapped[Minutes]
    transfer_id: Mapped[UUID | None]


class HourException(TenantRow, Base):
    """An individual decision of the MT to pass the norm (VIS-8.2, VIS-10.1); append-only."""

    __tablename__ = "hour_exceptions"
    __table_args__ = (
        refers("employee_id", "employees"),
        refers("transfer_id", "transfers"),
        Index(None, "organisation_id", "employee_id", "calendar_year"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    employee_id: Mapped[UUID]
    calendar_year: Mapped[int]
    minutes: Mapped[Minutes]
    ground: Mapped[str]
    reason: Mapped[str]
    discussed_on: Mapped[date]
    decided_by: Mapped[str]
    decided_by_person_id: Mapped[UUID | None]
    decided_at: Mapped[datetime]
    transfer_id: Mapped[UUID]


class HourReservation(TenantRow, Base):
    """Hours held for one participant in one session by a grant."""

    __tablename__ = "reservations"
    __table_args__ = (
        UniqueConstraint(
            "organisation_id",
            "decision_id",
            "session_id",
            "employee_id",
            name="uq_reservations_decision_session_employee",
        ),
        refers("request_id", "training_requests"),
        refers("employee_id", "employees"),
        refers("transfer_id", "transfers"),
        Index(None, "organisation_id", "request_id", "session_id"),
        Index(None, "organisation_id", "employee_id", "held_on"),
        Index(
            "uq_reservations_organisation_id_session_id_employee_id_live",
            "organisation_id",
            "session_id",
            "employee_id",
            unique=True,
            postgresql_where=text("status <> 'released'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    request_id: Mapped[UUID]
    session_id: Mapped[UUID]
    employee_id: Mapped[UUID]
    decision_id: Mapped[UUID]
    held_on: Mapped[date]
    minutes: Mapped[Minutes]
    working_time: Mapped[bool]
    status: Mapped[str]
    transfer_id: Mapped[UUID]


class Attendance(TenantRow, Base):
    """What one participant attended of one session; append-only, corrected by a next row."""

    __tablename__ = "attendances"
    __table_args__ = (
        UniqueConstraint("organisation_id", "corrects_id"),
        refers("reservation_id", "reservations"),
        refers("corrects_id", "attendances"),
        refers("transfer_id", "transfers"),
        Index(
            "uq_attendances_organisation_id_reservation_id_first",
            "organisation_id",
            "reservation_id",
            unique=True,
            postgresql_where=text("corrects_id IS NULL"),
        ),
        Index(None, "organisation_id", "request_id", "session_id"),
        Index(None, "organisation_id", "employee_id", "held_on"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reservation_id: Mapped[UUID]
    request_id: Mapped[UUID]
    session_id: Mapped[UUID]
    employee_id: Mapped[UUID]
    held_on: Mapped[date]
    working_time: Mapped[bool]
    planned_minutes: Mapped[Minutes]
    attended_minutes: Mapped[Minutes]
    absence_reason: Mapped[str | None]
    transfer_id: Mapped[UUID]
    corrects_id: Mapped[UUID | None]
    correction_reason: Mapped[str | None]
    recorded_by: Mapped[str]
    recorded_at: Mapped[datetime]
