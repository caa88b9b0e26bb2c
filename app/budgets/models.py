"""Tables of the means: what was set, what is committed, what was invoiced."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, TenantRow, refers
from app.kernel.quantities import Cents


class MeansSetting(TenantRow, Base):
    """One decision of the MT on the means of a year; append-only, the last one holds."""

    __tablename__ = "means_settings"
    __table_args__ = (
        UniqueConstraint("organisation_id", "budget_year", "position"),
        refers("transfer_id", "transfers"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    budget_year: Mapped[int]
    position: Mapped[int]
    amount_cents: Mapped[Cents]
    previous_cents: Mapped[Cents]
    motivation: Mapped[str]
    transfer_id: Mapped[UUID | None]
    set_by: Mapped[str]
    set_at: Mapped[datetime]


class Commitment(TenantRow, Base):
    """What a grant binds (verplichting); its figures are those of the ledger, kept here to read."""

    __tablename__ = "commitments"
    __table_args__ = (
        UniqueConstraint("organisation_id", "decision_id"),
        refers("request_id", "training_requests"),
        refers("transfer_id", "transfers"),
        Index(None, "organisation_id", "budget_year", "id"),
        Index(None, "organisation_id", "request_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    budget_year: Mapped[int]
    request_id: Mapped[UUID]
    decision_id: Mapped[UUID]
    amount_cents: Mapped[Cents]
    open_cents: Mapped[Cents]
    spent_cents: Mapped[Cents]
    status: Mapped[str]
    transfer_id: Mapped[UUID]
    created_at: Mapped[datetime]


class Actual(TenantRow, Base):
    """One invoice booked on a commitment; append-only."""

    __tablename__ = "actuals"
    __table_args__ = (
        UniqueConstraint("organisation_id", "commitment_id", "invoice_reference"),
        refers("commitment_id", "commitments"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    commitment_id: Mapped[UUID]
    amount_cents: Mapped[Cents]
    invoice_reference: Mapped[str]
    invoiced_on: Mapped[date]
    final: Mapped[bool]
    recorded_by: Mapped[str]
    recorded_at: Mapped[datetime]
