"""Tables of the agreements: their terms and document, who signed, and what leaving gave rise to."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, Json, TenantRow, refers
from app.kernel.quantities import Cents


class Agreement(TenantRow, Base):
    """A training agreement (opleidingsovereenkomst) of one employee for one training.

    The document's bytes are read only where they are asked for by name: never with the row.
    """

    __tablename__ = "agreements"
    __table_args__ = (
        refers("request_id", "training_requests"),
        refers("employee_id", "employees"),
        refers("manager_id", "employees"),
        refers("policy_version_id", "policy_versions"),
        Index(
            "uq_agreements_organisation_id_request_id_employee_id_live",
            "organisation_id",
            "request_id",
            "employee_id",
            unique=True,
            postgresql_where=text("status NOT IN ('void', 'superseded')"),
        ),
        Index(None, "organisation_id", "employee_id", "id"),
        Index(None, "organisation_id", "status", "id"),
        Index(None, "organisation_id", "decision_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    request_id: Mapped[UUID]
    employee_id: Mapped[UUID]
    manager_id: Mapped[UUID | None]
    decision_id: Mapped[UUID]
    policy_version_id: Mapped[UUID]
    cost_cents: Mapped[Cents]
    status: Mapped[str]
    terms: Mapped[Json | None] = mapped_column(JSONB(none_as_null=True))
    document: Mapped[bytes | None] = mapped_column(
        LargeBinary, deferred=True, deferred_raiseload=True
    )
    document_sha256: Mapped[str | None]
    created_at: Mapped[datetime]
    drawn_up_at: Mapped[datetime | None]
    frozen_at: Mapped[datetime | None]
    clause_voided_at: Mapped[datetime | None]
    closed_reason: Mapped[str | None]


class Signature(TenantRow, Base):
    """One signature (handtekening): who, as what, how, when, and over which bytes; append-only."""

    __tablename__ = "signatures"
    __table_args__ = (
        UniqueConstraint("organisation_id", "agreement_id", "role"),
        UniqueConstraint("organisation_id", "agreement_id", "employee_id"),
        refers("agreement_id", "agreements"),
        refers("employee_id", "employees"),
        Index(None, "organisation_id", "employee_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    agreement_id: Mapped[UUID]
    role: Mapped[str]
    employee_id: Mapped[UUID]
    signed_how: Mapped[str]
    signed_as: Mapped[str]
    signed_at: Mapped[datetime]
    document_sha256: Mapped[str]


class RepaymentClaim(TenantRow, Base):
    """What an employee who leaves owes under one agreement (terugvordering), and its course."""

    __tablename__ = "repayment_claims"
    __table_args__ = (
        refers("agreement_id", "agreements"),
        refers("employee_id", "employees"),
        ForeignKeyConstraint(
            ["organisation_id", "superseded_by"],
            ["repayment_claims.organisation_id", "repayment_claims.id"],
            name="fk_repayment_claims_organisation_id_superseded_by",
            ondelete="RESTRICT",
            deferrable=True,
            initially="DEFERRED",
        ),
        Index(
            "uq_repayment_claims_organisation_id_agreement_id_live",
            "organisation_id",
            "agreement_id",
            unique=True,
            postgresql_where=text("status <> 'withdrawn'"),
        ),
        Index(None, "organisation_id", "employee_id", "id"),
        Index(None, "organisation_id", "status", "id"),
        Index(None, "organisation_id", "superseded_by"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    agreement_id: Mapped[UUID]
    employee_id: Mapped[UUID]
    leaves_on: Mapped[date]
    reason: Mapped[str]
    initiative: Mapped[str]
    status: Mapped[str]
    band: Mapped[str]
    principal_cents: Mapped[Cents]
    amount_cents: Mapped[Cents]
    numerator: Mapped[int]
    denominator: Mapped[int]
    steps: Mapped[list[Any]] = mapped_column(JSONB)
    remarks: Mapped[list[Any]] = mapped_column(JSONB)
    waits_for: Mapped[list[Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime]
    confirmed_by: Mapped[UUID | None]
    confirmed_at: Mapped[datetime | None]
    confirmation_reason: Mapped[str | None]
    waived_by: Mapped[UUID | None]
    waived_at: Mapped[datetime | None]
    waiver_reason: Mapped[str | None]
    exported_by: Mapped[UUID | None]
    exported_at: Mapped[datetime | None]
    payroll_reference: Mapped[str | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawal_reason: Mapped[str | None]
    superseded_by: Mapped[UUID | None]
