"""Tables of the organisation and its policy versions."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, Json, TenantRow


class Organisation(TenantRow, Base):
    """The organisation itself: an employer or a fund."""

    __tablename__ = "organisations"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organisation_id"],
            ["tenants.organisation_id"],
            name="fk_organisations_organisation_id",
            ondelete="RESTRICT",
        ),
    )

    name: Mapped[str]
    kind: Mapped[str]
    version: Mapped[int]
    founded_at: Mapped[datetime]


class PolicyVersion(TenantRow, Base):
    """A dated policy (beleidsversie): a draft until it goes live, and final from then on."""

    __tablename__ = "policy_versions"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name="fk_policy_versions_organisation_id",
            ondelete="RESTRICT",
        ),
        Index(
            "uq_policy_versions_organisation_id_valid_from_live",
            "organisation_id",
            "valid_from",
            unique=True,
            postgresql_where=text("status = 'live'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    title: Mapped[str]
    status: Mapped[str]
    valid_from: Mapped[date]
    settings: Mapped[Json]
    consent_reference: Mapped[str | None]
    drafted_by: Mapped[str]
    drafted_at: Mapped[datetime]
    activated_by: Mapped[str | None]
    activated_at: Mapped[datetime | None]
