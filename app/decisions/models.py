"""Tables of the proposals and the decisions."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, Json, TenantRow, refers
from app.kernel.quantities import Cents, Minutes


class Proposal(TenantRow, Base):
    """HR's substantiated proposal to the MT on the requests of a tranche (VIS-6.3)."""

    __tablename__ = "proposals"
    __table_args__ = (
        refers("tranche_id", "tranches"),
        refers("policy_version_id", "policy_versions"),
        Index(None, "organisation_id", "tranche_id"),
        Index(
            "uq_proposals_organisation_id_tranche_id_open",
            "organisation_id",
            "tranche_id",
            unique=True,
            postgresql_where=text("status <> 'decided'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    tranche_id: Mapped[UUID | None]
    title: Mapped[str]
    substantiation: Mapped[str]
    status: Mapped[str]
    policy_version_id: Mapped[UUID]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    submitted_by: Mapped[str | None]
    submitted_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]


class ProposalItem(TenantRow, Base):
    """One request in a proposal: its rank, and what HR advises."""

    __tablename__ = "proposal_items"
    __table_args__ = (
        UniqueConstraint("organisation_id", "proposal_id", "request_id"),
        UniqueConstraint("organisation_id", "proposal_id", "rank"),
        refers("proposal_id", "proposals"),
        refers("request_id", "training_requests"),
        Index(None, "organisation_id", "request_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    proposal_id: Mapped[UUID]
    request_id: Mapped[UUID]
    rank: Mapped[int]
    advice: Mapped[str]
    amount_cents: Mapped[Cents]
    employee_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    working_minutes: Mapped[Minutes]
    score: Mapped[int]
    priority: Mapped[bool]
    conditions: Mapped[str | None]
    motivation: Mapped[str]


class Decision(TenantRow, Base):
    """One decision on one request; immutable, revised by a later one that points to it."""

    __tablename__ = "decisions"
    __table_args__ = (
        UniqueConstraint("organisation_id", "revises_id"),
        UniqueConstraint("organisation_id", "proposal_item_id"),
        refers("proposal_id", "proposals"),
        refers("proposal_item_id", "proposal_items"),
        refers("request_id", "training_requests"),
        refers("policy_version_id", "policy_versions"),
        refers("revises_id", "decisions"),
        Index("ix_decisions_organisation_id_request_id", "organisation_id", "request_id", "id"),
        Index(None, "organisation_id", "proposal_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    proposal_id: Mapped[UUID | None]
    proposal_item_id: Mapped[UUID | None]
    request_id: Mapped[UUID]
    outcome: Mapped[str]
    amount_cents: Mapped[Cents]
    employee_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    budget_year: Mapped[int]
    motivation: Mapped[str | None]
    conditions: Mapped[str | None]
    repayment: Mapped[Json] = mapped_column(JSONB())
    effects: Mapped[Json] = mapped_column(JSONB())
    policy_version_id: Mapped[UUID]
    decided_by: Mapped[str]
    decided_by_person_id: Mapped[UUID | None]
    decided_at: Mapped[datetime]
    revises_id: Mapped[UUID | None]
