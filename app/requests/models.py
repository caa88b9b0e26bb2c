"""Tables of the training requests, their tranches and their assessment."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, TenantRow, refers
from app.kernel.quantities import Cents, Minutes


class TrancheRow(TenantRow, Base):
    """A tranche that was opened: the requests submitted until one latest day (VIS-6.1)."""

    __tablename__ = "tranches"
    __table_args__ = (
        UniqueConstraint("organisation_id", "year", "number"),
        refers("policy_version_id", "policy_versions"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    year: Mapped[int]
    number: Mapped[int]
    opens_on: Mapped[date]
    closes_on: Mapped[date]
    decision_by: Mapped[date]
    policy_version_id: Mapped[UUID]


class ReferenceCounter(TenantRow, Base):
    """The last number given out of a series of references, such as ``A27-1``."""

    __tablename__ = "reference_counters"

    prefix: Mapped[str] = mapped_column(primary_key=True)
    last_number: Mapped[int]


class TrainingRequest(TenantRow, Base):
    """A training request (opleidingsaanvraag), individual or collective."""

    __tablename__ = "training_requests"
    __table_args__ = (
        UniqueConstraint("organisation_id", "reference"),
        refers("tranche_id", "tranches"),
        refers("applicant_id", "employees"),
        refers("endorsed_by_id", "employees"),
        refers("consented_by_id", "employees"),
        refers("policy_version_id", "policy_versions"),
        Index(None, "organisation_id", "status", "id"),
        Index(None, "organisation_id", "tranche_id", "status", "id"),
        Index(None, "organisation_id", "applicant_id", "id"),
        Index(None, "organisation_id", "title_key", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    reference: Mapped[str]
    status: Mapped[str]
    tranche_id: Mapped[UUID | None]
    interim: Mapped[bool]
    necessity: Mapped[str | None]
    consented_by_id: Mapped[UUID | None]
    consented_at: Mapped[datetime | None]
    consent_reason: Mapped[str | None]
    title: Mapped[str]
    title_key: Mapped[str]
    provider: Mapped[str]
    kind: Mapped[str]
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    motivation: Mapped[str]
    conversation_on: Mapped[date | None]
    basis: Mapped[str]
    applicant_id: Mapped[UUID | None]
    endorsed_by_id: Mapped[UUID | None]
    endorsed_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime | None]
    policy_version_id: Mapped[UUID | None]
    completed_on: Mapped[date | None]
    cancelled_on: Mapped[date | None]
    outcome_kind: Mapped[str | None]
    outcome_nlqf_level: Mapped[int | None]
    outcome_credits: Mapped[int | None]
    closing_reason: Mapped[str | None]
    source_digest: Mapped[str | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]


class RequestParticipant(TenantRow, Base):
    """An employee who takes part in what is requested."""

    __tablename__ = "request_participants"
    __table_args__ = (
        refers("request_id", "training_requests"),
        refers("employee_id", "employees"),
        Index(None, "organisation_id", "employee_id", "request_id"),
    )

    request_id: Mapped[UUID] = mapped_column(primary_key=True)
    employee_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int]
    status: Mapped[str]


class TrainingSessionRow(TenantRow, Base):
    """One session of the training, for every participant."""

    __tablename__ = "training_sessions"
    __table_args__ = (
        refers("request_id", "training_requests"),
        Index(None, "organisation_id", "request_id", "held_on"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    request_id: Mapped[UUID]
    held_on: Mapped[date]
    minutes: Mapped[Minutes]
    working_time: Mapped[bool]
    estimated: Mapped[bool]


class CostLineRow(TenantRow, Base):
    """One cost of the training, with the VAT on it."""

    __tablename__ = "cost_lines"
    __table_args__ = (refers("request_id", "training_requests"),)

    request_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    what: Mapped[str]
    amount_cents: Mapped[Cents]
    vat_cents: Mapped[Cents]
    per_participant: Mapped[bool]


class RequestGround(TenantRow, Base):
    """A criterion the request claims to serve, with its motivation."""

    __tablename__ = "request_grounds"
    __table_args__ = (refers("request_id", "training_requests"),)

    request_id: Mapped[UUID] = mapped_column(primary_key=True)
    criterion: Mapped[str] = mapped_column(primary_key=True)
    motivation: Mapped[str]


class BasisClassification(TenantRow, Base):
    """Which basis the training has by LAW-1, who said so, when and why; append-only."""

    __tablename__ = "basis_classifications"
    __table_args__ = (
        UniqueConstraint("organisation_id", "request_id", "sequence"),
        refers("request_id", "training_requests"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    request_id: Mapped[UUID]
    sequence: Mapped[int]
    basis: Mapped[str]
    source: Mapped[str | None]
    reason: Mapped[str]
    classified_by: Mapped[str]
    classified_by_id: Mapped[UUID | None]
    classified_at: Mapped[datetime]


class Assessment(TenantRow, Base):
    """HR's assessment (beoordeling) by the framework; the score is there once it is complete."""

    __tablename__ = "assessments"
    __table_args__ = (
        refers("request_id", "training_requests"),
        refers("policy_version_id", "policy_versions"),
    )

    request_id: Mapped[UUID] = mapped_column(primary_key=True)
    points: Mapped[int | None]
    most_points: Mapped[int | None]
    policy_version_id: Mapped[UUID]
    assessed_by: Mapped[str]
    assessed_at: Mapped[datetime]


class AssessmentRating(TenantRow, Base):
    """The rating and motivation on one criterion."""

    __tablename__ = "assessment_ratings"
    __table_args__ = (refers("request_id", "assessments", "request_id"),)

    request_id: Mapped[UUID] = mapped_column(primary_key=True)
    criterion: Mapped[str] = mapped_column(primary_key=True)
    rating: Mapped[int]
    motivation: Mapped[str]
