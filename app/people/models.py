"""Tables of the people: who is employed, where, under whom, since when and until when."""

from datetime import date
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, TenantRow
from app.kernel.quantities import Minutes


class Team(TenantRow, Base):
    __tablename__ = "teams"
    __table_args__ = (UniqueConstraint("organisation_id", "department", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    department: Mapped[str]
    name: Mapped[str]


class Function(TenantRow, Base):
    __tablename__ = "functions"
    __table_args__ = (UniqueConstraint("organisation_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]


class Employee(TenantRow, Base):
    """A person (medewerker) by personnel number; employments come and go, the person stays.

    ``email_key`` and ``family_key`` are what is compared and searched by (``rules.search_key``).
    """

    __tablename__ = "employees"
    __table_args__ = (
        UniqueConstraint("organisation_id", "personnel_number"),
        UniqueConstraint("organisation_id", "email_key", deferrable=True, initially="IMMEDIATE"),
        Index(
            "ix_employees_organisation_id_family_key",
            "organisation_id",
            "family_key",
            postgresql_ops={"family_key": "text_pattern_ops"},
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    personnel_number: Mapped[str]
    given_name: Mapped[str]
    infix: Mapped[str | None]
    family_name: Mapped[str]
    family_key: Mapped[str]
    email: Mapped[str]
    email_key: Mapped[str]
    born_on: Mapped[date | None]
    education_level: Mapped[str | None]


class Employment(TenantRow, Base):
    """One employment (dienstverband); ``left_on`` is its last day, None as long as it is open."""

    __tablename__ = "employments"
    __table_args__ = (
        UniqueConstraint("organisation_id", "employee_id", "hired_on"),
        ForeignKeyConstraint(
            ["organisation_id", "employee_id"],
            ["employees.organisation_id", "employees.id"],
            name="fk_employments_organisation_id_employee_id",
            ondelete="RESTRICT",
        ),
        Index(
            "uq_employments_organisation_id_employee_id_open",
            "organisation_id",
            "employee_id",
            unique=True,
            postgresql_where=text("left_on IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    employee_id: Mapped[UUID]
    hired_on: Mapped[date]
    left_on: Mapped[date | None]
    kind: Mapped[str]
    leaving_reason: Mapped[str | None]
    leaving_initiative: Mapped[str | None]


class Placement(TenantRow, Base):
    """Team, function, manager and hours of someone, half-open in time, within one employment.

    An end of the employment is kept there alone: a placement without ``valid_until`` holds until
    the employment's last day.
    """

    __tablename__ = "placements"
    __table_args__ = (
        UniqueConstraint("organisation_id", "employment_id", "valid_from"),
        ForeignKeyConstraint(
            ["organisation_id", "employment_id"],
            ["employments.organisation_id", "employments.id"],
            name="fk_placements_organisation_id_employment_id",
            ondelete="RESTRICT",
        ),
        ForeignKeyConstraint(
            ["organisation_id", "employee_id"],
            ["employees.organisation_id", "employees.id"],
            name="fk_placements_organisation_id_employee_id",
            ondelete="RESTRICT",
        ),
        ForeignKeyConstraint(
            ["organisation_id", "manager_id"],
            ["employees.organisation_id", "employees.id"],
            name="fk_placements_organisation_id_manager_id",
            ondelete="RESTRICT",
        ),
        ForeignKeyConstraint(
            ["organisation_id", "team_id"],
            ["teams.organisation_id", "teams.id"],
            name="fk_placements_organisation_id_team_id",
            ondelete="RESTRICT",
        ),
        ForeignKeyConstraint(
            ["organisation_id", "function_id"],
            ["functions.organisation_id", "functions.id"],
            name="fk_placements_organisation_id_function_id",
            ondelete="RESTRICT",
        ),
        Index(
            "uq_placements_organisation_id_employment_id_open",
            "organisation_id",
            "employment_id",
            unique=True,
            postgresql_where=text("valid_until IS NULL"),
        ),
        Index(None, "organisation_id", "employee_id", "valid_from"),
        Index(None, "organisation_id", "manager_id", "valid_from"),
        Index(None, "organisation_id", "team_id", "valid_from"),
        Index(None, "organisation_id", "function_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    employment_id: Mapped[UUID]
    employee_id: Mapped[UUID]
    team_id: Mapped[UUID]
    function_id: Mapped[UUID]
    manager_id: Mapped[UUID | None]
    contract_minutes_per_week: Mapped[Minutes]
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
